//! `cargo xtask sim`: builds and runs the simulator, with whatever arguments it takes.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

/// The package whose binary simulates.
const PACKAGE: &str = "ringback-sim";

/// Runs the simulator and ends as it does.
///
/// # Errors
/// Cargo could not be started.
pub fn run(arguments: &[OsString]) -> io::Result<ExitCode> {
    // Cargo tells its own path to what it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", PACKAGE, "--"])
        .args(arguments)
        .status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
