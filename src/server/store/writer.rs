//! The writing thread: commits all changes that wait in one transaction, and answers their callers afterwards.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::oneshot;

use super::audit::{Appender, AuditEntry, AuditMode, AuditOutcome, SyncDelay};
use super::connection::{Prepared, checkpoint};
use super::keys::StoreKeys;
use super::seal::nonce;
use super::sealed_change::{Sealed, SealedSecret};
use super::usage::Usage;
use super::worker::Shared;
use super::{SecretKey, SecretRecord, StoreError, StoredSecret, commits};
use crate::clock;
use crate::sensitive::SecretValue;

/// Most changes in one transaction.
const MAX_CHANGES: usize = 1024;
/// Most bytes of values in one transaction; a larger value goes alone.
const MAX_BYTES: usize = 32 << 20;
/// Bytes after which the write-ahead log is moved into the database.
const CHECKPOINT_BYTES: usize = 4 << 20;
/// Estimate of what a change writes beside its value: a few pages.
const CHANGE_BYTES: usize = 16 << 10;
/// Estimate of what an entry of the audit log takes.
const ENTRY_BYTES: usize = 512;

/// Selects the version and the sealed size of the stored secret.
const PRESENT: &str =
    "SELECT version, length(sealed) FROM secret WHERE room = ? AND owner = ? AND id = ? AND delegated_to = ?";
const PUT: &str = "INSERT INTO secret
        (room, owner, id, delegated_to, kind, type, name, version, written_at, mac, key_number, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (room, owner, id, delegated_to) DO UPDATE SET kind = excluded.kind, type = excluded.type,
        name = excluded.name, version = excluded.version, written_at = excluded.written_at, extra = excluded.extra,
        mac = excluded.mac, key_number = excluded.key_number, sealed = excluded.sealed";
const DELETE: &str = "DELETE FROM secret WHERE room = ? AND owner = ? AND id = ? AND delegated_to = ?";

/// Every transaction looks for a new store key, so that nothing is sealed with a former one.
const CURRENT_KEY: &str = "SELECT number FROM store_key WHERE current = 1";

/// A job of the writing thread. The reply says whether the change had an effect.
#[derive(Debug)]
pub(super) struct WriteJob {
    pub(super) change: Change,
    /// What the audit log says of the change if it succeeds, its outcome aside.
    pub(super) entry: AuditEntry,
    pub(super) reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// A change of a secret.
#[derive(Debug)]
pub(super) enum Change {
    Put(SecretRecord, SecretValue),
    /// A put that does nothing if the secret does not exist.
    Replace(SecretRecord, SecretValue),
    Delete(SecretKey),
    /// None: only the entry is recorded, as it is.
    Record,
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(_, value) | Self::Replace(_, value) => value.expose().len(),
            Self::Delete(_) | Self::Record => 0,
        }
    }

    /// Estimate of what it writes beside its value, its entry included.
    const fn overhead(&self) -> usize {
        match self {
            Self::Put(..) | Self::Replace(..) | Self::Delete(_) => CHANGE_BYTES,
            Self::Record => ENTRY_BYTES,
        }
    }
}

/// Runs jobs until the queue is closed and empty.
pub(super) fn run(connection: &Connection, shared: &Shared, jobs: &Receiver<WriteJob>) {
    // The keys were checked when the store was opened.
    let Ok(chain) = shared.keys.present().chain().cloned() else {
        return;
    };
    let mut writer = Writer {
        connection,
        shared,
        present: Prepared::new(connection, PRESENT),
        current_key: Prepared::new(connection, CURRENT_KEY),
        count: Prepared::new(connection, commits::COUNT),
        put: Prepared::new(connection, PUT),
        delete: Prepared::new(connection, DELETE),
        usage: Usage::new(connection),
        audit: Appender::new(connection, chain),
        sync: SyncDelay::new(connection, shared.audit),
    };
    let mut since_checkpoint = 0_usize;
    while let Some(first) = writer.next(jobs) {
        let mut bytes = first.change.bytes();
        let mut overhead = first.change.overhead();
        let mut batch = vec![first];
        while batch.len() < MAX_CHANGES && bytes < MAX_BYTES {
            let Ok(next) = jobs.try_recv() else { break };
            bytes = bytes.saturating_add(next.change.bytes());
            overhead = overhead.saturating_add(next.change.overhead());
            batch.push(next);
        }
        since_checkpoint = since_checkpoint.saturating_add(bytes + overhead);
        writer.commit(batch);
        if since_checkpoint > CHECKPOINT_BYTES {
            since_checkpoint = 0;
            if let Err(error) = checkpoint(connection) {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            }
        }
    }
}

