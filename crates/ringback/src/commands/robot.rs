//! `ringback robot`: a simulated call platform that hands over what happens in it, plays what was recorded, or stands in
//! for the real one.

mod source;
mod stand_in;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringback_server::clock::{Clock, RealClock};
use ringback_workbench::robot::{Feed, FeedProblem, Pace, Plan, Speed, Tally};
use serde_json::json;

use super::listen::address;
use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::service::Service;
use crate::signals::Signals;

use source::Source;

const EXAMPLES: &str = "\
The same seed gives the same events, with the same keys: what the service has already is not taken in twice, so that a run \
which was broken off is simply repeated. Nobody is called; phone numbers have letters in their middle.

Examples:
  ringback robot --calls 1000 --speed max
  ringback robot --jobs 3 --calls 50 --speed 60x --company 151
  ringback robot --calls 1000 --record events.ndjson
  ringback robot --play events.ndjson --speed max
  ringback robot --serve 127.0.0.1:7800               the platform's own API, to make tasks and import customers with";

/// Simulates an outbound-call platform: jobs, calls and corrections, handed over to a service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    service: Service,
    /// How many customers are called; redials come on top
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=500_000))]
    calls: u32,
    /// How many jobs share them
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    jobs: u32,
    /// How many calls can go on at once
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    lines: u32,
    /// The company
    #[arg(long, value_name = "ID", default_value_t = 151)]
    company: i64,
    /// Decides everything that happens
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The day on which it begins; 2026-01-05 unless it is said, with --serve today
    #[arg(long, value_name = "DATE")]
    start: Option<Date>,
    /// How fast its time passes: max, or so many times as fast as real time; no wait is longer than 2 s
    #[arg(long, value_name = "SPEED", default_value = "60x")]
    speed: Speed,
    /// Writes the events to this file instead of handing them over
    #[arg(long, value_name = "FILE", conflicts_with = "play")]
    record: Option<PathBuf>,
    /// Hands over the events of a recording, or callbacks one a line, instead of simulating
    #[arg(long, value_name = "FILE")]
    play: Option<PathBuf>,
    /// Answers the platform's own API here, and calls what is imported there: an IP address and a port, or a port of this
    /// machine; port 0 takes a free one. Everything is in memory
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with_all = ["record", "play", "jobs", "calls"])]
    serve: Option<SocketAddr>,
    /// With --serve: the company's appKey and appSecret, by which requests are signed, or @FILE with them
    #[arg(long, value_name = "KEY:SECRET", requires = "serve")]
    app: Option<String>,
}

/// A Monday. It does not change, so that a seed gives the same events on every day.
const FIRST_DAY: Date = Date::constant(2026, 1, 5);

/// Connections over which events are handed over.
const CONNECTIONS: usize = 8;

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    environment::log_warnings()?;
    if let Some(address) = args.serve {
        return runtime::run(stand_in::run(args, address));
    }
    if let Some(path) = &args.record {
        return record(&args, path);
    }
    let source = match &args.play {
        Some(path) => Source::played(path)?,
        None => Source::simulated(&args.plan()),
    };
    runtime::run(feed(args, source))
}

impl Args {
    fn plan(&self) -> Plan {
        let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Plan {
            seed: self.seed,
            company_id: self.company,
            jobs: many(self.jobs),
            calls: many(self.calls),
            lines: many(self.lines),
            date: self.start.unwrap_or(FIRST_DAY),
            zone: zone(),
        }
    }
}

/// Where the robot's clocks are.
fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC)
}

/// Hands over all that the source has, and says what became of it.
async fn feed(args: Args, mut source: Source) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let (server, token) = args.service.api()?.into_parts();
    let mut feed = Feed::new(server, &token, CONNECTIONS, &clock).map_err(|error| Failure::caused(&error))?;
    let bar = bar(args.service.json, source.length());
    let mut pace = Pace::new(args.speed);
    let work = async {
        while let Some(line) = source.next()? {
            let due_us = pace.due_us(line.event.at_ms, clock.boot_us());
            clock.sleep_until(due_us).await;
            feed.hand_over(line).await.map_err(|error| gave_up(&error))?;
            bar.set_position(source.position());
        }
        feed.settle().await.map_err(|error| gave_up(&error))
    };
    let ended = tokio::select! {
        ended = work => ended,
        number = signals.next() => Err(Failure::signalled(number)),
    };
    bar.finish_and_clear();
    tell(args.service.json, feed.tally())?;
    ended?;
    let refused = feed.tally().values().any(|count| count.refused > 0);
    if refused { Err(Failure::no()) } else { Ok(()) }
}

fn gave_up(error: &FeedProblem) -> Failure {
    Failure::caused(error)
}

fn record(args: &Args, path: &PathBuf) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed(format_args!("{} cannot be written: {error}", path.display()))
    };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut source = Source::simulated(&args.plan());
    let bar = bar(args.service.json, source.length());
    let mut count = 0_u64;
    while let Some(line) = source.next()? {
        writeln!(file, "{}", line.text()).map_err(failed)?;
        count += 1;
        bar.set_position(source.position());
    }
    bar.finish_and_clear();
    file.into_inner()
        .map_err(|error| failed(error.into_error()))?
        .sync_all()
        .map_err(failed)?;
    if args.service.json {
        output::json(&json!({ "recorded": count }))
    } else {
        output::line(format_args!("{count} events in {}", path.display()))
    }
}

fn bar(hidden: bool, length: u64) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template("[{bar:40}] {human_pos} of {human_len}, {eta} left") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// How many of which kind were taken.
fn tell(json: bool, tally: &Tally) -> Result<(), Failure> {
    if json {
        let kinds: serde_json::Map<_, _> = tally
            .iter()
            .map(|(kind, count)| {
                let counts = json!({
                    "accepted": count.accepted, "repeated": count.repeated, "refused": count.refused,
                    "firstRefusal": count.first_refusal,
                });
                ((*kind).to_owned(), counts)
            })
            .collect();
        return output::json(&kinds);
    }
    let rows = tally.iter().map(|(kind, count)| {
        vec![
            (*kind).to_owned(),
            count.accepted.to_string(),
            count.repeated.to_string(),
            count.refused.to_string(),
        ]
    });
    output::table(&["KIND", "ACCEPTED", "TAKEN BEFORE", "REFUSED"], rows)?;
    for (kind, count) in tally {
        if let Some(said) = &count.first_refusal {
            output::note(format_args!("the first {kind} that was refused: {said}"));
        }
    }
    Ok(())
}
