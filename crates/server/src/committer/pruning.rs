//! When the committer prunes.
//!
//! It makes way for whatever waits to be written, rests several times as long as it worked, and remembers how far it
//! has come: what is kept is looked at again only in the next round.

use std::time::Duration;

use ringback_core::id::EventId;
use ringback_core::limits;
use ringback_core::store::{Pruned, Write};
use ringback_core::time::Millis;

/// The pruning of one store. Times are readings of the boot clock, in microseconds.
#[derive(Debug)]
pub(super) struct Pruning {
    /// The age at which events go; `None` when they are kept for ever.
    age_ms: Option<u64>,
    after: Option<EventId>,
    round_began_us: i64,
    next_us: i64,
    /// Events removed since the last pause.
    removed: usize,
}

impl Pruning {
    /// It begins after a pause: a start has other things to do.
    pub(super) const fn new(age_ms: Option<u64>, now_us: i64) -> Self {
        Self {
            age_ms,
            after: None,
            round_began_us: now_us,
            next_us: now_us.saturating_add(us(limits::PRUNE_PAUSE_MS)),
            removed: 0,
        }
    }

    /// What to prune now, if anything. `waits` says whether other writes wait: they go first, unless the pruning has
    /// waited too long already.
    pub(super) fn next(&mut self, now: Millis, now_us: i64, waits: bool) -> Option<Write> {
        let age_ms = self.age_ms?;
        let late = now_us.saturating_sub(self.next_us);
        if late < 0 || (waits && late < us(limits::PRUNE_PATIENCE_MS)) {
            return None;
        }
        if now_us.saturating_sub(self.round_began_us) >= us(limits::PRUNE_ROUND_MS) {
            self.round_began_us = now_us;
            self.after = None;
        }
        Some(Write::Prune {
            before: Millis(now.0.saturating_sub_unsigned(age_ms)),
            after: self.after,
        })
    }

    /// A part is done. Answers how many events went since the last pause, when there is nothing to do for now.
    pub(super) fn done(&mut self, pruned: Pruned, began_us: i64, ended_us: i64) -> Option<usize> {
        self.after = pruned.reached;
        self.removed += pruned.events;
        if pruned.more {
            let worked = ended_us.saturating_sub(began_us).max(0);
            let rest = worked.saturating_mul(i64::try_from(limits::PRUNE_REST).unwrap_or(i64::MAX));
            self.next_us = ended_us.saturating_add(rest);
            return None;
        }
        self.next_us = ended_us.saturating_add(us(limits::PRUNE_PAUSE_MS));
        Some(std::mem::take(&mut self.removed))
    }

    /// A part could not be committed.
    pub(super) const fn failed(&mut self, now_us: i64) {
        self.next_us = now_us.saturating_add(us(limits::PRUNE_FAILED_MS));
    }

    /// How long the committer may sleep when nothing is to be written.
    pub(super) fn sleeps(&self, now_us: i64, most: Duration) -> Duration {
        let left = self.next_us.saturating_sub(now_us).max(0).unsigned_abs();
        match self.age_ms {
            Some(_) => most.min(Duration::from_micros(left)),
            None => most,
        }
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a limit of hours at most")]
const fn us(ms: u64) -> i64 {
    ms as i64 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const NOW: Millis = Millis(1_790_000_000_000);

    fn pruned(events: usize, reached: i64, more: bool) -> Pruned {
        Pruned {
            events,
            reached: Some(EventId(reached)),
            more,
        }
    }

    /// Where the next part begins, if there is one.
    fn after(write: Option<Write>) -> Option<Option<EventId>> {
        write.map(|write| match write {
            Write::Prune { before, after } => {
                assert_eq!(before, Millis(NOW.0 - i64::try_from(DAY_MS).unwrap()));
                after
            }
            other => panic!("{other:?}"),
        })
    }

    /// One that is a pause old.
    fn begun() -> Pruning {
        let pruning = Pruning::new(Some(DAY_MS), -us(limits::PRUNE_PAUSE_MS));
        assert_eq!(pruning.next_us, 0);
        pruning
    }

    #[test]
    fn nothing_is_pruned_without_an_age() {
        let mut pruning = Pruning::new(None, 0);
        assert!(pruning.next(NOW, i64::MAX, false).is_none());
        assert_eq!(
            pruning.sleeps(i64::MAX, Duration::from_secs(1)),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn it_rests_longer_than_it_works_and_goes_on_where_it_stopped() {
        let mut pruning = begun();
        assert_eq!(after(pruning.next(NOW, 0, false)), Some(None));
        assert_eq!(pruning.done(pruned(5, 70, true), 0, 1_000), None);
        assert_eq!(
            pruning.sleeps(1_000, Duration::from_secs(1)),
            Duration::from_millis(4)
        );
        assert_eq!(after(pruning.next(NOW, 4_999, false)), None);
        assert_eq!(after(pruning.next(NOW, 5_000, false)), Some(Some(EventId(70))));
        assert_eq!(pruning.done(pruned(2, 90, false), 5_000, 6_000), Some(7));
        let pause = us(limits::PRUNE_PAUSE_MS);
        assert_eq!(after(pruning.next(NOW, 5_999 + pause, false)), None);
        assert_eq!(
            after(pruning.next(NOW, 6_000 + pause, false)),
            Some(Some(EventId(90)))
        );
    }

    #[test]
    fn it_makes_way_for_what_waits_but_not_for_ever() {
        let mut pruning = begun();
        let patience = us(limits::PRUNE_PATIENCE_MS);
        assert_eq!(after(pruning.next(NOW, patience - 1, true)), None);
        assert_eq!(after(pruning.next(NOW, patience, true)), Some(None));
    }

    #[test]
    fn a_round_begins_anew_after_hours_and_a_failure_stops_it_for_a_while() {
        let mut pruning = begun();
        pruning.done(pruned(0, 70, false), 0, 0);
        let round = us(limits::PRUNE_ROUND_MS) + pruning.round_began_us;
        assert_eq!(
            after(pruning.next(NOW, round - 1, false)),
            Some(Some(EventId(70)))
        );
        assert_eq!(after(pruning.next(NOW, round, false)), Some(None));
        pruning.failed(round);
        assert_eq!(
            after(pruning.next(NOW, round + us(limits::PRUNE_FAILED_MS) - 1, false)),
            None
        );
    }
}
