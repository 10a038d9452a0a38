//! Taking callbacks in over HTTP: read, verified, decoded, stored – and only then answered.
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
use tokio::sync::{Semaphore, mpsc};

use super::decode::{self, Decoded};
use super::faults::Faults;
use super::fingerprint;
use super::outlet::OutletName;
use super::require::Require;
use super::show::Told;
use super::store::{Accepted, Callback, Refused, Store};
use super::time::Time;
use crate::receiver::record::sha256_hex;
use crate::receiver::respond::{AnswerBody, respond, whole};
use crate::receiver::server::{Connection, Dropped};
use crate::receiver::{Received, Verification, Verifier, identify};

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
}

/// A request that was read.
struct Came {
    head: http::request::Parts,
    body: Bytes,
    received: Received,
}

impl Intake {
    /// The semaphore for the bytes of bodies, in KiB.
    pub(super) fn memory() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(kib(limits::INBOX_MEMORY_BYTES) as usize))
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
        // As much as it says, or as much as it may be; held until it is answered.
        let bytes = request
            .body()
            .size_hint()
            .upper()
            .unwrap_or(limits::INBOX_BODY_BYTES.into());
        if bytes > limits::INBOX_BODY_BYTES.into() {
            return Ok(too_long());
        }
        let bytes = u32::try_from(bytes).unwrap_or(limits::INBOX_BODY_BYTES);
        let Ok(_held) = self.memory.try_acquire_many(kib(bytes)) else {
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
        self.take_in(head, body, connection).await
    }

    async fn take_in(
        &self,
        head: http::request::Parts,
        body: Bytes,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        let content_type = text(&head.headers, header::CONTENT_TYPE.as_str());
        let decoded = decode::decode(content_type.as_deref(), &body);
        let received = self.received(&head, &body, decoded.as_ref().ok());
        let came = Came { head, body, received };
        // Who may send nothing learns nothing about what is wrong with it.
        if let Some(why) = self.require.missing(&came.received.verification) {
            return Ok(self
                .refuse(came, StatusCode::UNAUTHORIZED, format!("not verified: {why}"))
                .await);
        }
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(why) => return Ok(self.refuse(came, StatusCode::BAD_REQUEST, why.to_string()).await),
        };
        let callback = self.callback(&came, content_type, decoded);
        let (outlets, drop_stale) = (self.outlets.clone(), self.drop_stale);
        let accepted = self
            .store
            .write(move |transaction| callback.accept(transaction, &outlets, drop_stale))
            .await;
        match accepted {
            Ok(accepted) => self.acknowledge(came, accepted, connection).await,
            Err(fault) => {
                self.tell(came.received, Some(format!("503 {fault}")), None);
                Ok(busy(&fault.to_string()))
            }
        }
    }

    /// What is known without the store.
    fn received(&self, head: &http::request::Parts, body: &Bytes, decoded: Option<&Decoded>) -> Received {
        let identity = identify(decoded.and_then(|decoded| decoded.text.as_ref()).unwrap_or(body));
        let at_wall_ms = self.time.clock().wall_ms();
        Received {
            number: 0,
            at_wall_ms,
            boot_us: self.time.clock().boot_us(),
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            event_id: text(&head.headers, headers::WEBHOOK_ID).filter(|id| !id.is_empty()),
            send: text(&head.headers, headers::RINGBACK_SEND).and_then(|send| send.parse().ok()),
            kind: identity.kind,
            company_id: identity.company_id,
            entity_id: identity.entity_id,
            body_bytes: body.len(),
            body_sha256: sha256_hex(body),
            verification: self
                .verifier
                .verify(&head.headers, body, &identity, at_wall_ms.div_euclid(1000)),
            answer: String::new(),
            body: body.clone(),
        }
    }

    fn callback(&self, came: &Came, content_type: Option<String>, decoded: Decoded) -> Callback {
        let received = &came.received;
        let identity = identify(decoded.text.as_ref().unwrap_or(&came.body));
        Callback {
            received_ms: self.time.now_ms(),
            fingerprint: fingerprint::take(received.event_id.as_deref(), &identity, &decoded.value),
            event_id: received.event_id.clone(),
            send: received.send,
            kind: received.kind,
            company_id: received.company_id,
            entity_id: received.entity_id,
            verified: received.verification.is_verified(),
            verification: json(&received.verification),
            path: received.path.clone(),
            content_type,
            headers: kept_headers(&came.head.headers),
            body: came.body.clone(),
            content: decoded.text,
        }
    }

    async fn acknowledge(
        &self,
        came: Came,
        accepted: Accepted,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        let event = came
            .received
            .event_id
            .as_deref()
            .unwrap_or(&came.received.body_sha256);
        let answer = self.faults.answer(event, came.received.send);
        let received = Received {
            number: accepted.number.unsigned_abs(),
            answer: answer.to_string(),
            ..came.received
        };
        self.tell(received, None, Some(accepted));
        respond(&answer, connection, self.time.clock().as_ref()).await
    }

    async fn refuse(&self, came: Came, status: StatusCode, why: String) -> Response<AnswerBody> {
        let refused = Refused {
            received_ms: self.time.now_ms(),
            status: status.as_u16(),
            why: why.clone(),
            event_id: came.received.event_id.clone(),
            verification: json(&came.received.verification),
            path: came.received.path.clone(),
            headers: kept_headers(&came.head.headers),
            body: came.body,
        };
        // It is answered the same whether or not it could be kept.
        let _ = self
            .store
            .write(move |transaction| refused.keep(transaction))
            .await;
        let answer = plain(status, &why);
        self.tell(came.received, Some(format!("{} {why}", status.as_u16())), None);
        answer
    }

    fn tell(&self, received: Received, refused: Option<String>, accepted: Option<Accepted>) {
        let told = Told::new(received, refused, accepted);
        if let Some(sender) = &self.told {
            // Nobody may wait for a slow terminal.
            let _ = sender.try_send(told);
        }
    }
}

const fn kib(bytes: u32) -> u32 {
    bytes.div_ceil(1024)
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
