//! Checkpoints: the content of the write-ahead log is moved into the database on a thread of its own, beside the
//! writing thread.
//!
//! A passive checkpoint delays neither writers nor readers, but SQLite starts the log again from its beginning only when
//! all of it was moved and no reader uses it. While changes never stop, there is no such moment: the writing thread then
//! moves the little that the last passive checkpoint left ([`LogSize::limit`]), so that the log does not grow for ever.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use rusqlite::Connection;

use super::StoreError;
use super::connection::{BUSY_TIMEOUT, checkpoint};
use super::worker::Shared;

/// Bytes that are written between two checkpoints.
const INTERVAL_BYTES: usize = 4 << 20;

/// Length of the log, in bytes, from which it is started again, and how long changes wait for readers to leave it.
const RESTARTS: [(u64, Duration); 3] = [
    (256 << 20, Duration::from_millis(20)),
    (64 << 20, Duration::from_millis(2)),
    (8 << 20, Duration::ZERO),
];

/// Bytes that are written while checkpoints take longer than the writing, before changes wait for one.
const MAX_BEHIND_BYTES: usize = 32 << 20;
/// How long they wait for it.
const BEHIND_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of a page in the log: the page and its header.
const FRAME_BYTES: u64 = 4096 + 24;

/// What the threads of a store tell each other about the log.
#[derive(Debug)]
pub(super) struct Checkpoints {
    request: Sender<()>,
    requests: Receiver<()>,
    /// Whether a thread takes the requests.
    served: AtomicBool,
    /// Bytes of the log after the last checkpoint.
    log_bytes: AtomicU64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        let (request, requests) = bounded(1);
        Self {
            request,
            requests,
            served: AtomicBool::new(false),
            log_bytes: AtomicU64::new(0),
        }
    }
}

/// A job that never comes: only the end of the queue ends the thread.
#[derive(Debug)]
pub(super) enum Never {}

/// The thread that makes the checkpoints. A failure is logged, and the next one tries again.
pub(super) fn run(connection: &Connection, shared: &Shared, end: &Receiver<Never>) {
    let checkpoints = &shared.checkpoints;
    checkpoints.served.store(true, Ordering::Release);
    loop {
        select! {
            recv(end) -> _ => break,
            recv(checkpoints.requests) -> _ => checkpoints.make(connection),
        }
    }
    checkpoints.served.store(false, Ordering::Release);
}

impl Checkpoints {
    fn make(&self, connection: &Connection) {
        match checkpoint(connection) {
            Ok(pages) => {
                let bytes = pages.saturating_mul(FRAME_BYTES);
                self.log_bytes.store(bytes, Ordering::Release);
            }
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            }
        }
    }
}

/// The writing thread's part in it.
#[derive(Debug)]
pub(super) struct LogSize<'c> {
    connection: &'c Connection,
    checkpoints: &'c Checkpoints,
    since_checkpoint: usize,
    /// Bytes that were written while a request waited.
    behind: usize,
}

impl<'c> LogSize<'c> {
    pub(super) const fn new(connection: &'c Connection, checkpoints: &'c Checkpoints) -> Self {
        Self {
            connection,
            checkpoints,
            since_checkpoint: 0,
            behind: 0,
        }
    }

    /// Keeps the log short, after a transaction of about `bytes` bytes.
    pub(super) fn limit(&mut self, bytes: usize) {
        self.since_checkpoint = self.since_checkpoint.saturating_add(bytes);
        if self.since_checkpoint > INTERVAL_BYTES {
            self.request();
            self.since_checkpoint = 0;
        }
        let log = self.checkpoints.log_bytes.load(Ordering::Acquire);
        let patience = RESTARTS.iter().find(|(bytes, _)| log >= *bytes);
        if let Some((_, patience)) = patience {
            // Not tried again before the next checkpoint.
            self.checkpoints.log_bytes.store(0, Ordering::Release);
            if let Err(error) = self.restart(*patience) {
                tracing::warn!(%error, "the write-ahead log could not be started again");
            }
        }
    }

    fn request(&mut self) {
        if !self.checkpoints.served.load(Ordering::Acquire) {
            self.checkpoints.make(self.connection);
        } else if self.checkpoints.request.try_send(()).is_ok() {
            self.behind = 0;
        } else {
            // The one that waits will do for both.
            self.behind = self.behind.saturating_add(self.since_checkpoint);
            if self.behind > MAX_BEHIND_BYTES {
                let _ = self.checkpoints.request.send_timeout((), BEHIND_TIMEOUT);
                self.behind = 0;
            }
        }
    }

    /// Moves what is left in the log, and has the next transaction start it again, if readers leave it in time.
    fn restart(&self, patience: Duration) -> Result<(), StoreError> {
        self.connection.busy_timeout(patience)?;
        let restarted = self
            .connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", (), |_| Ok(()));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        match restarted.map_err(Into::into) {
            Ok(()) | Err(StoreError::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
