//! A look at a store that changes and makes nothing.
//!
//! Opening a database with a write-ahead log makes SQLite create `-wal` and `-shm` beside it, and write to the latter,
//! even if the database is opened read-only. Here the shared memory is only read, or done without.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags};

use super::database::{beside, format, is_there, open_keys, refuse_if_gone};
use super::key_source::KeySource;
use super::sqlite::DATABASE;
use super::tables::FORMAT;
use super::{StoreError, commits};

/// What a look at a store tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreInspection {
    /// There has never been one.
    Absent,
    /// A process that was killed, or a copy, left the write-ahead log without what belongs to it: the store cannot be
    /// opened without a change. The next command that works with it makes that change.
    NeedsRecovery,
    /// It can be opened.
    Found {
        /// The format of the database.
        format: i64,
        /// How many secrets and credentials there are.
        rows: u64,
        /// Whether its keys open with the key of the source, and nothing that was acknowledged is missing. None for an
        /// older format, whose keys are not looked at.
        keys: Option<Result<(), StoreError>>,
    },
}

/// Looks at the store in `directory`. Blocks.
///
/// # Errors
/// Why it cannot be opened.
pub fn inspect(directory: &Path, source: &KeySource) -> Result<StoreInspection, StoreError> {
    let path = directory.join(DATABASE);
    if !is_there(&path)? {
        refuse_if_gone(directory, &path, beside(&path, ".new").exists(), source)?;
        return Ok(StoreInspection::Absent);
    }
    // With an empty log the database is whole without it.
    let has_log = is_there(&beside(&path, "-wal"))?;
    if has_log && !beside(&path, "-shm").exists() {
        return Ok(StoreInspection::NeedsRecovery);
    }
    // Read before the database, whose count only grows meanwhile.
    let acknowledged = commits::read(directory)?;
    let connection = open(&path, has_log)?;
    let format = format(&connection, &path)?;
    let rows = connection.query_row("SELECT count(*) FROM secret", (), |row| row.get(0))?;
    let keys = (format == FORMAT).then(|| {
        let keys = open_keys(&connection, directory, source)?;
        match acknowledged {
            Some(acknowledged) => commits::check(&connection, &keys, &acknowledged),
            None => Ok(()),
        }
    });
    Ok(StoreInspection::Found { format, rows, keys })
}

fn open(path: &Path, has_log: bool) -> Result<Connection, StoreError> {
    let mode = if has_log { "readonly_shm=1" } else { "immutable=1" };
    let encoded = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(
        format!("file:{encoded}?mode=ro&{mode}"),
        flags,
    )?)
}
