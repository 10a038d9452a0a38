//! The hold of a job's final status: when it begins, and when it ends. What decides is in [`ringback_core::hold`].

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Delivery, Hold, State};
use ringback_core::endpoint::{Endpoint, Order};
use ringback_core::hold::{is_final, next_check};
use ringback_core::limits::{HOLD_CHECK_MS, HOLD_ROWS};
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::Written;
use ringback_core::time::Millis;

use super::transition::{hold, make_due};
use crate::tables::Tables;

/// Lets a delivery at the head of its key go: it is due at `due`, or held. One that was sent before is not held (again).
pub(super) fn go<T: Tables>(
    tables: &mut T,
    delivery: &mut Delivery,
    endpoint: &Endpoint,
    due: Millis,
    now: Millis,
) -> Result<(), T::Error> {
    let until = now.plus(endpoint.settings.hold_limit_ms);
    let held =
        delivery.sends == 0 && !planted(Mistake::IgnoresHold) && is_held_at(tables, delivery, endpoint)?;
    let check = if held {
        check_of(tables, delivery, endpoint, until, now)?
    } else {
        None
    };
    match check {
        Some(check) => hold(delivery, Hold { until, check }, now),
        None => make_due(delivery, due, now),
    }
    Ok(())
}

/// Looks at the held deliveries whose moment has come.
pub(super) fn check<T: Tables>(tables: &mut T, now: Millis) -> Result<Written, T::Error> {
    let mut released = Vec::new();
    for mut delivery in tables.held(now, HOLD_ROWS)? {
        let (Some(id), Some(held)) = (delivery.endpoint, delivery.hold) else {
            continue;
        };
        let row = tables.endpoint(id)?;
        let live = row.filter(|row| row.endpoint.settings.enabled && !row.endpoint.deleted);
        let check = match &live {
            Some(row) if row.endpoint.settings.order == Order::KeyHold => {
                check_of(tables, &delivery, &row.endpoint, held.until, now)?
            }
            // The sweep that is under way has not come to it yet.
            Some(_) => None,
            // Nor to this one: it will end the hold, however late it comes.
            None => Some(now.plus(HOLD_CHECK_MS)),
        };
        match check {
            Some(check) => {
                let until = held.until.max(check);
                hold(&mut delivery, Hold { until, check }, now);
            }
            None => {
                make_due(&mut delivery, now, now);
                released.push((id, now));
            }
        }
        tables.update_delivery(&delivery)?;
    }
    Ok(Written::HoldsChecked {
        released,
        next: tables.next_hold_check()?,
    })
}

/// When to look at the first of these holds.
pub(super) fn first_check<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Option<Millis> {
    let checks = deliveries.into_iter().filter_map(|delivery| delivery.hold);
    checks.map(|hold| hold.check).min()
}

/// Whether it is pending, and held.
pub(super) fn is_held(delivery: &Delivery) -> bool {
    delivery.state == State::Pending && delivery.hold.is_some()
}

fn is_held_at<T: Tables>(tables: &mut T, delivery: &Delivery, endpoint: &Endpoint) -> Result<bool, T::Error> {
    // Only deliveries of jobs cost a look at their event.
    if endpoint.settings.order != Order::KeyHold || delivery.kind != Kind::Job {
        return Ok(false);
    }
    let event = tables.event(delivery.event_id)?;
    Ok(event.is_some_and(|event| is_final(event.kind, event.job_status)))
}

fn check_of<T: Tables>(
    tables: &mut T,
    delivery: &Delivery,
    endpoint: &Endpoint,
    until: Millis,
    now: Millis,
) -> Result<Option<Millis>, T::Error> {
    let quiet_ms = endpoint.settings.hold_quiet_ms;
    let (company_id, call_job_id) = (delivery.company_id, delivery.key.id);
    let newest = tables.newest_call(company_id, call_job_id, now.minus(quiet_ms))?;
    let open = tables.has_open_call(company_id, call_job_id)?;
    Ok(next_check(now, until, quiet_ms, newest, open))
}
