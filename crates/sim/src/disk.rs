//! Where a run keeps its store, and what survives a crash there.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ringback_core::store::{Store, StoreError};
use ringback_store::memory::Memory;
use ringback_store::sqlite::{Simulated, Sqlite};

use crate::StoreKind;
use crate::fault::machine::{self, Machine, Shared, Trouble};
use crate::fault::vfs::Vfs;
use crate::random::Random;

/// The place of the store on the simulated machine.
const DIRECTORY: &str = "/simulated";

/// The disk under a run.
pub(crate) enum Disk {
    /// The model itself, which a simulated crash does not touch.
    Model,
    /// SQLite on a file system that fails.
    Faulty(Faulty),
}

pub(crate) struct Faulty {
    vfs: Vfs,
    machine: Shared,
    random: Random,
    checkpoint_pages: i32,
}

impl Disk {
    /// # Errors
    /// SQLite does not take the file system.
    pub(crate) fn new(kind: StoreKind, seed: u64) -> Result<Self, String> {
        match kind {
            StoreKind::Memory => Ok(Self::Model),
            // A stream of its own: the run itself is the same on every store.
            StoreKind::Sqlite => Faulty::new(seed).map(Self::Faulty),
        }
    }

    /// Opens the store that is kept here. The one that was opened before has been dropped.
    ///
    /// # Errors
    /// The store could not be opened.
    pub(crate) fn open(&self, model: &Memory) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::Model => Ok(Box::new(model.clone())),
            Self::Faulty(faulty) => Ok(Box::new(faulty.open()?)),
        }
    }
}

impl Faulty {
    pub(crate) fn new(seed: u64) -> Result<Self, String> {
        let mut random = Random::new(seed ^ 0x6469_736b);
        let machine = Arc::new(Mutex::new(Machine::new(Random::new(random.next()))));
        let vfs = Vfs::register(Arc::clone(&machine))
            .map_err(|code| format!("SQLite refuses the simulated file system: {code}"))?;
        // Often enough that checkpoints, and logs that begin anew, fall among the faults.
        let checkpoint_pages = random.pick(&[20, 100, 400]);
        Ok(Self {
            vfs,
            machine,
            random,
            checkpoint_pages,
        })
    }

    pub(crate) fn open(&self) -> Result<Sqlite, StoreError> {
        let place = Simulated {
            vfs: self.vfs.name(),
            checkpoint_pages: self.checkpoint_pages,
            renew: &|path| self.renew(path),
        };
        Sqlite::open_simulated(Path::new(DIRECTORY), place).map_err(|error| StoreError {
            what: "open the store",
            fault: error.fault(Path::new(DIRECTORY)),
            source: Box::new(error),
        })
    }

    fn renew(&self, path: &Path) -> io::Result<()> {
        let name = path.to_str().unwrap_or_default();
        self.with(|machine| machine.renew(name))
            .map_err(|code| io::Error::other(format!("code {code}")))
    }

    /// The disk gets into a trouble of some kind.
    pub(crate) fn ail(&mut self) -> Trouble {
        let rare = self.random.pick(&[5_000, 50_000, 300_000]);
        let trouble = match self.random.below(6) {
            0 => Trouble {
                full: true,
                ..Trouble::default()
            },
            1 => Trouble {
                writes: 1_000_000,
                syncs: 1_000_000,
                ..Trouble::default()
            },
            2 => Trouble {
                reads: rare,
                ..Trouble::default()
            },
            3 => Trouble {
                writes: rare,
                ..Trouble::default()
            },
            _ => Trouble {
                syncs: rare,
                ..Trouble::default()
            },
        };
        self.with(|machine| machine.set_trouble(trouble));
        trouble
    }

    pub(crate) fn heal(&self) {
        self.with(|machine| machine.set_trouble(Trouble::default()));
    }

    /// The process will be dead after some more operations of the disk. True, for whoever goes on with it.
    pub(crate) fn cut_short(&mut self) -> bool {
        let most = self.random.pick(&[3, 30]);
        let operations = self.random.below(most);
        self.with(|machine| machine.die_after(operations));
        true
    }

    /// The process is dead; perhaps the power went.
    pub(crate) fn crash(&self, power: bool) {
        self.with(if power { Machine::lose_power } else { Machine::kill });
    }

    pub(crate) fn chance(&mut self, per_million: u64) -> bool {
        self.random.chance(per_million)
    }

    pub(crate) fn with<T>(&self, on: impl FnOnce(&mut Machine) -> T) -> T {
        on(&mut machine::lock(&self.machine))
    }
}
