//! Text that others wrote, made fit for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` with every character escaped that could steer a terminal or hide what is there: control
/// characters, and those that turn the direction of writing or take no place.
pub(in crate::cli) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unfit(character) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "{}", character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text as a word of a shell's command line.
pub(in crate::cli) fn shell_word(text: &str) -> String {
    let text = escape(text);
    // Only a NUL has no quotes, and it was escaped.
    shlex::try_quote(&text).map_or_else(|_| text.clone(), Cow::into_owned)
}

/// Whether bytes can be written to a terminal: UTF-8 text without control characters but tab and
/// newline.
pub(in crate::cli) fn is_fit_for_terminal(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()))
}

/// Lines of a table: columns two spaces apart, as wide as their widest cell, cut to fit `width`
/// columns of a terminal. The column `whole` is never cut: people copy what is in it. The others give way
/// one after the other, the first of them first; what does not fit even then is left to the terminal to wrap.
pub(in crate::cli) fn table(rows: &[Vec<String>], width: usize, whole: usize) -> Vec<String> {
    const GAP: usize = 2;
    /// Columns that are left of a cell: of less nothing could be read any more.
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
    let mut used = text.width();
    let mut fitted = text.to_owned();
    if used > width {
        fitted.clear();
        used = 0;
        for character in text.chars() {
            let columns = character.width().unwrap_or(0);
            if used + columns + 1 > width {
                break;
            }
            fitted.push(character);
            used += columns;
        }
        fitted.push('…');
        used += 1;
    }
    fitted.push_str(&" ".repeat(width.saturating_sub(used)));
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(escape("a\x1b[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(escape("größe 🔑"), "größe 🔑");
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
