//! From format 5 to format 6, which has the audit log and its key.

use std::path::Path;

use rusqlite::Transaction;

use super::super::key_source::KeySource;
use super::super::keys::{self, Purpose, StoreKeys};
use super::super::meta::{Meta, Slot, wrapped_keys};
use super::super::{StoreError, audit, database};

/// Makes the key of the audit log and an empty log.
///
/// # Errors
/// [`StoreError::WrongKey`] and others of the key source; [`StoreError::RekeyUnfinished`] while two sources open the
/// store, because the new key is wrapped for one of them.
pub(super) fn run(
    transaction: &Transaction<'_>,
    directory: &Path,
    source: &KeySource,
) -> Result<(), StoreError> {
    let opened = database::open_slot(transaction, directory, source)?;
    if Slot::all(transaction)?.len() > 1 {
        return Err(StoreError::RekeyUnfinished);
    }
    let meta = Meta::read(transaction)?;
    let key = keys::make_wrapped(&opened.kek, Purpose::Audit, keys::FIRST, &meta.database)?;
    opened.slot.insert_key(transaction, &key)?;
    let wrapped = wrapped_keys(transaction, opened.slot.number)?;
    let keys = StoreKeys::unwrap(&opened.kek, meta.database, meta.current, &wrapped);
    let keys = keys.ok_or_else(|| StoreError::Corrupted("its new key does not open".into()))?;
    audit::create(transaction, keys.chain()?)
}
