//! The writing thread: commits all changes that wait in one transaction, and answers their callers afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::oneshot;

use super::audit::{Appender, AuditEntry, AuditMode, AuditOutcome, SyncDelay};
use super::batches::{Batches, Next};
use super::checkpoints::LogSize;
use super::connection::Prepared;
use super::keys::StoreKeys;
use super::part_writer::{PartWriter, SealedPart};
use super::parts::PartedValue;
use super::seal::nonce;
use super::sealed_change::{Sealed, SealedSecret};
use super::usage::Usage;
use super::worker::Shared;
use super::{SecretKey, SecretRecord, StoreError, StoredSecret, commits};
use crate::clock;
use crate::sensitive::SecretValue;

/// Estimate of what a change writes beside its value: a few pages.
const CHANGE_BYTES: usize = 16 << 10;
/// Estimate of what an entry of the audit log takes.
const ENTRY_BYTES: usize = 512;

/// How often parts are looked for that another process left to be removed.
const REMOVAL_INTERVAL: Duration = Duration::from_hours(1);
/// Most parts that are removed before the thread ends. The next process removes the others.
const LAST_REMOVALS: usize = 512;

/// Selects the version, the sealed size and the parts of the stored secret.
const PRESENT: &str = "SELECT version, length(sealed), extra FROM secret WHERE room = ? AND owner = ? AND id = ? AND delegated_to = ?";
const PUT: &str = "INSERT INTO secret
        (room, owner, id, delegated_to, kind, type, name, version, written_at, extra, mac, key_number, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
    /// What the audit log says of the change if it succeeds, its outcome aside. None for a step of a change.
    pub(super) entry: Option<AuditEntry>,
    pub(super) reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// A change of a secret, or a step of one.
#[derive(Debug)]
pub(super) enum Change {
    Put(SecretRecord, NewValue),
    /// A put that does nothing if the secret does not exist.
    Replace(SecretRecord, NewValue),
    Delete(SecretKey),
    /// None: only the entry is recorded, as it is.
    Record,
    /// A part of a large value, whose put or replacement follows.
    Part(SealedPart),
    /// Checks the limits for a put of this large value, which follows.
    Check(SecretKey, PartedValue),
    /// The parts of a large value that is not put.
    Discard(PartedValue),
    /// Removes a part that was discarded.
    RemovePart,
}

/// A value that is not sealed yet, or whose parts are stored already.
#[derive(Debug)]
pub(super) enum NewValue {
    Whole(SecretValue),
    InParts(PartedValue),
}

impl Change {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Put(_, NewValue::Whole(value)) | Self::Replace(_, NewValue::Whole(value)) => {
                value.expose().len()
            }
            Self::Part(part) => part.sealed.len(),
            _ => 0,
        }
    }

    /// Estimate of what it writes beside its value, its entry included.
    const fn overhead(&self) -> usize {
        match self {
            Self::Record => ENTRY_BYTES,
            _ => CHANGE_BYTES,
        }
    }

    pub(super) const fn is_part(&self) -> bool {
        matches!(self, Self::Part(_))
    }
}

/// Runs jobs until the queue is closed and empty. Removes parts that no row names while there is nothing else to do.
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
        parts: PartWriter::new(connection),
        log: LogSize::new(connection, &shared.checkpoints),
    };
    let mut batches = Batches::new(jobs);
    let mut last_removal = Instant::now();
    loop {
        let next_removal = if writer.parts.may_remove() {
            last_removal
        } else {
            last_removal + REMOVAL_INTERVAL
        };
        let next_sync = writer.sync.deadline();
        let deadline = next_sync.map_or(next_removal, |sync| sync.min(next_removal));
        match batches.next(deadline) {
            Next::Batch(batch) => writer.commit(batch),
            Next::Idle if next_sync.is_some_and(|sync| sync <= Instant::now()) => writer.sync(),
            Next::Idle => {
                last_removal = Instant::now();
                writer.remove_part();
            }
            Next::Closed => break,
        }
    }
    if writer.sync.deadline().is_some() {
        writer.sync();
    }
    for _ in 0..LAST_REMOVALS {
        if !writer.parts.may_remove() {
            break;
        }
        writer.remove_part();
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
    parts: PartWriter<'c>,
    log: LogSize<'c>,
}

