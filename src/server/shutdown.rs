//! Work that the server finishes before it stops. Every layer may use it; it imports none.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long connections may take to finish when the server stops.
pub(super) const FINISH_TIME: Duration = Duration::from_secs(5);

/// Tracks work that must not be cut off when the server stops.
#[derive(Debug, Default)]
pub(super) struct WorkTracker(TaskTracker);

/// Proof that a piece of work is tracked; the work ends when the last clone is dropped.
pub(super) type WorkToken = TaskTrackerToken;

impl WorkTracker {
    /// Starts a piece of work. None once [`WorkTracker::finish`] was called: new work would not be waited for.
    pub(super) fn start(&self) -> Option<WorkToken> {
        // Taken before the check: a token that precedes the close is waited for.
        let token = self.0.token();
        (!self.0.is_closed()).then_some(token)
    }

    /// Refuses new work and waits at most `time` until all work has ended. False if some has not.
    pub(super) async fn finish(&self, time: Duration) -> bool {
        self.0.close();
        timeout(time, self.0.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn finish_waits_for_every_clone_of_a_token_and_refuses_new_work() {
        let tracker = WorkTracker::default();
        let token = tracker.start().unwrap();
        let clone = token.clone();
        let mut finished = std::pin::pin!(tracker.finish(Duration::MAX));
        assert!((&mut finished).now_or_never().is_none());
        assert!(tracker.start().is_none());
        drop(token);
        assert!((&mut finished).now_or_never().is_none());
        drop(clone);
        assert!(finished.await);
    }

    #[tokio::test]
    async fn finish_gives_up_when_the_time_is_over() {
        let tracker = WorkTracker::default();
        let _token = tracker.start();
        assert!(!tracker.finish(Duration::ZERO).await);
    }
}
