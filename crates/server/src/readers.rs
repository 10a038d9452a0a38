//! The pool of readers: a bounded number of read transactions at a time, each on a thread for blocking work.

use std::sync::{Arc, Mutex, PoisonError};

use ringback_core::store::{Reader, StoreError};
use tokio::sync::Semaphore;

use crate::chain::Chain;
use crate::service::Unavailable;
use crate::tasks;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::StoreTask;

/// How many reads may wait for a reader before further ones are turned away.
const WAITING: usize = 256;

/// A pool. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    inner: Arc<Inner>,
}

struct Inner {
    /// The readers of the store as it was opened last, with the number of that opening.
    idle: Mutex<(u64, Vec<Box<dyn Reader>>)>,
    permits: Arc<Semaphore>,
    queue: Semaphore,
    metrics: Arc<Metrics>,
}

impl Readers {
    /// An empty pool that will have `count` readers.
    pub(crate) fn new(count: usize, metrics: Arc<Metrics>) -> Self {
        let idle = Mutex::new((0, Vec::new()));
        let inner = Inner {
            idle,
            permits: Arc::new(Semaphore::new(count)),
            queue: Semaphore::new(count + WAITING),
            metrics,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes over the readers of a store that was just opened; those of an earlier opening are dropped.
    pub(crate) fn replace(&self, readers: Vec<Box<dyn Reader>>) {
        let mut idle = self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
        *idle = (idle.0 + 1, readers);
    }

    /// Runs one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _place = self.inner.queue.try_acquire().map_err(|_| Unavailable::Behind)?;
        let permit = Arc::clone(&self.inner.permits)
            .acquire_owned()
            .await
            .map_err(|_| Unavailable::ShuttingDown)?;
        let inner = Arc::clone(&self.inner);
        let result = tasks::spawn_blocking("read", move || {
            // Not before: whoever asks may go away while the work waits for its thread, and would take the reader along.
            let (opening, mut reader) = inner.take()?;
            let result = read(reader.as_mut());
            inner.put_back(opening, reader);
            // Only now: whoever asked may have gone away long before, and a permit means that a reader is idle.
            drop(permit);
            Some(result)
        })
        .await;
        match result {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(error))) => {
                self.inner.metrics.store_failures(StoreTask::Read).inc();
                tracing::error!(
                    what = error.what,
                    fault = error.fault.name(),
                    error = %Chain(&error),
                    "a read failed"
                );
                Err(Unavailable::StoreFailed)
            }
            Ok(None) | Err(_) => Err(Unavailable::StoreFailed),
        }
    }
}

impl Inner {
    fn take(&self) -> Option<(u64, Box<dyn Reader>)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = idle.1.pop()?;
        Some((idle.0, reader))
    }

    fn put_back(&self, opening: u64, reader: Box<dyn Reader>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.0 == opening {
            idle.1.push(reader);
        }
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use ringback_core::store::{Fault, Store as _};
    use ringback_store::memory::Memory;

    use super::*;

    type Release = Vec<mpsc::SyncSender<()>>;

    /// Keeps all threads for blocking work busy until they are released.
    async fn all_threads() -> (Vec<tokio::task::JoinHandle<()>>, Release) {
        let (mut held, mut release) = (Vec::new(), Vec::new());
        for _ in 0..tasks::BLOCKING_THREADS {
            let (begun, begins) = tokio::sync::oneshot::channel();
            let (end, ends) = mpsc::sync_channel::<()>(1);
            held.push(tasks::spawn("test", async move {
                let work = move || {
                    let _ = begun.send(());
                    let _ = ends.recv();
                };
                tasks::spawn_blocking("test", work).await.unwrap();
            }));
            release.push(end);
            begins.await.unwrap();
        }
        (held, release)
    }

    #[tokio::test]
    async fn who_gives_up_in_the_middle_of_a_read_takes_no_reader_from_others() {
        let metrics = Arc::new(Metrics::new([]));
        let readers = Readers::new(1, Arc::clone(&metrics));
        readers.replace(vec![Memory::new([0; 32]).reader().unwrap()]);
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = mpsc::sync_channel::<()>(1);
        {
            let slow = readers.read(move |_| {
                let _ = begun.send(());
                let _ = ends.recv();
                Ok(())
            });
            tokio::select! {
                biased;
                _ = begins => {}
                _ = slow => panic!("it ends when it is told to"),
            }
        }
        let mut next = pin!(readers.read(|_| Ok(7)));
        let waits = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(waits.is_pending(), "{waits:?}");
        drop(end);
        assert_eq!(next.await, Ok(7));

        // The same while the work waits for its thread.
        let (held, release) = all_threads().await;
        {
            let mut asked = pin!(readers.read(|_| Ok(8)));
            let waits = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(waits.is_pending(), "{waits:?}");
        }
        drop(release);
        for thread in held {
            thread.await.unwrap();
        }
        assert_eq!(readers.read(|_| Ok(9)).await, Ok(9));

        let failed = readers.read(|_| {
            Err::<(), _>(StoreError {
                what: "read, as the test wants",
                fault: Fault::Io,
                source: "a fault".into(),
            })
        });
        assert_eq!(failed.await, Err(Unavailable::StoreFailed));
        assert_eq!(metrics.store_failures(StoreTask::Read).get(), 1);
    }
}
