//! `cargo xtask sim`: runs seeds of the simulator, on every core, and says what was met.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use ringback_sim::{Campaign, Options, Report, StoreKind};

const USAGE: &str = "\
usage: cargo xtask sim [--seed N | --seeds N [--from N]] [--store memory|sqlite|both] [--days N] [--events N]

  --seed N     one seed, as a failure prints it
  --seeds N    so many seeds (500)
  --from N     the first of them (0)
  --store S    memory: the reference model; sqlite: SQLite on a disk that fails; both (both)
  --days N     simulated days before the faults stop (10)
  --events N   events of a seed (60)

Exit codes: 0 everything held, 1 a seed failed, 2 usage.";

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(campaign) => simulate(&campaign),
        Err(problem) if problem.is_empty() => {
            print(&format!("{USAGE}\n"));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Campaign, String> {
    let mut campaign = Campaign {
        from: 0,
        seeds: 500,
        stores: vec![StoreKind::Memory, StoreKind::Sqlite],
        options: Options::default(),
    };
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Err(String::new());
        }
        let value = arguments.next();
        let value = value.as_deref().ok_or(format!("{argument} needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{argument}: {value:?} is not a number"))
        };
        let small = |most: u64| match number()? {
            n if n <= most => Ok(n),
            n => Err(format!("{argument}: {n} is more than {most}")),
        };
        match argument.as_str() {
            "--seed" => {
                campaign.from = number()?;
                campaign.seeds = 1;
            }
            "--seeds" => campaign.seeds = number()?,
            "--from" => campaign.from = number()?,
            "--days" => campaign.options.days = small(3_650)?.cast_signed(),
            "--events" => campaign.options.events = usize::try_from(small(100_000)?).unwrap_or_default(),
            "--store" => {
                campaign.stores = match value {
                    "memory" => vec![StoreKind::Memory],
                    "sqlite" => vec![StoreKind::Sqlite],
                    "both" => vec![StoreKind::Memory, StoreKind::Sqlite],
                    other => return Err(format!("--store: {other:?} is none of memory, sqlite and both")),
                }
            }
            _ => return Err(format!("{argument:?} is unknown")),
        }
    }
    Ok(campaign)
}

fn simulate(campaign: &Campaign) -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the campaign takes is shown to people, nothing depends on it"
    )]
    let began = Instant::now();
    let shown = std::io::stderr().is_terminal();
    let progress = |held: u64| {
        if shown && (held.is_multiple_of(10) || held == campaign.seeds) {
            eprint!("\r{held} of {} seeds", campaign.seeds);
            let _ = std::io::stderr().flush();
        }
    };
    let outcome = campaign.run(&progress);
    if shown {
        eprintln!();
    }
    match outcome {
        Ok(sum) => {
            #[expect(clippy::disallowed_methods, reason = "as above")]
            let seconds = began.elapsed().as_secs_f64();
            print(&summary(campaign, &sum, seconds));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn summary(campaign: &Campaign, sum: &Report, seconds: f64) -> String {
    let stores: Vec<_> = campaign.stores.iter().map(|store| store.name()).collect();
    format!(
        "sim: {} seeds from {} on {}, {} simulated days, in {seconds:.1} s\n\
         events {} (pruned {}), sends {}, repeated after crashes {} (in flight or unrecorded at one {})\n\
         crashes {}, with loss of power {}, stops {}, failed starts {}, failed commits {} (the store's own {}, of them durable {})\n\
         delivered {}, exhausted {}, parked {}, cancelled {}; commits {}, pages read {}\n",
        campaign.seeds,
        campaign.from,
        stores.join(" and "),
        sum.lasted_ms / 86_400_000,
        sum.events,
        sum.pruned,
        sum.sends,
        sum.repeats,
        sum.lost_sends,
        sum.crashes,
        sum.power_cuts,
        sum.stops,
        sum.failed_starts,
        sum.failed_commits,
        sum.unsettled,
        sum.unsettled_durable,
        sum.delivered,
        sum.exhausted,
        sum.parked,
        sum.cancelled,
        sum.commits,
        sum.pages,
    )
}

/// Prints; a closed pipe is no failure of the campaign.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
