//! Writes parts of large values, and removes those that no row names, within the writing thread's transactions.

use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;
use super::connection::Prepared;
use super::keys::StoreKeys;
use super::parts::{self, PartedValue, ValueId};
use crate::clock;

/// Seconds after the last part of a value that was never finished, until it is removed.
const UNFINISHED_SECONDS: u64 = 24 * 60 * 60;

const BEGIN: &str = "INSERT INTO unreferenced_value VALUES (?, ?)";
const PUT: &str = "INSERT INTO secret_part (value, part, key_number, sealed) VALUES (?, ?, ?, ?)";
/// Finds nothing if the parts are being removed.
const CONTINUE: &str = "UPDATE unreferenced_value SET since = ?2 WHERE value = ?1 AND since > 0";
const CLAIM: &str = "DELETE FROM unreferenced_value WHERE value = ? AND since > 0";
const DISCARD: &str = "INSERT INTO unreferenced_value VALUES (?, 0) ON CONFLICT DO UPDATE SET since = 0";
const DISCARDED: &str = "SELECT value FROM unreferenced_value WHERE since <= ? LIMIT 1";
const REMOVE: &str =
    "DELETE FROM secret_part WHERE number = (SELECT number FROM secret_part WHERE value = ? LIMIT 1)";
const FORGET: &str = "DELETE FROM unreferenced_value WHERE value = ?";

/// A part of a large value, sealed.
#[derive(Debug)]
pub(super) struct SealedPart {
    pub(super) value: ValueId,
    pub(super) number: u32,
    pub(super) key_number: u32,
    pub(super) sealed: Vec<u8>,
}

impl SealedPart {
    /// Seals it anew with the current key of `keys`, unless it is sealed with that already.
    pub(super) fn reseal(&mut self, former: &StoreKeys, keys: &StoreKeys) -> Result<(), StoreError> {
        if self.key_number == keys.current() {
            return Ok(());
        }
        let part = (&self.value, self.number);
        let resealed = parts::reseal(former, keys, part, (self.key_number.into(), &self.sealed))?;
        // The key is gone: a whole rotation was made since.
        (self.key_number, self.sealed) = resealed.ok_or(StoreError::Busy)?;
        Ok(())
    }
}

/// Writes and removes parts through the writing thread's connection.
#[derive(Debug)]
pub(super) struct PartWriter<'c> {
    begin: Prepared<'c>,
    continued: Prepared<'c>,
    put: Prepared<'c>,
    claim: Prepared<'c>,
    discard: Prepared<'c>,
    discarded: Prepared<'c>,
    remove: Prepared<'c>,
    forget: Prepared<'c>,
    /// Whether there may be parts to remove.
    may_remove: bool,
}

impl<'c> PartWriter<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self {
            begin: Prepared::new(connection, BEGIN),
            continued: Prepared::new(connection, CONTINUE),
            put: Prepared::new(connection, PUT),
            claim: Prepared::new(connection, CLAIM),
            discard: Prepared::new(connection, DISCARD),
            discarded: Prepared::new(connection, DISCARDED),
            remove: Prepared::new(connection, REMOVE),
            forget: Prepared::new(connection, FORGET),
            may_remove: true,
        }
    }

    /// Whether [`PartWriter::remove_one`] may find something.
    pub(super) const fn may_remove(&self) -> bool {
        self.may_remove
    }

    /// Whether [`PartWriter::remove_one`] has something to remove, which another process may have left.
    pub(super) fn has_discarded(&mut self) -> Result<bool, StoreError> {
        self.may_remove = self.discarded()?.is_some();
        Ok(self.may_remove)
    }

    /// Has it not look before the next value is discarded.
    pub(super) const fn give_up(&mut self) {
        self.may_remove = false;
    }

    /// Writes a part. The first one lists its value as unreferenced. A part that is to be removed makes place for it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the value's parts are being removed, because the last one was written too long ago.
    pub(super) fn put(&mut self, part: &SealedPart) -> Result<(), StoreError> {
        self.remove_one()?;
        // Zero means that it is to be removed.
        let since = clock::now().max(1);
        let listing = if part.number == 0 {
            &mut self.begin
        } else {
            &mut self.continued
        };
        if listing.statement()?.execute((part.value, since))? == 0 {
            return Err(StoreError::Busy);
        }
        let statement = self.put.statement()?;
        let put = statement.execute((part.value, part.number, part.key_number, &part.sealed));
        // The statement is kept, but not its copy of the part.
        statement.clear_bindings();
        put?;
        Ok(())
    }

    /// A row names the parts of `value` from now on.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if they are being removed, because they were begun too long ago.
    pub(super) fn claim(&mut self, value: &PartedValue) -> Result<(), StoreError> {
        match self.claim.statement()?.execute([value.id])? {
            0 => Err(StoreError::Busy),
            _ => Ok(()),
        }
    }

    /// No row names the parts of `value` any more: they are removed later.
    pub(super) fn discard(&mut self, value: &PartedValue) -> Result<(), StoreError> {
        self.discard.statement()?.execute([value.id])?;
        self.may_remove = true;
        Ok(())
    }

    /// Removes one part that no row names, if there is one.
    pub(super) fn remove_one(&mut self) -> Result<(), StoreError> {
        if !self.may_remove {
            return Ok(());
        }
        let Some(value) = self.discarded()? else {
            self.may_remove = false;
            return Ok(());
        };
        self.discard.statement()?.execute([value])?;
        if self.remove.statement()?.execute([value])? == 0 {
            self.forget.statement()?.execute([value])?;
        }
        Ok(())
    }

    /// A value whose parts are to be removed.
    fn discarded(&mut self) -> Result<Option<ValueId>, StoreError> {
        let until = clock::now().saturating_sub(UNFINISHED_SECONDS);
        let statement = self.discarded.statement()?;
        Ok(statement.query_row([until], |row| row.get(0)).optional()?)
    }
}
