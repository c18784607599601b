//! Sealing: XChaCha20-Poly1305 with a random nonce. The readable metadata of a value is its associated data.
//!
//! A sealed value is `nonce (24) ‖ ciphertext ‖ tag (16)`. Its associated data is a list of fields, each preceded by
//! its length, so that two different lists never give the same bytes. Values are not copied: they are encrypted from
//! one buffer into the other.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::parts::ValueId;
use super::revocations::Revocation;
use super::{SecretRecord, StoreError, StoredSecret};
use crate::sensitive::SecretValue;

/// Bytes of the nonce, which starts a sealed value.
pub(super) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes that a sealed value has more than the value.
pub(super) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Sixteen random bytes that identify a database.
pub(super) type DatabaseId = [u8; 16];

/// A key of 32 bytes, overwritten when it is dropped.
pub(in crate::server) type Key = Zeroizing<[u8; 32]>;

/// Associated data: what a sealed value is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound(Vec<u8>);

impl Bound {
    /// Starts with the kind of the value (`magic`), the number of the key, and the database.
    pub(super) fn new(magic: &str, key_number: u32, database: &DatabaseId) -> Self {
        Self(Vec::with_capacity(256))
            .field(magic.as_bytes())
            .field(&key_number.to_be_bytes())
            .field(database)
    }

