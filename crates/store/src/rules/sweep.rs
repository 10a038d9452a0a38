//! The sweep: bringing the open deliveries of an endpoint into the state that its settings ask for, a bounded part in
//! each transaction.

use std::sync::Arc;

use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::{Endpoint, Order};
use ringback_core::event::OrderKey;
use ringback_core::id::EndpointId;
use ringback_core::limits::SWEEP_ROWS;
use ringback_core::planted::{Fault, planted};
use ringback_core::store::{Refusal, Swept, Written};
use ringback_core::time::Millis;

use super::transition::{is_waiting, make_due, park, settle, wait};
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

    let mut changed = 0;
    let mut last_key: Option<OrderKey> = None;
    for mut delivery in page.into_iter().skip(usize::from(planted(Fault::SweepSkipsRow))) {
        // Within a page only the first of a run of equal keys can be the first of its key.
        let follows = goal == Goal::SendInOrder && last_key.replace(delivery.key) == Some(delivery.key);
        let first = !follows && is_first(tables, goal, &delivery)?;
        if goal.bring(&mut delivery, first, now) {
            tables.update_delivery(&delivery)?;
            changed += 1;
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
    Ok((row, Swept { changed, next }))
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
    if goal.bring(delivery, first, now) {
        tables.update_delivery(delivery)?;
    }
    Ok(())
}

/// Whether an open delivery need not wait for another of its key.
fn is_first<T: Tables>(tables: &mut T, goal: Goal, delivery: &Delivery) -> Result<bool, T::Error> {
    match (goal, delivery.endpoint) {
        (Goal::SendInOrder, Some(endpoint)) => {
            Ok(tables.first_open(endpoint, delivery.key)? == Some(delivery.id))
        }
        (Goal::Send, _) => Ok(true),
        (Goal::SendInOrder | Goal::Park | Goal::Cancel, _) => Ok(false),
    }
}

/// What an endpoint asks of its open deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Park,
    Send,
    SendInOrder,
    Cancel,
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
            (false, true, Order::Key) => Self::SendInOrder,
        }
    }

    /// Brings an open delivery into the state asked for; `first` says whether it need not wait. Tells whether it
    /// changed. What is pending with a due time stays so, perhaps being sent, even behind another of its key.
    fn bring(self, delivery: &mut Delivery, first: bool, now: Millis) -> bool {
        match self {
            Self::Cancel => settle(delivery, State::Cancelled, now),
            Self::Park if delivery.state == State::Pending => park(delivery, now),
            Self::Park => return false,
            Self::Send | Self::SendInOrder => match (delivery.state == State::Parked, first) {
                (true, true) => make_due(delivery, delivery.due.unwrap_or(now), now),
                (true, false) => wait(delivery, now),
                (false, true) if is_waiting(delivery) => make_due(delivery, now, now),
                (false, _) => return false,
            },
        }
        true
    }
}
