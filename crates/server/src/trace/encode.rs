//! Spans as OTLP/JSON: the message `ExportTraceServiceRequest` of opentelemetry-proto in the JSON form of Protocol Buffers,
//! with the deviations that the OTLP specification names: ids are hexadecimal, enumerations are numbers, 64-bit integers are
//! texts.

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::context::Hex;
use super::span::{Span, Value};

/// Of the field `flags`: whether the parent is remote is known.
const HAS_IS_REMOTE: u32 = 0x100;
/// Of the field `flags`: the parent is remote.
const IS_REMOTE: u32 = 0x200;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The request that tells these spans; `instance` tells this process from others.
pub(super) fn request(spans: &[Span], instance: &str) -> Bytes {
    let text = |key, value| Attribute {
        key,
        value: AnyValue::String(value),
    };
    let request = Request {
        resource_spans: [ResourceSpans {
            resource: Resource {
                attributes: [
                    text("service.name", "ringback"),
                    text("service.version", env!("CARGO_PKG_VERSION")),
                    text("service.instance.id", instance),
                ],
            },
            scope_spans: [ScopeSpans {
                scope: Scope {
                    name: "ringback",
                    version: env!("CARGO_PKG_VERSION"),
                },
                spans: spans.iter().map(OtlpSpan::of).collect(),
            }],
        }],
    };
    // Writing to memory does not fail, and every key is a text.
    Bytes::from(serde_json::to_vec(&request).unwrap_or_default())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: [Attribute<'a>; 3],
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<OtlpSpan<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan<'a> {
    #[serde(serialize_with = "shown")]
    trace_id: Hex<'a>,
    #[serde(serialize_with = "shown")]
    span_id: Hex<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    parent_span_id: Option<Hex<'a>>,
    flags: u32,
    name: &'a str,
    kind: u8,
    #[serde(serialize_with = "shown")]
    start_time_unix_nano: i64,
    #[serde(serialize_with = "shown")]
    end_time_unix_nano: i64,
    attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl<'a> OtlpSpan<'a> {
    fn of(span: &'a Span) -> Self {
        let context = &span.context;
        let remote = if span.parent_is_remote && span.parent.is_some() {
            HAS_IS_REMOTE | IS_REMOTE
        } else {
            HAS_IS_REMOTE
        };
        Self {
            trace_id: Hex(&context.trace_id),
            span_id: Hex(&context.span_id),
            trace_state: context.state.as_ref().and_then(|state| state.to_str().ok()),
            parent_span_id: span.parent.as_ref().map(|parent| Hex(parent)),
            flags: u32::from(context.flags) | remote,
            name: &span.name,
            kind: span.kind as u8,
            start_time_unix_nano: span.start_us.saturating_mul(1_000),
            end_time_unix_nano: span.end_us.saturating_mul(1_000),
            attributes: span.attributes.iter().map(Attribute::of).collect(),
            status: span.failed.then_some(Status { code: ERROR }),
        }
    }
}

#[derive(Serialize)]
struct Status {
    code: u8,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'static str,
    value: AnyValue<'a>,
}

impl<'a> Attribute<'a> {
    fn of((key, value): &'a (&'static str, Value)) -> Self {
        let value = match value {
            Value::Name(name) => AnyValue::String(name),
            Value::Text(text) => AnyValue::String(text),
            Value::Integer(number) => AnyValue::Int(*number),
            Value::Boolean(boolean) => AnyValue::Bool(*boolean),
        };
        Self { key, value }
    }
}

#[derive(Serialize)]
enum AnyValue<'a> {
    #[serde(rename = "stringValue")]
    String(&'a str),
    #[serde(rename = "intValue", serialize_with = "shown")]
    Int(i64),
    #[serde(rename = "boolValue")]
    Bool(bool),
}

fn shown<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn shown_option<S: Serializer>(value: &Option<Hex<'_>>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::super::context::Context;
    use super::super::span::SpanKind;
    use super::*;

    fn span() -> Span {
        Span {
            context: Context {
                trace_id: [0x5b; 16],
                span_id: [0xee; 8],
                flags: 3,
                state: Some(HeaderValue::from_static("vendor=1")),
            },
            parent: Some([0x0a; 8]),
            parent_is_remote: true,
            name: "send".into(),
            kind: SpanKind::Client,
            start_us: 1_544_712_660_000_000,
            end_us: 1_544_712_661_000_001,
            attributes: vec![
                ("a.name", Value::from("n")),
                ("a.text", Value::Text("\"t\"".to_owned())),
                ("a.number", Value::Integer(-7)),
                ("a.boolean", Value::Boolean(true)),
            ],
            failed: true,
        }
    }

    /// Field names and forms as opentelemetry-proto's `trace.proto` and `examples/trace.json` have them.
    #[test]
    fn a_span_is_written_as_the_protocol_has_it() {
        let span = span();
        let root = Span {
            context: Context {
                state: None,
                flags: 1,
                ..span.context.clone()
            },
            parent: None,
            attributes: Vec::new(),
            failed: false,
            ..span.clone()
        };
        let found: serde_json::Value = serde_json::from_slice(&request(&[span, root], "i1")).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let expected = json!({"resourceSpans": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "ringback"}},
                {"key": "service.version", "value": {"stringValue": version}},
                {"key": "service.instance.id", "value": {"stringValue": "i1"}},
            ]},
            "scopeSpans": [{
                "scope": {"name": "ringback", "version": version},
                "spans": [
                    {
                        "traceId": "5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b",
                        "spanId": "eeeeeeeeeeeeeeee",
                        "traceState": "vendor=1",
                        "parentSpanId": "0a0a0a0a0a0a0a0a",
                        "flags": 0x303,
                        "name": "send",
                        "kind": 3,
                        "startTimeUnixNano": "1544712660000000000",
                        "endTimeUnixNano": "1544712661000001000",
                        "attributes": [
                            {"key": "a.name", "value": {"stringValue": "n"}},
                            {"key": "a.text", "value": {"stringValue": "\"t\""}},
                            {"key": "a.number", "value": {"intValue": "-7"}},
                            {"key": "a.boolean", "value": {"boolValue": true}},
                        ],
                        "status": {"code": 2},
                    },
                    {
                        "traceId": "5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b",
                        "spanId": "eeeeeeeeeeeeeeee",
                        "flags": 0x101,
                        "name": "send",
                        "kind": 3,
                        "startTimeUnixNano": "1544712660000000000",
                        "endTimeUnixNano": "1544712661000001000",
                        "attributes": [],
                    },
                ],
            }],
        }]});
        assert_eq!(found, expected);
    }
}
