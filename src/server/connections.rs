//! The connections that are open: their number is limited, and the server waits for them when it stops.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::shutdown::{FINISH_TIME, WorkToken, WorkTracker};

/// The open connections of a server.
#[derive(Debug)]
pub(super) struct OpenConnections {
    slots: Arc<Semaphore>,
    stopping: CancellationToken,
    open: WorkTracker,
}

/// An open connection, or the session that took it over. The server waits for it when it stops.
#[derive(Debug)]
pub(super) struct OpenConnection {
    stopping: CancellationToken,
    /// None for a connection that was opened while the server stopped.
    _work: Option<WorkToken>,
}

impl OpenConnections {
    /// No connections, of at most `limit` at a time.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            stopping: CancellationToken::new(),
            open: WorkTracker::default(),
        }
    }

    /// Waits until there are fewer connections than the limit, and takes a slot for one more.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// Counts a connection as open until what this returns is dropped.
    pub(super) fn open(&self) -> OpenConnection {
        OpenConnection {
            stopping: self.stopping.clone(),
            _work: self.open.start(),
        }
    }

    /// Tells all connections to finish, and waits [`FINISH_TIME`] at most until they have.
    pub(super) async fn finish(&self) {
        self.stopping.cancel();
        if !self.open.finish(FINISH_TIME).await {
            tracing::warn!("stopped with connections still busy");
        }
    }
}

impl OpenConnection {
    /// Waits until the server stops.
    pub(super) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }
}
