//! Performs sends: through the service's own outbound client, and where that cannot do what a check wants – a body in
//! pieces, a connection that is left early, a header that is missing – over a connection of it.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ringback_contract::ack::{AckRule, BODY_LIMIT};
use ringback_contract::webhook::Secret;
use ringback_server::clock::{self, Clock};
use ringback_server::outbound::exchange::BODY_START_LIMIT;
use ringback_server::outbound::headers::WEBHOOK_SIGNATURE;
use ringback_server::outbound::{Detail, Exchange, Message, Outbound, Outcome, Stream, Target};
use ringback_server::random;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::script::{Send, Signing, Way};

/// In how many pieces a slow body goes.
const PIECES: usize = 20;

/// What became of a send.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) exchange: Exchange,
    /// The headers of the answer, where there was one.
    pub(crate) headers: HeaderMap,
    /// Whether the receiver let the connection be used again; `None` where it was not asked.
    pub(crate) is_kept: Option<bool>,
}

impl Observed {
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.exchange.outcome == Outcome::Acknowledged
    }
}

/// What sends need.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) outbound: Outbound,
    pub(crate) target: Arc<Target>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ack_rule: AckRule,
    pub(crate) timeout: Duration,
    /// How long a slow sender waits between two pieces.
    pub(crate) pause: Duration,
    /// The secret that the receiver knows, or one that nobody does.
    pub(crate) secret: Secret,
    /// A secret that the receiver does not know.
    pub(crate) other_secret: Secret,
}

impl Wire {
    /// Performs a send and tells what became of it.
    pub(crate) async fn send(&self, send: &Send) -> Observed {
        let message = self.message(send);
        match (send.way, send.signing) {
            (Way::Plain, Signing::Missing) | (Way::Slowly | Way::AnswerLost, _) => {
                // Boxed, since it is large and rarely needed.
                Box::pin(self.by_hand(send, message)).await
            }
            (Way::Plain, _) => {
                let probe = self.outbound.probe(&self.target, message).await;
                Observed {
                    exchange: probe.exchange,
                    headers: probe.received,
                    is_kept: Some(self.outbound.idle_connections() > 0),
                }
            }
        }
    }

    /// The message with its signature.
    fn message(&self, send: &Send) -> Message {
        let id = send.event.to_string();
        let timestamp_s = self.clock.wall_ms().div_euclid(1000) + send.skew_s;
        let right = |body: &[u8]| self.secret.sign(&id, timestamp_s, body);
        let other = || self.other_secret.sign(&id, timestamp_s, &send.body);
        let signature = match send.signing {
            Signing::Right | Signing::Missing => right(&send.body),
            Signing::WrongSecret => other(),
            Signing::OtherBody => right(&[&send.body[..], b" "].concat()),
            Signing::Rotated => format!("{} {}", other(), right(&send.body)),
            Signing::OtherVersionFirst => format!("v1a,{} {}", &other()[3..], right(&send.body)),
        };
        Message {
            body: send.body.clone(),
            webhook_id: value(&id),
            webhook_timestamp: value(&timestamp_s.to_string()),
            webhook_signature: value(&signature),
            ringback_send: value(&send.number.to_string()),
            trace: None,
        }
    }

    /// A send over a connection of its own.
    async fn by_hand(&self, send: &Send, message: Message) -> Observed {
        let started_wall_ms = self.clock.wall_ms();
        let started_us = self.clock.boot_us();
        let until = clock::after(started_us, self.timeout);
        let work = async {
            let (stream, request) = self.outbound.open(&self.target, message).await?;
            let mut request = request;
            if send.signing == Signing::Missing {
                request.headers_mut().remove(WEBHOOK_SIGNATURE);
            }
            match send.way {
                Way::AnswerLost => leave_early(stream, request.map(|_| send.body.clone())).await,
                Way::Plain | Way::Slowly => {
                    let pieces = if send.way == Way::Slowly { PIECES } else { 1 };
                    let body = Pieces::new(&send.body, pieces, self.pause, Arc::clone(&self.clock));
                    self.answer(stream, request.map(|_| body)).await
                }
            }
        };
        let answer = clock::timeout_at(&*self.clock, until, Box::pin(work))
            .await
            .unwrap_or(Err(Detail::AnswerTimedOut));
        let duration_ms = self.clock.boot_us().saturating_sub(started_us) / 1000;
        self.observed(answer, started_wall_ms, duration_ms)
    }

