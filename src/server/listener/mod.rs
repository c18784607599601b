//! What the server accepts connections from: TCP ports, and Unix sockets.

mod address;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpListener, TcpStream};

pub use self::address::{ListenAddress, ListenAddressError};
#[cfg(unix)]
use self::unix::UnixSocket;
use super::tls::Tls;

/// A port or a Unix socket that the server accepts connections from.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// None for a Unix socket.
    tls: Option<Arc<Tls>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocket),
}

/// A connection that was accepted.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp {
        stream: TcpStream,
        /// What is spoken on it, if that is not plain HTTP.
        tls: Option<Arc<Tls>>,
    },
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix,
}

impl Peer {
    /// The address that its connections are counted for. That of Unix sockets is this machine's.
    pub(super) const fn address(self) -> IpAddr {
        match self {
            Self::Tcp(address) => address.ip(),
            #[cfg(unix)]
            Self::Unix => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            #[cfg(unix)]
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        let socket = Socket::Tcp(socket);
        Self { socket, tls: None }
    }
}

impl Listener {
    /// Listens at `address`.
    ///
    /// A Unix socket is there for its owner alone (0600) from its first moment on. One that is there already is replaced
    /// if nothing listens on it, as after a crash. It is removed when the listener is dropped.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::AddrInUse`] if another process listens there, or if something that is not a
    /// socket has its path.
    pub async fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => Ok(TcpListener::bind(address).await?.into()),
            #[cfg(unix)]
            ListenAddress::Unix(address) => {
                let socket = Socket::Unix(UnixSocket::bind(address.path()).await?);
                Ok(Self { socket, tls: None })
            }
            #[cfg(not(unix))]
            ListenAddress::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Has TLS spoken on the connections of a port. Unix sockets have none.
    #[must_use]
    pub fn with_tls(self, tls: &Arc<Tls>) -> Self {
        let is_port = matches!(self.socket, Socket::Tcp(_));
        Self {
            tls: is_port.then(|| Arc::clone(tls)),
            ..self
        }
    }

    /// The port that it listens on, which the system chose where that was 0. None for a Unix socket.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
        }
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(Accepted, Peer)>> {
        match &self.socket {
            Socket::Tcp(socket) => socket.poll_accept(context).map_ok(|(stream, peer)| {
                let tls = self.tls.clone();
                (Accepted::Tcp { stream, tls }, Peer::Tcp(peer))
            }),
            #[cfg(unix)]
            Socket::Unix(socket) => socket
                .poll_accept(context)
                .map_ok(|stream| (Accepted::Unix(stream), Peer::Unix)),
        }
    }
}

/// All that a server accepts connections from.
#[derive(Debug)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    pub(super) fn new(listeners: impl IntoIterator<Item = Listener>) -> Self {
        Self(listeners.into_iter().collect())
    }

    /// The certificate, which is one for all ports.
    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        self.0.iter().find_map(|listener| listener.tls.clone())
    }

    /// The next connection of any of them. They take turns.
    pub(super) async fn accept(&mut self) -> io::Result<(Accepted, Peer)> {
        poll_fn(|context| {
            for place in 0..self.0.len() {
                let accepted = self.0.get(place).map(|listener| listener.poll_accept(context));
                if let Some(Poll::Ready(accepted)) = accepted {
                    self.0.rotate_left(place.saturating_add(1));
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}
