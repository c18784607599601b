//! The memory that everything in flight may take: messages that are received, calls, and answers that wait for a socket.
//!
//! There is one [`MemoryBudget`] for a server. An identity takes a part of it at most, its [`MemoryShare`], so that it
//! cannot take all. What is small has a part of the budget of its own, so that it never waits for what is large.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::fair_queue::Lane;

/// Bytes that one permit stands for. Each reservation takes one permit at least: a call without a value takes memory
/// too.
const UNIT_BYTES: usize = 4 << 10;

/// Largest reservation in the small part, in bytes.
const SMALL_BYTES: usize = 64 << 10;

/// Bytes that are set aside for the store.
const STORE_BYTES: usize = 4 << 20;

/// The budget is divided by this for the small part.
const SMALL_FRACTION: usize = 8;

/// Each part is divided by this for the share of one identity.
const SHARE_FRACTION: u32 = 4;

/// The budget. Clones are the same budget.
#[derive(Debug, Clone)]
pub(super) struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    small: Part,
    large: Part,
    wait: Duration,
    shares: Mutex<HashMap<Lane, Weak<MemoryShare>>>,
}

#[derive(Debug)]
struct Part {
    /// All permits.
    all: u32,
    free: Arc<Semaphore>,
    /// Permits that one identity may have.
    share: u32,
}

/// How much of a part of the budget is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartUsage {
    pub(super) used_bytes: usize,
    pub(super) limit_bytes: usize,
}

/// The part of a budget that one identity may take, in all its sessions together.
#[derive(Debug)]
pub(super) struct MemoryShare {
    budget: Arc<Shared>,
    lane: Lane,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Memory that is reserved. Dropping it gives the memory back.
#[derive(Debug)]
pub(super) struct Reservation {
    share: Arc<MemoryShare>,
    size: Size,
    /// Those of the identity's share.
    own: OwnedSemaphorePermit,
    /// Those of the whole budget.
    common: OwnedSemaphorePermit,
}

/// There was no memory for as long as a call may wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server is busy, try again")]
pub(super) struct Busy;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Large,
}

impl MemoryBudget {
    /// A budget of `bytes` bytes for values of at most `value_bytes` bytes. A reservation waits for `wait` at most.
    ///
    /// What the store needs to seal parts of large values is set aside.
    pub(super) fn new(bytes: usize, value_bytes: usize, wait: Duration) -> Self {
        let small = bytes / SMALL_FRACTION;
        let large = bytes
            .saturating_sub(small)
            .saturating_sub(value_bytes.min(STORE_BYTES));
        // Reading a value that is not in parts takes twice its size for a moment.
        let largest = value_bytes.saturating_mul(2);
        Self(Arc::new(Shared {
            small: Part::new(small, SMALL_BYTES),
            large: Part::new(large, largest),
            wait,
            shares: Mutex::default(),
        }))
    }

    /// The share of the identity. All that is returned for one identity is the same share.
    pub(super) fn share(&self, lane: &Lane) -> Arc<MemoryShare> {
        let mut shares = self.0.shares();
        if let Some(share) = shares.get(lane).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(MemoryShare {
            budget: Arc::clone(&self.0),
            lane: Arc::clone(lane),
            small: semaphore(self.0.small.share),
            large: semaphore(self.0.large.share),
        });
        shares.insert(Arc::clone(lane), Arc::downgrade(&share));
        share
    }

    /// What is reserved of the part for small reservations, and of the part for large ones.
    pub(super) fn usage(&self) -> [(&'static str, PartUsage); 2] {
        [("small", self.0.small.usage()), ("large", self.0.large.usage())]
    }
}

impl Shared {
    fn shares(&self) -> MutexGuard<'_, HashMap<Lane, Weak<MemoryShare>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn part(&self, size: Size) -> &Part {
        match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }
}

impl Part {
    /// A part of `bytes` bytes, of which an identity may have a quarter, or `largest` if that is more.
    fn new(bytes: usize, largest: usize) -> Self {
        let all = units(bytes);
        Self {
            all,
            free: semaphore(all),
            share: (all / SHARE_FRACTION).max(units(largest)).min(all),
        }
    }

