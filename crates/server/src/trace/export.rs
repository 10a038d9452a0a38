//! The way to the collector: OTLP over HTTP, as JSON, in batches, through an outbound client of its own.
//!
//! The collector is the operator's and stands nearby as a rule, often on this very machine. So the policy for callbacks does
//! not hold for it, and opening that for its sake would open it for every receiver; nor do source address and proxy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringback_contract::ack::AckRule;
use ringback_core::limits;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use url::Url;

use super::encode;
use super::span::Span;
use crate::clock::{self, Clock};
use crate::outbound::headers::USER_AGENT;
use crate::outbound::{
    AddressPolicy, Exchange, Options, Outbound, OutboundProblem, Outcome, Target, TargetProblem,
    TargetSettings,
};
use crate::random;
use crate::tasks;
use crate::telemetry::Metrics;

/// Where OTLP has the traces, below a collector's address.
const PATH: &str = "/v1/traces";

/// Where spans go, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct Collector {
    /// The collector's address as OpenTelemetry has it: that of all signals, without `/v1/traces`.
    pub address: Url,
    /// The part of the traces begun here that is told, from 0 to 1.
    pub sample: f64,
    /// Certificate authorities besides the public ones: a PEM text.
    pub tls_ca: Option<String>,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The authorities.
    #[error(transparent)]
    Outbound(#[from] OutboundProblem),
    /// The address.
    #[error("RINGBACK_OTLP: {0}")]
    Target(#[from] TargetProblem),
}

/// The address of a collector: http or https, without credentials, query and fragment.
pub(crate) fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (matches!(url.scheme(), "http" | "https") && has_host && is_plain).then_some(url)
}

/// The task that tells the collector.
#[derive(Debug)]
pub struct Exporter {
    clock: Arc<dyn Clock>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Exporter {
    pub(super) fn start(
        collector: Collector,
        spans: mpsc::Receiver<Span>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let everywhere = vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
        let outbound = Outbound::new(Options {
            policy: AddressPolicy::new(everywhere),
            tls_ca: collector.tls_ca,
            ..Options::new(Arc::clone(&clock))
        })?;
        let base = collector.address.as_str().trim_end_matches('/');
        let base = base.strip_suffix(PATH).unwrap_or(base);
        let url = format!("{base}{PATH}");
        let settings = TargetSettings {
            ack_rule: AckRule::Status,
            timeout_ms: limits::TRACE_SEND_MS,
            ..TargetSettings::new(&url)
        };
        let headers = HeaderMap::from_iter([
            (header::USER_AGENT, USER_AGENT),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ]);
        let worker = Worker {
            target: outbound.plain_target(settings, headers)?,
            outbound,
            clock: Arc::clone(&clock),
            metrics,
            spans,
            instance: random::token()[..32].to_owned(),
            is_failing: false,
        };
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            clock,
            stop,
            task: tasks::spawn("traces", worker.run(stopped)),
        })
    }

    /// Tells what still waits, within [`limits::TRACE_FLUSH_MS`].
    pub async fn finish(self) {
        let Self {
            clock,
            stop,
            mut task,
        } = self;
        let _ = stop.send(());
        let limit = Duration::from_millis(limits::TRACE_FLUSH_MS);
        if clock::timeout(&*clock, limit, &mut task).await.is_err() {
            tracing::warn!("the last spans are dropped: the collector did not take them in time");
            task.abort();
        }
    }
}

struct Worker {
    outbound: Outbound,
    target: Arc<Target>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    spans: mpsc::Receiver<Span>,
    instance: String,
    /// Whether the last batch was not taken: only the change is logged.
    is_failing: bool,
}

/// What became of a batch.
enum Told {
    /// It was taken, but for so many spans.
    Taken { rejected: u64 },
    /// It was not; perhaps it will be, after the time that the collector asked for.
    Failed {
        again_after_ms: Option<u64>,
        problem: String,
    },
}

