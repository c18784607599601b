//! Rekeying: another source of the key that wraps the store keys.
//!
//! The new source gets a slot beside the former one, with the same keys wrapped under its key; then the former slot is
//! removed. In between both sources open the store, so that a process that is killed at any step leaves a store that
//! opens. A running process opens the new slot with a key that is sealed under the former slot's, and goes with it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::empty_log;
use super::key_source::{self, KeySource};
use super::keys::{self, WrappedKey};
use super::live_keys::SlotKey;
use super::meta::{self, Meta, Slot, wrapped_keys};
use super::passphrase::Stretching;
use super::seal::{self, Bound, DatabaseId, Key};
use super::worker::Shared;
use super::{StoreError, commits, key_ring};
use crate::clock;

/// The purpose of the next slot's key in the former slot. Its number is the next slot's.
const NEXT_SLOT: &str = "next slot";

/// A change of the key source that has begun: both sources open the store.
#[derive(Debug)]
#[must_use = "the former source opens the store until this is finished"]
pub struct Rekeying {
    slot: u32,
    /// The data directory, if its default key file is to be replaced.
    renamed_in: Option<PathBuf>,
    /// The version of the key ring that a running server must have applied before the former slot is removed.
    pub(super) version: u64,
}

impl Rekeying {
    /// The version of the key ring that a running server must have applied before the former source is removed: until
    /// then it does not know the new one.
    pub const fn key_ring_version(&self) -> u64 {
        self.version
    }
}

/// The key of the slot that comes after `slot`, if `wrapped`, its keys, has one.
pub(super) fn next_slot(slot: &SlotKey, wrapped: &[WrappedKey], database: &DatabaseId) -> Option<SlotKey> {
    let next = wrapped.iter().find(|key| key.purpose == NEXT_SLOT)?;
    let bound = Bound::other_key(NEXT_SLOT, next.number, database);
    let opened = seal::open(&slot.kek, &bound, &next.wrapped)?;
    Some(SlotKey {
        slot: next.number,
        kek: Key::new(opened.expose().as_slice().try_into().ok()?),
    })
}

/// The slot for the new source.
struct NewSlot {
    number: u32,
    kek: Key,
    stretching: Option<Stretching>,
}

/// Adds the slot of `source`, whose default means a new key file in `directory`, or finds the one that an unfinished change has left. Takes a tenth of a second for a
/// passphrase.
///
/// # Errors
/// Those of the key source. [`StoreError::RekeyUnfinished`] if another process does the same.
pub(super) fn begin(shared: &Shared, directory: &Path, source: &KeySource) -> Result<Rekeying, StoreError> {
    shared.connections.with(|connection| {
        shared.keys.reload(connection)?;
        let database = Meta::read(connection)?.database;
        let slots = Slot::all(connection)?;
        let new = new_slot(connection, directory, source, &database, &slots)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if numbers(&Slot::all(&transaction)?) != numbers(&slots) {
            return Err(StoreError::RekeyUnfinished);
        }
        shared.keys.reload(&transaction)?;
        if !slots.iter().any(|slot| slot.number == new.number) {
            let own = own_slot(shared, &slots)?;
            add(&transaction, &own, &new, source, &database)?;
            shared.keys.reload(&transaction)?;
        }
        let version = key_ring::next_version(&transaction)?;
        commits::commit(transaction, shared)?;
        Ok(Rekeying {
            slot: new.number,
            renamed_in: matches!(source, KeySource::Default).then(|| directory.to_owned()),
            version,
        })
    })
}

/// Removes the slots of all other sources.
///
/// # Errors
/// [`StoreError::RekeyUnfinished`] if another process has removed the new slot.
pub(super) fn finish(shared: &Shared, rekeying: &Rekeying) -> Result<(), StoreError> {
    shared.connections.with(|connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let slots = Slot::all(&transaction)?;
        if !slots.iter().any(|slot| slot.number == rekeying.slot) {
            return Err(StoreError::RekeyUnfinished);
        }
        if let Some(directory) = &rekeying.renamed_in {
            key_source::activate_next_default(directory)?;
        }
        for slot in slots.iter().filter(|slot| slot.number != rekeying.slot) {
            slot.delete(&transaction)?;
        }
        shared.keys.reload(&transaction)?;
        key_ring::next_version(&transaction)?;
        commits::commit(transaction, shared)?;
        empty_log(connection)
    })
}

fn numbers(slots: &[Slot]) -> Vec<u32> {
    slots.iter().map(|slot| slot.number).collect()
}

/// The slot of `source`: one of `slots` if it opens one, else the next.
fn new_slot(
    connection: &Connection,
    directory: &Path,
    source: &KeySource,
    database: &DatabaseId,
    slots: &[Slot],
) -> Result<NewSlot, StoreError> {
    let given = match source {
        KeySource::Default => KeySource::File(key_source::make_next_default(directory)?),
        source => source.clone(),
    };
    let given = given.read(directory, source.name())?;
    for slot in slots {
        let Ok(key) = given.for_slot(&slot.key_source, slot.stretching.as_ref()) else {
            continue;
        };
        let kek = keys::encryption_key(&key, database);
        if opens(&kek, &wrapped_keys(connection, slot.number)?, database) {
            return Ok(NewSlot {
                number: slot.number,
                kek,
                stretching: None,
            });
        }
    }
    let stretching = source.stretching()?;
    let key = given.for_slot(source.name(), stretching.as_ref())?;
    Ok(NewSlot {
        number: slots.last().map_or(0, |slot| slot.number).saturating_add(1),
        kek: keys::encryption_key(&key, database),
        stretching,
    })
}

/// Whether the keys that are wrapped in a slot open.
fn opens(kek: &Key, wrapped: &[WrappedKey], database: &DatabaseId) -> bool {
    !wrapped.is_empty() && wrapped.iter().all(|key| keys::opens(kek, key, database))
}

/// The newest slot that this process opens, of which an unfinished change may have left two.
fn own_slot(shared: &Shared, slots: &[Slot]) -> Result<SlotKey, StoreError> {
    let own = shared.keys.slot()?;
    match slots.last() {
        // A change whose slot this process does not know: it was begun, and its source is not the one that is given.
        Some(last) if last.number != own.slot => Err(StoreError::RekeyUnfinished),
        _ => Ok(own),
    }
}

/// Adds the slot `new`, with all keys that are in the slot `own`, and its key to that one.
fn add(
    transaction: &Transaction<'_>,
    own: &SlotKey,
    new: &NewSlot,
    source: &KeySource,
    database: &DatabaseId,
) -> Result<(), StoreError> {
    let slot = Slot {
        number: new.number,
        key_source: source.name().to_owned(),
        stretching: new.stretching.clone(),
        created_at: clock::now(),
    };
    slot.insert(transaction)?;
    for key in wrapped_keys(transaction, own.slot)? {
        if key.purpose != NEXT_SLOT {
            slot.insert_key(transaction, &keys::rewrap(&own.kek, &new.kek, &key, database)?)?;
        }
    }
    let handed_over = WrappedKey {
        purpose: NEXT_SLOT.to_owned(),
        number: new.number,
        wrapped: seal::seal(
            &own.kek,
            &Bound::other_key(NEXT_SLOT, new.number, database),
            &*new.kek,
        )?,
    };
    transaction.execute(
        "DELETE FROM wrapped_key WHERE slot = ? AND purpose = ?",
        (own.slot, NEXT_SLOT),
    )?;
    meta::insert_key(transaction, own.slot, &handed_over)
}
