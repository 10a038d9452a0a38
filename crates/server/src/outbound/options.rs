//! What a client is made from, and what it is given to send.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use super::bind::Bind;
use super::policy::AddressPolicy;
use super::proxy::Proxy;
use super::resolve::{Resolve, SystemResolver};
use super::tls::CaProblem;
use crate::clock::Clock;

/// What holds for all targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a new connection may take: name, TCP and TLS together, in milliseconds.
    pub connect_ms: u32,
    /// How long a connection may be idle, in milliseconds. Common receivers close theirs after 5 s.
    pub idle_ms: u32,
    /// How many idle connections one target keeps.
    pub idle_per_target: usize,
    /// How many idle connections there are at most, over all targets.
    pub idle_total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            idle_ms: 4_000,
            idle_per_target: 64,
            idle_total: 1_024,
        }
    }
}

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it may connect to.
    pub policy: AddressPolicy,
    /// Authorities that the installation trusts besides the public ones (`RINGBACK_TLS_CA`): a PEM text.
    pub tls_ca: Option<String>,
    /// The clock on which all limits run.
    pub clock: Arc<dyn Clock>,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
    /// What holds for all targets.
    pub limits: Limits,
    /// Where connections come from (`RINGBACK_OUTBOUND_BIND`).
    pub bind: Bind,
    /// What connections go through (`RINGBACK_OUTBOUND_PROXY`).
    pub proxy: Option<Proxy>,
}

impl Options {
    /// The defaults: public addresses and public authorities only, the system's resolver.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            policy: AddressPolicy::default(),
            tls_ca: None,
            clock,
            resolver: Arc::new(SystemResolver),
            limits: Limits::default(),
            bind: Bind::default(),
            proxy: None,
        }
    }
}

/// Why there can be no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundProblem {
    /// The authorities of the installation.
    #[error("RINGBACK_TLS_CA: {0}")]
    TlsCa(CaProblem),
}

/// What is sent: the body, and the headers that differ from send to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// The body; not copied.
    pub body: Bytes,
    /// The event's id.
    pub webhook_id: HeaderValue,
    /// The wall clock of this send in seconds.
    pub webhook_timestamp: HeaderValue,
    /// The signatures, separated by spaces.
    pub webhook_signature: HeaderValue,
    /// The number of this send, from 1.
    pub ringback_send: HeaderValue,
    /// What it belongs to, where it is traced. Boxed, since it is rarely there.
    pub trace: Option<Box<TraceHeaders>>,
}

/// The context of a trace, as W3C Trace Context passes it on. Both take the place of headers of the endpoint.
#[derive(Clone, Debug)]
pub struct TraceHeaders {
    /// `traceparent`.
    pub parent: HeaderValue,
    /// `tracestate`, where there is one.
    pub state: Option<HeaderValue>,
}
