//! The memory that answers may take while they wait for a participant's socket.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::memory::{Busy, MemoryShare, Reservation};

/// Bytes that one permit stands for. Each value takes one permit at least.
const UNIT_BYTES: usize = 4 << 10;

/// Permits that there are however small the largest value is.
const MIN_UNITS: u32 = 256;

/// A budget for one value of the largest size, or for several smaller ones, of one session. It is also reserved in the
/// server's [`MemoryBudget`](super::memory::MemoryBudget).
///
/// A participant may have many calls in flight, and all of their values may be ready at once: they must not
/// fill the memory while the participant does not read them.
#[derive(Debug, Clone)]
pub(super) struct ResponseBudget {
    units: u32,
    free: Arc<Semaphore>,
    memory: Arc<MemoryShare>,
}

/// The memory that an answer takes until it is written.
#[derive(Debug)]
pub(super) struct ResponsePermit {
    session: OwnedSemaphorePermit,
    memory: Reservation,
}

impl ResponseBudget {
    /// A budget for values of at most `value_bytes` bytes, all of it free, in the memory of the participant's identity.
    pub(super) fn new(value_bytes: usize, memory: Arc<MemoryShare>) -> Self {
        let units = units(value_bytes).max(MIN_UNITS);
        let free = Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX)));
        Self { units, free, memory }
    }

    /// A permit for a value of `bytes` bytes, if there is one now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<ResponsePermit> {
        let units = units(bytes).min(self.units);
        let session = Arc::clone(&self.free).try_acquire_many_owned(units).ok()?;
        let memory = self.memory.try_reserve(bytes)?;
        Some(ResponsePermit { session, memory })
    }

    /// Waits for a permit for a value of `bytes` bytes; the permits are given in the order of the calls. The participant
    /// decides how long that takes by reading its answers.
    ///
    /// # Errors
    /// [`Busy`] if the server has no memory for it for too long.
    pub(super) async fn take(&self, bytes: usize) -> Result<ResponsePermit, Busy> {
        let units = units(bytes).min(self.units);
        let session = Arc::clone(&self.free).acquire_many_owned(units).await;
        let session = session.map_err(|_| Busy)?;
        let memory = self.memory.reserve(bytes).await?;
        Ok(ResponsePermit { session, memory })
    }
}

impl ResponsePermit {
    /// Gives back what an answer of `bytes` bytes does not need.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let needed = usize::try_from(units(bytes)).unwrap_or(usize::MAX);
        let spare = self.session.num_permits().saturating_sub(needed);
        drop(self.session.split(spare));
        self.memory.shrink(bytes);
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_or(u32::MAX, |units| units.max(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::server::memory::MemoryBudget;
    use crate::wire::{Identity, RoomName};

    fn share(bytes: usize) -> Arc<MemoryShare> {
        let lane = (RoomName::new("room").unwrap(), Identity::new("bob").unwrap());
        MemoryBudget::new(bytes, 0, Duration::from_secs(10)).share(&Arc::new(lane))
    }

    /// A budget in memory that is large enough.
    fn budget(value_bytes: usize) -> ResponseBudget {
        ResponseBudget::new(value_bytes, share(256 << 20))
    }

    #[test]
    fn the_largest_value_takes_the_whole_budget() {
        for limit in [0, 1 << 20, 5 << 20] {
            let budget = budget(limit);
            let all = budget.try_take(limit.max(1 << 20)).unwrap();
            assert!(budget.try_take(0).is_none());
            drop(all);
            let small: Vec<_> = std::iter::from_fn(|| budget.try_take(1)).collect();
            assert_eq!(small.len(), limit.max(1 << 20) / UNIT_BYTES);
        }
    }

    #[test]
    fn shrinking_a_permit_frees_the_rest() {
        let budget = budget(1 << 20);
        let mut permit = budget.try_take(1 << 20).unwrap();
        permit.shrink(UNIT_BYTES + 1);
        assert!(budget.try_take((1 << 20) - UNIT_BYTES).is_none());
        assert!(budget.try_take((1 << 20) - 2 * UNIT_BYTES).is_some());
        drop(permit);
        assert!(budget.try_take(1 << 20).is_some());
    }

    #[tokio::test]
    async fn permits_are_given_in_the_order_of_the_calls() {
        let budget = budget(0);
        let (half, other) = (budget.try_take(512 << 10), budget.try_take(512 << 10));
        let mut large = std::pin::pin!(budget.take(1 << 20));
        assert!((&mut large).now_or_never().is_none());
        drop(half);
        assert!(budget.try_take(1).is_none());
        drop(other);
        assert!(large.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_of_one_identity_share_its_memory() {
        let memory = share(32 << 20);
        let sessions = [0; 10].map(|_| ResponseBudget::new(1 << 20, Arc::clone(&memory)));
        let permits: Vec<_> = sessions
            .iter()
            .filter_map(|session| session.try_take(1 << 20))
            .collect();
        assert_eq!(permits.len(), 7);
        let [.., last] = &sessions;
        assert_eq!(last.take(1 << 20).await.unwrap_err(), Busy);
        // What has failed holds nothing of the session.
        drop(permits);
        assert!(last.try_take(1 << 20).is_some());
    }
}
