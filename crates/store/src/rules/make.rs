//! New deliveries, and what the answers tell of deliveries.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Age, Delivery, State, Work};
use ringback_core::endpoint::{Endpoint, FixedProfile, Order};
use ringback_core::event::{Event, OrderKey};
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::Brief;
use ringback_core::time::Millis;

use super::hold;
use super::transition::wait;
use crate::tables::Tables;

/// The event that deliveries are made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) event_id: EventId,
    pub(super) company_id: i64,
    pub(super) kind: Kind,
    pub(super) key: OrderKey,
    /// The job of a call, where it names one.
    pub(super) call_job_id: Option<i64>,
    /// There was no event of this company and id before: nobody has a delivery of its key.
    pub(super) first: bool,
}

impl Subject {
    pub(super) const fn of(event: &Event) -> Self {
        Self {
            event_id: event.id,
            company_id: event.company_id,
            kind: event.kind,
            key: OrderKey::of(event.kind, event.entity_id),
            call_job_id: event.call_job_id,
            first: false,
        }
    }
}

/// Makes and keeps a delivery at the tail of its key. It begins parked without an endpoint and where the endpoint is
/// disabled; otherwise it is due now, is held, or waits.
pub(super) fn delivery<T: Tables>(
    tables: &mut T,
    now: Millis,
    subject: Subject,
    endpoint: Option<&Endpoint>,
    resend_of: Option<DeliveryId>,
) -> Result<Delivery, T::Error> {
    let mut delivery = Delivery {
        id: DeliveryId(tables.next_id(now)),
        event_id: subject.event_id,
        company_id: subject.company_id,
        kind: subject.kind,
        key: subject.key,
        endpoint: endpoint.map(|endpoint| endpoint.id),
        state: State::Parked,
        due: None,
        hold: None,
        hold_job: hold_job(tables, subject),
        age: Age::default(),
        sends: 0,
        last_outcome: None,
        settled_at: None,
        resend_of,
        profile: endpoint.map_or_else(FixedProfile::default, |endpoint| endpoint.settings.profile.into()),
        schedule: endpoint.map_or_else(Arc::default, |endpoint| Arc::clone(&endpoint.settings.schedule)),
    };
    if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.settings.enabled) {
        if subject.first {
            hold::go(tables, &mut delivery, endpoint, now, now)?;
        } else {
            join(tables, now, &mut delivery, endpoint)?;
        }
    }
    tables.insert_delivery(&delivery, subject.first)?;
    Ok(delivery)
}

/// Lets a delivery that is not among its endpoint's open ones yet join them: due now or held, or waiting if there is an
/// open one of its key.
pub(super) fn join<T: Tables>(
    tables: &mut T,
    now: Millis,
    delivery: &mut Delivery,
    endpoint: &Endpoint,
) -> Result<(), T::Error> {
    let waits = match endpoint.settings.order {
        Order::None => false,
        Order::Key | Order::KeyHold if planted(Mistake::DropsOrderKey) => false,
        Order::Key | Order::KeyHold => tables.first_open(endpoint.id, delivery.key)?.is_some(),
    };
    if waits {
        wait(delivery, now);
        Ok(())
    } else {
        hold::go(tables, delivery, endpoint, now, now)
    }
}

/// The job whose final status a delivery of a call holds. Where nobody asked for holds nothing is kept and no index grows.
fn hold_job<T: Tables>(tables: &T, subject: Subject) -> Option<i64> {
    let job = subject.call_job_id.filter(|_| subject.kind == Kind::Call)?;
    let endpoints = tables.endpoints(subject.company_id);
    let holds = |endpoint: &Arc<Endpoint>| endpoint.settings.order == Order::KeyHold;
    endpoints.iter().any(holds).then_some(job)
}

/// The delivery as the engine holds it; `None` unless it is pending with a due time.
pub(crate) fn work(delivery: &Delivery, body: impl FnOnce() -> Bytes) -> Option<Work> {
    let endpoint = delivery.endpoint?;
    let due = delivery.due.filter(|_| delivery.state == State::Pending)?;
    Some(Work {
        id: delivery.id,
        event_id: delivery.event_id,
        endpoint,
        key: delivery.key,
        due,
        age: delivery.age,
        sends: delivery.sends,
        schedule: Arc::clone(&delivery.schedule),
        profile: delivery.profile,
        body: body(),
    })
}

/// The delivery in one line.
pub(super) fn brief<T: Tables>(tables: &mut T, delivery: &Delivery) -> Result<Brief, T::Error> {
    let row = match delivery.endpoint {
        Some(id) => tables.endpoint(id)?,
        None => None,
    };
    Ok(Brief {
        id: delivery.id,
        endpoint: row.map(|row| (row.endpoint.id, row.endpoint.name.clone())),
        state: delivery.state,
    })
}
