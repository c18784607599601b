//! The memory that values may take while they wait for a participant's socket.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for. Each value takes one permit at least.
const UNIT_BYTES: usize = 4 << 10;

/// Permits that there are however small the largest value is.
const MIN_UNITS: u32 = 256;

/// A budget for one value of the largest size, or for several smaller ones.
///
/// A participant may have many calls in flight, and all of their values may be ready at once: they must not
/// fill the memory while the participant does not read them.
#[derive(Debug, Clone)]
pub(super) struct ResponseBudget {
    units: u32,
    free: Arc<Semaphore>,
}

impl ResponseBudget {
    /// A budget for values of at most `value_bytes` bytes, all of it free.
    pub(super) fn new(value_bytes: usize) -> Self {
        let units = units(value_bytes).max(MIN_UNITS);
        let free = Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX)));
        Self { units, free }
    }

    /// A permit for a value of `bytes` bytes, if there is one now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = units(bytes).min(self.units);
        Arc::clone(&self.free).try_acquire_many_owned(units).ok()
    }

    /// Waits for a permit for a value of `bytes` bytes; the permits are given in the order of the calls.
    pub(super) async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = units(bytes).min(self.units);
        Arc::clone(&self.free).acquire_many_owned(units).await.ok()
    }

    /// Gives back what a value of `bytes` bytes does not need of `permit`.
    pub(super) fn shrink(&self, permit: &mut OwnedSemaphorePermit, bytes: usize) {
        let needed = usize::try_from(units(bytes).min(self.units)).unwrap_or(usize::MAX);
        drop(permit.split(permit.num_permits().saturating_sub(needed)));
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_or(u32::MAX, |units| units.max(1))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_largest_value_takes_the_whole_budget() {
        for limit in [0, 1 << 20, 5 << 20] {
            let budget = ResponseBudget::new(limit);
            let all = budget.try_take(limit.max(1 << 20)).unwrap();
            assert!(budget.try_take(0).is_none());
            drop(all);
            let small: Vec<_> = std::iter::from_fn(|| budget.try_take(1)).collect();
            assert_eq!(small.len(), limit.max(1 << 20) / UNIT_BYTES);
        }
    }

    #[test]
    fn shrinking_a_permit_frees_the_rest() {
        let budget = ResponseBudget::new(1 << 20);
        let mut permit = budget.try_take(1 << 20).unwrap();
        budget.shrink(&mut permit, UNIT_BYTES + 1);
        assert!(budget.try_take((1 << 20) - UNIT_BYTES).is_none());
        assert!(budget.try_take((1 << 20) - 2 * UNIT_BYTES).is_some());
        drop(permit);
        assert!(budget.try_take(1 << 20).is_some());
    }

    #[tokio::test]
    async fn permits_are_given_in_the_order_of_the_calls() {
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
