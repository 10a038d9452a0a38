//! Making, replacing and deleting an endpoint, and making its deliveries due now.

use std::sync::Arc;

use ringback_contract::kind::Kind;
use ringback_core::company::Company;
use ringback_core::delivery::State;
use ringback_core::endpoint::{Endpoint, Settings};
use ringback_core::id::EndpointId;
use ringback_core::limits::{ENDPOINTS_PER_COMPANY, SWEEP_ROWS};
use ringback_core::store::{Refusal, Swept, Written};
use ringback_core::time::Millis;

use super::hold;
use super::sweep;
use super::transition::make_due;
use crate::tables::{EndpointRow, Place, Tables};

pub(super) fn put<T: Tables>(
    tables: &mut T,
    now: Millis,
    company_id: i64,
    name: &str,
    settings: &Settings,
) -> Result<Written, T::Error> {
    let Some(company) = tables
        .company(company_id)
        .filter(|company| company.configured)
        .cloned()
    else {
        return Ok(Written::Refused(Refusal::NoCompany));
    };
    let before = match find(tables, company_id, name) {
        Some(id) => tables.endpoint(id)?,
        None if tables.endpoints(company_id).len() >= ENDPOINTS_PER_COMPANY => {
            return Ok(Written::Refused(Refusal::TooManyEndpoints));
        }
        None => None,
    };
    let company = switch_jobs_on(tables, company, settings)?;
    let created = before.is_none();
    let row = match before {
        Some(before) => replaced(&before, settings),
        None => made(tables.next_endpoint_id(), company_id, name, settings),
    };
    let (row, swept) = if row.endpoint.sweeping {
        sweep::part(tables, now, &row)?
    } else {
        tables.put_endpoint(&row)?;
        (row, Swept::default())
    };
    Ok(Written::Endpoint {
        endpoint: row.endpoint,
        created,
        company,
        swept,
    })
}

/// Jobs in an endpoint's callbacks switch jobs on for its company.
fn switch_jobs_on<T: Tables>(
    tables: &mut T,
    company: Company,
    settings: &Settings,
) -> Result<Company, T::Error> {
    if !settings.callbacks.has(Kind::Job) || company.callbacks.has(Kind::Job) {
        return Ok(company);
    }
    let company = Company {
        callbacks: company.callbacks.with(Kind::Job),
        ..company
    };
    tables.put_company(&company)?;
    Ok(company)
}

fn made(id: EndpointId, company_id: i64, name: &str, settings: &Settings) -> EndpointRow {
    EndpointRow {
        endpoint: Arc::new(Endpoint {
            id,
            company_id,
            name: name.to_owned(),
            version: 1,
            settings: settings.clone(),
            deleted: false,
            sweeping: false,
        }),
        swept_to: None,
    }
}

/// The endpoint with new settings. If they ask for other states of its open deliveries, a sweep begins anew; one that
/// is under way goes on otherwise.
fn replaced(before: &EndpointRow, settings: &Settings) -> EndpointRow {
    let old = &before.endpoint;
    let begins = (old.settings.enabled, old.settings.order) != (settings.enabled, settings.order);
    EndpointRow {
        endpoint: Arc::new(Endpoint {
            id: old.id,
            company_id: old.company_id,
            name: old.name.clone(),
            version: old.version + 1,
            settings: settings.clone(),
            deleted: false,
            sweeping: old.sweeping || begins,
        }),
        swept_to: before.swept_to.filter(|_| !begins),
    }
}

pub(super) fn delete<T: Tables>(
    tables: &mut T,
    now: Millis,
    company_id: i64,
    name: &str,
    cancel_open: bool,
) -> Result<Written, T::Error> {
    let row = match find(tables, company_id, name) {
        Some(id) => tables.endpoint(id)?,
        None => None,
    };
    let Some(row) = row else {
        return Ok(Written::Refused(Refusal::NoEndpoint));
    };
    if !cancel_open {
        let open = tables.count_open(row.endpoint.id, SWEEP_ROWS)?;
        let at_least = (open.pending + open.parked).min(SWEEP_ROWS);
        if at_least > 0 {
            return Ok(Written::Refused(Refusal::HasOpen { at_least }));
        }
    }
    let deleted = EndpointRow {
        endpoint: Arc::new(Endpoint {
            version: row.endpoint.version + 1,
            deleted: true,
            sweeping: true,
            ..Endpoint::clone(&row.endpoint)
        }),
        swept_to: None,
    };
    let (row, swept) = sweep::part(tables, now, &deleted)?;
    Ok(Written::EndpointDeleted {
        endpoint: row.endpoint,
        swept,
    })
}

/// It goes by (key, id), which sends do not change, so that a delivery that fails meanwhile does not come up again: with
/// a receiver that refuses at once a long walk by due times would use up whole schedules.
pub(super) fn retry_now<T: Tables>(
    tables: &mut T,
    now: Millis,
    endpoint: EndpointId,
    cutoff: Millis,
    after: Option<Place>,
) -> Result<Written, T::Error> {
    if tables.endpoint(endpoint)?.is_none_or(|row| row.endpoint.deleted) {
        return Ok(Written::Refused(Refusal::NoEndpoint));
    }
    let page = tables.open_after(endpoint, after, SWEEP_ROWS)?;
    let next = page
        .last()
        .filter(|_| page.len() == SWEEP_ROWS)
        .map(|last| (last.key, last.id));
    let mut changed = 0;
    for mut delivery in page {
        let is_late = delivery.state == State::Pending && delivery.due.is_some_and(|due| due > cutoff);
        if is_late || hold::is_held(&delivery) {
            make_due(&mut delivery, cutoff, now);
            tables.update_delivery(&delivery)?;
            changed += 1;
        }
    }
    Ok(Written::RetriedNow { changed, next })
}

fn find<T: Tables>(tables: &T, company_id: i64, name: &str) -> Option<EndpointId> {
    tables
        .endpoints(company_id)
        .iter()
        .find(|endpoint| endpoint.name == name)
        .map(|endpoint| endpoint.id)
}
