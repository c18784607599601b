//! The connections that a server has, and their end.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::shutdown::{FINISH_TIME, Hold, Holds};

/// Counts connections and tells them when the server stops.
#[derive(Debug)]
pub(super) struct OpenConnections {
    pub(super) places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    /// Every guest has one.
    guests: Holds,
}

/// Somebody whose work is waited for when the server stops.
#[derive(Debug)]
pub(super) struct Guest {
    stopping: watch::Receiver<bool>,
    _present: Option<Hold>,
}

impl Guest {
    /// Waits until the server stops.
    pub(super) async fn stopping(&mut self) {
        // An error means that the server is gone altogether.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}

impl OpenConnections {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limit)),
            stopping: watch::Sender::new(false),
            guests: Holds::default(),
        }
    }

    /// A new guest.
    pub(super) fn enter(&self) -> Guest {
        Guest {
            stopping: self.stopping.subscribe(),
            _present: self.guests.hold(),
        }
    }

    /// Tells everybody to finish, and waits for it a limited time.
    pub(super) async fn end(&self) {
        self.stopping.send_replace(true);
        if !self.guests.released(FINISH_TIME).await {
            tracing::warn!("stopped with connections still busy");
        }
    }
}
