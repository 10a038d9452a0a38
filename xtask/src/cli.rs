//! The subcommands of `cargo xtask`. Findings go to stdout; what went wrong with the run itself goes to stderr.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::checkout::Checkout;
use crate::crash::{self, Campaign};

use crate::sim;
use crate::tidy::{self, Report};

/// Repository chores of ringback.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check the repository's own rules: who may depend on whom, licences, files, links, documented commands.
    Tidy {
        /// List the rules and end.
        #[arg(long)]
        list: bool,
    },
    /// Kill the release binary under load, again and again, and check that nothing is lost.
    Crash(Campaign),
    /// Simulate seeds of the delivery engine; `cargo xtask sim --help` tells the options.
    #[command(disable_help_flag = true)]
    Sim {
        /// For the simulator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// The names of the subcommands; the rule on documented commands asks for them.
#[must_use]
pub fn chores() -> Vec<String> {
    Cli::command()
        .get_subcommands()
        .map(|chore| chore.get_name().to_owned())
        .collect()
}

/// Runs the chore that the command line names.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().chore {
        Chore::Tidy { list: true } => {
            let rules: String = tidy::RULES
                .iter()
                .map(|rule| format!("{:<14} {}\n", rule.name, rule.about))
                .collect();
            print(&rules)
        }
        Chore::Tidy { list: false } => match Checkout::load(Path::new(".")) {
            Ok(checkout) => show(&tidy::check(&checkout)),
            Err(error) => {
                eprintln!("cargo xtask tidy: {error}");
                ExitCode::from(2)
            }
        },
        Chore::Crash(campaign) => crash::run(&campaign),
        Chore::Sim { arguments } => sim::run(&arguments).unwrap_or_else(|error| {
            eprintln!("cargo xtask sim: cargo cannot be started: {error}");
            ExitCode::from(2)
        }),
    }
}

fn show(report: &Report) -> ExitCode {
    let code = print(&report.to_string());
    if report.is_clean() {
        code
    } else {
        ExitCode::FAILURE
    }
}

/// Prints, and takes a closed pipe (`cargo xtask tidy | head`) as a failure without a panic.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
