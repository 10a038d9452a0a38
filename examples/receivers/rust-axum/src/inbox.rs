//! The inbox: every callback once, on disk before it is answered, and processed afterwards in the order in which it came.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use rusqlite::{Connection, TransactionBehavior, params};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS inbox (
  webhook_id TEXT PRIMARY KEY,            -- the same on every send: a repetition makes no second row
  kind TEXT NOT NULL,
  key TEXT,
  apply TEXT NOT NULL,                    -- all; without-level; nothing
  body BLOB NOT NULL,                     -- the raw bytes
  processed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS inbox_key ON inbox (key, webhook_id);
CREATE INDEX IF NOT EXISTS inbox_open ON inbox (processed) WHERE processed = 0;
";

/// A callback, as the inbox keeps it.
pub(crate) struct Event {
    pub(crate) webhook_id: String,
    pub(crate) kind: String,
    pub(crate) key: Option<String>,
    pub(crate) apply: Apply,
    pub(crate) body: Vec<u8>,
}

/// What a callback may change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apply {
    /// It is the newest of its key.
    All,
    /// A call that comes after its own correction: all but the level.
    WithoutLevel,
    /// Something newer is known.
    Nothing,
}

impl Apply {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::WithoutLevel => "without-level",
            Self::Nothing => "nothing",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "all" => Self::All,
            "without-level" => Self::WithoutLevel,
            _ => Self::Nothing,
        }
    }
}

/// What is done with a callback after it was acknowledged.
type Work = fn(&Event) -> Result<(), Box<dyn Error>>;

pub(crate) struct Inbox {
    connection: Mutex<Connection>,
    news: SyncSender<()>,
}

impl Inbox {
    /// Opens the inbox and begins with what is left over from before.
    pub(crate) fn open(directory: &Path, work: Work) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(directory)?;
        let path = directory.join("inbox.db");
        // FULL: a commit that returned is on disk.
        let connection = connect(&path, "FULL")?;
        connection.execute_batch(SCHEMA)?;
        // NORMAL: to lose a mark of what is done costs a repetition, to wait for the disk each time would cost more.
        let worker = connect(&path, "NORMAL")?;
        let (news, told) = sync_channel(1);
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || work_for_ever(&worker, &told, work))?;
        Ok(Self {
            connection: Mutex::new(connection),
            news,
        })
    }

    /// On disk when it returns. What is known already stays as it is.
    pub(crate) fn store(
        &self,
        webhook_id: &str,
        kind: &str,
        key: Option<&str>,
        body: &[u8],
    ) -> rusqlite::Result<()> {
        {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let apply = what_to_apply(&transaction, webhook_id, kind, key)?;
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO inbox (webhook_id, kind, key, apply, body) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![webhook_id, kind, key, apply.name(), body])?;
            transaction.commit()?;
        }
        // If it is full, the worker has been told already.
        let _ = self.news.try_send(());
        Ok(())
    }

    /// Id and kind of all that was processed.
    pub(crate) fn processed(&self) -> rusqlite::Result<Vec<(String, String)>> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = connection.prepare(
            "SELECT webhook_id, kind FROM inbox WHERE processed = 1 AND apply <> 'nothing' ORDER BY rowid",
        )?;
        query
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }
}

fn connect(path: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

/// A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.
///
/// An old event must not overwrite what is newer. But a call that comes after its own correction still brings all that the
/// correction does not have: it is applied, save for the level.
fn what_to_apply(
    inbox: &Connection,
    webhook_id: &str,
    kind: &str,
    key: Option<&str>,
) -> rusqlite::Result<Apply> {
    let (newest, newest_call): (Option<String>, Option<String>) = inbox
        .prepare_cached(
            "SELECT max(webhook_id), max(CASE WHEN kind <> 'correction' THEN webhook_id END) FROM inbox WHERE key = ?",
        )?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_after = |other: Option<String>| other.is_none_or(|other| webhook_id > other.as_str());
    Ok(if is_after(newest) {
        Apply::All
    } else if kind == "call" && is_after(newest_call) {
        Apply::WithoutLevel
    } else {
        Apply::Nothing
    })
}

fn work_for_ever(inbox: &Connection, told: &Receiver<()>, work: Work) {
    loop {
        match work_once(inbox, work) {
            Ok(0) if told.recv().is_err() => return,
            Ok(_) => {}
            Err(error) => {
                // The callback stays in the inbox and is tried again: it was acknowledged, and ringback will not repeat it.
                eprintln!("{error}");
                thread::sleep(Duration::from_secs(5));
            }
        }
    }
}

/// Works on some of what is open, and tells how many that were.
fn work_once(inbox: &Connection, work: Work) -> Result<usize, Box<dyn Error>> {
    let events: Vec<Event> = inbox
        .prepare_cached(
            "SELECT webhook_id, kind, key, apply, body FROM inbox WHERE processed = 0 ORDER BY rowid LIMIT 100",
        )?
        .query_map((), |row| {
            Ok(Event {
                webhook_id: row.get(0)?,
                kind: row.get(1)?,
                key: row.get(2)?,
                apply: Apply::of(&row.get::<_, String>(3)?),
                body: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    for event in &events {
        if event.apply != Apply::Nothing {
            work(event)?;
        }
        inbox
            .prepare_cached("UPDATE inbox SET processed = 1 WHERE webhook_id = ?")?
            .execute([&event.webhook_id])?;
    }
    Ok(events.len())
}