    /// The answer to a request whose body comes in pieces.
    async fn answer(&self, stream: Stream, request: Request<Pieces>) -> Result<Response<Whole>, Detail> {
        let (mut requests, driving) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Detail::Protocol)?;
        let exchange = async {
            let response = requests
                .send_request(request)
                .await
                .map_err(|error| broken(&error))?;
            let (head, body) = response.into_parts();
            Ok(Response::from_parts(head, whole(body).await?))
        };
        let (mut exchange, mut driving) = (pin!(exchange), pin!(driving));
        tokio::select! {
            biased;
            answer = exchange.as_mut() => answer,
            // What ended the connection, the exchange on it tells.
            _ = driving.as_mut() => exchange.await,
        }
    }

    fn observed(
        &self,
        answer: Result<Response<Whole>, Detail>,
        started_wall_ms: i64,
        duration_ms: i64,
    ) -> Observed {
        let (status, headers, body, detail) = match answer {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                (Some(head.status.as_u16()), head.headers, Some(body), None)
            }
            Err(detail) => (None, HeaderMap::new(), None, Some(detail)),
        };
        let outcome = match (&detail, status) {
            (Some(Detail::AnswerTimedOut | Detail::ConnectTimedOut), _) => Outcome::TimedOut,
            (Some(Detail::AddressBlocked(_)), _) => Outcome::Blocked,
            (None, Some(status)) if !(200..300).contains(&status) => Outcome::Refused,
            (None, Some(status)) => {
                let bytes = body.as_ref().and_then(|whole| whole.0.as_deref());
                if self.ack_rule.acknowledges(status, bytes) {
                    Outcome::Acknowledged
                } else {
                    Outcome::NotAcknowledged
                }
            }
            (Some(_) | None, _) => Outcome::Unreachable,
        };
        let mut body_start = body.and_then(|whole| whole.0).unwrap_or_default();
        body_start.truncate(BODY_START_LIMIT);
        Observed {
            exchange: Exchange {
                outcome,
                status,
                address: None,
                started_wall_ms,
                duration_ms: u32::try_from(duration_ms).unwrap_or(u32::MAX),
                body_start,
                retry_after: None,
                detail,
            },
            headers,
            is_kept: None,
        }
    }
}

/// A whole body; `None` where it was longer than is read.
#[derive(Debug, Default)]
struct Whole(Option<Bytes>);

async fn whole(body: Incoming) -> Result<Whole, Detail> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(Whole(Some(body.to_bytes()))),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Ok(Whole(None)),
        Err(_) => Err(Detail::Closed),
    }
}

fn broken(error: &hyper::Error) -> Detail {
    if error.is_parse() {
        Detail::Protocol
    } else if error.is_incomplete_message() {
        Detail::Closed
    } else {
        Detail::Reset
    }
}

/// Sends a whole request, waits until its answer begins, and closes the connection: by then the receiver has dealt with
/// it, and does not know that nobody learned so.
async fn leave_early(mut stream: Stream, request: Request<Bytes>) -> Result<Response<Whole>, Detail> {
    let (head, body) = request.into_parts();
    let mut bytes = BytesMut::new();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    bytes.extend_from_slice(format!("POST {path} HTTP/1.1\r\n").as_bytes());
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    let sent = async {
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    match sent.await {
        Ok(_) => Err(Detail::Closed),
        Err(_) => Err(Detail::Reset),
    }
}

/// A value of a header that is made here, of visible characters only.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// A secret that nobody knows.
pub(crate) fn unknown_secret() -> Secret {
    Secret::from_bytes(&random::bytes::<32>()).expect("32 bytes are a secret")
}

/// A body that goes out piece by piece, with pauses between.
struct Pieces {
    left: VecDeque<Bytes>,
    bytes: u64,
    clock: Arc<dyn Clock>,
    pause: Duration,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + std::marker::Send>>>,
    /// Whether a pause comes before the next piece.
    is_resting: bool,
}

impl Pieces {
    fn new(body: &Bytes, pieces: usize, pause: Duration, clock: Arc<dyn Clock>) -> Self {
        let size = body.len().div_ceil(pieces).max(1);
        Self {
            left: body.chunks(size).map(|piece| body.slice_ref(piece)).collect(),
            bytes: body.len() as u64,
            clock,
            pause,
            waiting: None,
            is_resting: false,
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.is_resting && self.pause > Duration::ZERO && !self.left.is_empty() {
            let this = &mut *self;
            let waiting = this.waiting.get_or_insert_with(|| {
                let (clock, until) = (
                    Arc::clone(&this.clock),
                    clock::after(this.clock.boot_us(), this.pause),
                );
                Box::pin(async move { clock.sleep_until(until).await })
            });
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        self.is_resting = true;
        let piece = self.left.pop_front();
        self.bytes -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}
