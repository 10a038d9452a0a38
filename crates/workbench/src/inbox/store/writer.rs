//! The one thread that writes, and the commits that it groups.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::{io, thread};

use ringback_core::limits;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{oneshot, watch};

use super::open::{Home, OpenError};
use super::{Fault, fault};

/// A piece of work in a commit, and whoever waits for its end.
trait Job: Send {
    /// Does the work; the result is kept until the commit is on disk.
    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    /// How much memory it holds, roughly.
    fn bytes(&self) -> usize;
    /// Tells how it ended.
    fn end(self: Box<Self>, ended: Result<(), Fault>);
}

struct Work<T, F> {
    work: Option<F>,
    bytes: usize,
    done: Option<T>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn apply(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.done = Some(work(transaction)?);
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn end(self: Box<Self>, ended: Result<(), Fault>) {
        let Self { done, reply, .. } = *self;
        // Whoever asked may have gone.
        let _ = reply.send(ended.and_then(|()| done.ok_or(Fault::Closed)));
    }
}

/// The way to the writer.
pub(super) struct Writer {
    jobs: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    state: Arc<State>,
}

struct State {
    commits: watch::Sender<u64>,
    fault: Mutex<Option<Fault>>,
}

impl Writer {
    pub(super) fn start(home: Home, connection: Connection) -> io::Result<Self> {
        let (sender, jobs) = sync_channel(limits::INBOX_QUEUE);
        let state = Arc::new(State {
            commits: watch::channel(0).0,
            fault: Mutex::new(None),
        });
        let told = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("inbox-writer".to_owned())
            .spawn(move || run(&home, connection, &jobs, &told))?;
        Ok(Self {
            jobs: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            state,
        })
    }

    /// Does work that holds so many bytes in memory.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let (reply, replied) = oneshot::channel();
        let job = Box::new(Work {
            work: Some(work),
            bytes,
            done: None,
            reply,
        });
        self.hand_over(job)?;
        replied.await.unwrap_or(Err(Fault::Closed))
    }

    fn hand_over(&self, job: Box<dyn Job>) -> Result<(), Fault> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.as_ref().ok_or(Fault::Closed)?.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Fault::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Fault::Closed),
        }
    }

    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.state.commits.subscribe()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.state
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets the writer finish what waits, and waits for its end.
    pub(super) fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn run(home: &Home, connection: Connection, jobs: &Receiver<Box<dyn Job>>, state: &State) {
    let mut connection = Some(connection);
    while let Ok(first) = jobs.recv() {
        let result = commit(home, &mut connection, batch(first, jobs));
        state.note(result);
    }
}

/// What goes into one commit: whatever waits, up to a number and to bytes.
fn batch(first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while batch.len() < limits::INBOX_COMMIT_WRITES && bytes < limits::INBOX_COMMIT_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes = bytes.saturating_add(job.bytes());
        batch.push(job);
    }
    batch
}

impl State {
    fn note(&self, result: Result<(), Fault>) {
        let mut noted = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let found = result.err();
        match &found {
            Some(fault) if noted.is_none() => {
                tracing::error!(fault = %fault, "callbacks cannot be stored and are answered 503");
            }
            None if noted.is_some() => tracing::warn!("callbacks can be stored again"),
            _ => {}
        }
        *noted = found;
        drop(noted);
        self.commits.send_modify(|commits| *commits += 1);
    }
}

/// One commit. A job that the database refuses by itself fails alone; anything else fails them all, and the connection
/// with them.
fn commit(home: &Home, connection: &mut Option<Connection>, batch: Vec<Box<dyn Job>>) -> Result<(), Fault> {
    let mut refused = Vec::new();
    let mut done = Vec::with_capacity(batch.len());
    let mut waiting = batch.into_iter();
    let result = reopened(home, connection).and_then(|connection| {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| fault(&error))?;
        for mut job in waiting.by_ref() {
            match apply(&transaction, job.as_mut()) {
                Ok(()) => done.push(job),
                Err(error) if is_refusal(&error) => refused.push((job, fault(&error))),
                Err(error) => {
                    done.push(job);
                    return Err(fault(&error));
                }
            }
        }
        transaction.commit().map_err(|error| fault(&error))
    });
    if result.is_err() {
        *connection = None;
    }
    for (job, fault) in refused {
        tracing::error!(fault = %fault, "the inbox's database refused a write");
        job.end(Err(fault));
    }
    for job in done.into_iter().chain(waiting) {
        job.end(result.clone());
    }
    result
}

fn reopened<'a>(home: &Home, connection: &'a mut Option<Connection>) -> Result<&'a mut Connection, Fault> {
    if connection.is_none() {
        let opened = home.writer().map_err(|error| match error {
            OpenError::Sqlite(source) => fault(&source),
            other => Fault::Failed(other.to_string()),
        })?;
        *connection = Some(opened);
    }
    connection.as_mut().ok_or(Fault::Closed)
}

fn apply(transaction: &Transaction<'_>, job: &mut dyn Job) -> rusqlite::Result<()> {
    transaction.execute_batch("SAVEPOINT job")?;
    let applied = job.apply(transaction);
    match &applied {
        Ok(()) => transaction.execute_batch("RELEASE job")?,
        Err(error) if is_refusal(error) => transaction.execute_batch("ROLLBACK TO job; RELEASE job")?,
        // The whole transaction is rolled back.
        Err(_) => {}
    }
    applied
}

/// Whether it is about the values of one write, and says nothing about the disk.
fn is_refusal(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ConstraintViolation | TooBig | TypeMismatch),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_by_number_and_by_bytes() {
        let most = limits::INBOX_COMMIT_BYTES;
        for (bytes, waiting, expected) in [
            (0, 10, 10),
            (0, limits::INBOX_COMMIT_WRITES + 1, limits::INBOX_COMMIT_WRITES),
            (most, 10, 1),
            (most / 4, 10, 4),
            (usize::MAX, 10, 1),
        ] {
            let (sender, jobs) = sync_channel(limits::INBOX_QUEUE);
            for _ in 0..waiting {
                let work = Work {
                    work: Some(|_: &Transaction<'_>| Ok(())),
                    bytes,
                    done: None,
                    reply: oneshot::channel().0,
                };
                sender.send(Box::new(work) as Box<dyn Job>).unwrap();
            }
            let first = jobs.recv().unwrap();
            assert_eq!(
                batch(first, &jobs).len(),
                expected,
                "{bytes} bytes, {waiting} jobs"
            );
        }
    }
}
