//! PowerShell parses the words before the cursor. What is put onto the line has to be quoted.

use super::{Dialect, is_plain};
use crate::cli::completion::candidate::Candidate;
use crate::cli::completion::line::Line;

#[derive(Debug)]
pub(in crate::cli::completion) struct PowerShell;

/// What PowerShell takes for a single quote (its language specification, section 2.3.5.2).
const SINGLE: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// What PowerShell takes for a double quote.
const DOUBLE: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

impl Dialect for PowerShell {
    /// The words before the cursor, and the word at it with a mark in front.
    fn line(&self, asked: &[&str]) -> Option<Line> {
        let mut line = Line::of_words(asked)?;
        line.word = unquote(line.word.strip_prefix('=')?)?;
        Some(line)
    }

    /// Lines of a quoted value, what is shown in a list, and a help, with tabs between.
    fn answer(&self, _line: &Line, candidates: &[Candidate]) -> Vec<String> {
        let line = |candidate: &Candidate| {
            let value = &candidate.value;
            // PowerShell accepts no empty help.
            let help = if candidate.help.is_empty() {
                value
            } else {
                &candidate.help
            };
            format!("{}\t{value}\t{help}", quote(value))
        };
        let offered = candidates.iter().filter(|candidate| arrives(&candidate.value));
        offered.map(line).collect()
    }
}

/// Whether a program is given the argument as it is. Before PowerShell 7.3 a `"` in it is lost, and a `\` at its
/// end can take the quote that PowerShell adds.
fn arrives(value: &str) -> bool {
    !value.contains('"') && !value.ends_with('\\')
}

fn quote(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    let mut quoted = String::from("'");
    for character in value.chars() {
        if SINGLE.contains(&character) {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// The value of a word that may be unfinished; `None` if PowerShell would expand it.
fn unquote(raw: &str) -> Option<String> {
    let mut value = String::new();
    let mut quotes: Option<&[char]> = None;
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        match quotes {
            Some(open) if open.contains(&character) => {
                // A quote that is doubled stands for itself.
                match characters.next_if(|next| open.contains(next)) {
                    Some(_) => value.push(character),
                    None => quotes = None,
                }
            }
            None if SINGLE.contains(&character) => quotes = Some(&SINGLE),
            None if DOUBLE.contains(&character) => quotes = Some(&DOUBLE),
            Some(open) if open == SINGLE => value.push(character),
            _ if matches!(character, '$' | '`') => return None,
            None if matches!(character, '(' | ')' | '{' | '}' | '@') => return None,
            _ => value.push(character),
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_onto_the_line_is_one_word() {
        for (value, quoted) in [
            ("db/password", "db/password"),
            ("db$(ni x)", "'db$(ni x)'"),
            ("a;ni x", "'a;ni x'"),
            ("it's", "'it''s'"),
            (
                "a\u{2019};ni x;\u{2018}",
                "'a\u{2019}\u{2019};ni x;\u{2018}\u{2018}'",
            ),
            ("a`nb", "'a`nb'"),
            ("a,b", "'a,b'"),
            ("@args", "'@args'"),
            ("\u{2013}x", "'\u{2013}x'"),
        ] {
            assert_eq!(quote(value), quoted);
            assert_eq!(unquote(quoted).as_deref(), Some(value));
        }
    }

    #[test]
    fn every_punctuation_character_comes_back() {
        for character in ('!'..='~').filter(char::is_ascii_punctuation) {
            let value = format!("{character}a {character}b{character}");
            assert_eq!(unquote(&quote(&value)), Some(value));
        }
    }

    #[test]
    fn words_that_are_unfinished() {
        assert_eq!(unquote("'a b").as_deref(), Some("a b"));
        assert_eq!(unquote("\"a b").as_deref(), Some("a b"));
        for raw in ["$a", "\"$a", "a`", "(x"] {
            assert_eq!(unquote(raw), None, "{raw}");
        }
    }

    #[test]
    fn what_old_versions_would_change_is_not_offered() {
        assert!(!arrives("a\"b"));
        assert!(!arrives("a b\\"));
        assert!(arrives("a\\b"));
    }
}
