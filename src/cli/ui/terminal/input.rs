//! What a person types at a prompt.

use crate::sensitive::SecretValue;

/// Whether what is typed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Echo {
    Shown,
    Hidden,
}

/// The input at a prompt.
#[derive(Debug)]
pub(in crate::cli) enum PromptInput {
    /// One line, or what was pasted as a whole. It may be empty.
    Value(SecretValue),
    /// The input cannot be taken as a whole, so none of it is used.
    Refused(Refusal),
    /// End of input (Ctrl-D).
    Nothing,
}

/// Why input is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum Refusal {
    /// The terminal does not mark pastes, so it is unknown which lines belong together.
    #[error("several lines were pasted, and the terminal did not mark them as one paste; nothing was taken")]
    SeveralLines,
    #[error("more than 1 MiB was pasted; nothing was taken")]
    TooLong,
}
