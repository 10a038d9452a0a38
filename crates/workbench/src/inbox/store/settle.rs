//! What became of handing on: confirmed, failed and tried again, given up; and what a person does about it.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::super::failures::Failure;
use super::super::outlet::OutletName;
use super::{Fault, backoff_ms, files, limit, outlets};
use ringback_core::limits;

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// The target took it.
    Confirmed,
    /// It did not; why, in a few words.
    Failed(String),
}

/// The end of an attempt, or of a batch of them.
#[derive(Clone, Debug)]
pub(in super::super) struct Settled {
    pub(in super::super) outlet: OutletName,
    pub(in super::super) numbers: Vec<i64>,
    pub(in super::super) verdict: Verdict,
    /// Of files: the name of the one that they were written to, and its length with them.
    pub(in super::super) file: Option<(String, u64)>,
    pub(in super::super) now_ms: i64,
    pub(in super::super) give_up_ms: i64,
}

impl super::Store {
    /// Records how an attempt ended, and what follows from it, in one commit. Returns what of it is worth saying.
    pub(in super::super) async fn settle(&self, settled: Settled) -> Result<Vec<(i64, Failure)>, Fault> {
        self.write(move |transaction| settled.apply(transaction)).await
    }

    /// Has a callback handed on again, or now where it waits for its next try. `outlets` are those in use.
    pub(in super::super) async fn redrive(
        &self,
        number: i64,
        outlets: Vec<OutletName>,
        now_ms: i64,
    ) -> Result<usize, Fault> {
        self.write(move |transaction| {
            outlets.iter().try_fold(0, |count, outlet| {
                redrive(transaction, number, *outlet, now_ms).map(|redriven| count + usize::from(redriven))
            })
        })
        .await
    }

    /// Has the first callbacks that an outlet gave up handed on again, a bounded number of them.
    pub(in super::super) async fn redrive_given_up(
        &self,
        outlet: OutletName,
        now_ms: i64,
    ) -> Result<usize, Fault> {
        self.write(move |transaction| {
            let numbers: Vec<i64> = transaction
                .prepare_cached(
                    "SELECT number FROM handover WHERE outlet = ?1 AND state = 2 ORDER BY number LIMIT ?2",
                )?
                .query_map(params![outlet.code(), limit(limits::INBOX_REDRIVE_ROWS)], |row| {
                    row.get(0)
                })?
                .collect::<Result<_, _>>()?;
            for number in &numbers {
                redrive(transaction, *number, outlet, now_ms)?;
            }
            Ok(numbers.len())
        })
        .await
    }

    /// Lets a callback go: it is not handed on to the outlet, and no longer listed as given up.
    pub(in super::super) async fn let_go(
        &self,
        number: i64,
        outlet: OutletName,
        now_ms: i64,
    ) -> Result<bool, Fault> {
        self.write(move |transaction| {
            let key: Option<Option<String>> = transaction
                .prepare_cached(
                    "UPDATE handover SET state = 4, due_ms = NULL, settled_ms = ?3
                     WHERE number = ?1 AND outlet = ?2 AND state IN (0, 2) RETURNING order_key",
                )?
                .query_row(params![number, outlet.code(), now_ms], |row| row.get(0))
                .optional()?;
            let Some(key) = key else { return Ok(false) };
            outlets::release_next(transaction, outlet, key.as_deref(), now_ms)?;
            Ok(true)
        })
        .await
    }
}

impl Settled {
    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(i64, Failure)>> {
        if let Some((name, bytes)) = &self.file {
            files::note(transaction, name, *bytes)?;
        }
        let mut failures = Vec::new();
        for number in &self.numbers {
            match &self.verdict {
                Verdict::Confirmed => self.end(transaction, *number, 1, None)?,
                Verdict::Failed(why) => {
                    let failure = self.fail(transaction, *number, why)?;
                    failures.extend(failure.map(|failure| (*number, failure)));
                }
            }
        }
        Ok(failures)
    }

    fn fail(
        &self,
        transaction: &Transaction<'_>,
        number: i64,
        why: &str,
    ) -> rusqlite::Result<Option<Failure>> {
        let found: Option<(u32, Option<i64>)> = transaction
            .prepare_cached(
                "SELECT tries, failed_since_ms FROM handover WHERE number = ?1 AND outlet = ?2 AND state = 0",
            )?
            .query_row(params![number, self.outlet.code()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        // A person may have let it go meanwhile.
        let Some((tries, since_ms)) = found else {
            return Ok(None);
        };
        let (tries, since_ms) = (tries.saturating_add(1), since_ms.unwrap_or(self.now_ms));
        let due_ms = self
            .now_ms
            .saturating_add(backoff_ms(tries, limits::INBOX_RETRY_MS_MOST));
        if due_ms.saturating_sub(since_ms) > self.give_up_ms {
            self.end(transaction, number, 2, Some(why))?;
            return Ok(Some(Failure::GivenUp));
        }
        transaction
            .prepare_cached(
                "UPDATE handover SET tries = ?3, failed_since_ms = ?4, failure = ?5, due_ms = ?6
                 WHERE number = ?1 AND outlet = ?2",
            )?
            .execute(params![number, self.outlet.code(), tries, since_ms, why, due_ms])?;
        Ok((tries == 1).then_some(Failure::First))
    }

    fn end(
        &self,
        transaction: &Transaction<'_>,
        number: i64,
        state: u8,
        why: Option<&str>,
    ) -> rusqlite::Result<()> {
        let key: Option<Option<String>> = transaction
            .prepare_cached(
                "UPDATE handover SET state = ?3, tries = tries + 1, due_ms = NULL, settled_ms = ?4, failure = ?5
                 WHERE number = ?1 AND outlet = ?2 AND state = 0 RETURNING order_key",
            )?
            .query_row(
                params![number, self.outlet.code(), state, self.now_ms, why],
                |row| row.get(0),
            )
            .optional()?;
        key.map_or(Ok(()), |key| {
            outlets::release_next(transaction, self.outlet, key.as_deref(), self.now_ms)
        })
    }
}

fn redrive(
    transaction: &Transaction<'_>,
    number: i64,
    outlet: OutletName,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let event: Option<(Option<String>, String)> = transaction
        .prepare_cached("SELECT order_key, place FROM event WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((order_key, place)) = event else {
        return Ok(false);
    };
    // An outlet that began later has no row of it yet.
    outlets::New {
        number,
        outlet,
        order_key: order_key.as_deref(),
        place: &place,
        now_ms,
    }
    .insert(transaction)?;
    let waits = outlets::waits_behind_another(transaction, outlet, order_key.as_deref(), number)?;
    transaction
        .prepare_cached(
            "UPDATE handover SET redriven = redriven + (state <> 0), state = 0, settled_ms = NULL, tries = 0,
               failed_since_ms = NULL, failure = NULL,
               due_ms = CASE WHEN state = 0 AND due_ms IS NOT NULL THEN ?3 WHEN ?4 THEN NULL ELSE ?3 END
             WHERE number = ?1 AND outlet = ?2",
        )?
        .execute(params![number, outlet.code(), now_ms, waits])?;
    Ok(true)
}
