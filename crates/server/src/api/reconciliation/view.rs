//! What a reconciliation says: as JSON, and as rows of CSV or of a table.

use jiff::civil::Date;
use ringback_contract::kind::Kind;
use ringback_core::store::{DeliveryGroup, DeliveryTally, EventTally, Reconciled};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::names::KindName;
use super::Format;

/// The days, and how they are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what get_reconciliation reads")]
pub(crate) struct ReconciliationParams {
    /// The company; a token for one company names that
    #[param(example = 151)]
    company_id: Option<i64>,
    /// The first day in the zone of the installation; by default six days before the last
    #[param(format = Date, example = "2026-01-12")]
    from: Option<String>,
    /// The last day, which is included; by default today. At most 31 days in all
    #[param(format = Date, example = "2026-01-12")]
    to: Option<String>,
    /// The form of the answer; without it as `Accept` says
    #[param(inline)]
    format: Option<Format>,
    /// The `nextCursor` of the page before; give the same days with it
    cursor: Option<String>,
}

/// What a company's platform handed in on some days, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// The first day.
    #[schema(format = Date, example = "2026-01-12")]
    from: String,
    /// The last day, which is included.
    #[schema(format = Date, example = "2026-01-12")]
    to: String,
    /// The zone of the days.
    #[schema(example = "Asia/Shanghai")]
    zone: String,
    /// The days that were counted, the first one first.
    days: Vec<Day>,
    /// Where the next page begins, which may be in the middle of a day: add up the pages. Null on the last one.
    next_cursor: Option<String>,
    /// True where there is more, because one answer counts no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

/// A day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReconciliationDay)]
pub struct Day {
    /// The date.
    #[schema(format = Date, example = "2026-01-12")]
    date: String,
    /// The events that were accepted on it, by kind.
    events: Vec<EventsOfKind>,
    /// The deliveries that were made on it and repeat no other, by kind and endpoint.
    deliveries: Vec<DeliveriesOfKind>,
    /// The deliveries that were made on it by a resend or a replay and repeat another, by kind and endpoint.
    resends: Vec<DeliveriesOfKind>,
}

/// Events of a kind: `accepted` = `withDeliveries` + `unwanted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsOfKind {
    /// The kind.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// All that were accepted.
    #[schema(example = 1200)]
    accepted: u64,
    /// Those that have a delivery now.
    #[schema(example = 1200)]
    with_deliveries: u64,
    /// Those that have none: nobody wanted them.
    #[schema(example = 0)]
    unwanted: u64,
}

/// Deliveries of a kind to an endpoint, as they stand now:
/// `created` = `delivered` + `pending` + `exhausted` + `parked` + `cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveriesOfKind {
    /// The kind.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// The endpoint's name; null for deliveries that have none.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// All that were made.
    #[schema(example = 1200)]
    created: u64,
    /// Those that were acknowledged.
    #[schema(example = 1197)]
    delivered: u64,
    /// Those that are still to be sent.
    #[schema(example = 3)]
    pending: u64,
    /// Those whose schedule or maximum age ended.
    #[schema(example = 0)]
    exhausted: u64,
    /// Those that wait for somebody to act.
    #[schema(example = 0)]
    parked: u64,
    /// Those whose endpoint was deleted.
    #[schema(example = 0)]
    cancelled: u64,
}

impl Reconciliation {
    /// The columns of [`Reconciliation::rows`].
    pub const COLUMNS: [&str; 13] = [
        "date",
        "of",
        "kind",
        "endpoint",
        "accepted",
        "withDeliveries",
        "unwanted",
        "created",
        "delivered",
        "pending",
        "exhausted",
        "parked",
        "cancelled",
    ];

    pub(super) fn new(company_id: i64, (first, last): (Date, Date), zone: &str) -> Self {
        Self {
            company_id,
            from: first.to_string(),
            to: last.to_string(),
            zone: zone.to_owned(),
            days: Vec::new(),
            next_cursor: None,
            partial: false,
        }
    }

    /// The first and the last day, `yyyy-MM-dd`.
    #[must_use]
    pub fn days(&self) -> (&str, &str) {
        (&self.from, &self.to)
    }

    /// Where the next page begins; `None` on the last one.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }

    pub(super) fn goes_on_at(&mut self, cursor: String) {
        self.next_cursor = Some(cursor);
        self.partial = true;
    }

    /// Adds the counts of a day, or of a further part of it.
    pub fn add(&mut self, day: Day) {
        match self.days.iter_mut().find(|known| known.date == day.date) {
            Some(known) => known.merge(day),
            None => self.days.push(day),
        }
    }

