//! The metrics of the service, in the names and units of Prometheus' conventions.
//!
//! Labels are bounded: kinds, outcomes, states and route templates, never a company or an endpoint. Every series exists
//! from the start, so that a rate over it is right from its first event. Counting is an atomic addition; a histogram
//! takes a short lock.

mod alerts;
mod traces;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};

pub use alerts::AlertMetrics;
pub use traces::TraceMetrics;

/// The `Content-Type` of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Refused {
    /// It is not what the contract asks for.
    Invalid,
    /// It is longer than the limit.
    TooLarge,
    /// Its content type is none of those that are taken.
    ContentType,
    /// Its idempotency key came before with other content.
    Conflict,
    /// The committer is behind, the store failed, or the service is shutting down.
    Unavailable,
    /// The disk is nearly full.
    DiskNearlyFull,
    /// The token is not valid.
    Unauthorized,
    /// The token does not allow it.
    Forbidden,
    /// The token makes too many requests.
    RateLimited,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Invalid,
        Self::TooLarge,
        Self::ContentType,
        Self::Conflict,
        Self::Unavailable,
        Self::DiskNearlyFull,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
    ];

    /// The label's value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "too-large",
            Self::ContentType => "content-type",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::DiskNearlyFull => "disk-nearly-full",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate-limited",
        }
    }
}

/// What the store was asked to do when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum StoreTask {
    /// A commit.
    Commit,
    /// A read.
    Read,
}

impl StoreTask {
    /// Every task.
    pub const ALL: [Self; 2] = [Self::Commit, Self::Read];

    /// The label's value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Read => "read",
        }
    }
}

/// The metrics. Every module that counts holds them in an `Arc`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    accepted: [Counter; Kind::ALL.len()],
    replayed: [Counter; Kind::ALL.len()],
    refused: [Counter; Refused::ALL.len()],
    sends: [Counter; Outcome::ALL.len()],
    tests: [Counter; Outcome::ALL.len()],
    settled: [Counter; State::ALL.len()],
    store_failures: [Counter; StoreTask::ALL.len()],
    http: HttpRequests,
    /// Seconds from the beginning of a send to its outcome.
    pub send_seconds: Histogram,
    /// Seconds from acceptance to acknowledgement, of deliveries that were acknowledged.
    pub accept_to_acknowledged_seconds: Histogram,
    /// Seconds that a commit took, fsync included.
    pub commit_seconds: Histogram,
    /// Writes in a commit.
    pub commit_writes: Histogram,
    /// Writes that wait for the committer.
    pub queue_writes: Gauge,
    /// Bytes of event bodies that wait for the committer.
    pub queue_bytes: Gauge,
    /// Sends under way.
    pub sends_in_flight: Gauge,
    /// Deliveries that the engine holds in memory.
    pub engine_deliveries: Gauge,
    /// Bytes of bodies that the engine holds in memory.
    pub engine_bytes: Gauge,
    /// Connections to the API.
    pub http_connections: Gauge,
    /// How often a breaker opened.
    pub breaker_opens: Counter,
    /// Sends that are repeated, at most, because a commit failed: they were under way, or not recorded, when it did.
    pub sends_repeated: Counter,
    /// Events that were removed because they were beyond their retention.
    pub events_pruned: Counter,
    /// Alerts.
    pub alerts: AlertMetrics,
    /// Traces.
    pub traces: TraceMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByTask {
    task: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: String,
    status: &'static str,
}

