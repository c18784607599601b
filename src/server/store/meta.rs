//! What the database records about itself: its id, its current store key, and the sources of the keys that wrap it.

use rusqlite::{Connection, Row};

use super::StoreError;
use super::keys::WrappedKey;
use super::passphrase::Stretching;
use super::seal::DatabaseId;
use super::tables::MAGIC;

/// Number of the first slot.
pub(super) const FIRST_SLOT: u32 = 1;

/// The source of a key-encryption key.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    pub(super) key_source: String,
    pub(super) stretching: Option<Stretching>,
    /// In Unix seconds.
    pub(super) created_at: u64,
}

impl Slot {
    /// Reads a slot from seven columns: its number, its source, the four parameters, and when it was made.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let memory: Option<u32> = row.get(2)?;
        let stretching = match memory {
            Some(memory) => Some(Stretching {
                memory,
                passes: row.get(3)?,
                lanes: row.get(4)?,
                salt: row.get(5)?,
            }),
            None => None,
        };
        Ok(Self {
            number: row.get(0)?,
            key_source: row.get(1)?,
            stretching,
            created_at: row.get(6)?,
        })
    }

    /// All slots, the oldest first.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, StoreError> {
        let mut statement = connection.prepare(
            "SELECT slot, key_source, kdf_memory, kdf_passes, kdf_lanes, kdf_salt, created_at
            FROM kek_slot ORDER BY slot",
        )?;
        let slots = statement.query_map((), Self::from_row)?;
        Ok(slots.collect::<Result<_, _>>()?)
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let kdf = self.stretching.as_ref();
        connection.execute(
            "INSERT INTO kek_slot VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.number,
                self.created_at,
                &self.key_source,
                kdf.map(|kdf| kdf.memory),
                kdf.map(|kdf| kdf.passes),
                kdf.map(|kdf| kdf.lanes),
                kdf.map(|kdf| &kdf.salt),
            ),
        )?;
        Ok(())
    }

    pub(super) fn insert_key(&self, connection: &Connection, key: &WrappedKey) -> Result<(), StoreError> {
        insert_key(connection, self.number, key)
    }

    /// Deletes the slot and the keys in it.
    pub(super) fn delete(&self, connection: &Connection) -> Result<(), StoreError> {
        connection.execute("DELETE FROM wrapped_key WHERE slot = ?", [self.number])?;
        connection.execute("DELETE FROM kek_slot WHERE slot = ?", [self.number])?;
        Ok(())
    }
}

/// The database as a whole.
pub(super) struct Meta {
    pub(super) database: DatabaseId,
    /// Number of the current store key.
    pub(super) current: u32,
}

impl Meta {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let silent = || StoreError::Corrupted("it does not say what it is".into());
        let (magic, meta) = connection
            .query_row(
                "SELECT magic, database_id, (SELECT number FROM store_key WHERE current = 1) FROM meta",
                (),
                |row| {
                    let meta = Self {
                        database: row.get(1)?,
                        current: row.get(2)?,
                    };
                    Ok((row.get::<_, String>(0)?, meta))
                },
            )
            .map_err(|error| match error {
                rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::IntegralValueOutOfRange(..) => {
                    silent()
                }
                error => error.into(),
            })?;
        if magic == MAGIC { Ok(meta) } else { Err(silent()) }
    }
}

/// Adds a key that is wrapped under the key of `slot`.
pub(super) fn insert_key(connection: &Connection, slot: u32, key: &WrappedKey) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO wrapped_key VALUES (?, ?, ?, ?)",
        (slot, &key.purpose, key.number, &key.wrapped),
    )?;
    Ok(())
}

/// The keys that are wrapped under the key of `slot`.
pub(super) fn wrapped_keys(connection: &Connection, slot: u32) -> Result<Vec<WrappedKey>, StoreError> {
    let mut statement =
        connection.prepare("SELECT purpose, number, wrapped FROM wrapped_key WHERE slot = ?")?;
    let keys = statement.query_map([slot], |row| {
        Ok(WrappedKey {
            purpose: row.get(0)?,
            number: row.get(1)?,
            wrapped: row.get(2)?,
        })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}
