//! The number of acknowledged transactions, kept in a file beside the database.
//!
//! SQLite ignores a damaged write-ahead log from the damage on, without an error, and then returns older values. So
//! every transaction increments a count in the database, and the count is written to the file before the transaction
//! is acknowledged. The database is synced before the file is written, so that the file is never ahead of an intact
//! database.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction};

use super::StoreError;
use super::keys::StoreKeys;
use super::worker::Shared;
use crate::fs::private;

/// Name of the file in the data directory: the count as 8 bytes, big-endian, and a MAC over it.
pub(super) const FILE: &str = "store.commits";

/// Increments the count, within a transaction, and returns it.
pub(super) const COUNT: &str = "UPDATE meta SET commits = commits + 1 RETURNING commits";

/// Most bytes of the file that are read.
const MAX_BYTES: u64 = 64;

/// Reads the file. None if it does not exist or was never written.
pub(super) fn read(directory: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let path = directory.join(FILE);
    let failed = |error| StoreError::io("read", &path, error);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Another process may be writing the file.
    file.lock_shared().map_err(failed)?;
    let mut content = Vec::new();
    (&file)
        .take(MAX_BYTES)
        .read_to_end(&mut content)
        .map_err(failed)?;
    Ok(Some(content).filter(|content| !content.is_empty()))
}

/// Counts the transaction and commits it.
pub(super) fn commit(transaction: Transaction<'_>, shared: &Shared) -> Result<(), StoreError> {
    let count = transaction.query_row(COUNT, (), |row| row.get(0))?;
    transaction.commit()?;
    if let Err(error) = shared.acknowledgements.write(&shared.keys.present(), count) {
        tracing::warn!(%error, "the count of transactions could not be written");
    }
    Ok(())
}

/// Checks that the database holds all acknowledged transactions.
///
/// # Errors
/// [`StoreError::Behind`], and [`StoreError::Corrupted`] if the file was not written for this database.
pub(super) fn check(
    connection: &Connection,
    keys: &StoreKeys,
    acknowledged: &[u8],
) -> Result<(), StoreError> {
    let unreadable = || StoreError::Corrupted(format!("{FILE} is not what was written"));
    let (count, mac) = acknowledged.split_first_chunk().ok_or_else(unreadable)?;
    let acknowledged = u64::from_be_bytes(*count);
    if !keys.is_commits(acknowledged, mac) {
        return Err(unreadable());
    }
    let found: u64 = connection.query_row("SELECT commits FROM meta", (), |row| row.get(0))?;
    if found < acknowledged {
        return Err(StoreError::Behind { found, acknowledged });
    }
    Ok(())
}

/// Writes the file.
#[derive(Debug)]
pub(super) struct Acknowledgements {
    file: Mutex<File>,
}

impl Acknowledgements {
    /// Opens the file in `directory`, and creates it if it is missing.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let file = private::open_or_create(&path).map_err(|error| StoreError::io("open", &path, error))?;
        Ok(Self {
            file: Mutex::new(file),
        })
    }

    /// Records that the transaction with this number is on disk.
    pub(super) fn write(&self, keys: &StoreKeys, commits: u64) -> io::Result<()> {
        let content = [commits.to_be_bytes().as_slice(), &keys.commits_mac(commits)].concat();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.lock()?;
        let written = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&content));
        file.unlock()?;
        written
    }
}
