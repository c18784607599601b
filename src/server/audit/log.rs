//! The server's audit log: it fails closed. While entries cannot be written, calls are answered with an error, and
//! `/readyz` says that the server is not ready.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::server::log_interval::LogInterval;
use crate::server::store::{Anchor, AuditEntry, AuditOutcome, AuditStore, StoreError};

/// How often a log that could not be written is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How often the last entry is written to the server's log, and refused joins to the audit log.
const ANCHOR_INTERVAL: Duration = Duration::from_mins(1);

/// How often old entries are removed.
const PRUNE_INTERVAL: Duration = Duration::from_hours(1);

/// An entry that could not be recorded. Its text is for the client whose call is not answered.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server cannot write its audit log ({reason}), so nothing is answered; try again later")]
pub(in crate::server) struct Unrecorded {
    reason: &'static str,
}

impl From<&StoreError> for Unrecorded {
    fn from(error: &StoreError) -> Self {
        Self {
            reason: match error {
                StoreError::DiskFull => "its disk is full",
                StoreError::ReadOnly => "its disk is read-only",
                StoreError::Busy => "its database is busy",
                StoreError::Closed => "it is stopping",
                _ => "its log says why",
            },
        }
    }
}

/// The audit log of a server.
#[derive(Debug)]
pub(in crate::server) struct AuditLog {
    store: Arc<dyn AuditStore>,
    /// How long entries are kept. None for as long as nobody prunes the log.
    keep: Option<Duration>,
    /// Whether the last entry could not be written.
    failing: AtomicBool,
    /// Answers that were withheld since entries cannot be written.
    withheld: AtomicU64,
    /// Joins that were refused since the last entry about them.
    refused_joins: AtomicU64,
    failures: Mutex<LogInterval>,
}

impl AuditLog {
    /// The log in `store`, whose entries are removed when they are older than `keep`.
    pub(in crate::server) fn new(store: Arc<dyn AuditStore>, keep: Option<Duration>) -> Self {
        Self {
            store,
            keep,
            failing: AtomicBool::new(false),
            withheld: AtomicU64::new(0),
            refused_joins: AtomicU64::new(0),
            failures: Mutex::default(),
        }
    }

