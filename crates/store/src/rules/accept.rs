//! Taking in an event: whether it is a repetition, and its deliveries.

use ringback_core::company::Company;
use ringback_core::event::NewEvent;
use ringback_core::fanout::targets;
use ringback_core::id::EventId;
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::{Accepted, Brief, Written};
use ringback_core::time::Millis;

use super::hold;
use super::make::{self, Subject};
use crate::tables::Tables;

pub(super) fn accept<T: Tables>(tables: &mut T, now: Millis, new: &NewEvent) -> Result<Written, T::Error> {
    let first = !tables.knows_entity(new.company_id, new.entity_id)?;
    match judge(tables, new, first)? {
        Verdict::New => insert(tables, now, new, first),
        Verdict::Repetition(event_id) => repetition(tables, event_id),
        Verdict::Conflict(event_id) => Ok(Written::Conflict { event_id }),
    }
}

enum Verdict {
    New,
    Repetition(EventId),
    Conflict(EventId),
}

/// With a key only the key decides. Without one, the newest event of the same company, kind and id does, so that
/// B → C → B are three corrections.
fn judge<T: Tables>(tables: &mut T, new: &NewEvent, first: bool) -> Result<Verdict, T::Error> {
    if let Some(key) = &new.idempotency {
        return Ok(match tables.event_by_key(new.company_id, key)? {
            None => Verdict::New,
            Some(known)
                if (known.kind, known.entity_id, known.digest) == (new.kind, new.entity_id, new.digest) =>
            {
                Verdict::Repetition(known.id)
            }
            Some(known) => Verdict::Conflict(known.id),
        });
    }
    if first {
        return Ok(Verdict::New);
    }
    let newest = tables.newest_event(new.company_id, new.kind, new.entity_id)?;
    Ok(newest
        .filter(|known| known.digest == new.digest && !planted(Mistake::MissesRepetition))
        .map_or(Verdict::New, |known| Verdict::Repetition(known.id)))
}

fn repetition<T: Tables>(tables: &mut T, event_id: EventId) -> Result<Written, T::Error> {
    let mut deliveries = Vec::new();
    for delivery in tables.deliveries_of(event_id)? {
        deliveries.push(make::brief(tables, &delivery)?);
    }
    Ok(Written::Accepted(Accepted {
        event_id,
        replayed: true,
        deliveries,
        work: Vec::new(),
        hold_check: None,
        discovered: None,
    }))
}

/// `first` says that there is no event of its company and id.
fn insert<T: Tables>(tables: &mut T, now: Millis, new: &NewEvent, first: bool) -> Result<Written, T::Error> {
    let discovered = discover(tables, new.company_id)?;
    let event_id = EventId(tables.next_id(now));
    tables.insert_event(event_id, new)?;

    let subject = Subject {
        event_id,
        company_id: new.company_id,
        kind: new.kind,
        key: new.order_key(),
        call_job_id: new.call_job_id,
        first,
    };
    let endpoints = tables.endpoints(new.company_id);
    let targets = targets(
        new.kind,
        new.job_status,
        tables.company(new.company_id),
        &endpoints,
    );
    let mut deliveries = Vec::with_capacity(targets.len());
    let mut work = Vec::new();
    let mut hold_check = None;
    for target in targets {
        let delivery = make::delivery(tables, now, subject, target.endpoint, None)?;
        deliveries.push(Brief {
            id: delivery.id,
            endpoint: target
                .endpoint
                .map(|endpoint| (endpoint.id, endpoint.name.clone())),
            state: delivery.state,
        });
        work.extend(make::work(&delivery, || new.body.clone()));
        hold_check = hold_check.into_iter().chain(hold::first_check([&delivery])).min();
    }
    Ok(Written::Accepted(Accepted {
        event_id,
        replayed: false,
        deliveries,
        work,
        hold_check,
        discovered,
    }))
}

/// Makes a company known by its number, if it was not.
fn discover<T: Tables>(tables: &mut T, company_id: i64) -> Result<Option<Company>, T::Error> {
    if tables.company(company_id).is_some() {
        return Ok(None);
    }
    let company = Company::unconfigured(company_id);
    tables.put_company(&company)?;
    Ok(Some(company))
}
