//! `ringback-sim --seed N` runs one seed; `ringback-sim --seeds N` runs the seeds from 0 on. `--sqlite` takes the
//! embedded store instead of the model, `--events N` another number of events.

use std::process::ExitCode;

use ringback_sim::{Options, Report, StoreKind, run};

const USAGE: &str = "usage: ringback-sim (--seed N | --seeds N) [--sqlite] [--events N]";

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok((seeds, options)) => run_all(seeds, &options),
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(std::ops::Range<u64>, Options), String> {
    let mut options = Options::default();
    let mut seeds = None;
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value
                .parse::<u64>()
                .map_err(|_| format!("{argument}: {value:?} is not a number"))
        };
        match argument.as_str() {
            "--seed" => {
                let seed = number()?;
                seeds = Some(seed..seed.saturating_add(1));
            }
            "--seeds" => seeds = Some(0..number()?),
            "--events" => {
                options.events = usize::try_from(number()?).map_err(|_| "too many events".to_owned())?;
            }
            "--sqlite" => options.store = StoreKind::Sqlite,
            _ => return Err(format!("{argument:?} is unknown")),
        }
    }
    Ok((seeds.ok_or("no seed")?, options))
}

fn run_all(seeds: std::ops::Range<u64>, options: &Options) -> ExitCode {
    let mut sum = Report::default();
    for seed in seeds {
        match run(seed, options) {
            Ok(report) => sum.add(&report),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{sum:?}");
    ExitCode::SUCCESS
}
