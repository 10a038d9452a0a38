//! Performs the engine's sends: keeps each endpoint's prepared target, signs, posts, and turns what came back into an
//! attempt.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use ringback_contract::webhook::Secret;
use ringback_core::delivery::{Attempt, Outcome};
use ringback_core::endpoint::Endpoint;
use ringback_core::engine::{Send, Sent};
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::{Write, Written};
use ringback_core::time::Millis;

use crate::clock::Clock;
use crate::outbound::headers;
use crate::outbound::{Message, Outbound, Probe, Target, TargetProblem, TargetSettings, TraceHeaders};
use crate::random;
use crate::telemetry::Metrics;
use crate::time::EngineTime;
use crate::trace::{Carried, Contexts, Tracer, Waiting};

/// Prepared targets, one for each endpoint that sends.
#[derive(Debug)]
pub(crate) struct Sender {
    outbound: Outbound,
    time: EngineTime,
    metrics: Arc<Metrics>,
    prepared: HashMap<EndpointId, Arc<Prepared>>,
    tracer: Tracer,
    contexts: Contexts,
}

/// An endpoint's settings in the form in which a send needs them.
#[derive(Debug)]
pub(crate) struct Prepared {
    version: i64,
    target: Result<Arc<Target>, String>,
    /// With the moment after which each no longer signs.
    secrets: Vec<(Secret, Option<Millis>)>,
}

impl Prepared {
    /// Prepares an endpoint as it is now.
    fn new(outbound: &Outbound, endpoint: &Endpoint) -> Self {
        let settings = &endpoint.settings;
        let target = target(outbound, endpoint).map_err(|problem| problem.to_string());
        let secrets = settings
            .secrets
            .iter()
            .filter_map(|signing| Some((Secret::parse(&signing.secret).ok()?, signing.until)))
            .collect();
        Self {
            version: endpoint.version,
            target,
            secrets,
        }
    }

    /// The headers of one send, by the Standard Webhooks and the contract (section 2).
    fn message(
        &self,
        id: &str,
        n: u32,
        body: bytes::Bytes,
        wall_ms: i64,
        now: Millis,
        trace: Option<Box<TraceHeaders>>,
    ) -> Message {
        let timestamp = wall_ms.div_euclid(1000);
        let current = self
            .secrets
            .iter()
            .filter(|(_, until)| until.is_none_or(|until| now <= until));
        let signatures: Vec<String> = current
            .map(|(secret, _)| secret.sign(id, timestamp, &body))
            .collect();
        Message {
            body,
            webhook_id: header(id),
            webhook_timestamp: HeaderValue::from(timestamp),
            webhook_signature: header(&signatures.join(" ")),
            ringback_send: HeaderValue::from(n),
            trace,
        }
    }
}

