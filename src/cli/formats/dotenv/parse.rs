//! Reads the format. The page on formats has the grammar.

use std::collections::HashSet;

use super::{Assignment, file_text, is_name_character};
use crate::cli::formats::syntax::SyntaxError;
use crate::sensitive::{Sensitive, SensitiveText};

/// Reads all variables of a file, in order. A name that comes twice is an error too: which one is meant
/// differs from reader to reader.
pub(in crate::cli) fn parse(file: &[u8]) -> Result<Vec<Assignment>, SyntaxError> {
    let mut parser = Parser {
        rest: file_text(file)?,
        line: 1,
        column: 1,
        crlf: false,
    };
    let mut assignments = Vec::new();
    let mut names = HashSet::new();
    while let Some(assignment) = parser.next_assignment(&mut names)? {
        assignments.push(assignment);
    }
    Ok(assignments)
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
    /// Whether the last line ended in `\r\n`.
    crlf: bool,
}

impl<'a> Parser<'a> {
    fn next_assignment(&mut self, names: &mut HashSet<String>) -> Result<Option<Assignment>, SyntaxError> {
        loop {
            self.skip_blanks();
            if self.rest.is_empty() {
                return Ok(None);
            }
            if self.rest.starts_with('#') {
                self.rest_of_line();
            } else if !self.end_line() {
                break;
            }
        }
        let (line, start) = (self.line, self.here());
        let name = self.name()?;
        if !names.insert(name.to_owned()) {
            return Err(start.error("this variable is set a second time"));
        }
        self.skip_blanks();
        if !self.rest.starts_with('=') {
            return Err(self.here().error("`=` is missing after the name of a variable"));
        }
        self.bump();
        let value = self.value()?;
        Ok(Some(Assignment {
            name: name.to_owned(),
            value,
            line,
        }))
    }

    fn name(&mut self) -> Result<&'a str, SyntaxError> {
        let mut start = self.here();
        let mut name = self.take_while(is_name_character);
        if name == "export" && self.rest.starts_with(is_blank) {
            self.skip_blanks();
            start = self.here();
            name = self.take_while(is_name_character);
        }
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(start.error("the name of a variable starts with a letter or `_`"));
        }
        Ok(name)
    }

    fn value(&mut self) -> Result<SensitiveText, SyntaxError> {
        let blank_before = self.rest.starts_with(is_blank);
        self.skip_blanks();
        match self.rest.chars().next() {
            Some('\'') => self.quoted('\''),
            Some('"') => self.quoted('"'),
            Some('`') => Err(self
                .here()
                .error("a value in backticks is none of ours: use ' or \"")),
            Some('$') if self.rest.starts_with("$'") || self.rest.starts_with("$\"") => {
                Err(self.here().error("a value in $'…' is none of ours: use ' or \""))
            }
            _ => Ok(self.bare(blank_before)),
        }
    }

    /// To the end of the line, or to a `#` after a blank; blanks at the end do not count.
    fn bare(&mut self, mut after_blank: bool) -> SensitiveText {
        let line = self.rest_of_line();
        let starts_comment = |character: char| {
            let starts = character == '#' && after_blank;
            after_blank = is_blank(character);
            starts
        };
        let value = line.split(starts_comment).next().unwrap_or_default();
        Sensitive::new(value.trim_end_matches([' ', '\t', '\r']).to_owned())
    }

    /// To the closing quote, over lines if need be. Nothing but a comment may follow.
    fn quoted(&mut self, quote: char) -> Result<SensitiveText, SyntaxError> {
        let start = self.here();
        self.bump();
        let mut escaped = false;
        let raw = self.take_while(|character| {
            let ends = character == quote && !escaped;
            escaped = quote == '"' && character == '\\' && !escaped;
            !ends
        });
        if self.bump().is_none() {
            return Err(start.error("the quote that opens here is not closed"));
        }
        let blank = self.rest.starts_with(is_blank);
        self.skip_blanks();
        if blank && self.rest.starts_with('#') {
            self.rest_of_line();
        } else if !self.rest.is_empty() && !self.end_line() {
            return Err(self.here().error("this comes after the closing quote"));
        }
        // In a file whose lines end in CRLF, those of a value are LF: they are the editor's, not the value's.
        Ok(match quote {
            '"' => unescape(raw, self.crlf),
            _ => literal(raw, self.crlf),
        })
    }

    /// The rest of the line, and past its end.
    fn rest_of_line(&mut self) -> &'a str {
        let line = self.take_while(|character| character != '\n');
        if self.bump().is_some() {
            self.crlf = line.ends_with('\r');
        }
        line
    }

    /// Ends the line, if it ends here.
    fn end_line(&mut self) -> bool {
        let crlf = self.rest.starts_with("\r\n");
        if crlf {
            self.bump();
        }
        let ends = self.rest.starts_with('\n');
        if ends {
            self.crlf = crlf;
            self.bump();
        }
        ends
    }

    fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    fn take_while(&mut self, mut belongs: impl FnMut(char) -> bool) -> &'a str {
        let all = self.rest;
        while self.rest.chars().next().is_some_and(&mut belongs) {
            self.bump();
        }
        all.get(..all.len() - self.rest.len()).unwrap_or_default()
    }

    fn bump(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next()?;
        self.rest = characters.as_str();
        if next == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(next)
    }

    const fn here(&self) -> Place {
        Place {
            line: self.line,
            column: self.column,
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    const fn error(self, what: &'static str) -> SyntaxError {
        SyntaxError {
            line: self.line,
            column: self.column,
            what,
        }
    }
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn literal(raw: &str, crlf: bool) -> SensitiveText {
    // Room for all of it at once: text that grows leaves copies behind.
    let mut value = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        if !(crlf && character == '\r' && characters.peek() == Some(&'\n')) {
            value.push(character);
        }
    }
    value.into()
}

/// What stands between double quotes: as a shell reads it, and `\n`, `\r` and `\t` as other readers of
/// such files do.
fn unescape(raw: &str, crlf: bool) -> SensitiveText {
    let raw = literal(raw, crlf);
    let mut value = String::with_capacity(raw.expose().len());
    let mut characters = raw.expose().chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(escaped @ ('\\' | '"' | '$' | '`')) => value.push(escaped),
            Some('\n') => {}
            other => {
                value.push('\\');
                value.extend(other);
            }
        }
    }
    value.into()
}
