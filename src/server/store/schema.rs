//! The tables, how they are made, and what an open database says of itself.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, Row, TransactionBehavior};

use super::key_source::KeySource;
use super::keys::{self, StoreKeys};
use super::passphrase::Stretching;
use super::seal::DatabaseId;
use super::{StoreError, connection};
use crate::server::data_dir::lock;
use crate::server::private;

/// `PRAGMA application_id`: `MAst`.
const APPLICATION_ID: i64 = 0x4d41_7374;
/// `PRAGMA user_version`: the format of the tables.
const VERSION: i64 = 1;
const MAGIC: &str = "meshagent store";
const INIT_LOCK: &str = "init.lock";
const INIT_PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
    CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        magic TEXT NOT NULL,
        database_id BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        key_source TEXT NOT NULL,
        kdf_memory INTEGER, kdf_passes INTEGER, kdf_lanes INTEGER, kdf_salt BLOB
    ) STRICT;
    CREATE TABLE store_key (
        number INTEGER PRIMARY KEY,
        current INTEGER NOT NULL CHECK (current IN (0, 1)),
        created_at INTEGER NOT NULL,
        wrapped BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX store_key_current ON store_key (current) WHERE current = 1;
    CREATE TABLE setting (
        name TEXT PRIMARY KEY NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE secret (
        number INTEGER PRIMARY KEY,
        room TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, delegated_to TEXT NOT NULL,
        kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL,
        UNIQUE (room, owner, id, delegated_to)
    ) STRICT;
    CREATE INDEX secret_delegated ON secret (room, delegated_to, id) WHERE delegated_to <> '';";

const META: &str = "SELECT magic, database_id, key_source, kdf_memory, kdf_passes, kdf_lanes, kdf_salt,
    (SELECT number FROM store_key WHERE current = 1) FROM meta";

/// Opens the database `path` of `directory` and its keys; makes it if it is missing.
pub(super) fn open(
    directory: &Path,
    path: &Path,
    source: &KeySource,
) -> Result<(Connection, StoreKeys), StoreError> {
    if path.exists() {
        let connection = connection::open(path)?;
        if is_made(&connection, path)? {
            let keys = open_keys(&connection, directory, source)?;
            return Ok((connection, keys));
        }
    }
    make(directory, path, source)
}

/// Makes the database. Of several that try at once, one does it and the others wait.
fn make(directory: &Path, path: &Path, source: &KeySource) -> Result<(Connection, StoreKeys), StoreError> {
    let lock_path = directory.join(INIT_LOCK);
    let failed = |error| StoreError::io("lock", &lock_path, error);
    let init = private::open_or_create(&lock_path).map_err(failed)?;
    if !lock::wait_for(&init, Instant::now() + INIT_PATIENCE).map_err(failed)? {
        return Err(StoreError::Busy);
    }
    // SQLite gives its other files the mode of this one.
    private::create_new(path).map_err(|error| StoreError::io("create", path, error))?;
    let mut connection = connection::open(path)?;
    if !is_made(&connection, path)? {
        source.prepare(directory)?;
        private::sync_directory(directory).map_err(|error| StoreError::io("write", directory, error))?;
        make_tables(&mut connection, directory, source)?;
    }
    let keys = open_keys(&connection, directory, source)?;
    Ok((connection, keys))
}

/// Whether the database is complete; it is made in one transaction, so it is that or empty.
fn is_made(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let number = |name| connection.query_row(name, (), |row| row.get::<_, i64>(0));
    match number("PRAGMA application_id")? {
        APPLICATION_ID => {}
        0 if number("SELECT count(*) FROM sqlite_schema")? == 0 => return Ok(false),
        _ => return Err(StoreError::Foreign(path.to_owned())),
    }
    match number("PRAGMA user_version")? {
        found if found > VERSION => Err(StoreError::NewerVersion {
            found,
            known: VERSION,
        }),
        VERSION => Ok(true),
        _ => Err(StoreError::Corrupted("its format version makes no sense".into())),
    }
}

fn make_tables(connection: &mut Connection, directory: &Path, source: &KeySource) -> Result<(), StoreError> {
    let mut database = DatabaseId::default();
    getrandom::fill(&mut database)?;
    let stretching = source.stretching()?;
    let source_key = source.key(directory, source.name(), stretching.as_ref())?;
    let wrapped = keys::make_wrapped(
        &keys::encryption_key(&source_key, &database),
        keys::FIRST,
        &database,
    )?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let now = i64::try_from(now).unwrap_or_default();

    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    let kdf = stretching.as_ref();
    transaction.execute(
        "INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            MAGIC,
            database,
            now,
            source.name(),
            kdf.map(|kdf| kdf.memory),
            kdf.map(|kdf| kdf.passes),
            kdf.map(|kdf| kdf.lanes),
            kdf.map(|kdf| &kdf.salt),
        ),
    )?;
    transaction.execute(
        "INSERT INTO store_key VALUES (?, 1, ?, ?)",
        (keys::FIRST, now, wrapped),
    )?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))?;
    transaction.commit()?;
    Ok(())
}

struct Meta {
    magic: String,
    database: DatabaseId,
    key_source: String,
    stretching: Option<Stretching>,
    current: u32,
}

impl Meta {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let memory: Option<u32> = row.get(3)?;
        let stretching = match memory {
            Some(memory) => Some(Stretching {
                memory,
                passes: row.get(4)?,
                lanes: row.get(5)?,
                salt: row.get(6)?,
            }),
            None => None,
        };
        let (magic, database, key_source) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Self {
            magic,
            database,
            key_source,
            stretching,
            current: row.get(7)?,
        })
    }
}

fn open_keys(connection: &Connection, directory: &Path, source: &KeySource) -> Result<StoreKeys, StoreError> {
    let meta = connection
        .query_row(META, (), Meta::from_row)
        .map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::IntegralValueOutOfRange(..) => {
                StoreError::Corrupted("it does not say what it is".into())
            }
            error => error.into(),
        })?;
    if meta.magic != MAGIC {
        return Err(StoreError::Corrupted("it does not say what it is".into()));
    }
    let mut statement = connection.prepare("SELECT number, wrapped FROM store_key")?;
    let wrapped = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(u32, Vec<u8>)>, _>>()?;
    let source_key = source.key(directory, &meta.key_source, meta.stretching.as_ref())?;
    let kek = keys::encryption_key(&source_key, &meta.database);
    StoreKeys::unwrap(&kek, meta.database, meta.current, &wrapped).ok_or(StoreError::WrongKey {
        made_with: meta.key_source,
    })
}
