//! Accepts connections and serves HTTP on them, until the server stops.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;

use super::connection::Connection;
use super::routes::router;
use crate::server::state::State;

/// Pause after a failed `accept`, which mostly means that the process has run out of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Smallest read buffer that hyper accepts.
const MIN_HEADER_BYTES: usize = 8 << 10;

/// Accepts connections until `shutdown` is done.
pub(in crate::server) async fn accept(
    state: &Arc<State>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    loop {
        // The slot first: a connection beyond the limit waits in the system's queue.
        let slot = tokio::select! {
            () = &mut shutdown => return,
            slot = state.connections.slot() => match slot {
                Some(slot) => slot,
                None => return,
            },
        };
        let accepted = tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tracing::debug!(%peer, "accepted");
                // Otherwise a small response waits until the peer has acknowledged the one before.
                let _ = stream.set_nodelay(true);
                let local_address = stream.local_addr().ok().map(|address| address.ip());
                serve(state, stream, local_address, Some(slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves HTTP on a stream inside the process.
pub(in crate::server) fn serve_in_memory(state: &Arc<State>, stream: DuplexStream) {
    serve(state, stream, None, None);
}

fn serve<S>(state: &Arc<State>, stream: S, local_address: Option<IpAddr>, slot: Option<OwnedSemaphorePermit>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &state.config.limits;
    let open = state.connections.open();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes.max(MIN_HEADER_BYTES));
    let connection = Connection {
        state: Arc::clone(state),
        local_address,
        slot: slot.map(Arc::new),
    };
    let service = TowerToHyperService::new(router(connection));
    tokio::spawn(async move {
        let serving = http
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(serving);
        let served = tokio::select! {
            served = &mut serving => served,
            () = open.stopping() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
