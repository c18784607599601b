//! Values of the server's own, such as its API key, sealed like secrets. Both functions block.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::StoreError;
use super::commits;
use super::keys::StoreKeys;
use super::seal::Bound;
use super::worker::Shared;
use crate::sensitive::SecretValue;

/// See [`Store::setting`](super::Store::setting).
pub(super) fn read(shared: &Shared, name: &str) -> Result<Option<SecretValue>, StoreError> {
    shared
        .connections
        .with(|connection| select(connection, &shared.keys, name))
}

/// See [`Store::set_setting_if_absent`](super::Store::set_setting_if_absent).
pub(super) fn set_if_absent(
    shared: &Shared,
    name: &str,
    value: &SecretValue,
) -> Result<SecretValue, StoreError> {
    let keys = &shared.keys;
    shared.connections.with(|connection| {
        if let Some(present) = select(connection, keys, name)? {
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
        if let Err(error) = shared.acknowledgements.write(keys, number) {
            tracing::warn!(%error, "the count of transactions could not be written");
        }
        select(connection, keys, name)?.ok_or(StoreError::Busy)
    })
}

/// Opens every setting, and drops the values.
///
/// # Errors
/// [`StoreError::Corrupted`] for the first that is not what was written.
pub(super) fn open_all(connection: &Connection, keys: &StoreKeys) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT name FROM setting")?;
    let names = statement.query_map((), |row| row.get::<_, String>(0))?;
    for name in names {
        select(connection, keys, &name?)?;
    }
    Ok(())
}

fn select(connection: &Connection, keys: &StoreKeys, name: &str) -> Result<Option<SecretValue>, StoreError> {
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
