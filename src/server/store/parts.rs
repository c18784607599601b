//! Large values in parts: a value above [`PART_BYTES`] is sealed and stored in parts of that size, so that no
//! transaction is longer than one part takes, and nothing holds a second copy of the value.
//!
//! The parts are written first, each in a transaction with other changes, and the secret's row last: its `extra` column
//! names the parts, and its MAC covers that column. A part is bound to its value's id and to its number, and
//! the size of the value says how many parts there are and how long each is: a part that was moved, swapped, cut or taken
//! from another value does not open. Until a row names them, and from the moment
//! that it no longer does, the parts are listed in `unreferenced_value`; the writing thread removes those.

use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;
use super::connection::Prepared;
use super::keys::StoreKeys;
use super::seal::{Bound, SEAL_BYTES};
use crate::sensitive::SecretValue;

/// Bytes of a part, and of the largest value that has no parts.
pub(super) const PART_BYTES: usize = 256 << 10;

/// First byte of `extra` where it names parts.
const TAG: u8 = 1;

/// The parts, and the values of which no row names the parts: `since` is the time of the last part that was written, in Unix
/// seconds, or 0 if its parts are to be removed.
pub(super) const TABLES: &str = "
    CREATE TABLE secret_part (
        number INTEGER PRIMARY KEY,
        value BLOB NOT NULL,
        part INTEGER NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL,
        UNIQUE (value, part)
    ) STRICT;
    CREATE TABLE unreferenced_value (
        value BLOB PRIMARY KEY NOT NULL,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";

const READ: &str = "SELECT key_number, sealed FROM secret_part WHERE value = ? AND part = ?";

/// A value that is stored in parts: what a row's `extra` column says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartedValue {
    /// Random, so that no two values have the same, not even of one secret.
    pub(super) id: ValueId,
    /// Bytes of the whole value.
    bytes: u64,
    /// Bytes of each part but the last, which may be shorter.
    part_bytes: u32,
}

impl PartedValue {
    /// For a new value of `bytes` bytes. None if it is small enough to be stored in its row.
    ///
    /// # Errors
    /// [`StoreError::Random`]; [`StoreError::TooLarge`] from 2⁵⁰ bytes on.
    pub(super) fn new(bytes: usize) -> Result<Option<Self>, StoreError> {
        if bytes <= PART_BYTES {
            return Ok(None);
        }
        let part_bytes = u32::try_from(PART_BYTES).map_err(|_| StoreError::TooLarge)?;
        let mut value = Self {
            id: [0; 16],
            bytes: bytes as u64,
            part_bytes,
        };
        value.count().ok_or(StoreError::TooLarge)?;
        getrandom::fill(&mut value.id)?;
        Ok(Some(value))
    }

    /// As the `extra` column holds it: a tag, the id, the size of the value and of a part, big-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        [
            &[TAG][..],
            &self.id,
            &self.bytes.to_be_bytes(),
            &self.part_bytes.to_be_bytes(),
        ]
        .concat()
    }

    /// None if it is something else, which a newer version wrote.
    pub(super) fn decode(extra: &[u8]) -> Option<Self> {
        let (tag, rest) = extra.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let value = Self {
            id: *id,
            bytes: u64::from_be_bytes(*bytes),
            part_bytes: u32::from_be_bytes(rest.try_into().ok()?),
        };
        (*tag == TAG && value.count().is_some_and(|count| count > 0)).then_some(value)
    }

    /// How many parts it has.
    fn count(&self) -> Option<u32> {
        let part_bytes = u64::from(self.part_bytes);
        if part_bytes == 0 {
            return None;
        }
        u32::try_from(self.bytes.div_ceil(part_bytes)).ok()
    }

    /// The number of each part, and where it is in the value.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u32, std::ops::Range<usize>)> + use<> {
        let (bytes, part_bytes) = (self.bytes, u64::from(self.part_bytes));
        (0..self.count().unwrap_or_default()).map(move |number| {
            let start = u64::from(number).saturating_mul(part_bytes);
            let end = start.saturating_add(part_bytes).min(bytes);
            let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
            (number, place(start)..place(end))
        })
    }

    /// Bytes that count for its owner: as if it were sealed in one piece.
    pub(super) const fn stored_bytes(&self) -> u64 {
        self.bytes.saturating_add(SEAL_BYTES as u64)
    }

    /// Memory that reading it takes: the value, and one sealed part.
    pub(super) fn memory(&self) -> usize {
        let memory = self.stored_bytes().saturating_add(self.part_bytes.into());
        usize::try_from(memory).unwrap_or(usize::MAX)
    }
}