    /// Adds the page after this one.
    pub fn add_page(&mut self, next: Self) {
        for day in next.days {
            self.add(day);
        }
        self.next_cursor = next.next_cursor;
        self.partial = next.partial;
    }

    /// A row for each sum; what a row does not count is empty. `of` says what it counts: events, deliveries or resends.
    pub fn rows(&self) -> impl Iterator<Item = [String; 13]> {
        self.days.iter().flat_map(Day::rows)
    }

    /// The rows as CSV (RFC 4180), after a line with the columns. Nothing needs quotes: kinds, dates and numbers are plain,
    /// and so are the names of endpoints.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = Self::COLUMNS.join(",");
        text.push_str("\r\n");
        for row in self.rows() {
            text.push_str(&row.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

impl Day {
    pub(super) fn of(date: Date, counted: Reconciled) -> Self {
        let deliveries = |(group, tally)| DeliveriesOfKind::of(group, tally);
        Self {
            date: date.to_string(),
            events: counted
                .events
                .into_iter()
                .map(|(kind, tally)| EventsOfKind::of(kind, tally))
                .collect(),
            deliveries: counted.deliveries.into_iter().map(deliveries).collect(),
            resends: counted.resends.into_iter().map(deliveries).collect(),
        }
    }

    fn merge(&mut self, other: Self) {
        for events in other.events {
            match self.events.iter_mut().find(|known| known.kind == events.kind) {
                Some(known) => known.merge(&events),
                None => self.events.push(events),
            }
        }
        self.events.sort_by_key(|events| events.kind);
        merge(&mut self.deliveries, other.deliveries);
        merge(&mut self.resends, other.resends);
    }

    fn rows(&self) -> impl Iterator<Item = [String; 13]> {
        let events = self.events.iter().map(|events| events.row(&self.date));
        let deliveries = self.deliveries.iter();
        let deliveries = deliveries.map(|deliveries| deliveries.row(&self.date, "deliveries"));
        let resends = self.resends.iter();
        let resends = resends.map(|deliveries| deliveries.row(&self.date, "resends"));
        events.chain(deliveries).chain(resends)
    }
}

impl EventsOfKind {
    const fn of(kind: Kind, tally: EventTally) -> Self {
        Self {
            kind,
            accepted: tally.accepted,
            with_deliveries: tally.with_deliveries,
            unwanted: tally.unwanted,
        }
    }

    const fn merge(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.with_deliveries += other.with_deliveries;
        self.unwanted += other.unwanted;
    }

    fn row(&self, date: &str) -> [String; 13] {
        let mut row = <[String; 13]>::default();
        row[0] = date.to_owned();
        row[1] = "events".to_owned();
        row[2] = self.kind.name().to_owned();
        for (cell, number) in row[4..]
            .iter_mut()
            .zip([self.accepted, self.with_deliveries, self.unwanted])
        {
            *cell = number.to_string();
        }
        row
    }
}

impl DeliveriesOfKind {
    fn of((kind, endpoint): DeliveryGroup, tally: DeliveryTally) -> Self {
        Self {
            kind,
            endpoint,
            created: tally.created,
            delivered: tally.delivered,
            pending: tally.pending,
            exhausted: tally.exhausted,
            parked: tally.parked,
            cancelled: tally.cancelled,
        }
    }

    const fn merge(&mut self, other: &Self) {
        self.created += other.created;
        self.delivered += other.delivered;
        self.pending += other.pending;
        self.exhausted += other.exhausted;
        self.parked += other.parked;
        self.cancelled += other.cancelled;
    }

    fn row(&self, date: &str, of: &str) -> [String; 13] {
        let mut row = <[String; 13]>::default();
        row[0] = date.to_owned();
        row[1] = of.to_owned();
        row[2] = self.kind.name().to_owned();
        row[3] = self.endpoint.clone().unwrap_or_default();
        let numbers = [
            self.created,
            self.delivered,
            self.pending,
            self.exhausted,
            self.parked,
            self.cancelled,
        ];
        for (cell, number) in row[7..].iter_mut().zip(numbers) {
            *cell = number.to_string();
        }
        row
    }
}

/// Adds up what belongs together, in the order of kind and endpoint.
fn merge(known: &mut Vec<DeliveriesOfKind>, others: Vec<DeliveriesOfKind>) {
    for other in others {
        let same =
            |known: &&mut DeliveriesOfKind| (known.kind, &known.endpoint) == (other.kind, &other.endpoint);
        match known.iter_mut().find(same) {
            Some(known) => known.merge(&other),
            None => known.push(other),
        }
    }
    known.sort_by(|a, b| (a.kind, &a.endpoint).cmp(&(b.kind, &b.endpoint)));
}
