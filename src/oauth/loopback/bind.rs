//! Binds to the address of a redirect URI.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;
use url::Host;

use crate::oauth::{RedirectUri, RedirectUriError};

/// Most attempts to find a port that is free on both addresses of `localhost`.
const ATTEMPTS: usize = 16;

/// Why no listener can be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopbackError {
    /// The redirect URI is not plain `http` to this machine.
    #[error("the redirect URI does not lead back to this machine by http")]
    NotLoopback,
    /// Another program uses the port.
    #[error("port {0} is taken by another program")]
    Taken(u16),
    /// The system refused.
    #[error("nothing can listen on this machine: {0}")]
    Unavailable(#[from] io::Error),
    /// The redirect URI is not valid.
    #[error(transparent)]
    BadUri(#[from] RedirectUriError),
    /// The system provides no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// Binds to the addresses of the host of `redirect_uri`, and returns the URI with the bound port.
pub(super) async fn bind(
    redirect_uri: &RedirectUri,
) -> Result<(Vec<TcpListener>, RedirectUri), LoopbackError> {
    if !redirect_uri.is_loopback() {
        return Err(LoopbackError::NotLoopback);
    }
    let (first, second) = match redirect_uri.url().host() {
        Some(Host::Ipv4(address)) => (IpAddr::V4(address), None),
        Some(Host::Ipv6(address)) => (IpAddr::V6(address), None),
        _ => (Ipv4Addr::LOCALHOST.into(), Some(Ipv6Addr::LOCALHOST.into())),
    };
    if let Some(port) = redirect_uri.port() {
        return Ok((bind_all(first, second, port).await?, redirect_uri.clone()));
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        match bind_all(first, second, 0).await {
            Err(LoopbackError::Taken(_)) if attempt < ATTEMPTS => {}
            bound => {
                let sockets = bound?;
                let port = port_of(&sockets)?;
                return Ok((sockets, redirect_uri.with_port(port)));
            }
        }
    }
}

/// Binds the same port on one or two addresses. This machine may lack one of two addresses. If another program uses
/// the port on one of them, that is an error, because the browser might connect there.
async fn bind_all(
    first: IpAddr,
    second: Option<IpAddr>,
    port: u16,
) -> Result<Vec<TcpListener>, LoopbackError> {
    let at = async |address, port| match TcpListener::bind(SocketAddr::new(address, port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(LoopbackError::Taken(port)),
        Err(error) => Err(LoopbackError::Unavailable(error)),
        Ok(socket) => Ok(socket),
    };
    let mut sockets = Vec::new();
    let mut missing = None;
    let mut port = port;
    for address in std::iter::once(first).chain(second) {
        match at(address, port).await {
            Ok(socket) => {
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            Err(error @ LoopbackError::Unavailable(_)) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

fn port_of(sockets: &[TcpListener]) -> io::Result<u16> {
    let socket = sockets.first().ok_or(io::ErrorKind::NotFound)?;
    Ok(socket.local_addr()?.port())
}
