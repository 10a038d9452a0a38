//! `ringback bench`: what this machine can do, and how much of it the service leaves.

use std::path::PathBuf;

use ringback_workbench::bench::{self, BenchOptions, Role};

use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

const EXAMPLES: &str = "\
Examples:
  ringback bench
  ringback bench --runs 3 --json | tail -n 1
  ringback bench --seconds 3 --warmup 1 --dir /var/tmp

It starts a load driver, a receiver and a service of its own, with a store in a temporary directory, and measures (a) \
driver to receiver, (b) through the service at saturation, (c) through it at a fixed rate, (d) in batches. Use a release \
build and a quiet machine, and a directory on a real disk: in memory, fsync costs nothing.

Exit codes: 0 measured, 1 failed, or events were lost, repeated or refused.";

/// Measures throughput, CPU time and latency on this machine
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// How long each phase is measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// How long each phase warms up, in seconds
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=600))]
    warmup: u32,
    /// Connections of the driver, and sends in flight of the service
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Events per second of the phase with a fixed rate
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Events per request of the last phase; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(0..=1000))]
    batch: u64,
    /// How many runs; medians are reported
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,
    /// Where the files of a run go; the directory for temporary files by default
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Prints the figures as one line of JSON
    #[arg(long)]
    json: bool,
    /// Plays a part in a benchmark that another process leads.
    #[arg(long, hide = true)]
    role: Option<Role>,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    environment::log_warnings()?;
    if let Some(role) = args.role {
        return bench::play(role).map_err(|error| Failure::caused(&error));
    }
    let exe = std::env::current_exe()
        .map_err(|error| Failure::failed(format_args!("this program cannot be found: {error}")))?;
    let options = BenchOptions {
        warmup_ms: args.warmup * 1_000,
        window_ms: args.seconds * 1_000,
        connections: usize::from(args.connections),
        rate: args.rate,
        batch: args.batch,
        runs: usize::from(args.runs),
        directory: args.dir,
        ..BenchOptions::new(exe)
    };
    runtime::run(async move {
        let mut signals = Signals::catch()?;
        let report = tokio::select! {
            report = bench::bench(&options, |phase| output::note(phase)) => report,
            // Dropped, the benchmark ends its processes and removes its files.
            number = signals.next() => return Err(Failure::signalled(number)),
        };
        let report = report.map_err(|error| Failure::caused(&error))?;
        if args.json {
            output::json(&report.json())?;
        } else {
            output::line(report.to_string().trim_end())?;
        }
        if report.is_sound() {
            Ok(())
        } else {
            Err(Failure::no())
        }
    })
}
