//! Calls by tool and outcome, and how long they take.

use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::SECONDS_BUCKETS;
use crate::wire::ErrorCode;
use crate::wire::secrets::{TOOLKIT, tool};

/// The label of all other tools, and of those of other toolkits.
const OTHER: &str = "other";

/// The outcomes of the server's own tools.
const OUTCOMES: [CallOutcome; 9] = [
    CallOutcome::Ok,
    CallOutcome::Cancelled,
    CallOutcome::Failed(ErrorCode::PermissionDenied),
    CallOutcome::Failed(ErrorCode::InvalidRequest),
    CallOutcome::Failed(ErrorCode::NotFound),
    CallOutcome::Failed(ErrorCode::Conflict),
    CallOutcome::Failed(ErrorCode::DependencyMissing),
    CallOutcome::Failed(ErrorCode::OperationFailed),
    CallOutcome::Failed(ErrorCode::Timeout),
];

type ToolLabel = [(&'static str, &'static str); 1];
type OutcomeLabels = [(&'static str, &'static str); 2];

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum CallOutcome {
    Ok,
    Failed(ErrorCode),
    /// The participant left, or the server stopped, before there was an answer.
    Cancelled,
}

/// Calls by tool and outcome, and how long they take.
#[derive(Debug)]
pub(in crate::server) struct CallMetrics {
    count: Family<OutcomeLabels, Counter>,
    seconds: Family<ToolLabel, Histogram, fn() -> Histogram>,
    /// The series, so that a call does not look for them in the families.
    tools: Vec<Tool>,
    other: Tool,
}

/// The series of one tool.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    outcomes: [(CallOutcome, Counter); OUTCOMES.len()],
    seconds: Histogram,
}

/// A call in flight. It is counted when this is dropped.
#[derive(Debug)]
pub(in crate::server) struct CallTimer<'m> {
    tool: &'m Tool,
    started: Instant,
    outcome: CallOutcome,
}

impl Default for CallMetrics {
    fn default() -> Self {
        let count = Family::default();
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS_BUCKETS);
        let seconds = Family::new_with_constructor(histogram);
        let tool = |name| Tool::new(name, &count, &seconds);
        Self {
            tools: tool::ALL.map(tool).into(),
            other: tool(OTHER),
            count,
            seconds,
        }
    }
}

impl CallMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("calls", "Calls of tools, by tool and outcome", self.count.clone());
        registry.register_with_unit(
            "call_duration",
            "Time from a call's arrival to its answer, with what it waited for: memory, the store, another participant",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }

    /// A call begins.
    pub(in crate::server) fn start(&self, toolkit: &str, tool: &str) -> CallTimer<'_> {
        let known = self.tools.iter().find(|known| known.name == tool);
        CallTimer {
            tool: known.filter(|_| toolkit == TOOLKIT).unwrap_or(&self.other),
            started: Instant::now(),
            outcome: CallOutcome::Cancelled,
        }
    }
}

impl Tool {
    fn new(
        name: &'static str,
        count: &Family<OutcomeLabels, Counter>,
        seconds: &Family<ToolLabel, Histogram, fn() -> Histogram>,
    ) -> Self {
        let counter = |outcome: CallOutcome| {
            let labels = [("tool", name), ("outcome", outcome.label())];
            (outcome, count.get_or_create_owned(&labels))
        };
        Self {
            name,
            outcomes: OUTCOMES.map(counter),
            seconds: seconds.get_or_create_owned(&[("tool", name)]),
        }
    }
}

impl CallTimer<'_> {
    /// The call has an answer.
    pub(in crate::server) fn answered(mut self, outcome: CallOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for CallTimer<'_> {
    fn drop(&mut self) {
        let mut outcomes = self.tool.outcomes.iter();
        if let Some((_, counter)) = outcomes.find(|(outcome, _)| *outcome == self.outcome) {
            counter.inc();
        }
        self.tool.seconds.observe(self.started.elapsed().as_secs_f64());
    }
}

impl CallOutcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancelled => "cancelled",
            Self::Failed(code) => code.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn a_call_is_counted_by_tool_and_outcome_when_it_ends() {
        let metrics = CallMetrics::default();
        metrics.start(TOOLKIT, tool::GET).answered(CallOutcome::Ok);
        let not_found = CallOutcome::Failed(ErrorCode::NotFound);
        metrics.start(TOOLKIT, "what a client sent").answered(not_found);
        metrics.start("another", tool::GET).answered(not_found);
        drop(metrics.start(TOOLKIT, tool::REQUEST));
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            r#"calls_total{tool="get_secret",outcome="ok"} 1"#,
            r#"calls_total{tool="get_secret",outcome="not_found"} 0"#,
            r#"calls_total{tool="request_secret",outcome="cancelled"} 1"#,
            r#"calls_total{tool="other",outcome="not_found"} 2"#,
            r#"call_duration_seconds_count{tool="get_secret"} 1"#,
            r#"call_duration_seconds_count{tool="other"} 2"#,
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert!(!text.contains("what a client sent"));
    }
}
