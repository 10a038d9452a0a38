//! What the tests of the built program share: processes that die with the test, an HTTP client of a few lines, and
//! waiting for a condition.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod api;
pub mod http;
pub mod process;
pub mod random;

use std::time::{Duration, Instant};

pub use api::Api;
pub use http::Response;
pub use process::Process;
pub use random::Random;

/// How long anything may take before a test gives up. Far more than it takes on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer, and panics when there is none within [`DEADLINE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(now() - start < DEADLINE, "waited in vain for {what}");
        pause(Duration::from_millis(10));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// A pause between two looks at a condition, or before a random moment; never a guess that something is done.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// The boot clock in microseconds: the clock of `bootUs` in a receiver's journal.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub fn boot_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}
