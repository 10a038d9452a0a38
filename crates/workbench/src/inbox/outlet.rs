//! Outlets: where callbacks are handed on to, and what each of them takes for a confirmation.

mod exec;
mod files;
mod forward;
mod line;
mod stdout;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use ringback_contract::webhook::Secret;

use super::store::Stored;
use super::time::Time;

pub(super) use exec::Exec;
pub(super) use files::Files;
pub(super) use forward::Forward;
pub use forward::InvalidForward;
pub(super) use stdout::Stdout;

/// What callbacks are handed on to. Each can be in use once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutletName {
    /// `--to stdout`: JSON lines on stdout.
    Stdout,
    /// `--exec`: a command for each callback.
    Exec,
    /// `--forward`: a request for each callback.
    Forward,
    /// `--files`: JSON lines in a file for each day.
    Files,
}

impl OutletName {
    /// Every outlet; its place is its code in the database.
    pub const ALL: [Self; 4] = [Self::Stdout, Self::Exec, Self::Forward, Self::Files];

    /// The name on the command line and on the page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Exec => "exec",
            Self::Forward => "forward",
            Self::Files => "files",
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Stdout => 0,
            Self::Exec => 1,
            Self::Forward => 2,
            Self::Files => 3,
        }
    }

    pub(super) fn from_code(code: usize) -> Option<Self> {
        Self::ALL.get(code).copied()
    }

    /// The outlet of this [`OutletName::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outlet| outlet.name() == name)
    }
}

/// What an outlet is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutletSetting {
    /// Writes to the program's output.
    Stdout,
    /// Runs this command by `sh -c`.
    Exec(String),
    /// POSTs to this URL: `http://` only.
    Forward(String),
    /// Writes into this directory.
    Files(PathBuf),
}

impl OutletSetting {
    /// Which outlet it sets.
    #[must_use]
    pub const fn name(&self) -> OutletName {
        match self {
            Self::Stdout => OutletName::Stdout,
            Self::Exec(_) => OutletName::Exec,
            Self::Forward(_) => OutletName::Forward,
            Self::Files(_) => OutletName::Files,
        }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The target took it.
    Confirmed,
    /// It was written to this file, which is so long with it.
    Written { name: String, bytes: u64 },
    /// The target did not take this callback; why, in a few words.
    Failed(String),
    /// The target is not there for any callback: none of them is to blame.
    Unreachable(String),
    /// The target is gone for good.
    Gone,
}

/// The program's output, shared with the threads that write to it.
pub(super) type Output = Arc<Mutex<dyn io::Write + Send>>;

/// A target in use.
#[derive(Debug)]
pub(super) enum Target {
    Stdout(Stdout),
    Exec(Exec),
    Forward(Forward),
    Files(Files),
}

/// What targets are made with.
#[derive(Clone, Debug)]
pub(super) struct Making {
    pub(super) time: Time,
    pub(super) timeout: Duration,
    pub(super) zone: TimeZone,
    /// With these what was verified is signed anew for `--forward`.
    pub(super) secrets: Vec<Secret>,
}

/// An outlet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutletError {
    /// The URL. The reason is said here, and so is no source: it would be said twice.
    #[error("--forward: {0}")]
    Forward(InvalidForward),
    /// The directory of files.
    #[error("--files: {} cannot be used", dir.display())]
    Files {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Target {
    pub(super) fn new(
        setting: &OutletSetting,
        making: &Making,
        output: &Output,
    ) -> Result<Self, OutletError> {
        Ok(match setting {
            OutletSetting::Stdout => Self::Stdout(Stdout::new(Arc::clone(output))),
            OutletSetting::Exec(command) => Self::Exec(Exec::new(command.clone(), making)),
            OutletSetting::Forward(url) => {
                Self::Forward(Forward::new(url, making).map_err(OutletError::Forward)?)
            }
            OutletSetting::Files(dir) => {
                Self::Files(Files::new(dir, making).map_err(|source| OutletError::Files {
                    dir: dir.clone(),
                    source,
                })?)
            }
        })
    }

    pub(super) const fn name(&self) -> OutletName {
        match self {
            Self::Stdout(_) => OutletName::Stdout,
            Self::Exec(_) => OutletName::Exec,
            Self::Forward(_) => OutletName::Forward,
            Self::Files(_) => OutletName::Files,
        }
    }

    /// Whether many callbacks are confirmed together, one batch after the other.
    pub(super) const fn takes_batches(&self) -> bool {
        match self {
            Self::Stdout(_) | Self::Files(_) => true,
            Self::Exec(_) | Self::Forward(_) => false,
        }
    }

    /// Hands callbacks on: one, or a batch where the target takes batches. With each goes the number of its try.
    pub(super) async fn hand_on(&self, callbacks: &[(Stored, u32)]) -> Outcome {
        match (self, callbacks) {
            (Self::Stdout(stdout), batch) => stdout.write(batch).await,
            (Self::Files(files), batch) => files.write(batch).await,
            (Self::Exec(exec), [(stored, tries)]) => exec.run(stored, *tries).await,
            (Self::Forward(forward), [(stored, tries)]) => forward.post(stored, *tries).await,
            (Self::Exec(_) | Self::Forward(_), _) => Outcome::Failed("is handed on one at a time".to_owned()),
        }
    }
}
