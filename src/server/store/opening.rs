//! A store that is still being opened.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::task::spawn_blocking;

use super::{
    BoundedRead, Found, KeySource, SecretKey, SecretLock, SecretQuery, SecretRecord, SqliteStore, Store,
    StoreError,
};
use crate::sensitive::SecretValue;
use crate::server::data_dir::DataDir;

/// A store that is opened beside other work, such as a participant's joining. What it is asked waits
/// until it is open, and fails as the opening failed.
#[derive(Debug, Clone)]
pub struct OpeningStore(Shared<BoxFuture<'static, Result<Arc<SqliteStore>, StoreError>>>);

impl OpeningStore {
    /// Begins to open the database in `data_dir`, as [`SqliteStore::open`] does, on a thread of the runtime.
    pub fn new(data_dir: Arc<DataDir>, key_source: KeySource) -> Self {
        let opening = spawn_blocking(move || SqliteStore::open(&data_dir, &key_source).map(Arc::new));
        let opened = async { opening.await.unwrap_or(Err(StoreError::Stopped)) };
        Self(opened.boxed().shared())
    }

    /// Waits until it is open.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub async fn opened(&self) -> Result<Arc<SqliteStore>, StoreError> {
        self.0.clone().await
    }
}

impl Store for OpeningStore {
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>> {
        Box::pin(async move { self.opened().await?.find(query).await })
    }

    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>> {
        Box::pin(async move { self.opened().await?.read(key).await })
    }

    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>> {
        Box::pin(async move { self.opened().await?.read_up_to(key, limit).await })
    }

    fn write(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.opened().await?.write(record, value).await })
    }

    fn replace(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { self.opened().await?.replace(record, value).await })
    }

    fn delete(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { self.opened().await?.delete(key).await })
    }

    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { self.opened().await?.contains(key).await })
    }

    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>> {
        Box::pin(async move { self.opened().await?.lock(key).await })
    }

    fn readers(&self) -> usize {
        1
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match self.opened().await {
                Ok(store) => store.close().await,
                // Whoever waited for it has heard why.
                Err(_) => Ok(()),
            }
        })
    }
}
