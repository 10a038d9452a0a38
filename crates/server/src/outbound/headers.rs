//! The headers of a send: those that every send has, and which ones an endpoint may add.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::options::Message;

/// The event's id: the same on every send.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// The wall clock of this send, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures over id, timestamp and body.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Which send of the delivery this is, from 1.
pub const RINGBACK_SEND: HeaderName = HeaderName::from_static("ringback-send");

/// The trace and the span that a send belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What vendors on the way have added to a trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The `User-Agent` of every send.
pub const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("ringback/", env!("CARGO_PKG_VERSION")));

/// How many headers an endpoint may add.
pub const EXTRA_LIMIT: usize = 32;
/// How long the names and values of an endpoint's headers may be, all together, in bytes.
pub const EXTRA_BYTES_LIMIT: usize = 8 * 1024;

/// Names that an endpoint may not set: those that describe the message or the connection, and ringback's own.
const RESERVED: &[HeaderName] = &[
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

/// Reserved names for which there is no constant.
const RESERVED_TEXTS: &[&str] = &["http2-settings", "keep-alive", "proxy-connection"];

/// Prefixes of names that are ringback's own, those of later versions included.
const RESERVED_PREFIXES: &[&str] = &["webhook-", "ringback-"];

/// Why a header cannot be one of an endpoint's. The value is never shown: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// A name with characters that no header name has.
    #[error("{0:?} is not a valid header name")]
    Name(String),
    /// A value with control characters.
    #[error("the value of header {0} contains characters that a header cannot have")]
    Value(HeaderName),
    /// A name that ringback sets itself, or that belongs to the connection.
    #[error("header {0} is set by ringback and cannot be changed")]
    Reserved(HeaderName),
    /// The same name, in whatever case, more than once.
    #[error("header {0} is given twice")]
    Twice(HeaderName),
    /// More than [`EXTRA_LIMIT`] headers.
    #[error("at most {EXTRA_LIMIT} headers are allowed")]
    TooMany,
    /// More than [`EXTRA_BYTES_LIMIT`] bytes.
    #[error("the headers are longer than {EXTRA_BYTES_LIMIT} bytes together")]
    TooLong,
}

/// Reads the headers of an endpoint's settings. Values are marked as sensitive, so that no log shows them.
///
/// # Errors
/// [`HeaderProblem`] names the first header that cannot be sent.
pub fn parse<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<(HeaderName, HeaderValue)>, HeaderProblem> {
    let mut parsed = Vec::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| HeaderProblem::Name(shortened(name)))?;
        let Ok(mut value) = HeaderValue::try_from(value) else {
            return Err(HeaderProblem::Value(name));
        };
        value.set_sensitive(true);
        parsed.push((name, value));
    }
    check(&parsed)?;
    Ok(parsed)
}

/// Checks the headers that an endpoint adds to every send.
///
/// # Errors
/// [`HeaderProblem`] names the first header that cannot be sent.
pub fn check(headers: &[(HeaderName, HeaderValue)]) -> Result<(), HeaderProblem> {
    if headers.len() > EXTRA_LIMIT {
        return Err(HeaderProblem::TooMany);
    }
    if headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum::<usize>()
        > EXTRA_BYTES_LIMIT
    {
        return Err(HeaderProblem::TooLong);
    }
    for (at, (name, _)) in headers.iter().enumerate() {
        if is_reserved(name) {
            return Err(HeaderProblem::Reserved(name.clone()));
        }
        if headers[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(HeaderProblem::Twice(name.clone()));
        }
    }
    Ok(())
}

fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
        || RESERVED_TEXTS.contains(&name.as_str())
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
}

