//! From format 6 to format 7, which stores large values in parts.

use rusqlite::Transaction;

use super::super::{StoreError, parts};

/// Makes the tables. Large values stay in their rows until they are set again.
pub(super) fn run(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    Ok(transaction.execute_batch(parts::TABLES)?)
}
