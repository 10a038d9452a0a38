//! The running service, and the handle by which the API reaches it: write through the committer, read from the store,
//! look up the configuration.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use ringback_core::alert::Board;
use ringback_core::audit::Entry;
use ringback_core::endpoint::Endpoint;
use ringback_core::engine::{Engine, HeldBack, Stats};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::limits;
use ringback_core::store::{Fault, Reader, StoreError, Write, Written};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::{self, Clock};
pub use crate::committer::OpenStore;
use crate::committer::{self, Committer, LostStore, Opened, Queue, Ticket};
use crate::directory::Directory;
use crate::driver::{self, Driver, Message};
use crate::outbound::{Outbound, Probe, TargetProblem};
use crate::phone::PhoneKey;
use crate::random;
use crate::readers::Readers;
use crate::sender::{self, Sender};
use crate::tasks;
use crate::telemetry::Metrics;
use crate::time::EngineTime;
use crate::trace::{self, Tracer};
use crate::watch::{Watch, Watched};

/// Why the service cannot do something now. The request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The committer is behind: too many writes wait for it.
    #[error("the committer is behind")]
    Behind,
    /// The disk is nearly full: nothing new is taken in.
    #[error("the disk is nearly full")]
    DiskNearlyFull,
    /// The commit, or the read, failed. Whether the write is durable is unknown; its repetition is recognised.
    #[error("the store failed")]
    StoreFailed,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Unavailable {
    /// When to come again, in seconds: the `Retry-After` of the 503.
    #[must_use]
    pub const fn retry_after_s(self) -> u32 {
        match self {
            Self::Behind | Self::StoreFailed => 1,
            Self::DiskNearlyFull => 30,
            Self::ShuttingDown => 5,
        }
    }
}

/// Whether the service can do its work; what `/readyz` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// One sentence for each thing that is wrong; empty when ready.
    pub problems: Vec<String>,
}

/// What the service is started with.
pub struct Options {
    /// Opens the store.
    pub open_store: OpenStore,
    /// The client that sends.
    pub outbound: Outbound,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Free bytes of the disk below which nothing new is taken in.
    pub disk_free_least: u64,
    /// The age in milliseconds at which events that are over are removed; `None` keeps them for ever.
    pub retention_ms: Option<u64>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What tells the way of events.
    pub tracer: Tracer,
}

/// The state of the disk and of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreCondition {
    /// Free bytes, as they were when somebody looked last.
    pub(crate) free_bytes: Option<u64>,
    /// Whether nothing new is taken in because the disk is nearly full.
    pub(crate) disk_low: bool,
    /// What is wrong with the store, while it has failed.
    pub(crate) fault: Option<&'static str>,
    /// Due deliveries that wait in memory for their send.
    pub(crate) queued: usize,
}

/// The handle. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: Arc<Directory>,
    outbound: Outbound,
    queue: Arc<Queue>,
    readers: Readers,
    time: EngineTime,
    phone_key: PhoneKey,
    tracer: Tracer,
    stats: watch::Receiver<Stats>,
    /// The alerts, as the store kept them and as the rounds have changed them.
    board: Mutex<Board>,
    /// To the driver, for questions.
    driver: mpsc::Sender<Message>,
}

/// What has to be waited for at the end of the process.
#[derive(Debug)]
pub struct Running {
    service: Service,
    committer: JoinHandle<()>,
    driver: tokio::task::JoinHandle<()>,
    messages: mpsc::Sender<Message>,
}

impl Service {
    /// Opens the store, loads what is due, and begins to send.
    ///
    /// # Errors
    /// The store could not be opened, or the committer's thread could not be started.
    pub fn start(mut options: Options) -> Result<(Self, Running), StoreError> {
        let Opened {
            store,
            start,
            mut readers,
        } = committer::open(&mut options.open_store)?;
        let time = EngineTime::new(options.clock, start.newest);
        let queue = Arc::new(Queue::new());
        let directory = Arc::new(Directory::default());
        let (messages, inbox) = mpsc::channel(driver::QUEUE);
        let (stats_sender, stats) = watch::channel(Stats::default());
        let new_readers = || Readers::new(limits::READS, Arc::clone(&options.metrics));
        let (api_readers, engine_readers) = (new_readers(), new_readers());
        engine_readers.replace(readers.split_off(readers.len() / 2));
        api_readers.replace(readers);
        let inner = Arc::new(Inner {
            directory: Arc::clone(&directory),
            outbound: options.outbound.clone(),
            queue: Arc::clone(&queue),
            readers: api_readers.clone(),
            time: time.clone(),
            phone_key: PhoneKey::new(start.phone_key),
            tracer: options.tracer.clone(),
            stats,
            board: Mutex::new(Board::load(start.alerts.clone())),
            driver: messages.clone(),
        });
        let committer = Committer::new(committer::Parts {
            queue: Arc::clone(&queue),
            time: time.clone(),
            open_store: options.open_store,
            messages: messages.clone(),
            disk_free_least: options.disk_free_least,
            retention_ms: options.retention_ms,
            metrics: Arc::clone(&options.metrics),
        });
        let committer = committer.spawn(store).map_err(no_thread)?;
        let mut driver = Driver {
            engine: Engine::new(),
            generation: 0,
            sends_end: watch::Sender::new(()),
            time: time.clone(),
            queue,
            directory,
            api_readers,
            engine_readers,
            sender: Sender::new(
                options.outbound,
                time.clone(),
                Arc::clone(&options.metrics),
                options.tracer,
            ),
            metrics: options.metrics,
            messages: messages.clone(),
            stats: stats_sender,
            stopping: false,
            writes: Vec::new(),
            watch: Watch::default(),
        };
        driver.begin(time.now(), start);
        let driver = tasks::spawn("driver", driver.run(inbox));
        let service = Self { inner };
        Ok((
            service.clone(),
            Running {
                service,
                committer,
                driver,
                messages,
            },
        ))
    }

