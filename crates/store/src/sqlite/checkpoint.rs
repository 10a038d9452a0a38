//! Keeping the write-ahead log short.
//!
//! A second thread moves committed pages into the database file while the writer goes on (a *passive* checkpoint), so
//! that commits do not pay for it. It does so in small steps, since each ends with a sync of the database, and the syncs of
//! commits wait for what is before them at the disk. A writer that never pauses keeps it from ever reaching the end of the log,
//! and the log would grow without bound; so when the log is long, and little of it is left, the writer moves the rest between two
//! commits, and the next commit begins the log anew. A reader that stays in the way of that long enough meets the last resort:
//! beyond [`WAL_PAGES_MOST`] the writer waits for the readers and finishes the checkpoint itself.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use ringback_core::limits::READ_MS;
use rusqlite::Connection;

use super::error::{OpenError, opening};
use super::open::{self, Home, PAGE_BYTES};

/// Growth of the log, in pages, after which the second thread is called: 8 MB, which a disk writes in some ten milliseconds. Pages
/// that change often are still moved once for many commits.
const CALL_AFTER: i32 = pages(8 * MB);
/// The length of the log, in pages, from which on it is to begin anew: 64 MB.
const LONG: i32 = pages(64 * MB);
/// What the second thread may leave to the writer, in pages: 1 MB, a matter of milliseconds.
const REST: i32 = pages(MB);
/// How often the second thread goes after what was written while it worked, before it leaves the rest to the next call.
const PASSES: u32 = 4;
/// The log, in pages, beyond which the writer finishes the checkpoint itself: 256 MB.
const WAL_PAGES_MOST: i32 = pages(256 * MB);

const MB: u32 = 1024 * 1024;

#[expect(clippy::cast_possible_wrap, reason = "for small constants")]
const fn pages(bytes: u32) -> i32 {
    (bytes / PAGE_BYTES) as i32
}

/// How long the writer waits for readers.
const READERS: Duration = Duration::from_millis(READ_MS + 200);

pub(super) struct Checkpoints {
    /// Pages in the log after the last commit, as SQLite tells.
    pages: Arc<AtomicI32>,
    /// At how many pages the second thread was called last.
    called_at: i32,
    /// At how many pages the writer tried last to finish the checkpoint, in vain.
    tried_at: i32,
    /// [`CALL_AFTER`], or fewer in a simulation.
    call_after: i32,
    /// [`LONG`], or fewer in a simulation.
    long: i32,
    second: Second,
    /// Held during a checkpoint: two at once would fail.
    turn: Arc<Mutex<()>>,
    /// Set by the second thread when it has left at most [`REST`].
    rest: Arc<AtomicBool>,
}

/// Who moves pages beside the writer.
enum Second {
    /// A thread; a message calls it. Dropping the sender ends it.
    Thread(Option<SyncSender<Goal>>, Option<JoinHandle<()>>),
    /// The caller of [`Checkpoints::after_commit`], in a simulation, where nothing happens by chance.
    Caller(Connection),
}

/// What the second thread is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// A step: what is in the log now.
    Step,
    /// The end of the log, but for a rest that is the writer's.
    End,
}

impl Checkpoints {
    /// Watches the writer's log, and has it moved once for so many pages by whoever commits.
    pub(super) fn simulate(home: &Home, writer: &mut Connection, call_after: i32) -> Result<Self, OpenError> {
        let (mut checkpoints, connection) = Self::watch(home, writer)?;
        checkpoints.call_after = call_after;
        // So that some calls are steps.
        checkpoints.long = call_after.saturating_mul(3);
        checkpoints.second = Second::Caller(connection);
        Ok(checkpoints)
    }

