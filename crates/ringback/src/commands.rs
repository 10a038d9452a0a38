//! The commands, one module each: its arguments, its help, and what it calls.

pub(crate) mod alerts;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod dev;
pub(crate) mod health;
pub(crate) mod listen;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod trigger;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Dev(args) => dev::run(args),
        Command::Listen(args) => listen::run(args),
        Command::Trigger(args) => trigger::run(args),
        Command::Token(args) => token::run(args),
        Command::Alerts(args) => alerts::run(args),
        Command::Health(args) => health::run(&args),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Openapi(_) => openapi::run(),
        Command::Completions(args) => completions::run(&args),
    }
}
