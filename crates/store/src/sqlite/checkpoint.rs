//! Keeping the write-ahead log short.
//!
//! A second thread moves committed pages into the database file while the writer goes on (a *passive* checkpoint), so
//! that commits do not pay for it. A writer that never pauses keeps it from ever reaching the end of the log, and the
//! log would grow without bound; so beyond [`WAL_PAGES_MOST`] the writer waits for the readers and finishes it itself.

use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;

use super::error::{OpenError, opening};
use super::open::{self, PAGE_BYTES};

/// Growth of the log, in pages, after which the second thread is called: 16 MB.
const CALL_AFTER: i32 = 1000;
/// The log, in pages, beyond which the writer finishes the checkpoint itself: 256 MB.
#[expect(clippy::cast_possible_wrap, reason = "a small constant")]
const WAL_PAGES_MOST: i32 = 256 * 1024 * 1024 / PAGE_BYTES as i32;

pub(super) struct Checkpoints {
    /// Pages in the log after the last commit, as SQLite tells.
    pages: Arc<AtomicI32>,
    /// At how many pages the second thread was called last.
    called_at: i32,
    /// At how many pages the writer tried last to finish the checkpoint, in vain.
    tried_at: i32,
    call: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Held during a checkpoint: two at once would fail.
    turn: Arc<Mutex<()>>,
}

impl Checkpoints {
    /// Watches the writer's log and starts the second thread.
    pub(super) fn start(dir: &Path, writer: &mut Connection) -> Result<Self, OpenError> {
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        writer
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                told.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(opening("watch the write-ahead log"))?;
        let connection = open::checkpointer(dir).map_err(opening("open the database for checkpoints"))?;
        let turn = Arc::new(Mutex::new(()));
        let (call, calls) = sync_channel(1);
        let thread = {
            let turn = Arc::clone(&turn);
            Builder::new()
                .name("checkpoint".to_owned())
                .spawn(move || run(&connection, &calls, &turn))
                .map_err(|source| OpenError::Io {
                    what: "start the checkpoint thread for",
                    path: dir.to_owned(),
                    source,
                })?
        };
        Ok(Self {
            pages,
            called_at: 0,
            tried_at: 0,
            call: Some(call),
            thread: Some(thread),
            turn,
        })
    }

    /// To be called after each commit.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.called_at {
            // The log began anew.
            self.called_at = 0;
            self.tried_at = 0;
        }
        if pages >= WAL_PAGES_MOST && pages - self.tried_at >= CALL_AFTER {
            self.finish(writer, pages);
        } else if pages - self.called_at >= CALL_AFTER {
            self.called_at = pages;
            if let Some(call) = &self.call {
                // A full channel means that a call is waiting already.
                let _ = call.try_send(());
            }
        }
    }

    /// Moves the rest of the log into the database, so that the next commit begins it anew.
    fn finish(&mut self, writer: &Connection, pages: i32) {
        let turn = lock(&self.turn);
        match checkpoint(writer, "RESTART") {
            Ok(true) => {}
            Ok(false) => {
                self.tried_at = pages;
                tracing::warn!(pages, "a reader kept the write-ahead log from being finished");
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
        self.call = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn run(connection: &Connection, calls: &Receiver<()>, turn: &Mutex<()>) {
    while calls.recv().is_ok() {
        let turn = lock(turn);
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::warn!(%error, "a checkpoint failed");
        }
        drop(turn);
    }
}

/// Whether the checkpoint came to its end.
fn checkpoint(connection: &Connection, mode: &'static str) -> rusqlite::Result<bool> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        row.get::<_, bool>(0).map(|busy| !busy)
    })
}

fn lock(turn: &Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
