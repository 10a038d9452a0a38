//! Recording a finished send, or the end of a maximum age.

use ringback_core::delivery::{Delivery, State};
use ringback_core::planted::{Mistake, planted};
use ringback_core::settle::Next;
use ringback_core::store::{Recorded, Refusal, Report, Written};
use ringback_core::time::Millis;

use super::hold;
use super::make;
use super::transition::{is_waiting, make_due, settle};
use crate::tables::Tables;

pub(super) fn record<T: Tables>(tables: &mut T, now: Millis, report: &Report) -> Result<Written, T::Error> {
    let Some(mut delivery) = tables.delivery(report.delivery)? else {
        return Ok(Written::Refused(Refusal::NoDelivery));
    };
    let effect = apply(&mut delivery, report, now);
    if effect != Effect::Stale
        && let Some(attempt) = &report.attempt
    {
        tables.append_attempt(delivery.id, attempt)?;
    }
    if matches!(effect, Effect::Open | Effect::Settled) {
        tables.update_delivery(&delivery)?;
    }
    let next = if effect == Effect::Settled {
        release_next(tables, now, &delivery)?
    } else {
        None
    };
    let released = match &next {
        Some(next) if next.due.is_some() => {
            let body = tables.body(next.event_id)?;
            make::work(next, || body)
        }
        Some(_) | None => None,
    };
    Ok(Written::Recorded(Recorded {
        delivery: delivery.id,
        state: delivery.state,
        due: delivery.due.filter(|_| delivery.state == State::Pending),
        released,
        hold_check: hold::first_check(&next),
        settled: effect == Effect::Settled,
    }))
}

/// What a report does to its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing: it is known already, or too late.
    Stale,
    /// The send is kept in the log of a settled delivery, which stays as it is.
    Logged,
    /// The delivery changed and is still open.
    Open,
    /// The delivery settled.
    Settled,
}

/// A report is stale when it is not about the next send: after a commit whose outcome was unknown it may come twice.
fn apply(delivery: &mut Delivery, report: &Report, now: Millis) -> Effect {
    let next = match &report.attempt {
        Some(attempt) if attempt.n != delivery.sends.saturating_add(1) => return Effect::Stale,
        Some(_) if delivery.state.is_settled() => return Effect::Logged,
        Some(attempt) => {
            delivery.sends = attempt.n;
            delivery.last_outcome = Some(attempt.outcome);
            report.next
        }
        None if delivery.state != State::Pending => return Effect::Stale,
        None => Next::Exhausted,
    };
    match next {
        Next::Delivered => settle(delivery, State::Delivered, now),
        Next::Exhausted => settle(delivery, State::Exhausted, now),
        Next::Retry(due) if delivery.state == State::Parked => {
            delivery.due = Some(due);
            return Effect::Open;
        }
        // It was parked and made pending again during the send, and has a head to wait for now.
        Next::Retry(_) if is_waiting(delivery) => return Effect::Open,
        Next::Retry(due) => {
            make_due(delivery, due, now);
            return Effect::Open;
        }
    }
    Effect::Settled
}

/// Lets the next of a settled delivery's key go, or holds it. While its endpoint is disabled or deleted nothing goes: the sweep that
/// is under way then decides.
fn release_next<T: Tables>(
    tables: &mut T,
    now: Millis,
    settled: &Delivery,
) -> Result<Option<Delivery>, T::Error> {
    let Some(endpoint_id) = settled.endpoint.filter(|_| !planted(Mistake::ForgetsNextOfKey)) else {
        return Ok(None);
    };
    let Some(first) = tables.first_open(endpoint_id, settled.key)? else {
        return Ok(None);
    };
    let row = tables.endpoint(endpoint_id)?;
    let live = row.filter(|row| row.endpoint.settings.enabled && !row.endpoint.deleted);
    let next = tables.delivery(first)?.filter(is_waiting);
    let (Some(row), Some(mut next)) = (live, next) else {
        return Ok(None);
    };
    hold::go(tables, &mut next, &row.endpoint, now, now)?;
    if planted(Mistake::CountsWaitingAsAge) {
        next.age.used_ms += now.since(next.id.time());
    }
    tables.update_delivery(&next)?;
    Ok(Some(next))
}
