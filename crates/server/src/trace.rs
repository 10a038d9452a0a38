//! Traces: what happened to an event from its intake to its acknowledgement, as OpenTelemetry spans for a collector.
//!
//! Off unless the setting `otlp` names a collector; then every place that would tell something asks one `Option`, and no
//! more. What it promises when it is on:
//!
//! - **It delays nothing.** A span is left in a bounded queue, or dropped and counted; a task of its own hands batches to
//!   the collector, however slow or dead that is.
//! - **It tells no secrets.** Attributes are ids, names of endpoints, states, counts and addresses: never a body, a phone
//!   number, a header or a URL.
//! - **It respects whoever traces already.** An intake request's `traceparent` is the parent, its sampled flag decides, and
//!   its `tracestate` is passed on; each send carries the `traceparent` of its own span.
//!
//! The context of an event lives in memory only, beside the deliveries that are pending: a send after a restart, or after
//! [`limits::TRACE_CONTEXTS`] further deliveries, begins a trace of its own, which
//! names the event.

mod context;
mod encode;
mod export;
mod kept;
mod span;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Attempt, Outcome};
use ringback_core::engine::Send;
use ringback_core::event::NewEvent;
use ringback_core::id::EventId;
use ringback_core::limits;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::outbound::TraceHeaders;
use crate::telemetry::Metrics;

use context::{Context, SpanId};
pub(crate) use export::address;
pub use export::{Collector, Exporter, StartError};
pub(crate) use kept::Contexts;
use span::{Span, SpanKind, Value};

/// Makes spans, or nothing. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    on: Option<Arc<On>>,
}

#[derive(Debug)]
struct On {
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// The part of the traces begun here that is told, from 0 to 1.
    sample: f64,
    spans: mpsc::Sender<Span>,
}

/// What the spans of one event have in common.
#[derive(Debug)]
pub(crate) struct Carried {
    /// The parent of what follows: the intake request's own span.
    context: Context,
    /// Wall clock less boot clock, in microseconds, when the trace began: its spans fit together even where the wall clock
    /// steps meanwhile.
    offset_us: i64,
}

impl Tracer {
    /// Tells this collector.
    ///
    /// # Errors
    /// The address or the certificate authorities cannot be used.
    pub fn start(
        collector: Collector,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Exporter), StartError> {
        let (spans, queue) = mpsc::channel(limits::TRACE_QUEUE);
        let sample = collector.sample;
        let exporter = Exporter::start(collector, queue, Arc::clone(&clock), Arc::clone(&metrics))?;
        let on = On {
            clock,
            metrics,
            sample,
            spans,
        };
        Ok((
            Self {
                on: Some(Arc::new(on)),
            },
            exporter,
        ))
    }

    /// Begins the span of an intake request.
    pub(crate) fn intake(&self, headers: &HeaderMap, route: &'static str, kind: Kind) -> Option<Box<Intake>> {
        let on = self.on.as_ref()?;
        let begun_us = on.clock.boot_us();
        let given = Context::of_headers(headers);
        let context = match &given {
            Some(given) => given.child(),
            None => Context::root(on.sample),
        };
        Some(Box::new(Intake {
            carried: Arc::new(Carried {
                context,
                offset_us: on.offset_us(begun_us),
            }),
            on: Arc::clone(on),
            parent: given.map(|given| given.span_id),
            begun_us,
            route,
            kind,
            company_id: None,
            accepted: None,
        }))
    }

    /// Begins the span of a send, which began at this reading of the boot clock.
    pub(crate) fn send(&self, carried: Option<&Carried>, begun_us: i64) -> Option<Box<Sending>> {
        let on = self.on.as_ref()?;
        let context = carried.map_or_else(|| Context::root(on.sample), |carried| carried.context.child());
        Some(Box::new(Sending {
            on: Arc::clone(on),
            context,
            parent: carried.map(|carried| carried.context.span_id),
            offset_us: carried.map_or_else(|| on.offset_us(begun_us), |carried| carried.offset_us),
            begun_us,
        }))
    }
}

impl On {
    fn offset_us(&self, boot_us: i64) -> i64 {
        self.clock.wall_ms().saturating_mul(1_000).saturating_sub(boot_us)
    }

    /// Leaves a span for the exporter; drops it when too many wait.
    fn leave(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.metrics.traces.dropped.inc();
        }
    }
}

/// The span of an intake request.
#[derive(Debug)]
pub(crate) struct Intake {
    on: Arc<On>,
    carried: Arc<Carried>,
    parent: Option<SpanId>,
    begun_us: i64,
    route: &'static str,
    kind: Kind,
    company_id: Option<i64>,
    accepted: Option<(EventId, bool)>,
}

impl Intake {
    /// The company is known now.
    pub(crate) fn of_company(&mut self, company_id: i64) {
        self.company_id = Some(company_id);
    }

    /// The event is durable, or was before.
    pub(crate) fn accepted(&mut self, event_id: EventId, replayed: bool) {
        self.accepted = Some((event_id, replayed));
    }

    /// One of the request's events is queued for the committer.
    pub(crate) fn queued(&self) -> Box<Waiting> {
        let queued_us = self.on.clock.boot_us();
        Box::new(Waiting {
            on: Arc::clone(&self.on),
            carried: Arc::clone(&self.carried),
            queued_us,
            begun_us: queued_us,
            ended_us: queued_us,
            writes: 0,
        })
    }