/// The id of a value in parts.
pub(super) type ValueId = [u8; 16];

/// Seals part `number` of the value `id`. Returns the key's number too.
pub(super) fn seal(
    keys: &StoreKeys,
    id: &ValueId,
    number: u32,
    part: &[u8],
) -> Result<(u32, Vec<u8>), StoreError> {
    keys.seal_bytes(|key, database| Bound::part(key, database, id, number), part)
}

/// Opens a part that [`seal`] sealed, and seals it with the current key of `keys`. None if it is not what was sealed.
pub(super) fn reseal(
    former: &StoreKeys,
    keys: &StoreKeys,
    (id, number): (&ValueId, u32),
    (key_number, sealed): (i64, &[u8]),
) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
    let bound = |key, database: &_| Bound::part(key, database, id, number);
    match former.open(key_number, bound, sealed) {
        Some(part) => keys.seal(bound, &part).map(Some),
        None => Ok(None),
    }
}

/// Reads parts through one connection.
#[derive(Debug)]
pub(super) struct PartReader<'c>(Prepared<'c>);

/// Why a value was not read from its parts.
#[derive(Debug)]
pub(super) enum PartError {
    /// A part is not there: its value was replaced meanwhile, or it was removed from the database.
    Missing,
    /// The store key of a part is not among those that were read.
    UnknownKey,
    /// A part is not what was written.
    Damaged,
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for PartError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl<'c> PartReader<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self(Prepared::new(connection, READ))
    }

    /// Reads the value. Each part is a read transaction of its own, unless the caller has begun one, so that the
    /// write-ahead log does not have to keep all that is written meanwhile.
    pub(super) fn read(&mut self, keys: &StoreKeys, value: &PartedValue) -> Result<SecretValue, PartError> {
        let bytes = usize::try_from(value.bytes).map_err(|_| StoreError::TooLarge)?;
        let mut whole = zeroize::Zeroizing::new(vec![0; bytes]);
        for (number, place) in value.parts() {
            let part = whole.get_mut(place).ok_or(PartError::Damaged)?;
            self.read_part(keys, value, number, part)?;
        }
        Ok(SecretValue::new(std::mem::take(&mut *whole)))
    }

    fn read_part(
        &mut self,
        keys: &StoreKeys,
        value: &PartedValue,
        number: u32,
        part: &mut [u8],
    ) -> Result<(), PartError> {
        let opened = self
            .0
            .statement()?
            .query_row((value.id, number), |row| {
                let Ok(sealed) = row.get_ref(1)?.as_blob() else {
                    return Ok(Err(PartError::Damaged));
                };
                let key_number = row.get(0)?;
                if !keys.has(key_number) {
                    return Ok(Err(PartError::UnknownKey));
                }
                let bound = |key, database: &_| Bound::part(key, database, &value.id, number);
                let opened = keys.open_into(key_number, bound, sealed, part);
                Ok(opened.ok_or(PartError::Damaged))
            })
            .optional()?;
        opened.unwrap_or(Err(PartError::Missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_parts_only_above_the_size_of_one() {
        assert_eq!(PartedValue::new(PART_BYTES).unwrap(), None);
        let value = PartedValue::new(2 * PART_BYTES + 1).unwrap().unwrap();
        let parts: Vec<_> = value.parts().collect();
        assert_eq!(
            parts,
            [
                (0, 0..PART_BYTES),
                (1, PART_BYTES..2 * PART_BYTES),
                (2, 2 * PART_BYTES..2 * PART_BYTES + 1)
            ]
        );
        assert_eq!(
            PartedValue::new(2 * PART_BYTES).unwrap().unwrap().count(),
            Some(2)
        );
    }

    #[test]
    fn what_names_the_parts_comes_back_and_anything_else_does_not() {
        let value = PartedValue::new(PART_BYTES + 7).unwrap().unwrap();
        let extra = value.encode();
        assert_eq!(PartedValue::decode(&extra), Some(value));
        let mut tagged = extra.clone();
        tagged[0] = TAG + 1;
        let longer = [extra.as_slice(), &[0]].concat();
        let no_parts = [&extra[..25], &[0; 4]].concat();
        for other in [&[][..], &extra[..28], &tagged, &longer, &no_parts] {
            assert_eq!(PartedValue::decode(other), None);
        }
    }
}
