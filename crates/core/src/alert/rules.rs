//! What the facts mean: for each condition whether it holds, how far it has gone, or whether it is over.

use super::{Alert, Bounds, CertificateEnd, Detail, Ending, EndpointFacts, ServiceFacts, Severity};
use crate::limits;
use crate::time::Millis;

/// What a round says about one condition of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Holds {
        level: u8,
        severity: Severity,
        /// How much happened since the last round.
        new: u64,
        detail: Detail,
    },
    /// It does not hold.
    Over(Ending),
    /// Nothing can be said: what is open stays open.
    Unknown,
}

/// The shares of the maximum age, in percent, at which an endpoint is failing and at which it grows worse (delivery
/// rules, *Breaker*).
const SHARES: [u8; 3] = [25, 50, 75];

/// *Endpoint failing*. `open` is the alert, if there is one: it ends with an acknowledgement after its beginning, or
/// when nothing is pending any more.
pub(super) fn failing(facts: &EndpointFacts, open: Option<&Alert>, now: Millis) -> Verdict {
    if !facts.live {
        return Verdict::Over(Ending::Removed);
    }
    let percent = facts.oldest.map(|oldest| oldest.percent());
    let shares = SHARES
        .iter()
        .filter(|share| percent.is_some_and(|percent| percent >= **share));
    let shares = u8::try_from(shares.count()).unwrap_or(0);
    let unacknowledged_ms = facts
        .unacknowledged_since
        .map(|since| now.since(since))
        .filter(|_| facts.oldest.is_some())
        .filter(|ms| *ms >= limits::ALERT_UNACKNOWLEDGED_MS);
    let level = match (shares, unacknowledged_ms) {
        (0, None) => return not_failing(facts, open),
        (0, Some(_)) => 1,
        (shares, _) => shares + 1,
    };
    let worst = usize::from(shares) == SHARES.len();
    Verdict::Holds {
        level,
        severity: if worst {
            Severity::Critical
        } else {
            Severity::Warning
        },
        new: 0,
        detail: Detail::Failing {
            percent,
            oldest_ms: facts.oldest.map(|oldest| oldest.used_ms),
            max_age_ms: facts.oldest.map(|oldest| oldest.max_age_ms),
            unacknowledged_ms: facts.unacknowledged_since.map(|since| now.since(since)),
        },
    }
}

/// Below every bound: well, if the endpoint has acknowledged since the alert began. A lower share alone only says that
/// the oldest delivery was given up, and after a restart it is not known since when nothing was acknowledged.
fn not_failing(facts: &EndpointFacts, open: Option<&Alert>) -> Verdict {
    match open {
        Some(alert) => acknowledged_since(facts, alert),
        None => Verdict::Over(Ending::Recovered),
    }
}

fn acknowledged_since(facts: &EndpointFacts, alert: &Alert) -> Verdict {
    if facts.acknowledged_at.is_some_and(|at| at > alert.since) {
        Verdict::Over(Ending::Recovered)
    } else if facts.oldest.is_none() {
        Verdict::Over(Ending::NothingPending)
    } else {
        Verdict::Unknown
    }
}

/// *Breaker open*. A breaker is closed after a restart, which says nothing about the endpoint.
pub(super) fn breaker(facts: &EndpointFacts, open: Option<&Alert>) -> Verdict {
    if !facts.live {
        Verdict::Over(Ending::Removed)
    } else if facts.breaker_open {
        Verdict::Holds {
            level: 1,
            severity: Severity::Warning,
            new: 0,
            detail: Detail::Plain,
        }
    } else {
        match open {
            // A breaker closes when the endpoint answers, whatever it answers.
            Some(alert) if facts.answered_at.is_some_and(|at| at > alert.since) => {
                Verdict::Over(Ending::Recovered)
            }
            Some(alert) => acknowledged_since(facts, alert),
            None => Verdict::Over(Ending::Recovered),
        }
    }
}

