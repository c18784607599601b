//! Secrets at rest.
//!
//! A [`Store`] keeps records and their values; [`SqliteStore`] is the one there is. On the way in a
//! value is sealed ([`seal`]) under a store key ([`keys`]), which is itself wrapped under a key that
//! comes from a [`KeySource`]. One thread writes ([`writer`]) and some read ([`reader`]), each with a
//! connection of its own, made when it is first needed.
//!
//! Ids, names, types and owners are stored readable, under a MAC; a value is sealed. Whatever is read of a row proves
//! that nothing about it was changed. That a row was removed, or put back as it once was, cannot be seen from the row;
//! an audit log will tell, in a table of its own. [`commits`] tells where a damaged log took back what was acknowledged.

mod commits;
mod connection;
mod error;
#[cfg(test)]
#[path = "../../../tests/fuzz/store.rs"]
mod fuzz;
mod key_source;
mod keys;
mod locks;
mod migrate;
mod passphrase;
mod reader;
mod record;
mod schema;
mod seal;
mod settings;
mod sqlite;
mod sqlite_error;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

use futures_util::future::BoxFuture;

pub use error::StoreError;
pub use key_source::KeySource;
pub use locks::SecretLock;
pub use record::{
    BoundedRead, DelegatedTo, Found, SecretKey, SecretKind, SecretQuery, SecretRecord, StoredSecret,
};
pub use sqlite::SqliteStore;

use crate::sensitive::SecretValue;

/// Keeps secrets.
///
/// What was acknowledged is on disk. A call whose future is dropped may still be carried out.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The records the viewer may see, those it owns and those delegated to it, sorted by id, owner and
    /// `delegated_to`.
    fn find(&self, query: SecretQuery) -> BoxFuture<'_, Result<Found, StoreError>>;

    /// The secret and its value; none if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the row is not as it was written.
    fn read(&self, key: SecretKey) -> BoxFuture<'_, Result<Option<(SecretRecord, SecretValue)>, StoreError>>;

    /// As [`Store::read`], unless the secret takes more than `limit` bytes, sealed: then how many. Nothing is
    /// read of it then.
    fn read_up_to(
        &self,
        key: SecretKey,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<BoundedRead>, StoreError>>;

    /// Stores the secret, or replaces the value, type, name and kind of the one that is there.
    fn write(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Replaces the value, type, name and kind of the secret, unless it is not there (any more); says whether
    /// it was.
    fn replace(&self, record: SecretRecord, value: SecretValue) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Removes the secret; says whether it was there.
    fn delete(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Whether the secret is there.
    fn contains(&self, key: SecretKey) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Waits until nobody has the turn of this secret, in any process that uses the store, and takes it:
    /// for what must not happen twice at once. It keeps nobody from reading and writing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another process has it for a minute.
    fn lock(&self, key: SecretKey) -> BoxFuture<'_, Result<SecretLock, StoreError>>;

    /// A value of the server's own, such as its API key. None if it is not set.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if it is not what was written.
    fn setting(&self, name: &'static str) -> BoxFuture<'_, Result<Option<SecretValue>, StoreError>>;

    /// Sets a value of the server's own if it is not set, and gives the value that is set then. Of several processes
    /// that do this at the same time, all get the same value.
    fn set_setting_if_absent(
        &self,
        name: &'static str,
        value: SecretValue,
    ) -> BoxFuture<'_, Result<SecretValue, StoreError>>;

    /// How much it reads at once, roughly.
    fn readers(&self) -> usize;

    /// Finishes what was asked for and puts the files in order. Calls after it fail with
    /// [`StoreError::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
