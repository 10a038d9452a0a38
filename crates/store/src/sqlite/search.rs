//! Searching events and deliveries, newest first, through the index that narrows most.
//!
//! An index only brings candidates; the filter is applied to each. So a page looks at a bounded number of rows,
//! whatever is asked.

use ringback_core::delivery::Delivery;
use ringback_core::event::Event;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::limits::SEARCH_ROWS;
use ringback_core::store::{DeliverySummary, EventSummary, Filter, Page, PageRequest};
use rusqlite::{OptionalExtension, Result};

use super::candidates::{Bounds, Candidates, delivery_sources, event_sources};
use super::read::Snapshot;
use super::rows;
use super::select::select;
use crate::filter::{Pager, asks_for_delivery, delivery_fits, event_fits, sent_fits};

/// Events, and deliveries of them, that are few enough to be sorted in memory.
const FEW: usize = SEARCH_ROWS / 10;

pub(super) fn events(
    snapshot: &mut Snapshot<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<EventSummary>> {
    let sources = event_sources(snapshot, filter)?;
    let bounds = Bounds::of_events(filter, page);
    let mut pager = Pager::new(page);
    let mut candidates = Candidates::new(&sources, bounds);
    while pager.wants_more()
        && let Some(id) = candidates.next(snapshot)?
    {
        let summary = event_summary(snapshot, filter, EventId(id))?;
        pager.show(id, summary);
        pager.tires(|| snapshot.is_page_over());
    }
    Ok(pager.finish())
}

fn event_summary(snapshot: &mut Snapshot<'_>, filter: &Filter, id: EventId) -> Result<Option<EventSummary>> {
    let Some(event) = fitting_event(snapshot, filter, id)? else {
        return Ok(None);
    };
    let deliveries = snapshot.deliveries_of(id)?;
    let mut briefs = Vec::with_capacity(deliveries.len());
    let mut fits = !asks_for_delivery(filter);
    for delivery in &deliveries {
        let brief = snapshot.brief(delivery)?;
        let name = brief.endpoint.as_ref().map(|(_, name)| name.as_str());
        fits = fits
            || (delivery_fits(filter, delivery, name)
                && sent_fits(filter, || last_sent(snapshot, delivery.id))?);
        briefs.push(brief);
    }
    Ok(fits.then_some(EventSummary {
        event,
        deliveries: briefs,
    }))
}

fn fitting_event(snapshot: &Snapshot<'_>, filter: &Filter, id: EventId) -> Result<Option<Event>> {
    let found = snapshot
        .connection
        .prepare_cached(select!(event "WHERE id = ?1"))?
        .query_row([id.0], |row| Ok((rows::event(row)?, rows::phone_hash(row)?)))
        .optional()?;
    Ok(found
        .filter(|(event, phone_hash)| event_fits(filter, event, *phone_hash))
        .map(|(event, _)| event))
}

pub(super) fn deliveries(
    snapshot: &mut Snapshot<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<DeliverySummary>> {
    let mut pager = Pager::new(page);
    if let Some(few) = deliveries_of_few_events(snapshot, filter)? {
        let before = page.before.unwrap_or(i64::MAX);
        for delivery in few.into_iter().filter(|delivery| delivery.id.0 < before) {
            if !pager.wants_more() {
                break;
            }
            let id = delivery.id.0;
            let summary = delivery_summary(snapshot, filter, delivery)?;
            pager.show(id, summary);
            pager.tires(|| snapshot.is_page_over());
        }
        return Ok(pager.finish());
    }
    let sources = delivery_sources(filter);
    let mut candidates = Candidates::new(&sources, Bounds::of_deliveries(filter, page));
    while pager.wants_more()
        && let Some(id) = candidates.next(snapshot)?
    {
        let summary = match snapshot.one_delivery(DeliveryId(id))? {
            Some(delivery) => delivery_summary(snapshot, filter, delivery)?,
            None => None,
        };
        pager.show(id, summary);
        pager.tires(|| snapshot.is_page_over());
    }
    Ok(pager.finish())
}

fn delivery_summary(
    snapshot: &Snapshot<'_>,
    filter: &Filter,
    delivery: Delivery,
) -> Result<Option<DeliverySummary>> {
    let endpoint_name = snapshot.endpoint_name(delivery.endpoint)?;
    let fits = delivery_fits(filter, &delivery, endpoint_name.as_deref())
        && sent_fits(filter, || last_sent(snapshot, delivery.id))?;
    if !fits {
        return Ok(None);
    }
    let event = fitting_event(snapshot, filter, delivery.event_id)?;
    Ok(event.map(|event| DeliverySummary {
        delivery,
        endpoint_name,
        event,
    }))
}

/// When the last send of a delivery began, by the wall clock.
fn last_sent(snapshot: &Snapshot<'_>, id: DeliveryId) -> Result<Option<i64>> {
    snapshot
        .connection
        .prepare_cached("SELECT started_wall_ms FROM attempt WHERE delivery_id = ?1 ORDER BY n DESC LIMIT 1")?
        .query_row([id.0], |row| row.get(0))
        .optional()
}

/// The deliveries of the events that one call, one job or one phone number leaves, newest first. `None` when nothing
/// narrows so far, or not far enough: a resend is younger than its event, so the order of events is not that of
/// deliveries, and all of them must be at hand. Nor where gathering them takes too long: the page then goes through all
/// deliveries, in the same order, and the next one finds the first of these in memory.
fn deliveries_of_few_events(snapshot: &mut Snapshot<'_>, filter: &Filter) -> Result<Option<Vec<Delivery>>> {
    let sources = event_sources(snapshot, filter)?;
    if sources.iter().any(|source| !source.is_narrow()) {
        return Ok(None);
    }
    let everything = PageRequest {
        limit: 1,
        before: None,
    };
    let mut candidates = Candidates::new(&sources, Bounds::of_events(filter, &everything));
    let mut deliveries = Vec::new();
    while let Some(id) = candidates.next(snapshot)? {
        deliveries.extend(snapshot.deliveries_of(EventId(id))?);
        if candidates.brought > FEW || deliveries.len() > FEW || snapshot.is_preparing_over() {
            return Ok(None);
        }
    }
    deliveries.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
    Ok(Some(deliveries))
}
