//! The registry of all metrics: what was counted ([`metrics`](super::metrics)), the store's own metrics, and the figures that
//! are read from the server's [`State`] at each scrape.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::fair_queue::QueueLength;
use super::memory::PartUsage;
use super::state::State;

/// Start of the name of each metric.
const PREFIX: &str = "meshagent";

/// The registry of all metrics.
#[derive(Debug)]
pub(super) struct MetricsRegistry {
    registry: Registry,
    ready: Gauge,
    rows_to_reseal: Gauge,
}

/// Figures that are asked for before a scrape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Whether `/readyz` would answer 200.
    pub(super) ready: bool,
    /// None if the store did not say; the metric keeps its value.
    pub(super) rows_to_reseal: Option<u64>,
}

impl MetricsRegistry {
    /// The metrics of `state`. `dropped_log_lines` says how many lines of the log were dropped so far.
    pub(super) fn new(state: &Arc<State>, dropped_log_lines: fn() -> u64) -> Self {
        let mut registry = Registry::default();
        let started = Gauge::<i64>::default();
        started.set(seconds_since_epoch());
        registry.register(
            "process_start_time_seconds",
            "When the server was started, in seconds since 1970",
            started,
        );
        let own = registry.sub_registry_with_prefix(PREFIX);
        let build = Family::<[(&str, &str); 1], Gauge>::default();
        build
            .get_or_create_owned(&[("version", env!("CARGO_PKG_VERSION"))])
            .set(1);
        own.register("build_info", "The program's version, as a label", build);
        let ready = Gauge::default();
        own.register("ready", "1 if /readyz answers 200, else 0", ready.clone());
        let rows_to_reseal = Gauge::default();
        own.register(
            "store_rows_to_reseal",
            "Rows that a rotation of the store key has yet to seal anew",
            rows_to_reseal.clone(),
        );
        state.metrics.register(own);
        state.store.register_metrics(own);
        own.register_collector(Box::new(StateCollector {
            state: Arc::clone(state),
            dropped_log_lines,
        }));
        Self {
            registry,
            ready,
            rows_to_reseal,
        }
    }

    /// All metrics in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// None in practice: the text is made in memory.
    pub(super) fn encode(&self, asked: Asked) -> Result<String, fmt::Error> {
        self.ready.set(asked.ready.into());
        if let Some(rows) = asked.rows_to_reseal {
            self.rows_to_reseal.set(i64::try_from(rows).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Seconds since 1970, as far as they can be told.
fn seconds_since_epoch() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Reads the figures of a server's state at each scrape.
#[derive(Debug)]
struct StateCollector {
    state: Arc<State>,
    dropped_log_lines: fn() -> u64,
}

impl Collector for StateCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let state = &self.state;
        gauge(encoder, "connections", "Open connections", state.slots.used())?;
        gauge(
            encoder,
            "connections_limit",
            "Connections that there may be at the same time",
            state.slots.limit(),
        )?;
        let rooms = state.rooms.occupancy();
        gauge(encoder, "rooms", "Rooms with participants", rooms.rooms)?;
        gauge(
            encoder,
            "participants",
            "Participants in all rooms",
            rooms.participants,
        )?;
        gauge(
            encoder,
            "pending_requests",
            "Requests between participants that wait for a reply",
            rooms.pending_requests,
        )?;
        store_queues(encoder, state.queues.lengths())?;
        memory(encoder, state.memory.usage())?;
        let dropped = ConstCounter::new((self.dropped_log_lines)());
        let help = "Lines of the log that were dropped, because stderr was not read fast enough";
        dropped.encode(encoder.encode_descriptor(
            "log_lines_dropped",
            help,
            None,
            ConstCounter::<u64>::TYPE,
        )?)
    }
}

fn store_queues(
    encoder: &mut DescriptorEncoder<'_>,
    lengths: [(&'static str, QueueLength); 2],
) -> fmt::Result {
    let help = "Calls of the store that wait for their turn, and that run";
    let mut family = encoder.encode_descriptor("store_calls", help, None, MetricType::Gauge)?;
    for (kind, length) in lengths {
        for (state, calls) in [("waiting", length.waiting), ("running", length.running)] {
            let labels = [("kind", kind), ("state", state)];
            ConstGauge::new(figure(calls)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn memory(encoder: &mut DescriptorEncoder<'_>, parts: [(&'static str, PartUsage); 2]) -> fmt::Result {
    let used = parts.map(|(part, usage)| ([("part", part)], usage.used_bytes));
    gauges(
        encoder,
        "memory_used_bytes",
        "Memory that messages and answers on their way have reserved",
        &used,
    )?;
    let limit = parts.map(|(part, usage)| ([("part", part)], usage.limit_bytes));
    gauges(
        encoder,
        "memory_limit_bytes",
        "Memory that they may reserve",
        &limit,
    )
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: usize) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(figure(value)).encode(metric)
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(impl EncodeLabelSet, usize)],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(figure(*value)).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

fn figure(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
