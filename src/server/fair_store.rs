//! The store as one participant uses it: its calls wait in a [`FairQueue`]. Below `state`, above `store`.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::fair_queue::{FairQueue, Lane, QueueLength, Size};
use super::store::{
    AccessQuery, Accesses, AuditEntry, BoundedRead, Found, SecretKey, SecretLock, SecretQuery, SecretRecord,
    Store, StoreError,
};
use crate::sensitive::SecretValue;

/// Size of a value from which reading or writing it counts as large work, in bytes.
const LARGE_BYTES: usize = 256 << 10;

/// Small reads that are handed to each reading thread at a time. A thread that has the next one at hand does not sleep in
/// between; a call of another identity waits for so many, about a tenth of a millisecond.
const READS_A_READER: usize = 8;

/// Changes that are handed to the store at a time: as many as it commits in one transaction.
const WRITES: usize = 256;

/// Large changes among them, because all other changes wait for each of them.
const LARGE_WRITES: usize = 1;

/// The queues in front of a server's store.
#[derive(Debug, Clone)]
pub(super) struct StoreQueues {
    reads: FairQueue,
    writes: FairQueue,
}

impl StoreQueues {
    /// Queues for a store that runs `readers` reads at the same time.
    pub(super) fn new(readers: usize) -> Self {
        Self {
            reads: FairQueue::new(readers.saturating_mul(READS_A_READER), readers / 2),
            writes: FairQueue::new(WRITES, LARGE_WRITES),
        }
    }

    /// The length of each queue, by what its calls do.
    pub(super) fn lengths(&self) -> [(&'static str, QueueLength); 2] {
        [("read", self.reads.length()), ("write", self.writes.length())]
    }
}

/// A store whose calls wait in the lane of one identity. A call whose future is dropped while it waits is not made.
#[derive(Debug, Clone)]
pub(super) struct FairStore {
    store: Arc<dyn Store>,
    queues: StoreQueues,
    lane: Lane,
}

impl FairStore {
    pub(super) const fn new(store: Arc<dyn Store>, queues: StoreQueues, lane: Lane) -> Self {
        Self { store, queues, lane }
    }

    const fn size(bytes: usize) -> Size {
        if bytes < LARGE_BYTES {
            Size::Small
        } else {
            Size::Large
        }
    }

    /// Runs `work` in a slot of `queue`. Large work keeps its slot until it is done, even if the caller stops
    /// waiting, because the store has started it.
    async fn in_slot<T: Send + 'static>(
        &self,
        queue: &FairQueue,
        size: Size,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = queue.enter(&self.lane, size).await;
        let held = async move {
            let done = work.await;
            drop(slot);
            done
        };
        match size {
            Size::Small => held.await,
            Size::Large => tokio::spawn(held).await.unwrap_or(Err(StoreError::Stopped)),
        }
    }

    fn read_in_slot<T: Send + 'static, F>(
        &self,
        size: Size,
        read: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> BoxFuture<'_, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        Box::pin(self.in_slot(&self.queues.reads, size, read(Arc::clone(&self.store))))
    }

    fn write_in_slot<T: Send + 'static, F>(
        &self,
        size: Size,
        write: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> BoxFuture<'_, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        Box::pin(self.in_slot(&self.queues.writes, size, write(Arc::clone(&self.store))))
    }
}

impl Store for FairStore {
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>> {
        let size = if query.id.is_some() {
            Size::Small
        } else {
            Size::Large
        };
        self.read_in_slot(size, |store| async move { store.find(query).await })
    }

    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>> {
        // The value may have any size.
        self.read_in_slot(Size::Large, |store| async move { store.read(key).await })
    }

    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>> {
        self.read_in_slot(Self::size(limit), move |store| async move {
            store.read_up_to(key, limit).await
        })
    }

    fn write(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write_in_slot(Self::size(value.expose().len()), |store| async move {
            store.write(record, value, entry).await
        })
    }

    fn replace(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.write_in_slot(Self::size(value.expose().len()), |store| async move {
            store.replace(record, value, entry).await
        })
    }

    fn delete(&self, key: SecretKey, entry: AuditEntry) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.write_in_slot(Size::Small, |store| async move { store.delete(key, entry).await })
    }

    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.read_in_slot(Size::Small, |store| async move { store.contains(key).await })
    }

    fn accesses(&self, query: AccessQuery) -> BoxFuture<'_, Result<Accesses, StoreError>> {
        self.read_in_slot(Size::Large, |store| async move { store.accesses(query).await })
    }

    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>> {
        self.store.lock(key)
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.ping()
    }

    fn readers(&self) -> usize {
        self.store.readers()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.close()
    }
}
