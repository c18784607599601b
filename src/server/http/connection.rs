//! What the requests of one connection have in common.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::HeaderValue;
use axum::http::header::SERVER;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::refusal::Refusal;
use crate::server::slots::ConnectionSlot;
use crate::server::state::State;

/// What the requests of one connection have in common: the state of their routes.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) state: Arc<State>,
    pub(super) transport: Transport,
    /// Who the peer is, as text. None for a connection inside the process.
    pub(super) peer: Option<Arc<str>>,
    /// Its slot among the connections that there may be. None for a connection inside the process.
    pub(super) slot: Option<Arc<ConnectionSlot>>,
    /// The permit for its socket. None for a connection inside the process.
    pub(super) socket: Option<Arc<OwnedSemaphorePermit>>,
}

/// What a connection is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transport {
    /// A stream inside the process.
    InMemory,
    /// A connection to a Unix socket.
    #[cfg(unix)]
    Unix,
    /// A TCP connection.
    Tcp {
        /// The address that the peer connected to.
        local_address: Option<IpAddr>,
        /// Whether TLS is spoken on it.
        tls: bool,
    },
}

impl Connection {
    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&self) {
        match &self.slot {
            Some(slot) => slot.evicted().await,
            None => pending().await,
        }
    }
}

/// What the server calls itself, to clients of its Unix sockets: they are this machine's.
#[cfg(unix)]
const SERVER_NAME: HeaderValue = HeaderValue::from_static(concat!("meshagent/", env!("CARGO_PKG_VERSION")));

/// Marks the connection as not idle while a request is answered, and counts refusals.
pub(super) async fn track(Shared(connection): Shared<Connection>, request: Request, next: Next) -> Response {
    let Some(slot) = connection.slot else {
        return next.run(request).await;
    };
    let mut response = if slot.request_began() {
        let response = next.run(request).await;
        slot.request_ended();
        response
    } else {
        Refusal::Evicted.into_response()
    };
    if let Some(reason) = response.extensions().get() {
        connection.state.metrics.refusals.count(*reason);
    }
    #[cfg(unix)]
    if matches!(connection.transport, Transport::Unix) {
        response.headers_mut().insert(SERVER, SERVER_NAME);
    }
    response
}
