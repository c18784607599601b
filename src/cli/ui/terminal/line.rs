//! A line as it is typed, pure: keys in, text out.

use zeroize::Zeroize;

use crate::cli::ui::text::escape;
use crate::sensitive::{SecretValue, Sensitive};

/// Longest line, in bytes; what goes beyond is not taken.
pub(super) const MAX_LINE_BYTES: usize = 64 << 10;

/// What a key did to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// It goes on.
    More,
    /// It is complete.
    Enter,
    /// Nothing was typed, and nothing will be (Ctrl-D).
    Nothing,
}

/// A line that is being typed.
#[derive(Debug)]
pub(super) struct Line {
    /// Of its full size from the start: memory that grows leaves copies behind.
    bytes: SecretValue,
    keys: Keys,
}

/// Where in a key's sequence the terminal is: arrows and the like send several bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Plain,
    Escape,
    Sequence,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            bytes: Sensitive::new(Vec::with_capacity(MAX_LINE_BYTES)),
            keys: Keys::Plain,
        }
    }

    /// Takes a byte from the terminal.
    pub(super) fn push(&mut self, byte: u8) -> Typed {
        self.keys = match (self.keys, byte) {
            (Keys::Plain, 0x1b) => Keys::Escape,
            (Keys::Escape, b'[' | b'O') => Keys::Sequence,
            (Keys::Sequence, 0x40..=0x7e) | (Keys::Escape, _) => Keys::Plain,
            (Keys::Sequence, _) => Keys::Sequence,
            (Keys::Plain, _) => return self.plain(byte),
        };
        Typed::More
    }

    fn plain(&mut self, byte: u8) -> Typed {
        match byte {
            b'\r' | b'\n' => return Typed::Enter,
            0x04 if self.bytes.expose().is_empty() => return Typed::Nothing,
            0x08 | 0x7f => self.keep(self.without_last()),
            // Ctrl-U, Ctrl-W
            0x15 => self.keep(0),
            0x17 => self.keep(self.without_last_word()),
            b'\t' | 0x20.. if self.bytes.expose().len() < MAX_LINE_BYTES => {
                let mut bytes = std::mem::take(&mut self.bytes).into_exposed();
                bytes.push(byte);
                self.bytes = bytes.into();
            }
            _ => {}
        }
        Typed::More
    }

    fn keep(&mut self, length: usize) {
        let mut bytes = std::mem::take(&mut self.bytes).into_exposed();
        if let Some(rest) = bytes.get_mut(length..) {
            rest.zeroize();
        }
        bytes.truncate(length);
        self.bytes = bytes.into();
    }

    /// Length without the last character.
    fn without_last(&self) -> usize {
        let is_start = |byte: &u8| byte & 0xc0 != 0x80;
        self.bytes.expose().iter().rposition(is_start).unwrap_or(0)
    }

    fn without_last_word(&self) -> usize {
        let text = self.bytes.expose();
        let word_end = text.iter().rposition(|byte| *byte != b' ').unwrap_or(0);
        let before = text.get(..word_end).unwrap_or_default();
        before
            .iter()
            .rposition(|byte| *byte == b' ')
            .map_or(0, |space| space + 1)
    }

    /// What was typed, as it may be shown.
    pub(super) fn shown(&self) -> String {
        escape(&String::from_utf8_lossy(self.bytes.expose()))
    }

    /// What was typed.
    pub(super) fn into_bytes(self) -> SecretValue {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> (Vec<u8>, Typed) {
        let mut line = Line::new();
        let mut last = Typed::More;
        for byte in keys.bytes() {
            last = line.push(byte);
        }
        (line.into_bytes().expose().clone(), last)
    }

    #[test]
    fn keys() {
        for (keys, expected) in [
            ("abc", "abc"),
            ("p\u{e4}\u{1f511}ss", "p\u{e4}\u{1f511}ss"),
            ("p\u{e4}\x7f\u{1f511}\x08x", "px"),
            ("\x7f\x7f", ""),
            ("one two\x15three", "three"),
            ("one two \x17", "one "),
            ("one\x17\x17", ""),
            ("a\x1b[Db\x1b[1;5Cc\x1bOHd\x1bxe", "abcde"),
            ("a\x01\x02\0b\x04\x1c", "ab"),
            ("a\tb", "a\tb"),
        ] {
            assert_eq!(
                typed(keys),
                (expected.as_bytes().to_vec(), Typed::More),
                "{keys:?}"
            );
        }
        assert_eq!(typed("a\r"), (b"a".to_vec(), Typed::Enter));
        assert_eq!(typed("\n"), (Vec::new(), Typed::Enter));
        assert_eq!(typed("\x04"), (Vec::new(), Typed::Nothing));
    }

    #[test]
    fn a_line_has_an_end() {
        assert_eq!(typed(&"x".repeat(MAX_LINE_BYTES + 5)).0.len(), MAX_LINE_BYTES);
    }

    #[test]
    fn what_is_typed_cannot_steer_the_terminal() {
        let mut line = Line::new();
        "a\u{202e}".bytes().for_each(|byte| _ = line.push(byte));
        assert_eq!(line.shown(), "a\\u{202e}");
    }
}
