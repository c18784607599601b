//! What the requests of one TCP connection know.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::server::state::State;

/// What the requests of one TCP connection know.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) state: Arc<State>,
    /// The address that the peer dialled; none for a connection inside the process.
    pub(super) local_address: Option<IpAddr>,
    /// Its place among the connections that a server has at once; a joined participant keeps it.
    pub(super) place: Option<Arc<OwnedSemaphorePermit>>,
}
