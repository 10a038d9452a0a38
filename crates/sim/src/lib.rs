//! A seeded simulator: the real engine and a real store on virtual time, between lying receivers, crashes at any point,
//! commits of unknown outcome, clocks that jump and operators who change their minds.
//!
//! Everything that a run decides comes from its seed, so that a failure is shown again by its seed alone. After a run
//! it is checked that
//!
//! - everything that was accepted is delivered, exhausted by its schedule or its age, parked or cancelled;
//! - nothing was sent that was not accepted, nothing early, nothing twice but what a crash allows;
//! - nothing was late at an endpoint that was well, however ill the others were;
//! - the order of each key was kept, and the hold of a job's final status;
//! - the store held what was acknowledged, all of it and nothing else, each time that it was opened;
//! - the log in the store agrees with what was sent, and with the receivers' journals.
#![warn(missing_docs)]

mod agree;
mod campaign;
mod checks;
mod commits;
mod creation;
mod disk;
mod fault;
mod flights;
mod health;
mod holds;
mod ledger;
mod operators;
mod process;
mod random;
mod receivers;
mod recovery;
mod robots;
mod time;
mod world;

use std::fmt;

use ringback_core::delivery::State;

pub use campaign::Campaign;
pub use creation::{Creation, create};
use disk::Disk;
pub use recovery::recover;
use world::World;

/// The store that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The reference model.
    Memory,
    /// SQLite, on a file system in memory that can fail.
    Sqlite,
}

impl StoreKind {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }
}

/// What a disk does, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A write, a truncation or a deletion.
    Write,
    /// A sync.
    Sync,
}

/// What happens after the one operation that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The process goes on as the delivery rules say.
    Nothing,
    /// The process is killed.
    Kill,
    /// The power goes.
    PowerCut,
}

/// One operation of the disk fails, after the set-up: the only fault of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    /// What is counted.
    pub operation: Operation,
    /// Which of them fails, from 1.
    pub n: u64,
    /// What happens then.
    pub then: Then,
}

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store.
    pub store: StoreKind,
    /// Requests of robots, not counting repetitions.
    pub events: usize,
    /// Days that pass before the faults stop, at least; most of the time nothing happens.
    pub days: i64,
    /// The measure of what goes wrong by itself: so many crashes at most, as many steps of the wall clock, six times as
    /// many changes of receivers and doings of operators.
    pub faults: u64,
    /// Crashes over an effect or an answer, per million of them.
    pub crash_per_million: u64,
    /// Commits whose outcome is unknown, per million.
    pub commit_fails_per_million: u64,
    /// Whether the disk under SQLite gets into trouble and loses power. Without it a crash leaves the disk alone, and a
    /// seed lives the same life on every store.
    pub disk_fails: bool,
    /// One operation of the disk that fails.
    pub nth: Option<Nth>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: StoreKind::Memory,
            events: 60,
            days: 10,
            faults: 4,
            crash_per_million: 3_000,
            commit_fails_per_million: 5_000,
            disk_fails: true,
            nth: None,
        }
    }
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were accepted.
    pub events: usize,
    /// Events that were pruned.
    pub pruned: u64,
    /// Sends.
    pub sends: u64,
    /// Sends that repeated one whose outcome a crash took.
    pub repeats: u64,
    /// Sends that were in flight or not recorded at a crash.
    pub lost_sends: u64,
    /// Crashes.
    pub crashes: u64,
    /// Crashes with which the power went.
    pub power_cuts: u64,
    /// Stops of the process that were no crashes: the store was closed.
    pub stops: u64,
    /// Starts that failed, because the disk did or because the process died over it.
    pub failed_starts: u64,
    /// Commits that the store itself reported as failed, or that a crash cut short.
    pub unsettled: u64,
    /// Of those, the ones that turned out to be durable.
    pub unsettled_durable: u64,
    /// Commits that became durable.
    pub commits: u64,
    /// Commits that were reported as failed.
    pub failed_commits: u64,
    /// Writes of the disk, after the set-up.
    pub disk_writes: u64,
    /// Syncs of the disk, after the set-up.
    pub disk_syncs: u64,
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
        self.pruned += other.pruned;
        self.sends += other.sends;
        self.repeats += other.repeats;
        self.lost_sends += other.lost_sends;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.stops += other.stops;
        self.failed_starts += other.failed_starts;
        self.unsettled += other.unsettled;
        self.unsettled_durable += other.unsettled_durable;
        self.commits += other.commits;
        self.failed_commits += other.failed_commits;
        self.disk_writes += other.disk_writes;
        self.disk_syncs += other.disk_syncs;
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
    /// The seed, which shows it again…
    pub seed: u64,
    /// …on this store.
    pub store: StoreKind,
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
        writeln!(f, "seed {} on {}: {}", self.seed, self.store.name(), self.what)?;
        write!(
            f,
            "again: cargo xtask sim --seed {} --store {}",
            self.seed,
            self.store.name()
        )
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
        Failure {
            seed,
            store: options.store,
            what,
            trace,
        }
    })
}

fn run_once(seed: u64, options: &Options, traced: bool) -> (Result<Report, Broken>, Vec<String>) {
    let disk = match Disk::new(options.store, seed) {
        Ok(disk) => disk,
        Err(problem) => return (broken(problem), Vec::new()),
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
