//! The inbox's time: the wall clock as it was at the start, carried on by the boot clock, so that a step of the wall clock
//! neither stops what waits nor hurries it.

use std::sync::Arc;

use ringback_server::clock::Clock;

#[derive(Clone, Debug)]
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    start_ms: i64,
    start_us: i64,
}

impl Time {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            start_ms: clock.wall_ms(),
            start_us: clock.boot_us(),
            clock,
        }
    }

    /// Milliseconds since 1970; never goes back.
    pub(super) fn now_ms(&self) -> i64 {
        let passed_us = self.clock.boot_us().saturating_sub(self.start_us);
        self.start_ms.saturating_add(passed_us / 1000)
    }

    /// Waits until [`Time::now_ms`] is `until_ms` or later.
    pub(super) async fn sleep_until(&self, until_ms: i64) {
        let span_us = until_ms.saturating_sub(self.start_ms).saturating_mul(1000);
        self.clock
            .sleep_until(self.start_us.saturating_add(span_us))
            .await;
    }

    /// Waits for so many milliseconds.
    pub(super) async fn sleep(&self, ms: u64) {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        self.sleep_until(self.now_ms().saturating_add(ms)).await;
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
