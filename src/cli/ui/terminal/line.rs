//! An answer as it is typed and pasted, pure: keys in, a value out.

use std::io::Write;

use zeroize::Zeroize;

use super::input::Echo;
use super::keys::Key;
use crate::cli::ui::text::escape;
use crate::sensitive::SecretValue;

/// Longest answer, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// What a key did to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// It goes on.
    More,
    /// It is complete.
    Enter,
    /// Nothing was typed, and nothing will be (Ctrl-D).
    Nothing,
    /// It is longer than is taken.
    TooLong,
}

/// An answer that is being typed. It has one line, unless more are pasted.
#[derive(Debug, Default)]
pub(super) struct Line {
    bytes: SecretValue,
    /// Where the last paste starts.
    paste_start: usize,
}

impl Line {
    pub(super) fn push(&mut self, key: Key) -> Typed {
        match key {
            Key::Typed(b'\r' | b'\n') => return Typed::Enter,
            Key::Typed(0x04) if self.bytes.expose().is_empty() => return Typed::Nothing,
            Key::Typed(0x08 | 0x7f) => self.keep(self.without_last()),
            // Ctrl-U, Ctrl-W
            Key::Typed(0x15) => self.keep(0),
            Key::Typed(0x17) => self.keep(self.without_last_word()),
            Key::Typed(byte @ (b'\t' | 0x20..)) | Key::Pasted(byte) => return self.append(byte),
            Key::PasteStart => self.paste_start = self.bytes.expose().len(),
            Key::PasteEnd => self.end_paste(),
            Key::Typed(_) | Key::Report => {}
        }
        Typed::More
    }

    fn append(&mut self, byte: u8) -> Typed {
        if self.bytes.expose().len() >= MAX_BYTES {
            return Typed::TooLong;
        }
        // Writing to memory does not fail.
        let _ = self.bytes.write(&[byte]);
        Typed::More
    }

    /// Terminals send a newline as Enter does, as a carriage return; some do so in a marked paste too. Where a
    /// newline is left, the terminal is none of these, and the bytes stay as they are.
    fn end_paste(&mut self) {
        let start = self.paste_start;
        self.change(|bytes| {
            let pasted = bytes.get_mut(start..).unwrap_or_default();
            if !pasted.contains(&b'\n') {
                for byte in pasted.iter_mut().filter(|byte| **byte == b'\r') {
                    *byte = b'\n';
                }
            }
        });
    }

    fn keep(&mut self, length: usize) {
        self.change(|bytes| {
            if let Some(rest) = bytes.get_mut(length..) {
                rest.zeroize();
            }
            bytes.truncate(length);
        });
    }

    /// Changes the bytes in place. Memory that grows here would leave a copy behind.
    fn change(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::mem::take(&mut self.bytes).into_exposed();
        change(&mut bytes);
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

    /// Length of the value: one line that was copied with its newline is taken without it, as Enter would have
    /// it. Of more lines every byte is taken.
    fn value_length(&self) -> usize {
        let bytes = self.bytes.expose();
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(newline) if newline + 1 == bytes.len() => {
                let before = bytes.get(..newline).unwrap_or_default();
                before.strip_suffix(b"\r").unwrap_or(before).len()
            }
            _ => bytes.len(),
        }
    }

    /// The text that is echoed. For several lines only their number is shown.
    pub(super) fn shown(&self, echo: Echo) -> String {
        let value = self.bytes.expose().get(..self.value_length()).unwrap_or_default();
        if value.contains(&b'\n') {
            let lines = value.split_inclusive(|byte| *byte == b'\n').count();
            return format!("[{lines} lines, {} bytes]", value.len());
        }
        match echo {
            Echo::Shown => escape(&String::from_utf8_lossy(value)),
            Echo::Hidden => String::new(),
        }
    }

    pub(super) fn last_byte(&self) -> Option<u8> {
        self.bytes.expose().last().copied()
    }

    /// The value that was typed and pasted.
    pub(super) fn into_value(mut self) -> SecretValue {
        self.keep(self.value_length());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::Decoder;
    use super::*;

    fn line(bytes: &[u8]) -> (Line, Typed) {
        let (mut decoder, mut line) = (Decoder::default(), Line::default());
        let mut last = Typed::More;
        for key in bytes.iter().flat_map(|byte| decoder.push(*byte)) {
            last = line.push(key);
        }
        (line, last)
    }

    fn typed(keys: &str) -> (Vec<u8>, Typed) {
        let (line, last) = line(keys.as_bytes());
        (line.into_value().expose().clone(), last)
    }

    fn pasted(text: &str) -> String {
        let keys = format!("\x1b[200~{text}\x1b[201~");
        let (line, last) = line(keys.as_bytes());
        assert_eq!(last, Typed::More);
        String::from_utf8(line.into_value().expose().clone()).unwrap()
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
    fn a_paste_of_several_lines_is_a_part_of_the_value_as_it_is() {
        let key = "-----BEGIN KEY-----\nab\tc\x03\x04\x7f\x15\n-----END KEY-----\n";
        assert_eq!(pasted(key), key);
        // As terminals send it that turn newlines into what Enter sends.
        assert_eq!(pasted(&key.replace('\n', "\r")), key);
        let dos = key.replace('\n', "\r\n");
        assert_eq!(pasted(&dos), dos);
        assert_eq!(
            typed("a\x1b[200~b\nc\n\x1b[201~\x7fd\r"),
            (b"ab\ncd".to_vec(), Typed::Enter)
        );
    }

    #[test]
    fn one_line_is_taken_without_the_newline_it_was_copied_with() {
        for text in ["a", "a\n", "a\r", "a\r\n"] {
            assert_eq!(pasted(text), "a", "{text:?}");
        }
        assert_eq!(pasted("\n"), "");
        assert_eq!(pasted("a\n\n"), "a\n\n");
        assert_eq!(pasted("\na"), "\na");
    }

    #[test]
    fn what_is_longer_than_the_limit_is_noticed_at_once() {
        let (mut longest, last) = line("x".repeat(MAX_BYTES).as_bytes());
        assert_eq!(last, Typed::More);
        assert_eq!(longest.push(Key::PasteStart), Typed::More);
        assert_eq!(longest.push(Key::PasteEnd), Typed::More);
        for key in [Key::Typed(b'x'), Key::Pasted(b'x')] {
            assert_eq!(longest.push(key), Typed::TooLong);
        }
        assert_eq!(longest.into_value().expose().len(), MAX_BYTES);
    }

    #[test]
    fn what_is_typed_cannot_steer_the_terminal() {
        let (line, _) = line("a\u{202e}".as_bytes());
        assert_eq!(line.shown(Echo::Shown), "a\\u{202e}");
    }

    #[test]
    fn of_several_lines_only_their_number_is_shown() {
        for (keys, shown, hidden) in [
            (
                "\x1b[200~a\nb\n\x1b[201~",
                "[2 lines, 4 bytes]",
                "[2 lines, 4 bytes]",
            ),
            (
                "\x1b[200~a\nb\x1b[201~",
                "[2 lines, 3 bytes]",
                "[2 lines, 3 bytes]",
            ),
            ("\x1b[200~a\n\x1b[201~", "a", ""),
            ("\x1b[200~a\nb\x1b[201~\x15c", "c", ""),
        ] {
            let (line, _) = line(keys.as_bytes());
            assert_eq!(line.shown(Echo::Shown), shown, "{keys:?}");
            assert_eq!(line.shown(Echo::Hidden), hidden, "{keys:?}");
        }
    }
}
