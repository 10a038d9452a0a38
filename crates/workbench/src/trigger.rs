//! The `trigger` command: one realistic callback straight to an address, as the service would send it, and what came
//! of it by the rules of acknowledgement.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use ringback_contract::ack::{AckFailure, AckRule};
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::intake::{self, Signing, Stamp};
use ringback_contract::kind::Kind;
use ringback_contract::samples;
use ringback_contract::webhook::{InvalidSecret, Secret};
use ringback_core::endpoint::{FixedProfile, Profile};
use ringback_core::id::EventId;
use ringback_core::time::Millis;
use ringback_server::clock::Clock;
use ringback_server::outbound::exchange::BODY_START_LIMIT;
use ringback_server::outbound::headers;
use ringback_server::outbound::{
    self, AddressPolicy, ContentType, Exchange, Outbound, OutboundProblem, Outcome, TargetProblem,
    TargetSettings,
};
use ringback_server::random;
use serde::Serialize;

use crate::generator::{Generator, Setup};
use crate::pretty::harmless;
use crate::receiver::App;

/// The company of generated callbacks: that of the seed's call results.
const COMPANY_ID: i64 = 151;
/// How much of an answer's body the text form shows, in characters.
const SHOWN: usize = 400;

/// Which callback is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The seed's own sample; of the inbound calls, which the seed does not have, a generated one.
    #[default]
    Sample,
    /// One generated from this seed.
    Generated(u64),
}

