//! A seeded simulator: the real engine and a real store on virtual time, between lying receivers, crashes at any point,
//! commits of unknown outcome, clocks that jump and operators who change their minds.
//!
//! Everything that a run decides comes from its seed, so that a failure is shown again by its seed alone. After a run
//! it is checked that
//!
//! - everything that was accepted is delivered, exhausted by its schedule or its age, parked or cancelled;
//! - nothing was sent that was not accepted, nothing early, nothing twice but what a crash allows;
//! - the order of each key was kept;
//! - the log in the store agrees with what was sent, and with the receivers' journals.
#![warn(missing_docs)]

mod checks;
mod disk;
mod ledger;
mod operators;
mod process;
mod random;
mod receivers;
mod robots;
mod time;
mod world;

use std::fmt;

use ringback_core::delivery::State;

use disk::{Disk, InDirectory, InMemory};
use world::World;

/// The store that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The reference model.
    Memory,
    /// SQLite in a temporary directory.
    Sqlite,
}

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store.
    pub store: StoreKind,
    /// Requests of robots, not counting repetitions.
    pub events: usize,
    /// The measure of what goes wrong by itself: so many crashes at most, as many steps of the wall clock, six times as
    /// many changes of receivers and doings of operators.
    pub faults: u64,
    /// Crashes over an effect or an answer, per million of them.
    pub crash_per_million: u64,
    /// Commits whose outcome is unknown, per million.
    pub commit_fails_per_million: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: StoreKind::Memory,
            events: 60,
            faults: 4,
            crash_per_million: 3_000,
            commit_fails_per_million: 5_000,
        }
    }
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were accepted.
    pub events: usize,
    /// Sends.
    pub sends: u64,
    /// Sends that repeated one whose outcome a crash took.
    pub repeats: u64,
    /// Sends that were in flight or not recorded at a crash.
    pub lost_sends: u64,
    /// Crashes.
    pub crashes: u64,
    /// Commits that became durable.
    pub commits: u64,
    /// Commits that were reported as failed.
    pub failed_commits: u64,
    /// Pages that were read.
    pub pages: u64,
    /// Deliveries that were delivered.
    pub delivered: u64,
    /// Deliveries that were exhausted.
    pub exhausted: u64,
    /// Deliveries that are parked at the end.
    pub parked: u64,
    /// Deliveries that were cancelled.
    pub cancelled: u64,
    /// Virtual time that passed, in milliseconds.
    pub lasted_ms: i64,
}

impl Report {
    const fn count(&mut self, state: State) {
        match state {
            State::Delivered => self.delivered += 1,
            State::Exhausted => self.exhausted += 1,
            State::Parked => self.parked += 1,
            State::Cancelled => self.cancelled += 1,
            State::Pending => {}
        }
    }

    /// Adds the figures of another run.
    pub const fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.sends += other.sends;
        self.repeats += other.repeats;
        self.lost_sends += other.lost_sends;
        self.crashes += other.crashes;
        self.commits += other.commits;
        self.failed_commits += other.failed_commits;
        self.pages += other.pages;
        self.delivered += other.delivered;
        self.exhausted += other.exhausted;
        self.parked += other.parked;
        self.cancelled += other.cancelled;
        self.lasted_ms += other.lasted_ms;
    }
}

/// Something that must hold does not.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed, which shows it again.
    pub seed: u64,
    /// What does not hold.
    pub what: String,
    /// The last things that happened.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(f, "again: cargo run -p ringback-sim -- --seed {}", self.seed)
    }
}

impl std::error::Error for Failure {}

/// Simulates the life that a seed describes.
///
/// # Errors
/// Something that must hold does not, or the store failed.
pub fn run(seed: u64, options: &Options) -> Result<Report, Failure> {
    let (outcome, _) = run_once(seed, options, false);
    outcome.map_err(|first| {
        // The same once more, with a trace. Should it go otherwise, the seed is not all that a run depends on.
        let (again, trace) = run_once(seed, options, true);
        let what = match again {
            Err(again) if again.0 == first.0 => first.0,
            other => format!("{} (but traced: {:?})", first.0, other.err()),
        };
        Failure { seed, what, trace }
    })
}

fn run_once(seed: u64, options: &Options, traced: bool) -> (Result<Report, Broken>, Vec<String>) {
    let disk: Box<dyn Disk> = match options.store {
        StoreKind::Memory => Box::new(InMemory::new()),
        StoreKind::Sqlite => match InDirectory::new() {
            Ok(disk) => Box::new(disk),
            Err(error) => return (Err(Broken::of(&error)), Vec::new()),
        },
    };
    let mut world = World::new(seed, options, disk, traced);
    let outcome = world.run();
    let report = world.report;
    (outcome.map(|()| report), world.into_trace())
}

/// What does not hold.
#[derive(Debug)]
struct Broken(String);

impl Broken {
    fn of(error: &dyn std::error::Error) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}"));
        Self(format!("{error}{}", cause.unwrap_or_default()))
    }
}

fn broken<T>(what: String) -> Result<T, Broken> {
    Err(Broken(what))
}
