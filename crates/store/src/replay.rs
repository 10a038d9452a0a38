//! What a replay meets: which events and deliveries its filter lets through, in which order, and what speaks against
//! sending one once more. The same for a dry run, which only counts, and for a step, which sends.

use std::sync::Arc;

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::Event;
use ringback_core::fanout::fitting;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::limits::{DRY_RUN_ROWS, RESENDS_PER_EVENT};
use ringback_core::replay::{DryRun, ReplayCounts, ReplayFilter, ReplaySpec};
use ringback_core::store::Refusal;
use ringback_core::time::Millis;

use crate::filter::{delivery_fits, event_fits};
use crate::look::{Events, Look, Range};

/// Ids that a dry run asks for at once.
const CHUNK: usize = 256;

/// What is done about something that meets the filter.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Nothing: a newer one of its key was delivered.
    Outdated,
    /// Nothing: it has a later delivery.
    Resent,
    /// Nothing: resends and replays have made too many deliveries of the event.
    ResentTooOften,
    /// This delivery is sent once more.
    Again(Box<Delivery>),
    /// The event goes out for the first time.
    First,
}

/// Something that meets the filter.
#[derive(Debug)]
pub(crate) struct Match {
    pub(crate) event: Event,
    pub(crate) verdict: Verdict,
}

/// Whether the ids of the walk are those of deliveries. A walk over what is exhausted or parked has an index of its own;
/// everything else is found by its event, so that what belongs to one key goes out in the order of its events.
fn walks_deliveries(filter: &ReplayFilter) -> bool {
    let indexed = |state: &State| matches!(state, State::Exhausted | State::Parked);
    let is_narrow = filter.call_instance_id.is_some() || filter.call_job_id.is_some();
    !is_narrow && !filter.unwanted && filter.states.iter().all(indexed)
}

