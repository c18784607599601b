//! Migrates an older database to the present format, step by step in one transaction: a process that is killed
//! meanwhile leaves the older format.

mod to_2;
mod to_6;
mod to_7;

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::key_source::KeySource;
use super::tables::FORMAT;
use super::{StoreError, api_keys, usage};

/// Migrates an older database to [`FORMAT`]. Does nothing if another process has done so.
///
/// # Errors
/// [`StoreError::WrongKey`] and others of the key source. The database is not changed then.
pub(super) fn run(
    connection: &mut Connection,
    directory: &Path,
    source: &KeySource,
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let format: i64 = transaction.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    if format >= FORMAT {
        return Ok(());
    }
    tracing::info!(
        from = format,
        to = FORMAT,
        "bringing the database to a new format"
    );
    if format < 2 {
        to_2::run(&transaction, directory, source)?;
    }
    if format < 3 {
        // Format 3 counts what each owner has.
        transaction.execute_batch(usage::TABLES)?;
        transaction.execute_batch(usage::COUNT_ALL)?;
    }
    if format < 4 {
        // The API key moves out of its setting when the key ring is first read.
        transaction.execute_batch(api_keys::TABLES)?;
    }
    // Format 5 has the tables of format 4. Its processes look for a new store key in each transaction, and those of
    // format 4, which do not, must not use it.
    if format < 6 {
        to_6::run(&transaction, directory, source)?;
    }
    if format < 7 {
        to_7::run(&transaction)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {FORMAT}"))?;
    transaction.commit()?;
    Ok(())
}
