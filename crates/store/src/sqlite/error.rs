//! Errors: what opening can say, and how a failure of SQLite becomes a failure of the store.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ringback_core::store::{Fault, StoreError};
use rusqlite::ErrorCode;

/// Why a store could not be opened.
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
    /// Another process has the store open.
    #[error("the store in {} is in use by another process", dir.display())]
    InUse {
        /// The directory of the store.
        dir: PathBuf,
    },
    /// A newer version of the program has written the store.
    #[error("the store has schema version {found}, this program knows {known}: use a newer ringback")]
    Newer {
        /// The version of the store's schema.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The store was made with another text of a migration.
    #[error(
        "the store was made with another text of migration {version}: it is not from a released ringback"
    )]
    OtherMigration {
        /// The migration's number.
        version: u32,
    },
    /// The file is not laid out as a store.
    #[error("{} is not a ringback store: {what}", path.display())]
    NotAStore {
        /// The database file.
        path: PathBuf,
        /// What is different.
        what: &'static str,
    },
    /// The settings are encrypted, and there is no key.
    #[error(
        "the settings in the store are encrypted with the key {id}, and there is none: put the file secrets-key back into the \
         store's directory, or set RINGBACK_SECRETS_KEY (if it is lost for good: ringback forget-settings)"
    )]
    NoSecretsKey {
        /// The id of the key.
        id: String,
    },
    /// The settings are encrypted with another key.
    #[error(
        "the settings in the store are encrypted with the key {id}, which is not among those that are set ({given}): add it to \
         RINGBACK_SECRETS_KEY, behind the new one (if it is lost for good: ringback forget-settings)"
    )]
    OtherSecretsKey {
        /// The id of the key.
        id: String,
        /// The ids of those that are set.
        given: String,
    },
    /// There is nothing to forget.
    #[error("the settings in the store can be read with the keys that are set: nothing was forgotten")]
    KeyFits,
    /// SQLite failed.
    #[error("cannot {what}")]
    Sqlite {
        /// What was being done.
        what: &'static str,
        /// The cause.
        source: Cause,
    },
}

/// A failure of SQLite, as the cause of another error. Its text says all, so it has no cause of its own.
#[derive(Debug)]
pub struct Cause(rusqlite::Error);

impl From<rusqlite::Error> for Cause {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {}

/// Fits `map_err`: the same failure with what was being done.
pub(super) fn opening(what: &'static str) -> impl FnOnce(rusqlite::Error) -> OpenError {
    move |source| OpenError::Sqlite {
        what,
        source: source.into(),
    }
}

/// A commit after one that failed.
#[derive(Debug, thiserror::Error)]
#[error("an earlier commit failed: the store must be opened again")]
pub(super) struct Failed;

/// Free bytes below which a failed write counts as *disk full*: SQLite tells a full disk only where a write says so, not
/// where an fsync or the growth of a file does.
const FULL_BELOW: u64 = 1024 * 1024;

/// The failure of the store in `dir` while `what` was being done.
pub(super) fn store_error(what: &'static str, dir: &Path, source: rusqlite::Error) -> StoreError {
    StoreError {
        what,
        fault: fault(dir, &source),
        source: Box::new(Cause(source)),
    }
}

fn fault(dir: &Path, error: &rusqlite::Error) -> Fault {
    use rusqlite::Error as E;
    match error {
        // A value, of the write or of a row, that cannot be.
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnType(..)
        | E::ToSqlConversionFailure(_)
        | E::NulError(_)
        | E::QueryReturnedNoRows => Fault::Data,
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Fault::Full,
            Some(ErrorCode::ReadOnly) => Fault::ReadOnly,
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Fault::Data,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => disk_fault(dir),
            _ => Fault::Other,
        },
    }
}

fn disk_fault(dir: &Path) -> Fault {
    if free_bytes(dir).is_some_and(|free| free < FULL_BELOW) {
        Fault::Full
    } else {
        Fault::Io
    }
}

impl OpenError {
    /// What kind of failure of the store in `dir` it is.
    #[must_use]
    pub fn fault(&self, dir: &Path) -> Fault {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Full,
                io::ErrorKind::ReadOnlyFilesystem => Fault::ReadOnly,
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => Fault::Other,
                _ => disk_fault(dir),
            },
            Self::Sqlite { source, .. } => fault(dir, &source.0),
            // It is asked of a store that was one a moment ago: the disk does not let SQLite lay it out.
            Self::NotAStore { .. } => disk_fault(dir),
            Self::InUse { .. }
            | Self::Newer { .. }
            | Self::OtherMigration { .. }
            | Self::NoSecretsKey { .. }
            | Self::OtherSecretsKey { .. }
            | Self::KeyFits => Fault::Other,
        }
    }
}

/// The bytes that an unprivileged process may still write on the file system of `dir`.
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
