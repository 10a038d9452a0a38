//! Engine time in the running service: the slewing clock of the core, fed from the real clocks.

use std::sync::{Arc, Mutex, PoisonError};

use ringback_core::time::{EngineClock, Millis};

use crate::clock::Clock;

/// Engine time, shared by the committer and the driver.
#[derive(Clone, Debug)]
pub struct EngineTime {
    clock: Arc<dyn Clock>,
    engine: Arc<Mutex<EngineClock>>,
}

impl EngineTime {
    /// Engine time that begins at the wall clock, or at `at_least` if that is later.
    pub(crate) fn new(clock: Arc<dyn Clock>, at_least: Millis) -> Self {
        let engine = EngineClock::new(clock.wall_ms(), clock.boot_us(), at_least);
        Self {
            clock,
            engine: Arc::new(Mutex::new(engine)),
        }
    }

    /// Engine time now.
    #[must_use]
    pub fn now(&self) -> Millis {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.read(self.clock.wall_ms(), self.clock.boot_us())
    }

    /// Waits until engine time is `at`, give or take its slewing; for ever without `at`.
    pub(crate) async fn sleep_until(&self, at: Option<Millis>) {
        let Some(at) = at else {
            return std::future::pending().await;
        };
        let wait_us = i64::try_from(at.since(self.now()).saturating_mul(1000)).unwrap_or(i64::MAX);
        self.clock
            .sleep_until(self.clock.boot_us().saturating_add(wait_us))
            .await;
    }

    /// The clocks beneath.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
