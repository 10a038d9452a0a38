//! What is known of the service in one round.

use ringback_contract::schedule::Schedule;

use super::CertificateEnd;
use crate::delivery::Age;
use crate::id::EndpointId;
use crate::limits;
use crate::time::Millis;

/// The facts of one round.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Every endpoint that was looked at in this round. Of the others nothing is concluded.
    pub endpoints: Vec<EndpointFacts>,
    /// Events that were parked since the last round when they were accepted, by company.
    pub parked: Vec<(i64, u64)>,
    /// The whole service.
    pub service: ServiceFacts,
}

/// The pending delivery of an endpoint that has used most of its maximum age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// How much it has used, in milliseconds; order, hold and parked time do not count.
    pub used_ms: u64,
    /// Its maximum age in milliseconds.
    pub max_age_ms: u64,
}

impl Oldest {
    /// Of a delivery; `None` while its age stands.
    #[must_use]
    pub fn of(age: Age, schedule: &Schedule, now: Millis) -> Option<Self> {
        age.since.map(|_| Self {
            used_ms: age.stopped(now).used_ms,
            max_age_ms: schedule.max_age_ms(),
        })
    }

    /// The share that has passed, in percent, at most 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let percent = self.used_ms.saturating_mul(100) / self.max_age_ms.max(1);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFacts {
    /// Its number.
    pub id: EndpointId,
    /// Its company.
    pub company_id: i64,
    /// Its name.
    pub name: String,
    /// Whether it exists and is enabled.
    pub live: bool,
    /// Its oldest pending delivery; `None` when nothing is pending and due.
    pub oldest: Option<Oldest>,
    /// The first send that ended after the last acknowledgement; `None` when the last send was acknowledged.
    pub unacknowledged_since: Option<Millis>,
    /// The last answer of the endpoint since the process began, other than 5xx.
    pub answered_at: Option<Millis>,
    /// The last acknowledgement since the process began.
    pub acknowledged_at: Option<Millis>,
    /// Whether its breaker is open.
    pub breaker_open: bool,
    /// Deliveries that were exhausted since the last round.
    pub exhausted: u64,
    /// The certificate in its settings that ends first.
    pub certificate: Option<CertificateEnd>,
}

/// The whole service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Events refused with 503 since the last round.
    pub refused_unavailable: u64,
    /// Events refused with 4xx since the last round.
    pub refused_invalid: u64,
    /// Free bytes where the store is, where that is known.
    pub free_bytes: Option<u64>,
    /// Whether intake is refused because the disk is nearly full.
    pub disk_low: bool,
    /// What is wrong with the store, while it has failed.
    pub store_fault: Option<&'static str>,
    /// Due deliveries that wait in memory for their send.
    pub queued: u64,
    /// Sends that have ended since the process began.
    pub sends: u64,
}

/// From when on something is worth an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events refused in one round.
    pub refused_least: u64,
    /// Free bytes below which the disk is nearly full.
    pub disk_free_least: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            refused_least: limits::ALERT_REFUSED_LEAST,
            disk_free_least: limits::ALERT_DISK_FREE_LEAST,
        }
    }
}
