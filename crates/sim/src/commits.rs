//! What is durable: after each commit, and after each opening of a store whose last commit has failed or was cut short.

use std::collections::BTreeSet;

use ringback_core::id::DeliveryId;
use ringback_core::store::{Fault, Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;

use crate::agree::{self, Dump};
use crate::disk::Disk;
use crate::process::{Caller, Unsettled};
use crate::world::World;
use crate::{Broken, Nth, Operation, Then, broken};

/// A store that is open, and what a process begins with.
type Opened = (Box<dyn Store>, Start, Box<dyn Reader>);

/// How often a process dies while it opens the store, per million.
const DIES_OPENING: u64 = 50_000;
/// How often the power goes with a crash, per million.
const POWER_CUT: u64 = 500_000;

impl World<'_> {
    /// Whether a failure of the store is one that this run brings about.
    pub(crate) const fn disk_may_fail(&self) -> bool {
        self.options.disk_fails && (!self.calm || self.options.nth.is_some())
    }

    /// The store has committed: the model does too, and must answer the same.
    pub(crate) fn model_commits(
        &mut self,
        now: Millis,
        writes: &[Write],
        written: &[Written],
    ) -> Result<(), Broken> {
        match self.disk {
            Disk::Model => Ok(()),
            Disk::Faulty(_) => {
                let expected = self
                    .model
                    .commit(now, writes)
                    .map_err(|error| Broken::of(&error))?;
                agree::answers(written, &expected)
            }
        }
    }

    /// A commit is durable.
    pub(crate) fn all_durable(
        &mut self,
        now: Millis,
        callers: &[Caller],
        writes: &[Write],
        written: &[Written],
    ) -> Result<(), Broken> {
        self.report.commits += 1;
        for ((caller, write), written) in callers.iter().zip(writes).zip(written) {
            self.durable(now, *caller, write, written)?;
        }
        Ok(())
    }

    /// The deliveries whose sends are in a commit of which nobody knows.
    pub(crate) fn unsettled_sends(&self) -> BTreeSet<DeliveryId> {
        let writes = self.unsettled.iter().flat_map(|unsettled| &unsettled.writes);
        let sends = writes.filter_map(|write| match write {
            Write::Record(report) if report.attempt.is_some() => Some(report.delivery),
            _ => None,
        });
        sends.collect()
    }

    /// Perhaps the process will die in the midst of what the store does next.
    pub(crate) fn cut_disk_short(&mut self, per_million: u64) -> bool {
        let may_fail = self.disk_may_fail() && self.options.nth.is_none();
        match &mut self.disk {
            Disk::Faulty(faulty) if may_fail => faulty.chance(per_million) && faulty.cut_short(),
            Disk::Faulty(_) | Disk::Model => false,
        }
    }

    /// The process is dead, as far as the disk is concerned.
    pub(crate) fn crash_disk(&mut self) {
        let may_lose_power = self.disk_may_fail();
        let then = self.options.nth.map(|nth| nth.then);
        let Disk::Faulty(faulty) = &mut self.disk else {
            return;
        };
        let power = match then {
            Some(then) => then == Then::PowerCut,
            None => may_lose_power && faulty.chance(POWER_CUT),
        };
        faulty.crash(power);
        if power {
            self.report.power_cuts += 1;
            self.trace(|| "the power goes".to_owned());
        }
    }

    /// From now on operations of the disk are counted, and one may fail.
    pub(crate) fn count_operations(&mut self) {
        if let Disk::Faulty(faulty) = &self.disk {
            faulty.with(|machine| machine.fail(self.options.nth));
        }
    }

    /// The figures of the disk.
    pub(crate) fn report_operations(&mut self) {
        if let Disk::Faulty(faulty) = &self.disk {
            let count = |operation| faulty.with(|machine| machine.counted(operation));
            self.report.disk_writes = count(Operation::Write);
            self.report.disk_syncs = count(Operation::Sync);
        }
    }

    /// Whether the one operation that shall fail has failed just now, and a crash follows.
    pub(crate) fn crash_follows(&self) -> bool {
        match (&self.disk, self.options.nth) {
            (Disk::Faulty(faulty), Some(Nth { then, .. })) => {
                faulty.with(crate::fault::machine::Machine::has_failed) && then != Then::Nothing
            }
            _ => false,
        }
    }

    /// Opens the store, and finds out what became of the last commit. `None` when the disk did not let it.
    pub(crate) fn open_store(&mut self) -> Result<Option<Opened>, Broken> {
        let dies = self.cut_disk_short(DIES_OPENING);
        let opened = self.try_open();
        if dies || self.crash_follows() {
            self.report.crashes += 1;
            self.trace(|| "a crash while the store is opened".to_owned());
            self.crash_disk();
            return Ok(None);
        }
        match opened {
            Ok((opened, dump)) => {
                self.settle(&dump)?;
                Ok(Some(opened))
            }
            // A disk that fails says so; it brings no data that cannot be.
            Err(error) if self.disk_may_fail() && !matches!(error.fault, Fault::Data | Fault::Other) => {
                self.trace(|| format!("the store cannot be opened: {}", Broken::of(&error).0));
                Ok(None)
            }
            Err(error) => Err(Broken::of(&error)),
        }
    }

    fn try_open(&self) -> Result<(Opened, Option<Dump>), StoreError> {
        let mut store = self.disk.open(&self.model)?;
        let start = store.start()?;
        let reader = store.reader()?;
        let dump = match self.disk {
            Disk::Model => None,
            Disk::Faulty(_) => Some(Dump::of(store.as_mut())?),
        };
        Ok(((store, start, reader), dump))
    }

    /// A store that was opened again holds everything that it has acknowledged, and of a commit that failed everything
    /// or nothing.
    fn settle(&mut self, found: &Option<Dump>) -> Result<(), Broken> {
        let Some(found) = found else {
            return Ok(());
        };
        let Some(Unsettled { now, callers, writes }) = self.unsettled.take() else {
            let expected = agree::dump_of(&self.model)?;
            if *found != expected {
                return broken(format!(
                    "the store was opened again and is another: {}",
                    found.difference(&expected)
                ));
            }
            return Ok(());
        };
        self.report.unsettled += 1;
        let mut after = self.model.fork();
        let written = after.commit(now, &writes).map_err(|error| Broken::of(&error))?;
        if *found == agree::dump_of(&after)? {
            self.model = after;
            self.report.unsettled_durable += 1;
            self.trace(|| "the last commit is durable".to_owned());
            return self.all_durable(now, &callers, &writes, &written);
        }
        let before = agree::dump_of(&self.model)?;
        if *found != before {
            return broken(format!(
                "after a commit that failed the store is neither as before nor as after: {}",
                found.difference(&before)
            ));
        }
        self.trace(|| "the last commit is not durable".to_owned());
        self.report.lost_sends += self.ledger.lose(&BTreeSet::new());
        Ok(())
    }
}
