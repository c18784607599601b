//! When a participant last sent something.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a participant last sent something. It is updated with every packet and read rarely; an update wakes no
/// task.
#[derive(Clone)]
pub(super) struct LastSeen(Arc<Mutex<Instant>>);

impl LastSeen {
    /// For a participant that has just sent something.
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// The participant has sent something.
    pub(super) fn update(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago that was.
    pub(super) fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
