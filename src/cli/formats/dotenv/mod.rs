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

/// The text of a file, without the mark that some editors put first.
fn file_text(file: &[u8]) -> Result<&str, SyntaxError> {
    match std::str::from_utf8(file) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = file.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            Err(SyntaxError::after(&before, "this is not UTF-8 text"))
        }
    }
}
