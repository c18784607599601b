//! Connections to the database: opening, sharing and closing them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Statement};

use super::StoreError;

/// How long another process's transaction is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of every connection (security, "At rest"). Checkpoints are made by [`checkpoints`](super::checkpoints). The
/// log's file keeps as many bytes when the log starts again: overwriting them is faster than appending.
const PRAGMAS: &str = "PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA cell_size_check = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 16777216;";

/// Opens the database at `path`, which must exist.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(PRAGMAS)?;
    Ok(connection)
}

/// Opens the database at `path`, which must exist, and never changes it. Other processes may write meanwhile.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open_with(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ] {
        connection.set_db_config(config, on)?;
    }
    Ok(connection)
}

/// Moves the content of the write-ahead log into the database, as far as readers allow. Returns how many pages the log
/// has.
pub(super) fn checkpoint(connection: &Connection) -> Result<u64, StoreError> {
    let pages: i64 = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(1))?;
    // -1 if there is no log.
    Ok(u64::try_from(pages).unwrap_or_default())
}

/// How long processes that read are waited for before the write-ahead log is emptied.
const EMPTY_LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// Moves the write-ahead log into the database and empties it, because it contains what was deleted. Leaves that to a
/// later time if other processes read for longer than a second.
pub(super) fn empty_log(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(EMPTY_LOG_TIMEOUT)?;
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match emptied.map_err(Into::into) {
        Ok(()) | Err(StoreError::Busy) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens connections, and keeps the first one until it is needed.
#[derive(Debug)]
pub(super) struct Connections {
    path: PathBuf,
    first: Mutex<Option<Connection>>,
}

impl Connections {
    /// For the database at `path`, to which `first` is open.
    pub(super) fn new(path: PathBuf, first: Connection) -> Self {
        Self {
            path,
            first: Mutex::new(Some(first)),
        }
    }

    fn first(&self) -> MutexGuard<'_, Option<Connection>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection for the caller to keep: the first, or a new one.
    pub(super) fn take(&self) -> Result<Connection, StoreError> {
        let first = self.first().take();
        first.map_or_else(|| open(&self.path), Ok)
    }

    /// Runs `work` on the connection that is kept here; opens one if there is none.
    pub(super) fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut first = self.first();
        if first.is_none() {
            *first = Some(open(&self.path)?);
        }
        match first.as_mut() {
            Some(connection) => work(connection),
            None => Err(StoreError::Closed.into()),
        }
    }

    /// Closes a connection, and empties the write-ahead log unless other processes use it: the next process that
    /// opens the database would have to read all of it, and it still contains what was deleted.
    pub(super) fn finish(&self, connection: Connection) -> Result<(), StoreError> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            connection.busy_timeout(Duration::ZERO)?;
            match connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
                .map_err(Into::into)
            {
                Ok(()) | Err(StoreError::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        connection.close().map_err(|(_, error)| error.into())
    }

    /// Closes the connection that is kept here.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let first = self.first().take();
        first.map_or(Ok(()), |first| self.finish(first))
    }
}

/// A statement that is prepared when it is first used.
#[derive(Debug)]
pub(super) struct Prepared<'c> {
    connection: &'c Connection,
    sql: &'static str,
    statement: Option<Statement<'c>>,
}

impl<'c> Prepared<'c> {
    pub(super) const fn new(connection: &'c Connection, sql: &'static str) -> Self {
        Self {
            connection,
            sql,
            statement: None,
        }
    }

    pub(super) fn statement(&mut self) -> Result<&mut Statement<'c>, StoreError> {
        match &mut self.statement {
            Some(statement) => Ok(statement),
            empty => Ok(empty.insert(self.connection.prepare(self.sql)?)),
        }
    }
}
