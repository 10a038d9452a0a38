//! Errors as HTTP answers: RFC 9457 problem details, and the one place where every error gets its status.
//!
//! A problem names the field, the kind of value that was found and what is allowed. It never repeats a value.

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ringback_contract::intake::{self, Invalid};
use ringback_core::store::Refusal;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::service::Unavailable;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What the `type` of every problem begins with.
const TYPE_PREFIX: &str = "urn:ringback:problem:";

macro_rules! problem_types {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        /// Every type of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Type {
            $($(#[$doc])* $name,)*
        }

        impl Type {
            /// Every type.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The last part of its `type`.
            pub(crate) const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// Its `title`.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problem_types! {
    /// The body could not be read to its end.
    BrokenBody = BAD_REQUEST, "broken-body", "The body did not arrive whole";
    /// No token, or none that is valid.
    Unauthorized = UNAUTHORIZED, "unauthorized", "A valid bearer token is needed";
    /// The token does not allow it.
    Forbidden = FORBIDDEN, "forbidden", "The token does not allow this";
    /// No route.
    NoRoute = NOT_FOUND, "no-route", "There is nothing at this path";
    /// No such company, or nobody has configured it.
    NoCompany = NOT_FOUND, "no-company", "There is no such company";
    /// No such endpoint.
    NoEndpoint = NOT_FOUND, "no-endpoint", "There is no such endpoint";
    /// No such event.
    NoEvent = NOT_FOUND, "no-event", "There is no such event";
    /// No such delivery.
    NoDelivery = NOT_FOUND, "no-delivery", "There is no such delivery";
    /// No such replay.
    NoReplay = NOT_FOUND, "no-replay", "There is no such replay";
    /// No such call.
    NoCall = NOT_FOUND, "no-call", "There is no such call";
    /// No such token.
    NoToken = NOT_FOUND, "no-token", "There is no such token";
    /// No such channel for alerts.
    NoAlertChannel = NOT_FOUND, "no-alert-channel", "There is no such channel for alerts";
    /// The route does not take the method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not take this method";
    /// The body took too long.
    BodyTimeout = REQUEST_TIMEOUT, "body-timeout", "The body did not arrive in time";
    /// An idempotency key came before with other content.
    IdempotencyConflict = CONFLICT, "idempotency-conflict", "The idempotency key was used for other content";
    /// The company still has endpoints.
    HasEndpoints = CONFLICT, "has-endpoints", "The company still has endpoints";
    /// The endpoint still has open deliveries.
    HasOpenDeliveries = CONFLICT, "has-open-deliveries", "The endpoint still has open deliveries";
    /// The endpoint's stored settings cannot be used any more.
    EndpointUnusable = CONFLICT, "endpoint-unusable", "The endpoint's settings cannot be used";
    /// The endpoint is disabled.
    EndpointDisabled = CONFLICT, "endpoint-disabled", "The endpoint is disabled";
    /// No endpoint of the company wants the event.
    NoEndpointFits = CONFLICT, "no-endpoint-fits", "No endpoint takes this event";
    /// The event has as many deliveries by resends and replays as it can have.
    ResentTooOften = CONFLICT, "resent-too-often", "The event was sent again too often";
    /// The company has as many endpoints as it can have.
    TooManyEndpoints = CONFLICT, "too-many-endpoints", "The company has too many endpoints";
    /// The company has as many channels for alerts as it can have.
    TooManyAlertChannels = CONFLICT, "too-many-alert-channels", "The company has too many channels for alerts";
    /// As many replays run or are paused as can be.
    TooManyReplays = CONFLICT, "too-many-replays", "There are too many replays";
    /// The replay is done or cancelled.
    ReplayEnded = CONFLICT, "replay-ended", "The replay has ended";
    /// A test of the endpoint, or of the channel for alerts, is under way.
    TestUnderWay = TOO_MANY_REQUESTS, "test-under-way", "A test is under way";
    /// The body is too large.
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The content type is none of those that the route takes.
    UnsupportedMedia = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This content type is not taken here";
    /// A field, a parameter or the whole body is not what is asked for.
    Invalid = UNPROCESSABLE_ENTITY, "invalid", "The request is not valid";
    /// The token makes too many requests.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "The token makes too many requests";
    /// The service itself failed: a stored record cannot be read as what it should be.
    Internal = INTERNAL_SERVER_ERROR, "internal", "The service failed";
    /// The committer is behind.
    Behind = SERVICE_UNAVAILABLE, "behind", "Too much waits to be written";
    /// The disk is nearly full.
    DiskNearlyFull = SERVICE_UNAVAILABLE, "disk-nearly-full", "The disk is nearly full";
    /// The store failed.
    StoreFailed = SERVICE_UNAVAILABLE, "store-failed", "The store failed";
    /// The service is shutting down.
    ShuttingDown = SERVICE_UNAVAILABLE, "shutting-down", "The service is shutting down";
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field, by its path; a parameter or header by its name; empty for the whole body.
    #[schema(example = "timeout")]
    pub(crate) field: String,
    /// What is wrong, in words.
    #[schema(example = "is a number; allowed is a duration from 1s to 60s")]
    pub(crate) detail: String,
    /// The kind of value that was found, where that is what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a number")]
    pub(crate) found: Option<String>,
    /// What is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a duration from 1s to 60s")]
    pub(crate) allowed: Option<String>,
}

impl FieldError {
    /// A value of a wrong kind, or out of bounds.
    pub(crate) fn wrong(field: &str, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        let (found, allowed) = (found.into(), allowed.into());
        Self {
            field: field.to_owned(),
            detail: format!("is {found}; allowed is {allowed}"),
            found: Some(found),
            allowed: Some(allowed),
        }
    }

    /// A required value is absent.
    pub(crate) fn missing(field: &str, allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        Self {
            field: field.to_owned(),
            detail: format!("is missing; there must be {allowed}"),
            found: None,
            allowed: Some(allowed),
        }
    }

    /// Anything else, in words.
    pub(crate) fn other(field: &str, detail: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            detail: detail.into(),
            found: None,
            allowed: None,
        }
    }

    fn sentence(&self) -> String {
        if self.field.is_empty() {
            format!("the body {}", self.detail)
        } else {
            format!("{}: {}", self.field, self.detail)
        }
    }
}

/// The kind of a JSON value, in the words of the contract.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What is wrong with a value: its kind, or that it is a number beyond the bounds that `allowed` names.
pub(crate) fn found(value: &Value, allowed: &str) -> &'static str {
    let is_out_of_range = match value {
        Value::Number(number) if allowed.starts_with("an integer from ") => {
            number.is_i64() || number.is_u64()
        }
        Value::Number(_) => allowed.starts_with("a number from "),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => false,
    };
    if is_out_of_range {
        OUT_OF_RANGE
    } else {
        kind_of(value)
    }
}