struct Writer<'c> {
    connection: &'c Connection,
    shared: &'c Shared,
    present: Prepared<'c>,
    current_key: Prepared<'c>,
    count: Prepared<'c>,
    put: Prepared<'c>,
    delete: Prepared<'c>,
    usage: Usage<'c>,
    audit: Appender<'c>,
    sync: SyncDelay<'c>,
}

impl Writer<'_> {
    /// The next job. None when the queue is closed and empty. Syncs what was committed before where that is due.
    fn next(&mut self, jobs: &Receiver<WriteJob>) -> Option<WriteJob> {
        loop {
            let Some(deadline) = self.sync.deadline() else {
                return jobs.recv().ok();
            };
            let next = jobs.recv_deadline(deadline);
            if let Ok(job) = next {
                return Some(job);
            }
            if let Err(error) = self.sync.sync() {
                tracing::error!(%error, "the audit log could not be synced");
                self.roll_back();
            }
            if next.is_err_and(|error| error.is_disconnected()) {
                return None;
            }
        }
    }

    /// Applies a batch in one transaction. Each change succeeds or fails on its own; its caller is answered after the
    /// commit.
    fn commit(&mut self, batch: Vec<WriteJob>) {
        let (changes, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|job| ((job.change, job.entry), job.reply))
            .unzip();
        // Sealed before the transaction begins, to keep it short.
        let keys = self.shared.keys.present();
        let sealed: Vec<_> = changes
            .into_iter()
            .map(|(change, entry)| (Sealed::new(&keys, change), entry))
            .collect();
        let began = Instant::now();
        let outcomes = self.transaction(sealed, &keys);
        self.shared.metrics.committed(began.elapsed(), outcomes.is_ok());
        let outcomes = outcomes.unwrap_or_else(|error| {
            self.roll_back();
            waiting.iter().map(|_| Err(error.clone())).collect()
        });
        for (reply, outcome) in waiting.into_iter().zip(outcomes) {
            // The caller may have stopped waiting.
            let _ = reply.send(outcome);
        }
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    /// The keys for the transaction that has begun.
    fn keys(&mut self, sealed_with: &Arc<StoreKeys>) -> Result<Arc<StoreKeys>, StoreError> {
        let current: u32 = self.current_key.statement()?.query_row((), |row| row.get(0))?;
        if current == sealed_with.current() {
            return Ok(Arc::clone(sealed_with));
        }
        self.shared.keys.reload(self.connection)
    }

    fn transaction(
        &mut self,
        mut changes: Vec<(Result<Sealed, StoreError>, AuditEntry)>,
        sealed_with: &Arc<StoreKeys>,
    ) -> Result<Vec<Result<bool, StoreError>>, StoreError> {
        let only_reads = changes
            .iter()
            .all(|(change, _)| matches!(change, Ok(Sealed::Record)));
        let synced = self.sync.prepare(only_reads)?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let keys = self.keys(sealed_with)?;
        if keys.current() != sealed_with.current() {
            // Another process has made a new key the current one.
            for (change, _) in &mut changes {
                let resealed = change.as_mut().map(|change| change.reseal(sealed_with, &keys));
                if let Ok(Err(error)) = resealed {
                    *change = Err(error);
                }
            }
        }
        let mut head = match self.shared.audit {
            AuditMode::Off => None,
            AuditMode::Always | AuditMode::Within(_) => Some(self.audit.begin()?),
        };
        let alone = changes.len() == 1;
        let mut outcomes = Vec::with_capacity(changes.len());
        for (change, mut entry) in changes {
            let outcome = match change {
                Ok(Sealed::Record) => Ok(true),
                Ok(change) if alone => Ok(self.apply(&change, &keys)?),
                Ok(change) => self.apply_apart(&change, &keys)?,
                Err(error) => Err(error),
            };
            // A change that failed is recorded by its caller, with the answer that it leads to.
            if let (Some(head), Ok(changed)) = (&mut head, &outcome) {
                if !changed {
                    entry.outcome = AuditOutcome::NotFound;
                }
                self.audit.append(head, &entry)?;
            }
            outcomes.push(outcome);
        }
        if let Some(head) = &head {
            self.audit.finish(head)?;
        }
        let number = self.count.statement()?.query_row((), |row| row.get(0))?;
        self.connection.execute_batch("COMMIT")?;
        // The count in the file is never ahead of what is on disk.
        if synced && let Err(error) = self.shared.acknowledgements.write(&keys, number) {
            // The changes are on disk. Only a later loss of the log would go unnoticed.
            tracing::warn!(%error, "the count of transactions could not be written");
        }
        Ok(outcomes)
    }

    /// Applies a change so that its failure does not affect the others. Fails if the whole transaction has failed.
    fn apply_apart(
        &mut self,
        change: &Sealed,
        keys: &StoreKeys,
    ) -> Result<Result<bool, StoreError>, StoreError> {
        self.connection.execute_batch("SAVEPOINT change")?;
        match self.apply(change, keys) {
            Ok(changed) => {
                self.connection.execute_batch("RELEASE change")?;
                Ok(Ok(changed))
            }
            Err(error) if self.connection.is_autocommit() => Err(error),
            Err(error) => {
                self.connection
                    .execute_batch("ROLLBACK TO change; RELEASE change")?;
                Ok(Err(error))
            }
        }
    }

    fn apply(&mut self, change: &Sealed, keys: &StoreKeys) -> Result<bool, StoreError> {
        match change {
            Sealed::Put(secret) => {
                let key = &secret.record.key;
                let present = self.present(key)?;
                let old = present.map(|present| present.bytes);
                self.usage
                    .check(key, &self.shared.limits, old, secret.sealed.len() as u64)?;
                self.put(keys, secret, present)
            }
            Sealed::Replace(secret) => match self.present(&secret.record.key)? {
                Some(present) => self.put(keys, secret, Some(present)),
                None => Ok(false),
            },
            Sealed::Record => Ok(true),
            Sealed::Delete(key) => {
                let Some(present) = self.present(key)? else {
                    return Ok(false);
                };
                self.delete.statement()?.execute((
                    key.room.as_str(),
                    key.owner.as_str(),
                    key.id.as_str(),
                    key.delegate_text(),
                ))?;
                self.usage.count(key, Some(present.bytes), None)?;
                Ok(true)
            }
        }
    }

    /// The stored secret. None if it does not exist.
    fn present(&mut self, key: &SecretKey) -> Result<Option<Present>, StoreError> {
        let statement = self.present.statement()?;
        let key = (
            key.room.as_str(),
            key.owner.as_str(),
            key.id.as_str(),
            key.delegate_text(),
        );
        let present = |row: &Row<'_>| {
            Ok(Present {
                version: row.get(0)?,
                bytes: row.get(1)?,
            })
        };
        Ok(statement.query_row(key, present).optional()?)
    }

    /// Stores the secret over `replaced`, or as a new one.
    fn put(
        &mut self,
        keys: &StoreKeys,
        secret: &SealedSecret,
        replaced: Option<Present>,
    ) -> Result<bool, StoreError> {
        let version = replaced.map_or(1, |replaced| replaced.version.saturating_add(1));
        let written_at = clock::now();
        let stored = StoredSecret {
            record: secret.record.clone(),
            version,
            written_at: Some(written_at),
        };
        let mac = keys.row_mac(&stored, &[], nonce(&secret.sealed));
        let record = &secret.record;
        let statement = self.put.statement()?;
        let outcome = statement.execute(params![
            record.key.room.as_str(),
            record.key.owner.as_str(),
            record.key.id.as_str(),
            record.key.delegate_text(),
            record.kind.as_str(),
            &record.secret_type,
            &record.name,
            version,
            written_at,
            mac,
            secret.key_number,
            &secret.sealed,
        ]);
        // The statement is kept, but not its copy of the value.
        statement.clear_bindings();
        let is_put = outcome? > 0;
        let old = replaced.map(|replaced| replaced.bytes);
        self.usage
            .count(&record.key, old, Some(secret.sealed.len() as u64))?;
        Ok(is_put)
    }
}

/// What is there of a secret before a change.
#[derive(Debug, Clone, Copy)]
struct Present {
    version: u64,
    /// Bytes that it takes, sealed.
    bytes: u64,
}