    /// The request was answered.
    pub(crate) fn end(self, status: StatusCode) {
        let context = &self.carried.context;
        if !context.is_sampled() {
            return;
        }
        let method = if self.kind == Kind::Correction {
            "PUT"
        } else {
            "POST"
        };
        let mut attributes = vec![
            ("http.request.method", Value::from(method)),
            ("http.route", Value::from(self.route)),
            (
                "http.response.status_code",
                Value::Integer(status.as_u16().into()),
            ),
            ("ringback.event.kind", Value::from(self.kind.name())),
        ];
        attributes.extend(
            self.company_id
                .map(|id| ("ringback.company.id", Value::Integer(id))),
        );
        if let Some((event_id, replayed)) = self.accepted {
            attributes.push(("ringback.event.id", Value::Text(event_id.to_string())));
            attributes.push(("ringback.event.replayed", Value::Boolean(replayed)));
        }
        // A request that was refused is a mistake of whoever sent it, not of the server.
        let failed = status.is_server_error();
        if failed {
            attributes.push(("error.type", Value::Text(status.as_u16().to_string())));
        }
        let offset_us = self.carried.offset_us;
        self.on.leave(Span {
            context: context.clone(),
            parent: self.parent,
            parent_is_remote: true,
            name: format!("{method} {}", self.route).into(),
            kind: SpanKind::Server,
            start_us: self.begun_us.saturating_add(offset_us),
            end_us: self.on.clock.boot_us().saturating_add(offset_us),
            attributes,
            failed,
        });
    }
}

/// An event on its way through the committer: the wait for its commit, and the commit with its fsync.
#[derive(Debug)]
pub(crate) struct Waiting {
    on: Arc<On>,
    carried: Arc<Carried>,
    queued_us: i64,
    begun_us: i64,
    ended_us: i64,
    writes: usize,
}

impl Waiting {
    /// A commit of so many writes lasted from one reading of the boot clock to the other.
    pub(crate) fn committed(&mut self, begun_us: i64, ended_us: i64, writes: usize) {
        (self.begun_us, self.ended_us, self.writes) = (begun_us, ended_us, writes);
    }

    /// The event is durable; answers what its sends belong to.
    pub(crate) fn end(&self, event: &NewEvent, event_id: Option<EventId>) -> Arc<Carried> {
        let mut attributes = vec![
            ("ringback.company.id", Value::Integer(event.company_id)),
            ("ringback.event.kind", Value::from(event.kind.name())),
        ];
        attributes.extend(event_id.map(|id| ("ringback.event.id", Value::Text(id.to_string()))));
        self.leave(attributes, self.ended_us, false);
        Arc::clone(&self.carried)
    }

    /// Whether the event is durable is not known.
    pub(crate) fn failed(&self) {
        let attributes = vec![("error.type", Value::from("store-failed"))];
        self.leave(attributes, self.on.clock.boot_us(), true);
    }

    fn leave(&self, mut attributes: Vec<(&'static str, Value)>, ended_us: i64, failed: bool) {
        let context = &self.carried.context;
        if !context.is_sampled() {
            return;
        }
        let waited_us = self.begun_us.saturating_sub(self.queued_us);
        attributes.push(("ringback.commit.wait_us", Value::Integer(waited_us)));
        attributes.push(("ringback.commit.writes", Value::count(self.writes)));
        let offset_us = self.carried.offset_us;
        self.on.leave(Span {
            context: context.child(),
            parent: Some(context.span_id),
            parent_is_remote: false,
            name: "commit".into(),
            kind: SpanKind::Internal,
            start_us: self.queued_us.saturating_add(offset_us),
            end_us: ended_us.saturating_add(offset_us),
            attributes,
            failed,
        });
    }
}

/// The span of a send.
#[derive(Debug)]
pub(crate) struct Sending {
    on: Arc<On>,
    context: Context,
    parent: Option<SpanId>,
    begun_us: i64,
    offset_us: i64,
}

impl Sending {
    /// What the receiver gets.
    pub(crate) fn headers(&self) -> Box<TraceHeaders> {
        Box::new(self.context.headers())
    }

    /// The send ended, at this reading of the boot clock.
    pub(crate) fn end(self, send: &Send, attempt: &Attempt, ended_us: i64) {
        if !self.context.is_sampled() {
            return;
        }
        let failed = attempt.outcome != Outcome::Acknowledged;
        self.on.leave(Span {
            context: self.context,
            parent: self.parent,
            parent_is_remote: false,
            name: "send".into(),
            kind: SpanKind::Client,
            start_us: self.begun_us.saturating_add(self.offset_us),
            end_us: ended_us.saturating_add(self.offset_us),
            attributes: of_send(send, attempt),
            failed,
        });
    }
}

fn of_send(send: &Send, attempt: &Attempt) -> Vec<(&'static str, Value)> {
    let outcome = attempt.outcome.name();
    let mut attributes = vec![
        ("http.request.method", Value::from("POST")),
        ("ringback.company.id", Value::Integer(send.endpoint.company_id)),
        ("ringback.event.id", Value::Text(send.event_id.to_string())),
        ("ringback.delivery.id", Value::Text(send.delivery.to_string())),
        ("ringback.endpoint.name", Value::Text(send.endpoint.name.clone())),
        ("ringback.send.n", Value::Integer(send.n.into())),
        ("ringback.send.outcome", Value::from(outcome)),
    ];
    if attempt.outcome != Outcome::Acknowledged {
        attributes.push(("error.type", Value::from(outcome)));
    }
    let status = attempt.status;
    attributes.extend(status.map(|status| ("http.response.status_code", Value::Integer(status.into()))));
    let address = attempt.address.as_ref();
    if let Some(address) = address.and_then(|address| address.parse::<SocketAddr>().ok()) {
        attributes.push(("network.peer.address", Value::Text(address.ip().to_string())));
        attributes.push(("network.peer.port", Value::Integer(address.port().into())));
    }
    attributes
}

#[cfg(test)]
mod tests;
