//! Taking callbacks in over HTTP: read, verified, decoded, stored – and only then answered.
//!
//! What a callback takes in memory is counted from its first byte until nothing holds it any more, the writer included,
//! also where its sender has hung up. Its JSON is read once, and let go before anything is waited for: it can be a
//! hundred times as long as its text.
//!
//! | Answer | When |
//! |---|---|
//! | 200 `success`, or the wrong answer that was asked for | it is on disk, or was before |
//! | 400 | the body holds no JSON object |
//! | 401 | it does not have what has to be verified |
//! | 405, 413, 415 | no POST; longer than the limit; encoded (`gzip`) |
//! | 408 | the body did not come in time |
//! | 503 | the disk does not take it, or there are too many at once |
//!
//! Nothing but the first is an acknowledgement under any rule. What is answered 400 or 401 is kept to be looked at.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use ringback_contract::headers;
use ringback_core::limits;
use ringback_server::clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::decode;
use super::faults::Faults;
use super::fingerprint::{self, Fingerprint};
use super::outlet::OutletName;
use super::require::Require;
use super::show::Told;
use super::store::{Accepted, Callback, Refused, Store};
use super::time::Time;
use crate::receiver::record::sha256_hex;
use crate::receiver::respond::{AnswerBody, respond, whole};
use crate::receiver::server::{Connection, Dropped};
use crate::receiver::{Check, Identity, Received, Verification, Verifier, identify_value};

const TEXT: &str = "text/plain;charset=utf-8";

/// Headers whose values are not kept.
const SECRET_HEADERS: [header::HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// What takes callbacks in.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) store: Store,
    pub(super) outlets: Vec<OutletName>,
    pub(super) verifier: Verifier,
    pub(super) require: Require,
    pub(super) drop_stale: bool,
    pub(super) faults: Arc<Faults>,
    pub(super) time: Time,
    pub(super) memory: Arc<Semaphore>,
    /// Where what came in is told; what has no room is not.
    pub(super) told: Option<mpsc::Sender<Told>>,
    /// The room of what is told, in KiB.
    pub(super) shown: Arc<Semaphore>,
}

/// A request whose body is whole.
struct Came {
    head: http::request::Parts,
    body: Bytes,
    content_type: Option<String>,
    /// Its share of the memory.
    held: Arc<OwnedSemaphorePermit>,
}

/// What reading a body has found.
struct Found {
    identity: Identity,
    verification: Verification,
    /// What decides about repetitions, and the callback's text where it is not the body; or the answer to what is not
    /// taken in.
    taken: Result<(Fingerprint, Option<Bytes>), (StatusCode, String)>,
}

