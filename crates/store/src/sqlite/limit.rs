//! How long a read may take. While a read transaction lasts the write-ahead log cannot begin anew, so it must not last:
//! a search ends its page early, and what goes on for longer all the same is interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result};

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 10_000;

/// The limit of one connection's reads.
#[derive(Debug)]
pub(super) struct Limit {
    hard: Duration,
    born: Instant,
    began: Instant,
    /// When the read under way is interrupted, in microseconds after `born`.
    end_us: Arc<AtomicU64>,
}

impl Limit {
    /// Sets the limit on a connection.
    pub(super) fn set(connection: &mut Connection, hard: Duration) -> Result<Self> {
        let born = now();
        let end_us = Arc::new(AtomicU64::new(u64::MAX));
        let end = Arc::clone(&end_us);
        connection.progress_handler(
            STEPS,
            Some(move || us(now().saturating_duration_since(born)) >= end.load(Ordering::Relaxed)),
        )?;
        Ok(Self {
            hard,
            born,
            began: born,
            end_us,
        })
    }

    /// A read begins.
    pub(super) fn begin(&mut self) {
        self.began = now();
        let end = self
            .began
            .saturating_duration_since(self.born)
            .saturating_add(self.hard);
        self.end_us.store(us(end), Ordering::Relaxed);
    }

    /// Whether the read under way has lasted so long. Asking takes some tens of nanoseconds, a row some microseconds at
    /// least: it is asked after each, since a row that comes from the disk may take a millisecond.
    pub(super) fn has_lasted(&self, span: Duration) -> bool {
        now().saturating_duration_since(self.began) >= span
    }
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// What is measured is the disk and SQLite, in real time: no decision about a delivery depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "the length of a read transaction is real time, which no test turns"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use rusqlite::ErrorCode;

    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[test]
    fn a_read_that_lasts_is_interrupted_and_the_next_one_is_not() {
        let mut connection = Connection::open_in_memory().unwrap();
        let hard = Duration::from_millis(50);
        let mut limit = Limit::set(&mut connection, hard).unwrap();
        for _ in 0..2 {
            limit.begin();
            let error = connection
                .query_row(ENDLESS, [], |row| row.get::<_, i64>(0))
                .unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted));
            assert!(limit.has_lasted(hard));
            limit.begin();
            assert_eq!(connection.query_row("SELECT 7", [], |row| row.get(0)), Ok(7));
        }
    }
}
