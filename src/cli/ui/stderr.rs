//! Text on stderr, above the question that may be open there.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::color::is_dumb_terminal;

/// Everything that this program writes to stderr.
pub(super) static STDERR: Lines = Lines::new(None);

/// Lines that scroll, and a question below them that stays.
#[derive(Debug)]
pub(super) struct Lines {
    /// Where they are written; none is stderr.
    out: Option<File>,
    /// The question that is open, with what was typed as far as it is shown.
    open: Mutex<Option<String>>,
}

impl Lines {
    pub(super) const fn new(out: Option<File>) -> Self {
        Self {
            out,
            open: Mutex::new(None),
        }
    }

    /// Writes whole lines above the question.
    pub(super) fn above(&self, lines: &[u8]) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match &*open {
            Some(question) => self.write(&[back(), lines, question.as_bytes()].concat()),
            None => self.write(lines),
        }
    }

    /// Shows the question, in place of the one that is shown.
    pub(super) fn show(&self, question: String) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let back = if open.is_some() { back() } else { b"" };
        self.write(&[back, question.as_bytes()].concat());
        *open = Some(question);
    }

    /// Leaves the question as it is shown, and goes on below it.
    pub(super) fn close(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.take().is_some() {
            self.write(b"\n");
        }
    }

    /// An error is ignored: if stderr is closed, there is no place to report it.
    fn write(&self, text: &[u8]) {
        let _ = match self.out.as_ref() {
            Some(file) => (&*file).write_all(text),
            None => io::stderr().lock().write_all(text),
        };
    }
}

/// Goes back to the start of the line and empties it.
fn back() -> &'static [u8] {
    if is_dumb_terminal() { b"\n" } else { b"\r\x1b[K" }
}

/// One line on stderr.
pub(in crate::cli) fn error_line(line: &str) {
    STDERR.above(format!("{line}\n").as_bytes());
}

/// Stderr, for a writer of whole lines.
#[derive(Debug)]
pub(super) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        STDERR.above(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    #[test]
    fn lines_go_above_the_question() {
        let mut file = tempfile::tempfile().unwrap();
        let lines = Lines::new(Some(file.try_clone().unwrap()));
        lines.above(b"one\n");
        lines.show("a? ".to_owned());
        lines.above(b"two\nthree\n");
        lines.show("a? x".to_owned());
        lines.close();
        lines.close();
        lines.above(b"four\n");
        let mut written = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut written).unwrap();
        assert_eq!(written, "one\na? \r\x1b[Ktwo\nthree\na? \r\x1b[Ka? x\nfour\n");
    }
}
