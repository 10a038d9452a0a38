//! What a PUT of an endpoint says, and the settings that follow from it.

mod check;
mod credentials;
mod origin;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ringback_contract::ack::AckRule;
use ringback_contract::duration;
use ringback_contract::schedule::Schedule;
use ringback_contract::webhook::Secret;
use ringback_contract::wire;
use ringback_core::company::Kinds;
use ringback_core::endpoint::{Breaker, ContentType, Order, Profile, RateLimit, Settings, SigningSecret};
use ringback_core::limits;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::companies::kinds;
use super::super::fields::{Fields, Given, shown};
use super::super::names::{
    AckRuleName, BreakerName, ContentTypeName, KindName, OrderName, ProfileName, ScheduleSchema,
};
use super::super::problem::{FieldError, Problem, kind_of};
use crate::outbound::Outbound;
use crate::random;
pub(crate) use credentials::ClientAuthName;
use credentials::{CertificateInput, CertificateSchema, CredentialsInput, CredentialsSchema};

/// The settings of an endpoint. A PUT replaces all of them: what is absent, or null, becomes its default. The secrets are
/// kept where they are absent: `secret`, `credentials`, `clientCertificate`, and the value of a header whose value is null. Where
/// `url` names another scheme, host or port than before, they must be given again, `secret` aside, which is never sent.
#[derive(Debug, Default, ToSchema)]
#[schema(as = EndpointSettings, rename_all = "camelCase")]
pub(crate) struct EndpointInput {
    /// Where callbacks are POSTed to: http or https, without credentials and fragment.
    #[schema(value_type = String, example = "https://crm.example.com/callback")]
    url: Option<String>,
    /// The kinds that go there. Default: call, correction and inbound.
    #[schema(value_type = Option<Vec<KindName>>)]
    callbacks: Given<Kinds>,
    /// A disabled endpoint parks what is meant for it. Default: true.
    #[schema(value_type = Option<bool>)]
    enabled: Given<bool>,
    /// When an answer counts as an acknowledgement. Default: success; with profile v2 success-or-code.
    #[schema(value_type = Option<AckRuleName>)]
    ack_rule: Given<AckRule>,
    /// When a failed send is repeated. Default: seed; with profile v2 v2.
    #[schema(value_type = Option<ScheduleSchema>)]
    schedule: Given<Schedule>,
    /// The fraction of a gap, 0 to 1, that may be added to it at random. Default: 0.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    jitter: Given<f64>,
    /// The limit of a whole exchange, from 1s to 60s. Default: 15s.
    #[schema(value_type = Option<String>, example = "15s")]
    timeout: Given<u32>,
    /// The content type. Default: json.
    #[schema(value_type = Option<ContentTypeName>)]
    content_type: Given<ContentType>,
    /// The shape of the body. A delivery keeps the one that it was made with. Default: v1.
    #[schema(value_type = Option<ProfileName>)]
    profile: Given<Profile>,
    /// Whether events of one key wait for each other. Default: key.
    #[schema(value_type = Option<OrderName>)]
    order: Given<Order>,
    /// With order key-hold: how long no call of the job may have been accepted before its status 2 or 6 goes, from 0s to
    /// 5m and at most `holdLimit`. Default: 5s.
    #[schema(value_type = Option<String>, example = "5s")]
    hold_quiet: Given<u64>,
    /// With order key-hold: how long a job's status 2 or 6 waits for the job's calls at most, from 1s to 24h. Default: 10m.
    #[schema(value_type = Option<String>, example = "10m")]
    hold_limit: Given<u64>,
    /// Sends that may be in flight at once. Default: 32.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1024)]
    max_in_flight: Given<u32>,
    /// A bound on the rate of sends. Default: none.
    #[schema(value_type = Option<RateLimitSchema>)]
    rate_limit: Given<RateLimit>,
    /// Whether failures in a row pause the endpoint. Default: on.
    #[schema(value_type = Option<BreakerName>)]
    breaker: Given<Breaker>,
    /// The job statuses that are sent, where `callbacks` has job. Default: 2, 4, 5, 9, 10.
    #[schema(value_type = Option<Vec<i64>>, example = json!([2, 4, 5, 9, 10]))]
    job_statuses: Given<Vec<i64>>,
    /// Headers added to every send. A null keeps the value that the header has now.
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>, example = json!({"Authorization": "Bearer …"}))]
    headers: Given<BTreeMap<String, Option<String>>>,
    /// The Standard Webhooks secret: `whsec_` and the Base64 of 24 to 64 bytes. It takes the place of all others at once;
    /// to change it without a gap there is `/secret/rotate`. Null makes a new one. Never shown again.
    #[schema(value_type = Option<String>, write_only)]
    secret: Given<String>,
    /// A private certificate authority, PEM. Default: none.
    #[schema(value_type = Option<String>)]
    tls_ca: Given<String>,
    /// What goes into the Authorization header of every send. Absent: kept, unless `url` leads elsewhere; null: removed.
    #[schema(value_type = Option<CredentialsSchema>)]
    credentials: Given<CredentialsInput>,
    /// The certificate that is shown where the receiver asks for one (mTLS). Absent: kept, unless `url` leads elsewhere; null:
    /// removed.
    #[schema(value_type = Option<CertificateSchema>)]
    client_certificate: Given<CertificateInput>,
}

