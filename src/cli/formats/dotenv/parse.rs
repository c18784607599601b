//! Reads the format. The page on formats has the grammar.

use std::collections::HashSet;

use super::{Assignment, Names, file_text};
use crate::cli::formats::syntax::SyntaxError;
use crate::sensitive::{Sensitive, SensitiveText};

/// Reads all variables of a file, in order. A name that comes twice is an error too: which one is meant
/// differs from reader to reader.
pub(in crate::cli) fn parse(file: &[u8], names_are: Names) -> Result<Vec<Assignment>, SyntaxError> {
    let mut parser = Parser {
        names_are,
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
    names_are: Names,
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
                self.comment()?;
            } else if !self.end_line() {
                break;
            }
        }
        let (line, start) = (self.line, self.here());
        let name = self.name()?;
        if !names.insert(name.to_owned()) {
            return Err(start.error("this name comes a second time"));
        }
        self.skip_blanks();
        if !self.rest.starts_with('=') {
            return Err(self.here().error("`=` is missing after the name"));
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
        let mut name = self.take_name();
        if name == "export" && self.rest.starts_with(is_blank) {
            self.skip_blanks();
            start = self.here();
            name = self.take_name();
        }
        // What is wrong may be the character that ends the name.
        let ends = |next: char| next == '=' || is_blank(next) || is_line_end(next);
        let fault = match (self.names_are.fault(name), self.rest.chars().next()) {
            (None, Some(next)) if !ends(next) => {
                start = self.here();
                self.names_are.fault("")
            }
            (fault, _) => fault,
        };
        fault.map_or(Ok(name), |fault| Err(start.error(fault)))
    }

    fn take_name(&mut self) -> &'a str {
        let names_are = self.names_are;
        self.take_while(|character| names_are.have(character))
    }

    fn value(&mut self) -> Result<SensitiveText, SyntaxError> {
        let blank_before = self.rest.starts_with(is_blank);
        self.skip_blanks();
        match self.rest.chars().next() {
            Some('\'' | '"') => self.quoted(),
            Some('`') => Err(self
                .here()
                .error("a value in backquotes is not read: put it in ' or \"")),
            Some('$') if self.rest.starts_with("$'") || self.rest.starts_with("$\"") => Err(self
                .here()
                .error("a value in $'…' is not read: put it in ' or \"")),
            _ => self.bare(blank_before),
        }
    }

    /// To the end of the line, or to a `#` after a blank; blanks at the end do not count.
    ///
    /// Readers differ in what ends a line, so that a value without quotes has none of those characters in it.
    fn bare(&mut self, mut after_blank: bool) -> Result<SensitiveText, SyntaxError> {
        let mut is_comment = false;
        let value = self.take_line(|place, character| {
            is_comment |= character == '#' && after_blank;
            after_blank = is_blank(character);
            if is_odd_line_end(character) {
                Err(place.error(ODD_LINE_END))
            } else if character.is_control() && character != '\t' && !is_comment {
                Err(place.error("a control character: put the value in quotes"))
            } else {
                Ok(!is_comment)
            }
        })?;
        Ok(Sensitive::new(value.trim_end_matches([' ', '\t']).to_owned()))
    }

    /// One part in quotes or more of them without anything between, as shells join them: `'it'\''s'` and `'it'"'"'s'`
    /// are `it's`. Nothing but a comment may follow.
    fn quoted(&mut self) -> Result<SensitiveText, SyntaxError> {
        if self.rest.starts_with("\"\"\"") || self.rest.starts_with("\'\'\'") {
            return Err(self
                .here()
                .error("a value in three quotes is not read: put it in one on each side"));
        }
        let mut parts = Vec::new();
        loop {
            parts.push(match self.rest.chars().next() {
                Some(quote @ ('\'' | '"')) => (quote, self.part(quote)?),
                Some('\\') if self.rest.starts_with(r"\'") || self.rest.starts_with("\\\"") => {
                    ('\\', self.escaped_quote())
                }
                _ => break,
            });
        }
        let blank = self.rest.starts_with(is_blank);
        self.skip_blanks();
        if blank && self.rest.starts_with('#') {
            self.comment()?;
        } else if !self.rest.is_empty() && !self.end_line() {
            return Err(self.here().error(match (self.rest.chars().next(), parts.last()) {
                (Some('#'), _) => "this comes after the closing quote: a comment has a blank before its `#`",
                (_, Some(('\'', part))) if part.ends_with('\\') => {
                    r"this comes after the closing quote: between single quotes a quote is written '\''"
                }
                _ => "this comes after the closing quote",
            }));
        }
        // In a file whose lines end in CRLF, those of a value are LF: they are the editor's, not the value's.
        let mut value = String::with_capacity(parts.iter().map(|(_, part)| part.len()).sum());
        for (quote, part) in parts {
            let part = match quote {
                '"' => unescape(part, self.crlf),
                _ => literal(part, self.crlf),
            };
            value.push_str(part.expose());
        }
        Ok(value.into())
    }

    /// What is between two quotes, over lines if need be.
    fn part(&mut self, quote: char) -> Result<&'a str, SyntaxError> {
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
        Ok(raw)
    }

    /// The quote after a backslash.
    fn escaped_quote(&mut self) -> &'a str {
        self.bump();
        let mut is_first = true;
        self.take_while(|_| std::mem::take(&mut is_first))
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        self.take_line(|place, character| {
            if is_odd_line_end(character) {
                // A line that another reader sees would be lost.
                Err(place.error(ODD_LINE_END))
            } else {
                Ok(true)
            }
        })?;
        Ok(())
    }

    /// The rest of the line without its end, as far as `belongs` says so of each character; then goes past the end.
    fn take_line(
        &mut self,
        mut belongs: impl FnMut(Place, char) -> Result<bool, SyntaxError>,
    ) -> Result<&'a str, SyntaxError> {
        let (all, mut taken) = (self.rest, 0);
        loop {
            let at_end = matches!(self.rest, "" | "\r")
                || self.rest.starts_with(['\n'])
                || self.rest.starts_with("\r\n");
            if at_end {
                break;
            }
            let here = self.here();
            let Some(character) = self.bump() else { break };
            if belongs(here, character)? {
                taken += character.len_utf8();
            }
        }
        if !self.end_line() {
            self.bump();
        }
        Ok(all.get(..taken).unwrap_or_default())
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

/// Said of a character that some readers take for the end of a line, and others for a part of the value.
const ODD_LINE_END: &str = "some readers end a line at this character and others do not: end lines with LF or CRLF, and put the value in quotes";

/// Whether some readers take the character for the end of a line, where it is no part of CRLF.
const fn is_odd_line_end(character: char) -> bool {
    matches!(
        character,
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

const fn is_line_end(character: char) -> bool {
    matches!(character, '\r' | '\n')
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
