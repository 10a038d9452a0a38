//! The `trigger` command: realistic callbacks straight to an address, as the service would send them, and what came of
//! them by the rules of acknowledgement.
//!
//! Which callbacks: the seed's samples, generated ones, or templates ([`Shape`]); any field of theirs can be set. How many,
//! and how fast, is [`Many`]. They are made as the service makes them: what it would refuse to take in is refused here.

mod bodies;
mod many;
mod report;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use http::HeaderValue;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use ringback_contract::ack::AckRule;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::intake::Invalid;
use ringback_contract::kind::Kind;
use ringback_contract::webhook::{InvalidSecret, Secret};
use ringback_core::endpoint::Profile;
use ringback_core::id::EventId;
use ringback_core::time::Millis;
use ringback_server::clock::Clock;
use ringback_server::outbound::{
    self, AddressPolicy, ContentType, Outbound, OutboundProblem, Target, TargetProblem, TargetSettings,
    headers,
};
use ringback_server::random;

use crate::receiver::App;
use crate::shape::Shape;
use crate::tree::{NoSuchPlace, Path, Tree};

use bodies::{Bodies, Body};
pub use many::{Many, many};
pub use report::{Report, Summary};

/// Which callback is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The seed's own sample; of the inbound calls, which the seed does not have, a generated one.
    #[default]
    Sample,
    /// Those generated from this seed, one after another.
    Generated(u64),
    /// Templates, in turns: an ordinary callback with ids and dates of its own, in these shapes.
    Templates(Vec<Shape>),
}

/// How it is sent and judged. The defaults are those of an endpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which callback.
    pub source: Source,
    /// Values that are put into the `data.data` before it is sent, each at its path.
    pub set: Vec<(Path, Tree)>,
    /// The company of generated callbacks and templates.
    pub company_id: i64,
    /// The shape of the bodies.
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

/// The company of generated callbacks: that of the seed's call results.
const COMPANY_ID: i64 = 151;

impl Default for Options {
    fn default() -> Self {
        Self {
            source: Source::default(),
            set: Vec::new(),
            company_id: COMPANY_ID,
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
    /// Callbacks of this kind cannot have this shape.
    #[error("--template: {0} is none of a {1}; --list shows which there are")]
    Template(String, Kind),
    /// A value cannot be put where it should be.
    #[error("--set: {0}")]
    Set(#[from] NoSuchPlace),
    /// What has been set is something that the service would not take in.
    #[error("--set: the service would refuse this callback: {0}")]
    Refused(Invalid),
    /// The callback is none: our own bug.
    #[error("the callback cannot be made")]
    Callback,
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
    let mut bodies = Bodies::new(kind, options, 1)?;
    let body = bodies.next(clock.wall_ms())?;
    Sender::new(url, options, clock)?.send(body).await
}

/// Sends callbacks to one address.
#[derive(Debug)]
struct Sender {
    url: String,
    ack_rule: AckRule,
    outbound: Outbound,
    target: Arc<Target>,
    secret: Secret,
    clock: Arc<dyn Clock>,
}

impl Sender {
    fn new(url: &str, options: &Options, clock: Arc<dyn Clock>) -> Result<Self, TriggerError> {
        let secret = match &options.secret {
            Some(secret) => secret.clone(),
            None => Secret::from_bytes(&random::bytes::<32>())?,
        };
        let outbound = Outbound::new(outbound::Options {
            policy: AddressPolicy::new(allowed(&options.allow)),
            ..outbound::Options::new(Arc::clone(&clock))
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
        Ok(Self {
            url: url.to_owned(),
            ack_rule: options.ack_rule,
            outbound,
            target,
            secret,
            clock,
        })
    }

    async fn send(&self, body: Body) -> Result<Report, TriggerError> {
        let wall_ms = self.clock.wall_ms();
        let event_id = event_id(wall_ms);
        let timestamp_s = wall_ms.div_euclid(1000);
        let message = outbound::Message {
            webhook_signature: value(&self.secret.sign(&event_id, timestamp_s, &body.bytes))?,
            webhook_id: value(&event_id)?,
            webhook_timestamp: value(&timestamp_s.to_string())?,
            ringback_send: HeaderValue::from_static("1"),
            trace: None,
            body: body.bytes.clone(),
        };
        let probe = self.outbound.probe(&self.target, message).await;
        Ok(Report::new(&self.url, self.ack_rule, body, event_id, &probe))
    }
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

/// An id as the service gives it, of this moment and otherwise random: receivers drop ids that they know.
fn event_id(wall_ms: i64) -> String {
    let [low, middle, high] = random::bytes::<3>();
    let random = i64::from(low) | i64::from(middle) << 8 | i64::from(high & 15) << 16;
    EventId(EventId::first_at(Millis(wall_ms)).0 | random).to_string()
}
