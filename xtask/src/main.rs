//! The `cargo xtask` command; everything worth a test is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cli::run()
}
