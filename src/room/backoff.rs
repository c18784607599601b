//! Repeats a connection attempt that the server asks to make later (protocol, "Getting in").

use std::time::Duration;

use super::RoomError;
use crate::net::HttpClient;

/// Delay before the second attempt. Each further delay is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// Longest delay between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// The delays between attempts to connect: 0.5 s, then twice as long each time, at most 30 s (protocol,
/// "Getting in").
///
/// ```
/// let mut backoff = meshagent::room::Backoff::default();
/// assert_eq!(backoff.next_delay().as_millis(), 500);
/// assert_eq!(backoff.next_delay().as_millis(), 1000);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_DELAY)
    }
}

impl Backoff {
    /// The delay before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.0;
        self.0 = LONGEST_DELAY.min(delay * 2);
        delay
    }
}

/// Repeats `attempt` while it fails with [`RoomError::Busy`], without a time limit. Every other result is
/// final. Meanwhile `http` says why ([`HttpClient::busy`]), for those who give up waiting.
pub(super) async fn while_busy<T>(
    http: &HttpClient,
    attempt: impl AsyncFn() -> Result<T, RoomError>,
) -> Result<T, RoomError> {
    let mut backoff = Backoff::default();
    loop {
        match attempt().await {
            Err(RoomError::Busy(reason)) => {
                let delay = backoff.next_delay();
                tracing::info!(%reason, delay_ms = delay.as_millis(), "the server is busy, trying again");
                http.set_busy(Some(reason));
                tokio::time::sleep(delay).await;
            }
            result => {
                http.set_busy(None);
                return result;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..8).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }
}
