//! What the tests of the built program share: processes that die with the test, an HTTP client of a few lines, and
//! waiting for a condition.

pub(crate) mod api;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod random;

use std::time::{Duration, Instant};

pub(crate) use api::Api;
pub(crate) use http::Response;
pub(crate) use process::Process;
pub(crate) use random::Random;

/// How long anything may take before a test gives up. Far more than it takes on a loaded machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer, and panics when there is none within [`DEADLINE`].
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
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
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A pause between two looks at a condition, or before a random moment; never a guess that something is done.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// The wall clock in milliseconds since 1970: what signed requests tell.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub(crate) fn wall_ms() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

/// The boot clock in microseconds: the clock of `bootUs` in a receiver's journal.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of the real program runs in real time"
)]
pub(crate) fn boot_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}
