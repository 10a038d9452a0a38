//! When the store's holds have to be looked at. Which deliveries are held is known to the store only; here is one moment,
//! whatever their number.

use crate::limits::HOLD_PAUSE_MS;
use crate::time::Millis;

/// The next look at the holds.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// The earliest moment that was told since the last look began.
    check: Option<Millis>,
    /// A look is under way.
    checking: bool,
    /// No look begins before.
    pause_until: Millis,
}

impl Holds {
    /// Something is held that has to be looked at from `check` on.
    pub(super) fn note(&mut self, check: Millis) {
        self.check = Some(self.check.map_or(check, |known| known.min(check)));
    }

    /// Whether a look begins now.
    pub(super) fn begin_check(&mut self, now: Millis) -> bool {
        let begins = self.wake().is_some_and(|at| at <= now);
        if begins {
            self.check = None;
            self.checking = true;
            self.pause_until = now.plus(HOLD_PAUSE_MS);
        }
        begins
    }

    /// A look ended; something is held still if there is a `next`.
    pub(super) fn checked(&mut self, next: Option<Millis>) {
        self.checking = false;
        if let Some(next) = next {
            self.note(next);
        }
    }

    /// When the next look begins; `None` while nothing is held, and while one is under way.
    pub(super) fn wake(&self) -> Option<Millis> {
        self.check
            .filter(|_| !self.checking)
            .map(|check| check.max(self.pause_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_at_a_time_at_the_earliest_moment_told() {
        let mut holds = Holds::default();
        assert_eq!((holds.wake(), holds.begin_check(Millis(9))), (None, false));
        holds.note(Millis(50));
        holds.note(Millis(30));
        holds.note(Millis(40));
        assert_eq!(
            (holds.wake(), holds.begin_check(Millis(29))),
            (Some(Millis(30)), false)
        );
        assert!(holds.begin_check(Millis(30)));
        // What begins during a look may have come too late for it.
        holds.note(Millis(31));
        assert_eq!((holds.wake(), holds.begin_check(Millis(60))), (None, false));
        holds.checked(Some(Millis(1_000)));
        assert_eq!(holds.wake(), Some(Millis(30).plus(HOLD_PAUSE_MS)));
        assert!(holds.begin_check(Millis(30).plus(HOLD_PAUSE_MS)));
        holds.checked(None);
        assert_eq!(holds.wake(), None);
    }

    #[test]
    fn looks_pause_however_much_is_behind() {
        let mut holds = Holds::default();
        holds.note(Millis(0));
        assert!(holds.begin_check(Millis(10)));
        holds.checked(Some(Millis(0)));
        assert!(!holds.begin_check(Millis(10).plus(HOLD_PAUSE_MS - 1)));
        assert!(holds.begin_check(Millis(10).plus(HOLD_PAUSE_MS)));
    }
}
