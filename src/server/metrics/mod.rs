//! What the server counts for `GET /metrics`, besides the figures that are read from its state at each scrape
//! ([`scrape`](super::scrape)). No label has a value that a client chooses: there are as many series as there are tools,
//! outcomes and reasons.

mod calls;
mod refusals;

use prometheus_client::registry::Registry;

pub(super) use self::calls::{CallMetrics, CallOutcome};
pub(super) use self::refusals::{RefusalMetrics, RefusalReason};

/// Upper bounds of a histogram's buckets, in seconds: from a read out of the page cache to the longest wait for memory.
pub(super) const SECONDS_BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// What the server counts.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) calls: CallMetrics,
    pub(super) refusals: RefusalMetrics,
}

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.calls.register(registry);
        self.refusals.register(registry);
    }
}
