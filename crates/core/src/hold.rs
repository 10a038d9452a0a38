//! The hold of a job's final status (delivery rules, *Hold*).
//!
//! Calls and jobs often go to different addresses, so the order of keys cannot keep a job's "completed" behind its last
//! calls. At an endpoint with [`crate::endpoint::Order::KeyHold`] a final status that could go waits until no delivery of
//! a call of the job is pending at any endpoint of the company and no call of the job was accepted for a while, but no
//! longer than a limit. Every store applies these functions inside its transactions.

use ringback_contract::kind::Kind;

use crate::limits::HOLD_CHECK_MS;
use crate::time::Millis;

/// The job statuses after which no call of the job is expected: completed and terminated (contract, section 1).
pub const FINAL_STATUSES: [i64; 2] = [2, 6];

/// Whether an event of this kind and status is one that is held.
#[must_use]
pub fn is_final(kind: Kind, job_status: Option<i64>) -> bool {
    kind == Kind::Job && job_status.is_some_and(|status| FINAL_STATUSES.contains(&status))
}

/// When a hold that ends at `until` is to be looked at next; `None` when what it holds may go now.
///
/// `newest_call` is when the newest call of the job was accepted, `open_call` whether a delivery of one is pending.
#[must_use]
pub fn next_check(
    now: Millis,
    until: Millis,
    quiet_ms: u64,
    newest_call: Option<Millis>,
    open_call: bool,
) -> Option<Millis> {
    let quiet_from = newest_call.map(|at| at.plus(quiet_ms)).filter(|at| *at > now);
    let check = match (quiet_from, open_call) {
        (Some(at), _) => at,
        (None, true) => now.plus(HOLD_CHECK_MS),
        (None, false) => return None,
    };
    (now < until).then_some(check.min(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_final_statuses_of_jobs_are_held() {
        for (kind, status, expected) in [
            (Kind::Job, Some(2), true),
            (Kind::Job, Some(6), true),
            (Kind::Job, Some(4), false),
            (Kind::Job, None, false),
            (Kind::Call, Some(2), false),
            (Kind::Inbound, Some(6), false),
        ] {
            assert_eq!(is_final(kind, status), expected, "{kind:?} {status:?}");
        }
    }

    #[test]
    fn it_goes_when_the_job_is_quiet_and_nothing_is_open_or_the_limit_is_reached() {
        const QUIET_MS: u64 = 5_000;
        let now = Millis(100_000);
        // The newest call, whether one is open, the limit, and the next check; all but the limit from now.
        for (newest, open, until, expected) in [
            (None, false, 60_000, None),
            (Some(-5_000), false, 60_000, None),
            (Some(-4_999), false, 60_000, Some(1)),
            (Some(0), false, 60_000, Some(5_000)),
            (Some(0), false, 3_000, Some(3_000)),
            (None, true, 60_000, Some(1_000)),
            (Some(-5_000), true, 60_000, Some(1_000)),
            (Some(0), true, 60_000, Some(5_000)),
            (Some(-4_999), true, 60_000, Some(1)),
            (None, true, 400, Some(400)),
            (None, true, 0, None),
            (Some(0), true, 0, None),
            (Some(0), true, -1, None),
        ] {
            let at = |ms: i64| Millis(now.0 + ms);
            assert_eq!(
                next_check(now, at(until), QUIET_MS, newest.map(at), open),
                expected.map(at),
                "{newest:?} {open} {until}"
            );
        }
    }
}