impl Metrics {
    /// Metrics that count from zero. `routes` are the templates that HTTP requests are counted by; a request to none of
    /// them counts under the route `none`.
    #[must_use]
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut registry = Registry::with_prefix("ringback");
        let r = &mut registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.register("build", "The version that runs", version);
        let kinds = Kind::ALL.map(|kind| ByKind { kind: kind.name() });
        let reasons = Refused::ALL.map(|reason| ByReason {
            reason: reason.name(),
        });
        let outcomes = Outcome::ALL.map(|outcome| ByOutcome {
            outcome: outcome.name(),
        });
        let states = State::ALL.map(|state| ByState { state: state.name() });
        let tasks = StoreTask::ALL.map(|task| ByTask { task: task.name() });
        let acknowledged = "From acceptance to acknowledgement";
        let tests = "Tests of endpoints, which are no sends";
        Self {
            accepted: counters(r, "events_accepted", "Events taken in", kinds.clone()),
            replayed: counters(r, "events_replayed", "Requests that repeated an event", kinds),
            refused: counters(r, "intake_refused", "Events that were not taken in", reasons),
            sends: counters(r, "sends", "Finished sends", outcomes.clone()),
            tests: counters(r, "endpoint_tests", tests, outcomes),
            settled: counters(
                r,
                "deliveries_settled",
                "Deliveries that came into this state",
                states,
            ),
            store_failures: counters(r, "store_failures", "Commits and reads that failed", tasks),
            http: HttpRequests::new(r, routes),
            send_seconds: seconds(
                r,
                "send",
                "From the beginning of a send to its outcome",
                0.001,
                15,
            ),
            accept_to_acknowledged_seconds: seconds(r, "accept_to_acknowledged", acknowledged, 0.002, 26),
            commit_seconds: seconds(r, "commit", "A commit, fsync included", 0.000_25, 16),
            commit_writes: histogram(r, "commit_writes", "Writes in a commit", 1.0, 11),
            queue_writes: gauge(r, "queue_writes", "Writes that wait for the committer"),
            queue_bytes: gauge(
                r,
                "queue_bytes",
                "Bytes of event bodies that wait for the committer",
            ),
            sends_in_flight: gauge(r, "sends_in_flight", "Sends under way"),
            engine_deliveries: gauge(
                r,
                "engine_deliveries",
                "Deliveries that the engine holds in memory",
            ),
            engine_bytes: gauge(
                r,
                "engine_bytes",
                "Bytes of bodies that the engine holds in memory",
            ),
            http_connections: gauge(r, "http_connections", "Connections to the API"),
            breaker_opens: counter(r, "breaker_opens", "How often a breaker opened"),
            sends_repeated: counter(
                r,
                "sends_repeated",
                "Sends that were under way or not recorded when a commit failed",
            ),
            events_pruned: counter(r, "events_pruned", "Events removed beyond their retention"),
            alerts: AlertMetrics::new(r),
            traces: TraceMetrics::new(r),
            registry,
        }
    }

    /// Events of this kind that were taken in.
    #[must_use]
    pub const fn accepted(&self, kind: Kind) -> &Counter {
        &self.accepted[kind as usize]
    }

    /// Requests of this kind that repeated an event.
    #[must_use]
    pub const fn replayed(&self, kind: Kind) -> &Counter {
        &self.replayed[kind as usize]
    }

    /// Events that were not taken in for this reason.
    #[must_use]
    pub const fn refused(&self, reason: Refused) -> &Counter {
        &self.refused[reason as usize]
    }

    /// Finished sends with this outcome.
    #[must_use]
    pub const fn sends(&self, outcome: Outcome) -> &Counter {
        &self.sends[outcome as usize]
    }

    /// Tests of endpoints with this outcome.
    #[must_use]
    pub const fn tests(&self, outcome: Outcome) -> &Counter {
        &self.tests[outcome as usize]
    }

    /// Deliveries that came into this state.
    #[must_use]
    pub const fn settled(&self, state: State) -> &Counter {
        &self.settled[state as usize]
    }

    /// Commits or reads that failed.
    #[must_use]
    pub const fn store_failures(&self, task: StoreTask) -> &Counter {
        &self.store_failures[task as usize]
    }

    /// Counts an answered HTTP request; `route` is its template, `None` where it matched none.
    pub fn http_request(&self, route: Option<&str>, status: u16) {
        self.http.count(route, status);
    }

    /// All metrics in the OpenMetrics text form.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a String cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// HTTP requests by route and class of status.
#[derive(Debug)]
struct HttpRequests {
    routes: HashMap<String, [Counter; 5]>,
    none: [Counter; 5],
}

impl HttpRequests {
    const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    const NO_ROUTE: &str = "none";

    fn new<'a>(registry: &mut Registry, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let family = Family::<ByRoute, Counter>::default();
        registry.register("http_requests", "Answered HTTP requests", family.clone());
        let of = |route: &str| {
            Self::CLASSES.map(|status| {
                family.get_or_create_owned(&ByRoute {
                    route: route.to_owned(),
                    status,
                })
            })
        };
        Self {
            none: of(Self::NO_ROUTE),
            routes: routes
                .into_iter()
                .map(|route| (route.to_owned(), of(route)))
                .collect(),
        }
    }

    fn count(&self, route: Option<&str>, status: u16) {
        let counters = route
            .and_then(|route| self.routes.get(route))
            .unwrap_or(&self.none);
        let class = usize::from(status / 100).clamp(1, counters.len());
        counters[class - 1].inc();
    }
}

fn counters<L, const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    labels: [L; N],
) -> [Counter; N]
where
    L: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static,
{
    let family = Family::<L, Counter>::default();
    registry.register(name, help, family.clone());
    labels.map(|label| family.get_or_create_owned(&label))
}

