//! The pace of the running replays: when each takes its next step, and how much that may send.

use std::collections::BTreeMap;

use crate::id::ReplayId;
use crate::limits::{REPLAY_PAUSE_MS, REPLAY_ROWS};
use crate::time::Millis;

/// Steps are this many to the second where the rate is high enough for it.
const STEPS_PER_SECOND: u32 = 10;

/// The running replays; the store bounds their number.
#[derive(Debug, Default)]
pub(super) struct Replays {
    running: BTreeMap<ReplayId, Running>,
}

#[derive(Debug)]
struct Running {
    per_second: u32,
    next: Millis,
    /// When the step that is under way began.
    stepping: Option<Millis>,
}

impl Replays {
    /// A replay runs at this rate.
    pub(super) fn run(&mut self, now: Millis, id: ReplayId, per_second: u32) {
        let stopped = Running {
            per_second,
            next: now,
            stepping: None,
        };
        self.running.entry(id).or_insert(stopped).per_second = per_second;
    }

    /// A replay runs no longer.
    pub(super) fn stop(&mut self, id: ReplayId) {
        self.running.remove(&id);
    }

    /// A step that begins now, and what it may send at most.
    pub(super) fn begin_step(&mut self, now: Millis) -> Option<(ReplayId, usize)> {
        let (id, running) = self
            .running
            .iter_mut()
            .find(|(_, running)| running.stepping.is_none() && running.next <= now)?;
        running.stepping = Some(now);
        let most = running.per_second.div_ceil(STEPS_PER_SECOND) as usize;
        Some((*id, most.clamp(1, REPLAY_ROWS)))
    }

    /// A step of a replay that runs on has sent this many.
    pub(super) fn stepped(&mut self, now: Millis, id: ReplayId, made: u64) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        let began = running.stepping.take().unwrap_or(now);
        let pace_ms = made.saturating_mul(1000) / u64::from(running.per_second.max(1));
        running.next = began.plus(pace_ms.max(REPLAY_PAUSE_MS));
    }

    /// When the next step begins.
    pub(super) fn wake(&self) -> Option<Millis> {
        let waiting = self.running.values().filter(|running| running.stepping.is_none());
        waiting.map(|running| running.next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ReplayId = ReplayId(1);
    const B: ReplayId = ReplayId(2);

    #[test]
    fn the_rate_is_kept_over_the_steps() {
        // The rate, and what a step may send; then, what a step sent and when the next one begins after it.
        for (per_second, most, made, pause) in [
            (1, 1, 1, 1_000),
            (10, 1, 1, 100),
            (100, 10, 10, 100),
            (100, 10, 3, REPLAY_PAUSE_MS),
            (100, 10, 12, 120),
            (1_000, 100, 100, 100),
            (1_000, 100, 0, REPLAY_PAUSE_MS),
        ] {
            let mut replays = Replays::default();
            replays.run(Millis(7), A, per_second);
            assert_eq!(replays.begin_step(Millis(6)), None);
            assert_eq!(replays.begin_step(Millis(7)), Some((A, most)));
            assert_eq!((replays.begin_step(Millis(9)), replays.wake()), (None, None));
            replays.stepped(Millis(9), A, made);
            assert_eq!(replays.wake(), Some(Millis(7).plus(pause)), "{per_second} {made}");
        }
    }

    #[test]
    fn replays_run_beside_each_other_until_they_are_stopped() {
        let mut replays = Replays::default();
        replays.run(Millis(0), B, 1);
        replays.run(Millis(0), A, 1);
        assert_eq!(replays.begin_step(Millis(0)), Some((A, 1)));
        assert_eq!(replays.begin_step(Millis(0)), Some((B, 1)));
        replays.stepped(Millis(0), A, 1);
        replays.stop(B);
        replays.stepped(Millis(0), B, 1);
        assert_eq!(replays.wake(), Some(Millis(1_000)));
        // To be told again that it runs changes nothing of its pace.
        replays.run(Millis(5), A, 1);
        assert_eq!(replays.begin_step(Millis(999)), None);
        replays.stop(A);
        assert_eq!(replays.wake(), None);
    }
}