    /// Watches the writer's log and starts the second thread.
    pub(super) fn start(home: &Home, writer: &mut Connection) -> Result<Self, OpenError> {
        let (mut checkpoints, connection) = Self::watch(home, writer)?;
        let (call, calls) = sync_channel(1);
        let (turn, rest) = (Arc::clone(&checkpoints.turn), Arc::clone(&checkpoints.rest));
        let thread = Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&connection, &calls, &turn, &rest))
            .map_err(|source| OpenError::Io {
                what: "start the checkpoint thread for",
                path: home.dir.clone(),
                source,
            })?;
        checkpoints.second = Second::Thread(Some(call), Some(thread));
        Ok(checkpoints)
    }

    /// Also answers the connection for the second one, who is not there yet.
    fn watch(home: &Home, writer: &mut Connection) -> Result<(Self, Connection), OpenError> {
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        writer
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                told.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(opening("watch the write-ahead log"))?;
        let connection = open::checkpointer(home).map_err(opening("open the database for checkpoints"))?;
        let checkpoints = Self {
            pages,
            called_at: 0,
            tried_at: 0,
            call_after: CALL_AFTER,
            long: LONG,
            second: Second::Thread(None, None),
            turn: Arc::new(Mutex::new(())),
            rest: Arc::new(AtomicBool::new(false)),
        };
        Ok((checkpoints, connection))
    }

    /// To be called after each commit.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.called_at {
            // The log began anew.
            self.called_at = 0;
            self.tried_at = 0;
        }
        if self.rest.swap(false, Ordering::Relaxed) {
            let turn = lock(&self.turn);
            if let Err(error) = checkpoint(writer, "PASSIVE") {
                tracing::warn!(%error, "the rest of a checkpoint failed");
            }
            drop(turn);
        } else if pages >= WAL_PAGES_MOST && pages - self.tried_at >= self.long {
            self.finish(writer, pages);
        } else if pages - self.called_at >= self.call_after {
            self.called_at = pages;
            let goal = if pages >= self.long { Goal::End } else { Goal::Step };
            match &self.second {
                Second::Thread(Some(call), _) => {
                    // A full channel means that a call is waiting already.
                    let _ = call.try_send(goal);
                }
                Second::Thread(None, _) => {}
                Second::Caller(connection) => go_after(connection, goal, &self.turn, &self.rest),
            }
        }
    }

    /// Moves the rest of the log into the database, so that the next commit begins it anew.
    fn finish(&mut self, writer: &Connection, pages: i32) {
        let turn = lock(&self.turn);
        match patiently(writer, || checkpoint(writer, "RESTART")) {
            Ok(0) => {}
            Ok(left) => {
                self.tried_at = pages;
                tracing::warn!(
                    pages,
                    left,
                    "a reader kept the write-ahead log from being finished"
                );
            }
            Err(error) => {
                self.tried_at = pages;
                tracing::warn!(%error, pages, "the write-ahead log could not be finished");
            }
        }
        drop(turn);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        let Second::Thread(call, thread) = &mut self.second else {
            return;
        };
        *call = None;
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn run(connection: &Connection, calls: &Receiver<Goal>, turn: &Mutex<()>, rest: &AtomicBool) {
    while let Ok(goal) = calls.recv() {
        go_after(connection, goal, turn, rest);
    }
}

/// Moves pages: once, or until little is left, which then is the writer's.
fn go_after(connection: &Connection, goal: Goal, turn: &Mutex<()>, rest: &AtomicBool) {
    let passes = match goal {
        Goal::Step => 1,
        Goal::End => PASSES,
    };
    for _ in 0..passes {
        let turn = lock(turn);
        let left = checkpoint(connection, "PASSIVE");
        drop(turn);
        match left {
            Ok(left) if left > REST => {}
            Ok(_) if goal == Goal::End => {
                rest.store(true, Ordering::Relaxed);
                break;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "a checkpoint failed");
                break;
            }
        }
    }
}

/// Moves pages of the log into the database; answers how many are left.
fn checkpoint(connection: &Connection, mode: &'static str) -> rusqlite::Result<i32> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let (in_log, moved): (i32, i32) = (row.get(1)?, row.get(2)?);
        Ok(in_log - moved)
    })
}

/// Waits for readers a little longer than a read may take, and no longer: all that is written waits as well.
fn patiently<T>(writer: &Connection, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    writer.busy_timeout(READERS)?;
    let done = work();
    writer.busy_timeout(open::BUSY)?;
    done
}

fn lock(turn: &Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
