//! The store in an SQLite database.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tokio::sync::oneshot;

use super::commits::{self, Acknowledgements};
use super::connection::Connections;
use super::keys::StoreKeys;
use super::locks::{SecretLock, SecretLocks};
use super::reader::{self, Question, Reader};
use super::seal::Bound;
use super::worker::{Shared, Workers};
use super::writer::{self, Action, Change};
use super::{BoundedRead, Found, KeySource, SecretKey, SecretQuery, SecretRecord, Store, StoreError, schema};
use crate::sensitive::SecretValue;
use crate::server::data_dir::DataDir;

/// Name of the database in its data directory.
pub(super) const DATABASE: &str = "store.db";

/// Threads that read, on a machine with many processors.
const MAX_READERS: usize = 9;

/// A store in an SQLite database. Several processes may use one at the same time.
///
/// What is queued when this is dropped is still done; [`Store::close`] waits for it.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    writer: Workers<Change>,
    readers: Workers<Question>,
    locks: SecretLocks,
}

impl SqliteStore {
    /// Opens the database in `data_dir`, and makes it if it is missing. Blocks.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] and [`StoreError::KeyMissing`] if the key source is not the one it was
    /// made with, [`StoreError::BadKey`] if it gives no key, [`StoreError::NewerVersion`],
    /// [`StoreError::Foreign`] and [`StoreError::Corrupted`] if the file is not what it should be.
    pub fn open(data_dir: &DataDir, key_source: &KeySource) -> Result<Self, StoreError> {
        let path = data_dir.path().join(DATABASE);
        let (first, keys) = schema::open(data_dir.path(), &path, key_source)?;
        let connections = Connections::new(path, first);
        Ok(Self {
            shared: Arc::new(Shared {
                connections,
                keys,
                acknowledgements: Acknowledgements::open(data_dir.path())?,
            }),
            writer: Workers::new("writer", 1, writer::run),
            readers: Workers::new("reader", most_readers(), reader::run),
            locks: SecretLocks::new((!data_dir.is_ours_alone()).then(|| data_dir.path())),
        })
    }

    /// Starts all threads, each with its connection. A server does that at its start: later there may be no file
    /// descriptor left.
    ///
    /// # Errors
    /// Those of opening a connection.
    pub fn start_threads(&self) -> Result<(), StoreError> {
        self.readers.start_all(&self.shared)?;
        self.writer.start_all(&self.shared)
    }

    /// A value the server keeps for itself, such as its API key; none if it is not set. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if it is not as it was written.
    pub fn setting(&self, name: &str) -> Result<Option<SecretValue>, StoreError> {
        self.shared
            .connections
            .with(|connection| setting(connection, &self.shared.keys, name))
    }

    /// Sets a value of the server's own unless it is set, and gives what is set now. Of several
    /// processes that do this at once all get the same. Blocks.
    pub fn set_setting_if_absent(&self, name: &str, value: &SecretValue) -> Result<SecretValue, StoreError> {
        let keys = &self.shared.keys;
        self.shared.connections.with(|connection| {
            if let Some(present) = setting(connection, keys, name)? {
                return Ok(present);
            }
            let (number, sealed) = keys.seal(|key, database| Bound::setting(key, database, name), value)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT OR IGNORE INTO setting VALUES (?, ?, ?)",
                (name, number, sealed),
            )?;
            let number = transaction.query_row(commits::COUNT, (), |row| row.get(0))?;
            transaction.commit()?;
            if let Err(error) = self.shared.acknowledgements.write(keys, number) {
                tracing::warn!(%error, "the count of transactions could not be written");
            }
            setting(connection, keys, name)?.ok_or(StoreError::Busy)
        })
    }

    #[cfg(test)]
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    async fn change(&self, action: Action) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(&self.shared, Change { action, reply })?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |reader| {
            // Who no longer waits need not know, and holds up nobody: those behind it, or a server that stops.
            if !reply.is_closed() {
                let _ = reply.send(question(reader));
            }
        });
        self.readers.send(&self.shared, question)?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

/// One reader more than there are processors: it may wait for the disk.
fn most_readers() -> usize {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    processors.saturating_add(1).min(MAX_READERS)
}

fn setting(connection: &Connection, keys: &StoreKeys, name: &str) -> Result<Option<SecretValue>, StoreError> {
    let row = connection
        .query_row(
            "SELECT key_number, sealed FROM setting WHERE name = ?",
            [name],
            |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)),
        )
        .optional()?;
    let Some((number, sealed)) = row else {
        return Ok(None);
    };
    keys.open(
        number,
        |key, database| Bound::setting(key, database, name),
        &sealed,
    )
    .map(Some)
    .ok_or_else(|| StoreError::Corrupted(format!("the setting {name} is not what was written")))
}

impl Store for SqliteStore {
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>> {
        Box::pin(self.ask(move |reader| reader.find(&query)))
    }

    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>> {
        Box::pin(self.ask(move |reader| reader.read(key)))
    }

    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>> {
        Box::pin(self.ask(move |reader| reader.read_up_to(key, limit)))
    }

    fn write(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(Action::Put(record, value)).await.map(drop) })
    }

    fn replace(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.change(Action::Replace(record, value)))
    }

    fn delete(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.change(Action::Delete(key)))
    }

    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.ask(move |reader| reader.contains(&key)))
    }

    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>> {
        Box::pin(self.locks.take(key))
    }

    fn readers(&self) -> usize {
        self.readers.most()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // The readers first: the log can be emptied once nobody reads.
            for ended in self.readers.close().into_iter().chain(self.writer.close()) {
                ended.await.unwrap_or(Err(StoreError::Stopped))?;
            }
            self.shared.connections.close()
        })
    }
}
