//! The store in an SQLite database: hands the calls to its threads.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::audit::{self, AccessQuery, Accesses, Actor, Anchor, AuditEntry, AuditMode, AuditStore};
use super::checkpoints::{self, Checkpoints, Never};
use super::commits::Acknowledgements;
use super::connection::Connections;
use super::live_keys::{LiveKeys, SlotKey};
use super::locks::{SecretLock, SecretLocks};
use super::metrics::StoreMetrics;
use super::part_writer::SealedPart;
use super::parts::{self, PartedValue};
use super::reader::{self, ReadJob, Reader};
use super::worker::{Shared, Workers};
use super::writer::{self, Change, NewValue, WriteJob};
use super::{
    BoundedRead, Found, KeyRingChange, KeyRingError, KeyRingStore, KeySource, OwnerLimits, SecretKey,
    SecretQuery, SecretRecord, Store, StoreError, StoredKeyRing, database, key_ring, key_status, rotation,
};
use crate::sensitive::SecretValue;
use crate::server::data_dir::DataDir;

/// Name of the database in its data directory.
pub(super) const DATABASE: &str = "store.db";

/// Most threads that read.
const MAX_READERS: usize = 9;

/// Parts of one value that wait for the writing thread at the same time.
const PARTS_IN_FLIGHT: usize = 2;

/// A store in an SQLite database. Several processes may use one at the same time.
///
/// Calls that are queued when this is dropped are still done; [`Store::close`] waits for them.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    writer: Workers<WriteJob>,
    readers: Workers<ReadJob>,
    checkpointer: Workers<Never>,
    locks: SecretLocks,
}

/// How a store is used.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// What an owner may have.
    pub limits: OwnerLimits,
    /// Whether accesses are recorded, and when they are synced.
    pub audit: AuditMode,
}

impl Default for StoreOptions {
    /// No limits, and entries that are synced before the answer.
    fn default() -> Self {
        Self {
            limits: OwnerLimits::NONE,
            audit: AuditMode::Always,
        }
    }
}

impl SqliteStore {
    /// Opens the database in `data_dir` without [`OwnerLimits`], and creates it if it is missing. Blocks.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open_with`].
    pub fn open(data_dir: &DataDir, key_source: &KeySource) -> Result<Self, StoreError> {
        Self::open_with(data_dir, key_source, StoreOptions::default())
    }

    /// Opens the database in `data_dir`, and creates it if it is missing. Blocks.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] and [`StoreError::KeyMissing`] if the key source is not the one it was
    /// created with, [`StoreError::BadKey`] if it gives no key, [`StoreError::NewerVersion`],
    /// [`StoreError::Foreign`] and [`StoreError::Corrupted`] if the file is not what it should be;
    /// [`StoreError::OlderVersion`] if an older server uses it.
    pub fn open_with(
        data_dir: &DataDir,
        key_source: &KeySource,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let path = data_dir.path().join(DATABASE);
        if data_dir.is_beside_server() {
            database::refuse_older(&path)?;
        }
        let (first, opened) = database::open(data_dir.path(), &path, key_source)?;
        let slot = SlotKey {
            slot: opened.slot.number,
            kek: opened.kek,
        };
        let connections = Connections::new(path, first);
        Ok(Self {
            shared: Arc::new(Shared {
                connections,
                keys: LiveKeys::new(opened.keys, slot),
                acknowledgements: Acknowledgements::open(data_dir.path())?,
                limits: options.limits,
                audit: options.audit,
                metrics: StoreMetrics::default(),
                checkpoints: Checkpoints::default(),
            }),
            writer: Workers::new("writer", 1, writer::run),
            readers: Workers::new("reader", most_readers(), reader::run),
            checkpointer: Workers::new("checkpointer", 1, checkpoints::run),
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
        self.writer.start_all(&self.shared)?;
        self.checkpointer.start_all(&self.shared)
    }

    #[cfg(test)]
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs rare `work` on a thread of the runtime, instead of in a queue.
    pub(super) async fn blocking<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|_| Err(StoreError::Stopped.into()))
    }

    pub(super) async fn change(&self, change: Change, entry: Option<AuditEntry>) -> Result<bool, StoreError> {
        self.begin(change, entry)?
            .await
            .unwrap_or(Err(StoreError::Stopped))
    }

