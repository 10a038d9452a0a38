//! Alerts: what is wrong, since when, and when to say so.
//!
//! Pure, as the engine is: [`Board::round`] takes in [`Facts`] and the time, and gives out [`Notice`]s, each of which is
//! to be told on the operator's and the company's channels. What the facts mean is in `rules`, when something is said in
//! `board`.
//!
//! It promises: a condition that lasts is one alert, told when it begins, when it grows worse, and again after
//! [`crate::limits::ALERT_REPEATS_MS`]; its end is told once. What was not told yet when the process ended is told by the next.

mod board;
mod channel;
mod facts;
mod rules;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::id::EndpointId;
use crate::time::Millis;

pub use board::{Board, Key};
pub use channel::{Channel, Destination};
pub use facts::{Bounds, EndpointFacts, Facts, Oldest, ServiceFacts};

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(usize)]
pub enum Condition {
    /// A share of the maximum age of an endpoint's oldest delivery has passed, or sends bring no acknowledgement.
    EndpointFailing,
    /// An endpoint's breaker is open.
    BreakerOpen,
    /// Deliveries of an endpoint were given up.
    DeliveriesExhausted,
    /// Events of a company are parked, more and more of them.
    ParkedGrowing,
    /// Intake is refused.
    IntakeRefused,
    /// The disk is nearly full.
    DiskNearlyFull,
    /// The store cannot be written.
    StoreFailed,
    /// Deliveries are due, and none is sent.
    SendsStopped,
    /// A certificate that an endpoint's settings hold ends soon, or has ended.
    CertificateEnding,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 9] = [
        Self::EndpointFailing,
        Self::BreakerOpen,
        Self::DeliveriesExhausted,
        Self::ParkedGrowing,
        Self::IntakeRefused,
        Self::DiskNearlyFull,
        Self::StoreFailed,
        Self::SendsStopped,
        Self::CertificateEnding,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndpointFailing => "endpoint-failing",
            Self::BreakerOpen => "breaker-open",
            Self::DeliveriesExhausted => "deliveries-exhausted",
            Self::ParkedGrowing => "parked-growing",
            Self::IntakeRefused => "intake-refused",
            Self::DiskNearlyFull => "disk-nearly-full",
            Self::StoreFailed => "store-failed",
            Self::SendsStopped => "sends-stopped",
            Self::CertificateEnding => "certificate-ending",
        }
    }

    /// Whether it is a count of what happened rather than a state: it is told again only when more has happened.
    #[must_use]
    pub const fn counts(self) -> bool {
        match self {
            Self::DeliveriesExhausted | Self::ParkedGrowing => true,
            Self::EndpointFailing
            | Self::BreakerOpen
            | Self::IntakeRefused
            | Self::DiskNearlyFull
            | Self::StoreFailed
            | Self::SendsStopped
            | Self::CertificateEnding => false,
        }
    }

    /// Whether it is told again while it only lasts. The end of a certificate is known weeks before, and told as it comes nearer.
    #[must_use]
    pub const fn repeats(self) -> bool {
        !matches!(self, Self::CertificateEnding)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody should look at it today.
    Warning,
    /// Callbacks are lost, or will be soon, unless somebody acts.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// An endpoint, as an alert names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its number.
    pub id: EndpointId,
    /// Its name.
    pub name: String,
}