    fn usage(&self) -> PartUsage {
        let all = usize::try_from(self.all).unwrap_or(usize::MAX);
        let used = all.saturating_sub(self.free.available_permits());
        PartUsage {
            used_bytes: used.saturating_mul(UNIT_BYTES),
            limit_bytes: all.saturating_mul(UNIT_BYTES),
        }
    }
}

impl MemoryShare {
    /// Waits for memory for `bytes` bytes. More than the share counts as the share. First the identity waits for its own
    /// calls, then for other identities' in the order of the reservations: each of those holds one share at most.
    ///
    /// # Errors
    /// [`Busy`] if it takes too long.
    pub(super) async fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Reservation, Busy> {
        let size = Size::of(bytes);
        let (own, common) = self.take(size, self.units(size, bytes)).await?;
        let share = Arc::clone(self);
        Ok(Reservation {
            share,
            size,
            own,
            common,
        })
    }

    /// Memory for `bytes` bytes, if there is some now.
    pub(super) fn try_reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let size = Size::of(bytes);
        let units = self.units(size, bytes);
        let own = Arc::clone(self.own(size)).try_acquire_many_owned(units).ok()?;
        let common = Arc::clone(&self.budget.part(size).free);
        let common = common.try_acquire_many_owned(units).ok()?;
        let share = Arc::clone(self);
        Some(Reservation {
            share,
            size,
            own,
            common,
        })
    }

    async fn take(
        &self,
        size: Size,
        units: u32,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Busy> {
        let taking = async {
            let own = Arc::clone(self.own(size)).acquire_many_owned(units).await?;
            let common = Arc::clone(&self.budget.part(size).free);
            Ok::<_, tokio::sync::AcquireError>((own, common.acquire_many_owned(units).await?))
        };
        if let Ok(Ok(permits)) = timeout(self.budget.wait, taking).await {
            return Ok(permits);
        }
        let (room, identity) = &*self.lane;
        tracing::info!(%room, %identity, bytes = units as usize * UNIT_BYTES, "no memory was free for a call");
        Err(Busy)
    }

    fn units(&self, size: Size, bytes: usize) -> u32 {
        units(bytes).min(self.budget.part(size).share)
    }

    const fn own(&self, size: Size) -> &Arc<Semaphore> {
        match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        let mut shares = self.budget.shares();
        // There may be a new one for the identity already.
        if shares
            .get(&self.lane)
            .is_some_and(|share| share.strong_count() == 0)
        {
            shares.remove(&self.lane);
        }
    }
}

impl Reservation {
    /// Makes it one for `bytes` bytes at least.
    ///
    /// Several that wait to grow may wait for each other, until one of them gives up: only what cannot be known before
    /// may grow.
    ///
    /// # Errors
    /// [`Busy`] if it takes too long; the reservation stays as it was.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), Busy> {
        let size = Size::of(bytes);
        if size == Size::Large && self.size == Size::Small {
            *self = self.share.reserve(bytes).await?;
            return Ok(());
        }
        let units = self.share.units(self.size, bytes);
        let missing = units.saturating_sub(permits(&self.own));
        if missing > 0 {
            let (own, common) = self.share.take(self.size, missing).await?;
            self.own.merge(own);
            self.common.merge(common);
        }
        Ok(())
    }

    /// Bytes that are reserved.
    pub(super) fn bytes(&self) -> usize {
        self.own.num_permits().saturating_mul(UNIT_BYTES)
    }

    /// Gives back what `bytes` bytes do not need.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let units = units(bytes);
        for held in [&mut self.own, &mut self.common] {
            let spare = permits(held).saturating_sub(units);
            drop(held.split(usize::try_from(spare).unwrap_or(usize::MAX)));
        }
    }
}

impl Size {
    const fn of(bytes: usize) -> Self {
        if bytes <= SMALL_BYTES {
            Self::Small
        } else {
            Self::Large
        }
    }
}

fn permits(permit: &OwnedSemaphorePermit) -> u32 {
    u32::try_from(permit.num_permits()).unwrap_or(u32::MAX)
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_or(u32::MAX, |units| units.max(1))
}

fn semaphore(units: u32) -> Arc<Semaphore> {
    let units = usize::try_from(units).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)))
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
