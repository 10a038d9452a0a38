//! A consistent copy of a store, made while a service uses it.
//!
//! The copy is that of one moment: all of it is read in one read transaction, page by page, by SQLite's own means. `VACUUM
//! INTO` would do the same row by row and take several times as long, and the time matters: while the transaction lasts,
//! the service's write-ahead log cannot begin anew and grows. Short transactions, which would let it, begin the copy
//! anew with each commit and never end under load. So the copy goes as fast as the disks do, watches the log, and gives
//! up before the log gets too long: the log stays bounded, whatever the load.
//!
//! The copy is written beside the target, checked, synced, and gets its name only then, without taking another file's
//! place.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ringback_core::limits::BACKUP_STEP_BYTES;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::Cause;
use super::migrate;
use super::open::{self, Home, PAGE_BYTES};

/// Pages copied between two looks at the log.
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const STEP_PAGES: i32 = (BACKUP_STEP_BYTES / PAGE_BYTES as u64) as i32;

/// How far a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It copies.
    Copying {
        /// Bytes copied.
        done: u64,
        /// Bytes to copy.
        of: u64,
    },
    /// All is copied; the copy is being checked.
    Checking,
}

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The length of the copy.
    pub bytes: u64,
    /// The version of its schema.
    pub version: u32,
    /// The id of the key that its settings are encrypted with. The key itself is not in it.
    pub secrets_key_id: Option<String>,
}

/// Why there is no backup. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no store to copy.
    #[error("there is no store in {}", dir.display())]
    NoStore {
        /// The directory.
        dir: PathBuf,
    },
    /// The target is there already; nothing is overwritten.
    #[error("{} exists already: a backup overwrites nothing", path.display())]
    Exists {
        /// The target, or the unfinished copy beside it.
        path: PathBuf,
    },
    /// The service writes faster than the copy can be made.
    #[error(
        "the store's write-ahead log has grown to {most_mib} MiB, which is as long as it may get while a backup reads: \
         try again when less is written"
    )]
    LogTooLong {
        /// How long the log may get.
        most_mib: u64,
    },
    /// The copy is not sound.
    #[error("the copy is damaged: {what}")]
    Damaged {
        /// What the check found first.
        what: String,
    },
    /// The caller wanted it to stop.
    #[error("the backup was stopped")]
    Stopped,
    /// A file could not be made, synced or named.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("cannot {what}")]
    Sqlite {
        /// What was being done.
        what: &'static str,
        /// The cause.
        source: Cause,
    },
}

/// Copies the store in `dir` to the new file `target`, whether a service uses it or not. The write-ahead log gets no longer
/// than `wal_most` bytes because of it. `tell` hears how far it is, and can stop it.
///
/// # Errors
/// [`BackupError`]; then there is no target.
pub fn backup(
    dir: &Path,
    target: &Path,
    wal_most: u64,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<BackedUp, BackupError> {
    if !Home::usual(dir).database().is_file() {
        return Err(BackupError::NoStore { dir: dir.to_owned() });
    }
    // It is looked at again when the copy gets its name; this is so that nobody waits for nothing.
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists {
            path: target.to_owned(),
        });
    }
    let unfinished = Unfinished::begin(target)?;
    let version = copy(dir, &unfinished.path, wal_most, tell)?;
    if tell(Progress::Checking).is_break() {
        return Err(BackupError::Stopped);
    }
    let secrets_key_id = check(&unfinished.path, version)?;
    let bytes = unfinished.finish(target)?;
    Ok(BackedUp {
        bytes,
        version,
        secrets_key_id,
    })
}

/// Fits `map_err`.
fn failing(what: &'static str) -> impl FnOnce(rusqlite::Error) -> BackupError {
    move |source| BackupError::Sqlite {
        what,
        source: source.into(),
    }
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { what, path, source }
}

/// Copies every page, as of the moment at which this begins; tells the version of the schema.
fn copy(
    dir: &Path,
    path: &Path,
    wal_most: u64,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<u32, BackupError> {
    let source = open::reader(&Home::usual(dir)).map_err(failing("open the store"))?;
    source.execute_batch("BEGIN").map_err(failing("read the store"))?;
    // The first read fixes the moment.
    let version = migrate::version(&source).map_err(failing("read the store's schema version"))?;
    let mut copy = open_copy(path)?;
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(failing("open the copy"))?;
    let log = Home::usual(dir).log();
    let length = || log.metadata().map_or(0, |found| found.len());
    let most = wal_most.max(length());
    let backup = Backup::new(&source, &mut copy).map_err(failing("begin the copy"))?;
    loop {
        let step = backup.step(STEP_PAGES).map_err(failing("copy"))?;
        let progress = backup.progress();
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * u64::from(PAGE_BYTES);
        let told = tell(Progress::Copying {
            done: bytes(progress.pagecount - progress.remaining),
            of: bytes(progress.pagecount),
        });
        if told.is_break() {
            return Err(BackupError::Stopped);
        }
        match step {
            StepResult::Done => return Ok(version),
            _ if length() > most => {
                return Err(BackupError::LogTooLong {
                    most_mib: most / (1024 * 1024),
                });
            }
            // Nobody else writes to the copy, and the source's locks are shared: the next step tries again.
            _ => {}
        }
    }
}

fn open_copy(path: &Path) -> Result<Connection, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(failing("open the copy"))
}

/// The first version of the schema in which a store notes which key its settings are encrypted with.
const NOTES_SECRETS_KEY: u32 = 5;

/// Checks the copy, and makes it one file: a store that is opened makes its log anew. Tells the id of its key.
fn check(path: &Path, version: u32) -> Result<Option<String>, BackupError> {
    let copy = open_copy(path)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
        .map_err(failing("settle the copy"))?;
    let found: String = copy
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(failing("check the copy"))?;
    if found != "ok" {
        return Err(BackupError::Damaged { what: found });
    }
    if version < NOTES_SECRETS_KEY {
        return Ok(None);
    }
    copy.query_row("SELECT secrets_key_id FROM store", [], |row| row.get(0))
        .map_err(failing("check the copy"))
}

/// The copy as long as it has not got its name. Dropped, it is removed.
struct Unfinished {
    path: PathBuf,
    finished: bool,
}

impl Unfinished {
    fn begin(target: &Path) -> Result<Self, BackupError> {
        let mut name = target.as_os_str().to_owned();
        name.push(".unfinished");
        let path = PathBuf::from(name);
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Ok(_) => Ok(Self {
                path,
                finished: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists { path }),
            Err(error) => Err(io_error("make", &path)(error)),
        }
    }

    /// Syncs the copy and gives it its name; tells its length.
    fn finish(mut self, target: &Path) -> Result<u64, BackupError> {
        let file = File::open(&self.path).map_err(io_error("open", &self.path))?;
        file.sync_all().map_err(io_error("sync", &self.path))?;
        let bytes = file.metadata().map_err(io_error("look at", &self.path))?.len();
        rename(&self.path, target)?;
        self.finished = true;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or_else(|| Path::new("."));
        File::open(parent)
            .and_then(|dir| dir.sync_all())
            .map_err(io_error("sync", parent))?;
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            // Whatever failed before is what there is to say.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Gives the copy its name unless another file has it.
fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    let exists = || BackupError::Exists { path: to.to_owned() };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(exists()),
        // Not every file system can do it in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if to.symlink_metadata().is_ok() => Err(exists()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            std::fs::rename(from, to).map_err(io_error("name", to))
        }
        Err(errno) => Err(io_error("name", to)(errno.into())),
    }
}
