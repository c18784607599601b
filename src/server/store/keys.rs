//! Store keys: numbered, wrapped under the key-encryption key, one of them current. Beside them the row key, for
//! MACs over the readable columns, and the key of the audit log.
//!
//! A rotation adds a key with the next number, makes it the current one, and seals the rows anew in batches
//! ([`rotation`](super::rotation)); until that is done, rows under the former keys are still read.

use std::collections::BTreeMap;
use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::audit::ChainKey;
use super::revocations::Revocation;
use super::seal::{self, Bound, DatabaseId, Key};
use super::{StoreError, StoredSecret};
use crate::sensitive::SecretValue;

/// Number of the first store key.
pub(super) const FIRST: u32 = 1;

/// The purpose of a wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Seals values.
    Store,
    /// Makes the MACs over readable columns. It stays when the store keys change.
    Row,
    /// Makes the MACs of the audit log, so that it can be verified as long as it is kept.
    Audit,
}

impl Purpose {
    /// The text that the database stores.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Row => "row",
            Self::Audit => "audit",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Store, Self::Row, Self::Audit]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }

    fn bound(self, number: u32, database: &DatabaseId) -> Bound {
        match self {
            Self::Store => Bound::store_key(number, database),
            Self::Row | Self::Audit => Bound::other_key(self.as_str(), number, database),
        }
    }
}

/// A key as the database holds it.
#[derive(Debug)]
pub(super) struct WrappedKey {
    /// A [`Purpose`], or one that a newer version knows.
    pub(super) purpose: String,
    pub(super) number: u32,
    pub(super) wrapped: Vec<u8>,
}

/// Bytes of the MAC over a row: half of HMAC-SHA256's (RFC 2104, section 5).
const MAC_BYTES: usize = 16;

/// Derives the key-encryption key from the key that its source gave: HKDF-SHA256 with the database's id
/// as the salt.
pub(super) fn encryption_key(source_key: &Key, database: &DatabaseId) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    // Only a length above 8,160 bytes fails.
    let _ = Hkdf::<Sha256>::new(Some(database), &**source_key)
        .expand(b"meshagent key-encryption key 1", &mut *key);
    key
}

/// Generates a key and wraps it.
pub(super) fn make_wrapped(
    kek: &Key,
    purpose: Purpose,
    number: u32,
    database: &DatabaseId,
) -> Result<WrappedKey, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key)?;
    Ok(WrappedKey {
        purpose: purpose.as_str().to_owned(),
        number,
        wrapped: seal::seal(kek, &purpose.bound(number, database), &*key)?,
    })
}

/// What the wrapped `key` is bound to, whatever its purpose is.
fn bound(key: &WrappedKey, database: &DatabaseId) -> Bound {
    match Purpose::parse(&key.purpose) {
        Some(purpose) => purpose.bound(key.number, database),
        None => Bound::other_key(&key.purpose, key.number, database),
    }
}

/// Whether the wrapped `key` opens.
pub(super) fn opens(kek: &Key, key: &WrappedKey, database: &DatabaseId) -> bool {
    seal::open(kek, &bound(key, database), &key.wrapped).is_some()
}

/// Wraps `key` under another key-encryption key.
///
/// # Errors
/// [`StoreError::Corrupted`] if it does not open.
pub(super) fn rewrap(
    former: &Key,
    kek: &Key,
    key: &WrappedKey,
    database: &DatabaseId,
) -> Result<WrappedKey, StoreError> {
    let bound = bound(key, database);
    let opened = seal::open(former, &bound, &key.wrapped)
        .ok_or_else(|| StoreError::Corrupted("one of its keys is not what was written".into()))?;
    Ok(WrappedKey {
        purpose: key.purpose.clone(),
        number: key.number,
        wrapped: seal::seal(kek, &bound, opened.expose())?,
    })
}

/// The keys of an open database.
pub(super) struct StoreKeys {
    database: DatabaseId,
    current: u32,
    keys: BTreeMap<u32, Key>,
    /// Initialized with the row key; cloned for each MAC.
    row: Hmac<Sha256>,
    /// None only before a migration has made the key.
    audit: Option<ChainKey>,
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeys")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl StoreKeys {
    /// Unwraps the keys. None if one of them does not open, if no store key has the number `current`, or if there is
    /// no row key. Keys of unknown purposes are skipped.
    pub(super) fn unwrap(
        kek: &Key,
        database: DatabaseId,
        current: u32,
        wrapped: &[WrappedKey],
    ) -> Option<Self> {
        let mut keys = BTreeMap::new();
        let (mut row, mut audit) = (None, None);
        for WrappedKey {
            purpose,
            number,
            wrapped,
        } in wrapped
        {
            let Some(purpose) = Purpose::parse(purpose) else {
                continue;
            };
            let opened = seal::open(kek, &purpose.bound(*number, &database), wrapped)?;
            let key = Key::new(opened.expose().as_slice().try_into().ok()?);
            match purpose {
                Purpose::Store => drop(keys.insert(*number, key)),
                Purpose::Row => row = Hmac::new_from_slice(&*key).ok(),
                Purpose::Audit => audit = ChainKey::new(database, &key).ok(),
            }
        }
        let row = row.filter(|_| keys.contains_key(&current))?;
        Some(Self {
            database,
            current,
            keys,
            row,
            audit,
        })
    }

