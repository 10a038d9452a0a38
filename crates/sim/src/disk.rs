//! What survives a crash of the process.

use ringback_core::store::{Store, StoreError};
use ringback_store::memory::Memory;
use ringback_store::sqlite::Sqlite;
use tempfile::TempDir;

/// Where a run keeps its store.
pub(crate) trait Disk {
    /// Opens the store that is kept here. The one that was opened before has been dropped.
    ///
    /// # Errors
    /// The store could not be opened.
    fn open(&mut self) -> Result<Box<dyn Store>, StoreError>;
}

/// The memory of the simulator, which a simulated crash does not touch.
pub(crate) struct InMemory(Memory);

impl InMemory {
    pub(crate) fn new() -> Self {
        Self(Memory::new([7; 32]))
    }
}

impl Disk for InMemory {
    fn open(&mut self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.0.clone()))
    }
}

/// A directory with an SQLite store, removed with the run.
pub(crate) struct InDirectory(TempDir);

/// Where there is one, a file system in memory: a simulated crash needs no real disk, and waiting for it is most of the
/// time of a run.
const MEMORY_FILE_SYSTEM: &str = "/dev/shm";

impl InDirectory {
    pub(crate) fn new() -> std::io::Result<Self> {
        TempDir::with_prefix_in("ringback-sim-", MEMORY_FILE_SYSTEM)
            .or_else(|_| TempDir::with_prefix("ringback-sim-"))
            .map(Self)
    }
}

impl Disk for InDirectory {
    fn open(&mut self) -> Result<Box<dyn Store>, StoreError> {
        match Sqlite::open(self.0.path()) {
            Ok(store) => Ok(Box::new(store)),
            Err(error) => Err(StoreError {
                what: "open the store",
                fault: error.fault(self.0.path()),
                source: Box::new(error),
            }),
        }
    }
}