    fn begin(
        &self,
        change: Change,
        entry: Option<AuditEntry>,
    ) -> Result<oneshot::Receiver<Result<bool, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer
            .send(&self.shared, WriteJob { change, entry, reply })?;
        Ok(answer)
    }

    /// Changes the secret; the parts of a value that is not put are removed later.
    async fn put(
        &self,
        change: impl FnOnce(SecretRecord, NewValue) -> Change,
        record: SecretRecord,
        value: NewValue,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        let parts = match &value {
            NewValue::Whole(_) => None,
            NewValue::InParts(parts) => Some(*parts),
        };
        let outcome = self.change(change(record, value), Some(entry)).await;
        if let (Some(parts), Ok(false) | Err(_)) = (parts, &outcome) {
            self.discard(parts);
        }
        outcome
    }

    /// Seals and writes the parts of a large value, each while the next one is sealed.
    async fn write_parts(&self, parts: PartedValue, value: SecretValue) -> Result<NewValue, StoreError> {
        self.checkpointer.start_all(&self.shared)?;
        let value = Arc::new(value);
        let written = self.write_each_part(parts, &value).await;
        // Overwriting a large value takes milliseconds, in which this thread would serve nobody.
        drop(spawn_blocking(move || drop(value)));
        if written.is_err() {
            self.discard(parts);
        }
        written.map(|()| NewValue::InParts(parts))
    }

    async fn write_each_part(&self, parts: PartedValue, value: &Arc<SecretValue>) -> Result<(), StoreError> {
        let mut waiting = VecDeque::new();
        for (number, place) in parts.parts() {
            let value = Arc::clone(value);
            let seal = move |shared: &Shared| {
                let part = value.expose().get(place).ok_or(StoreError::TooLarge)?;
                parts::seal(&shared.keys.present(), &parts.id, number, part)
            };
            let (key_number, sealed) = self.blocking(seal).await?;
            if waiting.len() == PARTS_IN_FLIGHT
                && let Some(first) = waiting.pop_front()
            {
                written(first).await?;
            }
            waiting.push_back(self.begin(
                Change::Part(SealedPart {
                    value: parts.id,
                    number,
                    key_number,
                    sealed,
                }),
                None,
            )?);
        }
        for part in waiting {
            written(part).await?;
        }
        Ok(())
    }

    fn discard(&self, parts: PartedValue) {
        // If that fails, they are removed when a value that was begun is old enough.
        drop(self.begin(Change::Discard(parts), None));
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            // Skipped if its caller has stopped waiting, so that it delays neither the next one nor a server that
            // stops.
            if !reply.is_closed() {
                let _ = reply.send(read(reader));
            }
        });
        self.readers.send(&self.shared, job)?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

async fn written(part: oneshot::Receiver<Result<bool, StoreError>>) -> Result<(), StoreError> {
    part.await.unwrap_or(Err(StoreError::Stopped)).map(drop)
}

/// One reader more than there are processors, because a reader may wait for the disk.
fn most_readers() -> usize {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    processors.saturating_add(1).min(MAX_READERS)
}

impl Store for SqliteStore {
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>> {
        Box::pin(self.ask(move |reader| reader.find(&query)))
    }

    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>> {
        Box::pin(self.ask(move |reader| reader.read(&key)))
    }

    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>> {
        Box::pin(self.ask(move |reader| reader.read_up_to(&key, limit)))
    }

    fn write(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let value = match PartedValue::new(value.expose().len())? {
                None => NewValue::Whole(value),
                Some(parts) => {
                    self.change(Change::Check(record.key.clone(), parts), None)
                        .await?;
                    self.write_parts(parts, value).await?
                }
            };
            self.put(Change::Put, record, value, entry).await.map(drop)
        })
    }

    fn replace(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let value = match PartedValue::new(value.expose().len())? {
                None => NewValue::Whole(value),
                Some(parts) => self.write_parts(parts, value).await?,
            };
            self.put(Change::Replace, record, value, entry).await
        })
    }

    fn delete(&self, key: SecretKey, entry: AuditEntry) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.change(Change::Delete(key), Some(entry)))
    }

    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.ask(move |reader| reader.contains(&key)))
    }

    fn accesses(&self, query: AccessQuery) -> BoxFuture<'_, Result<Accesses, StoreError>> {
        Box::pin(self.ask(move |reader| reader.accesses(&query)))
    }

    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>> {
        Box::pin(self.locks.take(key))
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is not general over its lifetime"
    )]
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.ask(|reader| reader.ping()))
    }

    fn readers(&self) -> usize {
        self.readers.most()
    }

    fn rows_to_reseal(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.blocking(|shared| {
            // Rows are counted only then, for it takes longer the more there are.
            if !rotation::is_unfinished(shared)? {
                return Ok(0);
            }
            Ok(key_status::read(shared)?.rows_left() as u64)
        }))
    }

    fn register_metrics(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // The readers first: the log can be emptied only when none of them reads.
            let closed = [
                self.readers.close(),
                self.writer.close(),
                self.checkpointer.close(),
            ];
            for ended in closed.into_iter().flatten() {
                ended.await.unwrap_or(Err(StoreError::Stopped))?;
            }
            self.shared.connections.close()
        })
    }
}

impl KeyRingStore for SqliteStore {
    fn key_ring(&self) -> BoxFuture<'_, Result<StoredKeyRing, StoreError>> {
        Box::pin(self.blocking(key_ring::read))
    }

    fn key_ring_version(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.blocking(key_ring::version))
    }

    fn change_key_ring(
        &self,
        change: KeyRingChange,
        actor: Actor,
    ) -> BoxFuture<'_, Result<u64, KeyRingError>> {
        Box::pin(self.blocking(move |shared| key_ring::change(shared, change, actor)))
    }

    fn set_applied_key_ring(&self, version: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.blocking(move |shared| key_ring::set_applied(shared, version)))
    }

    fn applied_key_ring(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.blocking(key_ring::applied))
    }
}

impl AuditStore for SqliteStore {
    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match self.shared.audit {
                AuditMode::Off => Ok(()),
                AuditMode::Always | AuditMode::Within(_) => {
                    self.change(Change::Record, Some(entry)).await.map(drop)
                }
            }
        })
    }

    fn prune(&self, before: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.prune_audit(before, Actor::default(), false))
    }

    fn anchor(&self) -> BoxFuture<'_, Result<Anchor, StoreError>> {
        Box::pin(self.blocking(audit::anchor))
    }
}
