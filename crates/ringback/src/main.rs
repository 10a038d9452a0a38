//! The `ringback` program: its commands, each a thin layer over the crates that do the work.
//!
//! Every command keeps to this: data goes to stdout, everything else to stderr; an error is one line that begins with
//! `ringback:` (a wrong configuration has one per mistake); the exit code is 0 when it did what was asked, 1 when it
//! failed or its answer is no, 2 when it was called wrongly, 3 when `conformance` has findings. A reader that closes the pipe ends it quietly.

mod api;
mod cli;
mod commands;
mod environment;
mod failure;
mod filters;
mod keys;
mod output;
mod runtime;
mod service;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use failure::Failure;

/// Bodies are allocated by the threads that read them and freed by those that sent them, in the hundreds of thousands: glibc's
/// malloc then keeps much more than is in use (docs/benchmarks.md). SQLite allocates here too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let result = match Cli::try_parse() {
        Ok(cli) => commands::run(cli.command),
        Err(error) => cli::explain(&error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, lines }) => {
            for line in lines {
                output::note(format_args!("ringback: {line}"));
            }
            ExitCode::from(code)
        }
    }
}
