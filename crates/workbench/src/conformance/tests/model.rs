//! A receiver that does everything right but one thing.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ringback_contract::callback::Callback;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::kind::Kind;
use ringback_contract::{enums, headers, sign, webhook};
use ringback_server::clock::test::TestClock;
use ringback_server::clock::{self, Clock};
use serde_json::Value;

use super::{Keys, app, secret};
use crate::receiver::respond::{AnswerBody, whole};
use crate::receiver::server::{Connection, Dropped, Server};
use crate::receiver::{Identity, identify};
use crate::tree::Tree;

/// What a receiver does wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    None,
    /// 500 to a kind.
    Refuses(Kind),
    AnswersOk,
    Compresses,
    Hangs,
    IsSlow,
    /// Another text than success.
    Says(&'static str),
    Closes,
    /// Acknowledges jobs without storing them.
    Forgets,
    RefusesDuplicates,
    ProcessesDuplicates,
    KnowsBySignature,
    RefusesAfterALostAnswer,
    FailsAtOnce,
    DoublesAtOnce,
    WantsTheCallFirst,
    ClosesJobs,
    RefusesOlder,
    WantsFreshDates,
    FailsUnanswered,
    WantsKnownJobStatuses(&'static [i64]),
    WantsShortLevels,
    WantsKnownNumbers,
    WantsKnownFields,
    FailsOnNull,
    FailsOnAbsent,
    /// Ids have so many bits.
    HasIdsOf(u32),
    HasThreeByteText,
    WantsRfc1123,
    WantsTheOrder,
    TakesAtMost(usize),
    TrustsAnySignature,
    TrustsNoSignature,
    TrustsOldSignatures,
    TrustsFutureSignatures,
    TriesTheFirstSignature,
    TriesFirstOfV1,
    WantsV1Alone,
    WritesTheBodyAgain,
    TrustsAnySign,
    /// 503 from so many calls in a row on.
    RefusesCallsAfter(u32),
    ReadsHastily,
}

/// A running one.
pub(super) struct Model {
    server: Server,
}

struct Shared {
    fault: Fault,
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// To let time pass by hand.
    test_clock: Option<Arc<TestClock>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How often each event, or what is taken for one, came.
    seen: HashMap<String, u32>,
    journal: Vec<(String, bool)>,
    calls: HashSet<i64>,
    closed_jobs: HashSet<i64>,
    /// The newest event of each call or job.
    newest: HashMap<(bool, i64), String>,
    calls_in_a_row: u32,
    requests: u32,
}

/// Status and body of an answer.
type Answer = (u16, &'static str);
const SUCCESS: Answer = (200, "success");

impl Model {
    pub(super) async fn bind<C: Clock + 'static>(fault: Fault, keys: Keys, clock: Arc<C>) -> Self {
        let test_clock = (Arc::clone(&clock) as Arc<dyn std::any::Any + Send + Sync>)
            .downcast::<TestClock>()
            .ok();
        let shared = Arc::new(Shared {
            fault,
            keys,
            clock,
            test_clock,
            state: Mutex::default(),
        });
        let handle = move |request, connection: Connection| {
            let shared = Arc::clone(&shared);
            async move { shared.handle(request, &connection).await }
        };
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        Self {
            server: Server::bind(addr, handle).await.unwrap(),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/callback", self.server.local_addr())
    }

    pub(super) fn journal_url(&self) -> String {
        format!("http://{}/journal", self.server.local_addr())
    }
}

impl Shared {
    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Response<AnswerBody>, Dropped> {
        if request.uri().path() == "/journal" {
            return Ok(self.journal());
        }
        let (head, body) = request.into_parts();
        let Ok(body) = self.read(body).await else {
            return Ok(whole(StatusCode::REQUEST_TIMEOUT, "text/plain", Bytes::new()));
        };
        let answer = self.answer(&head.headers, &body);
        self.pass_time();
        if self.fault == Fault::Hangs {
            connection.stopping().await;
            return Err(Dropped);
        }
        Ok(self.response(answer))
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, ()> {
        let reading = body.collect();
        let read = if self.fault == Fault::ReadsHastily {
            let limit = Duration::from_millis(200);
            clock::timeout(&*self.clock, limit, reading)
                .await
                .map_err(|_| ())?
        } else {
            reading.await
        };
        read.map(http_body_util::Collected::to_bytes).map_err(|_| ())
    }

    fn journal(&self) -> Response<AnswerBody> {
        let state = self.state.lock().unwrap();
        let lines: String = state
            .journal
            .iter()
            .map(|(id, processed)| {
                format!(
                    "{}\n",
                    serde_json::json!({"webhookId": id, "processed": processed})
                )
            })
            .collect();
        whole(StatusCode::OK, "application/x-ndjson", lines.into())
    }

    /// Lets time pass where the fault is slowness.
    fn pass_time(&self) {
        let requests = self.state.lock().unwrap().requests;
        let ms = match self.fault {
            Fault::Hangs => 15_000,
            // Only while requests come one by one, so that it is the time of one.
            Fault::IsSlow if requests <= 4 => 6_000,
            _ => return,
        };
        self.test_clock.as_ref().unwrap().advance(ms);
    }

    fn response(&self, (status, text): Answer) -> Response<AnswerBody> {
        let status = StatusCode::from_u16(status).unwrap();
        let text = match self.fault {
            Fault::Says(other) if text == "success" => other,
            Fault::AnswersOk if text == "success" => "ok",
            _ => text,
        };
        let mut response = whole(status, "text/plain", Bytes::from_static(text.as_bytes()));
        match self.fault {
            Fault::Compresses => {
                let bytes = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
                response = whole(status, "text/plain", bytes);
                let gzip = HeaderValue::from_static("gzip");
                response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
            }
            Fault::Closes => {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            _ => {}
        }
        response
    }

    fn answer(&self, head: &HeaderMap, body: &Bytes) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        if matches!(self.fault, Fault::TakesAtMost(bytes) if body.len() > bytes) {
            return (413, "");
        }
        let identity = identify(body);
        if !self.is_genuine(head, body, &identity) {
            return (401, "who are you");
        }
        let envelope: Value = serde_json::from_slice(body).unwrap();
        if let Some(refused) = self.content(&envelope["data"]["data"], &identity, body) {
            return refused;
        }
        self.take_in(&mut state, head, &envelope["data"]["data"], &identity)
    }

    fn is_genuine(&self, head: &HeaderMap, body: &Bytes, identity: &Identity) -> bool {
        match self.keys {
            Keys::None => true,
            Keys::App => self.has_sign(identity),
            Keys::Secret => self.is_signed(head, body),
        }
    }

    fn has_sign(&self, identity: &Identity) -> bool {
        let app = app();
        match (&identity.sign, &identity.date_time) {
            _ if self.fault == Fault::TrustsAnySign => true,
            (Some(found), Some(date_time)) => sign::verify(&app.key, &app.secret, date_time, found),
            _ => !identity.kind.is_some_and(Kind::is_stamped),
        }
    }

    fn is_signed(&self, head: &HeaderMap, body: &Bytes) -> bool {
        let value = |name: &str| head.get(name).and_then(|value| value.to_str().ok());
        let sent_s: i64 = value(headers::WEBHOOK_TIMESTAMP).unwrap().parse().unwrap();
        let mut signature = value(headers::WEBHOOK_SIGNATURE).map(str::to_owned);
        let mut now_s = self.clock.wall_ms() / 1000;
        let mut body = body.to_vec();
        let all = signature.clone().unwrap_or_default();
        let mut each = all.split(' ');
        match self.fault {
            Fault::TrustsAnySignature => return true,
            Fault::TrustsNoSignature if signature.is_none() => return true,
            Fault::TrustsOldSignatures => now_s = now_s.min(sent_s),
            Fault::TrustsFutureSignatures => now_s = now_s.max(sent_s),
            Fault::TriesTheFirstSignature => signature = each.next().map(str::to_owned),
            Fault::TriesFirstOfV1 => signature = each.find(|one| one.starts_with("v1,")).map(str::to_owned),
            Fault::WantsV1Alone if !each.all(|one| one.starts_with("v1,")) => return false,
            Fault::WritesTheBodyAgain => {
                let text = std::str::from_utf8(&body).unwrap();
                body = Tree::read(text).unwrap().write().into_bytes();
            }
            _ => {}
        }
        let found = webhook::Headers {
            id: value(headers::WEBHOOK_ID),
            timestamp: value(headers::WEBHOOK_TIMESTAMP),
            signature: signature.as_deref(),
        };
        webhook::verify(&found, &body, &[secret()], now_s, webhook::TOLERANCE_S).is_ok()
    }

    /// What is wrong with a callback in the eyes of this receiver.
    fn content(&self, data: &Value, identity: &Identity, body: &Bytes) -> Option<Answer> {
        let text = std::str::from_utf8(body).unwrap();
        let kind = identity.kind.unwrap();
        let scene = &data["sceneInstance"];
        let named = match kind {
            Kind::Call | Kind::Inbound => scene.get("customerName"),
            Kind::Job => data.get("jobName"),
            Kind::Correction => Some(&Value::Bool(true)),
        };
        let level = data["taskResult"][0]["resultValue"].as_str().unwrap_or_default();
        let at = |name: &str| text.find(name).unwrap_or(usize::MAX);
        let finish = identity.finish_status;
        let is_refused = match self.fault {
            Fault::Refuses(refused) => kind == refused,
            Fault::FailsUnanswered if finish.is_some_and(|status| status != 0) => return Some((200, "fail")),
            Fault::WantsKnownJobStatuses(known) => identity.job_status.is_some_and(|it| !known.contains(&it)),
            Fault::WantsShortLevels => kind == Kind::Correction && level.len() > 1,
            Fault::WantsKnownNumbers => {
                finish.is_some_and(|it| enums::FINISH_STATUS.by_number(it).is_none())
                    || identity
                        .job_status
                        .is_some_and(|it| enums::JOB_STATUS.by_number(it).is_none())
            }
            Fault::WantsKnownFields => has_unknown_fields(body),
            Fault::FailsOnNull => named.is_some_and(Value::is_null),
            Fault::FailsOnAbsent => named.is_none(),
            Fault::HasIdsOf(bits) => identity.entity_id.unwrap() >= 1 << bits,
            Fault::HasThreeByteText => text.chars().any(|c| c > '\u{ffff}'),
            Fault::WantsRfc1123 => {
                let date_time = identity.date_time.as_deref();
                date_time.is_some_and(|it| DateTimeForm::Rfc1123.parse(it).is_none())
            }
            Fault::WantsTheOrder => at("\"taskResult\"") < at("\"sceneInstance\"") && kind == Kind::Call,
            Fault::WantsFreshDates => scene["startTime"].as_str().is_some_and(|it| self.is_old(it)),
            _ => false,
        };
        is_refused.then_some((400, "no"))
    }

    fn is_old(&self, time: &str) -> bool {
        let time: jiff::civil::DateTime = time.parse().unwrap();
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        self.clock.wall_ms() - time.timestamp().as_millisecond() > 3_600_000
    }

    /// Takes a callback in, once.
    fn take_in(&self, state: &mut State, head: &HeaderMap, data: &Value, identity: &Identity) -> Answer {
        let value = |name: &str| {
            head.get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let (id, number) = (value(headers::WEBHOOK_ID), value(headers::RINGBACK_SEND));
        let (kind, entity) = (identity.kind.unwrap(), identity.entity_id.unwrap());
        let known_as = match self.fault {
            Fault::KnowsBySignature => value(headers::WEBHOOK_SIGNATURE),
            _ => id.clone(),
        };
        state.calls_in_a_row = if kind == Kind::Call {
            state.calls_in_a_row + 1
        } else {
            0
        };
        if matches!(self.fault, Fault::RefusesCallsAfter(most) if state.calls_in_a_row > most) {
            return (503, "");
        }
        let times = state.seen.entry(known_as).or_default();
        *times += 1;
        let times = *times;
        if times > 1 {
            let is_third = times == 3 && number == "1";
            match self.fault {
                Fault::RefusesDuplicates => return (409, "known"),
                Fault::RefusesAfterALostAnswer if number == "2" => return (503, "busy"),
                Fault::FailsAtOnce if is_third => return (500, "unique"),
                _ => {}
            }
            let again =
                self.fault == Fault::ProcessesDuplicates || self.fault == Fault::DoublesAtOnce && is_third;
            state.journal.push((id, again));
            return SUCCESS;
        }
        let job_id = data["sceneInstance"]["callJobId"].as_i64();
        let newest = state.newest.entry((kind == Kind::Job, entity)).or_default();
        let is_overtaken = id < *newest;
        let is_wrong = match self.fault {
            Fault::WantsTheCallFirst => kind == Kind::Correction && !state.calls.contains(&entity),
            Fault::ClosesJobs => job_id.is_some_and(|job| state.closed_jobs.contains(&job)),
            Fault::RefusesOlder => is_overtaken,
            _ => false,
        };
        if is_wrong {
            return (409, "not now");
        }
        if !is_overtaken {
            newest.clone_from(&id);
        }
        match kind {
            Kind::Call => drop(state.calls.insert(entity)),
            Kind::Job if identity.job_status == Some(2) => drop(state.closed_jobs.insert(entity)),
            _ => {}
        }
        if self.fault != Fault::Forgets || kind != Kind::Job {
            state.journal.push((id, !is_overtaken));
        }
        SUCCESS
    }
}

fn has_unknown_fields(body: &[u8]) -> bool {
    match Callback::read(body) {
        Ok(Callback::Call(call)) => !call.unknown.is_empty() || !call.scene_instance.unknown.is_empty(),
        Ok(Callback::Inbound(call)) => !call.unknown.is_empty() || !call.scene_instance.unknown.is_empty(),
        Ok(Callback::Job(job)) => !job.unknown.is_empty(),
        Ok(Callback::Correction(_)) | Err(_) => false,
    }
}
