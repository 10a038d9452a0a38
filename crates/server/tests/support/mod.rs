//! The running service without its API: a store in a temporary directory, a clock turned by hand, and a receiver on
//! loopback that answers as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::Schedule;
use ringback_core::company::Company;
use ringback_core::endpoint::{Breaker, ContentType, Endpoint, Order, Profile, Settings, SigningSecret};
use ringback_core::event::NewEvent;
use ringback_core::id::EventId;
use ringback_core::store::{Accepted, EventRecord, Fault, Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;
use ringback_server::clock::Clock;
use ringback_server::clock::test::TestClock;
use ringback_server::outbound::{self, AddressPolicy, Outbound};
use ringback_server::service::{Options, Running, Service};
use ringback_server::tasks;
use ringback_server::telemetry::Metrics;
use ringback_server::trace::Tracer;
use ringback_store::secrets::Secrets;
use ringback_store::sqlite::Sqlite;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// One callback as the receiver got it, with the means to answer it.
pub(crate) struct Received {
    pub(crate) webhook_id: String,
    pub(crate) send: u32,
    pub(crate) signature: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) answer: tokio::sync::oneshot::Sender<&'static str>,
}

/// A receiver that hands each callback to the test and answers what the test says.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) received: mpsc::Receiver<Received>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let (sender, received) = mpsc::channel(1024);
        tasks::spawn_detached(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sender = sender.clone();
                let answer = service_fn(move |request| take(sender.clone(), request));
                tasks::spawn_detached(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { url, received }
    }

    /// The next callback; it waits for its answer.
    pub(crate) async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }
}

async fn take(
    sender: mpsc::Sender<Received>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let (webhook_id, send) = (header("webhook-id"), header("ringback-send").parse().unwrap());
    let signature = header("webhook-signature");
    let headers = request.headers().clone();
    let body = request.into_body().collect().await?.to_bytes();
    let (answer, answered) = tokio::sync::oneshot::channel();
    sender
        .send(Received {
            webhook_id,
            send,
            signature,
            headers,
            body,
            answer,
        })
        .await
        .ok();
    let answer = answered.await.unwrap_or("dropped");
    Ok(Response::new(Full::new(Bytes::from_static(answer.as_bytes()))))
}

/// A store whose commits fail while it is told so: before anything is written, or after the commit was durable.
struct Faulty {
    inner: Sqlite,
    faults: Arc<Faults>,
}

/// What goes wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Commits fail without having written.
    pub(crate) before: AtomicBool,
    /// One commit fails without having written.
    pub(crate) once: AtomicBool,
    /// Commits fail although they have written.
    pub(crate) after: AtomicBool,
    /// The disk has less free space than it should.
    pub(crate) disk_low: AtomicBool,
    /// The store cannot be opened.
    pub(crate) open: AtomicBool,
    /// How often somebody tried to open the store.
    pub(crate) openings: AtomicUsize,
    /// A commit with an event of this company, or an outcome of this delivery, is refused. -1: one look at the holds.
    pub(crate) refused: AtomicI64,
}

impl Faults {
    fn refuses(&self, write: &Write) -> bool {
        if let Write::CheckHolds = write {
            let once = self
                .refused
                .compare_exchange(-1, 0, Ordering::SeqCst, Ordering::SeqCst);
            return once.is_ok();
        }
        let id = match write {
            Write::Accept(event) => event.company_id,
            Write::Record(report) => report.delivery.0,
            _ => 0,
        };
        id != 0 && id == self.refused.load(Ordering::SeqCst)
    }
}

fn broken() -> StoreError {
    StoreError {
        what: "committing, as the test wants",
        fault: Fault::Io,
        source: "a fault".into(),
    }
}

impl Store for Faulty {
    fn start(&mut self) -> Result<Start, StoreError> {
        self.inner.start()
    }

    fn commit(&mut self, now: Millis, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        if self.faults.before.load(Ordering::SeqCst) || self.faults.once.swap(false, Ordering::SeqCst) {
            return Err(broken());
        }
        if writes.iter().any(|write| self.faults.refuses(write)) {
            return Err(StoreError {
                fault: Fault::Data,
                ..broken()
            });
        }
        let written = self.inner.commit(now, writes)?;
        if self.faults.after.load(Ordering::SeqCst) {
            return Err(broken());
        }
        Ok(written)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.inner.reader()
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(if self.faults.disk_low.load(Ordering::SeqCst) {
            1
        } else {
            2
        })
    }
}

/// After how long events that are over are removed.
pub(crate) const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;