/// How it is sent and judged. The defaults are those of an endpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which callback.
    pub source: Source,
    /// The shape of the body.
    pub profile: Profile,
    /// When the answer counts as an acknowledgement.
    pub ack_rule: AckRule,
    /// What the body is called.
    pub content_type: ContentType,
    /// The limit of the whole exchange, in milliseconds: 1,000 to 60,000.
    pub timeout_ms: u32,
    /// The Standard Webhooks secret; without one the callback is signed with a random secret, that nobody can check.
    pub secret: Option<Secret>,
    /// The keys for `sign`; without them it is null.
    pub app: Option<App>,
    /// How `dateTime` is written.
    pub date_time_form: DateTimeForm,
    /// The zone of the callback's dates.
    pub zone: TimeZone,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Authorities to trust besides the public ones: a PEM text.
    pub tls_ca: Option<String>,
    /// Ranges that may be connected to besides public addresses and this machine.
    pub allow: Vec<IpNet>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: Source::default(),
            profile: Profile::default(),
            ack_rule: AckRule::default(),
            content_type: ContentType::default(),
            timeout_ms: TargetSettings::new("").timeout_ms,
            secret: None,
            app: None,
            date_time_form: DateTimeForm::default(),
            zone: TimeZone::UTC,
            headers: Vec::new(),
            tls_ca: None,
            allow: Vec::new(),
        }
    }
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The URL, a header, the limit or the authorities cannot be used.
    #[error(transparent)]
    Target(#[from] TargetProblem),
    /// A header cannot be used.
    #[error("headers: {0}")]
    Header(#[from] outbound::HeaderProblem),
    /// The client cannot be made.
    #[error(transparent)]
    Outbound(#[from] OutboundProblem),
    /// The secret cannot be used.
    #[error("secret: {0}")]
    Secret(#[from] InvalidSecret),
    /// The callback is none: our own bug.
    #[error("the callback cannot be made")]
    Callback,
}

/// What was sent, and what came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The kind that was sent.
    pub kind: Kind,
    /// Where to.
    pub url: String,
    /// The `webhook-id`.
    pub event_id: String,
    /// The length of the body that was sent, in bytes.
    pub sent_bytes: usize,
    /// Whether the service would count it as delivered.
    pub acknowledged: bool,
    /// How it ended, by the name that the service uses.
    pub outcome: &'static str,
    /// The rule that it was judged by.
    pub ack_rule: AckRule,
    /// Why, in a sentence.
    pub why: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// The start of the answer's body, at most 4 KiB, as text.
    pub body_start: String,
}

/// Sends one callback of this kind to `url`.
///
/// # Errors
/// [`TriggerError`] when it could not be sent for a reason on this side. What happens on the way and over there is
/// the report.
pub async fn trigger(
    kind: Kind,
    url: &str,
    options: &Options,
    clock: Arc<dyn Clock>,
) -> Result<Report, TriggerError> {
    let wall_ms = clock.wall_ms();
    let body = body(kind, options, wall_ms).ok_or(TriggerError::Callback)?;
    let event_id = event_id(wall_ms);
    let secret = match &options.secret {
        Some(secret) => secret.clone(),
        None => Secret::from_bytes(&random::bytes::<32>())?,
    };
    let timestamp_s = wall_ms.div_euclid(1000);
    let message = outbound::Message {
        webhook_signature: value(&secret.sign(&event_id, timestamp_s, &body))?,
        webhook_id: value(&event_id)?,
        webhook_timestamp: value(&timestamp_s.to_string())?,
        ringback_send: HeaderValue::from_static("1"),
        trace: None,
        body,
    };
    let sent_bytes = message.body.len();
    let outbound = Outbound::new(outbound::Options {
        policy: AddressPolicy::new(allowed(&options.allow)),
        ..outbound::Options::new(clock)
    })?;
    let extra = options
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let target = outbound.target(TargetSettings {
        tls_ca: options.tls_ca.as_deref(),
        headers: headers::parse(extra)?,
        content_type: options.content_type,
        timeout_ms: options.timeout_ms,
        ack_rule: options.ack_rule,
        ..TargetSettings::new(url)
    })?;
    let exchange = outbound.post(&target, message).await;
    Ok(Report {
        kind,
        url: url.to_owned(),
        event_id,
        sent_bytes,
        acknowledged: exchange.outcome == Outcome::Acknowledged,
        outcome: exchange.outcome.name(),
        ack_rule: options.ack_rule,
        why: why(&exchange, options.ack_rule),
        status: exchange.status,
        address: exchange.address,
        duration_ms: exchange.duration_ms,
        body_start: String::from_utf8_lossy(&exchange.body_start).into_owned(),
    })
}

/// This machine, and what else is allowed.
pub(crate) fn allowed(allow: &[IpNet]) -> Vec<IpNet> {
    let loopback = [
        IpNet::new(Ipv4Addr::LOCALHOST.into(), 8),
        IpNet::new(Ipv6Addr::LOCALHOST.into(), 128),
    ];
    let loopback = loopback.into_iter().flatten();
    loopback.chain(allow.iter().copied()).collect()
}

fn value(text: &str) -> Result<HeaderValue, TriggerError> {
    HeaderValue::from_str(text).map_err(|_| TriggerError::Callback)
}

/// The body as the service would render it of this intake.
fn body(kind: Kind, options: &Options, wall_ms: i64) -> Option<Bytes> {
    let generate = |seed| {
        let setup = Setup {
            zone: options.zone.clone(),
            ..Setup::new(seed, COMPANY_ID)
        };
        Generator::new(setup).callback(kind, wall_ms).body
    };
    let intake = match (options.source, kind) {
        (Source::Generated(seed), _) => generate(seed),
        (Source::Sample, Kind::Inbound) => generate(0),
        (Source::Sample, Kind::Call) => samples::CALL.to_owned(),
        (Source::Sample, Kind::Correction) => samples::CORRECTION.to_owned(),
        (Source::Sample, Kind::Job) => samples::JOB.to_owned(),
    };
    let stamp = Stamp {
        accepted_ms: wall_ms,
        zone: &options.zone,
        form: options.date_time_form,
        signing: options.app.as_ref().map(|app| Signing {
            app_key: &app.key,
            app_secret: &app.secret,
        }),
    };
    let v1 = intake::parse(kind, intake.as_bytes()).ok()?.render(&stamp);
    FixedProfile::from(options.profile).render(&v1.into()).ok()
}

/// An id as the service gives it, of this moment and otherwise random: receivers drop ids that they know.
fn event_id(wall_ms: i64) -> String {
    let [low, middle, high] = random::bytes::<3>();
    let random = i64::from(low) | i64::from(middle) << 8 | i64::from(high & 15) << 16;
    EventId(EventId::first_at(Millis(wall_ms)).0 | random).to_string()
}

/// Why an exchange ended as it did, in a sentence.
fn why(exchange: &Exchange, rule: AckRule) -> String {
    if let Some(detail) = &exchange.detail {
        return format!("{detail}.");
    }
    if exchange.outcome == Outcome::Acknowledged {
        return match rule {
            AckRule::Status => "The status is 2xx, and that is enough by the rule status.",
            AckRule::Success | AckRule::SuccessOrCode => "The status is 2xx and the body says success.",
        }
        .to_owned();
    }
    // A body that fills what is kept may have been longer; what it would have to say cannot be told of its start.
    let body = Some(&exchange.body_start[..]).filter(|body| body.len() < BODY_START_LIMIT);
    match exchange.status.map(|status| rule.judge(status, body)) {
        Some(Err(reason)) => reason_of(reason, body.is_some()),
        Some(Ok(())) | None => format!("The outcome is {}.", exchange.outcome.name()),
    }
}

fn reason_of(reason: AckFailure, is_whole: bool) -> String {
    match reason {
        AckFailure::BodyTooLong if !is_whole => {
            "The body is long and does not say success: it must be success as a whole.".to_owned()
        }
        reason => reason.en(),
    }
}

impl fmt::Display for Report {
    /// Some lines for people, without a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "POST {}  ({}, {} bytes, webhook-id {})",
            self.url,
            self.kind.en(),
            self.sent_bytes,
            self.event_id
        )?;
        match self.status {
            Some(status) => writeln!(f, "answer: {status} after {} ms", self.duration_ms)?,
            None => writeln!(f, "no answer after {} ms", self.duration_ms)?,
        }
        if !self.body_start.is_empty() {
            let shown: String = self.body_start.chars().take(SHOWN).collect();
            let more = if shown.len() < self.body_start.len() {
                " …"
            } else {
                ""
            };
            writeln!(f, "body: {}{more}", harmless(shown.trim_end()))?;
        }
        let verdict = if self.acknowledged {
            "acknowledged"
        } else {
            "NOT acknowledged"
        };
        write!(
            f,
            "{verdict} ({}, ack rule {}): {}",
            self.outcome,
            self.ack_rule.name(),
            self.why
        )
    }
}

#[cfg(test)]
mod tests;
