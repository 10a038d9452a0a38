//! The store in a directory, on SQLite.
//!
//! One process owns it, by a lock; one connection writes, in transactions that are durable when they return
//! (write-ahead log, `synchronous=FULL`); readers have connections of their own and never hold the writer up. The schema
//! is in `migrations/`; its CHECK constraints repeat the state machine.

mod backup;
mod candidates;
mod checkpoint;
mod error;
mod limit;
mod look;
mod migrate;
mod open;
mod query;
mod read;
mod rows;
mod search;
mod select;
mod shrink;
mod walk;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};

use ringback_core::store::{Fault, Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;
use rusqlite::Connection;

pub use self::backup::{BackedUp, BackupError, Progress, backup};
use self::checkpoint::Checkpoints;
pub use self::error::{Cause, OpenError};
use self::error::{Failed, opening, store_error};
pub use self::migrate::Migrated;
use self::read::SqliteReader;
use self::select::select;
use self::writer::Writer;
use crate::rules;

/// A store on SQLite. After a failed commit every further one fails: drop it and open it again.
pub struct Sqlite {
    // Dropped in this order: the connections before the lock.
    writer: Writer,
    checkpoints: Checkpoints,
    failed: bool,
    dir: PathBuf,
    _lock: File,
}

impl Sqlite {
    /// Opens the store in `dir`, or makes it, and brings its schema up to date.
    ///
    /// # Errors
    /// The directory cannot be used, another process has the store open, or the schema is not one of this program's.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_and(dir, |connection| {
            if !checkpoint::settle(connection)? {
                tracing::warn!("another process reads the store: its write-ahead log is not finished yet");
            }
            Ok(())
        })
    }

    /// Opens the store in `dir` after a failed commit. Its write-ahead log is moved into the database, and synced there,
    /// before anything is written behind it: after a failed fsync the operating system may take pages for written that
    /// are not, and what is appended to such a log would be lost with them.
    ///
    /// # Errors
    /// As [`Sqlite::open`], and while another process reads the store.
    pub fn reopen(dir: &Path) -> Result<Self, OpenError> {
        Self::open_and(dir, |connection| {
            if checkpoint::settle(connection)? {
                Ok(())
            } else {
                Err(OpenError::LogInUse)
            }
        })
    }

    fn open_and(
        dir: &Path,
        settle: impl FnOnce(&Connection) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let lock = open::own(dir)?;
        let mut connection = open::writer(dir)?;
        settle(&connection)?;
        migrate::migrate(&mut connection)?;
        let checkpoints = Checkpoints::start(dir, &mut connection)?;
        let writer = Writer::load(connection).map_err(opening("read the companies and endpoints"))?;
        Ok(Self {
            writer,
            checkpoints,
            failed: false,
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    fn error(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| store_error(what, &self.dir, source)
    }
}

/// Brings the schema of the store in `dir` up to date, making the store if there is none.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn migrate(dir: &Path) -> Result<Migrated, OpenError> {
    let _lock = open::own(dir)?;
    migrate::migrate(&mut open::writer(dir)?)
}

impl Store for Sqlite {
    fn start(&mut self) -> Result<Start, StoreError> {
        start(&self.writer).map_err(self.error("read the start of the store"))
    }

    fn commit(&mut self, now: Millis, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        if self.failed {
            return Err(StoreError {
                what: "commit",
                fault: Fault::Other,
                source: Box::new(Failed),
            });
        }
        // Until it has succeeded it has failed: what the writer remembers may be ahead of the file.
        self.failed = true;
        let committed = transaction(&mut self.writer, now, writes);
        let rolled_back = self.writer.connection.is_autocommit();
        let written = committed
            .map_err(self.error("commit"))
            .map_err(|error| match error.fault {
                // Only what was rolled back for sure is known not to be there.
                Fault::Data if !rolled_back => StoreError {
                    fault: Fault::Other,
                    ..error
                },
                _ => error,
            })?;
        self.failed = false;
        self.checkpoints.after_commit(&self.writer.connection);
        Ok(written)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let reader = || SqliteReader::new(open::reader(&self.dir)?, self.dir.clone());
        Ok(Box::new(
            reader().map_err(self.error("open the store for reading"))?,
        ))
    }

    fn free_bytes(&self) -> Option<u64> {
        error::free_bytes(&self.dir)
    }
}

fn transaction(writer: &mut Writer, now: Millis, writes: &[Write]) -> rusqlite::Result<Vec<Written>> {
    writer.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let written: rusqlite::Result<Vec<Written>> = writes
        .iter()
        .map(|write| rules::apply(writer, now, write))
        .collect();
    let written = written.and_then(|written| {
        if writes.is_empty() {
            writer.prove_writable()?;
        }
        writer.note_time(now)?;
        Ok(written)
    });
    match written {
        Ok(written) => {
            writer.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(written)
        }
        Err(error) => {
            // The first error counts; if this fails too, dropping the connection rolls back.
            let _ = writer.connection.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn start(writer: &Writer) -> rusqlite::Result<Start> {
    let connection = &writer.connection;
    let endpoints: Vec<_> = writer.directory.all_endpoints().cloned().collect();
    let mut due = Vec::new();
    for endpoint in endpoints
        .iter()
        .filter(|endpoint| endpoint.settings.enabled && !endpoint.deleted)
    {
        if let Some(earliest) = walk::earliest_due(connection, endpoint.id, Millis(i64::MIN))? {
            due.push((endpoint.id, earliest));
        }
    }
    Ok(Start {
        newest: writer.newest(),
        phone_key: connection.query_row("SELECT phone_key FROM store", [], |row| row.get(0))?,
        companies: writer.directory.companies().cloned().collect(),
        endpoints,
        due,
        hold_check: query::first_hold_check(connection)?,
        replays: query::all(
            connection,
            select!(replay "INDEXED BY replay_open WHERE state = 0 AND state < 2 ORDER BY id"),
            [],
            rows::replay,
        )?,
        tokens: query::all(connection, select!(token "ORDER BY id"), [], rows::token)?,
    })
}

#[cfg(test)]
mod tests;