/// A bound on the rate of sends.
#[derive(ToSchema)]
#[schema(as = RateLimit, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes the core's RateLimit")]
pub(crate) struct RateLimitSchema {
    /// Sends per second in the long run.
    #[schema(minimum = 0.01, maximum = 10_000, example = 10)]
    per_second: f64,
    /// Sends that may go at once after a pause. Default: what goes in a second.
    #[schema(minimum = 1, maximum = 10_000, example = 20)]
    burst: Option<u32>,
}

/// What follows from a PUT.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The settings, whole.
    pub(crate) settings: Settings,
    /// A secret that was made, to be shown once.
    pub(crate) made_secret: Option<String>,
}

const MEMBERS: [&str; 21] = [
    "url",
    "callbacks",
    "enabled",
    "ackRule",
    "schedule",
    "jitter",
    "timeout",
    "contentType",
    "profile",
    "order",
    "holdQuiet",
    "holdLimit",
    "maxInFlight",
    "rateLimit",
    "breaker",
    "jobStatuses",
    "headers",
    "secret",
    "tlsCa",
    credentials::CREDENTIALS,
    credentials::CLIENT_CERTIFICATE,
];

const MAX_IN_FLIGHT_MOST: u64 = 1024;
const RATE_MOST: u32 = 10_000;
const RATE_LEAST: f64 = 0.01;
const JOB_STATUSES_MOST: usize = 64;
const TLS_CA_BYTES: usize = 64 * 1024;

/// Reads a PUT's body and applies it to the endpoint as it is, if there is one. Every mistake is told at once.
pub(crate) fn apply(
    body: &[u8],
    present: Option<&Settings>,
    outbound: &Outbound,
) -> Result<Applied, Problem> {
    let mut fields = Fields::of_body(body, &MEMBERS)?;
    let input = EndpointInput::read(&mut fields);
    let applied = input.into_settings(present, &mut fields);
    check::hold(&applied.settings, &mut fields);
    check::with_outbound(&applied.settings, &mut fields, outbound);
    fields.finish().map(|()| applied)
}

impl EndpointInput {
    fn read(fields: &mut Fields) -> Self {
        let boolean = "true or false";
        Self {
            url: fields.require("url", "an http or https URL", |value| {
                value.as_str().map(str::to_owned)
            }),
            callbacks: fields.take_or("callbacks", kinds),
            enabled: fields.take("enabled", boolean, Value::as_bool),
            ack_rule: one_of(fields, "ackRule", &AckRule::ALL.map(|it| (it.name(), it))),
            schedule: fields.take_or("schedule", schedule),
            jitter: fields.take("jitter", "a number from 0 to 1", |value| {
                value.as_f64().filter(|jitter| (0.0..=1.0).contains(jitter))
            }),
            timeout: fields.take("timeout", "a duration from 1s to 60s, such as \"15s\"", timeout),
            content_type: one_of(
                fields,
                "contentType",
                &[("json", ContentType::Json), ("text", ContentType::Text)],
            ),
            profile: one_of(fields, "profile", &[("v1", Profile::V1), ("v2", Profile::V2)]),
            order: one_of(
                fields,
                "order",
                &[
                    ("none", Order::None),
                    ("key", Order::Key),
                    ("key-hold", Order::KeyHold),
                ],
            ),
            hold_quiet: fields.take("holdQuiet", "a duration from 0s to 5m, such as \"5s\"", |value| {
                duration_within(value, 0..=limits::HOLD_QUIET_MS_MOST)
            }),
            hold_limit: fields.take(
                "holdLimit",
                "a duration from 1s to 24h, such as \"10m\"",
                |value| duration_within(value, limits::HOLD_LIMIT_MS_LEAST..=limits::HOLD_LIMIT_MS_MOST),
            ),
            max_in_flight: fields.take("maxInFlight", "an integer from 1 to 1024", |value| {
                let most = value
                    .as_u64()
                    .filter(|most| (1..=MAX_IN_FLIGHT_MOST).contains(most))?;
                u32::try_from(most).ok()
            }),
            rate_limit: fields.take_or("rateLimit", rate_limit),
            breaker: one_of(fields, "breaker", &[("on", Breaker::On), ("off", Breaker::Off)]),
            job_statuses: fields.take("jobStatuses", "a list of up to 64 integers", job_statuses),
            headers: fields.take_or("headers", header_texts),
            secret: fields.take_or("secret", secret),
            tls_ca: fields.take("tlsCa", "a text of up to 64 KiB: certificates in PEM", |value| {
                value
                    .as_str()
                    .filter(|pem| pem.len() <= TLS_CA_BYTES)
                    .map(str::to_owned)
            }),
            credentials: fields.take_or(credentials::CREDENTIALS, credentials::read),
            client_certificate: fields
                .take_or(credentials::CLIENT_CERTIFICATE, credentials::read_certificate),
        }
    }