    /// Records an entry. What it is about may be answered when this returns without an error.
    pub(in crate::server) async fn record(&self, entry: AuditEntry) -> Result<(), Unrecorded> {
        match self.store.record(entry).await {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the audit log can be written again");
                }
                Ok(())
            }
            Err(error) => {
                self.failing.store(true, Ordering::Relaxed);
                self.withheld.fetch_add(1, Ordering::Relaxed);
                let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(times) = failures.event(Instant::now()) {
                    tracing::error!(%error, times, "the audit log cannot be written: calls are not answered");
                }
                Err(Unrecorded::from(&error))
            }
        }
    }

    /// Whether the last entry could be written.
    pub(in crate::server) fn is_writable(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// Counts a join that was refused. There is one entry a minute for all of them.
    pub(in crate::server) fn join_refused(&self) {
        self.refused_joins.fetch_add(1, Ordering::Relaxed);
    }

    /// Works in the background until `stop` is cancelled: tries again to write where that failed, records refused joins,
    /// writes the last entry to the server's log, and removes old entries.
    pub(in crate::server) async fn run(&self, stop: CancellationToken) {
        let mut last = None;
        let mut next_anchor = Instant::now() + ANCHOR_INTERVAL;
        let mut next_prune = Instant::now();
        while timeout(RETRY_INTERVAL, stop.cancelled()).await.is_err() {
            if !self.is_writable() {
                self.resume().await;
            }
            if Instant::now() >= next_anchor {
                next_anchor = Instant::now() + ANCHOR_INTERVAL;
                self.record_refused_joins().await;
                self.log_anchor(&mut last).await;
            }
            if Instant::now() >= next_prune {
                next_prune = Instant::now() + PRUNE_INTERVAL;
                self.prune(clock::now_millis()).await;
            }
        }
    }

    /// Records what is left to be, and writes the last entry to the server's log. The last call before the store is
    /// closed.
    pub(in crate::server) async fn finish(&self) {
        self.record_refused_joins().await;
        self.log_anchor(&mut None).await;
    }

    /// Tries to write again. The entry says how many answers were withheld meanwhile.
    async fn resume(&self) {
        let withheld = self.withheld.load(Ordering::Relaxed);
        let mut entry = AuditEntry::of_server("resume_audit");
        entry.count = Some(withheld);
        if self.store.record(entry).await.is_ok() {
            self.withheld.fetch_sub(withheld, Ordering::Relaxed);
            self.failing.store(false, Ordering::Relaxed);
            tracing::info!(withheld, "the audit log can be written again");
        }
    }

    async fn record_refused_joins(&self) {
        let refused = self.refused_joins.swap(0, Ordering::Relaxed);
        if refused == 0 {
            return;
        }
        let mut entry = AuditEntry::of_server("join");
        entry.outcome = AuditOutcome::Denied;
        entry.count = Some(refused);
        if self.record(entry).await.is_err() {
            self.refused_joins.fetch_add(refused, Ordering::Relaxed);
        }
    }

    /// Removes the entries that are too old at `now`, in Unix milliseconds.
    async fn prune(&self, now: u64) {
        let Some(keep) = self.keep else { return };
        let before = now.saturating_sub(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
        match self.store.prune(before).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "old entries of the audit log are removed"),
            Err(error) => tracing::error!(%error, "old entries of the audit log cannot be removed"),
        }
    }

    async fn log_anchor(&self, last: &mut Option<Anchor>) {
        match self.store.anchor().await {
            Ok(anchor) if last.as_ref() != Some(&anchor) => {
                tracing::info!(%anchor, "audit log");
                *last = Some(anchor);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the head of the audit log cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::*;

    /// A store that keeps entries as long as its disk is not full.
    #[derive(Debug, Default)]
    struct Disk {
        full: AtomicBool,
        entries: Mutex<Vec<AuditEntry>>,
        pruned_before: AtomicU64,
    }

    impl AuditStore for Disk {
        fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), StoreError>> {
            let full = self.full.load(Ordering::Relaxed);
            let recorded = if full {
                Err(StoreError::DiskFull)
            } else {
                self.entries.lock().unwrap().push(entry);
                Ok(())
            };
            async { recorded }.boxed()
        }

        fn prune(&self, before: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
            self.pruned_before.store(before, Ordering::Relaxed);
            async { Ok(1) }.boxed()
        }

        fn anchor(&self) -> BoxFuture<'_, Result<Anchor, StoreError>> {
            async {
                Ok(Anchor {
                    seq: 0,
                    mac: vec![0; 32],
                })
            }
            .boxed()
        }
    }

    fn log() -> (Arc<Disk>, AuditLog) {
        let disk = Arc::new(Disk::default());
        (
            Arc::clone(&disk),
            AuditLog::new(disk, Some(Duration::from_secs(10))),
        )
    }

    #[tokio::test]
    async fn what_cannot_be_recorded_is_an_error_until_there_is_room() {
        let (disk, log) = log();
        let entry = || AuditEntry::of_server("get_secret");
        log.record(entry()).await.unwrap();
        assert!(log.is_writable());
        disk.full.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            let refused = log.record(entry()).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                "the server cannot write its audit log (its disk is full), so nothing is answered; try again later"
            );
            assert!(!log.is_writable());
        }
        log.resume().await;
        assert!(!log.is_writable());
        disk.full.store(false, Ordering::Relaxed);
        log.resume().await;
        assert!(log.is_writable());
        let entries = disk.entries.lock().unwrap();
        let shown: Vec<_> = entries
            .iter()
            .map(|entry| (&*entry.operation, entry.count))
            .collect();
        assert_eq!(shown, [("get_secret", None), ("resume_audit", Some(3))]);
    }

    #[tokio::test]
    async fn entries_are_removed_when_they_are_older_than_they_are_kept() {
        let (disk, log) = log();
        log.prune(25_000).await;
        assert_eq!(disk.pruned_before.load(Ordering::Relaxed), 15_000);
    }

    #[tokio::test]
    async fn refused_joins_are_one_entry_that_counts_them() {
        let (disk, log) = log();
        for _ in 0..1000 {
            log.join_refused();
        }
        disk.full.store(true, Ordering::Relaxed);
        log.record_refused_joins().await;
        log.join_refused();
        disk.full.store(false, Ordering::Relaxed);
        log.record_refused_joins().await;
        log.record_refused_joins().await;
        let entries = disk.entries.lock().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].count, Some(1001));
        assert_eq!(entries[0].outcome, AuditOutcome::Denied);
    }
}
