//! Values of the server's own, sealed like secrets. Before format 4, its API key was one of them.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::StoreError;
use super::keys::StoreKeys;
use super::seal::Bound;
use crate::sensitive::SecretValue;

/// Removes a value, and returns it. None if it is not set.
pub(super) fn take(
    transaction: &Transaction<'_>,
    keys: &StoreKeys,
    name: &str,
) -> Result<Option<SecretValue>, StoreError> {
    let opened = transaction
        .query_row(
            "DELETE FROM setting WHERE name = ? RETURNING name, key_number, sealed",
            [name],
            |row| open(row, keys),
        )
        .optional()?;
    opened.transpose()
}

/// Opens each value, to prove it.
pub(super) fn open_all(connection: &Connection, keys: &StoreKeys) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT name, key_number, sealed FROM setting")?;
    for opened in statement.query_map((), |row| open(row, keys))? {
        opened??;
    }
    Ok(())
}

fn open(row: &Row<'_>, keys: &StoreKeys) -> rusqlite::Result<Result<SecretValue, StoreError>> {
    let (name, number): (String, i64) = (row.get(0)?, row.get(1)?);
    let sealed = row.get_ref(2)?.as_blob()?;
    let bound = |key, database: &_| Bound::setting(key, database, &name);
    let opened = keys.open(number, bound, sealed);
    Ok(opened.ok_or_else(|| StoreError::Corrupted(format!("the setting {name} is not what was written"))))
}
