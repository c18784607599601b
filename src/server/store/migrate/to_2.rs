//! From format 1 to format 2, which gave each secret a version, a time and a MAC, and each store key its slots.
//!
//! Format 1 had no version, no time and no MAC in a secret's row, one key source in `meta`, and the wrapped key
//! beside its store key.

use std::path::Path;

use rusqlite::Transaction;

use super::super::key_source::KeySource;
use super::super::keys::{self, Purpose, StoreKeys, WrappedKey};
use super::super::meta::{Meta, Slot};
use super::super::reader::secret_key;
use super::super::seal::{Bound, nonce};
use super::super::tables::{KEY_TABLES, SECRET_TABLE};
use super::super::{SecretKind, SecretRecord, StoreError, StoredSecret};

/// The version that a secret from format 1 gets.
const FIRST_VERSION: u64 = 1;

/// Brings the database to format 2. Its tables for secrets and keys are still those of the present format.
///
/// # Errors
/// [`StoreError::WrongKey`] and others of the key source.
pub(super) fn run(
    transaction: &Transaction<'_>,
    directory: &Path,
    source: &KeySource,
) -> Result<(), StoreError> {
    let keys = move_keys(transaction, directory, source)?;
    let damaged = move_secrets(transaction, &keys)?;
    if damaged > 0 {
        tracing::error!(damaged, "secrets in the database are not what was written");
    }
    Ok(())
}

/// Moves the wrapped keys to their slot, with a row key beside them.
fn move_keys(
    transaction: &Transaction<'_>,
    directory: &Path,
    source: &KeySource,
) -> Result<StoreKeys, StoreError> {
    let meta = Meta::read(transaction)?;
    let slot = transaction.query_row(
        "SELECT 1, key_source, kdf_memory, kdf_passes, kdf_lanes, kdf_salt, created_at FROM meta",
        (),
        Slot::from_row,
    )?;
    let given = source.read(directory, &slot.key_source)?;
    let key = given.for_slot(&slot.key_source, slot.stretching.as_ref())?;
    let kek = keys::encryption_key(&key, &meta.database);
    let mut wrapped = transaction
        .prepare("SELECT number, wrapped FROM store_key")?
        .query_map((), |row| {
            Ok(WrappedKey {
                purpose: Purpose::Store.as_str().to_owned(),
                number: row.get(0)?,
                wrapped: row.get(1)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    wrapped.push(keys::make_wrapped(
        &kek,
        Purpose::Row,
        keys::FIRST,
        &meta.database,
    )?);
    let keys = StoreKeys::unwrap(&kek, meta.database, meta.current, &wrapped).ok_or_else(|| {
        StoreError::WrongKey {
            made_with: slot.key_source.clone(),
        }
    })?;
    transaction.execute_batch(KEY_TABLES)?;
    slot.insert(transaction)?;
    for key in &wrapped {
        slot.insert_key(transaction, key)?;
    }
    transaction.execute_batch(
        "ALTER TABLE store_key DROP COLUMN wrapped;
        ALTER TABLE meta DROP COLUMN key_source;
        ALTER TABLE meta DROP COLUMN kdf_memory;
        ALTER TABLE meta DROP COLUMN kdf_passes;
        ALTER TABLE meta DROP COLUMN kdf_lanes;
        ALTER TABLE meta DROP COLUMN kdf_salt;
        ALTER TABLE meta ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;",
    )?;
    Ok(keys)
}

/// Moves the secrets and gives each a MAC. A damaged row gets none, so that it stays damaged. Returns the number of
/// damaged rows.
fn move_secrets(transaction: &Transaction<'_>, keys: &StoreKeys) -> Result<usize, StoreError> {
    transaction.execute_batch("DROP INDEX secret_delegated; ALTER TABLE secret RENAME TO secret_1;")?;
    transaction.execute_batch(SECRET_TABLE)?;
    let mut select = transaction.prepare(
        "SELECT number, room, owner, id, delegated_to, kind, type, name, key_number, sealed FROM secret_1",
    )?;
    let mut insert = transaction.prepare(
        "INSERT INTO secret (number, room, owner, id, delegated_to, kind, type, name, version, mac, key_number, sealed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut damaged = 0;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get::<_, String>(column);
        let (room, owner, id, delegate) = (text(1)?, text(2)?, text(3)?, text(4)?);
        let (kind, secret_type, name) = (text(5)?, text(6)?, text(7)?);
        let (key_number, sealed): (i64, &[u8]) = (
            row.get(8)?,
            row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?,
        );
        let record = secret_key([&room, &owner, &id, &delegate])
            .zip(SecretKind::parse(&kind))
            .map(|(key, kind)| SecretRecord {
                key,
                kind,
                secret_type: secret_type.clone(),
                name: name.clone(),
            });
        let opens = |record: &SecretRecord| {
            let bound = |number, database: &_| Bound::secret(number, database, record);
            keys.open(key_number, bound, sealed).is_some()
        };
        let mac = if let Some(record) = record.filter(opens) {
            let secret = StoredSecret {
                record,
                version: FIRST_VERSION,
                written_at: None,
            };
            keys.row_mac(&secret, &[], nonce(sealed))
        } else {
            damaged += 1;
            Vec::new()
        };
        insert.execute(rusqlite::params![
            row.get::<_, i64>(0)?,
            room,
            owner,
            id,
            delegate,
            kind,
            secret_type,
            name,
            FIRST_VERSION,
            mac,
            key_number,
            sealed
        ])?;
    }
    drop(rows);
    transaction.execute_batch("DROP TABLE secret_1")?;
    Ok(damaged)
}
