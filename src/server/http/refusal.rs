//! Why a request is refused, and the status that says so.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::token::TokenError;
use crate::wire::NameError;

/// Why a request is refused. Its text is the body of the response.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a credential is needed: Authorization: Bearer …")]
    NoCredential,
    #[error(transparent)]
    InvalidToken(TokenError),
    /// The token is genuine, and does not open this room here.
    #[error(transparent)]
    NotGranted(TokenError),
    #[error("there is no room of that name: {0}")]
    NoSuchRoom(NameError),
    #[error("there is no such project on this server")]
    NoSuchProject,
    #[error("no new room can have this name: {0}")]
    NewRoom(NameError),
    #[error("no new identity can have this name: {0}")]
    NewIdentity(NameError),
    #[error("the store cannot be read")]
    Store,
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoCredential | Self::InvalidToken(_) => StatusCode::UNAUTHORIZED,
            Self::NotGranted(_) | Self::NewRoom(_) | Self::NewIdentity(_) => StatusCode::FORBIDDEN,
            Self::NoSuchRoom(_) | Self::NoSuchProject => StatusCode::NOT_FOUND,
            Self::Store => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::WrongRoom | TokenError::BadSecretsGrant => Self::NotGranted(error),
            other => Self::InvalidToken(other),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, reason) = (self.status(), self.to_string());
        tracing::info!(status = status.as_u16(), reason, "refused");
        (status, reason).into_response()
    }
}
