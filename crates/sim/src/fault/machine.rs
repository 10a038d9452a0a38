//! The machine: its files, the process that has them open, and the troubles of its disk.
//!
//! A crash ends every handle: what a dead process still asks for fails and changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use super::file::File;
use super::locks::{FileLocks, IndexLocks};
use crate::random::Random;
use crate::{Nth, Operation};

/// How much of a file is written over itself at a time.
const RENEW_BYTES: usize = 1024 * 1024;

/// What ails the disk for the time being, in failures per million operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Writes fail with an I/O error, perhaps after a part of them was written.
    pub(crate) writes: u64,
    /// Syncs fail, and take with them what they should have made durable.
    pub(crate) syncs: u64,
    /// Reads fail.
    pub(crate) reads: u64,
    /// No file can grow.
    pub(crate) full: bool,
}

/// A failed operation: the code for SQLite.
pub(crate) type Failed = i32;

#[derive(Debug, Default)]
struct Node {
    file: File,
    locks: FileLocks,
    /// The shared index of its write-ahead log.
    index: IndexLocks,
}

/// Files in memory, and how they fail.
#[derive(Debug)]
pub(crate) struct Machine {
    nodes: BTreeMap<String, Node>,
    /// Deleted, but nothing was synced since.
    unlinked: BTreeMap<String, File>,
    random: Random,
    trouble: Trouble,
    /// Handles of an earlier life are dead.
    life: u64,
    handles: u64,
    /// Writes and syncs that still happen before the process dies.
    left: Option<u64>,
    counted: [u64; 2],
    fails: Option<Nth>,
    /// The one that shall fail has failed.
    failed: bool,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Handle {
    id: u64,
    life: u64,
    name: String,
}

/// The machine, shared between the run and SQLite's calls.
pub(crate) type Shared = Arc<Mutex<Machine>>;

/// Nothing panics while it holds the lock and leaves half a change.
pub(crate) fn lock(machine: &Mutex<Machine>) -> MutexGuard<'_, Machine> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            nodes: BTreeMap::new(),
            unlinked: BTreeMap::new(),
            random,
            trouble: Trouble::default(),
            life: 0,
            handles: 0,
            left: None,
            counted: [0; 2],
            fails: None,
            failed: false,
        }
    }

    /// From now on the disk is in this trouble.
    pub(crate) const fn set_trouble(&mut self, trouble: Trouble) {
        self.trouble = trouble;
    }

    /// Only so many more writes and syncs happen; then the process is dead, in the midst of what it does.
    pub(crate) const fn die_after(&mut self, operations: u64) {
        self.left = Some(operations);
    }

    /// One operation fails, counted from now.
    pub(crate) const fn fail(&mut self, nth: Option<Nth>) {
        self.counted = [0; 2];
        self.fails = nth;
    }

    /// Whether that one has failed; says so once.
    pub(crate) const fn has_failed(&mut self) -> bool {
        std::mem::replace(&mut self.failed, false)
    }

    /// How many operations there were since [`Machine::fail`].
    pub(crate) const fn counted(&self, operation: Operation) -> u64 {
        self.counted[operation as usize]
    }

    /// The process is killed. The cache of the operating system outlives it.
    pub(crate) fn kill(&mut self) {
        self.life += 1;
        self.left = None;
        for node in self.nodes.values_mut() {
            node.locks = FileLocks::default();
            node.index = IndexLocks::default();
        }
    }

    /// The power goes: only what reached the disk is there afterwards.
    pub(crate) fn lose_power(&mut self) {
        self.kill();
        for (name, file) in std::mem::take(&mut self.unlinked) {
            if self.random.chance(500_000) {
                self.nodes.entry(name).or_insert(Node {
                    file,
                    ..Node::default()
                });
            }
        }
        let random = &mut self.random;
        self.nodes.retain(|_, node| node.file.lose_power(random));
    }

    pub(super) fn open(&mut self, name: &str, create: bool) -> Result<Handle, Failed> {
        if !self.nodes.contains_key(name) {
            if !create || self.left == Some(0) {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            self.nodes.insert(name.to_owned(), Node::default());
        }
        self.handles += 1;
        Ok(Handle {
            id: self.handles,
            life: self.life,
            name: name.to_owned(),
        })
    }

    pub(super) fn close(&mut self, handle: &Handle) {
        if let Ok(node) = self.node(handle, ffi::SQLITE_IOERR_CLOSE) {
            node.locks.lower(handle.id, ffi::SQLITE_LOCK_NONE);
            node.index.forget(handle.id);
        }
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    pub(super) fn delete(&mut self, name: &str, sync_directory: bool) -> Result<(), Failed> {
        self.count(Operation::Write, ffi::SQLITE_IOERR_DELETE)?;
        let Some(node) = self.nodes.remove(name) else {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        };
        if sync_directory {
            self.unlinked.clear();
        } else {
            self.unlinked.insert(name.to_owned(), node.file);
        }
        Ok(())
    }

    /// Reads into `into`; what the file does not have is zeros, and the answer is a short read.
    pub(super) fn read(&mut self, handle: &Handle, at: usize, into: &mut [u8]) -> Result<(), Failed> {
        if self.random.chance(self.trouble.reads) {
            return Err(ffi::SQLITE_IOERR_READ);
        }
        let found = self
            .node(handle, ffi::SQLITE_IOERR_READ)?
            .file
            .read(at, into.len());
        into[..found.len()].copy_from_slice(found);
        let short = found.len() < into.len();
        into[found.len()..].fill(0);
        if short {
            Err(ffi::SQLITE_IOERR_SHORT_READ)
        } else {
            Ok(())
        }
    }

    pub(super) fn write(&mut self, handle: &Handle, at: usize, bytes: &[u8]) -> Result<(), Failed> {
        self.node(handle, ffi::SQLITE_IOERR_WRITE)?;
        if self.left == Some(0) {
            return Err(ffi::SQLITE_IOERR_WRITE);
        }
        let counted = self.count(Operation::Write, ffi::SQLITE_IOERR_WRITE);
        let fails = self.random.chance(self.trouble.writes);
        let part = self.random.index(bytes.len().max(1));
        let full = self.trouble.full;
        let node = self.node(handle, ffi::SQLITE_IOERR_WRITE)?;
        let room = node.file.len().saturating_sub(at);
        if counted.is_err() || fails {
            // What a failed write leaves behind is the beginning of it.
            node.file.write(at, &bytes[..part]);
            return Err(ffi::SQLITE_IOERR_WRITE);
        }
        if full && room < bytes.len() {
            node.file.write(at, &bytes[..room]);
            return Err(ffi::SQLITE_FULL);
        }
        node.file.write(at, bytes);
        Ok(())
    }

    /// Writes a file over itself and syncs it, if there is one.
    pub(crate) fn renew(&mut self, name: &str) -> Result<(), Failed> {
        if !self.exists(name) {
            return Ok(());
        }
        let handle = self.open(name, false)?;
        let len = self.len(&handle)?;
        for at in (0..len).step_by(RENEW_BYTES) {
            let mut bytes = vec![0; RENEW_BYTES.min(len - at)];
            self.read(&handle, at, &mut bytes)?;
            self.write(&handle, at, &bytes)?;
        }
        self.sync(&handle)
    }

    pub(super) fn truncate(&mut self, handle: &Handle, len: usize) -> Result<(), Failed> {
        self.node(handle, ffi::SQLITE_IOERR_TRUNCATE)?;
        self.count(Operation::Write, ffi::SQLITE_IOERR_TRUNCATE)?;
        self.node(handle, ffi::SQLITE_IOERR_TRUNCATE)?.file.resize(len);
        Ok(())
    }

    pub(super) fn sync(&mut self, handle: &Handle) -> Result<(), Failed> {
        self.node(handle, ffi::SQLITE_IOERR_FSYNC)?;
        if self.left == Some(0) {
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        let counted = self.count(Operation::Sync, ffi::SQLITE_IOERR_FSYNC);
        let fails = self.random.chance(self.trouble.syncs) || counted.is_err();
        let random = &mut self.random;
        let Some(node) = self.nodes.get_mut(&handle.name) else {
            return Err(ffi::SQLITE_IOERR_FSYNC);
        };
        if fails {
            node.file.fail_to_sync(random);
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        node.file.sync();
        // File systems with a log keep the order of changes to their directories and of syncs.
        self.unlinked.clear();
        Ok(())
    }

    pub(super) fn len(&mut self, handle: &Handle) -> Result<usize, Failed> {
        Ok(self.node(handle, ffi::SQLITE_IOERR_FSTAT)?.file.len())
    }

    pub(super) fn raise(&mut self, handle: &Handle, level: i32) -> Result<(), Failed> {
        busy_unless(
            self.node(handle, ffi::SQLITE_IOERR_LOCK)?
                .locks
                .raise(handle.id, level),
        )
    }

    pub(super) fn lower(&mut self, handle: &Handle, level: i32) {
        if let Ok(node) = self.node(handle, ffi::SQLITE_IOERR_UNLOCK) {
            node.locks.lower(handle.id, level);
        }
    }

    pub(super) fn is_reserved(&mut self, handle: &Handle) -> bool {
        self.node(handle, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK)
            .is_ok_and(|node| node.locks.is_reserved())
    }

    pub(super) fn lock_index(&mut self, handle: &Handle, slots: u8, exclusive: bool) -> Result<(), Failed> {
        let node = self.node(handle, ffi::SQLITE_IOERR_SHMLOCK)?;
        busy_unless(node.index.take(handle.id, slots, exclusive))
    }

    pub(super) fn unlock_index(&mut self, handle: &Handle, slots: u8) {
        if let Ok(node) = self.node(handle, ffi::SQLITE_IOERR_SHMLOCK) {
            node.index.give_back(handle.id, slots);
        }
    }

    /// The life that a handle belongs to: the shared index of one life is not that of the next.
    pub(super) const fn life_of(handle: &Handle) -> u64 {
        handle.life
    }

    pub(super) fn name_of(handle: &Handle) -> &str {
        &handle.name
    }

    /// What the handle is open on; `failed` when its process is dead.
    fn node(&mut self, handle: &Handle, failed: Failed) -> Result<&mut Node, Failed> {
        if handle.life != self.life {
            return Err(failed);
        }
        self.nodes.get_mut(&handle.name).ok_or(failed)
    }

    /// Counts an operation; it fails when the process has died, or when it is the one that shall fail.
    fn count(&mut self, operation: Operation, failed: Failed) -> Result<(), Failed> {
        match &mut self.left {
            Some(0) => return Err(failed),
            Some(left) => *left -= 1,
            None => {}
        }
        let counted = &mut self.counted[operation as usize];
        *counted += 1;
        let n = *counted;
        if self
            .fails
            .is_some_and(|nth| (nth.operation, nth.n) == (operation, n))
        {
            self.failed = true;
            return Err(failed);
        }
        Ok(())
    }
}

const fn busy_unless(taken: bool) -> Result<(), Failed> {
    if taken { Ok(()) } else { Err(ffi::SQLITE_BUSY) }
}
