//! Opens the database and its keys, and creates it at first use.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::key_source::KeySource;
use super::keys::{self, Purpose, StoreKeys};
use super::meta::{FIRST_SLOT, Meta, Slot, wrapped_keys};
use super::seal::{DatabaseId, Key};
use super::tables::{APPLICATION_ID, FORMAT, KEY_TABLES, MAGIC, META_TABLE, SECRET_TABLE};
use super::{StoreError, api_keys, audit, commits, connection, migrate, parts, usage};
use crate::clock;
use crate::fs::{LockFile, private, remove_file, sync_directory};

/// Name of the lock file that is held while the database is created or migrated.
const INIT_LOCK: &str = "init.lock";
/// How long another process that does so is waited for.
const INIT_PATIENCE: Duration = Duration::from_secs(30);

/// Suffix of the database's name until it is complete.
const UNFINISHED: &str = ".new";

/// Opens the database `path` in `directory`, and its keys; creates it if there has never been one.
///
/// # Errors
/// [`StoreError::Gone`] if there was one, [`StoreError::Behind`] if it lacks acknowledged transactions.
pub(super) fn open(
    directory: &Path,
    path: &Path,
    source: &KeySource,
) -> Result<(Connection, OpenSlot), StoreError> {
    let mut connection = if is_there(path)? {
        connection::open(path)?
    } else {
        make(directory, path, source)?
    };
    // Read before the database, whose count only grows meanwhile.
    let acknowledged = commits::read(directory)?;
    let found = format(&connection, path)?;
    // A new database is created without a write-ahead log.
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    if found < FORMAT {
        let _init = lock_init(directory)?;
        migrate::run(&mut connection, directory, source)?;
    }
    let opened = open_slot(&connection, directory, source)?;
    opened.keys.chain()?;
    if let Some(acknowledged) = acknowledged {
        commits::check(&connection, &opened.keys, &acknowledged)?;
    }
    Ok((connection, opened))
}

/// Refuses a database in an older format, which must not be migrated while a server uses it.
pub(super) fn refuse_older(path: &Path) -> Result<(), StoreError> {
    match format(&connection::open_read_only(path)?, path)? {
        found if found < FORMAT => Err(StoreError::OlderVersion { found }),
        _ => Ok(()),
    }
}

/// Whether the database exists and is not empty. An empty file is one whose content was lost.
pub(super) fn is_there(path: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("look at", path, error)),
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
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

/// Creates the database under a temporary name, and renames it when it is complete, so that a file of its name is
/// never unfinished. If several processes try at the same time, one creates it and the others wait.
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
    // SQLite gives its other files the mode of this one. The file also shows that a key file without a database was
    // left by an unfinished creation, and not by a database that was lost.
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

/// Refuses to create a database where files show that there was one: its log may hold the only copy of its secrets.
pub(super) fn refuse_if_gone(
    directory: &Path,
    path: &Path,
    began: bool,
    source: &KeySource,
) -> Result<(), StoreError> {
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
    remove_file(path).map_err(|error| StoreError::io("remove", path, error))
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
    let given = source.read(directory, source.name())?;
    let source_key = given.for_slot(source.name(), stretching.as_ref())?;
    let kek = keys::encryption_key(&source_key, &database);
    let now = clock::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(META_TABLE)?;
    transaction.execute_batch(KEY_TABLES)?;
    transaction.execute_batch(SECRET_TABLE)?;
    transaction.execute_batch(usage::TABLES)?;
    transaction.execute_batch(api_keys::TABLES)?;
    transaction.execute_batch(parts::TABLES)?;
    transaction.execute(
        "INSERT INTO meta (only, magic, database_id, created_at) VALUES (1, ?, ?, ?)",
        (MAGIC, database, now),
    )?;
    transaction.execute("INSERT INTO store_key VALUES (?, 1, ?)", (keys::FIRST, now))?;
    let slot = Slot {
        number: FIRST_SLOT,
        key_source: source.name().to_owned(),
        stretching,
        created_at: now,
    };
    slot.insert(&transaction)?;
    let mut wrapped = Vec::new();
    for purpose in [Purpose::Store, Purpose::Row, Purpose::Audit] {
        wrapped.push(keys::make_wrapped(&kek, purpose, keys::FIRST, &database)?);
    }
    for key in &wrapped {
        slot.insert_key(&transaction, key)?;
    }
    let keys = StoreKeys::unwrap(&kek, database, keys::FIRST, &wrapped)
        .ok_or_else(|| StoreError::Corrupted("its new keys do not open".into()))?;
    audit::create(&transaction, keys.chain()?)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
    ))?;
    transaction.commit()?;
    Ok(())
}

/// The database's keys, unwrapped by the first slot that the key of `source` opens.
pub(super) fn open_keys(
    connection: &Connection,
    directory: &Path,
    source: &KeySource,
) -> Result<StoreKeys, StoreError> {
    Ok(open_slot(connection, directory, source)?.keys)
}

/// A slot that was opened.
pub(super) struct OpenSlot {
    pub(super) slot: Slot,
    /// The key-encryption key.
    pub(super) kek: Key,
    pub(super) keys: StoreKeys,
}

/// The first slot that the key of `source` opens.
pub(super) fn open_slot(
    connection: &Connection,
    directory: &Path,
    source: &KeySource,
) -> Result<OpenSlot, StoreError> {
    let meta = Meta::read(connection)?;
    let slots = Slot::all(connection)?;
    let Some(first) = slots.first() else {
        return Err(StoreError::Corrupted(
            "it does not say where its key comes from".into(),
        ));
    };
    let mut refused = StoreError::WrongKey {
        made_with: first.key_source.clone(),
    };
    let given = source.read(directory, &first.key_source)?;
    for slot in slots {
        match given.for_slot(&slot.key_source, slot.stretching.as_ref()) {
            Ok(key) => {
                let kek = keys::encryption_key(&key, &meta.database);
                let wrapped = wrapped_keys(connection, slot.number)?;
                if let Some(keys) = StoreKeys::unwrap(&kek, meta.database, meta.current, &wrapped) {
                    return Ok(OpenSlot { slot, kek, keys });
                }
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
