//! The store as one participant uses it: in its turn.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::fair_queue::{FairQueue, Lane, Size};
use super::store::{BoundedRead, Found, SecretKey, SecretLock, SecretQuery, SecretRecord, Store, StoreError};
use crate::sensitive::SecretValue;

/// Bytes of a value from which reading or writing it is large work.
const LARGE_BYTES: usize = 256 << 10;

/// Changes that may wait for the store at once: it commits as many together.
const WRITES: usize = 256;

/// Large changes that may wait for the store at once: others' changes wait for each of them.
const LARGE_WRITES: usize = 1;

/// The queues before a server's store.
#[derive(Debug, Clone)]
pub(super) struct StoreQueues {
    reads: FairQueue,
    writes: FairQueue,
}

impl StoreQueues {
    /// Queues for a store that reads so much at once.
    pub(super) fn new(readers: usize) -> Self {
        Self {
            reads: FairQueue::new(readers, readers / 2),
            writes: FairQueue::new(WRITES, LARGE_WRITES),
        }
    }
}

/// A store whose calls wait for the turn of one identity. A call whose future is dropped before its turn is not made.
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

    /// Does `work` in a slot of `queue`. Large work keeps its slot until it is done, also when nobody waits for it any
    /// more: the store has begun it.
    async fn in_turn<T: Send + 'static>(
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

    fn read_in_turn<T: Send + 'static, F>(
        &self,
        size: Size,
        read: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> BoxFuture<'_, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        Box::pin(self.in_turn(&self.queues.reads, size, read(Arc::clone(&self.store))))
    }

    fn write_in_turn<T: Send + 'static, F>(
        &self,
        size: Size,
        write: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> BoxFuture<'_, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        Box::pin(self.in_turn(&self.queues.writes, size, write(Arc::clone(&self.store))))
    }
}

impl Store for FairStore {
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>> {
        let size = if query.id.is_some() {
            Size::Small
        } else {
            Size::Large
        };
        self.read_in_turn(size, |store| async move { store.find(query).await })
    }

    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>> {
        // It may be of any size.
        self.read_in_turn(Size::Large, |store| async move { store.read(key).await })
    }

    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>> {
        self.read_in_turn(Self::size(limit), move |store| async move {
            store.read_up_to(key, limit).await
        })
    }

    fn write(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write_in_turn(Self::size(value.expose().len()), |store| async move {
            store.write(record, value).await
        })
    }

    fn replace(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.write_in_turn(Self::size(value.expose().len()), |store| async move {
            store.replace(record, value).await
        })
    }

    fn delete(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.write_in_turn(Size::Small, |store| async move { store.delete(key).await })
    }

    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.read_in_turn(Size::Small, |store| async move { store.contains(key).await })
    }

    fn setting(&self, name: &'static str) -> BoxFuture<'_, Result<Option<SecretValue>, StoreError>> {
        self.store.setting(name)
    }

    fn set_setting_if_absent(
        &self,
        name: &'static str,
        value: SecretValue,
    ) -> BoxFuture<'_, Result<SecretValue, StoreError>> {
        self.store.set_setting_if_absent(name, value)
    }

    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>> {
        self.store.lock(key)
    }

    fn readers(&self) -> usize {
        self.store.readers()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.close()
    }
}
