//! When a participant was last heard.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a participant was last heard. Told with every packet and asked rarely, so it wakes nobody.
#[derive(Clone)]
pub(super) struct LastSeen(Arc<Mutex<Instant>>);

impl LastSeen {
    /// Of a participant that is heard now.
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// It is heard now.
    pub(super) fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago that was.
    pub(super) fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
