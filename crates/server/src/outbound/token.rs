//! Access tokens of one target by OAuth 2.0 client credentials (RFC 6749, section 4.4): asked for, kept until shortly
//! before they end, and never fetched twice at a time.
//!
//! What the token address answers is never part of an outcome: it may hold secrets. Only the error codes of the
//! standard, a closed list, are passed on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use ringback_core::credentials::{ClientAuth, OAuth2};
use ringback_core::limits;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::answer::{Seen, Verdict};
use super::connection::Outgoing;
use super::exchange::{Detail, TokenFault};
use super::headers::USER_AGENT;
use super::outcome::Outcome;
use super::target::Target;
use crate::clock::{Clock, after};

/// The error codes that a token server may answer (RFC 6749, section 5.2).
const ERROR_CODES: &[&str] = &[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// Where a target's tokens come from, and the one that is used now.
pub(super) struct Tokens {
    /// The token address; it has no tokens itself.
    pub(super) target: Target,
    body: Bytes,
    state: Mutex<State>,
    /// Fetches that have ended. Who waited while one ended takes its result.
    ended: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// What became of the last fetch, if it failed.
    failed: Option<Failed>,
}

/// A token, ready to be sent.
#[derive(Clone)]
pub(super) struct Token {
    /// The value of the `Authorization` header.
    pub(super) authorization: HeaderValue,
    /// The reading of the boot clock when it was asked for.
    asked_us: i64,
    /// The reading of the boot clock from which on it is no longer used.
    until_us: i64,
}

/// Why there is no token: the verdict on the send that needed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    pub(super) fault: TokenFault,
}

impl From<Failed> for Verdict {
    fn from(failed: Failed) -> Self {
        (failed.outcome, Some(Detail::Token(failed.fault)))
    }
}

impl Token {
    /// Whether a 401 is a reason to fetch another: it is not if this one was fetched just now.
    pub(super) fn is_worth_another(&self, clock: &dyn Clock) -> bool {
        clock.boot_us() >= after(self.asked_us, Duration::from_millis(limits::TOKEN_AGE_LEAST_MS))
    }
}

impl Tokens {
    /// Tokens from `target`, a token address of `host`, for the client of these settings.
    pub(super) fn new(mut target: Target, oauth2: &OAuth2) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &oauth2.scope {
            form.append_pair("scope", scope);
        }
        if let Some(audience) = &oauth2.audience {
            form.append_pair("audience", audience);
        }
        let mut headers = HeaderMap::new();
        match oauth2.auth {
            ClientAuth::Basic => {
                headers.insert(header::AUTHORIZATION, client_basic(oauth2));
            }
            ClientAuth::Body => {
                form.append_pair("client_id", &oauth2.client_id);
                form.append_pair("client_secret", &oauth2.client_secret);
            }
        }
        let body = Bytes::from(form.finish());
        for (name, value) in [
            (header::USER_AGENT, USER_AGENT),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (header::CONTENT_LENGTH, HeaderValue::from(body.len())),
        ] {
            headers.insert(name, value);
        }
        target.replace_headers(headers);
        Self {
            target,
            body,
            state: Mutex::default(),
            ended: AtomicU64::new(0),
        }
    }

    /// The request for a token.
    pub(super) fn request(&self) -> Outgoing {
        self.target.request_with(self.body.clone())
    }

    /// A token: the one that is kept, unless it ends or is the `refused` one, or one by `fetch`. While it is fetched all
    /// others wait; what comes of it is theirs too.
    pub(super) async fn get(
        &self,
        clock: &dyn Clock,
        refused: Option<&Token>,
        fetch: impl Future<Output = Result<Token, Failed>>,
    ) -> Result<Token, Failed> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let has_waited = self.ended.load(Ordering::Acquire) != ended;
        if has_waited && let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        let is_refused = |token: &Token| refused.is_some_and(|refused| refused.asked_us == token.asked_us);
        if let Some(token) = &state.token
            && (has_waited || clock.boot_us() < token.until_us)
            && !is_refused(token)
        {
            return Ok(token.clone());
        }
        let fetched = fetch.await;
        *state = match &fetched {
            Ok(token) => State {
                token: Some(token.clone()),
                failed: None,
            },
            Err(failed) => State {
                token: None,
                failed: Some(failed.clone()),
            },
        };
        self.ended.fetch_add(1, Ordering::Release);
        fetched
    }
}