/// The running service.
pub(crate) struct Lab {
    pub(crate) service: Service,
    pub(crate) running: Running,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Lab {
    pub(crate) fn start(dir: &tempfile::TempDir) -> Self {
        Self::start_with(dir, Arc::new(TestClock::new()))
    }

    pub(crate) fn start_with(dir: &tempfile::TempDir, clock: Arc<TestClock>) -> Self {
        Self::start_traced(dir, clock, Tracer::default())
    }

    pub(crate) fn start_traced(dir: &tempfile::TempDir, clock: Arc<TestClock>, tracer: Tracer) -> Self {
        let faults = Arc::new(Faults::default());
        let metrics = Arc::new(Metrics::new([]));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let outbound = Outbound::new(outbound::Options {
            policy: AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]),
            ..outbound::Options::new(Arc::clone(&shared))
        })
        .unwrap();
        let (path, for_opening) = (dir.path().to_owned(), Arc::clone(&faults));
        let (service, running) = Service::start(Options {
            open_store: Box::new(move || {
                for_opening.openings.fetch_add(1, Ordering::SeqCst);
                if for_opening.open.load(Ordering::SeqCst) {
                    return Err(broken());
                }
                let inner = Sqlite::open_with(&path, &Secrets::OwnFile).map_err(|error| StoreError {
                    what: "opening",
                    fault: Fault::Other,
                    source: Box::new(error),
                })?;
                Ok(Box::new(Faulty {
                    // No page ends because the machine is busy.
                    inner: inner.with_page_time(Duration::MAX),
                    faults: Arc::clone(&for_opening),
                }))
            }),
            outbound,
            clock: shared,
            disk_free_least: 2,
            retention_ms: Some(RETENTION_MS),
            metrics: Arc::clone(&metrics),
            tracer,
        })
        .unwrap();
        Self {
            service,
            running,
            clock,
            faults,
            metrics,
        }
    }

    pub(crate) async fn put_company(&self, company_id: i64) {
        let company = Company {
            configured: true,
            callbacks: Kind::ALL.into_iter().collect(),
            ..Company::unconfigured(company_id)
        };
        self.service
            .write(Write::PutCompany(Box::new(company)))
            .await
            .unwrap();
    }

    pub(crate) async fn put_endpoint(
        &self,
        company_id: i64,
        name: &str,
        settings: Settings,
    ) -> Arc<Endpoint> {
        let settings = Box::new(settings);
        let write = Write::PutEndpoint {
            company_id,
            name: name.to_owned(),
            settings,
        };
        match self.service.write(write).await.unwrap() {
            Written::Endpoint { endpoint, .. } => endpoint,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn accept(&self, event: NewEvent) -> Accepted {
        match self.service.write(Write::Accept(Box::new(event))).await.unwrap() {
            Written::Accepted(accepted) => accepted,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn event(&self, id: EventId) -> EventRecord {
        self.service
            .read(move |reader| reader.event(id))
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits until an event's record is as wanted. Nothing here depends on time: the record changes when the driver has
    /// committed what it was given.
    pub(crate) async fn until(&self, id: EventId, wanted: impl Fn(&EventRecord) -> bool) -> EventRecord {
        loop {
            let record = self.event(id).await;
            if wanted(&record) {
                return record;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Settings of an endpoint at `url`, with retries after one and two seconds.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        callbacks: Kind::ALL.into_iter().collect(),
        enabled: true,
        ack_rule: AckRule::Success,
        schedule: Arc::new(Schedule::custom(vec![1_000, 2_000], 60_000).unwrap()),
        jitter: 0.0,
        timeout_ms: 15_000,
        content_type: ContentType::Json,
        profile: Profile::V1,
        order: Order::Key,
        hold_quiet_ms: 5_000,
        hold_limit_ms: 600_000,
        max_in_flight: 32,
        rate_limit: None,
        breaker: Breaker::On,
        job_statuses: Settings::DEFAULT_JOB_STATUSES.to_vec(),
        headers: BTreeMap::new(),
        secrets: vec![SigningSecret {
            secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned(),
            until: None,
        }],
        tls_ca: None,
        credentials: None,
        client_certificate: None,
    }
}

/// A call's event; `content` tells events of one call apart.
pub(crate) fn call(company_id: i64, call_instance_id: i64, content: u8) -> NewEvent {
    NewEvent {
        company_id,
        kind: Kind::Call,
        entity_id: call_instance_id,
        call_job_id: None,
        job_status: None,
        phone_hash: None,
        digest: [content; 32],
        body: Bytes::from(format!("{{\"call\":{call_instance_id},\"content\":{content}}}")),
        accepted_wall_ms: 0,
        idempotency: None,
    }
}
