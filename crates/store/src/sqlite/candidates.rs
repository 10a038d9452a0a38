//! Where a search gets its candidates: the ids that one or several indexes bring, merged, newest first.

use std::collections::BTreeSet;

use ringback_contract::kind::Kind;
use ringback_core::delivery::State;
use ringback_core::id::EventId;
use ringback_core::limits::SEARCH_COMPANIES;
use ringback_core::store::{Filter, PageRequest};
use ringback_core::time::Millis;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, params_from_iter};

use super::by_event;
use super::read::Snapshot;
use super::rows::kind_code;

/// Ids that one look into an index brings at most.
const CHUNK: usize = 256;
/// The same where the deliveries of each are looked up for it, which may cost a read of the disk each: a page cannot end
/// before the look does.
const CHUNK_OF_FOLLOWED: usize = 16;

/// An index, and the part of it that is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    EventsOfEntity {
        company_id: i64,
        kind: Kind,
        id: i64,
    },
    EventsOfJob {
        company_id: i64,
        call_job_id: i64,
    },
    Event(EventId),
    EventsOfPhone(i64),
    EventsOfCompany(i64),
    Events,
    DeliveriesInState {
        company_id: i64,
        state: State,
    },
    /// Deliveries that follow the events of a company.
    DeliveriesAfterEventsOf(i64),
    /// Those that were made later.
    LaterDeliveriesOf(i64),
    Deliveries,
}

/// The indexes that bring every event that a filter lets through. Where a call or job is named without its company, those
/// companies are looked up that have one of this number. Where they are too many, or looking takes too long, the search goes
/// through all events.
pub(super) fn event_sources(snapshot: &Snapshot<'_>, filter: &Filter) -> Result<Vec<Source>> {
    let is_named = filter.company_id.is_some() || filter.event_id.is_some() || filter.phone_hash.is_some();
    let Some(id) = filter
        .call_instance_id
        .or(filter.call_job_id)
        .filter(|_| !is_named)
    else {
        return Ok(sources_of(filter));
    };
    let mut companies = BTreeSet::new();
    let mut all = companies_with(snapshot, OF_ENTITY, id, &mut companies)?;
    if filter.call_instance_id.is_none() {
        all = all && companies_with(snapshot, WITH_CALLS_OF_JOB, id, &mut companies)?;
    }
    if !all || companies.len() > SEARCH_COMPANIES {
        return Ok(sources_of(filter));
    }
    let sources = companies.into_iter().flat_map(|company_id| {
        sources_of(&Filter {
            company_id: Some(company_id),
            ..filter.clone()
        })
    });
    Ok(sources.collect())
}

/// The first company from ?2 on that has an event of the call or job ?1.
const OF_ENTITY: &str = "SELECT company_id FROM event INDEXED BY event_entity \
    WHERE entity_id = ?1 AND company_id >= ?2 ORDER BY company_id LIMIT 1";
/// The first company from ?2 on that has a call of the job ?1.
const WITH_CALLS_OF_JOB: &str = "SELECT company_id FROM event INDEXED BY event_job \
    WHERE call_job_id = ?1 AND company_id >= ?2 ORDER BY company_id LIMIT 1";

/// Adds the companies that a look after the other finds, which costs as many looks as there are companies, not events. False
/// where they are too many, or the time for preparing a page was over before all were found.
fn companies_with(
    snapshot: &Snapshot<'_>,
    sql: &str,
    id: i64,
    companies: &mut BTreeSet<i64>,
) -> Result<bool> {
    let mut statement = snapshot.connection.prepare_cached(sql)?;
    let mut from = i64::MIN;
    for _ in 0..=SEARCH_COMPANIES {
        let found = statement.query_row([id, from], |row| row.get(0)).optional()?;
        let Some(company_id) = found else {
            return Ok(true);
        };
        companies.insert(company_id);
        let Some(next) = company_id.checked_add(1) else {
            return Ok(true);
        };
        if snapshot.is_preparing_over() {
            return Ok(false);
        }
        from = next;
    }
    Ok(false)
}