    /// Writes, durably. For an event the answer comes after the fsync.
    ///
    /// # Errors
    /// [`Unavailable`]; only after [`Unavailable::StoreFailed`] may the write exist after all.
    pub async fn write(&self, write: Write) -> Result<Written, Unavailable> {
        self.write_traced(write, None).await
    }

    /// As [`Service::write`], for an event of an intake request that is traced.
    pub(crate) async fn write_traced(
        &self,
        write: Write,
        trace: Option<&trace::Intake>,
    ) -> Result<Written, Unavailable> {
        let (ticket, answer) = self.ticket(write, trace);
        self.inner.queue.push(ticket)?;
        answer.await.unwrap_or(Err(Unavailable::StoreFailed))
    }

    fn ticket(
        &self,
        write: Write,
        trace: Option<&trace::Intake>,
    ) -> (Ticket, oneshot::Receiver<Result<Written, Unavailable>>) {
        let deliveries = match write.inner() {
            Write::Accept(event) => self.inner.directory.count_endpoints(event.company_id),
            _ => 0,
        };
        let (reply, answer) = oneshot::channel();
        let reply = Some(reply);
        (
            Ticket {
                write,
                reply,
                deliveries,
                trace: trace.map(trace::Intake::queued),
            },
            answer,
        )
    }

    /// Writes several, in order, with an answer for each. They need not share a transaction. Behind one for which there
    /// was no room none is written.
    pub async fn write_all(&self, writes: Vec<Write>) -> Vec<Result<Written, Unavailable>> {
        self.write_all_traced(writes, None).await
    }

