//! Secrets at rest. Below `rooms`, `oauth` and `keys`, above `data_dir`.
//!
//! A [`Store`] keeps records and their values; [`SqliteStore`] is its implementation. A value is sealed ([`seal`]),
//! a large one in parts ([`parts`]), under a store key ([`keys`]), which is itself wrapped under a key that comes from a [`KeySource`]. One thread
//! writes ([`writer`]), several read ([`reader`]), and one makes the checkpoints of the write-ahead log
//! ([`checkpoints`]), each with its own connection, which is opened when it is first needed.
//!
//! Ids, names, types and owners are stored readable, under a MAC; values are sealed. A row is read only if nothing
//! about it was changed. The removal of a row, and the return of an older one, cannot be seen from the row itself; the
//! audit log is the place for that. [`commits`] detects acknowledged transactions that a damaged log has lost.
//!
//! A [`rotation`] replaces the store key, and a [`rekey`] the source of the key that wraps it, while other processes
//! use the store: [`live_keys`].
//!
//! A [`KeyRingStore`] keeps the server's API keys and which tokens were revoked, an [`AuditStore`] who had access to
//! what ([`audit`]).

mod api_keys;
mod audit;
pub(in crate::server) mod backup;
mod batches;
mod checkpoints;
mod commits;
mod connection;
mod database;
mod error;
#[cfg(test)]
#[path = "../../../tests/fuzz/store.rs"]
mod fuzz;
mod inspect;
mod key_command;
mod key_ring;
mod key_source;
mod key_status;
mod keys;
mod live_keys;
mod locks;
mod meta;
mod metrics;
mod migrate;
mod part_writer;
mod parts;
mod passphrase;
mod reader;
mod record;
mod rekey;
mod reseal;
mod revocations;
mod rotation;
mod seal;
mod sealed_change;
mod settings;
mod sqlite;
mod sqlite_error;
mod sqlite_keys;
mod tables;
#[cfg(test)]
mod tests;
mod usage;
mod worker;
mod writer;

use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;

pub use api_keys::StoredApiKey;
pub(in crate::server) use audit::shorten;
pub use audit::{
    AccessQuery, Accesses, Actor, Anchor, AuditEntry, AuditMode, AuditOutcome, AuditQuery, AuditStore,
    Finding, RecordedEntry, Verification,
};
pub(crate) use error::STORE_FAILED;
pub use error::StoreError;
pub use inspect::{StoreInspection, inspect};
pub use key_command::KeyCommand;
pub use key_ring::{
    KeyRingChange, KeyRingError, KeyRingStore, MAX_API_KEY_NAME_BYTES, MAX_API_KEYS, StoredKeyRing,
};
pub use key_source::KeySource;
pub use key_status::{KeySlotStatus, KeyStatus, StoreKeyStatus};
pub use locks::SecretLock;
pub(in crate::server) use passphrase::Stretching;
pub use record::{
    BoundedRead, DelegatedTo, Found, ListPosition, SecretKey, SecretKind, SecretQuery, SecretRecord,
    StoredSecret,
};
pub use rekey::Rekeying;
pub use revocations::{Revocation, RevokedTokens};
pub use rotation::Rotated;
pub(in crate::server) use seal::Key;
pub use sqlite::{SqliteStore, StoreOptions};
pub use usage::{OwnerLimit, OwnerLimits};

use crate::sensitive::SecretValue;

/// Keeps secrets.
///
/// A change is on disk when its call returns, and so is its entry in the audit log: both are in one transaction. Where
/// nothing was found to change, the entry says so; a change that fails leaves none. A call whose future is dropped may
/// still be carried out.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The records that the viewer may see, which are its own and those delegated to it, sorted by [`ListPosition`].
    /// The time that a page takes does not depend on how many secrets are before and after it.
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>>;

    /// The secret and its value. None if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the row is not what was written.
    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>>;

    /// As [`Store::read`], but does not read a secret if that takes more than `limit` bytes of memory: returns what it
    /// takes instead.
    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>>;

    /// Stores the secret, or replaces the value, type, name and kind of the stored one.
    ///
    /// # Errors
    /// [`StoreError::OverLimit`] for a change that would exceed the store's [`OwnerLimits`].
    fn write(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Replaces the value, type, name and kind of the secret if it exists. Returns whether it exists. The server
    /// renews credentials with it, so it has no limits.
    fn replace(
        &self,
        record: SecretRecord,
        value: SecretValue,
        entry: AuditEntry,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Removes the secret. Returns whether it existed.
    fn delete(&self, key: SecretKey, entry: AuditEntry) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Whether the secret exists.
    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Who had access to a secret, by the audit log: a page of it, whose time does not depend on how long the log is.
    fn accesses(&self, query: AccessQuery) -> BoxFuture<'_, Result<Accesses, StoreError>>;

    /// Takes the lock of this secret, which only one task of all processes that use the store holds at a time. It
    /// does not block reading and writing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another process holds it for a minute.
    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>>;

    /// Reads one row, in the queue of all reads: shows that the store answers.
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// About how many reads run at the same time.
    fn readers(&self) -> usize;

    /// How many rows a rotation of the store key has yet to seal anew; 0 if none is unfinished.
    fn rows_to_reseal(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    /// Adds the store's metrics to `registry`, whose prefix is the server's. A store may have none.
    fn register_metrics(&self, _registry: &mut Registry) {}

    /// Finishes all calls and closes the files. Later calls fail with [`StoreError::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
