//! Errors of calls of the `secrets` toolkit.

use crate::room::RoomError;
use crate::wire::{DecodeError, ErrorCode};

/// Why a call of the `secrets` toolkit failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The server answered with an error, or the connection ended.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The response has another form than responses of the tool.
    #[error("the server answered secrets.{tool} with `{kind}` in an unexpected form")]
    UnexpectedResponse {
        /// The tool.
        tool: &'static str,
        /// The type of the response's content.
        kind: &'static str,
    },
    /// The owner of the secret was named, and the response does not say that it is that owner's: the server does not
    /// know `delegated_by`, and may have read another identity's secret.
    #[error(
        "the server does not say whose secret it read: it does not know `delegated_by` in secrets.{tool}"
    )]
    OwnerUnknown {
        /// The tool.
        tool: &'static str,
    },
}

impl SecretsError {
    /// The code of the error that the server answered; none for other errors and unknown codes.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Room(RoomError::Call { code, .. }) => *code,
            _ => None,
        }
    }
}

impl From<DecodeError> for SecretsError {
    fn from(error: DecodeError) -> Self {
        Self::Room(RoomError::Protocol(error))
    }
}
