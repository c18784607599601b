//! The answer to a question at the terminal.

use crate::sensitive::SecretValue;

/// Whether what is typed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Echo {
    Shown,
    Hidden,
}

/// The answer to a question.
#[derive(Debug)]
pub(in crate::cli) enum Answer {
    /// One line, or what was pasted as a whole. It may be empty.
    Value(SecretValue),
    /// What was sent cannot be taken whole, so none of it was.
    Refused(Refusal),
    /// There will be none (Ctrl-D).
    Nothing,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum Refusal {
    /// Where the terminal does not mark pastes, which lines belong together cannot be told.
    #[error("several lines were pasted, and the terminal did not mark them as one paste; nothing was taken")]
    SeveralLines,
    #[error("more than 1 MiB was pasted; nothing was taken")]
    TooLong,
}
