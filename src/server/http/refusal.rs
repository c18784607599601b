//! Why a request is refused, and the status that says so.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::server::metrics::RefusalReason;
use crate::server::slots::NoSlot;
use crate::token::TokenError;
use crate::wire::{Identity, NameError};

/// When a client that was refused for a limit may try again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

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
    #[error("this server is not asked by that name; see --allow-host")]
    ForeignHost,
    #[error("this page may not ask this server; see --allow-origin")]
    ForeignOrigin,
    #[error(transparent)]
    NoSlot(NoSlot),
    #[error("the connection makes room for a new one")]
    Evicted,
    #[error("{identity} has {limit} connections to this server already, which is the limit for one identity")]
    TooManyConnections { identity: Identity, limit: usize },
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoCredential | Self::InvalidToken(_) => StatusCode::UNAUTHORIZED,
            Self::NotGranted(_)
            | Self::NewRoom(_)
            | Self::NewIdentity(_)
            | Self::ForeignHost
            | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NoSuchRoom(_) | Self::NoSuchProject => StatusCode::NOT_FOUND,
            Self::Store => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoSlot(_) | Self::Evicted => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyConnections { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The reason that it is counted by. None for [`Refusal::NoSlot`], which is counted where the connection is accepted.
    const fn counted_as(&self) -> Option<RefusalReason> {
        Some(match self {
            Self::NoSlot(_) => return None,
            Self::NoCredential | Self::InvalidToken(_) => RefusalReason::Credential,
            Self::NotGranted(_) | Self::NewRoom(_) | Self::NewIdentity(_) => RefusalReason::Permission,
            Self::NoSuchRoom(_) | Self::NoSuchProject => RefusalReason::NotFound,
            Self::ForeignHost | Self::ForeignOrigin => RefusalReason::Origin,
            Self::Store => RefusalReason::Store,
            Self::Evicted => RefusalReason::Evicted,
            Self::TooManyConnections { .. } => RefusalReason::IdentityLimit,
        })
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

impl Refusal {
    /// The response to a join. A credential that is not accepted is 403 there: the clients of MeshAgent's SDKs take
    /// that for final, and try again for ever after 401 (protocol, "Getting in").
    pub(super) fn into_join_response(self) -> Response {
        match self.status() {
            StatusCode::UNAUTHORIZED => self.respond(StatusCode::FORBIDDEN),
            status => self.respond(status),
        }
    }

    fn respond(self, status: StatusCode) -> Response {
        let (reason, counted_as) = (self.to_string(), self.counted_as());
        // This one is logged where the connection is accepted, at most once in a while.
        if !matches!(self, Self::NoSlot(_)) {
            tracing::info!(status = status.as_u16(), reason, "refused");
        }
        let mut response = (status, reason).into_response();
        if matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if let Some(reason) = counted_as {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        self.respond(status)
    }
}
