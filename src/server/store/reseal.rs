//! Seals rows anew under the current store key, a batch at a time: the one place that knows which tables have sealed
//! values. Values are opened and sealed outside of the writing transaction, and a row is changed only if it is still
//! the one that was read.

use rusqlite::{Connection, Row, Transaction};

use super::StoreError;
use super::keys::StoreKeys;
use super::parts::ValueId;
use super::reader;
use super::seal::{Bound, DatabaseId, nonce};

/// Most rows of a batch.
const MAX_ROWS: usize = 256;
/// Sealed bytes after which a batch ends. A row may be larger, and is then the last of its batch.
const MAX_BYTES: usize = 4 << 20;

/// A table with sealed values. `seal` opens the value of a row and seals it anew; none if the row is not what was
/// written.
struct Table {
    name: &'static str,
    /// Selects rows after `?1` whose key is not `?2`, sorted by their numbers.
    select: &'static str,
    /// The column with the row's number, and the one that `update` compares.
    columns: [usize; 2],
    /// Changes the row `?4` if its column is still `?5`.
    update: &'static str,
    seal: fn(&StoreKeys, &Row<'_>) -> Result<Option<Resealed>, StoreError>,
}

/// What a row gets.
struct Resealed {
    key_number: u32,
    sealed: Vec<u8>,
    /// Empty in tables without one.
    mac: Vec<u8>,
}

const TABLES: [Table; 4] = [
    Table {
        name: "secret",
        select: reader::RESEAL,
        columns: [13, 9],
        update: "UPDATE secret SET key_number = ?1, sealed = ?2, mac = ?3 WHERE number = ?4 AND mac = ?5",
        seal: secret,
    },
    Table {
        name: "secret_part",
        select: "SELECT number, substr(sealed, 1, 24), value, part, key_number, sealed FROM secret_part
            WHERE number > ?1 AND key_number <> ?2 ORDER BY number",
        columns: [0, 1],
        update: "UPDATE secret_part SET key_number = ?1, sealed = ?2
            WHERE number = ?4 AND substr(sealed, 1, 24) = ?5 AND ?3 = x''",
        seal: part,
    },
    Table {
        name: "api_key",
        select: "SELECT rowid, substr(sealed, 1, 24), id, name, created_at, key_number, sealed FROM api_key
            WHERE rowid > ?1 AND key_number <> ?2 ORDER BY rowid",
        columns: [0, 1],
        update: "UPDATE api_key SET key_number = ?1, sealed = ?2
            WHERE rowid = ?4 AND substr(sealed, 1, 24) = ?5 AND ?3 = x''",
        seal: api_key,
    },
    Table {
        name: "setting",
        select: "SELECT rowid, substr(sealed, 1, 24), name, key_number, sealed FROM setting
            WHERE rowid > ?1 AND key_number <> ?2 ORDER BY rowid",
        columns: [0, 1],
        update: "UPDATE setting SET key_number = ?1, sealed = ?2
            WHERE rowid = ?4 AND substr(sealed, 1, 24) = ?5 AND ?3 = x''",
        seal: setting,
    },
];

/// How far a pass over all tables has come.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Position {
    table: usize,
    row: i64,
}

/// A batch whose values are sealed anew.
pub(super) struct Batch {
    table: &'static Table,
    rows: Vec<(i64, Vec<u8>, Resealed)>,
    /// Where the next batch begins.
    pub(super) next: Position,
    /// Rows that are not what was written, and stay as they are.
    pub(super) damaged: usize,
    pub(super) bytes: usize,
}