/// *Certificate ending*: by the days that are left. Its alert is over when another certificate is the first to end, which may have
/// an alert of its own then.
pub(super) fn certificate(facts: &EndpointFacts, open: Option<&Alert>, now: Millis) -> Verdict {
    if !facts.live {
        return Verdict::Over(Ending::Removed);
    }
    let is_another = |alert: &Alert| match alert.detail {
        Detail::Certificate(told) => facts.certificate != Some(told),
        _ => false,
    };
    if open.is_some_and(is_another) {
        return Verdict::Over(Ending::Recovered);
    }
    let bounds = limits::ALERT_CERTIFICATE_MS;
    let passed = |certificate: &CertificateEnd| {
        let left_ms = certificate.ends.since(now);
        let passed = bounds.iter().filter(|bound| left_ms <= **bound);
        u8::try_from(passed.count()).unwrap_or(u8::MAX)
    };
    match facts
        .certificate
        .map(|certificate| (passed(&certificate), certificate))
    {
        None | Some((0, _)) => Verdict::Over(Ending::Recovered),
        Some((level, certificate)) => Verdict::Holds {
            level,
            // The last two steps: a day is left, or nothing.
            severity: if usize::from(level) + 1 >= bounds.len() {
                Severity::Critical
            } else {
                Severity::Warning
            },
            new: 0,
            detail: Detail::Certificate(certificate),
        },
    }
}

/// *Deliveries exhausted* and *parked events growing*: something happened, or nothing.
pub(super) fn counted(new: u64, severity: Severity) -> Verdict {
    if new == 0 {
        return Verdict::Over(Ending::Quiet);
    }
    Verdict::Holds {
        level: 1,
        severity,
        new,
        detail: Detail::Plain,
    }
}

/// *Intake refused*.
pub(super) fn refused(facts: &ServiceFacts, bounds: &Bounds) -> Verdict {
    let unavailable = facts.refused_unavailable >= bounds.refused_least;
    if !unavailable && facts.refused_invalid < bounds.refused_least {
        return Verdict::Over(Ending::Recovered);
    }
    Verdict::Holds {
        level: 1 + u8::from(unavailable),
        severity: if unavailable {
            Severity::Critical
        } else {
            Severity::Warning
        },
        new: facts.refused_unavailable + facts.refused_invalid,
        detail: Detail::Refused {
            unavailable: facts.refused_unavailable,
            invalid: facts.refused_invalid,
        },
    }
}

/// *Disk nearly full*.
pub(super) fn disk(facts: &ServiceFacts, bounds: &Bounds) -> Verdict {
    let low = facts.free_bytes.is_some_and(|free| free < bounds.disk_free_least);
    if !low && !facts.disk_low {
        return if facts.free_bytes.is_some() {
            Verdict::Over(Ending::Recovered)
        } else {
            Verdict::Unknown
        };
    }
    Verdict::Holds {
        level: 1 + u8::from(facts.disk_low),
        severity: if facts.disk_low {
            Severity::Critical
        } else {
            Severity::Warning
        },
        new: 0,
        detail: Detail::Disk {
            free_bytes: facts.free_bytes,
            stopped: facts.disk_low,
        },
    }
}

/// *Store not writable*.
pub(super) fn store(facts: &ServiceFacts) -> Verdict {
    match facts.store_fault {
        None => Verdict::Over(Ending::Recovered),
        Some(fault) => Verdict::Holds {
            level: 1,
            severity: Severity::Critical,
            new: 0,
            detail: Detail::Store {
                fault: fault.to_owned(),
            },
        },
    }
}

/// *Sends stopped*: something has been due in memory, and no send has ended, for [`limits::ALERT_STALLED_MS`].
pub(super) fn stopped(facts: &ServiceFacts, stalled_ms: u64) -> Verdict {
    if stalled_ms < limits::ALERT_STALLED_MS {
        return Verdict::Over(Ending::Recovered);
    }
    Verdict::Holds {
        level: 1,
        severity: Severity::Critical,
        new: 0,
        detail: Detail::Stopped { queued: facts.queued },
    }
}
