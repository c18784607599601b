//! The format of `docker run --env-file`: `NAME=VALUE`, the value as it stands, to the end of the line.
//! It has no quotes and no escapes, so it cannot hold a line break.

use super::{Assignment, Names, Unwritable, as_text, file_text, put};
use crate::cli::formats::syntax::SyntaxError;
use crate::sensitive::{SecretValue, Sensitive};

/// Longest line that docker reads, with its end.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Appends a line.
pub(in crate::cli) fn write(file: &mut SecretValue, name: &str, value: &[u8]) -> Result<(), Unwritable> {
    let text = as_text(value)?;
    // Docker takes a `\r` at the end for a part of the line's end.
    if text.contains('\n') || text.ends_with('\r') {
        return Err(Unwritable::LineBreak);
    }
    if name.len() + text.len() + "=\n".len() > MAX_LINE_BYTES {
        return Err(Unwritable::TooLong);
    }
    put(file, [name.as_bytes(), b"=", text.as_bytes(), b"\n"]);
    Ok(())
}

/// Reads all variables of a file, in order, whose names are ids ([`Names::Ids`]). Blank lines and those that start with `#` are left out; a name
/// without `=`, which docker takes from its own environment, is an error.
pub(in crate::cli) fn parse(file: &[u8]) -> Result<Vec<Assignment>, SyntaxError> {
    let mut assignments: Vec<Assignment> = Vec::new();
    let mut names = std::collections::HashSet::new();
    for (line, text) in (1..).zip(file_text(file)?.split('\n')) {
        let text = text.strip_suffix('\r').unwrap_or(text);
        let trimmed = text.trim_start();
        let start = text.chars().count() - trimmed.chars().count() + 1;
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let error = |column, what| SyntaxError { line, column, what };
        let Some((name, value)) = trimmed.split_once('=') else {
            return Err(error(
                start + trimmed.chars().count(),
                "`=` is missing after the name",
            ));
        };
        if let Some(fault) = Names::Ids.fault(name) {
            return Err(error(start, fault));
        }
        if !names.insert(name) {
            return Err(error(start, "this name comes a second time"));
        }
        assignments.push(Assignment {
            name: name.to_owned(),
            value: Sensitive::new(value.to_owned()),
            line,
        });
    }
    Ok(assignments)
}
