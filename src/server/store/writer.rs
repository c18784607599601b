//! The one that writes: takes all changes that wait, commits them together, and answers then.

use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{Prepared, checkpoint};
use super::keys::StoreKeys;
use super::seal::Bound;
use super::{SecretKey, SecretRecord, StoreError};
use crate::sensitive::SecretValue;

/// Most changes in one transaction.
const MAX_CHANGES: usize = 256;
/// Most bytes of values in one transaction; a larger value goes alone.
const MAX_BYTES: usize = 32 << 20;
/// After how many bytes the write-ahead log is moved into the database.
const CHECKPOINT_BYTES: usize = 4 << 20;
/// What a change writes beside its value, roughly: a few pages.
const CHANGE_BYTES: usize = 16 << 10;

const PUT: &str = "INSERT INTO secret (room, owner, id, delegated_to, kind, type, name, key_number, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (room, owner, id, delegated_to) DO UPDATE SET kind = excluded.kind, type = excluded.type,
        name = excluded.name, key_number = excluded.key_number, sealed = excluded.sealed";
/// The same parameters as those of [`PUT`].
const REPLACE: &str = "UPDATE secret SET kind = ?5, type = ?6, name = ?7, key_number = ?8, sealed = ?9
    WHERE room = ?1 AND owner = ?2 AND id = ?3 AND delegated_to = ?4";
const DELETE: &str = "DELETE FROM secret WHERE room = ? AND owner = ? AND id = ? AND delegated_to = ?";

/// A change, and who waits for it. The answer says whether something was changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) action: Action,
    pub(super) reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// What is to be changed.
#[derive(Debug)]
pub(super) enum Action {
    Put(SecretRecord, SecretValue),
    /// A put that does nothing where the secret is not there.
    Replace(SecretRecord, SecretValue),
    Delete(SecretKey),
}

impl Action {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(_, value) | Self::Replace(_, value) => value.expose().len(),
            Self::Delete(_) => 0,
        }
    }
}

/// Carries out changes until there are no more.
pub(super) fn run(connection: &Connection, keys: &StoreKeys, changes: &Receiver<Change>) {
    let mut writer = Writer {
        connection,
        keys,
        put: Prepared::new(connection, PUT),
        replace: Prepared::new(connection, REPLACE),
        delete: Prepared::new(connection, DELETE),
    };
    let mut since_checkpoint = 0_usize;
    while let Ok(first) = changes.recv() {
        let mut bytes = first.action.bytes();
        let mut batch = vec![first];
        while batch.len() < MAX_CHANGES && bytes < MAX_BYTES {
            let Ok(next) = changes.try_recv() else { break };
            bytes = bytes.saturating_add(next.action.bytes());
            batch.push(next);
        }
        since_checkpoint = since_checkpoint.saturating_add(bytes + batch.len() * CHANGE_BYTES);
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
    keys: &'c StoreKeys,
    put: Prepared<'c>,
    replace: Prepared<'c>,
    delete: Prepared<'c>,
}

impl Writer<'_> {
    /// Does the batch in one transaction. Each change is done or not on its own; who waits hears of it
    /// after the commit.
    fn commit(&mut self, batch: Vec<Change>) {
        let (changes, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|change| (change.action, change.reply))
            .unzip();
        // Sealed before the transaction begins, to keep it short.
        let sealed: Vec<_> = changes.into_iter().map(|action| self.seal(action)).collect();
        let outcomes = self.transaction(sealed).unwrap_or_else(|error| {
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::warn!(%error, "a transaction could not be rolled back");
            }
            waiting.iter().map(|_| Err(error.clone())).collect()
        });
        for (reply, outcome) in waiting.into_iter().zip(outcomes) {
            // Who no longer waits need not know.
            let _ = reply.send(outcome);
        }
    }

    fn seal(&self, action: Action) -> Result<Sealed, StoreError> {
        Ok(match action {
            Action::Put(record, value) => Sealed::Put(self.seal_value(record, &value)?),
            Action::Replace(record, value) => Sealed::Replace(self.seal_value(record, &value)?),
            Action::Delete(key) => Sealed::Delete(key),
        })
    }

    fn seal_value(&self, record: SecretRecord, value: &SecretValue) -> Result<SealedSecret, StoreError> {
        let (key_number, sealed) = self
            .keys
            .seal(|key, database| Bound::secret(key, database, &record), value)?;
        Ok(SealedSecret {
            record,
            key_number,
            sealed,
        })
    }

    fn transaction(
        &mut self,
        changes: Vec<Result<Sealed, StoreError>>,
    ) -> Result<Vec<Result<bool, StoreError>>, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let alone = changes.len() == 1;
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            let outcome = match change {
                Ok(change) if alone => Ok(self.apply(&change)?),
                Ok(change) => self.apply_apart(&change)?,
                Err(error) => Err(error),
            };
            outcomes.push(outcome);
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(outcomes)
    }

    /// Applies a change so that its failure leaves the others be; fails itself if they are lost too.
    fn apply_apart(&mut self, change: &Sealed) -> Result<Result<bool, StoreError>, StoreError> {
        self.connection.execute_batch("SAVEPOINT change")?;
        match self.apply(change) {
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

    fn apply(&mut self, change: &Sealed) -> Result<bool, StoreError> {
        let changed = match change {
            Sealed::Put(secret) => secret.store(&mut self.put)?,
            Sealed::Replace(secret) => secret.store(&mut self.replace)?,
            Sealed::Delete(key) => self.delete.statement()?.execute((
                key.room.as_str(),
                key.owner.as_str(),
                key.id.as_str(),
                key.delegate_text(),
            ))?,
        };
        Ok(changed > 0)
    }
}

/// A change whose value is sealed.
enum Sealed {
    Put(SealedSecret),
    Replace(SealedSecret),
    Delete(SecretKey),
}

/// A secret whose value is sealed, with the number of its key.
struct SealedSecret {
    record: SecretRecord,
    key_number: u32,
    sealed: Vec<u8>,
}

impl SealedSecret {
    /// Runs [`PUT`] or [`REPLACE`]; gives how many rows it changed.
    fn store(&self, statement: &mut Prepared<'_>) -> Result<usize, StoreError> {
        let record = &self.record;
        let statement = statement.statement()?;
        let outcome = statement.execute((
            record.key.room.as_str(),
            record.key.owner.as_str(),
            record.key.id.as_str(),
            record.key.delegate_text(),
            record.kind.as_str(),
            &record.secret_type,
            &record.name,
            self.key_number,
            &self.sealed,
        ));
        // The statement is kept, its copy of the value is not.
        statement.clear_bindings();
        Ok(outcome?)
    }
}
