//! What is counted about alerts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use ringback_core::alert::Condition;

use super::{ByOutcome, counter, counters, gauges};

/// The metrics of alerts and of the channels that tell them.
#[derive(Debug)]
pub struct AlertMetrics {
    open: [Gauge; Condition::ALL.len()],
    notices: [Counter; Condition::ALL.len()],
    /// Messages that a channel took.
    pub messages_sent: Counter,
    /// Messages that were given up.
    pub messages_failed: Counter,
    /// Notices that were dropped because a channel's queue was full.
    pub notices_dropped: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCondition {
    condition: &'static str,
}

impl AlertMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let r = registry;
        let conditions = Condition::ALL.map(|condition| ByCondition {
            condition: condition.name(),
        });
        let [messages_sent, messages_failed] = counters(
            r,
            "alert_messages",
            "Messages to the channels for alerts",
            ["sent", "failed"].map(|outcome| ByOutcome { outcome }),
        );
        Self {
            open: gauges(r, "alerts_open", "Open alerts", conditions.clone()),
            notices: counters(r, "alert_notices", "What was to be told about alerts", conditions),
            messages_sent,
            messages_failed,
            notices_dropped: counter(
                r,
                "alert_notices_dropped",
                "Notices dropped because a channel's queue was full",
            ),
        }
    }

    /// Open alerts of this condition.
    #[must_use]
    pub const fn open(&self, condition: Condition) -> &Gauge {
        &self.open[condition as usize]
    }

    /// What was to be told about alerts of this condition.
    #[must_use]
    pub const fn notices(&self, condition: Condition) -> &Counter {
        &self.notices[condition as usize]
    }
}