    fn into_settings(self, present: Option<&Settings>, fields: &mut Fields) -> Applied {
        let has_moved = present.is_some_and(|present| {
            let url = self.url.as_deref().unwrap_or_default();
            origin::differs(&present.url, url)
        });
        let mut made_secret = None;
        let secrets = match (self.secret, present.map(|settings| &settings.secrets)) {
            (Given::Value(secret), _) => vec![current(secret)],
            (Given::Absent, Some(secrets)) if !secrets.is_empty() => secrets.clone(),
            (Given::Absent | Given::Null, _) => {
                let secret = new_secret();
                made_secret = Some(secret.clone());
                vec![current(secret)]
            }
        };
        let profile = self.profile.or(Profile::default());
        let defaults = Settings::at(String::new());
        let settings = Settings {
            url: self.url.unwrap_or_default(),
            callbacks: self.callbacks.or(defaults.callbacks),
            enabled: self.enabled.or(defaults.enabled),
            ack_rule: self.ack_rule.or(profile.ack_rule()),
            schedule: Arc::new(self.schedule.or(Schedule::preset(profile.schedule()))),
            jitter: self.jitter.or(defaults.jitter),
            timeout_ms: self.timeout.or(defaults.timeout_ms),
            content_type: self.content_type.or(defaults.content_type),
            profile,
            order: self.order.or(defaults.order),
            hold_quiet_ms: self.hold_quiet.or(defaults.hold_quiet_ms),
            hold_limit_ms: self.hold_limit.or(defaults.hold_limit_ms),
            max_in_flight: self.max_in_flight.or(defaults.max_in_flight),
            rate_limit: self.rate_limit.value(),
            breaker: self.breaker.or(defaults.breaker),
            job_statuses: self.job_statuses.or(defaults.job_statuses),
            headers: kept_headers(self.headers.or(BTreeMap::new()), present, has_moved, fields),
            secrets,
            tls_ca: self.tls_ca.value(),
            credentials: credentials::credentials(
                self.credentials,
                present.and_then(|present| present.credentials.as_ref()),
                has_moved,
                fields,
            ),
            client_certificate: credentials::certificate(
                self.client_certificate,
                present.and_then(|present| present.client_certificate.as_ref()),
                has_moved,
                fields,
            ),
        };
        Applied {
            settings,
            made_secret,
        }
    }
}

fn one_of<T: Copy>(fields: &mut Fields, name: &str, values: &[(&str, T)]) -> Given<T> {
    fields.take_or(name, |value, field| {
        let text = value.as_str();
        if let Some((_, found)) = values.iter().find(|(name, _)| Some(*name) == text) {
            return Ok(*found);
        }
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        Err(vec![FieldError::wrong(field, kind_of(value), names.join(", "))])
    })
}

fn schedule(value: &Value, field: &str) -> Result<Schedule, Vec<FieldError>> {
    const ALLOWED: &str = "seed, seed-10, table-2019, v2, or an object such as {\"gaps\": [\"1s\", \"2s\"], \"maxAge\": \"24h\"}";
    match value {
        Value::String(_) => serde_json::from_value(value.clone())
            .map_err(|_| vec![FieldError::wrong(field, kind_of(value), ALLOWED)]),
        Value::Object(_) => serde_json::from_value(value.clone())
            .map_err(|error| vec![FieldError::other(field, error.to_string())]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(vec![FieldError::wrong(field, kind_of(value), ALLOWED)])
        }
    }
}

