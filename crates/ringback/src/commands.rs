//! The commands, one module each: its arguments, its help, and what it calls.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod calls;
pub(crate) mod check_config;
pub(crate) mod companies;
pub(crate) mod completions;
pub(crate) mod conformance;
pub(crate) mod deliveries;
pub(crate) mod dev;
pub(crate) mod endpoints;
pub(crate) mod events;
pub(crate) mod explain_signature;
pub(crate) mod forget_settings;
pub(crate) mod health;
pub(crate) mod listen;
pub(crate) mod migrate;
pub(crate) mod openapi;
mod put;
pub(crate) mod reconcile;
pub(crate) mod replay;
pub(crate) mod robot;
pub(crate) mod serve;
pub(crate) mod tail;
mod timeline;
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
        Command::Conformance(args) => conformance::run(args),
        Command::Companies(args) => companies::run(args),
        Command::Endpoints(args) => endpoints::run(args),
        Command::Calls(args) => calls::run(args),
        Command::Events(args) => events::run(args),
        Command::Deliveries(args) => deliveries::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Robot(args) => robot::run(args),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::ExplainSignature(args) => explain_signature::run(&args),
        Command::Token(args) => token::run(args),
        Command::Alerts(args) => alerts::run(args),
        Command::Audit(args) => audit::run(&args),
        Command::Health(args) => health::run(&args),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::ForgetSettings(args) => forget_settings::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Openapi(_) => openapi::run(),
        Command::Completions(args) => completions::run(&args),
    }
}
