//! bash puts an answer onto the line as it is. It also takes words apart at the characters of
//! `COMP_WORDBREAKS`, `=` and `:` among them, and replaces the last piece alone: so the line is parsed here.

use super::{Dialect, is_plain};
use crate::cli::completion::candidate::Candidate;
use crate::cli::completion::line::{Line, Opened};

#[derive(Debug)]
pub(in crate::cli::completion) struct Bash;

impl Dialect for Bash {
    /// `COMP_LINE` up to the cursor, and the piece of its last word that will be replaced.
    fn line(&self, asked: &[&str]) -> Option<Line> {
        let &[line, replaced] = asked else {
            return None;
        };
        let words = split(line)?;
        let (&last, before) = words.split_last()?;
        let kept = Word::parse(last.strip_suffix(replaced)?);
        let word = Word::parse(last);
        if word.is_expanded {
            return None;
        }
        Some(Line {
            before: before.iter().map(|raw| Word::parse(raw).value).collect(),
            word: word.value,
            opened: Opened {
                kept: kept.value,
                quote: kept.quote,
            },
        })
    }

    /// A line that says whether a space may follow, then a line for each candidate: the rest of the word in
    /// quotes. bash puts the common beginning of the answers onto the line: where it says more than what was
    /// typed, all of them have quotes or none has.
    fn answer(&self, line: &Line, candidates: &[Candidate]) -> Vec<String> {
        let Opened { kept, quote } = &line.opened;
        let rest = |candidate: &Candidate| candidate.value.strip_prefix(kept.as_str()).map(str::to_owned);
        let rests: Vec<String> = candidates.iter().filter_map(rest).collect();
        let are_plain = rests.iter().all(|rest| is_plain(rest));
        let is_list = candidates.len() > 1 && common_beginning(candidates) == line.word;
        let no_space = matches!(candidates, [candidate] if candidate.is_part);
        let quoted = rests.into_iter().map(|rest| {
            // An opening quote is left on the line by bash, and is not doubled if the answer begins with it.
            // With it, answers stay quoted where several are put onto the line (Meta-*).
            match (quote, are_plain) {
                (None, true) => rest,
                (None, false) if is_list && is_plain(&rest) => rest,
                (Some(quote), true) => format!("{quote}{rest}{quote}"),
                (None | Some('\''), false) => single_quoted(&rest),
                // In double quotes `!` cannot be escaped. They are closed, and bash is shown the same quote at
                // the end, so that it adds none.
                (Some(_), false) => format!("\"\"{}\"\"", single_quoted(&rest)),
            }
        });
        let space = if no_space { "nospace" } else { "space" };
        [space.to_owned()].into_iter().chain(quoted).collect()
    }
}

fn common_beginning(candidates: &[Candidate]) -> &str {
    let mut values = candidates.iter().map(|candidate| candidate.value.as_str());
    let first = values.next().unwrap_or_default();
    values.fold(first, |common, value| {
        let mut pairs = common.char_indices().zip(value.chars());
        let end = pairs.find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        let end = end.unwrap_or_else(|| common.len().min(value.len()));
        common.get(..end).unwrap_or_default()
    })
}

fn single_quoted(text: &str) -> String {
    // bash takes a quote for an opening one where it looks for the word before the next: behind `;'` it would
    // complete names of commands.
    let end = if text.ends_with([';', '|', '&', '{', '(', '`']) {
        "''"
    } else {
        ""
    };
    format!("'{}'{end}", text.replace('\'', r"'\''"))
}

/// The words of a line with their quotes; the last is empty after a space. `None` for more than the words of a
/// simple command: a redirection, or commands in commands.
fn split(line: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quoting = Quoting::default();
    for (at, character) in line.char_indices() {
        let is_quoted = quoting.take(character);
        match character {
            ' ' | '\t' | '\n' if !is_quoted => {
                words.extend(start.take().and_then(|start| line.get(start..at)));
            }
            '|' | '&' | ';' | '(' | ')' | '<' | '>' if !is_quoted => return None,
            _ => {
                start.get_or_insert(at);
            }
        }
    }
    words.push(start.and_then(|start| line.get(start..)).unwrap_or_default());
    Some(words)
}

/// A word without its quotes (bash's manual, "Quoting").
#[derive(Debug, PartialEq, Eq)]
struct Word {
    value: String,
    /// The quote that is not closed.
    quote: Option<char>,
    /// Whether bash would put something else in its place.
    is_expanded: bool,
}

