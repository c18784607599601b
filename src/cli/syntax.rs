//! A fault in a file that somebody wrote, and where it is.

/// Why a file is not in its format, and where. It never repeats what the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub(super) struct SyntaxError {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    pub(super) what: &'static str,
}

impl SyntaxError {
    /// A fault right after `before`, which is all of the file up to it.
    pub(super) fn after(before: &str, what: &'static str) -> Self {
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
            what,
        }
    }
}
