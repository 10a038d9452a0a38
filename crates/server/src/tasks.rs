//! The one home of tasks and of blocking work.
//!
//! What is spawned with [`spawn`] is counted by name until it ends, so that shutdown can wait for it with
//! [`wait`] and say in the log what it still waits for. [`spawn_detached`] is for work that may be cut off at any
//! point. Blocking work runs on at most [`BLOCKING_THREADS`] threads at a time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// How many pieces of blocking work run at a time; further ones wait for their turn.
pub const BLOCKING_THREADS: usize = 8;

/// The tasks of this process that shutdown waits for.
static RUNNING: LazyLock<Running> = LazyLock::new(Running::default);

static BLOCKING: Semaphore = Semaphore::const_new(BLOCKING_THREADS);

/// Starts a task that shutdown waits for. `name` says what it does; many tasks may share one.
pub fn spawn<F>(name: &'static str, work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let place = RUNNING.enter(name);
    launch(async move {
        let _place = place;
        work.await
    })
}

/// Starts a task that nothing waits for: shutdown may cut it off at any point.
pub fn spawn_detached<F>(work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    drop(launch(work));
}

/// Runs blocking work on a thread of its own, at most [`BLOCKING_THREADS`] at a time. Shutdown waits for it, even
/// where the future returned here is dropped: what has begun runs to its end.
///
/// # Errors
/// When the work panicked or the runtime is shutting down.
pub async fn spawn_blocking<T, W>(name: &'static str, work: W) -> Result<T, tokio::task::JoinError>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    // The semaphore is never closed; if it were, running without a permit would be no worse than not running.
    let permit = BLOCKING.acquire().await.ok();
    let place = RUNNING.enter(name);
    launch_blocking(move || {
        let _held = (permit, place);
        work()
    })
    .await
}

/// Waits until no task started with [`spawn`] and no blocking work is left.
pub async fn wait() {
    RUNNING.wait().await;
}

/// The names of the tasks that are running, with how many of each, for the log of a slow shutdown.
#[must_use]
pub fn running() -> Vec<(&'static str, usize)> {
    RUNNING
        .counts()
        .iter()
        .map(|(name, count)| (*name, *count))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the home of tasks")]
fn launch<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(work)
}

#[expect(clippy::disallowed_methods, reason = "the home of blocking work")]
fn launch_blocking<T, W>(work: W) -> JoinHandle<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    tokio::task::spawn_blocking(work)
}

/// How many tasks run under each name.
#[derive(Debug, Default)]
struct Running {
    counts: Mutex<BTreeMap<&'static str, usize>>,
    /// Told when the last task ends.
    empty: Notify,
}

impl Running {
    fn enter(&'static self, name: &'static str) -> Place {
        *self.counts().entry(name).or_insert(0) += 1;
        Place { running: self, name }
    }

    async fn wait(&self) {
        loop {
            let empty = self.empty.notified();
            if self.counts().is_empty() {
                return;
            }
            empty.await;
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One running task's place in the count; left when it is dropped, however the task ends.
struct Place {
    running: &'static Running,
    name: &'static str,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.running.counts();
        if let Some(count) = counts.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                counts.remove(self.name);
            }
        }
        if counts.is_empty() {
            self.running.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// A count of its own: the process-wide one is shared with the other tests.
    fn running() -> &'static Running {
        Box::leak(Box::default())
    }

    #[tokio::test]
    async fn waiting_ends_when_the_last_task_has_ended() {
        let running = running();
        running.wait().await;
        let (go, gone) = oneshot::channel::<()>();
        let (first, second) = (running.enter("a"), running.enter("a"));
        let waiting = spawn("test", running.wait());
        drop(launch(async move {
            let _first = first;
            let _ = gone.await;
        }));
        assert_eq!(running.counts().get("a"), Some(&2));
        drop(second);
        assert_eq!(running.counts().get("a"), Some(&1));
        assert!(!waiting.is_finished());
        go.send(()).unwrap();
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_panicking_or_aborted_task_leaves_its_place() {
        let running = running();
        let (panics, hangs) = (running.enter("panics"), running.enter("hangs"));
        let panicking = launch(async move {
            let _panics = panics;
            panic!("as the test wants");
        });
        let hanging = launch(async move {
            let _hangs = hangs;
            std::future::pending::<()>().await;
        });
        assert!(panicking.await.is_err());
        hanging.abort();
        running.wait().await;
    }

    #[tokio::test]
    async fn no_more_blocking_work_runs_than_there_are_threads_for_it() {
        let (blockers, mut releases) = (0..BLOCKING_THREADS).fold((vec![], vec![]), |mut all, _| {
            let (release, released) = std::sync::mpsc::sync_channel::<()>(1);
            let (begun, beginning) = oneshot::channel();
            all.0.push((
                spawn(
                    "test",
                    spawn_blocking("test", move || {
                        let _ = begun.send(());
                        released.recv()
                    }),
                ),
                beginning,
            ));
            all.1.push(release);
            all
        });
        let mut handles = vec![];
        for (handle, beginning) in blockers {
            beginning.await.unwrap();
            handles.push(handle);
        }
        assert_eq!(BLOCKING.available_permits(), 0);
        let further = spawn("test", spawn_blocking("test", || 7));
        releases.pop().unwrap().send(()).unwrap();
        assert_eq!(further.await.unwrap().unwrap(), 7);
        for release in releases {
            release.send(()).unwrap();
        }
        for handle in handles {
            handle.await.unwrap().unwrap().unwrap();
        }
    }
}
