//! The benchmark: load driver, service and receiver as three processes on one machine, connected by loopback.
//!
//! A run has these phases, each with a warm-up and a window of the same lengths:
//!
//! - **(a) raw**: the driver POSTs the seed's call sample straight to the receiver. The limit of this machine, and of
//!   these two programs.
//! - **(b) end to end**: driver → service → receiver, as many requests at once as there are connections, one event
//!   per request. Counted is what was accepted *and* delivered in the window: the lower of both rates.
//! - **(c) open loop**: the same at a fixed rate. An event's latency counts from the moment at which it was to be
//!   sent, whether or not a connection was free then, to the receiver's answer; so it includes its acceptance.
//! - **(d) batch**: as (b), with several events per request.
//!
//! After each phase through the service the run waits until everything accepted has arrived and no delivery is
//! pending, and compares what was accepted with what arrived, event by event.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

mod deaf;
mod figure;
pub mod histogram;
pub mod load;
pub mod neighbours;
mod pace;
mod part;
mod preload;
pub mod process;
pub mod queries;
mod report;
pub mod role;
mod run;
pub mod scale;
mod service;
pub mod sink;
mod soundness;
mod stage;
pub mod template;
pub mod timings;

pub use load::{Load, drive};
pub use pace::Pace;
pub use report::BenchReport;
pub use role::{Role, play};
pub use run::Run;
pub use stage::Through;

use crate::client::ClientError;

/// What a benchmark is to do.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// The binary. It is started as `exe serve`, and as `exe bench --role ROLE`, which must call [`play`].
    pub exe: PathBuf,
    /// How long each phase warms up, in milliseconds.
    pub warmup_ms: u32,
    /// How long each phase is measured, in milliseconds.
    pub window_ms: u32,
    /// Connections of the driver, and sends in flight of the service.
    pub connections: usize,
    /// Events per second of the open loop.
    pub rate: u32,
    /// Events per request of the last phase; without it at 0 or 1.
    pub batch: u64,
    /// How many runs; medians are reported.
    pub runs: usize,
    /// Where the store and other files go for the time of a run; the system's directory for temporary files by
    /// default.
    pub directory: Option<PathBuf>,
}

impl BenchOptions {
    /// The options by which the project's figures are measured.
    #[must_use]
    pub const fn new(exe: PathBuf) -> Self {
        Self {
            exe,
            warmup_ms: 3_000,
            window_ms: 10_000,
            connections: 64,
            rate: 2_000,
            batch: 32,
            runs: 1,
            directory: None,
        }
    }
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A process could not be started, or its pipe broke.
    #[error("the process of the {what} failed")]
    Process {
        /// Which process.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The driver or the receiver could not do what it was told.
    #[error("the {role} failed: {why}")]
    Role {
        /// Which.
        role: &'static str,
        /// Why.
        why: String,
    },
    /// The service did not do what it was to do.
    #[error("the service failed: {why}\n{log}")]
    Service {
        /// What it did.
        why: String,
        /// The end of its output.
        log: String,
    },
    /// The service could not be asked.
    #[error("the service cannot be asked")]
    Client(#[source] ClientError),
    /// No request was answered with success.
    #[error("no request succeeded: {failures:?}")]
    Refused {
        /// What came instead, with how often.
        failures: BTreeMap<String, u64>,
    },
    /// There is no place for the files.
    #[error("the directory for the files of a run cannot be made")]
    Workplace(#[source] io::Error),
    /// The files of the driver and the receiver could not be read.
    #[error("the timings of a run cannot be read")]
    Timings(#[source] io::Error),
    /// The receiver to which connecting hangs could not be made.
    #[error("a receiver to which connecting hangs cannot be made")]
    Deaf(#[source] io::Error),
    /// `/proc` could not be read.
    #[error("the CPU time of a process cannot be read")]
    Usage(#[source] io::Error),
}

/// Does the runs of a benchmark, one after the other. `progress` is told what begins.
///
/// # Errors
/// [`BenchError`]. Events that are lost or repeated are no error here: see [`BenchReport::is_sound`].
pub async fn bench(
    options: &BenchOptions,
    mut progress: impl FnMut(&str),
) -> Result<BenchReport, BenchError> {
    let mut runs = Vec::new();
    for number in 1..=options.runs.max(1) {
        let mut tell = |phase: &str| progress(&format!("run {number} of {}: {phase}", options.runs.max(1)));
        runs.push(run::run(options, &mut tell).await?);
    }
    Ok(BenchReport::new(options.clone(), runs))
}
