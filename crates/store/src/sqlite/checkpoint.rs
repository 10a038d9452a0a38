//! Keeping the write-ahead log short.
//!
//! A second thread moves committed pages into the database file while the writer goes on (a *passive* checkpoint), so
//! that commits do not pay for it. A writer that never pauses keeps it from ever reaching the end of the log, and the
//! log would grow without bound; so when little is left, the writer moves the rest between two commits, and the next
//! commit begins the log anew. A reader that stays in the way of that long enough meets the last resort: beyond
//! [`WAL_PAGES_MOST`] the writer waits for the readers and finishes the checkpoint itself.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use ringback_core::limits::READ_MS;
use rusqlite::Connection;

use super::error::{OpenError, opening};
use super::open::{self, Home, PAGE_BYTES};

/// Growth of the log, in pages, after which the second thread is called: 64 MB. Pages that change often are then moved
/// once for many commits, and the file is synced less often.
const CALL_AFTER: i32 = pages(64 * MB);
/// What the second thread may leave to the writer, in pages: 4 MB, a matter of milliseconds.
const REST: i32 = pages(4 * MB);
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
    second: Second,
    /// Held during a checkpoint: two at once would fail.
    turn: Arc<Mutex<()>>,
    /// Set by the second thread when it has left at most [`REST`].
    rest: Arc<AtomicBool>,
}

/// Who moves pages beside the writer.
enum Second {
    /// A thread; a message calls it. Dropping the sender ends it.
    Thread(Option<SyncSender<()>>, Option<JoinHandle<()>>),
    /// The caller of [`Checkpoints::after_commit`], in a simulation, where nothing happens by chance.
    Caller(Connection),
}

impl Checkpoints {
    /// Watches the writer's log, and has it moved once for so many pages by whoever commits.
    pub(super) fn simulate(home: &Home, writer: &mut Connection, call_after: i32) -> Result<Self, OpenError> {
        let (mut checkpoints, connection) = Self::watch(home, writer)?;
        checkpoints.call_after = call_after;
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
        } else if pages >= WAL_PAGES_MOST && pages - self.tried_at >= self.call_after {
            self.finish(writer, pages);
        } else if pages - self.called_at >= self.call_after {
            self.called_at = pages;
            match &self.second {
                Second::Thread(Some(call), _) => {
                    // A full channel means that a call is waiting already.
                    let _ = call.try_send(());
                }
                Second::Thread(None, _) => {}
                Second::Caller(connection) => go_after(connection, &self.turn, &self.rest),
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

fn run(connection: &Connection, calls: &Receiver<()>, turn: &Mutex<()>, rest: &AtomicBool) {
    while calls.recv().is_ok() {
        go_after(connection, turn, rest);
    }
}

/// Moves pages until little is left, which then is the writer's.
fn go_after(connection: &Connection, turn: &Mutex<()>, rest: &AtomicBool) {
    for _ in 0..PASSES {
        let turn = lock(turn);
        let left = checkpoint(connection, "PASSIVE");
        drop(turn);
        match left {
            Ok(left) if left > REST => {}
            Ok(_) => {
                rest.store(true, Ordering::Relaxed);
                break;
            }
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