fn sources_of(filter: &Filter) -> Vec<Source> {
    if let Some(id) = filter.event_id {
        return vec![Source::Event(id)];
    }
    let Filter {
        company_id,
        call_instance_id,
        call_job_id,
        phone_hash,
        ..
    } = *filter;
    if let (Some(company_id), Some(id)) = (company_id, call_instance_id) {
        return [Kind::Call, Kind::Correction, Kind::Inbound]
            .into_iter()
            .filter(|kind| filter.kind.is_none_or(|wanted| wanted == *kind))
            .map(|kind| Source::EventsOfEntity { company_id, kind, id })
            .collect();
    }
    match (company_id, call_job_id, phone_hash) {
        (Some(company_id), Some(call_job_id), _) => vec![
            Source::EventsOfJob {
                company_id,
                call_job_id,
            },
            Source::EventsOfEntity {
                company_id,
                kind: Kind::Job,
                id: call_job_id,
            },
        ],
        (_, _, Some(hash)) => vec![Source::EventsOfPhone(hash)],
        (Some(company_id), None, None) => vec![Source::EventsOfCompany(company_id)],
        (None, _, None) => vec![Source::Events],
    }
}

/// The indexes that bring every delivery that a filter lets through.
pub(super) fn delivery_sources(filter: &Filter) -> Vec<Source> {
    match (filter.company_id, filter.state) {
        (Some(company_id), Some(state @ (State::Exhausted | State::Parked))) => {
            vec![Source::DeliveriesInState { company_id, state }]
        }
        (Some(company_id), _) => vec![
            Source::DeliveriesAfterEventsOf(company_id),
            Source::LaterDeliveriesOf(company_id),
        ],
        (None, _) => vec![Source::Deliveries],
    }
}

impl Source {
    /// Whether it leaves few rows in all likelihood.
    pub(super) const fn is_narrow(self) -> bool {
        match self {
            Self::EventsOfEntity { .. }
            | Self::EventsOfJob { .. }
            | Self::Event(_)
            | Self::EventsOfPhone(_) => true,
            Self::EventsOfCompany(_)
            | Self::Events
            | Self::DeliveriesInState { .. }
            | Self::DeliveriesAfterEventsOf(_)
            | Self::LaterDeliveriesOf(_)
            | Self::Deliveries => false,
        }
    }

    /// The query and its parameters beside the bounds, which are ?1 and ?2, and the limit, ?3.
    fn query(self) -> (&'static str, Vec<i64>) {
        match self {
            Self::EventsOfEntity { company_id, kind, id } => (
                "SELECT id FROM event INDEXED BY event_entity WHERE company_id = ?4 AND entity_id = ?5 \
                 AND kind = ?6 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                vec![company_id, id, kind_code(kind).into()],
            ),
            Self::EventsOfJob {
                company_id,
                call_job_id,
            } => (
                "SELECT id FROM event INDEXED BY event_job WHERE company_id = ?4 AND call_job_id = ?5 \
                 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                vec![company_id, call_job_id],
            ),
            Self::Event(id) => (
                "SELECT id FROM event WHERE id = ?4 AND id >= ?1 AND id < ?2 LIMIT ?3",
                vec![id.0],
            ),
            Self::EventsOfPhone(hash) => (
                "SELECT id FROM event INDEXED BY event_phone WHERE phone_hash = ?4 \
                 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                vec![hash],
            ),
            Self::EventsOfCompany(company_id) | Self::DeliveriesAfterEventsOf(company_id) => (
                "SELECT id FROM event INDEXED BY event_company WHERE company_id = ?4 \
                 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                vec![company_id],
            ),
            Self::Events => (
                "SELECT id FROM event WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                Vec::new(),
            ),
            Self::DeliveriesInState { company_id, state } => (
                "SELECT id FROM delivery INDEXED BY delivery_exhausted_or_parked WHERE company_id = ?4 \
                 AND state IN (2, 3) AND state = ?5 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                vec![company_id, i64::from(state as u8)],
            ),
            Self::LaterDeliveriesOf(company_id) => (
                "SELECT delivery_id FROM later_delivery INDEXED BY later_delivery_company WHERE company_id = ?4 \
                 AND delivery_id >= ?1 AND delivery_id < ?2 ORDER BY delivery_id DESC LIMIT ?3",
                vec![company_id],
            ),
            Self::Deliveries => (
                "SELECT id FROM delivery WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                Vec::new(),
            ),
        }
    }

    const fn chunk(self) -> usize {
        match self {
            Self::DeliveriesAfterEventsOf(_) => CHUNK_OF_FOLLOWED,
            Self::EventsOfEntity { .. }
            | Self::EventsOfJob { .. }
            | Self::Event(_)
            | Self::EventsOfPhone(_)
            | Self::EventsOfCompany(_)
            | Self::Events
            | Self::DeliveriesInState { .. }
            | Self::LaterDeliveriesOf(_)
            | Self::Deliveries => CHUNK,
        }
    }

