//! Store keys: numbered, wrapped under the key-encryption key, one of them current.
//!
//! Rotation will add a key with the next number, make it the current one, and seal the rows anew in
//! batches; until that is done, rows under the former keys are still read.

use std::collections::BTreeMap;
use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::StoreError;
use super::seal::{self, Bound, DatabaseId, Key};
use crate::sensitive::SecretValue;

/// Number of the first store key.
pub(super) const FIRST: u32 = 1;

/// Derives the key-encryption key from the key that its source gave: HKDF-SHA256 with the database's id
/// as the salt.
pub(super) fn encryption_key(source_key: &Key, database: &DatabaseId) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    // Only a length above 8,160 bytes fails.
    let _ = Hkdf::<Sha256>::new(Some(database), &**source_key)
        .expand(b"meshagent key-encryption key 1", &mut *key);
    key
}

/// Makes a store key and wraps it.
pub(super) fn make_wrapped(kek: &Key, number: u32, database: &DatabaseId) -> Result<Vec<u8>, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key)?;
    seal::seal(kek, &Bound::store_key(number, database), &*key)
}

/// The store keys of an open database.
pub(super) struct StoreKeys {
    database: DatabaseId,
    current: u32,
    keys: BTreeMap<u32, Key>,
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeys")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl StoreKeys {
    /// Unwraps the keys. None if one of them does not open, or none is number `current`.
    pub(super) fn unwrap(
        kek: &Key,
        database: DatabaseId,
        current: u32,
        wrapped: &[(u32, Vec<u8>)],
    ) -> Option<Self> {
        let mut keys = BTreeMap::new();
        for (number, wrapped) in wrapped {
            let opened = seal::open(kek, &Bound::store_key(*number, &database), wrapped)?;
            keys.insert(*number, Key::new(opened.expose().as_slice().try_into().ok()?));
        }
        keys.contains_key(&current).then_some(Self {
            database,
            current,
            keys,
        })
    }

    /// Seals `value` under the current key; `bound` says to what. Gives the key's number too.
    pub(super) fn seal(
        &self,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        value: &SecretValue,
    ) -> Result<(u32, Vec<u8>), StoreError> {
        let key = self
            .keys
            .get(&self.current)
            .ok_or_else(|| StoreError::Corrupted("no current key".into()))?;
        let bound = bound(self.current, &self.database);
        Ok((self.current, seal::seal(key, &bound, value.expose())?))
    }

    /// Opens what was sealed under key `number`. None if there is no such key or it does not open.
    pub(super) fn open(
        &self,
        number: i64,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        sealed: &[u8],
    ) -> Option<SecretValue> {
        let number = u32::try_from(number).ok()?;
        seal::open(self.keys.get(&number)?, &bound(number, &self.database), sealed)
    }
}
