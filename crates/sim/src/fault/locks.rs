//! The locks of SQLite's files and of the shared index of its write-ahead log, as one process's handles see them.
//! Nobody waits: what is taken by another handle is busy.

use std::collections::BTreeMap;

use rusqlite::ffi;

/// Who holds which lock on a file: 1 shared, 2 reserved, 3 pending, 4 exclusive.
#[derive(Debug, Default)]
pub(super) struct FileLocks(BTreeMap<u64, i32>);

impl FileLocks {
    pub(super) fn raise(&mut self, handle: u64, level: i32) -> bool {
        let own = self.level(handle);
        if own >= level {
            return true;
        }
        let others = self.0.iter().filter(|(id, _)| **id != handle);
        let highest = others.map(|(_, level)| *level).max().unwrap_or_default();
        let free = match level {
            ffi::SQLITE_LOCK_SHARED => highest < ffi::SQLITE_LOCK_PENDING,
            ffi::SQLITE_LOCK_RESERVED => highest < ffi::SQLITE_LOCK_RESERVED,
            _ => highest == ffi::SQLITE_LOCK_NONE,
        };
        if free {
            self.0.insert(handle, level);
        }
        free
    }

    pub(super) fn lower(&mut self, handle: u64, level: i32) {
        if level == ffi::SQLITE_LOCK_NONE {
            self.0.remove(&handle);
        } else if self.level(handle) > level {
            self.0.insert(handle, level);
        }
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.0.values().any(|level| *level >= ffi::SQLITE_LOCK_RESERVED)
    }

    fn level(&self, handle: u64) -> i32 {
        self.0.get(&handle).copied().unwrap_or_default()
    }
}

/// Who holds which of the eight locks on a shared index: bits of shared and of exclusive ones.
#[derive(Debug, Default)]
pub(super) struct IndexLocks(BTreeMap<u64, (u8, u8)>);

impl IndexLocks {
    pub(super) fn take(&mut self, handle: u64, slots: u8, exclusive: bool) -> bool {
        let in_the_way = |(shared, alone): &(u8, u8)| {
            let taken = if exclusive { shared | alone } else { *alone };
            taken & slots != 0
        };
        if self.0.iter().any(|(id, held)| *id != handle && in_the_way(held)) {
            return false;
        }
        let (shared, alone) = self.0.entry(handle).or_default();
        *(if exclusive { alone } else { shared }) |= slots;
        true
    }

    pub(super) fn give_back(&mut self, handle: u64, slots: u8) {
        if let Some((shared, alone)) = self.0.get_mut(&handle) {
            *shared &= !slots;
            *alone &= !slots;
        }
    }

    pub(super) fn forget(&mut self, handle: u64) {
        self.0.remove(&handle);
    }
}
