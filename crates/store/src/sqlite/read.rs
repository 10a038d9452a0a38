//! A reader's connection: due deliveries and single records. Searches are in `search`.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use ringback_core::alert::Oldest;
use ringback_core::audit as log;
use ringback_core::delivery::{Delivery, State};
use ringback_core::id::{DeliveryId, EndpointId, EventId, ReplayId};
use ringback_core::limits::{HOLD_CALLS_COUNTED, HOLD_QUIET_MS_MOST, READ_MS, READ_SOFT_MS};
use ringback_core::replay::{DryRun, Replay, ReplaySpec};
use ringback_core::store::{
    Brief, DeliveryRecord, DeliverySummary, DuePage, DueQuery, EventRecord, EventSummary, Filter, HeldBy,
    MissedPage, MissedQuery, OpenCount, Page, PageRequest, Reader, ReconcileQuery, Reconciled, StoreError,
};
use ringback_core::time::Millis;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::audit;
use super::by_event;
use super::error::store_error;
use super::limit::Limit;
use super::look::Lookup;
use super::missed;
use super::query;
use super::reconcile;
use super::rows::{self, Schedules};
use super::search;
use super::select::select;
use super::walk;
use crate::filter::{Pager, replay_fits};
use crate::replay;

pub(super) struct SqliteReader {
    connection: Connection,
    schedules: Schedules,
    limit: Limit,
    page: Duration,
    dir: PathBuf,
}

impl SqliteReader {
    /// `page` is how long a page may take.
    pub(super) fn new(mut connection: Connection, dir: PathBuf, page: Duration) -> Result<Self> {
        let limit = Limit::set(&mut connection, Duration::from_millis(READ_MS))?;
        Ok(Self {
            connection,
            schedules: Schedules::default(),
            limit,
            page,
            dir,
        })
    }

    /// Reads in one transaction, which sees one state of the store.
    fn read<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Snapshot<'_>) -> Result<T>,
    ) -> Result<T, StoreError> {
        self.limit.begin();
        let snapshot = || {
            let transaction = self.connection.transaction()?;
            let mut snapshot = Snapshot {
                connection: &transaction,
                schedules: &mut self.schedules,
                limit: &self.limit,
                page: self.page,
            };
            read(&mut snapshot)
        };
        snapshot().map_err(|source| store_error(what, &self.dir, source))
    }
}

impl Reader for SqliteReader {
    fn due(&mut self, query: &DueQuery) -> Result<DuePage, StoreError> {
        self.read("read due deliveries", |snapshot| {
            walk::due(snapshot.connection, snapshot.schedules, query)
        })
    }

    fn event(&mut self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        self.read("read an event", |snapshot| snapshot.event(id))
    }

    fn delivery(&mut self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        self.read("read a delivery", |snapshot| match snapshot.one_delivery(id)? {
            Some(delivery) => snapshot.record(delivery).map(Some),
            None => Ok(None),
        })
    }

    fn events(&mut self, filter: &Filter, page: &PageRequest) -> Result<Page<EventSummary>, StoreError> {
        self.read("search events", |snapshot| search::events(snapshot, filter, page))
    }

    fn deliveries(
        &mut self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<DeliverySummary>, StoreError> {
        self.read("search deliveries", |snapshot| {
            search::deliveries(snapshot, filter, page)
        })
    }

    fn open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount, StoreError> {
        self.read("count open deliveries", |snapshot| {
            query::count_open(snapshot.connection, endpoint, most)
        })
    }

    fn oldest(&mut self, now: Millis, endpoints: &[EndpointId]) -> Result<Vec<Option<Oldest>>, StoreError> {
        self.read("look for the oldest deliveries", |snapshot| {
            endpoints
                .iter()
                .map(|endpoint| query::oldest(snapshot.connection, snapshot.schedules, now, *endpoint))
                .collect()
        })
    }

    fn replays(&mut self, company_id: Option<i64>, page: &PageRequest) -> Result<Page<Replay>, StoreError> {
        self.read("list replays", |snapshot| snapshot.replays(company_id, page))
    }

    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        self.read("read a replay", |snapshot| {
            snapshot
                .connection
                .prepare_cached(select!(replay "WHERE id = ?1"))?
                .query_row([id.0], rows::replay)
                .optional()
        })
    }

    fn dry_run(&mut self, spec: &ReplaySpec) -> Result<DryRun, StoreError> {
        self.read("foresee a replay", |snapshot| {
            let limit = snapshot.limit;
            let mut lookup = Lookup {
                connection: snapshot.connection,
                schedules: snapshot.schedules,
            };
            replay::dry_run(&mut lookup, spec, || limit.has_lasted(READ_SOFT))
        })
    }

    fn body(&mut self, id: EventId) -> Result<Option<Bytes>, StoreError> {
        self.read("read the body of an event", |snapshot| snapshot.body(id))
    }

    fn missed(&mut self, query: &MissedQuery) -> Result<MissedPage, StoreError> {
        self.read("look for calls that have not arrived", |snapshot| {
            missed::page(snapshot, query)
        })
    }

    fn reconcile(&mut self, query: &ReconcileQuery) -> Result<Reconciled, StoreError> {
        self.read("count events and deliveries", |snapshot| {
            reconcile::part(snapshot, query)
        })
    }

    fn audit(&mut self, filter: &log::Filter, page: &PageRequest) -> Result<Page<log::Record>, StoreError> {
        self.read("search the audit log", |snapshot| {
            audit::search(snapshot, filter, page)
        })
    }
}