/// What the outbound client needs to know of an endpoint.
///
/// # Errors
/// The URL, a header or a certificate authority cannot be used.
pub(crate) fn target(outbound: &Outbound, endpoint: &Endpoint) -> Result<Arc<Target>, TargetProblem> {
    let settings = &endpoint.settings;
    let pairs = settings
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = headers::parse(pairs).map_err(TargetProblem::Header)?;
    outbound.target(TargetSettings {
        url: &settings.url,
        tls_ca: settings.tls_ca.as_deref(),
        headers,
        content_type: settings.content_type,
        timeout_ms: settings.timeout_ms,
        ack_rule: settings.ack_rule,
        credentials: settings.credentials.as_ref(),
        client_certificate: settings.client_certificate.as_ref(),
        company_id: Some(endpoint.company_id),
    })
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

impl Sender {
    pub(crate) fn new(outbound: Outbound, time: EngineTime, metrics: Arc<Metrics>, tracer: Tracer) -> Self {
        Self {
            outbound,
            time,
            metrics,
            prepared: HashMap::new(),
            tracer,
            contexts: Contexts::default(),
        }
    }

    /// A traced event is durable: its sends belong to its trace.
    pub(crate) fn committed(&mut self, waiting: &Waiting, write: &Write, written: &Written) {
        let Write::Accept(event) = write else { return };
        match written {
            Written::Accepted(accepted) => {
                let carried = waiting.end(event, Some(accepted.event_id));
                self.contexts.keep(accepted, &carried);
            }
            _ => drop(waiting.end(event, None)),
        }
    }

    /// A delivery is settled: it is not sent again.
    pub(crate) fn settled(&mut self, delivery: DeliveryId) {
        self.contexts.forget(delivery);
    }

    /// Forgets a deleted endpoint.
    pub(crate) fn forget(&mut self, endpoint: EndpointId) {
        self.prepared.remove(&endpoint);
    }

    /// One send, ready to be performed anywhere.
    pub(crate) fn prepare(&mut self, send: Send, now: Millis) -> Sending {
        Sending {
            prepared: self.prepared(&send.endpoint),
            outbound: self.outbound.clone(),
            time: self.time.clone(),
            metrics: Arc::clone(&self.metrics),
            tracer: self.tracer.clone(),
            carried: self.contexts.get(send.delivery),
            send,
            now,
        }
    }

    fn prepared(&mut self, endpoint: &Endpoint) -> Arc<Prepared> {
        if let Some(prepared) = self.prepared.get(&endpoint.id)
            && prepared.version == endpoint.version
        {
            return Arc::clone(prepared);
        }
        let prepared = Arc::new(Prepared::new(&self.outbound, endpoint));
        self.prepared.insert(endpoint.id, Arc::clone(&prepared));
        prepared
    }
}

/// One send and all that it needs. It is no future yet: a future that is handed on is copied whole, with the room for all that
/// it will ever hold, and a task that awaits one which it was given has that room twice.
pub(crate) struct Sending {
    prepared: Arc<Prepared>,
    outbound: Outbound,
    time: EngineTime,
    metrics: Arc<Metrics>,
    tracer: Tracer,
    carried: Option<Arc<Carried>>,
    send: Send,
    now: Millis,
}

impl Sending {
    /// Performs the send.
    pub(crate) async fn perform(self) -> Sent {
        let Self {
            prepared,
            outbound,
            time,
            metrics,
            tracer,
            carried,
            send,
            now,
        } = &self;
        let clock = &**time.clock();
        let began_us = clock.boot_us();
        let span = tracer.send(carried.as_deref(), began_us);
        let trace = span.as_ref().map(|span| span.headers());
        let (attempt, retry_after_ms) = post(outbound, clock, prepared, send, *now, trace).await;
        let ended_us = clock.boot_us();
        let took_us = ended_us - began_us;
        if let Some(span) = span {
            span.end(send, &attempt, ended_us);
        }
        tracing::debug!(
            event = %send.event_id,
            company_id = send.endpoint.company_id,
            endpoint = send.endpoint.name,
            send = send.n,
            outcome = attempt.outcome.name(),
            status = attempt.status,
            took_ms = took_us / 1_000,
            "sent"
        );
        let since_accepted_ms = time.now().since(send.event_id.time());
        count(metrics, attempt.outcome, took_us, since_accepted_ms);
        // Only a gap before another send is spread, and asking for randomness is a system call.
        let random = match attempt.outcome {
            Outcome::Acknowledged => 0.0,
            _ => random::fraction(),
        };
        Sent {
            endpoint: send.endpoint.id,
            delivery: send.delivery,
            attempt,
            retry_after_ms,
            random,
        }
    }
}

/// One send that belongs to no delivery: the endpoint's *test*. It is not among the sends that are counted.
pub(crate) async fn test(
    outbound: &Outbound,
    time: &EngineTime,
    endpoint: &Endpoint,
    webhook_id: &str,
    body: bytes::Bytes,
) -> Result<Probe, TargetProblem> {
    let target = target(outbound, endpoint)?;
    let prepared = Prepared::new(outbound, endpoint);
    let message = prepared.message(webhook_id, 1, body, time.clock().wall_ms(), time.now(), None);
    Ok(outbound.probe(&target, message).await)
}

#[expect(clippy::cast_precision_loss, reason = "times far below 2^52")]
fn count(metrics: &Metrics, outcome: Outcome, took_us: i64, since_accepted_ms: u64) {
    metrics.sends(outcome).inc();
    metrics.send_seconds.observe(took_us as f64 / 1_000_000.0);
    if outcome == Outcome::Acknowledged {
        let seconds = since_accepted_ms as f64 / 1000.0;
        metrics.accept_to_acknowledged_seconds.observe(seconds);
    }
}

/// Posts once; answers the attempt and what the receiver asked for with `Retry-After`.
async fn post(
    outbound: &Outbound,
    clock: &dyn Clock,
    prepared: &Prepared,
    send: &Send,
    now: Millis,
    trace: Option<Box<TraceHeaders>>,
) -> (Attempt, Option<u64>) {
    let target = match &prepared.target {
        Ok(target) => target,
        Err(problem) => return (unsendable(clock, send.n, problem.clone()), None),
    };
    // The stored body is v1's; another shape is made of it for each send, always the same.
    let body = match send.profile.render(&send.body) {
        Ok(body) => body,
        Err(problem) => {
            let problem = format!("the stored body cannot be put into the endpoint's profile: {problem}");
            return (unsendable(clock, send.n, problem), None);
        }
    };
    let message = prepared.message(
        &send.event_id.to_string(),
        send.n,
        body,
        clock.wall_ms(),
        now,
        trace,
    );
    let exchange = outbound.post(target, message).await;
    let retry_after_ms = exchange.retry_after.map(|asked| asked.delay_ms(clock.wall_ms()));
    let attempt = Attempt {
        n: send.n,
        started_wall_ms: exchange.started_wall_ms,
        duration_ms: exchange.duration_ms,
        outcome: exchange.outcome,
        status: exchange.status,
        address: exchange.address.map(|address| address.to_string()),
        detail: exchange.detail.map(|detail| detail.to_string()),
        body_start: exchange.body_start,
    };
    (attempt, retry_after_ms)
}

/// What is stored cannot be used any more, for instance because a certificate is no longer accepted.
fn unsendable(clock: &dyn Clock, n: u32, problem: String) -> Attempt {
    Attempt {
        n,
        started_wall_ms: clock.wall_ms(),
        duration_ms: 0,
        outcome: Outcome::Blocked,
        status: None,
        address: None,
        detail: Some(problem),
        body_start: bytes::Bytes::new(),
    }
}
