//! Work that must not be cut off when the server stops.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long connections may take to finish when the server stops.
pub(super) const FINISH_TIME: Duration = Duration::from_secs(5);

/// Counts work that the server's end waits for.
#[derive(Debug)]
pub(in crate::server) struct Holds {
    /// Every hold has a copy; when the last one is gone the channel is closed.
    held: Mutex<Option<mpsc::Sender<()>>>,
    released: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// Keeps the server from being over as long as it, or a copy of it, is there.
#[derive(Debug, Clone)]
pub(in crate::server) struct Hold(
    #[expect(dead_code, reason = "it is there to be dropped")] mpsc::Sender<()>,
);

impl Default for Holds {
    fn default() -> Self {
        let (held, released) = mpsc::channel(1);
        Self {
            held: Mutex::new(Some(held)),
            released: tokio::sync::Mutex::new(released),
        }
    }
}

impl Holds {
    /// Begins such work. None if nobody would wait for it any more.
    pub(in crate::server) fn hold(&self) -> Option<Hold> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone().map(Hold)
    }

    /// Gives no more holds, and waits until all are gone, so long at most. Says whether they are.
    pub(in crate::server) async fn released(&self, time: Duration) -> bool {
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut released = self.released.lock().await;
        timeout(time, released.recv()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_every_copy_and_lets_nobody_in() {
        let holds = Holds::default();
        let hold = holds.hold().unwrap();
        let copy = hold.clone();
        let mut released = std::pin::pin!(holds.released(Duration::MAX));
        assert!((&mut released).now_or_never().is_none());
        assert!(holds.hold().is_none());
        drop(hold);
        assert!((&mut released).now_or_never().is_none());
        drop(copy);
        assert!(released.await);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_longer_than_the_time() {
        let holds = Holds::default();
        let _hold = holds.hold();
        assert!(!holds.released(Duration::ZERO).await);
    }
}