    /// As [`Service::write_all`], for the events of an intake request that is traced.
    pub(crate) async fn write_all_traced(
        &self,
        writes: Vec<Write>,
        trace: Option<&trace::Intake>,
    ) -> Vec<Result<Written, Unavailable>> {
        let mut answers: Vec<Result<_, Unavailable>> = Vec::with_capacity(writes.len());
        for write in writes {
            if let Some(Err(unavailable)) = answers.last() {
                answers.push(Err(*unavailable));
                continue;
            }
            let (ticket, answer) = self.ticket(write, trace);
            answers.push(self.inner.queue.push(ticket).map(|()| answer));
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                Ok(answer) => answer.await.unwrap_or(Err(Unavailable::StoreFailed)),
                Err(unavailable) => Err(unavailable),
            });
        }
        results
    }

    /// Makes all pending deliveries of an endpoint due now, closes its breaker, and says how many due times moved. The
    /// audit log gets `entry` with the first part.
    ///
    /// # Errors
    /// As [`Service::write`]; a part may be done already.
    pub async fn retry_now(&self, endpoint: EndpointId, entry: Entry) -> Result<usize, Unavailable> {
        let cutoff = self.inner.time.now();
        let (mut moved, mut after, mut entry) = (0, None, Some(entry));
        loop {
            let write = Write::RetryNow {
                endpoint,
                cutoff,
                after,
            };
            let write = match entry.take() {
                Some(entry) => write.audited(entry),
                None => write,
            };
            let Written::RetriedNow { changed, next } = self.write(write).await? else {
                return Ok(moved);
            };
            moved += changed;
            if next.is_none() {
                return Ok(moved);
            }
            after = next;
        }
    }

    /// What keeps these deliveries, which are due, from being sent now, with an entry for each. Nothing is known of any
    /// while the service shuts down.
    pub async fn held_back(&self, asked: Vec<(EndpointId, DeliveryId)>) -> Vec<Option<HeldBack>> {
        let count = asked.len();
        if count == 0 {
            return Vec::new();
        }
        let (answer, answered) = oneshot::channel();
        if self
            .inner
            .driver
            .send(Message::HeldBack(asked, answer))
            .await
            .is_err()
        {
            return vec![None; count];
        }
        answered.await.unwrap_or_else(|_| vec![None; count])
    }

    /// The alerts.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.inner.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the driver noted for the alerts; `None` while the service shuts down.
    pub(crate) async fn watched(&self) -> Option<Watched> {
        let (answer, answered) = oneshot::channel();
        self.inner.driver.send(Message::Watched(answer)).await.ok()?;
        answered.await.ok()
    }

    /// The state of the disk and of the store, for the alerts.
    pub(crate) fn condition(&self) -> StoreCondition {
        let queue = &self.inner.queue;
        StoreCondition {
            free_bytes: queue.free_bytes(),
            disk_low: queue.disk_low(),
            fault: queue.lost().map(|lost| lost.fault.name()),
            queued: self.inner.stats.borrow().queued,
        }
    }

    /// Reads from the store, on a thread of its own.
    ///
    /// # Errors
    /// [`Unavailable::Behind`] when too many reads wait, [`Unavailable::StoreFailed`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.inner.readers.read(read).await
    }

    /// Sends a body once, outside of any delivery: the endpoint's *test*. Nothing is stored.
    ///
    /// # Errors
    /// The endpoint's settings cannot be used any more.
    pub async fn test(&self, endpoint: &Endpoint, body: Bytes) -> Result<Probe, TargetProblem> {
        // It looks like every webhook-id and sorts before those of all events, so that it is the newest of nothing.
        let [a, b, c, d] = random::bytes();
        let webhook_id = EventId(i64::from(u32::from_be_bytes([a, b, c, d]))).to_string();
        sender::test(
            &self.inner.outbound,
            &self.inner.time,
            endpoint,
            &webhook_id,
            body,
        )
        .await
    }

    /// Companies, endpoints and tokens as they are now.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// What tells the way of events.
    pub(crate) fn tracer(&self) -> &Tracer {
        &self.inner.tracer
    }

    /// Engine time.
    #[must_use]
    pub fn time(&self) -> &EngineTime {
        &self.inner.time
    }

    /// A keyed hash of a phone number, to search by.
    #[must_use]
    pub fn phone_hash(&self, phone: &str) -> i64 {
        self.inner.phone_key.hash(phone)
    }

    /// Brings the gauges up to date: called when the metrics are read.
    pub fn gauge(&self, metrics: &Metrics) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let stats = *self.inner.stats.borrow();
        let (writes, bytes) = self.inner.queue.size();
        metrics.queue_writes.set(gauge(writes));
        metrics.queue_bytes.set(gauge(bytes));
        metrics.sends_in_flight.set(gauge(stats.in_flight));
        metrics
            .engine_deliveries
            .set(gauge(stats.queued + stats.in_flight + stats.unrecorded));
        metrics.engine_bytes.set(gauge(stats.bytes));
    }

    /// What is wrong now.
    #[must_use]
    pub fn health(&self) -> Health {
        let queue = &self.inner.queue;
        let mut problems = Vec::new();
        if let Some(lost) = queue.lost() {
            problems.push(store_problem(lost));
        }
        if queue.disk_low() {
            problems.push("the disk is nearly full: nothing new is taken in".to_owned());
        }
        if queue.is_full() {
            problems.push("the committer is behind, its queue is full: nothing new is taken in".to_owned());
        }
        if queue.is_closed() {
            problems.push("the service is shutting down".to_owned());
        }
        Health { problems }
    }
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError {
        what: "starting the committer's thread",
        fault: Fault::Other,
        source: Box::new(error),
    }
}

fn store_problem(lost: LostStore) -> String {
    let since = Timestamp::from_millisecond(lost.since_wall_ms)
        .map_or_else(|_| "an unknown time".to_owned(), |since| format!("{since:.0}"));
    let why = lost.fault.name();
    format!(
        "the store has failed since {since} ({why}): nothing is taken in or sent; it is opened again when it can be \
         written"
    )
}

impl Running {
    /// Ends the service: nothing further is sent, what is in flight gets [`limits::SHUTDOWN_MS`], what it came to is
    /// committed. The API must have stopped before.
    pub async fn shut_down(self) {
        let time = &self.service.inner.time;
        let _ = self.messages.send(Message::Stop).await;
        let limit = Duration::from_millis(limits::SHUTDOWN_MS);
        let mut driver = self.driver;
        if clock::timeout(&**time.clock(), limit, &mut driver).await.is_err() {
            let in_flight = self.service.inner.stats.borrow().in_flight;
            tracing::warn!(
                in_flight,
                "what is still in flight is let go; it will be sent again"
            );
            driver.abort();
        }
        self.service.inner.queue.close();
        let committer = self.committer;
        let _ = tasks::spawn_blocking("shutdown", move || committer.join()).await;
    }
}
