//! What the store counts.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the buckets for commits, in seconds: from a disk that does not wait to one that hardly answers.
const COMMIT_BUCKETS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// What the store counts.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    commit_seconds: Histogram,
    failed_commits: Counter,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            commit_seconds: Histogram::new(COMMIT_BUCKETS),
            failed_commits: Counter::default(),
        }
    }
}

impl StoreMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "store_commit_duration",
            "Time of a transaction that changes secrets or records accesses, until it is on disk",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "store_commit_failures",
            "Transactions that failed as a whole, as on a full disk",
            self.failed_commits.clone(),
        );
    }

    /// Counts a transaction that took `time`.
    pub(super) fn committed(&self, time: Duration, succeeded: bool) {
        self.commit_seconds.observe(time.as_secs_f64());
        if !succeeded {
            self.failed_commits.inc();
        }
    }
}
