//! `--forward`: a POST for each callback. A 2xx status confirms.
//!
//! The body, its content type and the path's query are those that came in. What was verified by a secret is signed
//! anew for the moment, so that the code behind verifies it by the same secret whenever it gets it; everything else
//! carries the signature headers that it came with.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ringback_contract::headers::{RINGBACK_SEND, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP};
use ringback_contract::webhook::{self, Secret};
use ringback_server::{clock, tasks};
use tokio::net::TcpStream;
use url::{Position, Url};

use super::{Making, Outcome};
use crate::inbox::store::Stored;
use crate::inbox::time::Time;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections that are kept idle.
const IDLE: usize = 32;
/// How long the body of an answer may take, so that its connection can be used again.
const DRAIN: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read, so that the connection can be used again.
const ANSWER_BYTES: usize = 64 * 1024;

/// Why a URL cannot be forwarded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidForward {
    /// It is none, or not one of `http://`.
    #[error(
        "allowed is http:// with a host, and perhaps a port and a path; put a proxy in front where TLS is needed"
    )]
    Url,
    /// It has a user name, a password or a fragment.
    #[error("the URL must have neither credentials nor a fragment")]
    Parts,
}

#[derive(Debug)]
pub(in super::super) struct Forward {
    host: String,
    port: u16,
    authority: HeaderValue,
    path: String,
    time: Time,
    timeout: Duration,
    secrets: Vec<Secret>,
    idle: Mutex<Vec<Sender>>,
}

/// A connection that takes requests.
type Sender = SendRequest<Full<Bytes>>;

/// An answer.
#[derive(Clone, Copy, Debug)]
struct Answered {
    status: StatusCode,
    /// Its body was read to its end.
    whole: bool,
}

/// Why an exchange brought no answer.
enum Broken {
    Connect(String),
    Exchange(hyper::Error),
}

impl Forward {
    pub(super) fn new(url: &str, making: &Making) -> Result<Self, InvalidForward> {
        let url = Url::parse(url).map_err(|_| InvalidForward::Url)?;
        let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme())
        else {
            return Err(InvalidForward::Url);
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidForward::Parts);
        }
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: HeaderValue::try_from(authority).map_err(|_| InvalidForward::Url)?,
            path: url[Position::BeforePath..Position::AfterQuery].to_owned(),
            time: making.time.clone(),
            timeout: making.timeout,
            secrets: making.secrets.clone(),
            idle: Mutex::default(),
        })
    }

    pub(super) async fn post(&self, stored: &Stored, tries: u32) -> Outcome {
        let work = self.exchange(stored, tries);
        match clock::timeout(self.time.clock().as_ref(), self.timeout, work).await {
            Ok(Ok(status)) if status.is_success() => Outcome::Confirmed,
            Ok(Ok(status)) => Outcome::Failed(format!("status {}", status.as_u16())),
            Ok(Err(Broken::Connect(why))) => Outcome::Unreachable(why),
            Ok(Err(Broken::Exchange(error))) => Outcome::Failed(format!("the connection broke: {error}")),
            Err(_) => Outcome::Failed(format!("no answer within {} s", self.timeout.as_secs())),
        }
    }

    async fn exchange(&self, stored: &Stored, tries: u32) -> Result<StatusCode, Broken> {
        if let Some(mut kept) = self.take_idle() {
            match self.exchange_on(&mut kept, stored, tries).await {
                // The other side had closed it: nothing of the request was read.
                Err(error) if error.is_canceled() || error.is_closed() => {}
                Err(error) => return Err(Broken::Exchange(error)),
                Ok(status) => return Ok(self.done(kept, status)),
            }
        }
        let mut fresh = self.connect().await?;
        let answered = self.exchange_on(&mut fresh, stored, tries).await;
        Ok(self.done(fresh, answered.map_err(Broken::Exchange)?))
    }

    /// The status of an answer; the connection is kept if it can be used again.
    fn done(&self, connection: Sender, answered: Answered) -> StatusCode {
        if answered.whole {
            self.keep_idle(connection);
        }
        answered.status
    }

    async fn exchange_on(
        &self,
        connection: &mut Sender,
        stored: &Stored,
        tries: u32,
    ) -> hyper::Result<Answered> {
        connection.ready().await?;
        let answer = connection.send_request(self.request(stored, tries)).await?;
        let status = answer.status();
        // What it says does not matter: one whose body breaks off, or does not end, has confirmed all the same.
        let reading = Limited::new(answer.into_body(), ANSWER_BYTES).collect();
        let read = clock::timeout(self.time.clock().as_ref(), DRAIN, reading).await;
        Ok(Answered {
            status,
            whole: matches!(read, Ok(Ok(_))),
        })
    }

    async fn connect(&self) -> Result<Sender, Broken> {
        let unreachable = |error: std::io::Error| {
            Broken::Connect(format!(
                "{} cannot be connected to: {error}",
                self.authority.to_str().unwrap_or_default()
            ))
        };
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = clock::timeout(self.time.clock().as_ref(), CONNECT, connecting)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(unreachable)?;
        // Without it small requests may wait for delayed acknowledgements; a failure costs only time.
        let _ = stream.set_nodelay(true);
        let (sender, driving) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Broken::Exchange)?;
        // How a connection ended, the exchange on it tells.
        tasks::spawn_detached(async move { drop(driving.await) });
        Ok(sender)
    }

    fn request(&self, stored: &Stored, tries: u32) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(stored.body.clone()));
        *request.method_mut() = http::Method::POST;
        // It is the path of a URL that was parsed.
        *request.uri_mut() = self.path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        let mut set = |name: &str, value: &str| {
            // What came in as a header is one; values of our own are ASCII.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        };
        if let Some(content_type) = &stored.content_type {
            set("content-type", content_type);
        }
        let came: Vec<(String, String)> = serde_json::from_str(&stored.headers).unwrap_or_default();
        for (name, value) in &came {
            if [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE, RINGBACK_SEND].contains(&name.as_str()) {
                set(name, value);
            }
        }
        if let (true, Some(id)) = (was_signed(stored) && !self.secrets.is_empty(), &stored.event_id) {
            let now_s = self.time.clock().wall_ms().div_euclid(1000);
            set(WEBHOOK_TIMESTAMP, &now_s.to_string());
            set(
                WEBHOOK_SIGNATURE,
                &webhook::signature_header(&self.secrets, id, now_s, &stored.body),
            );
        }
        set("ringback-inbox-number", &stored.number.to_string());
        set("ringback-inbox-try", &tries.to_string());
        set("ringback-inbox-stale", &stored.stale.to_string());
        set("ringback-inbox-verified", &stored.verified.to_string());
        request
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    fn keep_idle(&self, connection: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE && !connection.is_closed() {
            idle.push(connection);
        }
    }
}

/// Whether its signature headers were verified when it came in.
fn was_signed(stored: &Stored) -> bool {
    let verification: serde_json::Value = serde_json::from_str(&stored.verification).unwrap_or_default();
    verification["webhook"]["result"] == "verified"
}
