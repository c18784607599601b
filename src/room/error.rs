//! Errors between a client and its room.

use crate::net::NetError;
use crate::wire::{DecodeError, ErrorCode};

/// Why joining a room, or a call in it, failed. The texts that a server sent are in it; no credential is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The server could not be reached, or HTTP failed.
    #[error(transparent)]
    Net(NetError),
    /// The server does not accept the credential (HTTP 401 from the connect call), or no longer accepts it (WebSocket close code 1008).
    #[error("the server does not accept the credential: {0}")]
    Unauthorized(String),
    /// The credential does not permit this, or is not accepted at the join (HTTP 403).
    #[error("the server does not permit this: {0}")]
    Forbidden(String),
    /// There is no such project or room (HTTP 404).
    #[error("the server knows no such project or room: {0}")]
    NoSuchRoom(String),
    /// The server answered with another HTTP status.
    #[error("the server answered {status}{}", text(.body))]
    BadResponse {
        /// HTTP status code and its name.
        status: String,
        /// The start of the body, if it is short text.
        body: String,
    },
    /// The response is not that of a room server: to the connect call or to the WebSocket handshake.
    #[error("the answer of {host} is not that of a room server")]
    NotARoomServer {
        /// Host and port.
        host: String,
    },
    /// The connection ended, for the reason in it if there is one.
    #[error("the connection to the room ended{}", text(.0))]
    Closed(String),
    /// The server is busy: try again later (WebSocket close code 1013, HTTP 503 or 429).
    #[error("the server is busy{}", text(.0))]
    Busy(String),
    /// The server does not say who is in the room: it enabled messaging and pushed no list of participants.
    #[error("the server does not say who is in the room")]
    NoParticipantList,
    /// The server broke the protocol.
    #[error("the server does not speak the room protocol: {0}")]
    Protocol(#[from] DecodeError),
    /// The message is larger than a room accepts. It was not sent.
    #[error("{bytes} bytes are more than the room takes in one message ({limit})")]
    TooLarge {
        /// Size of the message, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The response to a call is an error.
    #[error("{message}")]
    Call {
        /// The code; none if the server sent an unknown one or none.
        code: Option<ErrorCode>,
        /// The server's text.
        message: String,
    },
    /// The participant that was asked rejected the request, for this reason.
    #[error("{0}")]
    Rejected(String),
}

impl RoomError {
    /// Whether the same call may succeed later without any change.
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
