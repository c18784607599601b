//! The progress that the peer has to make with a message, in either direction.

use std::time::Duration;

use tokio::time::{Instant, timeout};

/// Average rate that a message must reach once it has taken longer than the time for one step, in bytes per second.
/// Without it, one byte every few seconds would hold the memory of a large message for days.
const MIN_RATE: u64 = 16 << 10;

/// How a message gets on. Only the time in which the peer is waited for counts.
#[derive(Debug)]
pub(super) struct Progress {
    /// Time for one step, and for all of a small message.
    step_time: Duration,
    bytes: u64,
    /// Time since the last bytes came or went.
    idle: Duration,
    total: Duration,
}

/// The peer did not get on with a message in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stalled;

impl Progress {
    /// A message that has begun. `step_time` may pass between two parts of it.
    pub(super) const fn new(step_time: Duration) -> Self {
        Self {
            step_time,
            bytes: 0,
            idle: Duration::ZERO,
            total: Duration::ZERO,
        }
    }

    /// Waits for the peer, as long as it has time.
    ///
    /// # Errors
    /// [`Stalled`] if its time is over.
    pub(super) async fn wait<T>(&mut self, peer: impl Future<Output = T>) -> Result<T, Stalled> {
        let begun = Instant::now();
        let waited = timeout(self.left(), peer).await;
        let elapsed = begun.elapsed();
        self.idle = self.idle.saturating_add(elapsed);
        self.total = self.total.saturating_add(elapsed);
        waited.map_err(|_| Stalled)
    }

    /// So many bytes of the message came or went.
    pub(super) fn advance(&mut self, bytes: usize) {
        if bytes > 0 {
            self.bytes = self.bytes.saturating_add(bytes as u64);
            self.idle = Duration::ZERO;
        }
    }

    fn left(&self) -> Duration {
        let in_all = Duration::from_secs(self.bytes / MIN_RATE).saturating_add(self.step_time);
        let step = self.step_time.saturating_sub(self.idle);
        step.min(in_all.saturating_sub(self.total))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    async fn after(progress: &mut Progress, seconds: u64, bytes: usize) -> Result<(), Stalled> {
        progress.wait(sleep(Duration::from_secs(seconds))).await?;
        progress.advance(bytes);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_stops_is_stalled() {
        let mut progress = Progress::new(STEP);
        assert_eq!(after(&mut progress, 10, 1 << 20).await, Ok(()));
        // What brings no bytes, such as a ping, gives no more time.
        assert_eq!(after(&mut progress, 20, 0).await, Ok(()));
        assert_eq!(after(&mut progress, 11, 1).await, Err(Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_drips_is_stalled() {
        let mut progress = Progress::new(STEP);
        assert_eq!(after(&mut progress, 29, 1024).await, Ok(()));
        assert_eq!(after(&mut progress, 29, 1024).await, Err(Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_message_gets_through() {
        let mut progress = Progress::new(STEP);
        for _ in 0..1000 {
            assert_eq!(after(&mut progress, 2, 33 << 10).await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_peer_is_not_waited_for_does_not_count() {
        let mut progress = Progress::new(STEP);
        assert_eq!(after(&mut progress, 20, 1024).await, Ok(()));
        sleep(Duration::from_hours(1)).await;
        assert_eq!(after(&mut progress, 9, 1024).await, Ok(()));
    }
}
