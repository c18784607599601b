//! What the requests of one TCP connection have in common.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::server::state::State;

/// What the requests of one TCP connection have in common: the state of their routes.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) state: Arc<State>,
    /// The address that the peer connected to. None for a connection inside the process.
    pub(super) local_address: Option<IpAddr>,
    /// Its slot among the connections that the server accepts; the session of a joined participant keeps it.
    pub(super) slot: Option<Arc<OwnedSemaphorePermit>>,
}
