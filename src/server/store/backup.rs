//! A consistent copy of the database, and the proof that a copy is whole. All functions block.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::connection::Connections;
use super::key_source::{self, KeySource, SourceKey};
use super::seal::{DatabaseId, Key};
use super::sqlite::DATABASE;
use super::{StoreError, api_keys, audit, commits, connection, database, reader, revocations, settings};
use crate::fs::private;
use crate::wire::RoomName;

/// The oldest format that is copied: the first with a count of transactions.
const OLDEST_FORMAT: i64 = 2;

/// What a database says about itself and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct DatabaseSummary {
    /// The format of the tables.
    pub(in crate::server) format: i64,
    pub(in crate::server) id: DatabaseId,
    /// How many transactions were made.
    pub(in crate::server) commits: u64,
    /// How many secrets there are of each kind.
    pub(in crate::server) secrets: BTreeMap<String, u64>,
}

impl DatabaseSummary {
    fn read(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        let format = database::format(connection, path)?;
        if format < OLDEST_FORMAT {
            return Err(StoreError::OlderVersion { found: format });
        }
        let (id, commits) = connection.query_row("SELECT database_id, commits FROM meta", (), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let mut statement = connection.prepare("SELECT kind, count(*) FROM secret GROUP BY kind")?;
        let secrets = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            format,
            id,
            commits,
            secrets: secrets.collect::<Result<_, _>>()?,
        })
    }
}

/// Whether there is a database in the data directory `directory`.
pub(in crate::server) fn has_database(directory: &Path) -> bool {
    directory.join(DATABASE).exists()
}

/// Copies the database of the data directory `directory` into the directory `target`, while other processes may use
/// it, and returns what the copy holds. If `key_source` is given, its key must open the copy.
///
/// The copy is one read transaction, so that it holds every transaction that was acknowledged before, and no part of
/// another. No lock of the data directory is needed for that.
///
/// # Errors
/// [`StoreError::Behind`] if the write-ahead log has lost acknowledged transactions, [`StoreError::OlderVersion`] for
/// a database in format 1.
pub(in crate::server) fn copy(
    directory: &Path,
    target: &Path,
    key_source: Option<&KeySource>,
) -> Result<DatabaseSummary, StoreError> {
    let (source, copy) = (directory.join(DATABASE), target.join(DATABASE));
    // Read before the database, whose count only grows meanwhile.
    let acknowledged = commits::read(directory)?;
    let connection = connection::open_read_only(&source)?;
    database::format(&connection, &source)?;
    // SQLite fills an empty file, and keeps its mode.
    private::create_new(&copy).map_err(|error| StoreError::io("create", &copy, error))?;
    connection.execute("VACUUM INTO ?", [utf8(&copy)?])?;
    let copied = connection::open_read_only(&copy)?;
    let summary = DatabaseSummary::read(&copied, &source)?;
    // Without its key, the count's MAC cannot be checked.
    if let Some((acknowledged, _)) = acknowledged.as_deref().and_then(<[u8]>::split_first_chunk) {
        let (found, acknowledged) = (summary.commits, u64::from_be_bytes(*acknowledged));
        if found < acknowledged {
            return Err(StoreError::Behind { found, acknowledged });
        }
    }
    if let Some(key_source) = key_source {
        database::open_keys(&copied, directory, key_source)?;
    }
    Ok(summary)
}

fn utf8(path: &Path) -> Result<&str, StoreError> {
    path.to_str()
        .ok_or_else(|| StoreError::Database(format!("{} is not UTF-8", path.display())))
}

/// Writes a database's content, of which `write` gives the bytes, into the directory `directory`.
pub(in crate::server) fn put<E: From<StoreError>>(
    directory: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> Result<(), E>,
) -> Result<(), E> {
    let path = directory.join(DATABASE);
    let mut file = private::open_or_create(&path).map_err(|error| StoreError::io("create", &path, error))?;
    write(&mut file)?;
    file.sync_all()
        .map_err(|error| StoreError::io("write", &path, error).into())
}

/// Reads the database in the directory `directory` whole: its structure, every row's MAC and every sealed value. An
/// older format is brought to the present one first.
///
/// # Errors
/// The first thing that is not as it was written.
pub(in crate::server) fn prove(
    directory: &Path,
    key_source: &KeySource,
) -> Result<DatabaseSummary, StoreError> {
    let path = directory.join(DATABASE);
    let (connection, database::OpenSlot { keys, .. }) = database::open(directory, &path, key_source)?;
    let state: String = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if state != "ok" {
        return Err(StoreError::Corrupted("its structure is not intact".into()));
    }
    let summary = DatabaseSummary::read(&connection, &path)?;
    for room in rooms(&connection)? {
        reader::open_room(&connection, &keys, &room)?;
    }
    settings::open_all(&connection, &keys)?;
    api_keys::select(&connection, &keys)?;
    revocations::select(&connection, &keys)?;
    audit::prove(&connection, &keys)?;
    // Closed before the directory is renamed; SQLite would look for the write-ahead log under the former name.
    Connections::new(path, connection).close()?;
    Ok(summary)
}

fn rooms(connection: &Connection) -> Result<Vec<RoomName>, StoreError> {
    let mut statement = connection.prepare("SELECT DISTINCT room FROM secret")?;
    let names = statement.query_map((), |row| row.get::<_, String>(0))?;
    let room = |name: Result<String, rusqlite::Error>| {
        RoomName::new(name?).map_err(|_| StoreError::Corrupted("the name of a room is not readable".into()))
    };
    names.map(room).collect()
}

/// The key that `key_source` gives for the database in `directory`. None if it is a passphrase.
pub(in crate::server) fn key(directory: &Path, key_source: &KeySource) -> Result<Option<Key>, StoreError> {
    match key_source.read(directory, key_source.name())? {
        SourceKey::Passphrase(_) => Ok(None),
        SourceKey::Key(key) => Ok(Some(key)),
    }
}

/// Writes the key file that a server looks for in its data directory.
pub(in crate::server) fn put_key(directory: &Path, key: &Key) -> Result<(), StoreError> {
    key_source::write_key(directory, key)
}

/// Opens the file of the database in the directory `directory`, to read its bytes.
pub(in crate::server) fn open(directory: &Path) -> Result<std::fs::File, StoreError> {
    let path = directory.join(DATABASE);
    std::fs::File::open(&path).map_err(|error| StoreError::io("read", &path, error))
}