impl Intake {
    /// The semaphore for the bytes of bodies, in KiB.
    pub(super) fn memory() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(kib(limits::INBOX_MEMORY_BYTES) as usize))
    }

    /// The semaphore for what is told, likewise.
    pub(super) fn shown() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(kib(limits::INBOX_SHOWN_BYTES) as usize))
    }

    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        if request.method() != Method::POST {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "callbacks come by POST"));
        }
        if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            let why = "the body must not be encoded";
            return Ok(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        // As much as it says, or as much as it may be, and its headers.
        let bytes = request
            .body()
            .size_hint()
            .upper()
            .unwrap_or(limits::INBOX_BODY_BYTES.into());
        if bytes > limits::INBOX_BODY_BYTES.into() {
            return Ok(too_long());
        }
        let bytes = u32::try_from(bytes)
            .unwrap_or(limits::INBOX_BODY_BYTES)
            .saturating_add(head_bytes(request.headers()));
        let Ok(held) = Arc::clone(&self.memory).try_acquire_many_owned(kib(bytes)) else {
            return Ok(busy("too many callbacks at once"));
        };
        let (head, body) = request.into_parts();
        let reading = Limited::new(body, limits::INBOX_BODY_BYTES as usize).collect();
        let limit = Duration::from_millis(limits::INBOX_BODY_MS);
        let body = match clock::timeout(self.time.clock().as_ref(), limit, reading).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(too_long()),
            Ok(Err(_)) => return Err(Dropped),
            Err(_) => {
                return Ok(plain(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body did not come in time",
                ));
            }
        };
        let came = Came {
            content_type: text(&head.headers, header::CONTENT_TYPE.as_str()),
            head,
            body,
            held: Arc::new(held),
        };
        self.take_in(came, connection).await
    }

    async fn take_in(&self, came: Came, connection: &Connection) -> Result<Response<AnswerBody>, Dropped> {
        let at_wall_ms = self.time.clock().wall_ms();
        let found = self.find(&came, at_wall_ms);
        let received = self.received(&came, &found, at_wall_ms);
        let (fingerprint, content) = match found.taken {
            Ok(taken) => taken,
            Err((status, why)) => return Ok(self.refuse(came, received, status, why).await),
        };
        let callback = self.callback(&came, &received, fingerprint, content);
        let bytes = callback.body.len() + callback.content.as_ref().map_or(0, Bytes::len);
        let (outlets, drop_stale) = (self.outlets.clone(), self.drop_stale);
        let held = Arc::clone(&came.held);
        let accepted = self
            .store
            .write_bytes(bytes, move |transaction| {
                let _held = held;
                callback.accept(transaction, &outlets, drop_stale)
            })
            .await;
        match accepted {
            Ok(accepted) => self.acknowledge(received, accepted, connection).await,
            Err(fault) => {
                self.tell(received, Some(format!("503 {fault}")), None);
                Ok(busy(&fault.to_string()))
            }
        }
    }

    /// Reads a body as far as it has to be read. Who may send nothing learns nothing about what is wrong with it, and
    /// costs nothing: what the headers decide is decided first.
    fn find(&self, came: &Came, at_wall_ms: i64) -> Found {
        let now_s = at_wall_ms.div_euclid(1000);
        let webhook = self
            .verifier
            .verify_webhook(&came.head.headers, &came.body, now_s);
        let unverified = |why| Err((StatusCode::UNAUTHORIZED, format!("not verified: {why}")));
        if let Some(why) = self.require.missing_unread(&webhook, &self.verifier) {
            return Found {
                identity: Identity::default(),
                verification: Verification {
                    webhook,
                    sign: Check::NotChecked,
                },
                taken: unverified(why),
            };
        }
        let decoded = decode::decode(came.content_type.as_deref(), &came.body);
        let identity = decoded
            .as_ref()
            .map_or_else(|_| Identity::default(), |decoded| identify_value(&decoded.value));
        let verification = Verification {
            webhook,
            sign: self.verifier.verify_sign(&identity),
        };
        let taken = match (self.require.missing(&verification), decoded) {
            (Some(why), _) => unverified(why),
            (None, Err(why)) => Err((StatusCode::BAD_REQUEST, why.to_string())),
            (None, Ok(decoded)) => {
                let event_id = event_id(&came.head.headers);
                let fingerprint = fingerprint::take(event_id.as_deref(), &identity, &decoded.value);
                Ok((fingerprint, decoded.text))
            }
        };
        Found {
            identity,
            verification,
            taken,
        }
    }

    /// What is known without the store.
    fn received(&self, came: &Came, found: &Found, at_wall_ms: i64) -> Received {
        let Came { head, body, .. } = came;
        Received {
            number: 0,
            at_wall_ms,
            boot_us: self.time.clock().boot_us(),
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            event_id: event_id(&head.headers),
            send: text(&head.headers, headers::RINGBACK_SEND).and_then(|send| send.parse().ok()),
            kind: found.identity.kind,
            company_id: found.identity.company_id,
            entity_id: found.identity.entity_id,
            body_bytes: body.len(),
            body_sha256: sha256_hex(body),
            verification: found.verification.clone(),
            answer: String::new(),
            body: body.clone(),
        }
    }

    fn callback(
        &self,
        came: &Came,
        received: &Received,
        fingerprint: Fingerprint,
        content: Option<Bytes>,
    ) -> Callback {
        Callback {
            received_ms: self.time.now_ms(),
            fingerprint,
            event_id: received.event_id.clone(),
            send: received.send,
            kind: received.kind,
            company_id: received.company_id,
            entity_id: received.entity_id,
            verified: received.verification.is_verified(),
            verification: json(&received.verification),
            path: received.path.clone(),
            content_type: came.content_type.clone(),
            headers: kept_headers(&came.head.headers),
            body: came.body.clone(),
            content,
        }
    }

    async fn acknowledge(
        &self,
        received: Received,
        accepted: Accepted,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        let event = received.event_id.as_deref().unwrap_or(&received.body_sha256);
        let answer = self.faults.answer(event, received.send);
        let received = Received {
            number: accepted.number.unsigned_abs(),
            answer: answer.to_string(),
            ..received
        };
        self.tell(received, None, Some(accepted));
        respond(&answer, connection, self.time.clock().as_ref()).await
    }

    async fn refuse(
        &self,
        came: Came,
        received: Received,
        status: StatusCode,
        why: String,
    ) -> Response<AnswerBody> {
        let refused = Refused {
            received_ms: self.time.now_ms(),
            status: status.as_u16(),
            why: why.clone(),
            event_id: received.event_id.clone(),
            verification: json(&received.verification),
            path: received.path.clone(),
            headers: kept_headers(&came.head.headers),
            body: Refused::kept(&came.body),
            body_bytes: came.body.len(),
        };
        let held = Arc::clone(&came.held);
        // It is answered the same whether or not it could be kept.
        let _ = self
            .store
            .write_bytes(refused.body.len(), move |transaction| {
                let _held = held;
                refused.keep(transaction)
            })
            .await;
        let answer = plain(status, &why);
        self.tell(received, Some(format!("{} {why}", status.as_u16())), None);
        answer
    }

    fn tell(&self, received: Received, refused: Option<String>, accepted: Option<Accepted>) {
        let Some(sender) = &self.told else { return };
        let bytes = u32::try_from(received.body.len()).unwrap_or(u32::MAX);
        // Nobody may wait for a slow terminal.
        if let Ok(room) = Arc::clone(&self.shown).try_acquire_many_owned(kib(bytes)) {
            let _ = sender.try_send(Told::new(received, refused, accepted, room));
        }
    }
}

