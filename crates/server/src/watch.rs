//! What the driver notes for the alerts while it works: of each endpoint that sends, when it last answered and what was
//! given up; of each company, what was parked. Nothing of it is stored; it is small, and noting is a look-up in a map.

use std::collections::{HashMap, HashSet};

use ringback_core::delivery::{Outcome, State};
use ringback_core::id::EndpointId;
use ringback_core::store::{Accepted, Recorded, Report};
use ringback_core::time::Millis;

/// What was seen of one endpoint since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The first send that ended after the last acknowledgement.
    pub(crate) unacknowledged_since: Option<Millis>,
    /// The last answer other than 5xx.
    pub(crate) answered_at: Option<Millis>,
    /// The last acknowledgement.
    pub(crate) acknowledged_at: Option<Millis>,
    /// Deliveries that were exhausted.
    pub(crate) exhausted: u64,
}

/// The notes.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    endpoints: HashMap<EndpointId, Seen>,
    parked: HashMap<i64, u64>,
}

/// The notes, as the alerts ask for them once a round.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Of each endpoint that has sent something.
    pub(crate) endpoints: HashMap<EndpointId, Seen>,
    /// Events that were parked when they were accepted, by company.
    pub(crate) parked: HashMap<i64, u64>,
    /// The endpoints whose breaker is open.
    pub(crate) open_breakers: HashSet<EndpointId>,
}

impl Watch {
    /// The outcome of a send, or the end of a maximum age, is durable.
    pub(crate) fn recorded(&mut self, now: Millis, report: &Report, recorded: &Recorded) {
        let seen = self.endpoints.entry(report.endpoint).or_default();
        if let Some(attempt) = &report.attempt {
            if attempt.outcome == Outcome::Acknowledged {
                seen.acknowledged_at = Some(now);
                seen.unacknowledged_since = None;
            } else {
                seen.unacknowledged_since.get_or_insert(now);
            }
            if attempt.status.is_some_and(|status| status < 500) {
                seen.answered_at = Some(now);
            }
        }
        if recorded.settled && recorded.state == State::Exhausted {
            seen.exhausted += 1;
        }
    }

    /// An event was accepted.
    pub(crate) fn accepted(&mut self, company_id: i64, accepted: &Accepted) {
        let is_parked = accepted
            .deliveries
            .iter()
            .any(|delivery| delivery.state == State::Parked);
        if is_parked && !accepted.replayed {
            *self.parked.entry(company_id).or_default() += 1;
        }
    }

    /// An endpoint was deleted.
    pub(crate) fn forget(&mut self, endpoint: EndpointId) {
        self.endpoints.remove(&endpoint);
    }

    /// What was noted. Counts go on rising: whoever asks knows what they were before.
    pub(crate) fn notes(&self, open_breakers: HashSet<EndpointId>) -> Watched {
        Watched {
            endpoints: self.endpoints.clone(),
            parked: self.parked.clone(),
            open_breakers,
        }
    }
}
