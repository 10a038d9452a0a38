//! The sweep: bringing the open deliveries of an endpoint into the state that its settings ask for, a bounded part in
//! each transaction.

use std::sync::Arc;

use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::{Endpoint, Order};
use ringback_core::event::OrderKey;
use ringback_core::id::EndpointId;
use ringback_core::limits::SWEEP_ROWS;
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::{Refusal, Swept, Written};
use ringback_core::time::Millis;

use super::hold;
use super::transition::{is_waiting, park, settle, wait};
use crate::tables::{EndpointRow, Place, Tables};

/// Goes on with a sweep. It never begins behind what is swept: a sweep that was begun anew meanwhile, by other
/// settings, is not ended by the last part of an older one.
pub(super) fn go_on<T: Tables>(
    tables: &mut T,
    now: Millis,
    endpoint: EndpointId,
    after: Option<Place>,
) -> Result<Written, T::Error> {
    let Some(row) = tables.endpoint(endpoint)? else {
        return Ok(Written::Refused(Refusal::NoEndpoint));
    };
    if !row.endpoint.sweeping {
        return Ok(Written::Swept(Swept::default()));
    }
    let row = EndpointRow {
        swept_to: row.swept_to.min(after),
        ..row
    };
    let (_, swept) = part(tables, now, &row)?;
    Ok(Written::Swept(swept))
}

/// Sweeps the next part, from `row.swept_to` on, and keeps the row.
pub(super) fn part<T: Tables>(
    tables: &mut T,
    now: Millis,
    row: &EndpointRow,
) -> Result<(EndpointRow, Swept), T::Error> {
    let goal = Goal::of(&row.endpoint);
    let page = tables.open_after(row.endpoint.id, row.swept_to, SWEEP_ROWS)?;
    let next = page
        .last()
        .filter(|_| page.len() == SWEEP_ROWS)
        .map(|last| (last.key, last.id));

    let (mut changed, mut hold_check) = (0, None);
    let mut last_key: Option<OrderKey> = None;
    for mut delivery in page
        .into_iter()
        .skip(usize::from(planted(Mistake::SweepSkipsRow)))
    {
        // Within a page only the first of a run of equal keys can be the first of its key.
        let follows = goal.is_in_order() && last_key.replace(delivery.key) == Some(delivery.key);
        let first = !follows && is_first(tables, goal, &delivery)?;
        if let Some(step) = goal.step(&delivery, first, now) {
            take(tables, now, &mut delivery, &row.endpoint, step)?;
            changed += 1;
            hold_check = hold_check.into_iter().chain(hold::first_check([&delivery])).min();
        }
    }

    let endpoint = Arc::new(Endpoint {
        sweeping: next.is_some(),
        ..Endpoint::clone(&row.endpoint)
    });
    let row = EndpointRow {
        endpoint,
        swept_to: next,
    };
    tables.put_endpoint(&row)?;
    let swept = Swept {
        changed,
        next,
        hold_check,
    };
    Ok((row, swept))
}

/// Brings one open delivery of an endpoint into the state that its settings ask for, ahead of the sweep under way.
pub(super) fn one<T: Tables>(
    tables: &mut T,
    now: Millis,
    delivery: &mut Delivery,
    endpoint: &Endpoint,
) -> Result<(), T::Error> {
    let goal = Goal::of(endpoint);
    let first = is_first(tables, goal, delivery)?;
    match goal.step(delivery, first, now) {
        Some(step) => take(tables, now, delivery, endpoint, step),
        None => Ok(()),
    }
}

fn take<T: Tables>(
    tables: &mut T,
    now: Millis,
    delivery: &mut Delivery,
    endpoint: &Endpoint,
    step: Step,
) -> Result<(), T::Error> {
    match step {
        Step::Cancel => settle(delivery, State::Cancelled, now),
        Step::Park => park(delivery, now),
        Step::Wait => wait(delivery, now),
        Step::Go(due) => hold::go(tables, delivery, endpoint, due, now)?,
    }
    tables.update_delivery(delivery)
}

/// Whether an open delivery need not wait for another of its key.
fn is_first<T: Tables>(tables: &mut T, goal: Goal, delivery: &Delivery) -> Result<bool, T::Error> {
    match (goal, delivery.endpoint) {
        (Goal::SendInOrder { .. }, Some(endpoint)) => {
            Ok(tables.first_open(endpoint, delivery.key)? == Some(delivery.id))
        }
        (Goal::Send, _) => Ok(true),
        (Goal::SendInOrder { .. } | Goal::Park | Goal::Cancel, _) => Ok(false),
    }
}

/// What an endpoint asks of its open deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Park,
    Send,
    SendInOrder { holds: bool },
    Cancel,
}

/// What is done with one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Cancel,
    Park,
    Wait,
    /// It is at the head of its key, or need not be: due then, or held.
    Go(Millis),
}

impl Goal {
    fn of(endpoint: &Endpoint) -> Self {
        match (
            endpoint.deleted,
            endpoint.settings.enabled,
            endpoint.settings.order,
        ) {
            (true, _, _) => Self::Cancel,
            (false, false, _) => Self::Park,
            (false, true, Order::None) => Self::Send,
            (false, true, Order::Key) => Self::SendInOrder { holds: false },
            (false, true, Order::KeyHold) => Self::SendInOrder { holds: true },
        }
    }

    const fn is_in_order(self) -> bool {
        matches!(self, Self::SendInOrder { .. })
    }

    /// What brings an open delivery into the state asked for; `first` says whether it need not wait. Nothing, if it is
    /// in it already. What is pending with a due time stays so, perhaps being sent, even behind another of its key.
    fn step(self, delivery: &Delivery, first: bool, now: Millis) -> Option<Step> {
        let holds = match self {
            Self::Cancel => return Some(Step::Cancel),
            Self::Park => return (delivery.state == State::Pending).then_some(Step::Park),
            Self::Send => false,
            Self::SendInOrder { holds } => holds,
        };
        match (delivery.state == State::Parked, first) {
            (true, true) => Some(Step::Go(delivery.due.unwrap_or(now))),
            (true, false) => Some(Step::Wait),
            (false, _) if hold::is_held(delivery) => (!holds).then_some(Step::Go(now)),
            (false, true) if is_waiting(delivery) => Some(Step::Go(now)),
            (false, _) => None,
        }
    }
}
