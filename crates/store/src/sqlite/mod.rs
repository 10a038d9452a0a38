//! The store in a directory, on SQLite.
//!
//! One process owns it, by a lock; one connection writes, in transactions that are durable when they return
//! (write-ahead log, `synchronous=FULL`); readers have connections of their own and never hold the writer up. The schema
//! is in `migrations/`; its CHECK constraints repeat the state machine.

mod audit;
mod backup;
mod by_event;
mod candidates;
mod checkpoint;
mod error;
mod forget;
mod limit;
mod look;
mod migrate;
mod missed;
mod open;
mod query;
mod read;
mod recent;
mod reconcile;
mod rows;
mod search;
mod select;
mod shrink;
mod vault;
mod walk;
mod writer;

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use ringback_core::limits::PAGE_MS;
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::{Fault, Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;

pub use self::backup::{BackedUp, BackupError, Progress, backup};
use self::checkpoint::Checkpoints;
pub use self::error::{Cause, OpenError};
use self::error::{Failed, opening, store_error};
pub use self::forget::{Forgotten, forget_settings};
pub use self::migrate::Migrated;
use self::open::Home;
use self::read::SqliteReader;
use self::select::select;
use self::vault::Vault;
use self::writer::Writer;
use crate::rules;
use crate::secrets::Secrets;

/// A store on SQLite. After a failed commit every further one fails: drop it and open it again. The exception is a commit
/// that failed because of what was written ([`Fault::Data`]).
pub struct Sqlite {
    // Dropped in this order: the connections before the lock.
    writer: Writer,
    checkpoints: Checkpoints,
    failed: bool,
    /// How long a page of a search or of a reconciliation may take.
    page: Duration,
    home: Home,
    /// `None` in a simulation.
    _lock: Option<File>,
}

/// Where a simulator keeps a store: on a file system of its own, which SQLite knows by name.
#[derive(Clone, Copy)]
pub struct Simulated<'a> {
    /// The name under which the file system is registered with SQLite.
    pub vfs: &'a str,
    /// Pages in the write-ahead log after which they are moved, by the commit that wrote them instead of a thread.
    pub checkpoint_pages: i32,
    /// Writes a file there over itself and syncs it, if there is one.
    pub renew: &'a dyn Fn(&Path) -> io::Result<()>,
}

impl Sqlite {
    /// Opens the store in `dir`, or makes it, and brings its schema up to date. Its settings are encrypted with the first of
    /// the keys when this returns, whatever they were before.
    ///
    /// # Errors
    /// The directory cannot be used, another process has the store open, the schema is not one of this program's, or none of
    /// the keys is the one that the settings are encrypted with.
    pub fn open_with(dir: &Path, secrets: &Secrets) -> Result<Self, OpenError> {
        let lock = open::own(dir)?;
        let home = Home::usual(dir);
        home.renew_log(open::renew)?;
        Self::open_at(home, secrets, Some(lock), None)
    }

    /// Opens a store whose settings are stored as they are ([`Secrets::Plain`]).
    ///
    /// # Errors
    /// As [`Sqlite::open_with`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(dir, &Secrets::Plain)
    }

    /// Opens the store in `dir` of a simulated file system. No lock of the operating system keeps others out, and no
    /// thread is started, so that one seed is one history.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_simulated(dir: &Path, on: Simulated<'_>) -> Result<Self, OpenError> {
        let home = Home {
            dir: dir.to_owned(),
            vfs: Some(on.vfs.to_owned()),
            vault: Vault::Plain,
        };
        home.renew_log(on.renew)?;
        Self::open_at(home, &Secrets::Plain, None, Some(on.checkpoint_pages))
    }

    fn open_at(
        mut home: Home,
        secrets: &Secrets,
        lock: Option<File>,
        simulated: Option<i32>,
    ) -> Result<Self, OpenError> {
        let mut connection = open::writer(&home)?;
        migrate::migrate(&mut connection)?;
        home.vault = Vault::unlock(&mut connection, secrets, &home.dir)?;
        let checkpoints = match simulated {
            None => Checkpoints::start(&home, &mut connection)?,
            Some(pages) => Checkpoints::simulate(&home, &mut connection, pages)?,
        };
        let writer = Writer::load(connection).map_err(opening("read the companies and endpoints"))?;
        Ok(Self {
            writer,
            checkpoints,
            failed: false,
            page: Duration::from_millis(PAGE_MS),
            home,
            _lock: lock,
        })
    }

    /// How long a page of a search or of a reconciliation may take, for readers that are made after this, instead of
    /// [`PAGE_MS`]. For tests: with none at all each page ends after its first row, and with the longest there is none that
    /// ends because the machine was busy.
    #[must_use]
    pub fn with_page_time(self, page: Duration) -> Self {
        Self { page, ..self }
    }

    /// A transaction that was rolled back because of what was written leaves the store as it was, once what the writer
    /// remembers is read again.
    fn after_failure(&mut self, error: rusqlite::Error) -> StoreError {
        let error = self.error("commit")(error);
        if error.fault != Fault::Data {
            return error;
        }
        if self.writer.connection.is_autocommit() && self.writer.reload().is_ok() {
            self.failed = false;
            return error;
        }
        StoreError {
            fault: Fault::Other,
            ..error
        }
    }

    fn error(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| store_error(what, &self.home.dir, source)
    }
}

/// Brings the schema of the store in `dir` up to date, making the store if there is none.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn migrate(dir: &Path) -> Result<Migrated, OpenError> {
    let _lock = open::own(dir)?;
    let home = Home::usual(dir);
    home.renew_log(open::renew)?;
    migrate::migrate(&mut open::writer(&home)?)
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
        let written = match transaction(&mut self.writer, now, writes) {
            Ok(written) => written,
            Err(error) => return Err(self.after_failure(error)),
        };
        self.failed = false;
        self.checkpoints.after_commit(&self.writer.connection);
        Ok(written)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let reader = || SqliteReader::new(open::reader(&self.home)?, self.home.dir.clone(), self.page);
        Ok(Box::new(
            reader().map_err(self.error("open the store for reading"))?,
        ))
    }

    fn free_bytes(&self) -> Option<u64> {
        error::free_bytes(&self.home.dir)
    }
}

fn transaction(writer: &mut Writer, now: Millis, writes: &[Write]) -> rusqlite::Result<Vec<Written>> {
    if planted(Mistake::AnswersBeforeCommit) && !writer.connection.is_autocommit() {
        writer.connection.execute_batch("COMMIT")?;
    }
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
            if planted(Mistake::AnswersBeforeCommit) {
                return Ok(written);
            }
            let committed = writer.connection.prepare_cached("COMMIT")?.execute([]);
            if !planted(Mistake::IgnoresFailedFsync) {
                committed?;
            }
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
        alerts: query::all(connection, "SELECT alert FROM alert ORDER BY id", [], rows::alert)?,
    })
}

#[cfg(test)]
mod tests;