impl Batch {
    /// Reads the rows at `position` that are not sealed with the current key, and seals their values anew. None at the
    /// end. `connection` has no transaction.
    pub(super) fn read(
        connection: &Connection,
        keys: &StoreKeys,
        position: Position,
    ) -> Result<Option<Self>, StoreError> {
        let Some(table) = TABLES.get(position.table) else {
            return Ok(None);
        };
        let mut batch = Self {
            table,
            rows: Vec::new(),
            next: Position {
                table: position.table + 1,
                row: 0,
            },
            damaged: 0,
            bytes: 0,
        };
        let mut statement = connection.prepare(table.select)?;
        let mut rows = statement.query((position.row, keys.current()))?;
        let mut seen = 0_usize;
        while let Some(row) = rows.next()? {
            let [number, compared] = table.columns;
            let number: i64 = row.get(number)?;
            match (table.seal)(keys, row) {
                Ok(Some(resealed)) => {
                    batch.bytes += resealed.sealed.len();
                    batch.rows.push((number, row.get(compared)?, resealed));
                }
                Ok(None) => batch.damaged += 1,
                Err(error) if error.is_damage() => batch.damaged += 1,
                Err(error) => return Err(error),
            }
            seen += 1;
            if seen == MAX_ROWS || batch.bytes >= MAX_BYTES {
                batch.next = Position {
                    row: number,
                    ..position
                };
                break;
            }
        }
        Ok(Some(batch))
    }

    /// Whether there is nothing to write.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the rows that nothing has changed meanwhile: what changes one seals it with the current key. Returns how
    /// many.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<usize, StoreError> {
        let mut statement = transaction.prepare(self.table.update)?;
        let mut written = 0;
        for (row, before, resealed) in &self.rows {
            let values = (resealed.key_number, &resealed.sealed, &resealed.mac, row, before);
            written += statement.execute(values)?;
        }
        Ok(written)
    }
}

/// How many rows of all tables are sealed with each key: number of the key, and rows.
pub(super) fn rows_by_key(connection: &Connection) -> Result<Vec<(i64, usize)>, StoreError> {
    let tables = TABLES.map(|table| format!("SELECT key_number FROM {}", table.name));
    let mut statement = connection.prepare(&format!(
        "SELECT key_number, count(*) FROM ({}) GROUP BY key_number ORDER BY key_number",
        tables.join(" UNION ALL ")
    ))?;
    let counts = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

fn secret(keys: &StoreKeys, row: &Row<'_>) -> Result<Option<Resealed>, StoreError> {
    let Some((stored, extra, value)) = reader::reseal_row(keys, row)? else {
        return Ok(None);
    };
    let record = &stored.record;
    let (key_number, sealed) = keys.seal(|key, database| Bound::secret(key, database, record), &value)?;
    let mac = keys.row_mac(&stored, &extra, nonce(&sealed));
    Ok(Some(Resealed {
        key_number,
        sealed,
        mac,
    }))
}

fn part(keys: &StoreKeys, row: &Row<'_>) -> Result<Option<Resealed>, StoreError> {
    let (value, number): (ValueId, u32) = (row.get(2)?, row.get(3)?);
    reseal(keys, row, 4, |key, database| {
        Bound::part(key, database, &value, number)
    })
}

fn api_key(keys: &StoreKeys, row: &Row<'_>) -> Result<Option<Resealed>, StoreError> {
    let (id, name): (String, String) = (row.get(2)?, row.get(3)?);
    let created_at = row.get(4)?;
    reseal(keys, row, 5, |key, database| {
        Bound::api_key(key, database, &id, &name, created_at)
    })
}

fn setting(keys: &StoreKeys, row: &Row<'_>) -> Result<Option<Resealed>, StoreError> {
    let name: String = row.get(2)?;
    reseal(keys, row, 3, |key, database| Bound::setting(key, database, &name))
}

/// Seals the value anew that is in the column after `key_number`.
fn reseal(
    keys: &StoreKeys,
    row: &Row<'_>,
    key_number: usize,
    bound: impl Fn(u32, &DatabaseId) -> Bound,
) -> Result<Option<Resealed>, StoreError> {
    let sealed = row
        .get_ref(key_number + 1)?
        .as_blob()
        .map_err(rusqlite::Error::from)?;
    let Some(value) = keys.open(row.get(key_number)?, &bound, sealed) else {
        return Ok(None);
    };
    let (key_number, sealed) = keys.seal(&bound, &value)?;
    Ok(Some(Resealed {
        key_number,
        sealed,
        mac: Vec::new(),
    }))
}
