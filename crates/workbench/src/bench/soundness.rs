//! Whether the figures of a benchmark may be believed: whether everything accepted arrived exactly once, and a disk was
//! there to be measured.

use std::fmt;

use serde_json::{Value, json};

use super::stage::Through;

/// What became of the events of all phases through the service.
pub(super) struct Soundness<'a> {
    throughs: Vec<&'a Through>,
    store_in_memory: bool,
}

impl<'a> Soundness<'a> {
    pub(super) fn of(throughs: impl IntoIterator<Item = &'a Through>, store_in_memory: bool) -> Self {
        Self {
            throughs: throughs.into_iter().collect(),
            store_in_memory,
        }
    }

    fn sum(&self, of: impl Fn(&Through) -> u64) -> u64 {
        self.throughs.iter().map(|through| of(through)).sum()
    }

    fn lost(&self) -> u64 {
        self.sum(|through| through.delivered.lost)
    }

    fn repeated(&self) -> u64 {
        self.sum(|through| through.delivered.repeated)
    }

    fn unknown(&self) -> u64 {
        self.sum(|through| through.delivered.unknown)
    }

    fn failed(&self) -> u64 {
        self.sum(|through| through.failures.values().sum())
    }

    /// Whether every accepted event arrived exactly once, and no request failed.
    pub(super) fn is_sound(&self) -> bool {
        self.lost() + self.repeated() + self.unknown() + self.failed() == 0
    }

    /// Adds its figures to those of a line of JSON.
    pub(super) fn add_to(&self, figures: &mut Value) {
        figures["lost"] = json!(self.lost());
        figures["repeated"] = json!(self.repeated() + self.unknown());
        figures["failed"] = json!(self.failed());
        figures["storeInMemory"] = json!(self.store_in_memory);
    }
}

impl fmt::Display for Soundness<'_> {
    /// Lines at the end of a table; they end with a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.sum(|through| through.delivered.accepted);
        if self.is_sound() {
            writeln!(f, "every one of {accepted} accepted events arrived exactly once")?;
        } else {
            writeln!(
                f,
                "NOT SOUND: of {accepted} accepted events {} did not arrive; {} arrivals were repeated, {} of unknown \
                 events",
                self.lost(),
                self.repeated(),
                self.unknown()
            )?;
            for (failure, count) in self.throughs.iter().flat_map(|through| &through.failures) {
                writeln!(f, "  requests that failed: {count} × {failure}")?;
            }
        }
        if self.store_in_memory {
            writeln!(
                f,
                "the store was on a file system in memory: no disk was measured; choose another directory"
            )?;
        }
        Ok(())
    }
}