/// The figures of a condition. Nothing in it is a payload, a phone number or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Detail {
    /// Of [`Condition::EndpointFailing`].
    Failing {
        /// What the oldest delivery has used of its maximum age, in percent, at most 100.
        #[serde(default)]
        percent: Option<u8>,
        /// How long the oldest delivery has been due, order, hold and parked time aside, in milliseconds.
        #[serde(default)]
        oldest_ms: Option<u64>,
        /// Its maximum age in milliseconds.
        #[serde(default)]
        max_age_ms: Option<u64>,
        /// How long sends have gone out without an acknowledgement, in milliseconds.
        #[serde(default)]
        unacknowledged_ms: Option<u64>,
    },
    /// Of a condition that has no figures but its count.
    Plain,
    /// Of [`Condition::IntakeRefused`]: refused in the last round.
    Refused {
        /// With 503: the committer is behind, the store failed, the disk is nearly full.
        unavailable: u64,
        /// With 4xx: not what the contract asks for.
        invalid: u64,
    },
    /// Of [`Condition::DiskNearlyFull`].
    Disk {
        /// Free bytes.
        free_bytes: Option<u64>,
        /// Whether intake is refused already.
        stopped: bool,
    },
    /// Of [`Condition::StoreFailed`].
    Store {
        /// What is wrong with it, in a few words.
        fault: String,
    },
    /// Of [`Condition::SendsStopped`].
    Stopped {
        /// Due deliveries that wait in memory.
        queued: u64,
    },
    /// Of [`Condition::CertificateEnding`].
    Certificate(CertificateEnd),
}

/// When a certificate ends that an endpoint's settings hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificateEnd {
    /// When it ends.
    pub ends: Millis,
    /// What it is for.
    pub used_as: CertificateUse,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateUse {
    /// The receiver asks for it (`clientCertificate`).
    Client,
    /// The receiver's own certificate is trusted because of it (`tlsCa`).
    Authority,
}

impl CertificateUse {
    /// The setting that holds it.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Client => "clientCertificate",
            Self::Authority => "tlsCa",
        }
    }
}

/// How an alert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It is well again.
    Recovered,
    /// Nothing is pending at the endpoint any more, without an acknowledgement.
    NothingPending,
    /// The endpoint was disabled or deleted.
    Removed,
    /// Nothing further happened for [`crate::limits::ALERT_QUIET_MS`]. It is not told.
    Quiet,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 4] = [Self::Recovered, Self::NothingPending, Self::Removed, Self::Quiet];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NothingPending => "nothing-pending",
            Self::Removed => "removed",
            Self::Quiet => "quiet",
        }
    }
}

/// One alert, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number; later ones are larger.
    pub id: i64,
    /// What is wrong.
    pub condition: Condition,
    /// The company that it is about; `None` for the whole service.
    pub company_id: Option<i64>,
    /// The endpoint that it is about.
    pub endpoint: Option<Named>,
    /// How bad it has become.
    pub severity: Severity,
    /// The step of its condition that it has reached; each is told.
    pub level: u8,
    /// When it began.
    pub since: Millis,
    /// How much happened since then, for a condition that counts.
    #[serde(default)]
    pub count: u64,
    /// How much of that since it was told last.
    #[serde(default)]
    pub uncounted: u64,
    /// The figures of the last round that found it.
    pub detail: Detail,
    /// How often it was told.
    #[serde(default)]
    pub notices: u32,
    /// When it was told last.
    #[serde(default)]
    pub noticed: Option<Millis>,
    /// Whether every channel is done with the last notice.
    #[serde(default)]
    pub told: bool,
    /// When and how it ended; `None` while it is open.
    #[serde(default)]
    pub ended: Option<(Millis, Ending)>,
}

impl Alert {
    /// What it is about.
    #[must_use]
    pub fn key(&self) -> Key {
        Key {
            condition: self.condition,
            company_id: self.company_id,
            endpoint: self.endpoint.as_ref().map(|endpoint| endpoint.id),
        }
    }
}

/// Why something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It began.
    Opened,
    /// It grew worse.
    Worse,
    /// It lasts.
    Lasts,
    /// It ended.
    Ended,
}

impl Occasion {
    /// The name in messages to programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Worse => "worse",
            Self::Lasts => "lasts",
            Self::Ended => "ended",
        }
    }
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Why.
    pub occasion: Occasion,
    /// The alert at this moment; `uncounted` is what this notice reports.
    pub alert: Alert,
}
