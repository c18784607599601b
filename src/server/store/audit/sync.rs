//! When the entries of reads are synced to disk: with each commit, or a while after it.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::AuditMode;
use crate::server::store::StoreError;

/// Syncs the commits of one connection.
#[derive(Debug)]
pub(in crate::server::store) struct SyncDelay<'c> {
    connection: &'c Connection,
    /// How long a commit of reads' entries may stay unsynced. None for not at all.
    delay: Option<Duration>,
    /// Whether the connection syncs its commits now.
    syncs: bool,
    /// When the oldest unsynced commit must be synced.
    deadline: Option<Instant>,
}

impl<'c> SyncDelay<'c> {
    /// For a connection that syncs its commits.
    pub(in crate::server::store) const fn new(connection: &'c Connection, mode: AuditMode) -> Self {
        Self {
            connection,
            delay: match mode {
                AuditMode::Within(delay) => Some(delay),
                AuditMode::Always | AuditMode::Off => None,
            },
            syncs: true,
            deadline: None,
        }
    }

    /// When [`SyncDelay::sync`] must be called. None if everything is synced.
    pub(in crate::server::store) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Prepares the next commit, outside of a transaction. Returns whether it will be synced: it is unless all that it
    /// holds `may_wait`.
    pub(in crate::server::store) fn prepare(&mut self, may_wait: bool) -> Result<bool, StoreError> {
        let now = Instant::now();
        let wait = self.delay.filter(|_| may_wait);
        let deadline = wait.and_then(|delay| self.deadline.or_else(|| now.checked_add(delay)));
        let syncs = deadline.is_none_or(|deadline| deadline <= now);
        self.set(syncs)?;
        self.deadline = deadline.filter(|_| !syncs);
        Ok(syncs)
    }

    /// Syncs the commits that were not.
    pub(in crate::server::store) fn sync(&mut self) -> Result<(), StoreError> {
        self.set(true)?;
        // Any commit syncs the write-ahead log whole.
        self.connection
            .execute_batch("BEGIN IMMEDIATE; UPDATE meta SET commits = commits; COMMIT")?;
        self.deadline = None;
        Ok(())
    }

    fn set(&mut self, syncs: bool) -> Result<(), StoreError> {
        if self.syncs != syncs {
            // A commit in WAL mode is synced only if this is FULL.
            let level = if syncs { "FULL" } else { "NORMAL" };
            self.connection
                .execute_batch(&format!("PRAGMA synchronous = {level}"))?;
            self.syncs = syncs;
        }
        Ok(())
    }
}