impl Worker {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(limits::TRACE_BATCH);
        let mut stops = false;
        while !stops {
            stops = self.gather(&mut batch, &mut stopped).await;
            if !stops {
                stops = self.tell(&mut batch, &mut stopped).await;
            }
        }
        self.spans.close();
        loop {
            let room = limits::TRACE_BATCH - batch.len();
            if room > 0 && self.spans.recv_many(&mut batch, room).await == 0 && batch.is_empty() {
                return;
            }
            self.tell_once(&mut batch).await;
        }
    }

    /// Waits for a full batch, or for the end of the window that its first span opened. True when it is to stop, with
    /// whatever was gathered.
    async fn gather(&mut self, batch: &mut Vec<Span>, stopped: &mut oneshot::Receiver<()>) -> bool {
        let window = Duration::from_millis(limits::TRACE_WINDOW_MS);
        tokio::select! {
            biased;
            _ = &mut *stopped => return true,
            count = self.spans.recv_many(batch, limits::TRACE_BATCH) => {
                if count == 0 {
                    return true;
                }
            }
        }
        let mut over = self.clock.sleep_until(clock::after(self.clock.boot_us(), window));
        while batch.len() < limits::TRACE_BATCH {
            let room = limits::TRACE_BATCH - batch.len();
            tokio::select! {
                biased;
                _ = &mut *stopped => return true,
                count = self.spans.recv_many(batch, room) => {
                    if count == 0 {
                        return true;
                    }
                }
                () = &mut over => return false,
            }
        }
        false
    }

    /// Tells a batch, and again where the collector may take it later; empties it. True when it is to stop meanwhile.
    async fn tell(&mut self, batch: &mut Vec<Span>, stopped: &mut oneshot::Receiver<()>) -> bool {
        let body = encode::request(batch, &self.instance);
        for wait_ms in limits::TRACE_RETRIES_MS {
            let again_after_ms = match self.post(body.clone()).await {
                Told::Failed {
                    again_after_ms: Some(asked_ms),
                    problem,
                } => {
                    self.note_failing(Some(&problem));
                    wait_ms.max(asked_ms).min(limits::TRACE_RETRY_MS_MOST)
                }
                told => {
                    self.settle(batch, told);
                    return false;
                }
            };
            let until_us = clock::after(self.clock.boot_us(), Duration::from_millis(again_after_ms));
            tokio::select! {
                biased;
                // What is left of the batch is told once more, as all that waits.
                _ = &mut *stopped => return true,
                () = self.clock.sleep_until(until_us) => {}
            }
        }
        self.tell_once(batch).await;
        false
    }

    async fn tell_once(&mut self, batch: &mut Vec<Span>) {
        let told = self.post(encode::request(batch, &self.instance)).await;
        self.settle(batch, told);
    }

    /// The batch is over: counted, and emptied.
    fn settle(&mut self, batch: &mut Vec<Span>, told: Told) {
        let spans = batch.len() as u64;
        batch.clear();
        match told {
            Told::Taken { rejected } => {
                let rejected = rejected.min(spans);
                self.metrics.traces.exported.inc_by(spans - rejected);
                self.metrics.traces.rejected.inc_by(rejected);
                self.note_failing(None);
            }
            Told::Failed { problem, .. } => {
                self.metrics.traces.failed.inc_by(spans);
                self.note_failing(Some(&problem));
            }
        }
    }

    fn note_failing(&mut self, problem: Option<&str>) {
        let was_failing = std::mem::replace(&mut self.is_failing, problem.is_some());
        match problem {
            Some(problem) if !was_failing => {
                tracing::warn!(problem, "the collector does not take spans");
            }
            None if was_failing => tracing::info!("the collector takes spans again"),
            Some(_) | None => {}
        }
    }

    async fn post(&self, body: Bytes) -> Told {
        let exchange = self.outbound.post_plain(&self.target, body).await;
        if exchange.outcome == Outcome::Acknowledged {
            let rejected = rejected(&exchange.body_start);
            return Told::Taken { rejected };
        }
        let asked_ms = exchange
            .retry_after
            .map_or(0, |asked| asked.delay_ms(self.clock.wall_ms()));
        Told::Failed {
            again_after_ms: is_worth_another(&exchange).then_some(asked_ms),
            problem: problem(&exchange),
        }
    }
}

/// As the OTLP specification has it: other answers are the same again.
fn is_worth_another(exchange: &Exchange) -> bool {
    match exchange.status {
        Some(status) => matches!(status, 429 | 502 | 503 | 504),
        None => matches!(exchange.outcome, Outcome::Unreachable | Outcome::TimedOut),
    }
}

fn problem(exchange: &Exchange) -> String {
    let mut told = exchange.outcome.name().to_owned();
    if let Some(status) = exchange.status {
        told.push_str(&format!(": HTTP {status}"));
    }
    if let Some(detail) = &exchange.detail {
        told.push_str(&format!(": {detail}"));
    }
    told
}

/// `partialSuccess.rejectedSpans` of an answer: a text or a number.
fn rejected(answer: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let rejected = &answer["partialSuccess"]["rejectedSpans"];
    rejected
        .as_u64()
        .or_else(|| rejected.as_str()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_collector_holds_no_secrets() {
        for (text, expected) in [
            ("http://127.0.0.1:4318", true),
            ("https://collector.example.com/otlp/", true),
            ("http://user:secret@collector.example.com", false),
            ("http://collector.example.com/?key=secret", false),
            ("http://collector.example.com/#part", false),
            ("grpc://collector.example.com:4317", false),
            ("collector.example.com:4318", false),
            ("", false),
        ] {
            assert_eq!(address(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_collector_rejects_is_read() {
        for (answer, expected) in [
            ("", 0),
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (
                r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#,
                3,
            ),
            (r#"{"partialSuccess":{"rejectedSpans":4}}"#, 4),
            (r#"{"partialSuccess":{"rejectedSpans":-4}}"#, 0),
            ("<html>", 0),
        ] {
            assert_eq!(rejected(answer.as_bytes()), expected, "{answer}");
        }
    }
}