/// The next ids to look at, upwards: after `after`, and given before `below`.
pub(crate) fn candidates<L: Look>(
    look: &mut L,
    filter: &ReplayFilter,
    after: i64,
    below: i64,
    most: usize,
) -> Result<Vec<i64>, L::Error> {
    let mut range = Range {
        after: after.max(filter.from.map_or(0, first_id) - 1),
        below,
        most,
    };
    let mut ids: Vec<i64> = Vec::new();
    if walks_deliveries(filter) {
        // A delivery is younger than its event: the end of the time says nothing of its id.
        for state in &filter.states {
            let found = look.deliveries_in(filter.company_id, *state, range)?;
            ids.extend(found.iter().map(|id| id.0));
        }
    } else {
        range.below = below.min(filter.to.map_or(i64::MAX, first_id));
        for events in sources(filter) {
            let found = look.events_in(filter.company_id, events, range)?;
            ids.extend(found.iter().map(|id| id.0));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(most);
    Ok(ids)
}

fn sources(filter: &ReplayFilter) -> Vec<Events> {
    let of = |kinds: &[Kind], id: i64| -> Vec<Events> {
        let wanted = kinds.iter().filter(|kind| filter.kinds.has(**kind));
        wanted.map(|kind| Events::Entity(*kind, id)).collect()
    };
    match (filter.call_instance_id, filter.call_job_id) {
        (Some(id), _) => of(&[Kind::Call, Kind::Correction, Kind::Inbound], id),
        (None, Some(job)) => {
            let mut sources = of(&[Kind::Job], job);
            sources.push(Events::Job(job));
            sources
        }
        (None, None) => vec![Events::Company],
    }
}

/// The smallest id of this moment, within what ids can hold.
fn first_id(time: Millis) -> i64 {
    let most = EventId(i64::MAX).time();
    EventId::first_at(time.clamp(Millis::ZERO, most)).0
}

/// What of a candidate meets the filter.
pub(crate) fn matches<L: Look>(
    look: &mut L,
    spec: &ReplaySpec,
    candidate: i64,
) -> Result<Vec<Match>, L::Error> {
    let filter = &spec.filter;
    if walks_deliveries(filter) {
        let Some(delivery) = look.delivery(DeliveryId(candidate))? else {
            return Ok(Vec::new());
        };
        let Some(event) = fitting_event(look, filter, delivery.event_id)? else {
            return Ok(Vec::new());
        };
        let others = look.deliveries_of(event.id)?;
        let found = of_delivery(look, spec, &event, &delivery, &others)?;
        return Ok(found.into_iter().collect());
    }
    let Some(event) = fitting_event(look, filter, EventId(candidate))? else {
        return Ok(Vec::new());
    };
    let deliveries = look.deliveries_of(event.id)?;
    if deliveries.is_empty() {
        let found = of_unwanted(look, spec, &event)?;
        return Ok(found.into_iter().collect());
    }
    let mut found = Vec::new();
    for delivery in &deliveries {
        found.extend(of_delivery(look, spec, &event, delivery, &deliveries)?);
    }
    Ok(found)
}

fn fitting_event<L: Look>(
    look: &mut L,
    filter: &ReplayFilter,
    id: EventId,
) -> Result<Option<Event>, L::Error> {
    let event = look.event(id)?;
    Ok(event.filter(|event| filter.kinds.has(event.kind) && event_fits(&filter.of_events(), event, None)))
}

fn of_unwanted<L: Look>(look: &mut L, spec: &ReplaySpec, event: &Event) -> Result<Option<Match>, L::Error> {
    let filter = &spec.filter;
    if !filter.unwanted || filter.endpoint.is_some() || filter.outcome.is_some() {
        return Ok(None);
    }
    let verdict = if is_outdated(look, spec, event, None)? {
        Verdict::Outdated
    } else {
        Verdict::First
    };
    Ok(Some(Match {
        event: event.clone(),
        verdict,
    }))
}

fn of_delivery<L: Look>(
    look: &mut L,
    spec: &ReplaySpec,
    event: &Event,
    delivery: &Delivery,
    others: &[Delivery],
) -> Result<Option<Match>, L::Error> {
    let filter = &spec.filter;
    if !filter.states.contains(&delivery.state) {
        return Ok(None);
    }
    let name = match delivery.endpoint {
        Some(id) if filter.endpoint.is_some() => look.endpoint_name(id)?,
        _ => None,
    };
    if !delivery_fits(&filter.of_deliveries(), delivery, name.as_deref()) {
        return Ok(None);
    }
    let is_later = |other: &Delivery| other.endpoint == delivery.endpoint && other.id > delivery.id;
    let verdict = if others.iter().any(is_later) {
        Verdict::Resent
    } else if is_outdated(look, spec, event, Some(delivery))? {
        Verdict::Outdated
    } else if delivery.state != State::Parked && is_resent_too_often(others) {
        Verdict::ResentTooOften
    } else {
        Verdict::Again(Box::new(delivery.clone()))
    };
    Ok(Some(Match {
        event: event.clone(),
        verdict,
    }))
}

/// Whether resends and replays have made as many deliveries of an event as they may. What is parked becomes pending itself,
/// so that is always possible.
pub(crate) fn is_resent_too_often(deliveries: &[Delivery]) -> bool {
    let resends = deliveries.iter().filter(|delivery| delivery.resend_of.is_some());
    resends.count() >= RESENDS_PER_EVENT
}

fn is_outdated<L: Look>(
    look: &mut L,
    spec: &ReplaySpec,
    event: &Event,
    delivery: Option<&Delivery>,
) -> Result<bool, L::Error> {
    let may_be = matches!(event.kind, Kind::Correction | Kind::Job) && !spec.include_outdated;
    if !may_be {
        return Ok(false);
    }
    look.newer_delivered(event, delivery.and_then(|delivery| delivery.endpoint))
}

/// How many deliveries would go out, or why none.
fn foresee(receivers: Option<&[Arc<Endpoint>]>, found: &Match) -> Result<usize, Refusal> {
    let endpoints = receivers.unwrap_or_default();
    let mut fitting = fitting(found.event.kind, found.event.job_status, endpoints);
    let Verdict::Again(delivery) = &found.verdict else {
        return count(fitting.count());
    };
    let its_own = match delivery.endpoint {
        Some(id) => endpoints
            .iter()
            .map(AsRef::as_ref)
            .find(|endpoint| endpoint.id == id),
        None => return count(fitting.count()),
    };
    match its_own.or_else(|| fitting.next()) {
        Some(endpoint) if endpoint.settings.enabled => Ok(1),
        Some(_) => Err(Refusal::Disabled),
        None => Err(Refusal::NoneFits),
    }
}

const fn count(fitting: usize) -> Result<usize, Refusal> {
    match fitting {
        0 => Err(Refusal::NoneFits),
        some => Ok(some),
    }
}

/// Adds what became of a match: how many deliveries went out, or why none.
pub(crate) fn tally(counts: &mut ReplayCounts, verdict: &Verdict, outcome: Result<usize, Refusal>) {
    counts.matched += 1;
    match (verdict, outcome) {
        (Verdict::Outdated, _) => counts.skipped_outdated += 1,
        (Verdict::ResentTooOften, _) => counts.failed_resent_too_often += 1,
        (Verdict::Resent, _) => counts.skipped_resent += 1,
        (Verdict::Again(_) | Verdict::First, Ok(made)) => counts.made += made as u64,
        (Verdict::Again(_) | Verdict::First, Err(Refusal::Disabled)) => counts.failed_disabled += 1,
        (Verdict::Again(_) | Verdict::First, Err(_)) => counts.failed_none_fits += 1,
    }
}

/// Counts what a replay would meet, as far as the rows and the time of a read allow.
pub(crate) fn dry_run<L: Look>(
    look: &mut L,
    spec: &ReplaySpec,
    is_long: impl Fn() -> bool,
) -> Result<DryRun, L::Error> {
    let receivers = look.receivers(spec.filter.company_id)?;
    let mut counts = ReplayCounts::default();
    let (mut after, mut looked_at) = (0, 0);
    loop {
        let ids = candidates(look, &spec.filter, after, i64::MAX, CHUNK)?;
        for id in &ids {
            if looked_at >= DRY_RUN_ROWS || is_long() {
                let partial = true;
                return Ok(DryRun { counts, partial });
            }
            for found in matches(look, spec, *id)? {
                let outcome = foresee(receivers.as_deref(), &found);
                tally(&mut counts, &found.verdict, outcome);
            }
            looked_at += 1;
            counts.looked_at += 1;
        }
        match ids.last() {
            Some(last) if ids.len() == CHUNK => after = *last,
            Some(_) | None => {
                let partial = false;
                return Ok(DryRun { counts, partial });
            }
        }
    }
}
