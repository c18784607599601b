//! A fault in a file that a person wrote, with its place.

/// Why a file is not in its format, and where. It never repeats what the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub(in crate::cli) struct SyntaxError {
    /// From 1.
    pub(in crate::cli) line: usize,
    /// In characters, from 1.
    pub(in crate::cli) column: usize,
    pub(in crate::cli) what: &'static str,
}

impl SyntaxError {
    /// A fault right after `before`, which is all of the file up to it.
    pub(in crate::cli) fn after(before: &str, what: &'static str) -> Self {
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
            what,
        }
    }
}
