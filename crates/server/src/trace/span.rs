//! A span that has ended.

use std::borrow::Cow;

use super::context::{Context, SpanId};

/// What it is, by the numbers of the OTLP enumeration `SpanKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum SpanKind {
    /// Within the service.
    Internal = 1,
    /// A request to the service.
    Server = 2,
    /// A request of the service.
    Client = 3,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Name(&'static str),
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl Value {
    pub(super) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<&'static str> for Value {
    fn from(name: &'static str) -> Self {
        Self::Name(name)
    }
}

/// A span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its own place in the trace.
    pub(super) context: Context,
    pub(super) parent: Option<SpanId>,
    /// Whether the parent is another service's.
    pub(super) parent_is_remote: bool,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    /// Wall clock in microseconds since 1970.
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// What happened is an error; `error.type` says which.
    pub(super) failed: bool,
}