    /// The next ids, from the largest on: a chunk of them at least, or all that there are.
    fn ids(self, connection: &Connection, bounds: Bounds) -> Result<Vec<i64>> {
        let (sql, own) = self.query();
        let chunk = i64::try_from(self.chunk()).unwrap_or(i64::MAX);
        let params = [bounds.from, bounds.before, chunk].into_iter().chain(own);
        let ids: Vec<i64> = connection
            .prepare_cached(sql)?
            .query_map(params_from_iter(params.map(Value::Integer)), |row| row.get(0))?
            .collect::<Result<_>>()?;
        match self {
            Self::DeliveriesAfterEventsOf(_) => following(connection, &ids, bounds),
            _ => Ok(ids),
        }
    }
}

/// The ids of the deliveries that follow these events, which are sorted from the largest on: a chunk of them at least,
/// if there are so many.
///
/// Events and deliveries share their numbers. An event that brings nothing brings its own id, which is no delivery's: so it
/// counts as a row that was looked at, and each event brings something, which is what the merging relies on.
fn following(connection: &Connection, events: &[i64], bounds: Bounds) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for event in events {
        if ids.len() >= CHUNK_OF_FOLLOWED {
            break;
        }
        let before = ids.len();
        let own = by_event::following(connection, EventId(*event))?;
        ids.extend(own.into_iter().rev().filter(|id| *id < bounds.before));
        if ids.len() == before {
            ids.push(*event);
        }
    }
    Ok(ids)
}

/// Which ids are wanted: `from` up to, but without, `before`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    from: i64,
    before: i64,
}

impl Bounds {
    pub(super) fn of_events(filter: &Filter, page: &PageRequest) -> Self {
        let to = filter.to.map_or(i64::MAX, first_id);
        Self {
            from: filter.from.map_or(0, first_id),
            before: page.before.unwrap_or(i64::MAX).min(to),
        }
    }

    /// A delivery is younger than its event: its id has a lower bound by the event's time, but no upper one.
    pub(super) fn of_deliveries(filter: &Filter, page: &PageRequest) -> Self {
        Self {
            from: filter.from.map_or(0, first_id),
            before: page.before.unwrap_or(i64::MAX),
        }
    }
}

/// The smallest id of this moment, within what ids can hold.
pub(super) fn first_id(time: Millis) -> i64 {
    let most = EventId(i64::MAX).time();
    EventId::first_at(time.clamp(Millis::ZERO, most)).0
}

/// The ids that several sources bring, each once, from the largest on.
pub(super) struct Candidates<'a> {
    sources: &'a [Source],
    bounds: Bounds,
    /// The next ids, the largest last.
    chunk: Vec<i64>,
    /// How many were brought so far.
    pub(super) brought: usize,
}

impl<'a> Candidates<'a> {
    pub(super) const fn new(sources: &'a [Source], bounds: Bounds) -> Self {
        Self {
            sources,
            bounds,
            chunk: Vec::new(),
            brought: 0,
        }
    }

    pub(super) fn next(&mut self, snapshot: &Snapshot<'_>) -> Result<Option<i64>> {
        if self.chunk.is_empty() {
            self.fill(snapshot.connection)?;
        }
        let next = self.chunk.pop();
        self.brought += usize::from(next.is_some());
        Ok(next)
    }

    /// Each source brings its next ids; of all of them only as many are taken as each is sure to have brought.
    fn fill(&mut self, connection: &Connection) -> Result<()> {
        let mut ids = Vec::new();
        for source in self.sources {
            ids.extend(source.ids(connection, self.bounds)?);
        }
        ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        ids.dedup();
        let sure = self.sources.iter().map(|source| source.chunk()).min();
        ids.truncate(sure.unwrap_or(CHUNK));
        if let Some(last) = ids.last() {
            self.bounds.before = *last;
        }
        ids.reverse();
        self.chunk = ids;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::testing::plan;
    use super::*;

    #[test]
    fn companies_of_a_number_are_found_one_look_each() {
        for (sql, expected) in [
            (OF_ENTITY, "event_entity (entity_id=? AND company_id>?)"),
            (WITH_CALLS_OF_JOB, "event_job (call_job_id=? AND company_id>?)"),
        ] {
            let steps = plan(sql);
            assert!(steps.len() == 1 && steps[0].ends_with(expected), "{steps:?}");
        }
    }
}
