//! Where the inbox keeps callbacks and how far each is on its way to each outlet: a SQLite database with one writer.
//!
//! A write that was answered with `Ok` is on disk: WAL, `synchronous=FULL`, one thread that commits, and whatever
//! gathered while the last commit was being synced goes into the next one. After a failed write the connection is
//! dropped, and opened again for the next one, so that a disk that has room again is noticed by itself.

mod accept;
mod facts;
mod files;
mod open;
mod outlets;
mod prune;
mod read;
mod settle;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_core::limits;
use ringback_server::tasks;
use rusqlite::{Connection, Transaction};
use tokio::sync::watch;

use super::outlet::OutletName;
use open::Home;
use writer::Writer;

pub(super) use accept::{Accepted, Callback, Refused};
pub(super) use facts::{Handover, RefusedRow, State, Stored, Summary};
pub use open::OpenError;
pub(super) use outlets::Beginning;
pub(super) use read::{Filter, Standing};
pub(super) use settle::{Settled, Verdict};

/// Why something was not written, or not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Too much is waiting to be written.
    #[error("too many callbacks at once")]
    Busy,
    /// The disk has no room.
    #[error("the disk is full")]
    Full,
    /// SQLite or the disk failed otherwise.
    #[error("the inbox cannot be written: {0}")]
    Failed(String),
    /// The inbox is being closed.
    #[error("the inbox is being closed")]
    Closed,
}

/// The store of a running inbox. Clones share it.
#[derive(Clone)]
pub(super) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    home: Home,
    writer: Writer,
    /// For the outlets, and for people: who looks at pages must not hold up what is being handed on.
    readers: [Mutex<Option<Connection>>; 2],
}

/// Which of the two reading connections is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    /// The outlets'.
    Outlets = 0,
    /// The page's and the pruning's.
    Page = 1,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("home", &self.shared.home)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the inbox in `dir`, which is made where it is not there, and begins or resumes `outlets`.
    pub(super) fn open(
        dir: &Path,
        outlets: &[OutletName],
        beginning: Beginning,
        now_ms: i64,
    ) -> Result<Self, OpenError> {
        let (home, mut connection) = Home::open(dir)?;
        outlets::begin(&mut connection, outlets, beginning, now_ms).map_err(OpenError::Sqlite)?;
        let writer = Writer::start(home.clone(), connection)
            .map_err(|source| home.io("start the writer of", source))?;
        Ok(Self {
            shared: Arc::new(Shared {
                home,
                writer,
                readers: [Mutex::new(None), Mutex::new(None)],
            }),
        })
    }

    /// Does some work in the next commit. `Ok` comes after the commit is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        self.shared.writer.write(0, work).await
    }

    /// As [`Store::write`], for work that holds so many bytes in memory: a commit takes in a bounded number of them.
    pub(super) async fn write_bytes<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        self.shared.writer.write(bytes, work).await
    }

    /// Reads what is committed.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        reader: Reader,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let shared = Arc::clone(&self.shared);
        tasks::spawn_blocking("inbox read", move || shared.read(reader, work))
            .await
            .map_err(|_| Fault::Closed)?
    }

    /// Forgets an outlet: see [`outlets::forget`].
    pub(super) async fn forget(&self, outlet: OutletName) -> Result<usize, Fault> {
        self.write(move |transaction| outlets::forget(transaction, outlet))
            .await
    }

    /// Counts commits, so that whoever waits for news can wait for the next one.
    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.shared.writer.commits()
    }

    /// Why the last write failed; `None` while all is well.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.shared.writer.fault()
    }

    /// Finishes what waits to be written and ends the writer.
    pub(super) fn close(&self) {
        self.shared.writer.close();
    }
}

impl Drop for Shared {
    /// With the last handle the directory is free for another process.
    fn drop(&mut self) {
        self.writer.close();
    }
}

impl Shared {
    fn read<T>(
        &self,
        reader: Reader,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let mut held = self.readers[reader as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = match held.take() {
            Some(connection) => connection,
            None => self.home.reader().map_err(|error| fault(&error))?,
        };
        // A connection that failed is not used again.
        let found = work(&connection).map_err(|error| fault(&error))?;
        *held = Some(connection);
        Ok(found)
    }
}

/// What a failure of SQLite means. SQLite's words name no values.
fn fault(error: &rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Fault::Full,
        _ => Fault::Failed(error.to_string()),
    }
}

/// Rows of an answer that is bounded by a number of them.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The wait after so many failed tries in a row, in milliseconds.
pub(super) fn backoff_ms(tries: u32, most_ms: u64) -> i64 {
    let doubled =
        limits::INBOX_RETRY_MS.saturating_mul(1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX));
    i64::try_from(doubled.min(most_ms)).unwrap_or(i64::MAX)
}
