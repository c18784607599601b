//! What each owner has in the store, counted in the transaction of each change, and the limits on it.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::connection::Prepared;
use super::{SecretKey, StoreError};

/// What one owner may have in one room: no one uses up the disk, or another's list, alone. What is there can always
/// be deleted, and be replaced by a value that is not larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerLimits {
    /// Secrets.
    pub secrets: u64,
    /// Bytes of their values, as they are stored: 40 more each than the value has.
    pub bytes: u64,
    /// Secrets that are delegated to one identity.
    pub delegated: u64,
}

impl OwnerLimits {
    /// No limits: for a store that one person uses alone.
    pub const NONE: Self = Self {
        secrets: u64::MAX,
        bytes: u64::MAX,
        delegated: u64::MAX,
    };
}

impl Default for OwnerLimits {
    /// 10,000 secrets: a list of so many still fits into one answer, for clients that know no pages. 1 GiB: 16 of the
    /// largest values. 1,000 to one identity: a page of its list.
    fn default() -> Self {
        Self {
            secrets: 10_000,
            bytes: 1 << 30,
            delegated: 1000,
        }
    }
}

/// Which limit a change would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerLimit {
    /// [`OwnerLimits::secrets`]
    Secrets,
    /// [`OwnerLimits::bytes`]
    Bytes,
    /// [`OwnerLimits::delegated`]
    Delegated,
}

/// The counts, by room and owner, and by whom the owner delegated to.
pub(super) const TABLES: &str = "
    CREATE TABLE owner_usage (
        room TEXT NOT NULL, owner TEXT NOT NULL, secrets INTEGER NOT NULL, bytes INTEGER NOT NULL,
        PRIMARY KEY (room, owner)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE delegated_usage (
        room TEXT NOT NULL, owner TEXT NOT NULL, delegated_to TEXT NOT NULL, secrets INTEGER NOT NULL,
        PRIMARY KEY (room, owner, delegated_to)
    ) STRICT, WITHOUT ROWID;";

/// Counts what is in a database whose counts are empty.
pub(super) const COUNT_ALL: &str = "
    INSERT INTO owner_usage SELECT room, owner, count(*), sum(length(sealed)) FROM secret GROUP BY room, owner;
    INSERT INTO delegated_usage SELECT room, owner, delegated_to, count(*) FROM secret WHERE delegated_to <> ''
        GROUP BY room, owner, delegated_to;";

const OWNED: &str = "SELECT secrets, bytes FROM owner_usage WHERE room = ? AND owner = ?";
const DELEGATED: &str =
    "SELECT secrets FROM delegated_usage WHERE room = ? AND owner = ? AND delegated_to = ?";
const COUNT_OWNED: &str = "INSERT INTO owner_usage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        secrets = secrets + excluded.secrets, bytes = bytes + excluded.bytes";
const COUNT_DELEGATED: &str = "INSERT INTO delegated_usage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        secrets = secrets + excluded.secrets";
const FORGET_OWNED: &str = "DELETE FROM owner_usage WHERE room = ? AND owner = ? AND secrets <= 0";
const FORGET_DELEGATED: &str =
    "DELETE FROM delegated_usage WHERE room = ? AND owner = ? AND delegated_to = ? AND secrets <= 0";

/// A count in a row; one that was changed to less than nothing limits no more than none.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Reads and keeps the counts, within a transaction.
#[derive(Debug)]
pub(super) struct Usage<'c> {
    owned: Prepared<'c>,
    delegated: Prepared<'c>,
    count_owned: Prepared<'c>,
    count_delegated: Prepared<'c>,
    forget_owned: Prepared<'c>,
    forget_delegated: Prepared<'c>,
}

impl<'c> Usage<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self {
            owned: Prepared::new(connection, OWNED),
            delegated: Prepared::new(connection, DELEGATED),
            count_owned: Prepared::new(connection, COUNT_OWNED),
            count_delegated: Prepared::new(connection, COUNT_DELEGATED),
            forget_owned: Prepared::new(connection, FORGET_OWNED),
            forget_delegated: Prepared::new(connection, FORGET_DELEGATED),
        }
    }

    /// Checks that the owner may have a secret of `new` bytes at `key`, where there is one of `old` bytes, or none.
    ///
    /// # Errors
    /// [`StoreError::OverLimit`]
    pub(super) fn check(
        &mut self,
        key: &SecretKey,
        limits: &OwnerLimits,
        old: Option<u64>,
        new: u64,
    ) -> Result<(), StoreError> {
        let (room, owner) = (key.room.as_str(), key.owner.as_str());
        let over = |limit, most| Err(StoreError::OverLimit { limit, most });
        let counts = self
            .owned
            .statement()?
            .query_row((room, owner), |row| Ok((count(row, 0)?, count(row, 1)?)))
            .optional()?;
        let (secrets, bytes) = counts.unwrap_or_default();
        if old.is_none() && secrets >= limits.secrets {
            return over(OwnerLimit::Secrets, limits.secrets);
        }
        let old_bytes = old.unwrap_or_default();
        if new > old_bytes && bytes.saturating_sub(old_bytes).saturating_add(new) > limits.bytes {
            return over(OwnerLimit::Bytes, limits.bytes);
        }
        if old.is_none() && key.delegated_to.is_some() {
            let key = (room, owner, key.delegate_text());
            let statement = self.delegated.statement()?;
            let delegated = statement.query_row(key, |row| count(row, 0)).optional()?;
            if delegated.unwrap_or_default() >= limits.delegated {
                return over(OwnerLimit::Delegated, limits.delegated);
            }
        }
        Ok(())
    }

    /// Counts that the secret at `key` had `old` bytes, if it was there, and has `new` ones, if it is there now.
    pub(super) fn count(
        &mut self,
        key: &SecretKey,
        old: Option<u64>,
        new: Option<u64>,
    ) -> Result<(), StoreError> {
        let (room, owner, delegate) = (key.room.as_str(), key.owner.as_str(), key.delegate_text());
        let signed = |bytes: Option<u64>| i64::try_from(bytes.unwrap_or_default()).unwrap_or(i64::MAX);
        let secrets = i64::from(new.is_some()) - i64::from(old.is_some());
        let bytes = signed(new).saturating_sub(signed(old));
        self.count_owned
            .statement()?
            .execute((room, owner, secrets, bytes))?;
        if secrets != 0 && !delegate.is_empty() {
            let statement = self.count_delegated.statement()?;
            statement.execute((room, owner, delegate, secrets))?;
        }
        if secrets < 0 {
            self.forget_owned.statement()?.execute((room, owner))?;
            let statement = self.forget_delegated.statement()?;
            statement.execute((room, owner, delegate))?;
        }
        Ok(())
    }
}
