//! What can go wrong between a client and its room.

use crate::net::NetError;
use crate::wire::{DecodeError, ErrorCode};

/// Why joining a room or a call in it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The server could not be reached.
    #[error(transparent)]
    Net(NetError),
    /// The server does not accept the credential (401), or not any more (WebSocket close code 1008).
    #[error("the server does not accept the credential: {0}")]
    Unauthorized(String),
    /// The credential is good, but not for this (403).
    #[error("the server does not permit this: {0}")]
    Forbidden(String),
    /// There is no such project or room (404).
    #[error("the server knows no such project or room: {0}")]
    NoSuchRoom(String),
    /// Something answered that is not a room server, or one that failed.
    #[error("the server answered {status}{}", text(.body))]
    BadResponse {
        /// HTTP status code and its name.
        status: String,
        /// The start of the body, if it is short text.
        body: String,
    },
    /// The answer to the connect call makes no sense.
    #[error("the answer of {host} is not that of a room server")]
    NotARoomServer {
        /// Host and port that was asked.
        host: String,
    },
    /// The connection ended.
    #[error("the connection to the room ended{}", text(.0))]
    Closed(String),
    /// The server asks to come back later (WebSocket close code 1013, HTTP 503 or 429).
    #[error("the server is busy{}", text(.0))]
    Busy(String),
    /// The server sent something that the protocol does not allow.
    #[error("the server does not speak the room protocol: {0}")]
    Protocol(#[from] DecodeError),
    /// The message is larger than the receiver takes.
    #[error("{bytes} bytes are more than the room takes in one message ({limit})")]
    TooLarge {
        /// Size of the message.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A call was answered with an error.
    #[error("{message}")]
    Call {
        /// The code, if the server sent a known one.
        code: Option<ErrorCode>,
        /// The server's words.
        message: String,
    },
    /// The participant that was asked said no.
    #[error("{0}")]
    Rejected(String),
}

impl RoomError {
    /// Whether the same thing may work later without changing anything.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Net(NetError::Unreachable { .. } | NetError::Silent { .. })
                | Self::Closed(_)
                | Self::Busy(_)
        )
    }
}

impl From<NetError> for RoomError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::BadCredential => {
                Self::Unauthorized("it has characters that no credential has".to_owned())
            }
            NetError::Closed(reason) => Self::Closed(reason),
            other => Self::Net(other),
        }
    }
}

fn text(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}
