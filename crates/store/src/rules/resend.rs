//! Sending once more.

use std::sync::Arc;

use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::Event;
use ringback_core::fanout::fitting;
use ringback_core::id::DeliveryId;
use ringback_core::store::{Refusal, Resent, Written};
use ringback_core::time::Millis;

use super::hold;
use super::make::{self, Subject};
use super::sweep;
use crate::replay::is_resent_too_often;
use crate::tables::Tables;

/// A refusal in place of the deliveries that go out.
pub(super) type Outgoing = Result<Vec<Delivery>, Refusal>;

pub(super) fn resend<T: Tables>(tables: &mut T, now: Millis, id: DeliveryId) -> Result<Written, T::Error> {
    let Some(asked) = tables.delivery(id)? else {
        return Ok(Written::Refused(Refusal::NoDelivery));
    };
    let Some(event) = tables.event(asked.event_id)? else {
        return Ok(Written::Refused(Refusal::NoDelivery));
    };
    match again(tables, now, asked, &event)? {
        Ok(outgoing) => answer(tables, &event, &outgoing),
        Err(refusal) => Ok(Written::Refused(refusal)),
    }
}

/// Sends a delivery of an event once more.
pub(super) fn again<T: Tables>(
    tables: &mut T,
    now: Millis,
    asked: Delivery,
    event: &Event,
) -> Result<Outgoing, T::Error> {
    match (asked.state, asked.endpoint) {
        (State::Parked, None) => find_home(tables, now, asked, event),
        _ => to_its_endpoint(tables, now, asked, event),
    }
}

/// Sends an event that has no deliveries: every endpoint that fits now gets one.
pub(super) fn first<T: Tables>(tables: &mut T, now: Millis, event: &Event) -> Result<Outgoing, T::Error> {
    let Some(endpoints) = tables.receivers(event.company_id)? else {
        return Ok(Err(Refusal::NoneFits));
    };
    let mut outgoing = Vec::new();
    for endpoint in fitting(event.kind, event.job_status, &endpoints) {
        let made = make::delivery(tables, now, Subject::of(event), Some(endpoint), None)?;
        outgoing.push(made);
    }
    Ok(if outgoing.is_empty() {
        Err(Refusal::NoneFits)
    } else {
        Ok(outgoing)
    })
}

fn answer<T: Tables>(tables: &mut T, event: &Event, outgoing: &[Delivery]) -> Result<Written, T::Error> {
    let body = tables.body(event.id)?;
    let mut deliveries = Vec::with_capacity(outgoing.len());
    let mut work = Vec::new();
    for delivery in outgoing {
        deliveries.push(make::brief(tables, delivery)?);
        work.extend(make::work(delivery, || body.clone()));
    }
    Ok(Written::Resent(Resent {
        event_id: event.id,
        deliveries,
        work,
        hold_check: hold::first_check(outgoing),
    }))
}

/// The first fitting endpoint by name takes the delivery that has none, further ones get new ones.
fn find_home<T: Tables>(
    tables: &mut T,
    now: Millis,
    mut asked: Delivery,
    event: &Event,
) -> Result<Outgoing, T::Error> {
    let configured = tables
        .company(event.company_id)
        .is_some_and(|company| company.configured);
    let endpoints = tables.endpoints(event.company_id);
    let mut fitting = fitting(event.kind, event.job_status, &endpoints);
    let Some(first) = fitting.next().filter(|_| configured) else {
        return Ok(Err(Refusal::NoneFits));
    };
    asked.endpoint = Some(first.id);
    asked.profile = first.settings.profile.into();
    asked.schedule = Arc::clone(&first.settings.schedule);
    if first.settings.enabled {
        make::join(tables, now, &mut asked, first)?;
    }
    tables.assign_delivery(&asked)?;

    let subject = Subject::of(event);
    let mut outgoing = vec![asked];
    for endpoint in fitting {
        outgoing.push(make::delivery(
            tables,
            now,
            subject,
            Some(endpoint),
            Some(outgoing[0].id),
        )?);
    }
    Ok(Ok(outgoing))
}

fn to_its_endpoint<T: Tables>(
    tables: &mut T,
    now: Millis,
    asked: Delivery,
    event: &Event,
) -> Result<Outgoing, T::Error> {
    let row = match asked.endpoint {
        Some(id) => tables.endpoint(id)?,
        None => None,
    };
    let Some(row) = row.filter(|row| !row.endpoint.deleted) else {
        return to_another_endpoint(tables, now, &asked, event);
    };
    let endpoint: &Endpoint = &row.endpoint;
    if !endpoint.settings.enabled {
        return Ok(Err(Refusal::Disabled));
    }
    let outgoing = if asked.state == State::Parked {
        let mut asked = asked;
        sweep::one(tables, now, &mut asked, endpoint)?;
        asked
    } else {
        return another(tables, now, &asked, event, endpoint);
    };
    Ok(Ok(vec![outgoing]))
}

/// A new delivery of the event to this endpoint, because of the one that was asked for.
fn another<T: Tables>(
    tables: &mut T,
    now: Millis,
    asked: &Delivery,
    event: &Event,
    endpoint: &Endpoint,
) -> Result<Outgoing, T::Error> {
    if is_resent_too_often(&tables.deliveries_of(event.id)?) {
        return Ok(Err(Refusal::ResentTooOften));
    }
    let made = make::delivery(tables, now, Subject::of(event), Some(endpoint), Some(asked.id))?;
    Ok(Ok(vec![made]))
}

/// Its endpoint is gone: the first fitting endpoint by name gets a new delivery.
fn to_another_endpoint<T: Tables>(
    tables: &mut T,
    now: Millis,
    asked: &Delivery,
    event: &Event,
) -> Result<Outgoing, T::Error> {
    let configured = tables
        .company(event.company_id)
        .is_some_and(|company| company.configured);
    let endpoints = tables.endpoints(event.company_id);
    let first = fitting(event.kind, event.job_status, &endpoints).next();
    let Some(endpoint) = first.filter(|_| configured) else {
        return Ok(Err(Refusal::NoneFits));
    };
    if !endpoint.settings.enabled {
        return Ok(Err(Refusal::Disabled));
    }
    another(tables, now, asked, event, endpoint)
}
