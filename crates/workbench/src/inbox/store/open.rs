//! Opening: the directory, the lock that keeps a second process out, the database and its settings.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringback_server::random;
use rusqlite::{Connection, OpenFlags};

/// The database file in the inbox's directory, and its write-ahead log.
const DATABASE: &str = "inbox.db";
const LOG: &str = "inbox.db-wal";
/// The file whose lock says who owns the inbox.
const LOCK: &str = "inbox.lock";

const SCHEMA: &str = include_str!("schema.sql");
const VERSION: u32 = 1;
/// `rbin`, so that another program's database is not taken for an inbox.
const APPLICATION_ID: u32 = 0x7262_696e;

/// Pages of the write-ahead log after which it is moved into the database: 32 MB.
const CHECKPOINT_PAGES: u32 = 8192;
/// How long a connection waits for another one.
const BUSY: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;
/// How much of a log is written over itself at a time.
const RENEW_BYTES: usize = 1024 * 1024;

/// Why an inbox could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it could not be made or opened.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another process has the inbox open.
    #[error("the inbox in {} is in use by another process", dir.display())]
    InUse {
        /// The directory of the inbox.
        dir: PathBuf,
    },
    /// The file is another program's, or that of a newer version of this one.
    #[error("{} is no inbox of this version of ringback: {what}", path.display())]
    NotAnInbox {
        /// The database file.
        path: PathBuf,
        /// What is different.
        what: &'static str,
    },
    /// SQLite failed.
    #[error("the inbox's database cannot be opened")]
    Sqlite(#[source] rusqlite::Error),
}

/// Where an inbox is, owned as long as a clone of this lives.
#[derive(Clone, Debug)]
pub(super) struct Home {
    dir: PathBuf,
    _lock: Arc<File>,
}

impl Home {
    /// Makes and locks the directory, and opens the database for the writer.
    pub(super) fn open(dir: &Path) -> Result<(Self, Connection), OpenError> {
        let home = Self {
            dir: dir.to_owned(),
            _lock: Arc::new(own(dir)?),
        };
        let connection = home.writer()?;
        // So that the files themselves are still there after a power cut.
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|source| home.io("sync", source))?;
        Ok((home, connection))
    }

    /// An error about the directory.
    pub(super) fn io(&self, what: &'static str, source: io::Error) -> OpenError {
        io_error(what, &self.dir)(source)
    }

    /// A connection that writes, to a database that has its schema.
    pub(super) fn writer(&self) -> Result<Connection, OpenError> {
        self.writer_on(None)
    }

    /// The same on a file system that SQLite knows by name, or on the usual one.
    fn writer_on(&self, vfs: Option<&str>) -> Result<Connection, OpenError> {
        renew(&self.dir.join(LOG)).map_err(io_error("write and sync once more", &self.dir.join(LOG)))?;
        let mut connection = self.connect(true, vfs).map_err(OpenError::Sqlite)?;
        let found: u32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(OpenError::Sqlite)?;
        match found {
            0 => lay_out(&mut connection).map_err(OpenError::Sqlite)?,
            VERSION => {}
            _ => return Err(self.not_an_inbox("its schema is a newer one")),
        }
        let application_id: u32 = connection
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .map_err(OpenError::Sqlite)?;
        if application_id != APPLICATION_ID {
            return Err(self.not_an_inbox("it is another program's"));
        }
        // Asked for the write-ahead log, SQLite answers `wal` before the file says so. With a rollback journal, whose removal
        // nothing makes durable, what was acknowledged could be undone.
        let journal_mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .map_err(OpenError::Sqlite)?;
        if journal_mode != "wal" {
            return Err(self.not_an_inbox("SQLite does not keep a write-ahead log for it"));
        }
        Ok(connection)
    }

    /// A connection that reads.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect(false, None)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn not_an_inbox(&self, what: &'static str) -> OpenError {
        OpenError::NotAnInbox {
            path: self.dir.join(DATABASE),
            what,
        }
    }

    fn connect(&self, writes: bool, vfs: Option<&str>) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if writes {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let path = self.dir.join(DATABASE);
        let connection = match vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
            None => Connection::open_with_flags(path, flags)?,
        };
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        if writes {
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        }
        Ok(connection)
    }
}

fn lay_out(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let tables: u32 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // Somebody else's tables are left alone; that it is no inbox is found next.
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.execute("INSERT INTO inbox VALUES (?1)", [random::token()])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Makes the directory, readable for its owner only, and takes the lock, which lasts as long as the file is open.
fn own(dir: &Path) -> Result<File, OpenError> {
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

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { what, path, source }
}

/// Writes a log that an earlier life left over itself and syncs it: what that life wrote last can be seen without being
/// on disk, and after a failed fsync the kernel takes such pages for clean. A repetition of what stands there would be
/// answered `success` on its strength.
fn renew(path: &Path) -> io::Result<()> {
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
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_without_a_write_ahead_log_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home {
            dir: dir.path().to_owned(),
            _lock: Arc::new(own(dir.path()).unwrap()),
        };
        // One of SQLite's own: with its locks processes cannot share memory, which a write-ahead log needs.
        let error = home.writer_on(Some("unix-dotfile")).unwrap_err();
        let OpenError::NotAnInbox { what, .. } = error else {
            panic!("{error}")
        };
        assert!(what.contains("write-ahead log"), "{what}");
        std::fs::remove_file(dir.path().join(DATABASE)).unwrap();
        home.writer().unwrap();
    }
}
