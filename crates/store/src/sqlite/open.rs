//! Opening: the directory, the lock that keeps a second process out, the connections and their settings.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{OpenError, opening};

/// The database file in the store's directory.
const DATABASE: &str = "ringback.db";
/// The file whose lock says who owns the store.
const LOCK: &str = "lock";

/// 8 kB. A commit rewrites the last page of each of a dozen trees: with larger pages small commits write much more, with
/// smaller ones large commits take more CPU (`docs/benchmarks.md` has the figures).
pub(super) const PAGE_BYTES: u32 = 8 * 1024;
const AUTO_VACUUM_INCREMENTAL: u32 = 2;
/// The writer's page cache, in KiB; the operating system caches the file besides.
const WRITER_CACHE_KIB: i32 = 16 * 1024;
/// The page cache of each other connection, in KiB.
const READER_CACHE_KIB: i32 = 1024;
/// How long a connection waits for another one. Readers last at most a second.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 128;

/// The database file of the store in `dir`.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join(DATABASE)
}

/// The write-ahead log of the store in `dir`.
pub(super) fn log(dir: &Path) -> PathBuf {
    dir.join(format!("{DATABASE}-wal"))
}

/// Makes the directory, readable for its owner only, and takes the lock, which lasts as long as the file is open.
pub(super) fn own(dir: &Path) -> Result<File, OpenError> {
    let io_error = |what, path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| OpenError::Io { what, path, source }
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(io_error("make the directory", dir))?;
    let path = dir.join(LOCK);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(io_error("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
    }
}

/// The connection that writes. A new file gets its page size and its vacuum mode here: later they are fixed.
pub(super) fn writer(dir: &Path) -> Result<Connection, OpenError> {
    let path = database(dir);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(&path, flags, WRITER_CACHE_KIB).map_err(opening("open the database"))?;
    lay_out(&connection).map_err(opening("lay out the database"))?;
    if pragma(&connection, "page_size")? != PAGE_BYTES {
        return Err(OpenError::NotAStore {
            path,
            what: "its pages are not of 8 kB",
        });
    }
    if pragma(&connection, "auto_vacuum")? != AUTO_VACUUM_INCREMENTAL {
        return Err(OpenError::NotAStore {
            path,
            what: "auto_vacuum is not incremental",
        });
    }
    Ok(connection)
}

fn lay_out(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "auto_vacuum", AUTO_VACUUM_INCREMENTAL)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The rules keep the references; checking them costs two look-ups for each event.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))
}

fn pragma(connection: &Connection, name: &str) -> Result<u32, OpenError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(opening("read the database's layout"))
}

/// A connection that reads.
pub(super) fn reader(dir: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(
        &database(dir),
        OpenFlags::SQLITE_OPEN_READ_WRITE,
        READER_CACHE_KIB,
    )?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection that only moves pages from the write-ahead log into the database.
pub(super) fn checkpointer(dir: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(
        &database(dir),
        OpenFlags::SQLITE_OPEN_READ_WRITE,
        READER_CACHE_KIB,
    )?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags, cache_kib: i32) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Plans that do not depend on bound values: without it, statements are prepared anew while they are used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}