/// What is wrong with the end of a time.
pub(crate) const TO_BEFORE_FROM: &str = "is before from";

/// A number that is too small or too large.
pub(crate) const OUT_OF_RANGE: &str = "a number out of range";

/// An error on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What kind of problem.
    pub(crate) kind: Type,
    /// What happened here, in words.
    pub(crate) detail: String,
    /// The fields that are wrong.
    pub(crate) errors: Vec<FieldError>,
    /// When to come again, in seconds.
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem with nothing more to say than `detail`.
    pub(crate) fn new(kind: Type, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// A request with these mistakes; there is at least one.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.sentence(),
            several => format!("{} things are wrong: see errors", several.len()),
        };
        Self {
            errors,
            ..Self::new(Type::Invalid, detail)
        }
    }

    /// A problem about one field.
    pub(crate) fn about(kind: Type, error: FieldError) -> Self {
        Self {
            kind,
            ..Self::invalid(vec![error])
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{TYPE_PREFIX}{}", self.kind.slug()))?;
        map.serialize_entry("title", self.kind.title())?;
        map.serialize_entry("status", &self.kind.status().as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        if let [only] = self.errors.as_slice() {
            map.serialize_entry("field", &only.field)?;
        }
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Type::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.kind, Type::BrokenBody | Type::BodyTimeout | Type::TooLarge) {
            // The rest of the body is not read, so nothing more can come on this connection.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The schema of a problem, for the OpenAPI document; [`Problem`] is what serialises.
#[derive(ToSchema)]
#[schema(as = Problem, description = "An error, as RFC 9457 problem details. It never repeats a value of the request.")]
#[expect(dead_code, reason = "it only describes what Problem writes")]
pub(crate) struct ProblemSchema {
    /// The type of problem: `urn:ringback:problem:` and a name that does not change.
    #[schema(example = "urn:ringback:problem:invalid")]
    r#type: String,
    /// The type in words.
    #[schema(example = "The request is not valid")]
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened here.
    #[schema(example = "timeout: is a number; allowed is a duration from 1s to 60s")]
    detail: String,
    /// The field, where exactly one is wrong.
    #[schema(example = "timeout")]
    field: Option<String>,
    /// Everything that is wrong.
    errors: Option<Vec<FieldError>>,
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let detail = invalid.problem.to_string();
        let (found, allowed) = match invalid.problem {
            intake::Problem::WrongType { found, allowed } => (Some(found.to_string()), Some(allowed)),
            intake::Problem::Missing { allowed } | intake::Problem::WrongDataType { allowed } => {
                (None, Some(allowed))
            }
            _ => (None, None),
        };
        Self::invalid(vec![FieldError {
            field: invalid.field,
            detail,
            found,
            allowed: allowed.map(str::to_owned),
        }])
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let (kind, detail) = match unavailable {
            Unavailable::Behind => (Type::Behind, "too much waits for the store: repeat the request"),
            Unavailable::DiskNearlyFull => (
                Type::DiskNearlyFull,
                "nothing new is taken in until there is room on the disk",
            ),
            Unavailable::StoreFailed => (
                Type::StoreFailed,
                "it is not known whether the request took effect: repeat it; an intake that did is recognised",
            ),
            Unavailable::ShuttingDown => (Type::ShuttingDown, "nothing new is taken in: repeat the request"),
        };
        Self {
            retry_after_s: Some(unavailable.retry_after_s()),
            ..Self::new(kind, detail)
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoCompany => Self::new(Type::NoCompany, "no such company, or nobody has configured it"),
            Refusal::NoEndpoint => Self::new(Type::NoEndpoint, "the company has no endpoint of this name"),
            Refusal::NoDelivery => Self::new(Type::NoDelivery, "no delivery has this id"),
            Refusal::HasEndpoints => Self::new(Type::HasEndpoints, "delete its endpoints first"),
            Refusal::HasOpen { at_least } => Self::new(
                Type::HasOpenDeliveries,
                format!("{at_least} deliveries or more are pending or parked: ?cancelOpen=true cancels them"),
            ),
            Refusal::Disabled => Self::new(Type::EndpointDisabled, "enable the endpoint first"),
            Refusal::NoneFits => Self::new(
                Type::NoEndpointFits,
                "no endpoint of the company has this kind of event in its callbacks",
            ),
            Refusal::Unstorable => Self::new(
                Type::Internal,
                "the store cannot keep this request: the log of the service says why",
            ),
            Refusal::ResentTooOften => Self::new(
                Type::ResentTooOften,
                format!(
                    "resends and replays have made {} deliveries of the event, which is the most",
                    ringback_core::limits::RESENDS_PER_EVENT
                ),
            ),
            Refusal::TooManyEndpoints => Self::new(
                Type::TooManyEndpoints,
                format!(
                    "a company has at most {} endpoints",
                    ringback_core::limits::ENDPOINTS_PER_COMPANY
                ),
            ),
            Refusal::NoReplay => Self::new(Type::NoReplay, "no replay has this id"),
            Refusal::TooManyReplays => Self::new(
                Type::TooManyReplays,
                format!(
                    "at most {} replays are running or paused: wait for one, or cancel one",
                    ringback_core::limits::REPLAYS_OPEN
                ),
            ),
        }
    }
}

/// The header that a 405 needs is set by the router; this gives the body.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        Type::MethodNotAllowed,
        "the methods that this path takes are in the header Allow",
    )
}

/// For paths that match no route.
pub(crate) async fn no_route() -> Problem {
    Problem::new(Type::NoRoute, "the API is described at /v1/openapi.json")
}

#[cfg(test)]
mod tests;