impl Writer<'_> {
    /// Syncs what was committed before.
    fn sync(&mut self) {
        if let Err(error) = self.sync.sync() {
            tracing::error!(%error, "the audit log could not be synced");
            self.roll_back();
        }
    }

    /// Applies a batch in one transaction. Each change succeeds or fails on its own; its caller is answered after the
    /// commit.
    fn commit(&mut self, batch: Vec<WriteJob>) {
        let (changes, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|job| ((job.change, job.entry), job.reply))
            .unzip();
        let written: usize = changes
            .iter()
            .map(|(change, _)| change.bytes().saturating_add(change.overhead()))
            .sum();
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
        self.log.limit(written);
    }

    /// Removes a part that no row names, if there is one, in a transaction of its own.
    fn remove_part(&mut self) {
        let removed = match self.parts.has_discarded() {
            Ok(false) => return,
            Ok(true) => {
                let (reply, removed) = oneshot::channel();
                let change = Change::RemovePart;
                let entry = None;
                self.commit(vec![WriteJob { change, entry, reply }]);
                removed.blocking_recv().unwrap_or(Err(StoreError::Stopped))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(%error, "what was replaced or deleted could not be removed from the database");
            self.parts.give_up();
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
        mut changes: Vec<(Result<Sealed, StoreError>, Option<AuditEntry>)>,
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
        let has_entries = changes.iter().any(|(_, entry)| entry.is_some());
        let mut head = match self.shared.audit {
            AuditMode::Off => None,
            _ if !has_entries => None,
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
            if let (Some(head), Some(entry), Ok(changed)) = (&mut head, &mut entry, &outcome) {
                if !changed {
                    entry.outcome = AuditOutcome::NotFound;
                }
                self.audit.append(head, entry)?;
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
                self.usage.check(key, &self.shared.limits, old, secret.bytes())?;
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
                if let Some(parts) = present.parts {
                    self.parts.discard(&parts)?;
                }
                Ok(true)
            }
            Sealed::Part(part) => self.parts.put(part).map(|()| true),
            Sealed::Check(key, value) => {
                let old = self.present(key)?.map(|present| present.bytes);
                self.usage
                    .check(key, &self.shared.limits, old, value.stored_bytes())?;
                Ok(true)
            }
            Sealed::Discard(value) => self.parts.discard(value).map(|()| true),
            Sealed::RemovePart => self.parts.remove_one().map(|()| true),
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
            let parts = PartedValue::decode(row.get_ref(2)?.as_blob()?);
            Ok(Present {
                version: row.get(0)?,
                bytes: match &parts {
                    Some(parts) => parts.stored_bytes(),
                    None => row.get(1)?,
                },
                parts,
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
        let version = replaced
            .as_ref()
            .map_or(1, |replaced| replaced.version.saturating_add(1));
        let written_at = clock::now();
        let stored = StoredSecret {
            record: secret.record.clone(),
            version,
            written_at: Some(written_at),
        };
        let extra = secret.parts.map_or_else(Vec::new, |parts| parts.encode());
        let mac = keys.row_mac(&stored, &extra, nonce(&secret.sealed));
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
            extra,
            mac,
            secret.key_number,
            &secret.sealed,
        ]);
        // The statement is kept, but not its copy of the value.
        statement.clear_bindings();
        let is_put = outcome? > 0;
        if let Some(parts) = &secret.parts {
            self.parts.claim(parts)?;
        }
        let old = replaced.as_ref().map(|replaced| replaced.bytes);
        self.usage.count(&record.key, old, Some(secret.bytes()))?;
        if let Some(parts) = replaced.and_then(|replaced| replaced.parts) {
            self.parts.discard(&parts)?;
        }
        Ok(is_put)
    }
}

/// What is there of a secret before a change.
#[derive(Debug, Clone, Copy)]
struct Present {
    version: u64,
    /// Bytes that it takes, sealed.
    bytes: u64,
    parts: Option<PartedValue>,
}