/// What came of a request for a token that began at `asked_us`.
pub(super) fn read(verdict: Verdict, seen: &Seen, asked_us: i64) -> Result<Token, Failed> {
    let refused = |fault| Failed {
        outcome: Outcome::Refused,
        fault,
    };
    match verdict {
        (Outcome::Acknowledged | Outcome::NotAcknowledged, None) => {
            token(seen.body_bytes(), asked_us).map_err(|()| refused(TokenFault::Answer))
        }
        (Outcome::Acknowledged | Outcome::NotAcknowledged, Some(_)) => Err(refused(TokenFault::Answer)),
        (Outcome::Refused, _) => Err(refused(TokenFault::Refused {
            status: seen.status.unwrap_or_default(),
            code: error_code(seen.body_bytes()),
        })),
        (outcome, detail) => Err(Failed {
            outcome,
            fault: detail.map_or(TokenFault::Answer, |detail| {
                TokenFault::Exchange(Box::new(detail))
            }),
        }),
    }
}

/// An answer with a token (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

fn token(body: &[u8], asked_us: i64) -> Result<Token, ()> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| ())?;
    let is_bearer = answer
        .token_type
        .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let text = answer.access_token;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_bearer || !is_plain || text.len() > limits::CREDENTIAL_SECRET_BYTES {
        return Err(());
    }
    let mut authorization = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| ())?;
    authorization.set_sensitive(true);
    let life_ms = life_ms(answer.expires_in.as_ref());
    let margin_ms = limits::TOKEN_MARGIN_MS.min(life_ms / 2);
    Ok(Token {
        authorization,
        asked_us,
        until_us: after(asked_us, Duration::from_millis(life_ms - margin_ms)),
    })
}

/// How long a token lasts, in milliseconds. Some servers write the number as a text.
fn life_ms(expires_in: Option<&Value>) -> u64 {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_u64().or_else(|| number.as_i64().map(|_negative| 0)),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    seconds
        .map_or(limits::TOKEN_LIFE_MS, |seconds| seconds.saturating_mul(1_000))
        .min(limits::TOKEN_LIFE_MS_MOST)
}

fn error_code(body: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    ERROR_CODES.iter().find(|code| **code == refusal.error).copied()
}

/// The client's id and secret, each encoded before they are joined (RFC 6749, section 2.3.1).
fn client_basic(oauth2: &OAuth2) -> HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    basic(&encode(&oauth2.client_id), &encode(&oauth2.client_secret))
}

/// A user name and a password as the value of an `Authorization` header (RFC 7617).
pub(super) fn basic(username: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    // Base64 is always a header's value.
    let value = HeaderValue::try_from(format!("Basic {encoded}"));
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer's life in seconds and what the token is sent as; `None` where it is none.
    #[track_caller]
    fn check(body: &str, expected: Option<(i64, &str)>) {
        let found = token(body.as_bytes(), 1_000_000).ok();
        let found = found.as_ref().map(|token| {
            assert!(token.authorization.is_sensitive());
            (
                (token.until_us - 1_000_000) / 1_000_000,
                token.authorization.to_str().unwrap(),
            )
        });
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn answers_with_a_token_are_read() {
        check(
            r#"{"access_token":"t","token_type":"Bearer","expires_in":3600,"scope":"x"}"#,
            Some((3570, "Bearer t")),
        );
        check(
            r#"{"access_token":"t","token_type":"bearer","expires_in":"60"}"#,
            Some((30, "Bearer t")),
        );
        check(r#"{"access_token":"t"}"#, Some((270, "Bearer t")));
        check(
            r#"{"access_token":"t","expires_in":null}"#,
            Some((270, "Bearer t")),
        );
        check(r#"{"access_token":"t","expires_in":10}"#, Some((5, "Bearer t")));
        check(r#"{"access_token":"t","expires_in":0}"#, Some((0, "Bearer t")));
        check(r#"{"access_token":"t","expires_in":-5}"#, Some((0, "Bearer t")));
        check(
            r#"{"access_token":"t","expires_in":18446744073709551615}"#,
            Some((86_370, "Bearer t")),
        );
    }

    #[test]
    fn what_is_no_token_is_none() {
        for body in [
            "",
            "t",
            "{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nHost: b"}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
            "access_token=t&token_type=bearer",
        ] {
            check(body, None);
        }
        check(&format!(r#"{{"access_token":"{}"}}"#, "t".repeat(8193)), None);
    }

    #[test]
    fn only_the_codes_of_the_standard_are_passed_on() {
        for (body, expected) in [
            (r#"{"error":"invalid_client"}"#, Some("invalid_client")),
            (
                r#"{"error":"invalid_scope","error_description":"hidden"}"#,
                Some("invalid_scope"),
            ),
            (r#"{"error":"hidden"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(error_code(body.as_bytes()), expected, "{body}");
        }
    }
}
