//! The commands, one module each: its arguments, its help, and what it calls.

pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod listen;
pub(crate) mod migrate;
pub(crate) mod token;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Listen(args) => listen::run(args),
        Command::Token(args) => token::run(args),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
