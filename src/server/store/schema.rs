//! The tables, how they are made, and what an open database says of itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, TransactionBehavior};

use super::key_source::KeySource;
use super::keys::{self, Purpose, StoreKeys, WrappedKey};
use super::passphrase::Stretching;
use super::seal::DatabaseId;
use super::{StoreError, commits, connection, migrate};
use crate::fs::{LockFile, private, sync_directory};
use crate::server::clock;

/// `PRAGMA application_id`: `MAst`.
const APPLICATION_ID: i64 = 0x4d41_7374;
/// `PRAGMA user_version`: the format of the tables.
pub(super) const FORMAT: i64 = 2;
pub(super) const MAGIC: &str = "meshagent store";
const INIT_LOCK: &str = "init.lock";
const INIT_PATIENCE: Duration = Duration::from_secs(30);

/// What is appended to the database's name while it is being made.
const UNFINISHED: &str = ".new";

/// Everything about the database as a whole. `commits` counts the transactions.
const META_TABLE: &str = "
    CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        magic TEXT NOT NULL,
        database_id BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        commits INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE store_key (
        number INTEGER PRIMARY KEY,
        current INTEGER NOT NULL CHECK (current IN (0, 1)),
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX store_key_current ON store_key (current) WHERE current = 1;
    CREATE TABLE setting (
        name TEXT PRIMARY KEY NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL
    ) STRICT;";

/// Key-encryption keys, by the slot that each has, and what is wrapped under them. There are two slots only while the
/// key source changes.
pub(super) const KEY_TABLES: &str = "
    CREATE TABLE kek_slot (
        slot INTEGER PRIMARY KEY,
        created_at INTEGER NOT NULL,
        key_source TEXT NOT NULL,
        kdf_memory INTEGER, kdf_passes INTEGER, kdf_lanes INTEGER, kdf_salt BLOB
    ) STRICT;
    CREATE TABLE wrapped_key (
        slot INTEGER NOT NULL REFERENCES kek_slot (slot),
        purpose TEXT NOT NULL,
        number INTEGER NOT NULL,
        wrapped BLOB NOT NULL,
        PRIMARY KEY (slot, purpose, number)
    ) STRICT;";

/// `extra` is for what a row may say beside today's columns: empty today, and a row where it is not is left to newer
/// versions. `mac` is over all that is readable and the nonce that `sealed` starts with. `sealed` is last: what comes
/// after a large value is slow to reach.
pub(super) const SECRET_TABLE: &str = "
    CREATE TABLE secret (
        number INTEGER PRIMARY KEY,
        room TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, delegated_to TEXT NOT NULL,
        kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
        version INTEGER NOT NULL,
        written_at INTEGER,
        extra BLOB NOT NULL DEFAULT x'',
        mac BLOB NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL,
        UNIQUE (room, owner, id, delegated_to)
    ) STRICT;
    CREATE INDEX secret_delegated ON secret (room, delegated_to, id) WHERE delegated_to <> '';";

/// Opens the database `path` of `directory` and its keys; makes it if there never was one.
///
/// # Errors
/// [`StoreError::Gone`] if there was one, [`StoreError::Behind`] if it lacks what was acknowledged.
pub(super) fn open(
    directory: &Path,
    path: &Path,
    source: &KeySource,
) -> Result<(Connection, StoreKeys), StoreError> {
    let mut connection = if is_there(path)? {
        connection::open(path)?
    } else {
        make(directory, path, source)?
    };
    // Read before the database: it only grows meanwhile.
    let acknowledged = commits::read(directory)?;
    let found = format(&connection, path)?;
    // Of a new database, which is made without a log.
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    if found < FORMAT {
        let _init = lock_init(directory)?;
        migrate::run(&mut connection, directory, source)?;
    }
    let keys = open_keys(&connection, directory, source)?;
    if let Some(acknowledged) = acknowledged {
        commits::check(&connection, &keys, &acknowledged)?;
    }
    Ok((connection, keys))
}

/// Whether the database is there, and not empty as a file whose content was lost is.
fn is_there(path: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("look at", path, error)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn lock_init(directory: &Path) -> Result<LockFile, StoreError> {
    let lock_path = directory.join(INIT_LOCK);
    let failed = |error| StoreError::io("lock", &lock_path, error);
    let init = LockFile::open(&lock_path).map_err(failed)?;
    if !init
        .exclusive_until(Instant::now() + INIT_PATIENCE)
        .map_err(failed)?
    {
        return Err(StoreError::Busy);
    }
    Ok(init)
}

/// Makes the database under another name, and gives it its own when it is complete: a file of that name is never one
/// that somebody began and did not end. Of several that try at once, one makes it and the others wait.
fn make(directory: &Path, path: &Path, source: &KeySource) -> Result<Connection, StoreError> {
    let _init = lock_init(directory)?;
    if is_there(path)? {
        return connection::open(path);
    }
    let unfinished = beside(path, UNFINISHED);
    let began = unfinished.exists();
    refuse_if_gone(directory, path, began, source)?;
    for part in [unfinished.clone(), beside(&unfinished, "-journal")] {
        remove(&part)?;
    }
    // SQLite gives its other files the mode of this one. It says, too, that a key without a database is no loss.
    private::create_new(&unfinished).map_err(|error| StoreError::io("create", &unfinished, error))?;
    sync(directory)?;
    source.prepare(directory)?;
    let mut connection = connection::open(&unfinished)?;
    make_tables(&mut connection, directory, source)?;
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    std::fs::rename(&unfinished, path).map_err(|error| StoreError::io("rename", &unfinished, error))?;
    sync(directory)?;
    connection::open(path)
}

/// Refuses to make a database where files say that there was one: a log may hold the only copy of what it held.
fn refuse_if_gone(directory: &Path, path: &Path, began: bool, source: &KeySource) -> Result<(), StoreError> {
    let full = |path: &Path| std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    let mut signs = vec![beside(path, "-wal"), directory.join(commits::FILE)];
    if !began {
        signs.extend(source.made_file(directory));
    }
    match signs.into_iter().find(|sign| full(sign)) {
        None => Ok(()),
        Some(sign) => Err(gone(path, sign)),
    }
}

fn gone(database: &Path, beside: PathBuf) -> StoreError {
    StoreError::Gone {
        how: if database.exists() { "empty" } else { "missing" },
        database: database.to_owned(),
        beside,
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

fn sync(directory: &Path) -> Result<(), StoreError> {
    sync_directory(directory).map_err(|error| StoreError::io("write", directory, error))
}

/// The format of the database, which may be older than [`FORMAT`].
pub(super) fn format(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name| connection.query_row(name, (), |row| row.get::<_, i64>(0));
    match number("PRAGMA application_id")? {
        APPLICATION_ID => {}
        0 if number("SELECT count(*) FROM sqlite_schema")? == 0 => return Err(gone(path, path.to_owned())),
        _ => return Err(StoreError::Foreign(path.to_owned())),
    }
    match number("PRAGMA user_version")? {
        found if found > FORMAT => Err(StoreError::NewerVersion { found, known: FORMAT }),
        found if found > 0 => Ok(found),
        _ => Err(StoreError::Corrupted("its format version makes no sense".into())),
    }
}

fn make_tables(connection: &mut Connection, directory: &Path, source: &KeySource) -> Result<(), StoreError> {
    let mut database = DatabaseId::default();
    getrandom::fill(&mut database)?;
    let stretching = source.stretching()?;
    let source_key = source.key(directory, source.name(), stretching.as_ref())?;
    let kek = keys::encryption_key(&source_key, &database);
    let now = clock::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(META_TABLE)?;
    transaction.execute_batch(KEY_TABLES)?;
    transaction.execute_batch(SECRET_TABLE)?;
    transaction.execute(
        "INSERT INTO meta (only, magic, database_id, created_at) VALUES (1, ?, ?, ?)",
        (MAGIC, database, now),
    )?;
    transaction.execute("INSERT INTO store_key VALUES (?, 1, ?)", (keys::FIRST, now))?;
    let slot = Slot {
        number: FIRST_SLOT,
        key_source: source.name().to_owned(),
        stretching,
    };
    slot.insert(&transaction, now)?;
    for purpose in [Purpose::Store, Purpose::Row] {
        slot.insert_key(
            &transaction,
            &keys::make_wrapped(&kek, purpose, keys::FIRST, &database)?,
        )?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
    ))?;
    transaction.commit()?;
    Ok(())
}

/// Number of the first slot.
pub(super) const FIRST_SLOT: u32 = 1;

/// A key-encryption key's place: where its key comes from.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    pub(super) key_source: String,
    pub(super) stretching: Option<Stretching>,
}

impl Slot {
    /// Reads a slot from its number, source and four parameters, which begin at column `first`.
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let memory: Option<u32> = row.get(first + 2)?;
        let stretching = match memory {
            Some(memory) => Some(Stretching {
                memory,
                passes: row.get(first + 3)?,
                lanes: row.get(first + 4)?,
                salt: row.get(first + 5)?,
            }),
            None => None,
        };
        Ok(Self {
            number: row.get(first)?,
            key_source: row.get(first + 1)?,
            stretching,
        })
    }

    pub(super) fn insert(&self, connection: &Connection, now: u64) -> Result<(), StoreError> {
        let kdf = self.stretching.as_ref();
        connection.execute(
            "INSERT INTO kek_slot VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.number,
                now,
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
        connection.execute(
            "INSERT INTO wrapped_key VALUES (?, ?, ?, ?)",
            (self.number, &key.purpose, key.number, &key.wrapped),
        )?;
        Ok(())
    }
}

/// What the database says of itself.
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

/// The keys, from the first slot that the source's key opens.
fn open_keys(connection: &Connection, directory: &Path, source: &KeySource) -> Result<StoreKeys, StoreError> {
    let meta = Meta::read(connection)?;
    let mut statement = connection.prepare(
        "SELECT slot, key_source, kdf_memory, kdf_passes, kdf_lanes, kdf_salt FROM kek_slot ORDER BY slot",
    )?;
    let slots = statement
        .query_map((), |row| Slot::from_row(row, 0))?
        .collect::<Result<Vec<Slot>, _>>()?;
    let mut refused = StoreError::Corrupted("it does not say where its key comes from".into());
    for slot in slots {
        match source.key(directory, &slot.key_source, slot.stretching.as_ref()) {
            Ok(key) => {
                let kek = keys::encryption_key(&key, &meta.database);
                let wrapped = wrapped_keys(connection, slot.number)?;
                if let Some(keys) = StoreKeys::unwrap(&kek, meta.database, meta.current, &wrapped) {
                    return Ok(keys);
                }
                refused = StoreError::WrongKey {
                    made_with: slot.key_source,
                };
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn wrapped_keys(connection: &Connection, slot: u32) -> Result<Vec<WrappedKey>, StoreError> {
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
