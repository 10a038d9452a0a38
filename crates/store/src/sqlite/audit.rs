//! The audit log as rows: keeping, pruning and searching entries.

use ringback_core::audit::{Action, Actor, Entry, Filter, Record};
use ringback_core::id::AuditId;
use ringback_core::store::{Page, PageRequest};
use ringback_core::time::Millis;
use rusqlite::{Connection, Result, Row, params};

use super::candidates::first_id;
use super::read::Snapshot;
use super::rows;
use super::select::select;
use crate::filter::Pager;

pub(super) fn append(connection: &Connection, record: &Record) -> Result<()> {
    let entry = &record.entry;
    connection
        .prepare_cached(
            "INSERT INTO audit (id, actor_id, actor_name, peer, at_wall_ms, action, company_id, object, \
               before_json, after_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            record.id.0,
            entry.actor.id,
            entry.actor.name,
            entry.peer,
            entry.wall_ms,
            entry.action as u8,
            entry.company_id,
            entry.object,
            entry.before,
            entry.after,
        ])?;
    Ok(())
}

pub(super) fn prune(connection: &Connection, before: Millis, most: usize) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![first_id(before), most])
}

pub(super) fn search(snapshot: &Snapshot<'_>, filter: &Filter, page: &PageRequest) -> Result<Page<Record>> {
    let mut pager = Pager::new(page);
    let from = filter.from.map_or(0, first_id);
    let to = filter.to.map_or(i64::MAX, first_id);
    let before = page.before.unwrap_or(i64::MAX).min(to);
    let mut statement = snapshot.connection.prepare_cached(match filter.company_id {
        Some(_) => select!(audit "INDEXED BY audit_company \
            WHERE company_id = ?3 AND id >= ?1 AND id < ?2 ORDER BY id DESC"),
        None => select!(audit "WHERE id >= ?1 AND id < ?2 AND ?3 IS NULL ORDER BY id DESC"),
    })?;
    let mut found = statement.query(params![from, before, filter.company_id])?;
    while pager.wants_more()
        && let Some(row) = found.next()?
    {
        let record = record(row)?;
        let id = record.id.0;
        pager.show(id, Some(record).filter(|record| filter.fits(record)));
        pager.tires(|| snapshot.is_page_over());
    }
    Ok(pager.finish())
}

fn record(row: &Row<'_>) -> Result<Record> {
    Ok(Record {
        id: AuditId(row.get(0)?),
        entry: Entry {
            actor: Actor {
                id: row.get(1)?,
                name: row.get(2)?,
            },
            peer: row.get(3)?,
            wall_ms: row.get(4)?,
            action: rows::code(row, 5, Action::from_code)?,
            company_id: row.get(6)?,
            object: row.get(7)?,
            before: row.get(8)?,
            after: row.get(9)?,
        },
    })
}
