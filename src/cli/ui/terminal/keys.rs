//! What a terminal sends, pure: bytes in, keys and pastes out.
//!
//! A terminal that was asked to (`ESC [ ? 2004 h`) puts what is pasted between `ESC [ 200 ~` and `ESC [ 201 ~`
//! (xterm, "Bracketed Paste Mode").

/// Asks the terminal to mark what is pasted.
pub(super) const MARK_PASTES: &[u8] = b"\x1b[?2004h";

/// Ends that.
pub(super) const LEAVE_PASTES_UNMARKED: &[u8] = b"\x1b[?2004l";

/// Asks the terminal to report that it is there (ECMA-48, DSR 5). It answers `ESC [ 0 n`, after everything that
/// it sent before.
pub(super) const REPORT: &[u8] = b"\x1b[5n";

/// Ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

const ESCAPE: u8 = 0x1b;

/// A part of what a terminal sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A byte that was typed, or pasted at a terminal that does not mark pastes.
    Typed(u8),
    PasteStart,
    /// A byte of a paste, whatever it is.
    Pasted(u8),
    PasteEnd,
    /// The answer to [`REPORT`].
    Report,
}

/// Reads what a terminal sends, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Decoder(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Plain,
    Escape,
    /// A sequence that no key here stands for.
    Other,
    /// A control sequence, with the number in it as far as it was read. It is [`NO_NUMBER`] if there is more.
    Control(u16),
    /// In a paste; so many bytes of [`PASTE_END`] were read and are held back.
    Paste(usize),
}

/// Larger than any number of a sequence that is known here.
const NO_NUMBER: u16 = u16::MAX;

impl Decoder {
    /// Takes a byte. Gives what it completes: mostly one key, none within a sequence, and several where the start
    /// of [`PASTE_END`] turns out to be a part of the paste.
    pub(super) fn push(&mut self, byte: u8) -> impl Iterator<Item = Key> + use<> {
        let mut held: &'static [u8] = &[];
        let mut key = None;
        self.0 = match self.0 {
            State::Plain if byte == ESCAPE => State::Escape,
            State::Plain => {
                key = Some(Key::Typed(byte));
                State::Plain
            }
            State::Escape if byte == b'[' => State::Control(0),
            State::Escape if byte == b'O' => State::Other,
            State::Escape => State::Plain,
            State::Other if matches!(byte, 0x40..=0x7e) => State::Plain,
            State::Other => State::Other,
            State::Control(number) => match (number, byte) {
                (200, b'~') => {
                    key = Some(Key::PasteStart);
                    State::Paste(0)
                }
                (0, b'n') => {
                    key = Some(Key::Report);
                    State::Plain
                }
                (_, 0x40..=0x7e) => State::Plain,
                (_, b'0'..=b'9') => {
                    State::Control(number.saturating_mul(10).saturating_add(u16::from(byte - b'0')))
                }
                _ => State::Control(NO_NUMBER),
            },
            State::Paste(matched) if PASTE_END.get(matched) == Some(&byte) => {
                if matched + 1 == PASTE_END.len() {
                    key = Some(Key::PasteEnd);
                    State::Plain
                } else {
                    State::Paste(matched + 1)
                }
            }
            State::Paste(matched) => {
                held = PASTE_END.get(..matched).unwrap_or_default();
                if byte == ESCAPE {
                    State::Paste(1)
                } else {
                    key = Some(Key::Pasted(byte));
                    State::Paste(0)
                }
            }
        };
        held.iter().copied().map(Key::Pasted).chain(key)
    }

    /// Whether a paste has started and not ended.
    pub(super) const fn is_in_paste(&self) -> bool {
        matches!(self.0, State::Paste(_))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().flat_map(|byte| decoder.push(*byte)).collect()
    }

    fn typed(bytes: &[u8]) -> Vec<Key> {
        bytes.iter().copied().map(Key::Typed).collect()
    }

    /// The paste that `bytes` are to be, and nothing else.
    fn one_paste(bytes: &[u8]) -> Vec<u8> {
        let keys = decoded(bytes);
        let [Key::PasteStart, pasted @ .., Key::PasteEnd] = keys.as_slice() else {
            panic!("no paste: {keys:?}");
        };
        let pasted = pasted.iter().map(|key| match key {
            Key::Pasted(byte) => *byte,
            other => panic!("{other:?} in a paste"),
        });
        pasted.collect()
    }

    #[test]
    fn keys_that_send_several_bytes_are_nothing_typed() {
        for (bytes, left) in [
            (&b"a\x1b[Db\x1b[1;5Cc\x1bOHd\x1bxe"[..], &b"abcde"[..]),
            (b"\x1b[201~a\x1b[2000~b\x1b[200;1~c\x1b[?200~d", b"abcd"),
            (b"\x1b[99999999999999999999~a\x1b[?0na\x1b[1n", b"aa"),
        ] {
            assert_eq!(decoded(bytes), typed(left), "{bytes:?}");
        }
    }

    #[test]
    fn a_report_is_found_among_keys() {
        assert_eq!(
            decoded(b"a\x1b[0nb"),
            [Key::Typed(b'a'), Key::Report, Key::Typed(b'b')]
        );
    }

    #[test]
    fn only_its_end_ends_a_paste() {
        for pasted in [
            &b""[..],
            b"-----BEGIN KEY-----\r\nab\r-----END KEY-----\n",
            b"\x03\x04\x15\x1a\x7f\0\xff",
            b"\x1b[200~\x1b[0n\x1b[A\x1bOH",
            b"\x1b\x1b[20\x1b[201\x1b[201",
            b"\x1b",
        ] {
            let bytes = [b"\x1b[200~", pasted, b"\x1b[201~"].concat();
            assert_eq!(one_paste(&bytes), pasted);
        }
        // What comes after it is typed again.
        let bytes = b"x\x1b[200~y\x1b[201~z";
        let keys = decoded(bytes);
        assert_eq!(keys.first(), Some(&Key::Typed(b'x')));
        assert_eq!(keys.last(), Some(&Key::Typed(b'z')));
    }

    #[test]
    fn a_paste_is_open_until_the_last_byte_of_its_end() {
        let mut decoder = Decoder::default();
        for byte in b"\x1b[200~a\x1b[201" {
            decoder.push(*byte).for_each(drop);
        }
        assert!(decoder.is_in_paste());
        assert_eq!(decoder.push(b'~').collect::<Vec<_>>(), [Key::PasteEnd]);
        assert!(!decoder.is_in_paste());
    }

    proptest! {
        #[test]
        fn a_paste_comes_out_as_it_went_in(pasted in "[\\x1b\\[20-1~a\r\n]{0,40}") {
            prop_assume!(!pasted.contains("\x1b[201~"));
            let bytes = [b"\x1b[200~", pasted.as_bytes(), b"\x1b[201~"].concat();
            prop_assert_eq!(one_paste(&bytes), pasted.as_bytes());
        }
    }
}