fn timeout(value: &Value) -> Option<u32> {
    let ms = duration_within(value, wire::TIMEOUT_MIN_MS..=wire::TIMEOUT_MAX_MS)?;
    u32::try_from(ms).ok()
}

fn duration_within(value: &Value, allowed: RangeInclusive<u64>) -> Option<u64> {
    let ms = duration::parse(value.as_str()?).ok()?;
    allowed.contains(&ms).then_some(ms)
}

fn rate_limit(value: &Value, field: &str) -> Result<RateLimit, Vec<FieldError>> {
    let Some(mut fields) = Fields::of_value(value, field, &["perSecond", "burst"]) else {
        let allowed = "an object such as {\"perSecond\": 10, \"burst\": 20}, or null";
        return Err(vec![FieldError::wrong(field, kind_of(value), allowed)]);
    };
    let per_second = fields.require("perSecond", "a number from 0.01 to 10000", |value| {
        value
            .as_f64()
            .filter(|rate| (RATE_LEAST..=f64::from(RATE_MOST)).contains(rate))
    });
    let burst = fields.take("burst", "an integer from 1 to 10000", |value| {
        let burst = u32::try_from(value.as_u64()?).ok()?;
        (1..=RATE_MOST).contains(&burst).then_some(burst)
    });
    let errors = fields.into_errors();
    match per_second {
        Some(per_second) if errors.is_empty() => Ok(RateLimit {
            per_second,
            burst: burst.or(burst_of(per_second)),
        }),
        _ => Err(errors),
    }
}

/// What goes in a second, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rate lies between 0.01 and 10000"
)]
fn burst_of(per_second: f64) -> u32 {
    per_second.ceil().max(1.0) as u32
}

fn job_statuses(value: &Value) -> Option<Vec<i64>> {
    let list = value.as_array().filter(|list| list.len() <= JOB_STATUSES_MOST)?;
    let mut statuses = list.iter().map(Value::as_i64).collect::<Option<Vec<_>>>()?;
    statuses.sort_unstable();
    statuses.dedup();
    Some(statuses)
}

fn header_texts(value: &Value, field: &str) -> Result<BTreeMap<String, Option<String>>, Vec<FieldError>> {
    let allowed = "an object of header names and texts; null keeps a header's value";
    let wrong = |value: &Value| vec![FieldError::wrong(field, kind_of(value), allowed)];
    value
        .as_object()
        .ok_or_else(|| wrong(value))?
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), Some(text.clone()))),
            Value::Null => Ok((name.clone(), None)),
            other => Err(vec![FieldError::wrong(
                field,
                format!("{} as the value of a header", kind_of(other)),
                allowed,
            )]),
        })
        .collect()
}

/// Puts the present values where null asks for them, unless the URL leads elsewhere. Header names are compared without
/// case.
fn kept_headers(
    given: BTreeMap<String, Option<String>>,
    present: Option<&Settings>,
    has_moved: bool,
    fields: &mut Fields,
) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in given {
        let of_now = || {
            let headers = &present?.headers;
            headers
                .iter()
                .find(|(now, _)| now.eq_ignore_ascii_case(&name))
                .map(|(_, value)| value.clone())
        };
        let is_kept = value.is_none();
        match value.or_else(of_now) {
            Some(_) if is_kept && has_moved => {
                fields.note(origin::again(
                    &format!("headers.{}", shown(&name).unwrap_or("(a header)")),
                    "url",
                ));
            }
            Some(value) => {
                kept.insert(name, value);
            }
            None => fields.note(FieldError::other(
                "headers",
                "has a null for a header that has no value yet; allowed is a text",
            )),
        }
    }
    kept
}

fn secret(value: &Value, field: &str) -> Result<String, Vec<FieldError>> {
    let allowed = "whsec_ and the Base64 of 24 to 64 bytes";
    let text = value
        .as_str()
        .ok_or_else(|| vec![FieldError::wrong(field, kind_of(value), allowed)])?;
    match Secret::parse(text) {
        Ok(secret) => Ok(secret.to_text()),
        Err(invalid) => Err(vec![FieldError::other(field, invalid.to_string())]),
    }
}

/// A secret that signs from now on.
pub(super) fn current(secret: String) -> SigningSecret {
    SigningSecret { secret, until: None }
}

/// The text of a new secret of 256 bits.
pub(super) fn new_secret() -> String {
    // 32 bytes are always a secret.
    Secret::from_bytes(&random::bytes::<32>()).map_or_else(|_| String::new(), |secret| secret.to_text())
}

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
