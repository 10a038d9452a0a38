//! The `conformance` command: runs a receiver through what will really come, and says what would go wrong in production.
//!
//! Checks are data ([`catalogue`](all)): what is sent is made by a script, what is found is judged by a pure function, and
//! each says its risk and its remedy in both languages. Every check changes an ordinary callback in one respect, and the
//! ordinary one goes first; so what a check finds is due to that respect. What can be judged from outside is judged by the
//! answers; what only the receiver knows – was it inserted twice? – by its journal, where it shows one.
//!
//! Callbacks are rendered and sent as the service does, through its outbound client. A run promises that at most
//! [`Options::in_flight`] requests are under way at a time, and that it ends: every exchange has its limit, and so has the
//! burst.

mod burst;
mod catalogue;
mod check;
mod journal;
mod judge;
mod maker;
mod report;
mod runner;
mod script;
#[cfg(test)]
mod tests;
mod variants;
mod wire;
mod words;

use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_contract::webhook::Secret;
use ringback_core::endpoint::{ContentType, Profile};
use ringback_server::outbound::{DEFAULT_TIMEOUT_MS, HeaderProblem, OutboundProblem, TargetProblem};

use crate::receiver::App;

pub use catalogue::all;
pub use check::{Check, Group};
pub use journal::JournalError;
pub use judge::SLOW_MS;
pub use report::html::html;
pub use report::junit::junit;
pub use report::text::{terminal, titles};
pub use report::{Counts, Judged, Report, Standing};
pub use runner::run;
pub use words::{Said, Text};

/// Callbacks of the burst unless the options say otherwise.
pub const BURST: u32 = 10_000;
/// Callbacks of the burst of a quick run.
pub const BURST_QUICK: u32 = 500;
/// Requests under way at a time unless the options say otherwise: as many as an endpoint gets.
pub const IN_FLIGHT: u16 = 32;

/// How a run goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The receiver.
    pub url: String,
    /// The kinds that it is meant to take, in the order of [`Kind::ALL`].
    pub kinds: Vec<Kind>,
    /// The shape of the bodies.
    pub profile: Profile,
    /// The company of the callbacks.
    pub company_id: i64,
    /// When an answer counts as an acknowledgement.
    pub ack_rule: AckRule,
    /// What bodies are called.
    pub content_type: ContentType,
    /// The limit of a whole exchange, in milliseconds: 1,000 to 60,000.
    pub timeout_ms: u32,
    /// The secret that the receiver knows; without one, signatures cannot be judged.
    pub secret: Option<Secret>,
    /// The keys for `sign`; without them it is null.
    pub app: Option<App>,
    /// The zone of the callbacks' dates.
    pub zone: TimeZone,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Authorities to trust besides the public ones: a PEM text.
    pub tls_ca: Option<String>,
    /// Ranges that may be connected to besides public addresses and this machine.
    pub allow: Vec<IpNet>,
    /// Where the receiver tells what it has processed: `http://ADDRESS:PORT/…`.
    pub journal: Option<String>,
    /// Names of checks; empty for all. The ordinary callbacks always go.
    pub only: Vec<String>,
    /// How many callbacks the burst has.
    pub burst: u32,
    /// How many requests are under way at a time, at least 1.
    pub in_flight: u16,
    /// How long a slow sender waits between two of its twenty pieces.
    pub pause: Duration,
    /// How long the journal may lag behind the answers.
    pub journal_lag: Duration,
}

impl Options {
    /// The defaults: those of an endpoint.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            kinds: Kind::ALL.to_vec(),
            profile: Profile::default(),
            company_id: 1,
            ack_rule: AckRule::default(),
            content_type: ContentType::default(),
            timeout_ms: DEFAULT_TIMEOUT_MS,
            secret: None,
            app: None,
            zone: TimeZone::UTC,
            headers: Vec::new(),
            tls_ca: None,
            allow: Vec::new(),
            journal: None,
            only: Vec::new(),
            burst: BURST,
            in_flight: IN_FLIGHT,
            pause: Duration::from_millis(100),
            journal_lag: Duration::from_secs(10),
        }
    }
}

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// The URL, a header, the limit or the authorities cannot be used.
    #[error(transparent)]
    Target(#[from] TargetProblem),
    /// A header cannot be used.
    #[error("headers: {0}")]
    Header(#[from] HeaderProblem),
    /// The client cannot be made.
    #[error(transparent)]
    Outbound(#[from] OutboundProblem),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No check has this name.
    #[error("--only: {0:?} is no check; --list shows them all")]
    UnknownCheck(String),
}