impl Word {
    fn parse(raw: &str) -> Self {
        let mut value = String::new();
        let mut is_expanded = raw.starts_with('~');
        let mut quoting = Quoting::default();
        for character in raw.chars() {
            let was_escaped = quoting.is_escaped;
            let quote = quoting.quote;
            quoting.take(character);
            if was_escaped {
                // In double quotes a backslash stays in front of what needs none.
                if quote == Some('"') && !matches!(character, '$' | '`' | '"' | '\\') {
                    value.push('\\');
                }
                value.push(character);
            } else if !quoting.is_escaped && quoting.quote == quote {
                is_expanded |= quote != Some('\'') && matches!(character, '$' | '`');
                value.push(character);
            }
        }
        Self {
            value,
            quote: quoting.quote,
            is_expanded,
        }
    }
}

/// Where a character stands: after a backslash, in quotes, or in neither.
#[derive(Debug, Default)]
struct Quoting {
    quote: Option<char>,
    is_escaped: bool,
}

impl Quoting {
    /// Takes the next character. Whether it is quoted, or belongs to a quote.
    fn take(&mut self, character: char) -> bool {
        if std::mem::take(&mut self.is_escaped) {
            return true;
        }
        match (self.quote, character) {
            (None | Some('"'), '\\') => self.is_escaped = true,
            (None, '\'' | '"') => self.quote = Some(character),
            (Some(quote), character) if quote == character => self.quote = None,
            (None, _) => return false,
            (Some(_), _) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: &str, replaced: &str) -> Option<Line> {
        Bash.line(&[line, replaced])
    }

    /// What is on the line when a single candidate was put there, as readline does it.
    fn completed(typed: &str, replaced: &str, value: &str) -> String {
        let line = line(typed, replaced).unwrap();
        let candidate = Candidate {
            value: value.to_owned(),
            help: String::new(),
            is_part: false,
            is_path: false,
        };
        let answer = Bash.answer(&line, &[candidate]).pop().unwrap();
        let mut kept = typed.strip_suffix(replaced).unwrap();
        if let Some(quote) = line.opened.quote {
            assert!(answer.starts_with(quote) && answer.ends_with(quote));
            kept = kept.strip_suffix(quote).unwrap();
        }
        format!("{kept}{answer}")
    }

    #[test]
    fn words_are_parsed_as_bash_does() {
        for (raw, value, quote) in [
            ("a\\ b", "a b", None),
            ("'a\\ b", "a\\ b", Some('\'')),
            ("\"a\\$\\x\\\"", "a$\\x\"", Some('"')),
            ("'a'\\''b'", "a'b", None),
            ("PW='d", "PW=d", Some('\'')),
            ("a\\", "a", None),
        ] {
            let word = Word::parse(raw);
            assert_eq!((word.value.as_str(), word.quote), (value, quote), "{raw}");
        }
    }

    #[test]
    fn what_bash_expands_is_not_completed() {
        for typed in ["m $a", "m \"$a", "m `a", "m ~/a", "m $(a", "m a;b", "m > a"] {
            assert_eq!(line(typed, "a").or(line(typed, "b")), None, "{typed}");
        }
        assert_eq!(line("m '$a", "$a").unwrap().word, "$a");
    }

    #[test]
    fn pieces_of_a_word_are_put_together() {
        let found = line("m --env-secret PW=db", "db").unwrap();
        assert_eq!((found.before.len(), found.word.as_str()), (2, "PW=db"));
        assert_eq!(found.opened.kept, "PW=");
        assert_eq!(line("m https://a", "//a").unwrap().word, "https://a");
        assert_eq!(line("m ", "").unwrap().word, "");
        // What bash would replace is no piece of the last word.
        assert_eq!(line("m a", "m a"), None);
    }

    #[test]
    fn every_punctuation_character_comes_back() {
        for character in ('!'..='~').filter(char::is_ascii_punctuation) {
            let value = format!("a{character} {character}b{character}");
            for (typed, replaced) in [("m ", ""), ("m a", "a"), ("m 'a", "a"), ("m \"a", "a")] {
                let completed = completed(typed, replaced, &value);
                let expected = vec!["m".to_owned(), value.clone()];
                assert_eq!(shlex::split(&completed), Some(expected), "{completed}");
            }
        }
    }

    #[test]
    fn a_common_beginning_has_the_same_quotes() {
        let candidates = ["ab c", "abd"].map(|value| Candidate {
            value: value.to_owned(),
            help: String::new(),
            is_part: false,
            is_path: false,
        });
        let answer = |typed: &str, replaced: &str| {
            let line = line(typed, replaced).unwrap();
            Bash.answer(&line, &candidates).join(" ")
        };
        assert_eq!(answer("m a", "a"), "space 'ab c' 'abd'");
        // There is nothing to put onto the line, not even a quote.
        assert_eq!(answer("m ab", "ab"), "space 'ab c' abd");
        let quoted = "space \"\"'ab c'\"\" \"\"'abd'\"\"";
        assert_eq!(answer("m \"ab", "ab"), quoted);
    }
}