const fn kib(bytes: u32) -> u32 {
    bytes.div_ceil(1024)
}

fn head_bytes(head: &HeaderMap) -> u32 {
    let bytes: usize = head
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn event_id(head: &HeaderMap) -> Option<String> {
    text(head, headers::WEBHOOK_ID).filter(|id| !id.is_empty())
}

/// A header's value, where it is text.
fn text(head: &HeaderMap, name: &str) -> Option<String> {
    let value = head.get(name)?.to_str().ok()?;
    (value.len() <= limits::INBOX_HEADER_BYTES).then(|| value.to_owned())
}

fn json(verification: &Verification) -> String {
    // It is made of texts only.
    serde_json::to_string(verification).unwrap_or_default()
}

/// The headers as JSON, in their order, up to a limit; credentials are left out.
fn kept_headers(head: &HeaderMap) -> String {
    let mut bytes = 0;
    let kept: Vec<(&str, String)> = head
        .iter()
        .map(|(name, value)| {
            let shown = if SECRET_HEADERS.contains(name) {
                "(not kept)".into()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str(), shown)
        })
        .take_while(|(name, value)| {
            bytes += name.len() + value.len();
            bytes <= limits::INBOX_HEADER_BYTES
        })
        .collect();
    serde_json::to_string(&kept).unwrap_or_default()
}

fn plain(status: StatusCode, why: &str) -> Response<AnswerBody> {
    whole(status, TEXT, Bytes::from(format!("{why}\n")))
}

fn too_long() -> Response<AnswerBody> {
    plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 4 MiB")
}

fn busy(why: &str) -> Response<AnswerBody> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, why);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    answer
}
