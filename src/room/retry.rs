//! Comes back later to a server that asks for it (protocol, close code 1013).

use std::time::Duration;

use super::RoomError;

/// Wait before the second attempt; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest wait between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The waits between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pauses {
    /// The next wait: 0.5 s at first, twice as long each time, at most 30 s.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = LONGEST_PAUSE.min(pause * 2);
        pause
    }
}

/// Repeats `attempt` while the server says that it is busy; every other outcome is final. It goes on
/// until the caller stops waiting.
pub(super) async fn while_busy<T>(attempt: impl AsyncFn() -> Result<T, RoomError>) -> Result<T, RoomError> {
    let mut pauses = Pauses::default();
    loop {
        match attempt().await {
            Err(RoomError::Busy(reason)) => {
                let pause = pauses.next_pause();
                tracing::info!(%reason, pause_ms = pause.as_millis(), "the server is busy, trying again");
                tokio::time::sleep(pause).await;
            }
            outcome => return outcome,
        }
    }
}
