//! Rotation: a new store key, under which all rows are sealed anew while other processes use the store.
//!
//! Each step is a transaction of its own, and what a process that is killed after any of them leaves is a store with
//! two keys, which every process reads, and which the next rotation goes on with. From the first step on, every
//! transaction seals with the new key ([`LiveKeys::in_transaction`](super::live_keys::LiveKeys::in_transaction)). A
//! former key is removed when no row is sealed with it; foreign keys do not let it go earlier.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::connection::{checkpoint, empty_log};
use super::keys::{self, Purpose};
use super::meta::{Meta, Slot};
use super::reseal::{Batch, Position, rows_by_key};
use super::worker::Shared;
use super::{StoreError, commits, key_ring};
use crate::clock;

/// Bytes after which the write-ahead log is moved into the database.
const CHECKPOINT_BYTES: usize = 4 << 20;
/// Estimate of what a row writes beside its value.
const ROW_BYTES: usize = 4 << 10;

/// What a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Number of the store key that all rows are sealed with.
    pub key: u32,
    /// Whether an earlier rotation was finished, and no new key made.
    pub was_resumed: bool,
    /// How many rows were sealed anew.
    pub resealed: usize,
    /// Rows that are not what was written, and so stay with their former key.
    pub damaged: usize,
}

/// A pass over all rows.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pass {
    position: Position,
    written_bytes: usize,
    pub(super) resealed: usize,
    pub(super) damaged: usize,
}

/// Whether there is a key beside the current one: a rotation is not finished.
pub(super) fn is_unfinished(shared: &Shared) -> Result<bool, StoreError> {
    shared.connections.with(|connection| {
        let former = "SELECT EXISTS (SELECT 1 FROM store_key WHERE current = 0)";
        Ok(connection.query_row(former, (), |row| row.get(0))?)
    })
}

/// Makes a new store key and makes it the current one.
///
/// # Errors
/// [`StoreError::RekeyUnfinished`] if there are two slots, of which this process may know only one.
pub(super) fn begin(shared: &Shared) -> Result<u32, StoreError> {
    shared.connections.with(|connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Also finds that the source of the key was changed.
        shared.keys.reload(&transaction)?;
        let slot = shared.keys.slot()?;
        let slots = Slot::all(&transaction)?;
        let [only] = slots.as_slice() else {
            return Err(StoreError::RekeyUnfinished);
        };
        let meta = Meta::read(&transaction)?;
        let last: u32 = transaction.query_row("SELECT max(number) FROM store_key", (), |row| row.get(0))?;
        let number = last.saturating_add(1);
        let wrapped = keys::make_wrapped(&slot.kek, Purpose::Store, number, &meta.database)?;
        transaction.execute("UPDATE store_key SET current = 0", ())?;
        transaction.execute("INSERT INTO store_key VALUES (?, 1, ?)", (number, clock::now()))?;
        only.insert_key(&transaction, &wrapped)?;
        shared.keys.reload(&transaction)?;
        key_ring::next_version(&transaction)?;
        commits::commit(transaction, shared)?;
        Ok(number)
    })
}

/// Seals the next batch of rows anew. Returns how long the writing transaction took; none after the last.
pub(super) fn step(shared: &Shared, pass: &mut Pass) -> Result<Option<Duration>, StoreError> {
    shared.connections.with(|connection| {
        let keys = shared.keys.reload(connection)?;
        let Some(batch) = Batch::read(connection, &keys, pass.position)? else {
            return Ok(None);
        };
        let began = Instant::now();
        if !batch.is_empty() {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if shared.keys.in_transaction(&transaction)?.current() != keys.current() {
                // Another rotation has begun: its pass takes these rows too.
                return Ok(Some(began.elapsed()));
            }
            let written = batch.write(&transaction)?;
            commits::commit(transaction, shared)?;
            pass.resealed += written;
            pass.written_bytes += batch.bytes + written * ROW_BYTES;
            if pass.written_bytes > CHECKPOINT_BYTES {
                pass.written_bytes = 0;
                checkpoint(connection)?;
            }
        }
        pass.damaged += batch.damaged;
        pass.position = batch.next;
        Ok(Some(began.elapsed()))
    })
}

/// Removes the former keys that no row is sealed with. Returns the number of the current key.
pub(super) fn finish(shared: &Shared) -> Result<u32, StoreError> {
    shared.connections.with(|connection| {
        // Counted before the transaction: from now on, no transaction seals with a former key.
        let unused = unused_keys(connection)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for number in &unused {
            transaction.execute(
                "DELETE FROM wrapped_key WHERE purpose = ? AND number = ?",
                (Purpose::Store.as_str(), number),
            )?;
            transaction.execute("DELETE FROM store_key WHERE number = ? AND current = 0", [number])?;
        }
        let current = shared.keys.reload(&transaction)?.current();
        if !unused.is_empty() {
            key_ring::next_version(&transaction)?;
            commits::commit(transaction, shared)?;
            empty_log(connection)?;
        }
        Ok(current)
    })
}

fn unused_keys(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    let used = rows_by_key(connection)?;
    let mut statement = connection.prepare("SELECT number FROM store_key WHERE current = 0")?;
    let former = statement.query_map((), |row| row.get::<_, i64>(0))?;
    let former = former.collect::<Result<Vec<_>, _>>()?;
    let is_unused = |number: &i64| !used.iter().any(|(used, _)| used == number);
    Ok(former.into_iter().filter(is_unused).collect())
}
