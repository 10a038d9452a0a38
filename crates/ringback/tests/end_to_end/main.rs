//! Tests of the built program, from outside: processes, signals, HTTP over loopback, files. Everything listens on a free
//! port, keeps its files in a temporary directory, and ends with its test.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it must be"
)]

mod backup;
mod cli;
mod crash;
mod disk;
mod inbox;
mod readme;
mod support;
mod walkthrough;
