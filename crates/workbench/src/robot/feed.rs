//! Hands events to the API of a service, as a call platform does: each with its key, so that one that comes twice is one,
//! and again and again while the service has no room for it.
//!
//! Events of one call go over one connection, in their order. A job's event goes when everything before it was taken in,
//! and nothing goes beside it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use ringback_contract::kind::Kind;
use ringback_server::clock::{self, Clock};
use ringback_server::tasks;
use serde_json::Value;
use tokio::sync::mpsc;

use super::event::Line;
use crate::client::{Answer, ClientError, Connection, driven};

/// Events that wait for a connection's turn.
const WAITING: usize = 64;
/// The first wait before an event is handed over again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often an event is handed over before the robot gives up: for about a minute.
const TRIES: u32 = 18;

/// Why the robot gave up.
#[derive(Debug, thiserror::Error)]
pub enum FeedProblem {
    /// The token is not valid for this.
    #[error("the service answered {0}: is the token valid, and for intake?")]
    Token(u16),
    /// The service had no room, or was not there, for a minute.
    #[error(
        "the service took nothing for a minute; it last said: {0}. The same command goes on where this one ended"
    )]
    Unavailable(String),
    /// The token cannot be a header.
    #[error("the token has a character that no header may have")]
    BadToken,
}

/// How many events of a kind were taken, taken before, and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Taken in.
    pub accepted: u64,
    /// Known already: the same key was used before.
    pub repeated: u64,
    /// Refused for good.
    pub refused: u64,
    /// What the service said of the first refused one.
    pub first_refusal: Option<String>,
}

/// What became of the events, by kind.
pub type Tally = BTreeMap<&'static str, Count>;

/// What became of one event.
enum Outcome {
    Accepted,
    Repeated,
    Refused(String),
}

type Report = (Kind, Result<Outcome, FeedProblem>);

/// The way into a service.
#[derive(Debug)]
pub struct Feed {
    connections: Vec<mpsc::Sender<Line>>,
    reports: mpsc::Receiver<Report>,
    /// Handed to a connection, and not reported.
    under_way: usize,
    tally: Tally,
}

impl Feed {
    /// A feed over so many connections, at least one.
    ///
    /// # Errors
    /// When the token cannot be sent.
    pub fn new(
        server: SocketAddr,
        token: &str,
        connections: usize,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, FeedProblem> {
        let mut token =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| FeedProblem::BadToken)?;
        token.set_sensitive(true);
        let (reporting, reports) = mpsc::channel(WAITING);
        let said = Arc::new(AtomicBool::new(false));
        let connections = (0..connections.max(1))
            .map(|_| {
                let (sender, lines) = mpsc::channel(WAITING);
                let worker = Worker {
                    server,
                    token: token.clone(),
                    clock: Arc::clone(clock),
                    reporting: reporting.clone(),
                    said: Arc::clone(&said),
                };
                tasks::spawn_detached(worker.run(lines));
                sender
            })
            .collect();
        Ok(Self {
            connections,
            reports,
            under_way: 0,
            tally: Tally::new(),
        })
    }

    /// Hands an event over; returns when there is room for the next.
    ///
    /// # Errors
    /// When the robot gave up on an event before.
    pub async fn hand_over(&mut self, line: Line) -> Result<(), FeedProblem> {
        let is_job = line.event.kind == Kind::Job;
        if is_job {
            self.settle().await?;
        }
        let place =
            usize::try_from(line.event.entity_id.unsigned_abs()).unwrap_or(0) % self.connections.len();
        let connection = self.connections[place].clone();
        let mut sending = std::pin::pin!(connection.send(line));
        loop {
            tokio::select! {
                biased;
                report = self.reports.recv() => self.note(report)?,
                // A connection ends only when the feed does.
                _ = sending.as_mut() => break,
            }
        }
        self.under_way += 1;
        if is_job { self.settle().await } else { Ok(()) }
    }

    /// Waits until everything that was handed over is taken in or refused.
    ///
    /// # Errors
    /// When the robot gave up on an event.
    pub async fn settle(&mut self) -> Result<(), FeedProblem> {
        while self.under_way > 0 {
            let report = self.reports.recv().await;
            self.note(report)?;
        }
        Ok(())
    }

