//! `ringback bench`: what this machine can do, and how much of it the service leaves.

use std::path::PathBuf;

use ringback_workbench::bench::neighbours::{self, NeighboursOptions};
use ringback_workbench::bench::queries::{self, QueriesOptions};
use ringback_workbench::bench::scale::{self, ScaleOptions};
use ringback_workbench::bench::{self, BenchError, BenchOptions, Role};
use serde_json::Value;

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
  ringback bench --neighbours --pairs 3 --backlog 100000
  ringback bench --scale --pairs 1 --backlog 1000000
  ringback bench --queries --events 1000000

It starts a load driver, a receiver and a service of its own, with a store in a temporary directory, and measures (a) \
driver to receiver, (b) through the service at saturation, (c) through it at a fixed rate, (d) in batches. Use a release \
build and a quiet machine, and a directory on a real disk: in memory, fsync costs nothing.

--neighbours measures instead what a dead receiver, one that takes 14 s and one that is a million deliveries behind cost \
97 good ones: latencies with and without them, in pairs of phases. It takes about 5 GB of disk.

--scale measures instead what ten million pending deliveries cost, over 10 endpoints and then over 10,000: memory, the \
time from a start after a kill to the first send, and throughput and CPU time beside them in pairs with an empty \
store. It takes about 15 GB of disk.

--queries measures instead how long each query of the API takes over five million stored events. It takes about 30 GB of \
disk.

Exit codes: 0 measured, 1 failed, or events were lost, repeated or refused, or a query was slower than 100 ms at its 99th \
percentile.";

/// Measures throughput, CPU time and latency on this machine
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("subject").args(["neighbours", "scale", "queries"]))]
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
    /// Measures what bad receivers cost their neighbours
    #[arg(long, conflicts_with_all = ["rate", "batch", "runs"])]
    neighbours: bool,
    /// Measures what a huge backlog costs
    #[arg(long, conflicts_with_all = ["rate", "batch", "runs"])]
    scale: bool,
    /// Measures how long the API's queries take over many stored events
    #[arg(long, conflicts_with_all = ["rate", "batch", "runs", "pairs", "backlog"])]
    queries: bool,
    /// Stored events
    #[arg(long, value_name = "N", requires = "queries", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    events: u64,
    /// Pairs of phases, with and without what is bad [default: 7 with --neighbours, 3 with --scale]
    #[arg(long, value_name = "N", requires = "subject", value_parser = clap::value_parser!(u8).range(1..=50))]
    pairs: Option<u8>,
    /// Pending deliveries [default: 1000000 with --neighbours, 10000000 with --scale]
    #[arg(long, value_name = "N", requires = "subject", value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    backlog: Option<u64>,
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
    runtime::run(async move {
        let mut signals = Signals::catch()?;
        let measured = tokio::select! {
            measured = measure(&args, exe) => measured,
            // Dropped, the benchmark ends its processes and removes its files.
            number = signals.next() => return Err(Failure::signalled(number)),
        };
        let measured = measured.map_err(|error| Failure::caused(&error))?;
        if args.json {
            output::json(&measured.json)?;
        } else {
            output::line(measured.table.trim_end())?;
        }
        if measured.is_sound {
            Ok(())
        } else {
            Err(Failure::no())
        }
    })
}

async fn measure(args: &Args, exe: PathBuf) -> Result<Measured, BenchError> {
    let bench = BenchOptions {
        warmup_ms: args.warmup * 1_000,
        window_ms: args.seconds * 1_000,
        connections: usize::from(args.connections),
        rate: args.rate,
        batch: args.batch,
        runs: usize::from(args.runs),
        directory: args.dir.clone(),
        ..BenchOptions::new(exe)
    };
    let progress = |phase: &str| output::note(phase);
    if args.neighbours {
        let options = NeighboursOptions {
            bench,
            pairs: args.pairs.unwrap_or(7).into(),
            backlog: args.backlog.unwrap_or(1_000_000),
        };
        let report = neighbours::neighbours(&options, progress).await?;
        return Ok(Measured::of(&report, report.json(), report.is_sound()));
    }
    if args.scale {
        let options = ScaleOptions {
            bench,
            pairs: args.pairs.unwrap_or(3).into(),
            backlog: args.backlog.unwrap_or(10_000_000),
        };
        let report = scale::scale(&options, progress).await?;
        return Ok(Measured::of(&report, report.json(), report.is_sound()));
    }
    if args.queries {
        let options = QueriesOptions {
            bench,
            events: args.events,
            rounds: 200,
        };
        let report = queries::queries(&options, progress).await?;
        return Ok(Measured::of(&report, report.json(), report.is_sound()));
    }
    let report = bench::bench(&bench, progress).await?;
    Ok(Measured::of(&report, report.json(), report.is_sound()))
}

/// What any of the benchmarks tells.
struct Measured {
    table: String,
    json: Value,
    is_sound: bool,
}

impl Measured {
    fn of(report: &impl ToString, json: Value, is_sound: bool) -> Self {
        Self {
            table: report.to_string(),
            json,
            is_sound,
        }
    }
}
