//! fish parses the words before the cursor and quotes what it puts onto the line. The word at the cursor
//! comes with its quotes.

use super::Dialect;
use crate::cli::completion::candidate::Candidate;
use crate::cli::completion::line::Line;

#[derive(Debug)]
pub(in crate::cli::completion) struct Fish;

impl Dialect for Fish {
    fn line(&self, asked: &[&str]) -> Option<Line> {
        let mut line = Line::of_words(asked)?;
        if line.word.starts_with('~') {
            line.opened.kept.push('~');
        }
        line.word = unquote(&line.word)?;
        Some(line)
    }

    /// Lines of a value, a tab and a help.
    fn answer(&self, line: &Line, candidates: &[Candidate]) -> Vec<String> {
        let offered = candidates
            .iter()
            .filter(|candidate| is_passed_on(candidate, line));
        let lines = offered.map(|candidate| format!("{}\t{}", candidate.value, candidate.help));
        lines.collect()
    }
}

/// Whether the command is given the value. fish does not quote a `~` in front, which then stands for a home
/// directory, unless it was typed with quotes.
fn is_passed_on(candidate: &Candidate, line: &Line) -> bool {
    if line.opened.kept == "~" {
        return candidate.is_path;
    }
    !line.word.is_empty() || !candidate.value.starts_with('~')
}

/// The value of a word that may be unfinished (fish's manual, "Quotes" and "Escaping Characters"). `None` if
/// fish would expand it.
fn unquote(raw: &str) -> Option<String> {
    let mut value = String::new();
    let mut quote = None;
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), character) if character == open => quote = None,
            (None | Some('"'), '$') | (None, '(' | ')' | '*' | '?' | '{' | '}') => return None,
            (_, '\\') => {
                let Some(escaped) = characters.next() else { break };
                let stands_for_itself = match quote {
                    None => !escaped.is_ascii_alphanumeric(),
                    Some('\'') => matches!(escaped, '\\' | '\''),
                    Some(_) => matches!(escaped, '\\' | '"' | '$'),
                };
                match (stands_for_itself, quote) {
                    (true, _) => value.push(escaped),
                    (false, Some(_)) => value.extend(['\\', escaped]),
                    // A control character, as `\n`.
                    (false, None) => return None,
                }
            }
            (_, character) => value.push(character),
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_quotes() {
        for (raw, value) in [
            ("db/pass", "db/pass"),
            ("'a b", "a b"),
            ("'a b'\\''", "a b'"),
            ("\"a\\$b\\x", "a$b\\x"),
            ("'a\\'\\x", "a'\\x"),
            ("a\\ b\\;", "a b;"),
            ("PW='d", "PW=d"),
            ("a\\", "a"),
            ("\\~a", "~a"),
        ] {
            assert_eq!(unquote(raw).as_deref(), Some(value), "{raw}");
        }
        for raw in ["$HOME", "\"$a", "(x", "a\\n", "a*"] {
            assert_eq!(unquote(raw), None, "{raw}");
        }
    }
}
