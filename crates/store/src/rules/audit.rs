//! Writes that the audit log tells of: whether there is something to tell, and what only the store knows of it.

use ringback_core::audit::{Entry, Record};
use ringback_core::id::AuditId;
use ringback_core::replay::{Replay, ReplayState};
use ringback_core::store::{Write, Written};
use ringback_core::time::Millis;

use crate::tables::Tables;

pub(super) fn apply<T: Tables>(
    tables: &mut T,
    now: Millis,
    entry: &Entry,
    write: &Write,
) -> Result<Written, T::Error> {
    let replay_before = match write {
        Write::ChangeReplay(id, _) => tables.replay(*id)?.map(|replay| replay.state),
        _ => None,
    };
    let written = super::apply(tables, now, write)?;
    if let Some(entry) = told(entry, replay_before, &written) {
        let id = AuditId(tables.next_id(now));
        tables.append_audit(&Record { id, entry })?;
    }
    Ok(written)
}

/// The entry with what only the store knows; `None` where nothing was changed.
fn told(entry: &Entry, replay_before: Option<ReplayState>, written: &Written) -> Option<Entry> {
    let entry = entry.clone();
    match written {
        Written::Refused(_) | Written::Conflict { .. } | Written::Token(false) => None,
        Written::Accepted(accepted) if accepted.replayed => None,
        Written::Resent(resent) => {
            let ids: Vec<String> = resent
                .deliveries
                .iter()
                .map(|brief| format!("\"{}\"", brief.id))
                .collect();
            let after = format!("{{\"deliveryIds\":[{}]}}", ids.join(","));
            Some(Entry {
                after: Some(Entry::capped(after)),
                ..entry
            })
        }
        Written::Replay(replay) => told_of_replay(entry, replay_before, replay),
        Written::Accepted(_)
        | Written::Recorded(_)
        | Written::Company { .. }
        | Written::CompanyDeleted { .. }
        | Written::Endpoint { .. }
        | Written::EndpointDeleted { .. }
        | Written::Swept(_)
        | Written::RetriedNow { .. }
        | Written::Pruned(_)
        | Written::HoldsChecked { .. }
        | Written::ReplayStepped { .. }
        | Written::Token(true)
        | Written::AuditPruned(_)
        | Written::Alerts
        | Written::ChangedOutside => Some(entry),
    }
}

/// A new replay gives the entry its id; a change tells of its states, and is none where they are the same.
fn told_of_replay(entry: Entry, before: Option<ReplayState>, replay: &Replay) -> Option<Entry> {
    let object = replay.id.to_string();
    let state = |state: ReplayState| Some(format!("{{\"state\":\"{}\"}}", state.name()));
    match before {
        None => Some(Entry { object, ..entry }),
        Some(before) if before == replay.state => None,
        Some(before) => Some(Entry {
            object,
            before: state(before),
            after: state(replay.state),
            ..entry
        }),
    }
}