/// The headers that every send to one target has; `extra` has been checked. What differs from send to send has its
/// place here already, so that [`complete`] need not enlarge the map.
pub(super) fn base(
    host: HeaderValue,
    content_type: HeaderValue,
    extra: Vec<(HeaderName, HeaderValue)>,
) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(extra.len() + 9);
    map.insert(header::HOST, host);
    map.insert(header::USER_AGENT, USER_AGENT);
    map.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    map.insert(header::CONTENT_TYPE, content_type);
    for differs in [
        header::CONTENT_LENGTH,
        WEBHOOK_ID,
        WEBHOOK_TIMESTAMP,
        WEBHOOK_SIGNATURE,
        RINGBACK_SEND,
    ] {
        map.insert(differs, HeaderValue::from_static(""));
    }
    map.extend(extra);
    map
}

/// The headers of one send, and the body that they belong to.
pub(super) fn complete(base: &HeaderMap, message: Message) -> (HeaderMap, Bytes) {
    let mut map = base.clone();
    map.insert(header::CONTENT_LENGTH, HeaderValue::from(message.body.len()));
    map.insert(WEBHOOK_ID, message.webhook_id);
    map.insert(WEBHOOK_TIMESTAMP, message.webhook_timestamp);
    map.insert(WEBHOOK_SIGNATURE, message.webhook_signature);
    map.insert(RINGBACK_SEND, message.ringback_send);
    if let Some(trace) = message.trace {
        map.insert(TRACEPARENT, trace.parent);
        match trace.state {
            Some(state) => map.insert(TRACESTATE, state),
            // One that belongs to another trace says nothing of this one.
            None => map.remove(TRACESTATE),
        };
    }
    (map, message.body)
}

/// A text of the caller's for a message: its first 64 characters.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: Result<usize, &str>) {
        let found = parse(headers.iter().copied());
        let found = found
            .map(|headers| headers.len())
            .map_err(|problem| problem.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{headers:?}");
    }

    #[test]
    fn ordinary_headers_pass() {
        check(&[], Ok(0));
        check(
            &[
                ("Authorization", "Bearer x"),
                ("X-Api-Key", "k"),
                ("cookie", "a=b"),
                ("X-Name", "客户"),
            ],
            Ok(4),
        );
        check(&[("X-Empty", "")], Ok(1));
    }

    #[test]
    fn names_of_the_message_and_of_ringback_are_reserved() {
        for name in [
            "Content-Length",
            "content-type",
            "HOST",
            "Connection",
            "Keep-Alive",
            "Proxy-Connection",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "User-Agent",
            "Accept-Encoding",
            "Expect",
            "Proxy-Authorization",
            "Content-Encoding",
            "Webhook-Id",
            "webhook-timestamp",
            "webhook-signature",
            "webhook-anything",
            "ringback-send",
        ] {
            let text = format!(
                "header {} is set by ringback and cannot be changed",
                name.to_lowercase()
            );
            check(&[("x-fine", "1"), (name, "x")], Err(&text));
        }
    }

    #[test]
    fn what_cannot_be_sent_is_named_without_its_value() {
        check(&[("X Y", "1")], Err("\"X Y\" is not a valid header name"));
        check(&[("", "1")], Err("\"\" is not a valid header name"));
        check(
            &[("X-Key", "a\r\nHost: b")],
            Err("the value of header x-key contains characters that a header cannot have"),
        );
        check(
            &[("X-Key", "1"), ("x-key", "2")],
            Err("header x-key is given twice"),
        );
        let long = "v".repeat(EXTRA_BYTES_LIMIT);
        check(
            &[("X-Key", &long)],
            Err("the headers are longer than 8192 bytes together"),
        );
        let names = (0..33).map(|n| format!("x-{n}")).collect::<Vec<_>>();
        let many = names.iter().map(|name| (name.as_str(), "1")).collect::<Vec<_>>();
        check(&many, Err("at most 32 headers are allowed"));
        check(&many[..32], Ok(32));
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let headers = parse([("authorization", "Bearer hidden")]).unwrap();
        assert!(!format!("{headers:?}").contains("hidden"));
    }
}
