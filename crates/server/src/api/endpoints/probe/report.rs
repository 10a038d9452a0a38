//! What a test of an endpoint tells: what was sent, what came back, the verdict, and what to do.

use std::collections::BTreeMap;

use http::header::{self, HeaderMap, HeaderName};
use ringback_contract::kind::Kind;
use ringback_core::delivery::Outcome;
use ringback_core::endpoint::Settings;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::super::super::hint::{self, Facts, HintView};
use super::super::super::language::Language;
use super::super::super::names::{KindName, OutcomeName};
use super::verdict;
use crate::outbound::Probe;

/// What stands in the place of a value that may be a secret.
const HIDDEN: &str = "…";

/// The longest value of a header that is shown, in characters.
const HEADER_CHARACTERS: usize = 300;

/// The headers of an answer that help to understand it.
const OF_INTEREST: [HeaderName; 11] = [
    header::ALLOW,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::LOCATION,
    header::RETRY_AFTER,
    header::SERVER,
    header::TRANSFER_ENCODING,
    header::VIA,
    header::WWW_AUTHENTICATE,
];

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointTest {
    /// Which sample was sent.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// What was sent.
    request: SentRequest,
    /// What became of it.
    #[schema(value_type = OutcomeName)]
    outcome: Outcome,
    /// The HTTP status, where there was an answer.
    #[schema(example = 200)]
    status: Option<u16>,
    /// How long the exchange took.
    #[schema(example = 38)]
    duration_ms: u32,
    /// The address that was connected to; with an egress proxy the address that it was asked to connect to.
    #[schema(example = "203.0.113.7:443")]
    address: Option<String>,
    /// The headers of the answer that help to understand it, such as Content-Type; of Location no query.
    #[schema(example = json!({"content-type": "text/html"}))]
    response_headers: BTreeMap<String, String>,
    /// The beginning of the answer's body, up to 4 KiB; bytes that are no UTF-8 are replaced.
    #[schema(example = "success")]
    body_start: String,
    /// Why it failed, in one line of English.
    detail: Option<String>,
    /// One sentence: would a callback arrive?
    #[schema(example = "The receiver acknowledged with status 200: callbacks arrive.")]
    verdict: String,
    /// What to do, where it would not.
    hint: Option<HintView>,
}

/// What a test sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SentRequest {
    /// The address.
    #[schema(example = "https://crm.example.com/callback")]
    url: String,
    /// The headers; in the place of values that may be secrets stands "…".
    #[schema(example = json!({"content-type": "application/json;charset=utf-8", "authorization": "…"}))]
    headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    body: String,
}

impl EndpointTest {
    pub(super) fn of(
        kind: Kind,
        body: &[u8],
        probe: &Probe,
        settings: &Settings,
        language: Language,
    ) -> Self {
        let exchange = &probe.exchange;
        let location = location(&probe.received, &settings.url);
        let encoding = probe.received.get(header::CONTENT_ENCODING);
        let facts = Facts {
            outcome: exchange.outcome,
            status: exchange.status,
            detail: exchange.detail.as_ref(),
            body: &exchange.body_start,
            encoding: encoding.and_then(|value| value.to_str().ok()),
            location: location.as_deref(),
            is_https: settings.url.starts_with("https:"),
            ack_rule: settings.ack_rule,
            content_type: settings.content_type,
        };
        let hint = hint::hint(&facts).map(|hint| HintView::of(&hint, language));
        Self {
            kind,
            request: SentRequest {
                url: settings.url.clone(),
                headers: sent_headers(probe),
                body: String::from_utf8_lossy(body).into_owned(),
            },
            outcome: exchange.outcome,
            status: exchange.status,
            duration_ms: exchange.duration_ms,
            address: exchange.address.map(|address| address.to_string()),
            response_headers: received_headers(&probe.received, location),
            body_start: String::from_utf8_lossy(&exchange.body_start).into_owned(),
            detail: exchange.detail.as_ref().map(ToString::to_string),
            verdict: verdict::verdict(exchange, language),
            hint,
        }
    }
}

fn sent_headers(probe: &Probe) -> BTreeMap<String, String> {
    let shown = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let value = if value.is_sensitive() {
            HIDDEN.to_owned()
        } else {
            text(value.as_bytes())
        };
        (name.to_string(), value)
    };
    let mut headers: BTreeMap<_, _> = probe.sent.iter().map(shown).collect();
    if probe.fetches_token {
        headers.insert(header::AUTHORIZATION.to_string(), HIDDEN.to_owned());
    }
    headers
}

fn received_headers(received: &HeaderMap, location: Option<String>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<_, _> = OF_INTEREST
        .iter()
        .filter_map(|name| Some((name.to_string(), text(received.get(name)?.as_bytes()))))
        .collect();
    // A query may hold what its owner would not show.
    headers.remove(header::LOCATION.as_str());
    headers.extend(location.map(|location| (header::LOCATION.to_string(), location)));
    headers
}

/// Where a redirect leads to: without query, fragment and user name.
fn location(received: &HeaderMap, url: &str) -> Option<String> {
    let location = received.get(header::LOCATION)?.to_str().ok()?;
    let mut location = Url::parse(url).ok()?.join(location).ok()?;
    location.set_query(None);
    location.set_fragment(None);
    // Only of a URL that can have none does this fail.
    let _ = location.set_username("");
    let _ = location.set_password(None);
    Some(text(location.as_str().as_bytes()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(HEADER_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_location_is_shown_without_what_may_be_secret() {
        for (value, expected) in [
            ("/login?ticket=hidden#x", Some("https://crm.example/login")),
            ("login", Some("https://crm.example/api/login")),
            (
                "https://u:hidden@sso.example/cas?service=hidden",
                Some("https://sso.example/cas"),
            ),
            ("//sso.example", Some("https://sso.example/")),
            ("http://[", None),
        ] {
            let received = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(value))]);
            let location = location(&received, "https://crm.example/api/callback");
            assert_eq!(location.as_deref(), expected, "{value}");
            let shown = received_headers(&received, location);
            assert!(!format!("{shown:?}").contains("hidden"), "{shown:?}");
        }
    }
}