    /// The key of the audit log.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if it is missing.
    pub(super) fn chain(&self) -> Result<&ChainKey, StoreError> {
        let missing = || StoreError::Corrupted("the key of the audit log is missing".into());
        self.audit.as_ref().ok_or_else(missing)
    }

    /// Number of the key that seals.
    pub(super) const fn current(&self) -> u32 {
        self.current
    }

    /// Whether there is a store key with this number.
    pub(super) fn has(&self, number: i64) -> bool {
        u32::try_from(number).is_ok_and(|number| self.keys.contains_key(&number))
    }

    fn mac(&self, bound: &Bound) -> Hmac<Sha256> {
        let mut mac = self.row.clone();
        mac.update(bound.bytes());
        mac
    }

    /// The MAC over the readable columns of a secret, whose value was sealed with `nonce`.
    pub(super) fn row_mac(&self, secret: &StoredSecret, extra: &[u8], nonce: &[u8]) -> Vec<u8> {
        self.short_mac(&Bound::row(&self.database, secret, extra, nonce))
    }

    /// Whether `mac` equals [`StoreKeys::row_mac`], in constant time.
    pub(super) fn is_row(&self, secret: &StoredSecret, extra: &[u8], nonce: &[u8], mac: &[u8]) -> bool {
        self.is_short_mac(&Bound::row(&self.database, secret, extra, nonce), mac)
    }

    /// The MAC over the count of transactions.
    pub(super) fn commits_mac(&self, commits: u64) -> Vec<u8> {
        self.short_mac(&Bound::commits(&self.database, commits))
    }

    /// Whether `mac` equals [`StoreKeys::commits_mac`], in constant time.
    pub(super) fn is_commits(&self, commits: u64, mac: &[u8]) -> bool {
        self.is_short_mac(&Bound::commits(&self.database, commits), mac)
    }

    /// The MAC over a revocation.
    pub(super) fn revocation_mac(&self, revocation: &Revocation) -> Vec<u8> {
        self.short_mac(&Bound::revocation(&self.database, revocation))
    }

    /// Whether `mac` equals [`StoreKeys::revocation_mac`], in constant time.
    pub(super) fn is_revocation(&self, revocation: &Revocation, mac: &[u8]) -> bool {
        self.is_short_mac(&Bound::revocation(&self.database, revocation), mac)
    }

    fn short_mac(&self, bound: &Bound) -> Vec<u8> {
        let mut mac = self.mac(bound).finalize().into_bytes().to_vec();
        mac.truncate(MAC_BYTES);
        mac
    }

    fn is_short_mac(&self, bound: &Bound, mac: &[u8]) -> bool {
        mac.len() == MAC_BYTES && self.mac(bound).verify_truncated_left(mac).is_ok()
    }

    /// Seals `value` under the current key, with the associated data that `bound` gives. Returns the key's number
    /// too.
    pub(super) fn seal(
        &self,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        value: &SecretValue,
    ) -> Result<(u32, Vec<u8>), StoreError> {
        self.seal_bytes(bound, value.expose())
    }

    /// As [`StoreKeys::seal`], for a part of a value.
    pub(super) fn seal_bytes(
        &self,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        value: &[u8],
    ) -> Result<(u32, Vec<u8>), StoreError> {
        let key = self
            .keys
            .get(&self.current)
            .ok_or_else(|| StoreError::Corrupted("no current key".into()))?;
        let bound = bound(self.current, &self.database);
        Ok((self.current, seal::seal(key, &bound, value)?))
    }

    /// Opens a value that was sealed under key `number`. None if there is no such key, or it does not open the value.
    pub(super) fn open(
        &self,
        number: i64,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        sealed: &[u8],
    ) -> Option<SecretValue> {
        let number = u32::try_from(number).ok()?;
        seal::open(self.keys.get(&number)?, &bound(number, &self.database), sealed)
    }

    /// As [`StoreKeys::open`], into a buffer of the value's length.
    pub(super) fn open_into(
        &self,
        number: i64,
        bound: impl FnOnce(u32, &DatabaseId) -> Bound,
        sealed: &[u8],
        value: &mut [u8],
    ) -> Option<()> {
        let number = u32::try_from(number).ok()?;
        seal::open_into(
            self.keys.get(&number)?,
            &bound(number, &self.database),
            sealed,
            value,
        )
    }
}
