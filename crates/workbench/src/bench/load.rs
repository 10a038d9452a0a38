//! The load driver: POSTs events over a fixed number of kept HTTP/1.1 connections, in a closed or an open loop.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;
use ringback_server::clock::{self, Clock, RealClock};
use ringback_server::tasks;
use serde::{Deserialize, Serialize};

use super::histogram::{Histogram, Latency};
use super::pace::{Metronome, Pace};
use super::template::{Companies, FIRST_ID, Template};
use super::timings::{Sent, Window};
use crate::client::{self, Answer, ClientError, Connection};

/// How long a load may go on after its window, for the answers that are under way.
const OVERTIME: Duration = Duration::from_secs(60);

/// What to send, where to and for how long. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// `http://ADDRESS:PORT/path`.
    pub url: String,
    /// The bearer token, if one is needed.
    pub token: Option<String>,
    /// How many connections.
    pub connections: usize,
    /// When requests start.
    pub pace: Pace,
    /// Whose calls.
    pub companies: Companies,
    /// Events per request: 1 sends each as JSON, more send ndjson.
    pub batch: u64,
    /// How many ids after [`FIRST_ID`] the first event has. Loads that go to one service must not share ids.
    pub id_offset: u64,
    /// How long to send before the window, in milliseconds.
    pub warmup_ms: u32,
    /// How long the window is, in milliseconds.
    pub window_ms: u32,
    /// Ends after so many requests at the latest.
    pub requests: Option<u64>,
    /// Whether to note each request, for [`super::timings::join`].
    pub note: bool,
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load")
            .field("url", &self.url)
            .field("pace", &self.pace)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// What a load found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The window in which was counted.
    pub window: Window,
    /// Events whose request was answered with success in the window.
    pub events: u64,
    /// From the intended moment of sending to the whole answer, of requests intended in the window.
    pub latency: Histogram,
    /// What else came back, with how often: a status, or that there was no answer.
    pub failures: BTreeMap<String, u64>,
    /// Each request, if they were to be noted, in no order.
    pub sent: Vec<Sent>,
}

/// An [`Outcome`] without its records, as the driver's process tells it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// See [`Outcome::window`].
    pub window: Window,
    /// See [`Outcome::events`].
    pub events: u64,
    /// See [`Outcome::latency`].
    pub latency: Latency,
    /// See [`Outcome::failures`].
    pub failures: BTreeMap<String, u64>,
}

impl Outcome {
    /// Without the records.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            window: self.window,
            events: self.events,
            latency: self.latency.summary(),
            failures: self.failures.clone(),
        }
    }

    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.latency.merge(&other.latency);
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
        self.sent.extend(other.sent);
    }
}

