//! Opening: the directory, the lock that keeps a second process out, the connections and their settings.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringback_core::planted::{Mistake, planted};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{OpenError, opening};
use super::vault::Vault;

/// The database file in the store's directory.
const DATABASE: &str = "ringback.db";
/// Its write-ahead log, as SQLite names it.
const LOG: &str = "ringback.db-wal";
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
/// How much of a log is written over itself at a time.
const RENEW_BYTES: usize = 1024 * 1024;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 128;

/// Where a store is: its directory, on a file system that SQLite knows by name, or on the usual one; and the keys for it.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) dir: PathBuf,
    pub(super) vfs: Option<String>,
    /// As long as it is not known which keys fit, none.
    pub(super) vault: Vault,
}

impl Home {
    /// A directory on the usual file system.
    pub(super) fn usual(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            vfs: None,
            vault: Vault::Plain,
        }
    }

    /// The database file.
    pub(super) fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    /// The write-ahead log.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join(LOG)
    }

    /// Writes the log that an earlier life left over itself and syncs it, by `renew`, before SQLite reads it.
    ///
    /// What that life wrote last can be seen without being on disk: it was killed before its fsync, or the fsync failed,
    /// and the kernel, which reports such a failure once, takes those pages for clean. After a power cut they are gone,
    /// and with them what was appended behind them; and where a checkpoint was moving them into the database, it is left
    /// half moved, with nothing to redo it from. Bytes that are written again are dirty again, and this fsync tells the
    /// truth about them.
    pub(super) fn renew_log(&self, renew: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), OpenError> {
        if planted(Mistake::BelievesOldLog) {
            return Ok(());
        }
        let path = self.log();
        renew(&path).map_err(|source| OpenError::Io {
            what: "write and sync once more",
            path,
            source,
        })
    }
}

/// Writes a file over itself, byte for byte, and syncs it. One that is not there is left so.
pub(super) fn renew(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; RENEW_BYTES];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut bytes, at)?;
        if count == 0 {
            break;
        }
        file.write_all_at(&bytes[..count], at)?;
        at += count as u64;
    }
    if at > 0 {
        file.sync_all()?;
    }
    Ok(())
}

/// Makes an empty file for its owner only, where there is none: the directory may let others in, and SQLite gives its other
/// files the mode of this one. A file that is there is not even opened: closing it would take the locks along that other
/// connections of this process have on it.
fn make_private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes the directory and an empty database, both for their owner only, and takes the lock, which lasts as long as the file
/// is open.
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
        Ok(()) => {
            let path = dir.join(DATABASE);
            make_private(&path).map_err(io_error("make", &path))?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
    }
}

/// The connection that writes. A new file gets its page size and its vacuum mode here: later they are fixed.
pub(super) fn writer(home: &Home) -> Result<Connection, OpenError> {
    let path = home.database();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(home, flags, WRITER_CACHE_KIB).map_err(opening("open the database"))?;
    lay_out(&connection).map_err(opening("lay out the database"))?;
    // Asked for the write-ahead log, SQLite answers `wal` before it writes so into the file, and tells nobody when that
    // fails. Such a store would keep a rollback journal, whose removal nothing makes durable.
    let journal_mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(opening("read the database's layout"))?;
    if journal_mode != "wal" {
        return Err(OpenError::NotAStore {
            path,
            what: "SQLite does not keep a write-ahead log for it",
        });
    }
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
    // For the rollback journal of a file that is being made: the directory is synced when the journal is removed, so that
    // it cannot come back and undo what came after it.
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let synchronous = if planted(Mistake::SkipsFsync) {
        "OFF"
    } else {
        "FULL"
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
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
pub(super) fn reader(home: &Home) -> rusqlite::Result<Connection> {
    let connection = connect(home, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection that only moves pages from the write-ahead log into the database.
pub(super) fn checkpointer(home: &Home) -> rusqlite::Result<Connection> {
    let connection = connect(home, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn connect(home: &Home, flags: OpenFlags, cache_kib: i32) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &home.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(home.database(), flags, vfs.as_str())?,
        None => Connection::open_with_flags(home.database(), flags)?,
    };
    connection.busy_timeout(BUSY)?;
    // Plans that do not depend on bound values: without it, statements are prepared anew while they are used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    home.vault.install(&connection)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_file_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        renew(&path).unwrap();
        assert!(!path.exists());
        for len in [0, 1, RENEW_BYTES, RENEW_BYTES + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            std::fs::write(&path, &bytes).unwrap();
            renew(&path).unwrap();
            assert!(std::fs::read(&path).unwrap() == bytes, "{len}");
        }
    }
}
