//! Changes whose values are sealed, for the writing thread.

use super::keys::StoreKeys;
use super::part_writer::SealedPart;
use super::parts::PartedValue;
use super::seal::Bound;
use super::writer::{Change, NewValue};
use super::{SecretKey, SecretRecord, StoreError};
use crate::sensitive::SecretValue;

/// A change whose value is sealed.
pub(super) enum Sealed {
    Put(SealedSecret),
    Replace(SealedSecret),
    Delete(SecretKey),
    Record,
    Part(SealedPart),
    Check(SecretKey, PartedValue),
    Discard(PartedValue),
    RemovePart,
}

impl Sealed {
    /// Seals the value of `change` with the current key of `keys`.
    pub(super) fn new(keys: &StoreKeys, change: Change) -> Result<Self, StoreError> {
        Ok(match change {
            Change::Put(record, value) => Self::Put(SealedSecret::new(keys, record, value)?),
            Change::Replace(record, value) => Self::Replace(SealedSecret::new(keys, record, value)?),
            Change::Delete(key) => Self::Delete(key),
            Change::Record => Self::Record,
            Change::Part(mut part) => {
                // It was sealed before it waited for the writing thread.
                part.reseal(keys, keys)?;
                Self::Part(part)
            }
            Change::Check(key, value) => Self::Check(key, value),
            Change::Discard(value) => Self::Discard(value),
            Change::RemovePart => Self::RemovePart,
        })
    }

    /// Seals the value again, with the current key of `keys`.
    pub(super) fn reseal(&mut self, former: &StoreKeys, keys: &StoreKeys) -> Result<(), StoreError> {
        match self {
            Self::Put(secret) | Self::Replace(secret) => secret.reseal(former, keys),
            Self::Part(part) => part.reseal(former, keys),
            Self::Delete(_) | Self::Record | Self::Check(..) | Self::Discard(_) | Self::RemovePart => Ok(()),
        }
    }
}

/// A secret whose value is sealed, with the number of its key.
pub(super) struct SealedSecret {
    pub(super) record: SecretRecord,
    pub(super) key_number: u32,
    pub(super) sealed: Vec<u8>,
    /// The parts that have the value; then `sealed` is that of an empty one.
    pub(super) parts: Option<PartedValue>,
}

impl SealedSecret {
    fn new(keys: &StoreKeys, record: SecretRecord, value: NewValue) -> Result<Self, StoreError> {
        let (value, parts) = match value {
            NewValue::Whole(value) => (value, None),
            NewValue::InParts(parts) => (SecretValue::new(Vec::new()), Some(parts)),
        };
        let (key_number, sealed) =
            keys.seal(|key, database| Bound::secret(key, database, &record), &value)?;
        Ok(Self {
            record,
            key_number,
            sealed,
            parts,
        })
    }

    /// Bytes that count for its owner.
    pub(super) fn bytes(&self) -> u64 {
        match &self.parts {
            Some(parts) => parts.stored_bytes(),
            None => self.sealed.len() as u64,
        }
    }

    fn reseal(&mut self, former: &StoreKeys, keys: &StoreKeys) -> Result<(), StoreError> {
        let bound = |key, database: &_| Bound::secret(key, database, &self.record);
        let value = former
            .open(self.key_number.into(), bound, &self.sealed)
            .ok_or_else(|| StoreError::Corrupted("a value did not open in memory".into()))?;
        (self.key_number, self.sealed) = keys.seal(bound, &value)?;
        Ok(())
    }
}
