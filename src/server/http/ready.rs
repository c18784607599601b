//! `GET /readyz`: whether the server can do its work.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::time::timeout;

use super::connection::Connection;
use crate::server::state::State;
use crate::server::store::StoreError;

/// Time in which the store must answer.
const STORE_TIME: Duration = Duration::from_secs(1);

/// Why the server is not ready. Its text is for every client, so it has no detail of the store.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotReady {
    /// It was told to stop.
    #[error("the server is stopping")]
    Stopping,
    /// The store does not answer within a second.
    #[error("the store does not answer")]
    StoreSilent,
    /// The store answers with an error.
    #[error("the store cannot be read")]
    StoreFailed,
    /// The last entry of the audit log could not be written.
    #[error("the audit log cannot be written")]
    AuditFailed,
}

/// 200 if the store answers a read, the audit log can be written and the server is not stopping, else 503 with the reason.
pub(super) async fn readyz(Shared(connection): Shared<Connection>) -> Response {
    let (status, body) = match check_state(&connection.state).await {
        Ok(()) => (StatusCode::OK, json!({"ready": true})),
        Err(reason) => {
            let body = json!({"ready": false, "reason": reason.to_string()});
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Whether the server is ready.
pub(super) async fn check_state(state: &State) -> Result<(), NotReady> {
    check(state.stopping.is_cancelled(), state.store.ping(), STORE_TIME).await?;
    if state.audit.is_writable() {
        Ok(())
    } else {
        Err(NotReady::AuditFailed)
    }
}

/// Whether the store answers. One that was closed has done so.
pub(in crate::server) async fn check_store(state: &State) -> Result<(), NotReady> {
    let ping = async {
        match state.store.ping().await {
            Err(StoreError::Closed) => Ok(()),
            answer => answer,
        }
    };
    check(false, ping, STORE_TIME).await
}

async fn check(
    stopping: bool,
    ping: impl Future<Output = Result<(), StoreError>>,
    limit: Duration,
) -> Result<(), NotReady> {
    if stopping {
        return Err(NotReady::Stopping);
    }
    match timeout(limit, ping).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the store cannot be read");
            Err(NotReady::StoreFailed)
        }
        Err(_) => {
            tracing::warn!("not ready: the store does not answer");
            Err(NotReady::StoreSilent)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_server_is_ready_if_it_is_not_stopping_and_the_store_answers_in_time() {
        assert_eq!(check(false, ready(Ok(())), STORE_TIME).await, Ok(()));
        assert_eq!(
            check(true, ready(Ok(())), STORE_TIME).await,
            Err(NotReady::Stopping)
        );
        assert_eq!(
            check(false, pending(), Duration::from_millis(1)).await,
            Err(NotReady::StoreSilent)
        );
        let closed = ready(Err(StoreError::Closed));
        assert_eq!(check(false, closed, STORE_TIME).await, Err(NotReady::StoreFailed));
    }
}