/// One state of the store.
pub(super) struct Snapshot<'a> {
    pub(super) connection: &'a Connection,
    schedules: &'a mut Schedules,
    limit: &'a Limit,
    page: Duration,
}

/// How long a read lasts that is no page.
const READ_SOFT: Duration = Duration::from_millis(READ_SOFT_MS);

impl Snapshot<'_> {
    /// Whether a page should end.
    pub(super) fn is_page_over(&self) -> bool {
        self.limit.has_lasted(self.page)
    }

    /// The same for a page of which earlier reads have used so much.
    pub(super) fn is_page_over_after(&self, spent: Duration) -> bool {
        self.limit.has_lasted(self.page.saturating_sub(spent))
    }

    /// Whether what is looked up before the first row of a page has used its share, which leaves as much to the rows.
    pub(super) fn is_preparing_over(&self) -> bool {
        self.limit.has_lasted(self.page / 2)
    }

    /// Whether a read that counts, and is no page, should end.
    pub(super) fn is_counting_over(&self) -> bool {
        self.limit.has_lasted(READ_SOFT)
    }

    fn event(&mut self, id: EventId) -> Result<Option<EventRecord>> {
        let event = self
            .connection
            .prepare_cached(select!(event "WHERE id = ?1"))?
            .query_row([id.0], rows::event)
            .optional()?;
        let Some(event) = event else { return Ok(None) };
        let body = self.body(id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let mut deliveries = Vec::new();
        for delivery in self.deliveries_of(id)? {
            deliveries.push(self.record(delivery)?);
        }
        Ok(Some(EventRecord {
            event,
            body,
            deliveries,
        }))
    }

    fn body(&self, id: EventId) -> Result<Option<Bytes>> {
        self.connection
            .prepare_cached("SELECT body FROM body WHERE event_id = ?1")?
            .query_row([id.0], |row| rows::body(row, 0))
            .optional()
    }

    fn replays(&self, company_id: Option<i64>, page: &PageRequest) -> Result<Page<Replay>> {
        let mut pager = Pager::new(page);
        let before = page.before.unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(select!(replay "WHERE id < ?1 ORDER BY id DESC"))?;
        let mut found = statement.query([before])?;
        while pager.wants_more()
            && let Some(row) = found.next()?
        {
            let replay = rows::replay(row)?;
            let id = replay.id.0;
            pager.show(id, Some(replay).filter(|replay| replay_fits(company_id, replay)));
        }
        Ok(pager.finish())
    }

    fn record(&mut self, delivery: Delivery) -> Result<DeliveryRecord> {
        Ok(DeliveryRecord {
            endpoint_name: self.endpoint_name(delivery.endpoint)?,
            waits_for: self.waits_for(&delivery)?,
            held_by: self.held_by(&delivery)?,
            attempts: query::all(
                self.connection,
                select!(attempt "WHERE delivery_id = ?1 ORDER BY n"),
                [delivery.id.0],
                rows::attempt,
            )?,
            delivery,
        })
    }

    /// The calls that a held delivery waits for.
    fn held_by(&self, delivery: &Delivery) -> Result<Option<HeldBy>> {
        if delivery.hold.is_none() {
            return Ok(None);
        }
        let (company_id, job) = (delivery.company_id, delivery.key.id);
        let from = delivery.id.time().minus(HOLD_QUIET_MS_MOST);
        Ok(Some(HeldBy {
            open_calls: query::count_open_calls(self.connection, company_id, job, HOLD_CALLS_COUNTED)?,
            newest_call: query::newest_call(self.connection, company_id, job, from)?,
        }))
    }

    /// The head of the key of a waiting delivery.
    fn waits_for(&self, delivery: &Delivery) -> Result<Option<DeliveryId>> {
        let (State::Pending, None, None, Some(endpoint)) =
            (delivery.state, delivery.due, delivery.hold, delivery.endpoint)
        else {
            return Ok(None);
        };
        self.connection
            .prepare_cached(
                "SELECT id FROM delivery INDEXED BY delivery_open WHERE endpoint_id = ?1 AND key_class = ?2 \
                 AND key_id = ?3 AND state IN (0, 3) AND id <> ?4 ORDER BY id LIMIT 1",
            )?
            .query_row(
                params![
                    endpoint.0,
                    delivery.key.class as u8,
                    delivery.key.id,
                    delivery.id.0
                ],
                |row| row.get(0).map(DeliveryId),
            )
            .optional()
    }

    pub(super) fn one_delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>> {
        self.connection
            .prepare_cached(select!(delivery "WHERE id = ?1"))?
            .query_row([id.0], |row| rows::delivery(row, self.schedules))
            .optional()
    }

    pub(super) fn deliveries_of(&mut self, event: EventId) -> Result<Vec<Delivery>> {
        by_event::deliveries(self.connection, self.schedules, event)
    }

    pub(super) fn endpoint_name(&self, id: Option<EndpointId>) -> Result<Option<String>> {
        let Some(id) = id else { return Ok(None) };
        self.connection
            .prepare_cached("SELECT name FROM endpoint WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()
    }

    pub(super) fn brief(&self, delivery: &Delivery) -> Result<Brief> {
        Ok(Brief {
            id: delivery.id,
            endpoint: delivery.endpoint.zip(self.endpoint_name(delivery.endpoint)?),
            state: delivery.state,
        })
    }
}