    /// What became of the events so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    fn note(&mut self, report: Option<Report>) -> Result<(), FeedProblem> {
        // The workers hold the other end for as long as their queues are open.
        let Some((kind, outcome)) = report else {
            return Ok(());
        };
        self.under_way = self.under_way.saturating_sub(1);
        let count = self.tally.entry(kind.name()).or_default();
        match outcome? {
            Outcome::Accepted => count.accepted += 1,
            Outcome::Repeated => count.repeated += 1,
            Outcome::Refused(said) => {
                count.refused += 1;
                count.first_refusal.get_or_insert(said);
            }
        }
        Ok(())
    }
}

/// One connection, opened anew whenever it breaks.
struct Worker {
    server: SocketAddr,
    token: HeaderValue,
    clock: Arc<dyn Clock>,
    reporting: mpsc::Sender<Report>,
    /// Whether one of the connections has said that the service is waited for.
    said: Arc<AtomicBool>,
}

impl Worker {
    async fn run(self, mut lines: mpsc::Receiver<Line>) {
        let mut next = lines.recv().await;
        let mut tries = 0;
        while next.is_some() {
            let failed = match Connection::open(self.server).await {
                Ok((mut connection, driving)) => {
                    driven(
                        driving,
                        self.over(&mut connection, &mut lines, &mut next, &mut tries),
                    )
                    .await
                }
                Err(error) => error.to_string(),
            };
            let Some(line) = &next else { return };
            tries += 1;
            if tries >= TRIES {
                let kind = line.event.kind;
                let _ = self
                    .reporting
                    .send((kind, Err(FeedProblem::Unavailable(failed))))
                    .await;
                return;
            }
            if !self.said.swap(true, Ordering::Relaxed) {
                let (server, why) = (self.server, &failed);
                tracing::warn!(%server, why, "the service does not take events; waiting for it, up to a minute");
            }
            self.rest(tries).await;
        }
    }

    /// Hands over, beginning with `next`, until there is nothing more or it fails: then it says how, and `next` is what has
    /// to be handed over again.
    async fn over(
        &self,
        connection: &mut Connection,
        lines: &mut mpsc::Receiver<Line>,
        next: &mut Option<Line>,
        tries: &mut u32,
    ) -> String {
        while let Some(line) = next {
            let answer = match self.exchange(connection, line).await {
                Ok(answer) => answer,
                Err(error) => return error.to_string(),
            };
            let outcome = match judge(&answer) {
                Judged::Again => return said(&answer),
                Judged::Done(outcome) => outcome,
            };
            *tries = 0;
            // The feed is gone: nobody wants to know.
            if self.reporting.send((line.event.kind, outcome)).await.is_err() {
                *next = None;
                return String::new();
            }
            *next = lines.recv().await;
        }
        String::new()
    }

    async fn exchange(&self, connection: &mut Connection, line: &Line) -> Result<Answer, ClientError> {
        let (method, path) = route(line.event.kind, line.event.entity_id);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.server.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, self.token.clone())
            .header("idempotency-key", &line.key)
            .body(Full::new(Bytes::from(line.event.body.clone())))?;
        connection.exchange(request).await
    }

    async fn rest(&self, tries: u32) {
        let (first, longest) = AGAIN;
        let rest = first.saturating_mul(1 << tries.min(8)).min(longest);
        self.clock
            .sleep_until(clock::after(self.clock.boot_us(), rest))
            .await;
    }
}

enum Judged {
    Done(Result<Outcome, FeedProblem>),
    Again,
}

fn judge(answer: &Answer) -> Judged {
    let status = answer.status;
    Judged::Done(match status {
        StatusCode::OK => Ok(Outcome::Repeated),
        _ if status.is_success() => Ok(Outcome::Accepted),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(FeedProblem::Token(status.as_u16())),
        StatusCode::TOO_MANY_REQUESTS => return Judged::Again,
        _ if status.is_server_error() => return Judged::Again,
        _ => Ok(Outcome::Refused(said(answer))),
    })
}

/// What the service says of a request: a problem's title and detail, which repeat no value of it.
fn said(answer: &Answer) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {}",
        answer.status.as_u16(),
        words("title"),
        words("detail")
    )
    .trim_end()
    .to_owned()
}

/// Where an event is handed over.
fn route(kind: Kind, entity_id: i64) -> (Method, String) {
    match kind {
        Kind::Call => (Method::POST, "/v1/calls".to_owned()),
        Kind::Inbound => (Method::POST, "/v1/inbound-calls".to_owned()),
        Kind::Job => (Method::POST, "/v1/jobs".to_owned()),
        Kind::Correction => (Method::PUT, format!("/v1/calls/{entity_id}/intent")),
    }
}

#[cfg(test)]
mod tests;
