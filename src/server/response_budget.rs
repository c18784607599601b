//! How much of the values that a participant is answered may wait in memory for its socket.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers are counted in pieces of so many bytes, each answer as one at least.
const PIECE_BYTES: usize = 4 << 10;

/// Pieces that there is room for however small the largest value is.
const MIN_PIECES: u32 = 256;

/// Room for one answer of the largest size, or for more that are smaller. Many calls of a participant may
/// be worked on or wait for others, and all of their answers may come at once: they must not fill the memory
/// while the participant does not take them.
#[derive(Debug, Clone)]
pub(super) struct ResponseBudget {
    pieces: u32,
    free: Arc<Semaphore>,
}

impl ResponseBudget {
    /// All of it is free.
    pub(super) fn new(value_bytes: usize) -> Self {
        let pieces = pieces(value_bytes).max(MIN_PIECES);
        let free = Arc::new(Semaphore::new(usize::try_from(pieces).unwrap_or(usize::MAX)));
        Self { pieces, free }
    }

    /// Room for an answer, if there is now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let pieces = pieces(bytes).min(self.pieces);
        Arc::clone(&self.free).try_acquire_many_owned(pieces).ok()
    }

    /// Room for an answer, in its turn.
    pub(super) async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let pieces = pieces(bytes).min(self.pieces);
        Arc::clone(&self.free).acquire_many_owned(pieces).await.ok()
    }

    /// Gives back what an answer of so many bytes does not need.
    pub(super) fn shrink(&self, taken: &mut OwnedSemaphorePermit, bytes: usize) {
        let needed = usize::try_from(pieces(bytes).min(self.pieces)).unwrap_or(usize::MAX);
        drop(taken.split(taken.num_permits().saturating_sub(needed)));
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE_BYTES)).map_or(u32::MAX, |pieces| pieces.max(1))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_largest_answer_finds_room_and_nothing_beside_it() {
        for limit in [0, 1 << 20, 5 << 20] {
            let budget = ResponseBudget::new(limit);
            let all = budget.try_take(limit.max(1 << 20)).unwrap();
            assert!(budget.try_take(0).is_none());
            drop(all);
            let small: Vec<_> = std::iter::from_fn(|| budget.try_take(1)).collect();
            assert_eq!(small.len(), limit.max(1 << 20) / PIECE_BYTES);
        }
    }

    #[test]
    fn what_was_taken_too_much_is_given_back() {
        let budget = ResponseBudget::new(1 << 20);
        let mut taken = budget.try_take(1 << 20).unwrap();
        budget.shrink(&mut taken, PIECE_BYTES + 1);
        assert!(budget.try_take((1 << 20) - PIECE_BYTES).is_none());
        assert!(budget.try_take((1 << 20) - 2 * PIECE_BYTES).is_some());
        drop(taken);
        assert!(budget.try_take(1 << 20).is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_room_before_those_who_come_later() {
        let budget = ResponseBudget::new(0);
        let (half, other) = (budget.try_take(512 << 10), budget.try_take(512 << 10));
        let mut large = std::pin::pin!(budget.take(1 << 20));
        assert!((&mut large).now_or_never().is_none());
        drop(half);
        assert!(budget.try_take(1).is_none());
        drop(other);
        assert!(large.await.is_some());
    }
}
