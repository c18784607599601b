//! Accepts connections until the server stops: each is served at once, or refused at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::connection::{Connection, Transport};
use super::handshake::handshake;
use super::serve::{refuse, serve, single_header_time};
use crate::server::listener::{Accepted, Listeners, Peer};
use crate::server::log_interval::LogInterval;
use crate::server::metrics::RefusalReason;
use crate::server::slots::NoSlot;
use crate::server::state::State;
use crate::server::tls::Tls;

/// Pause after an `accept` that failed because the process or the system has run out of something, such as file
/// descriptors. The connection stays in the system's queue meanwhile.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until `shutdown` is done.
pub(in crate::server) async fn accept(
    state: &Arc<State>,
    mut listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    let (mut refused, mut failed) = (LogInterval::default(), LogInterval::default());
    loop {
        // Only sockets that are being closed are waited for: the others are fewer than there are permits.
        let socket = tokio::select! {
            () = &mut shutdown => return,
            socket = Arc::clone(&state.sockets).acquire_owned() => match socket {
                Ok(socket) => socket,
                Err(_) => return,
            },
        };
        let accepted = tokio::select! {
            () = &mut shutdown => return,
            accepted = listeners.accept() => accepted,
        };
        match accepted {
            Ok((accepted, peer)) => admit(state, accepted, peer, socket, &mut refused),
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                if let Some(times) = failed.event(Instant::now()) {
                    tracing::warn!(%error, times, "connections cannot be accepted");
                }
                tokio::select! {
                    () = &mut shutdown => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}

/// Whether `accept` failed because of the connection, as opposed to the listener: the next may be accepted at once.
fn concerns_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Serves the connection, or refuses it if there is no slot for it.
fn admit(
    state: &Arc<State>,
    accepted: Accepted,
    peer: Peer,
    socket: OwnedSemaphorePermit,
    refused: &mut LogInterval,
) {
    let connection = |slot| Connection {
        state: Arc::clone(state),
        transport: transport(&accepted),
        peer: Some(peer.to_string().into()),
        slot: Some(Arc::new(slot)),
        socket: Some(Arc::new(socket)),
    };
    match state.slots.admit(peer.address()) {
        Ok(slot) => {
            tracing::debug!(%peer, "accepted");
            let connection = connection(slot);
            tokio::spawn(answer(connection, accepted, None));
        }
        Err(reason) => {
            state.metrics.refusals.count(match reason {
                NoSlot::All(_) => RefusalReason::ConnectionLimit,
                NoSlot::Address(_) => RefusalReason::AddressLimit,
            });
            if let Some(connections) = refused.event(Instant::now()) {
                tracing::warn!(%reason, %peer, connections, "refused");
            }
            // Where even the refusals are too many, the oldest ends, or this one.
            if let Ok(slot) = state.refusal_slots.admit(peer.address()) {
                let connection = connection(slot);
                tokio::spawn(answer(connection, accepted, Some(reason)));
            }
        }
    }
}

fn transport(accepted: &Accepted) -> Transport {
    match accepted {
        Accepted::Tcp { stream, tls } => Transport::Tcp {
            local_address: stream.local_addr().ok().map(|address| address.ip()),
            tls: tls.is_some(),
        },
        #[cfg(unix)]
        Accepted::Unix(_) => Transport::Unix,
    }
}

/// Serves a connection, or refuses it for `refusal`.
async fn answer(connection: Connection, accepted: Accepted, refusal: Option<NoSlot>) {
    match accepted {
        Accepted::Tcp { stream, tls } => {
            // Otherwise a small response waits until the peer has acknowledged the one before.
            let _ = stream.set_nodelay(true);
            match tls {
                Some(tls) => answer_tls(connection, stream, &tls, refusal).await,
                None => answer_http(connection, stream, refusal).await,
            }
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => answer_http(connection, stream, refusal).await,
    }
}

async fn answer_tls(connection: Connection, stream: TcpStream, tls: &Tls, refusal: Option<NoSlot>) {
    let limits = &connection.state.config.limits;
    let time = match refusal {
        None => limits.header_time,
        Some(_) => single_header_time(limits),
    };
    if let Some(stream) = handshake(&connection, stream, &tls.acceptor(), time).await {
        answer_http(connection, stream, refusal).await;
    }
}

async fn answer_http<S>(connection: Connection, stream: S, refusal: Option<NoSlot>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match refusal {
        None => serve(connection, stream).await,
        Some(reason) => refuse(connection, stream, reason).await,
    }
}