/// Why a load could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The URL, or a connection.
    #[error("the load cannot be sent")]
    Client(#[from] ClientError),
    /// The token has characters that no header can have.
    #[error("token: it has characters that a header cannot have")]
    Token,
    /// The metronome's thread cannot be started.
    #[error("the thread that keeps the rate cannot be started")]
    Thread(#[source] std::io::Error),
    /// Answers stayed out.
    #[error("the answers did not come within {} s after the end", OVERTIME.as_secs())]
    TimedOut,
    /// A worker panicked: our own bug.
    #[error("a worker of the load driver failed")]
    Worker,
}

/// Drives a load to its end. `begun` is called when the window begins, `ended` when it ends.
///
/// # Errors
/// [`LoadError`]. Answers other than success are no error: they are counted.
pub async fn drive(load: Load, begun: impl FnOnce(), ended: impl FnOnce()) -> Result<Outcome, LoadError> {
    let clock = RealClock;
    let start_us = clock.boot_us();
    let begin_us = clock::after(start_us, Duration::from_millis(load.warmup_ms.into()));
    let end_us = clock::after(begin_us, Duration::from_millis(load.window_ms.into()));
    let shared = Arc::new(Shared::new(load, Window { begin_us, end_us }, start_us)?);
    let workers: Vec<_> = (0..shared.load.connections)
        .map(|_| tasks::spawn("load worker", work(Arc::clone(&shared))))
        .collect();
    let window = async {
        clock.sleep_until(begin_us).await;
        begun();
        clock.sleep_until(end_us).await;
        ended();
    };
    let results = async {
        let mut total = Outcome {
            window: shared.window,
            ..Outcome::default()
        };
        for worker in workers {
            total.merge(worker.await.map_err(|_| LoadError::Worker)??);
        }
        Ok(total)
    };
    let limit = clock::after(end_us, OVERTIME);
    if shared.load.requests.is_some() {
        // It may be over long before its window is.
        return clock::timeout_at(&clock, limit, results)
            .await
            .unwrap_or(Err(LoadError::TimedOut));
    }
    let ((), outcome) = tokio::join!(window, clock::timeout_at(&clock, limit, results));
    outcome.unwrap_or(Err(LoadError::TimedOut))
}

/// What the workers of one load share.
struct Shared {
    load: Load,
    window: Window,
    template: Template,
    addr: SocketAddr,
    path: Uri,
    headers: HeaderMap,
    next_request: AtomicU64,
    metronome: Option<Metronome>,
}

impl Shared {
    fn new(load: Load, window: Window, start_us: i64) -> Result<Self, LoadError> {
        let (addr, path) = client::target(&load.url)?;
        let metronome = match load.pace {
            Pace::Closed => None,
            Pace::Open(per_second) => {
                let span_ms = u64::from(load.warmup_ms) + u64::from(load.window_ms);
                let total = (u64::from(per_second) * span_ms / 1000).min(load.requests.unwrap_or(u64::MAX));
                let started = Metronome::start(start_us, per_second, total, load.connections);
                Some(started.map_err(LoadError::Thread)?)
            }
        };
        Ok(Self {
            headers: headers(&load, addr)?,
            template: Template::new(load.companies),
            load,
            window,
            addr,
            path,
            next_request: AtomicU64::new(0),
            metronome,
        })
    }

    /// The number of the next request and the moment at which it is to be sent; `None` when the load is over.
    async fn next(&self) -> Option<(u64, i64)> {
        let intended_us = match &self.metronome {
            Some(metronome) => metronome.next().await?,
            None => Some(RealClock.boot_us()).filter(|now_us| *now_us < self.window.end_us)?,
        };
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        (number < self.load.requests.unwrap_or(u64::MAX)).then_some((number, intended_us))
    }

    fn request(&self, first_id: u64) -> Request<Full<Bytes>> {
        let body = match self.load.batch {
            0 | 1 => self.template.single(first_id),
            events => self.template.batch(first_id, events),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn headers(load: &Load, addr: SocketAddr) -> Result<HeaderMap, LoadError> {
    let content_type = if load.batch > 1 {
        "application/x-ndjson"
    } else {
        "application/json;charset=utf-8"
    };
    let mut headers = HeaderMap::new();
    // An address is made of digits, colons, points and brackets.
    let host = HeaderValue::try_from(addr.to_string()).map_err(|_| LoadError::Client(ClientError::Url))?;
    headers.insert(HOST, host);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(token) = &load.token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| LoadError::Token)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// One connection's work, and that of the connections that replace it when it breaks.
async fn work(shared: Arc<Shared>) -> Result<Outcome, LoadError> {
    let mut outcome = Outcome::default();
    loop {
        let (mut connection, driving) = Connection::open(shared.addr).await?;
        let sending = send_all(&shared, &mut connection, &mut outcome);
        match client::driven(driving, sending).await {
            End::Over => return Ok(outcome),
            End::Broken => {}
        }
    }
}

/// Why a worker stopped using its connection.
enum End {
    /// The load is over.
    Over,
    /// The connection broke; the load goes on over another.
    Broken,
}

async fn send_all(shared: &Shared, connection: &mut Connection, outcome: &mut Outcome) -> End {
    let events = shared.load.batch.max(1);
    while let Some((number, intended_us)) = shared.next().await {
        let first_id = FIRST_ID + shared.load.id_offset + number * events;
        let answer = connection.exchange(shared.request(first_id)).await;
        let answered_us = RealClock.boot_us();
        let verdict = judge(&answer, events);
        if shared.load.note {
            let accepted = verdict.is_ok();
            outcome.sent.push(Sent {
                first_id,
                events,
                intended_us,
                answered_us,
                accepted,
            });
        }
        match verdict {
            Ok(()) => {
                if shared.window.contains(answered_us) {
                    outcome.events += events;
                }
                if shared.window.contains(intended_us) {
                    outcome
                        .latency
                        .record(u64::try_from(answered_us - intended_us).unwrap_or(0));
                }
            }
            Err(failure) => *outcome.failures.entry(failure).or_default() += 1,
        }
        if answer.is_err() {
            return End::Broken;
        }
    }
    End::Over
}

/// Whether an answer takes every event, or what it is instead.
fn judge(answer: &Result<Answer, ClientError>, events: u64) -> Result<(), String> {
    let answer = answer.as_ref().map_err(ClientError::to_string)?;
    if !answer.status.is_success() {
        return Err(format!("status {}", answer.status.as_u16()));
    }
    if events > 1 {
        let accepted = count(&answer.body, b"\"status\":202");
        if accepted != events {
            return Err("a batch in which not every line was accepted".to_owned());
        }
    }
    Ok(())
}

fn count(haystack: &[u8], needle: &[u8]) -> u64 {
    haystack
        .windows(needle.len())
        .filter(|window| *window == needle)
        .count() as u64
}

#[cfg(test)]
mod tests;
