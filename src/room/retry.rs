//! Comes back later to a server that asks for it (protocol, close code 1013).

use std::time::Duration;

use super::RoomError;

/// Wait before the second attempt; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest wait between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Repeats `attempt` while the server says that it is busy; every other outcome is final. It goes on
/// until the caller stops waiting.
pub(super) async fn while_busy<T>(attempt: impl AsyncFn() -> Result<T, RoomError>) -> Result<T, RoomError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Err(RoomError::Busy(reason)) => {
                tracing::info!(%reason, pause_ms = pause.as_millis(), "the server is busy, trying again");
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            outcome => return outcome,
        }
    }
}
