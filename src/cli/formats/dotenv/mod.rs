//! Files of environment variables: read strictly, and written so that they come back the same.
//!
//! What is written is read the same by [`parse()`], by `sh` and by `bash`. Nothing is ever expanded or run:
//! `$` is a dollar sign. The format that `docker run --env-file` takes is another one, without quotes:
//! [`docker`].

pub(in crate::cli) mod docker;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::io::Write;

pub(in crate::cli) use self::parse::parse;
pub(in crate::cli) use self::write::write;
use super::syntax::SyntaxError;
use crate::sensitive::{SecretValue, SensitiveText};

/// One variable of a file.
#[derive(Debug)]
pub(in crate::cli) struct Assignment {
    pub(in crate::cli) name: String,
    pub(in crate::cli) value: SensitiveText,
    /// Line that it starts on, from 1.
    pub(in crate::cli) line: usize,
}

/// Why a format cannot hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum Unwritable {
    #[error("it has a NUL byte")]
    Nul,
    #[error("it is not UTF-8 text")]
    Binary,
    #[error("bash keeps a variable of this name for itself")]
    ShellVariable,
    #[error("it has a line break")]
    LineBreak,
    #[error("it is longer than a line may be")]
    TooLong,
}

/// Whether `text` can name a variable: a letter or `_`, then letters, digits and `_` (POSIX, "Environment
/// Variable Definition", as shells take it).
pub(in crate::cli) fn is_variable_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(is_name_character)
}

/// What the names in a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Names {
    /// Names of environment variables: [`is_variable_name`].
    Variables,
    /// Ids of secrets, as far as no reader takes their characters for something else: letters and digits of ASCII, and
    /// `_ - . / : @`.
    Ids,
}

impl Names {
    /// Whether a name may have this character.
    const fn have(self, character: char) -> bool {
        is_name_character(character)
            || matches!(self, Self::Ids) && matches!(character, '-' | '.' | '/' | ':' | '@')
    }

    /// Why this is no such name, if it is none.
    fn fault(self, name: &str) -> Option<&'static str> {
        match self {
            Self::Variables if !is_variable_name(name) => {
                Some("the name of a variable has letters, digits and `_` alone, and no digit first")
            }
            Self::Ids if name.is_empty() || !name.chars().all(|character| self.have(character)) => {
                Some("a name has letters, digits and `_-./:@` alone")
            }
            _ => None,
        }
    }
}

const fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// A value as the text that a variable holds.
fn as_text(value: &[u8]) -> Result<&str, Unwritable> {
    let text = std::str::from_utf8(value).map_err(|_| Unwritable::Binary)?;
    if text.contains('\0') {
        return Err(Unwritable::Nul);
    }
    Ok(text)
}

/// Appends to a file that is made in memory.
fn put<'a>(file: &mut SecretValue, parts: impl IntoIterator<Item = &'a [u8]>) {
    for part in parts {
        // Writing to memory does not fail.
        let _ = file.write_all(part);
    }
}

/// Whether a file is UTF-16 text, as some editors and shells of Windows write it: by its mark, or by the zero byte
/// of a first ASCII character.
pub(super) fn is_utf16(file: &[u8]) -> bool {
    matches!(
        file,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] | [1..=0x7f, 0, ..]
    )
}

/// The fault of a file for which [`is_utf16`] holds.
pub(super) const UTF16: SyntaxError = SyntaxError {
    line: 1,
    column: 1,
    what: "this is UTF-16 text: save the file as UTF-8, or convert it with `iconv -f UTF-16 -t UTF-8`",
};

/// The text of a file, without the mark that some editors put first.
fn file_text(file: &[u8]) -> Result<&str, SyntaxError> {
    if is_utf16(file) {
        return Err(UTF16);
    }
    match std::str::from_utf8(file) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = file.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            Err(SyntaxError::after(&before, "this is not UTF-8 text"))
        }
    }
}
