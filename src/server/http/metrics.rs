//! `GET /metrics`, on a listener of its own: what it tells is for the operator, and not for those who can reach rooms.

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection::{Connection, Transport};
use super::listen::ACCEPT_PAUSE;
use super::origin;
use super::ready;
use super::serve::answer_once;
use crate::server::scrape::{Asked, MetricsRegistry};
use crate::server::state::State;

/// Scrapes at the same time. Further connections are closed unanswered.
const MAX_SCRAPES: usize = 8;

/// The content type of the text format (`OpenMetrics` 1.0, "Text Format").
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves `GET /metrics` until the server stops.
pub(in crate::server) async fn serve_metrics(
    state: &Arc<State>,
    listener: TcpListener,
    registry: MetricsRegistry,
) {
    let registry = Arc::new(registry);
    let free = Arc::new(Semaphore::new(MAX_SCRAPES));
    let open = state.connections.open();
    loop {
        let accepted = tokio::select! {
            () = open.stopping() => return,
            accepted = listener.accept() => accepted,
        };
        match (accepted, Arc::clone(&free).try_acquire_owned()) {
            (Ok((stream, _)), Ok(permit)) => {
                let answering = answer(Arc::clone(state), Arc::clone(&registry), stream);
                tokio::spawn(async move {
                    answering.await;
                    drop(permit);
                });
            }
            (Ok(_), Err(_)) => tracing::debug!("too many scrapes at once"),
            (Err(error), _) => {
                tracing::debug!(%error, "a scrape cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(state: Arc<State>, registry: Arc<MetricsRegistry>, stream: TcpStream) {
    let connection = Connection {
        state,
        transport: Transport::Tcp {
            local_address: stream.local_addr().ok().map(|address| address.ip()),
            tls: false,
        },
        peer: None,
        slot: None,
        socket: None,
    };
    let scrape =
        async move |Shared(connection): Shared<Connection>| scrape(&connection.state, &registry).await;
    let routes = Router::new()
        .route("/metrics", get(scrape))
        .layer(from_fn_with_state(connection.clone(), origin::guard))
        .with_state(connection.clone());
    answer_once(connection, stream, routes).await;
}

async fn scrape(state: &State, registry: &MetricsRegistry) -> Response {
    let ready = ready::check_state(state).await.is_ok();
    // A store that does not answer is not asked more.
    let rows_to_reseal = if ready {
        state.store.rows_to_reseal().await.ok()
    } else {
        None
    };
    match registry.encode(Asked {
        ready,
        rows_to_reseal,
    }) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
