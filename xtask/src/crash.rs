//! `cargo xtask crash`: the crash test of the binary as a campaign, against the release build.

use std::process::{Command, ExitCode};

use clap::Args;

/// How much is done to the process. The test behind it says what is checked: `crates/ringback/tests/end_to_end/crash.rs`.
#[derive(Args)]
pub struct Campaign {
    /// Kill the process at least so often.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// Go on until at least so many events were taken in.
    #[arg(long, value_name = "N", default_value_t = 0)]
    events: u64,
    /// Clients that hand over events, each one at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,
    /// The longest pause of a client between two requests, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pause_ms: u64,
    /// Sends in flight to each of the three receivers at most; the slowest takes 40 ms for each, and two for an event.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=1000))]
    max_in_flight: u64,
    /// The seed of the moments and of the load; another one each time by default. Printed in any case.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs it; the test prints what it found.
#[must_use]
pub fn run(campaign: &Campaign) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([
        "test",
        "--locked",
        "--release",
        "-p",
        "ringback",
        "--test",
        "end_to_end",
    ]);
    command.args(["--", "--nocapture", "--exact"]);
    command.arg("crash::nothing_is_lost_when_the_process_is_killed_again_and_again");
    for (name, value) in [
        ("CRASH_KILLS", Some(campaign.kills)),
        ("CRASH_EVENTS", Some(campaign.events)),
        ("CRASH_CLIENTS", Some(campaign.clients)),
        ("CRASH_PAUSE_MS", Some(campaign.pause_ms)),
        ("CRASH_MAX_IN_FLIGHT", Some(campaign.max_in_flight)),
        ("CRASH_SEED", campaign.seed),
    ] {
        if let Some(value) = value {
            command.env(name, value.to_string());
        }
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask crash: cargo cannot be started: {error}");
            ExitCode::from(2)
        }
    }
}
