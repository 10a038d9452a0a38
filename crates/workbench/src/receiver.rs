//! A receiver of callbacks that integrators, tests and benchmarks run instead of the customer's system.
//!
//! It keeps what came in, checks where it came from, and answers by a [`Plan`] that can be changed while it runs, in
//! the right way or in one of the wrong ways of real receivers. It promises that
//!
//! - a callback is in the journal, if there is one, before its answer goes out;
//! - its memory is bounded: the last records and the last events' send counts are kept, and a [`Options::sink`] that
//!   does not keep up misses records instead of holding up answers;
//! - stopping it takes at most about two seconds, whatever answers hang.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use ringback_contract::headers;
use ringback_server::clock::{Clock, RealClock};
use tokio::sync::{mpsc, watch};

pub mod answer;
mod control;
pub mod identify;
mod journal;
pub mod plan;
pub(crate) mod record;
pub(crate) mod respond;
pub(crate) mod server;
#[cfg(test)]
mod tests;
pub mod verify;

pub use answer::{Answer, InvalidAnswer};
pub use identify::{Identity, identify, identify_value, mask_phone};
pub use plan::Plan;
pub use record::Received;
pub use verify::{App, Check, Verification, Verifier};

use journal::Journal;
use plan::Planner;
pub(crate) use record::rfc3339_text;
use record::{Ring, sha256_hex};
use respond::{AnswerBody, respond, whole};
use server::{Connection, Dropped, Server};

/// The longest callback that is read, in bytes: the largest event and its envelope.
const CALLBACK_MAX: usize = 2 * 1024 * 1024;
/// Records that are kept unless the options say otherwise.
const KEEP: usize = 1000;
/// Longer values of headers are cut in records.
const HEADER_MAX: usize = 256;

/// How a receiver behaves.
#[derive(Debug)]
pub struct Options {
    /// The answers to begin with.
    pub plan: Plan,
    /// What to check callbacks with.
    pub verifier: Verifier,
    /// Where to append a JSON line per callback, before its answer.
    pub journal: Option<PathBuf>,
    /// Whether there is a control surface under `/_control/`, for whoever reaches the address.
    pub control: bool,
    /// Whether other machines may use it as well: they read phone numbers and conversations there.
    pub open_control: bool,
    /// How many records [`Receiver::received`] keeps.
    pub keep: usize,
    /// Where each record goes. When it is full the record is missed, and counted.
    pub sink: Option<mpsc::Sender<Received>>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    /// Answers `success`, checks nothing, keeps the last 1,000 records, has a control surface.
    fn default() -> Self {
        Self {
            plan: Plan::default(),
            verifier: Verifier::default(),
            journal: None,
            control: true,
            open_control: false,
            keep: KEEP,
            sink: None,
            clock: Arc::new(RealClock),
        }
    }
}

/// A running receiver. Dropped, it closes its connections at once.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts a receiver. With port 0 the system chooses one: see [`Receiver::local_addr`].
    ///
    /// # Errors
    /// When the address cannot be listened on, or the journal not be opened.
    pub async fn bind(addr: SocketAddr, options: Options) -> io::Result<Self> {
        let journal = options.journal.as_deref().map(Journal::open).transpose()?;
        let (count, _) = watch::channel(Count::default());
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                planner: Planner::new(options.plan),
                ring: Ring::new(options.keep),
            }),
            count,
            verifier: options.verifier,
            journal,
            control: options.control,
            open_control: options.open_control,
            sink: options.sink,
            clock: options.clock,
        });
        let handler = Arc::clone(&shared);
        let server = Server::bind(addr, move |request, connection| {
            let shared = Arc::clone(&handler);
            async move { shared.handle(request, &connection).await }
        })
        .await?;
        Ok(Self { server, shared })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The URL of its root. Every path is taken alike.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.local_addr())
    }

    /// Puts another plan in force.
    pub fn answer(&self, plan: Plan) {
        self.shared.replace_plan(plan);
    }

    /// The last callbacks, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received()
    }

    /// How many callbacks came in, and how many records the sink missed.
    #[must_use]
    pub fn count(&self) -> Count {
        *self.shared.count.borrow()
    }

    /// Waits until at least `total` callbacks have come in since the start.
    pub async fn wait_for(&self, total: u64) {
        let mut count = self.shared.count.subscribe();
        // The sender lives as long as the receiver that is borrowed here.
        let _ = count.wait_for(|count| count.received >= total).await;
    }

    /// Stops: what is being answered may finish for two seconds, hanging and delayed answers are cut off.
    pub async fn stop(self) {
        self.server.stop(self.shared.clock.as_ref()).await;
    }
}

/// What a receiver has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Callbacks that came in.
    pub received: u64,
    /// Records that the sink had no room for.
    pub missed: u64,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    count: watch::Sender<Count>,
    verifier: Verifier,
    journal: Option<Journal>,
    control: bool,
    open_control: bool,
    sink: Option<mpsc::Sender<Received>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    planner: Planner,
    ring: Ring,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self) -> Plan {
        self.state().planner.plan().clone()
    }

    fn replace_plan(&self, plan: Plan) {
        self.state().planner.replace(plan);
    }

    fn received(&self) -> Vec<Received> {
        self.state().ring.snapshot()
    }

    fn forget(&self) {
        self.state().ring.clear();
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        if self.control && request.uri().path().starts_with(control::PREFIX) {
            return Ok(if self.open_control || connection.is_local() {
                control::handle(self, request).await
            } else {
                control::refuse()
            });
        }
        let refuse = |status| Ok(whole(status, "text/plain;charset=utf-8", Bytes::new()));
        if request.method() != Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED);
        }
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, CALLBACK_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE);
            }
            Err(_) => return Err(Dropped),
        };
        let (received, answer) = self.record(&head, body);
        if let Some(journal) = &self.journal
            && let Err(error) = journal.append(&received)
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal cannot be written"
            );
            return refuse(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.keep(received);
        respond(&answer, connection, self.clock.as_ref()).await
    }

    fn record(&self, head: &http::request::Parts, body: Bytes) -> (Received, Answer) {
        let (at_wall_ms, boot_us) = (self.clock.wall_ms(), self.clock.boot_us());
        let identity = identify(&body);
        let verification = self
            .verifier
            .verify(&head.headers, &body, &identity, at_wall_ms.div_euclid(1000));
        let event_id = header(&head.headers, headers::WEBHOOK_ID);
        let send = header(&head.headers, headers::RINGBACK_SEND).and_then(|send| send.parse().ok());
        let body_sha256 = sha256_hex(&body);
        let mut state = self.state();
        let number = state.ring.next_number();
        let answer = state
            .planner
            .answer(event_id.as_deref().unwrap_or(&body_sha256), send);
        drop(state);
        let received = Received {
            number,
            at_wall_ms,
            boot_us,
            method: head.method.to_string(),
            path: head.uri.to_string(),
            event_id,
            send,
            kind: identity.kind,
            company_id: identity.company_id,
            entity_id: identity.entity_id,
            body_bytes: body.len(),
            body_sha256,
            verification,
            answer: answer.to_string(),
            body,
        };
        (received, answer)
    }

    fn keep(&self, received: Received) {
        let missed = self
            .sink
            .as_ref()
            .is_some_and(|sink| sink.try_send(received.clone()).is_err());
        self.state().ring.push(received);
        self.count.send_modify(|count| {
            count.received += 1;
            count.missed += u64::from(missed);
        });
    }
}

fn header(head: &HeaderMap, name: &str) -> Option<String> {
    let value = head.get(name)?.to_str().ok()?;
    Some(value.chars().take(HEADER_MAX).collect())
}
