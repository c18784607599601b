//! What can go wrong with a call of the `secrets` toolkit.

use crate::room::RoomError;
use crate::wire::{DecodeError, ErrorCode};

/// Why a call of the `secrets` toolkit failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The room said no, or could not be asked.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The server answered in a form that the call does not have.
    #[error("the server answered secrets.{tool} with `{kind}` in an unexpected form")]
    UnexpectedResponse {
        /// The tool that was called.
        tool: &'static str,
        /// The kind of content that came.
        kind: &'static str,
    },
}

impl SecretsError {
    /// The code of the server's error answer, if that is what this is.
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
