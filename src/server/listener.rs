//! What the server accepts connections from.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::tls::Tls;

/// What the server accepts connections from.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: TcpListener,
    /// What is spoken on its connections, besides HTTP.
    pub(super) tls: Option<Arc<Tls>>,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket, tls: None }
    }
}

impl Listener {
    /// Has TLS spoken on its connections.
    #[must_use]
    pub fn with_tls(self, tls: Arc<Tls>) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }
}