fn gauges<L, const N: usize>(registry: &mut Registry, name: &str, help: &str, labels: [L; N]) -> [Gauge; N]
where
    L: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static,
{
    let family = Family::<L, Gauge>::default();
    registry.register(name, help, family.clone());
    labels.map(|label| family.get_or_create_owned(&label))
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter<u64, AtomicU64> {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// A histogram of seconds; each bucket is twice as wide as the one before.
fn seconds(registry: &mut Registry, name: &str, help: &str, first: f64, buckets: u16) -> Histogram {
    let histogram = Histogram::new(exponential_buckets(first, 2.0, buckets));
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

fn histogram(registry: &mut Registry, name: &str, help: &str, first: f64, buckets: u16) -> Histogram {
    let histogram = Histogram::new(exponential_buckets(first, 2.0, buckets));
    registry.register(name, help, histogram.clone());
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(metrics: &Metrics, lines: &[&str]) {
        let text = metrics.encode();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn every_series_exists_from_the_start() {
        let metrics = Metrics::new(["/v1/calls"]);
        check(
            &metrics,
            &[
                "ringback_build_info{version=\"0.1.0\"} 1",
                "ringback_events_accepted_total{kind=\"call\"} 0",
                "ringback_events_replayed_total{kind=\"job\"} 0",
                "ringback_intake_refused_total{reason=\"disk-nearly-full\"} 0",
                "ringback_sends_total{outcome=\"not-acknowledged\"} 0",
                "ringback_endpoint_tests_total{outcome=\"refused\"} 0",
                "ringback_deliveries_settled_total{state=\"exhausted\"} 0",
                "ringback_store_failures_total{task=\"commit\"} 0",
                "ringback_http_requests_total{route=\"/v1/calls\",status=\"2xx\"} 0",
                "ringback_http_requests_total{route=\"none\",status=\"4xx\"} 0",
                "ringback_send_seconds_count 0",
                "ringback_accept_to_acknowledged_seconds_count 0",
                "ringback_commit_seconds_count 0",
                "ringback_commit_writes_count 0",
                "ringback_sends_in_flight 0",
                "ringback_breaker_opens_total 0",
                "ringback_events_pruned_total 0",
                "ringback_sends_repeated_total 0",
                "ringback_trace_spans_total{outcome=\"dropped\"} 0",
                "# EOF",
            ],
        );
    }

    #[test]
    fn each_counter_counts_under_its_own_label() {
        let metrics = Metrics::new(["/v1/calls"]);
        for kind in Kind::ALL {
            metrics.accepted(kind).inc_by(kind as u64 + 1);
        }
        for outcome in Outcome::ALL {
            metrics.sends(outcome).inc_by(outcome as u64 + 1);
        }
        for state in State::ALL {
            metrics.settled(state).inc_by(state as u64 + 1);
        }
        for reason in Refused::ALL {
            metrics.refused(reason).inc_by(reason as u64 + 1);
        }
        metrics.http_request(Some("/v1/calls"), 202);
        metrics.http_request(Some("/v1/unknown"), 404);
        metrics.http_request(None, 599);
        metrics.queue_writes.set(7);
        metrics.commit_seconds.observe(0.003);
        check(
            &metrics,
            &[
                "ringback_events_accepted_total{kind=\"call\"} 1",
                "ringback_events_accepted_total{kind=\"correction\"} 2",
                "ringback_events_accepted_total{kind=\"inbound\"} 3",
                "ringback_events_accepted_total{kind=\"job\"} 4",
                "ringback_sends_total{outcome=\"acknowledged\"} 1",
                "ringback_sends_total{outcome=\"blocked\"} 6",
                "ringback_deliveries_settled_total{state=\"delivered\"} 2",
                "ringback_deliveries_settled_total{state=\"cancelled\"} 5",
                "ringback_intake_refused_total{reason=\"invalid\"} 1",
                "ringback_intake_refused_total{reason=\"disk-nearly-full\"} 6",
                "ringback_intake_refused_total{reason=\"unauthorized\"} 7",
                "ringback_intake_refused_total{reason=\"rate-limited\"} 9",
                "ringback_http_requests_total{route=\"/v1/calls\",status=\"2xx\"} 1",
                "ringback_http_requests_total{route=\"none\",status=\"4xx\"} 1",
                "ringback_http_requests_total{route=\"none\",status=\"5xx\"} 1",
                "ringback_queue_writes 7",
                "ringback_commit_seconds_bucket{le=\"0.002\"} 0",
                "ringback_commit_seconds_bucket{le=\"0.004\"} 1",
            ],
        );
    }
}
