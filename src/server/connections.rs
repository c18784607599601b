//! The connections that are open: the server waits for them when it stops.

use tokio_util::sync::CancellationToken;

use super::shutdown::{FINISH_TIME, WorkToken, WorkTracker};

/// The open connections of a server.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
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
