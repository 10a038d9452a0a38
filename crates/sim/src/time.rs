//! Virtual time: boot time, the wall clock beside it, and the agenda of what happens when.

use std::collections::BTreeMap;

/// Microseconds since the machine of the run was booted.
pub(crate) type BootUs = i64;

pub(crate) const MS: i64 = 1_000;
pub(crate) const SECOND: i64 = 1_000 * MS;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Where the wall clock stands when a run begins, Unix milliseconds.
const WALL_AT_BOOT_MS: i64 = 1_790_000_000_000;

/// The clocks of the machine.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    pub(crate) boot_us: BootUs,
    stepped_ms: i64,
    /// Somebody has set the wall clock since the boot.
    pub(crate) was_set: bool,
}

impl Clocks {
    /// The wall clock, Unix milliseconds.
    pub(crate) const fn wall_ms(&self) -> i64 {
        WALL_AT_BOOT_MS + self.boot_us / MS + self.stepped_ms
    }

    /// Somebody sets the wall clock.
    pub(crate) const fn step_wall(&mut self, by_ms: i64) {
        self.stepped_ms += by_ms;
        self.was_set = true;
    }
}

/// What happens when, in the order of time; at the same time in the order of entry.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    items: BTreeMap<(BootUs, u64), T>,
    entries: u64,
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: BTreeMap::new(),
            entries: 0,
        }
    }

    pub(crate) fn add(&mut self, at: BootUs, item: T) {
        self.entries += 1;
        self.items.insert((at, self.entries), item);
    }

    pub(crate) fn next(&mut self) -> Option<(BootUs, T)> {
        let ((at, _), item) = self.items.pop_first()?;
        Some((at, item))
    }
}
