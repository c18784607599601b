//! Serves HTTP on a connection: the [routes](super::routes), or a refusal of all but the health checks.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::time::sleep;

use super::connection::{Connection, Transport};
use super::routes::{refusing_router, router};
use crate::server::config::Limits;
use crate::server::slots::NoSlot;
use crate::server::state::State;

/// Smallest read buffer that hyper accepts.
const MIN_HEADER_BYTES: usize = 8 << 10;

/// Longest time in which the headers of a request must arrive that is the only one of its connection.
const SINGLE_HEADER_TIME: Duration = Duration::from_secs(2);

/// Longest that a connection for a single request stays open.
const SINGLE_TIME: Duration = Duration::from_secs(5);

/// Serves HTTP on a stream inside the process.
pub(in crate::server) fn serve_in_memory(state: &Arc<State>, stream: DuplexStream) {
    let connection = Connection {
        state: Arc::clone(state),
        transport: Transport::InMemory,
        peer: None,
        slot: None,
        socket: None,
    };
    tokio::spawn(serve(connection, stream));
}

/// Serves the routes until the peer leaves or is silent for too long, the connection is evicted, or the server stops.
pub(super) async fn serve<S>(connection: Connection, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &connection.state.config.limits;
    let http = http(limits, limits.header_time);
    let routes = router(connection.clone());
    run(http, connection, stream, routes, pending()).await;
}

/// Answers one request: a health check as usual, and any other with `reason`.
pub(super) async fn refuse<S>(connection: Connection, stream: S, reason: NoSlot)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = refusing_router(connection.clone(), reason);
    answer_once(connection, stream, routes).await;
}

/// Answers one request with `routes`, within [`SINGLE_TIME`].
pub(super) async fn answer_once<S>(connection: Connection, stream: S, routes: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &connection.state.config.limits;
    let mut http = http(limits, single_header_time(limits));
    http.keep_alive(false);
    run(http, connection, stream, routes, sleep(SINGLE_TIME)).await;
}

/// Time in which the headers of a request must arrive that is the only one of its connection.
pub(super) fn single_header_time(limits: &Limits) -> Duration {
    limits.header_time.min(SINGLE_HEADER_TIME)
}

fn http(limits: &Limits, header_time: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(limits.header_bytes.max(MIN_HEADER_BYTES));
    http
}

/// Serves `routes`, for no longer than until `time_over` completes. The socket's permit is in `connection` and so is
/// given back after the stream was dropped, unless a session has it too.
async fn run<S>(
    http: http1::Builder,
    connection: Connection,
    stream: S,
    routes: Router,
    time_over: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let open = connection.state.connections.open();
    let service = TowerToHyperService::new(routes);
    let serving = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = connection.evicted() => return,
        () = time_over => return,
        () = open.stopping() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
