//! What the database records of its keys, without the keys.

use super::StoreError;
use super::meta::Slot;
use super::reseal::rows_by_key;
use super::worker::Shared;

/// The keys of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The sources that open the store: one, or two while the source is changed. The oldest first.
    pub slots: Vec<KeySlotStatus>,
    /// The store keys, the oldest first.
    pub store_keys: Vec<StoreKeyStatus>,
}

impl KeyStatus {
    /// How many rows are to be sealed anew before the former store keys can be removed.
    pub fn rows_left(&self) -> usize {
        let former = self.store_keys.iter().filter(|key| !key.is_current);
        former.map(|key| key.rows).sum()
    }
}

/// A source that opens the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlotStatus {
    /// Number of the slot.
    pub number: u32,
    /// Kind of the source, such as "a key file".
    pub source: String,
    /// When it was added, in Unix seconds.
    pub created_at: u64,
}

/// A store key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreKeyStatus {
    /// Its number.
    pub number: u32,
    /// Whether new values are sealed with it.
    pub is_current: bool,
    /// When it was made, in Unix seconds.
    pub created_at: u64,
    /// How many rows are sealed with it: secrets and API keys.
    pub rows: usize,
}

pub(super) fn read(shared: &Shared) -> Result<KeyStatus, StoreError> {
    shared.connections.with(|connection| {
        let transaction = connection.transaction()?;
        let slots = Slot::all(&transaction)?.into_iter();
        let rows = rows_by_key(&transaction)?;
        let mut statement =
            transaction.prepare("SELECT number, current, created_at FROM store_key ORDER BY number")?;
        let store_keys = statement.query_map((), |row| {
            let number: u32 = row.get(0)?;
            let counted = rows.iter().find(|(key, _)| *key == i64::from(number));
            Ok(StoreKeyStatus {
                number,
                is_current: row.get(1)?,
                created_at: row.get(2)?,
                rows: counted.map_or(0, |(_, rows)| *rows),
            })
        })?;
        Ok(KeyStatus {
            slots: slots
                .map(|slot| KeySlotStatus {
                    number: slot.number,
                    source: slot.key_source,
                    created_at: slot.created_at,
                })
                .collect(),
            store_keys: store_keys.collect::<Result<_, _>>()?,
        })
    })
}
