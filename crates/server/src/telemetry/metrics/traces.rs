//! What is counted about traces.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::{ByOutcome, counters};

/// Spans, by what became of them.
#[derive(Debug)]
pub struct TraceMetrics {
    /// The collector took them.
    pub exported: Counter,
    /// The collector answered that it did not want them.
    pub rejected: Counter,
    /// The collector could not be told, or did not take them.
    pub failed: Counter,
    /// Too many waited for the collector.
    pub dropped: Counter,
}

impl TraceMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let outcomes = ["exported", "rejected", "failed", "dropped"];
        let [exported, rejected, failed, dropped] = counters(
            registry,
            "trace_spans",
            "Spans of traces, by what became of them",
            outcomes.map(|outcome| ByOutcome { outcome }),
        );
        Self {
            exported,
            rejected,
            failed,
            dropped,
        }
    }
}
