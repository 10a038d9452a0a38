//! Searching: which rows a filter lets through, and how a page ends. The same for every store.

use ringback_contract::kind::Kind;
use ringback_core::delivery::Delivery;
use ringback_core::event::Event;
use ringback_core::limits::SEARCH_ROWS;
use ringback_core::replay::Replay;
use ringback_core::store::{Filter, Page, PageRequest};

/// Whether an event meets the conditions on events. `phone_hash` is what was stored with it.
pub(crate) fn event_fits(filter: &Filter, event: &Event, phone_hash: Option<i64>) -> bool {
    let is_job = event.kind == Kind::Job;
    let of_call = |id: i64| !is_job && event.entity_id == id;
    let of_job = |id: i64| event.call_job_id == Some(id) || (is_job && event.entity_id == id);
    filter.company_id.is_none_or(|id| event.company_id == id)
        && filter.event_id.is_none_or(|id| event.id == id)
        && filter.call_instance_id.is_none_or(of_call)
        && filter.call_job_id.is_none_or(of_job)
        && filter.phone_hash.is_none_or(|hash| phone_hash == Some(hash))
        && filter.kind.is_none_or(|kind| event.kind == kind)
        && filter.from.is_none_or(|from| event.accepted_at() >= from)
        && filter.to.is_none_or(|to| event.accepted_at() < to)
}

/// Whether a delivery meets the conditions on deliveries.
pub(crate) fn delivery_fits(filter: &Filter, delivery: &Delivery, endpoint_name: Option<&str>) -> bool {
    filter.state.is_none_or(|state| delivery.state == state)
        && filter
            .outcome
            .is_none_or(|outcome| delivery.last_outcome == Some(outcome))
        && filter
            .endpoint
            .as_deref()
            .is_none_or(|name| endpoint_name == Some(name))
}

/// Whether a delivery's last send meets the conditions on it. `last_sent`, the wall clock when that began, is looked up only
/// where there are any.
pub(crate) fn sent_fits<E>(
    filter: &Filter,
    last_sent: impl FnOnce() -> Result<Option<i64>, E>,
) -> Result<bool, E> {
    if filter.sent_from.is_none() && filter.sent_to.is_none() {
        return Ok(true);
    }
    Ok(last_sent()?.is_some_and(|at| {
        filter.sent_from.is_none_or(|from| at >= from) && filter.sent_to.is_none_or(|to| at < to)
    }))
}

/// Whether a replay is of this company, where one is asked for.
pub(crate) fn replay_fits(company_id: Option<i64>, replay: &Replay) -> bool {
    company_id.is_none_or(|id| replay.spec.filter.company_id == id)
}

/// Whether there is any condition on deliveries.
pub(crate) fn asks_for_delivery(filter: &Filter) -> bool {
    filter.state.is_some()
        || filter.outcome.is_some()
        || filter.endpoint.is_some()
        || filter.sent_from.is_some()
        || filter.sent_to.is_some()
}

/// A page under construction: rows are shown to it newest first.
pub(crate) struct Pager<T> {
    limit: usize,
    items: Vec<T>,
    looked: usize,
    /// The id of the last row that is done with: the cursor, should there be more.
    last: i64,
    /// Why no further row is wanted.
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The page is full, and there is at least one more item.
    Full,
    /// Enough rows were looked at.
    Tired,
}

impl<T> Pager<T> {
    pub(crate) fn new(page: &PageRequest) -> Self {
        Self {
            limit: page.limit.max(1),
            items: Vec::new(),
            looked: 0,
            last: 0,
            end: None,
        }
    }

    pub(crate) fn wants_more(&self) -> bool {
        self.end.is_none()
    }

    /// Shows the row with this id; `item` is `None` where the filter does not let it through.
    pub(crate) fn show(&mut self, id: i64, item: Option<T>) {
        if let Some(item) = item {
            if self.items.len() == self.limit {
                self.end = Some(End::Full);
                return;
            }
            self.items.push(item);
        }
        self.last = id;
        self.looked += 1;
        if self.looked >= SEARCH_ROWS {
            self.end = Some(End::Tired);
        }
    }

    /// Ends the page if its time `is_over`. It is asked after each row, so that a page has looked at one at least.
    pub(crate) fn tires(&mut self, is_over: impl FnOnce() -> bool) {
        if self.end.is_none() && self.looked > 0 && is_over() {
            self.end = Some(End::Tired);
        }
    }

    pub(crate) fn finish(self) -> Page<T> {
        Page {
            partial: self.end == Some(End::Tired) && self.items.len() < self.limit,
            next: self.end.map(|_| self.last),
            items: self.items,
        }
    }
}
