//! Text that others wrote, made fit for a terminal.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::lookalike::{Lookalikes, Word, words};

/// `text` with every character escaped that could steer a terminal or is not seen: control characters, those
/// that turn the direction of writing or take no place, and spaces other than ASCII's. So is each letter of
/// another script in a word that mixes scripts.
pub(in crate::cli) fn escape(text: &str) -> String {
    escaped(text, |word, character| {
        word.is_foreign(character) || is_unfit(character)
    })
}

/// As [`escape`], for a name that another participant chose. Spaces around it are escaped too, and so are
/// characters that look like ASCII, unless the whole name is in one script.
pub(in crate::cli) fn escape_name(name: &str) -> String {
    let lookalikes = Lookalikes::of_name(name);
    let after = name.trim_start_matches(' ');
    let inner = after.trim_end_matches(' ');
    let before = name.len().saturating_sub(after.len());
    let behind = after.len().saturating_sub(inner.len());
    let inner = escaped(inner, |word, character| {
        word.is_foreign(character) || is_unfit(character) || lookalikes.contains(word, character)
    });
    format!("{}{inner}{}", spaces(before), spaces(behind))
}

fn escaped(text: &str, is_escaped: impl Fn(&Word<'_>, char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for word in words(text) {
        for character in word.chars() {
            if is_escaped(&word, character) {
                escaped.extend(character.escape_unicode());
            } else {
                escaped.push(character);
            }
        }
    }
    escaped
}

fn spaces(count: usize) -> String {
    r"\u{20}".repeat(count)
}

fn is_unfit(character: char) -> bool {
    let is_odd_space = character.is_whitespace() && character != ' ';
    is_odd_space || character.is_control() || is_invisible(character)
}

/// Unicode's `Default_Ignorable_Code_Point`, characters for private use, and others that are blank or turn the
/// direction.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Text as a word of a shell's command line.
pub(in crate::cli) fn shell_word(text: &str) -> String {
    let text = escape(text);
    // Only a NUL has no quotes, and it was escaped.
    shlex::try_quote(&text).map_or_else(|_| text.clone(), Cow::into_owned)
}

/// A number and what is counted, as `1 secret` or `2 secrets`.
pub(in crate::cli) fn count(number: usize, what: &str) -> String {
    match (number, what.strip_suffix("ry")) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ries"),
        (_, None) => format!("{number} {what}s"),
    }
}

/// Whether bytes can be written to a terminal: UTF-8 text without control characters but tab and
/// newline.
pub(in crate::cli) fn is_fit_for_terminal(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()))
}

/// A time as RFC 3339 has it.
pub(in crate::cli) fn time(unix: u64) -> String {
    // The last second that the format has.
    const LAST: u64 = 253_402_300_799;
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(unix.min(LAST)));
    humantime::format_rfc3339_seconds(time.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// A time in milliseconds, as RFC 3339 has it.
pub(in crate::cli) fn time_millis(unix: u64) -> String {
    let seconds = time(unix / 1000);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), unix % 1000)
}

/// Lines of a table: columns two spaces apart, as wide as their widest cell, cut to fit `width`
/// columns of a terminal. The column `whole` is never cut: people copy what is in it. The others give way
/// one after the other, the first of them first; what does not fit even then is left to the terminal to wrap.
pub(in crate::cli) fn table(rows: &[Vec<String>], width: usize, whole: usize) -> Vec<String> {
    const GAP: usize = 2;
    /// Least columns of a cell that was cut.
    const LEAST: usize = 8;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = cell.width().max(*widest);
        }
    }
    let gaps = GAP.saturating_mul(columns.saturating_sub(1));
    let total = widths.iter().sum::<usize>().saturating_add(gaps);
    let mut over = total.saturating_sub(width);
    for (column, widest) in widths.iter_mut().enumerate() {
        if column != whole {
            let given = over.min(widest.saturating_sub(LEAST));
            *widest -= given;
            over -= given;
        }
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| fit(cell, *width))
            .collect();
        cells.join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `text` in exactly `width` columns.
fn fit(text: &str, width: usize) -> String {
    let mut fitted = shorten(text, width);
    fitted.push_str(&" ".repeat(width.saturating_sub(fitted.width())));
    fitted
}