    pub(super) fn field(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn optional(mut self, bytes: Option<&[u8]>) -> Self {
        self.0.push(u8::from(bytes.is_some()));
        match bytes {
            Some(bytes) => self.field(bytes),
            None => self,
        }
    }

    fn record(self, record: &SecretRecord) -> Self {
        let key = &record.key;
        let delegate = key.delegated_to.as_ref();
        self.field(key.room.as_str().as_bytes())
            .field(key.owner.as_str().as_bytes())
            .optional(delegate.map(|delegate| delegate.as_str().as_bytes()))
            .field(key.id.as_str().as_bytes())
            .field(record.kind.as_str().as_bytes())
            .field(record.secret_type.as_bytes())
            .field(record.name.as_bytes())
    }

    /// For the value of a secret.
    pub(super) fn secret(key_number: u32, database: &DatabaseId, record: &SecretRecord) -> Self {
        Self::new("meshagent secret 1", key_number, database).record(record)
    }

    /// For a part of a large value.
    pub(super) fn part(key_number: u32, database: &DatabaseId, value: &ValueId, number: u32) -> Self {
        Self::new("meshagent secret part 1", key_number, database)
            .field(value)
            .field(&number.to_be_bytes())
    }

    /// For an API key of the server.
    pub(super) fn api_key(
        key_number: u32,
        database: &DatabaseId,
        id: &str,
        name: &str,
        created_at: u64,
    ) -> Self {
        Self::new("meshagent api key 1", key_number, database)
            .field(id.as_bytes())
            .field(name.as_bytes())
            .field(&created_at.to_be_bytes())
    }

    /// For the MAC over a revocation.
    pub(super) fn revocation(database: &DatabaseId, revocation: &Revocation) -> Self {
        let (kind, subject) = revocation.tokens.columns();
        let expires_at = revocation.expires_at.map(u64::to_be_bytes);
        Self::new("meshagent revocation 1", 0, database)
            .field(kind.as_bytes())
            .field(subject.as_bytes())
            .field(&revocation.revoked_at.to_be_bytes())
            .optional(expires_at.as_ref().map(<[u8; 8]>::as_slice))
    }

    /// For a setting of the server's own.
    pub(super) fn setting(key_number: u32, database: &DatabaseId, name: &str) -> Self {
        Self::new("meshagent setting 1", key_number, database).field(name.as_bytes())
    }

    /// For a store key.
    pub(super) fn store_key(key_number: u32, database: &DatabaseId) -> Self {
        Self::new("meshagent store key 1", key_number, database)
    }

    /// For a key that is not a store key.
    pub(super) fn other_key(purpose: &str, key_number: u32, database: &DatabaseId) -> Self {
        Self::new("meshagent key 1", key_number, database).field(purpose.as_bytes())
    }

    /// For the MAC over the readable columns of a secret, whose value was sealed with `nonce`.
    pub(super) fn row(database: &DatabaseId, secret: &StoredSecret, extra: &[u8], nonce: &[u8]) -> Self {
        let written_at = secret.written_at.map(u64::to_be_bytes);
        Self::new("meshagent row 1", 0, database)
            .record(&secret.record)
            .field(&secret.version.to_be_bytes())
            .optional(written_at.as_ref().map(<[u8; 8]>::as_slice))
            .field(extra)
            .field(nonce)
    }

    /// For the count of transactions.
    pub(super) fn commits(database: &DatabaseId, commits: u64) -> Self {
        Self::new("meshagent commits 1", 0, database).field(&commits.to_be_bytes())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The nonce of a sealed value.
pub(super) fn nonce(sealed: &[u8]) -> &[u8] {
    sealed.get(..NONCE_BYTES).unwrap_or(sealed)
}

/// Seals `value` under `key`.
///
/// # Errors
/// [`StoreError::TooLarge`] from 256 GiB on; [`StoreError::Random`].
pub(super) fn seal(key: &Key, bound: &Bound, value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let mut sealed = vec![0; value.len() + SEAL_BYTES];
    let parts = sealed
        .split_first_chunk_mut::<NONCE_BYTES>()
        .and_then(|(head, rest)| {
            let (body, tail) = rest.split_last_chunk_mut::<TAG_BYTES>()?;
            Some((head, body, tail))
        });
    let Some((head, body, tail)) = parts else {
        return Err(StoreError::TooLarge);
    };
    let buffer = InOutBuf::new(value, body).map_err(|_| StoreError::TooLarge)?;
    let tag = cipher(key)
        .encrypt_inout_detached(&XNonce::from(nonce), &bound.0, buffer)
        .map_err(|_| StoreError::TooLarge)?;
    *head = nonce;
    *tail = tag.into();
    Ok(sealed)
}

/// Opens a value that [`seal`] sealed. None if the key, the associated data or any bit of the value differs.
pub(super) fn open(key: &Key, bound: &Bound, sealed: &[u8]) -> Option<SecretValue> {
    let mut value = Zeroizing::new(vec![0; sealed.len().checked_sub(SEAL_BYTES)?]);
    open_into(key, bound, sealed, &mut value)?;
    Some(SecretValue::new(std::mem::take(&mut *value)))
}

/// As [`open()`], into a buffer. None, too, if the buffer has not the value's length.
pub(super) fn open_into(key: &Key, bound: &Bound, sealed: &[u8], value: &mut [u8]) -> Option<()> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let (body, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let buffer = InOutBuf::new(body, value).ok()?;
    cipher(key)
        .decrypt_inout_detached(&XNonce::from(*nonce), &bound.0, buffer, &(*tag).into())
        .ok()
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{SecretKey, SecretKind};
    use super::*;
    use crate::wire::{Identity, RoomName, SecretId};

    fn record() -> impl Strategy<Value = SecretRecord> {
        let short = "[ab]{1,3}";
        (
            short,
            short,
            proptest::option::of(short),
            short,
            "[ab]{0,3}",
            "[ab]{0,3}",
        )
            .prop_map(|(room, owner, delegate, id, secret_type, name)| SecretRecord {
                key: SecretKey {
                    room: RoomName::new(room).unwrap(),
                    owner: Identity::new(owner).unwrap(),
                    delegated_to: delegate.map(|delegate| Identity::new(delegate).unwrap()),
                    id: SecretId::new(id).unwrap(),
                },
                kind: SecretKind::Stored,
                secret_type,
                name,
            })
    }

    proptest! {
        #[test]
        fn two_records_are_never_bound_alike(one in record(), other in record()) {
            let bound = |record| Bound::secret(1, &[7; 16], record);
            prop_assert_eq!(one == other, bound(&one) == bound(&other));
        }

        #[test]
        fn what_was_sealed_opens(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (key, bound) = (Key::new([1; 32]), Bound::store_key(1, &[7; 16]));
            let sealed = seal(&key, &bound, &value).unwrap();
            prop_assert_eq!(sealed.len(), value.len() + 40);
            let opened = open(&key, &bound, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &value);
        }
    }

    #[test]
    fn no_flipped_bit_no_cut_and_no_other_key_opens() {
        let (key, bound) = (Key::new([1; 32]), Bound::store_key(1, &[7; 16]));
        let sealed = seal(&key, &bound, b"value").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1 << (index % 8);
            assert!(open(&key, &bound, &changed).is_none(), "byte {index}");
            assert!(open(&key, &bound, &sealed[..index]).is_none(), "cut to {index}");
        }
        assert!(open(&Key::new([2; 32]), &bound, &sealed).is_none());
        assert!(open(&key, &Bound::store_key(2, &[7; 16]), &sealed).is_none());
        assert!(open(&key, &Bound::store_key(1, &[8; 16]), &sealed).is_none());
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let (key, bound) = (Key::new([1; 32]), Bound::store_key(1, &[7; 16]));
        assert_ne!(
            seal(&key, &bound, b"value").unwrap(),
            seal(&key, &bound, b"value").unwrap()
        );
    }
}
