//! Removing what is old and was handed on, in small steps.

use rusqlite::params;

use super::{Fault, Store, limit};
use ringback_core::limits;

/// Free pages that one step gives back to the file system.
const FREED_PAGES: u32 = 256;

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Pruned {
    /// Callbacks that were removed.
    pub(in super::super) removed: usize,
    /// The number to go on behind; `None` where nothing further is old enough.
    pub(in super::super) next: Option<i64>,
}

impl Store {
    /// Looks at some callbacks behind `after` that came in before `cutoff_ms`, and removes those that no outlet still
    /// needs: what is pending or was given up stays, and so does what an outlet that is away has not got yet.
    pub(in super::super) async fn prune(&self, after: i64, cutoff_ms: i64) -> Result<Pruned, Fault> {
        self.write(move |transaction| {
            let mut looked_at = transaction.prepare_cached(
                "SELECT number, received_ms,
                   number > (SELECT coalesce(min(upto), ?3) FROM outlet)
                   OR EXISTS (SELECT 1 FROM handover h WHERE h.number = event.number AND h.state IN (0, 2))
                 FROM event WHERE number > ?1 ORDER BY number LIMIT ?2",
            )?;
            let rows: Vec<(i64, i64, bool)> = looked_at
                .query_map(params![after, limit(limits::INBOX_PRUNE_ROWS), i64::MAX], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<_, _>>()?;
            let old: Vec<_> = rows
                .iter()
                .take_while(|(_, received_ms, _)| *received_ms < cutoff_ms)
                .collect();
            let mut removed = 0;
            for (number, _, _) in old.iter().filter(|(_, _, needed)| !needed) {
                transaction
                    .prepare_cached("DELETE FROM handover WHERE number = ?1")?
                    .execute([number])?;
                removed += transaction
                    .prepare_cached("DELETE FROM event WHERE number = ?1")?
                    .execute([number])?;
            }
            let more = old.len() == limits::INBOX_PRUNE_ROWS;
            transaction
                .prepare_cached("DELETE FROM refused WHERE received_ms < ?1")?
                .execute([cutoff_ms])?;
            let mut vacuum = transaction.prepare(&format!("PRAGMA incremental_vacuum({FREED_PAGES})"))?;
            let mut steps = vacuum.query([])?;
            // Each step takes one page off the file.
            while steps.next()?.is_some() {}
            Ok(Pruned {
                removed,
                next: old.last().filter(|_| more).map(|(number, _, _)| *number),
            })
        })
        .await
    }
}