/// `text` in at most `width` columns, with an ellipsis where it was longer.
pub(in crate::cli) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        short.push(character);
        used += columns;
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(escape("a\x1b[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(escape("größe 🔑"), "größe 🔑");
        assert_eq!(
            escape("Das Geheimnis сара ist für Ада"),
            "Das Geheimnis сара ist für Ада"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for character in [
            '\u{a0}',
            '\u{3000}',
            '\u{2003}',
            '\u{202e}',
            '\u{2067}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{ad}',
            '\u{3164}',
            '\u{e0041}',
            '\u{fe0f}',
        ] {
            let shown = format!("a{}b", character.escape_unicode());
            assert_eq!(escape(&format!("a{character}b")), shown);
            assert_eq!(escape_name(&format!("a{character}b")), shown);
        }
        assert_eq!(escape_name(" ada  b "), r"\u{20}ada  b\u{20}");
        assert_eq!(escape_name("  "), r"\u{20}\u{20}");
    }

    #[test]
    fn letters_that_look_like_others_are_shown() {
        for (name, shown) in [
            // Cyrillic, Greek, Cherokee and Armenian letters in a Latin word.
            ("\u{430}da", r"\u{430}da"),
            ("ad\u{3b1}", r"ad\u{3b1}"),
            ("\u{13aa}da", r"\u{13aa}da"),
            ("h\u{585}st", r"h\u{585}st"),
            // A whole word of them beside Latin ones.
            (
                "db/\u{440}\u{430}\u{455}\u{455}",
                r"db/\u{440}\u{430}\u{455}\u{455}",
            ),
            // Letters of the Latin script that no language writes names with, and symbols.
            ("\u{ff41}da", r"\u{ff41}da"),
            ("\u{251}da", r"\u{251}da"),
            ("\u{1d41a}da", r"\u{1d41a}da"),
            ("a\u{2010}b", r"a\u{2010}b"),
            ("a\u{2215}b", r"a\u{2215}b"),
            ("db\u{30ce}pass", r"db\u{30ce}pass"),
            // Two scripts, and neither is Latin.
            ("\u{430}\u{3b4}", r"\u{430}\u{3b4}"),
        ] {
            assert_eq!(escape_name(name), shown);
        }
    }

    #[test]
    fn names_of_any_language_are_left_alone() {
        for name in [
            "größe",
            "Łódź-ı",
            "ключ/пароль",
            "сара",
            "ада-1",
            "αλφα",
            "鍵",
            "データベースのパスワード",
            "API キー",
            "APIキー",
            "한국어",
            "DB비밀",
            "密码/db",
            "ключ/db",
            "مفتاح",
            "🔑 key",
            "naïve",
            "ação",
        ] {
            assert_eq!(escape_name(name), name);
        }
    }

    #[test]
    fn times() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(time(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn words_of_a_shell() {
        assert_eq!(shell_word("https://a.example/b"), "https://a.example/b");
        for text in ["it's $(x)", "", "a b", "\"$x\" `y`", "!x"] {
            assert_eq!(shlex::split(&shell_word(text)), Some(vec![text.to_owned()]));
        }
        assert_eq!(shlex::split(&shell_word("a\0")), Some(vec!["a\\u{0}".to_owned()]));
    }

    #[test]
    fn what_a_terminal_may_be_sent() {
        assert!(is_fit_for_terminal("pass wörd\n\tx".as_bytes()));
        for bytes in [&b"a\x1bb"[..], b"\xff", b"\0", b"a\rb", "\u{9b}".as_bytes()] {
            assert!(!is_fit_for_terminal(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_table_fits() {
        let rows = vec![
            vec!["ID".into(), "NAME".into()],
            vec!["a".into(), "a very long name that goes on and on".into()],
            vec!["日本語の長い長い識別子".into(), "b".into()],
        ];
        let lines = table(&rows, 40, 0);
        assert!(lines.iter().all(|line| line.width() <= 40), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains('…')));
        assert_eq!(
            table(&rows, 200, 0).first().map(String::as_str),
            Some("ID                      NAME")
        );
    }

    #[test]
    fn one_column_of_a_table_is_never_cut() {
        let row = [
            "production/payments/stripe/key",
            "application/octet-stream",
            "Stripe's live key",
        ];
        let rows = [row.map(str::to_owned).to_vec()];
        let line = |width| table(&rows, width, 0).concat();
        assert_eq!(
            line(59),
            "production/payments/stripe/key  applica…  Stripe's live key"
        );
        assert_eq!(line(50), "production/payments/stripe/key  applica…  Stripe'…");
        assert_eq!(line(20), "production/payments/stripe/key  applica…  Stripe'…");
        assert_eq!(
            table(&rows, 20, 1).concat(),
            "product…  application/octet-stream  Stripe'…"
        );
    }
}
