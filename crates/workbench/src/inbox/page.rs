//! The page on which people see what came in, prepare wrong answers, and have callbacks handed on again.
//!
//! It has an address of its own, so that no callback's path can be one of its paths, and listens on loopback unless it
//! is told otherwise. There it answers only where `Host` names this machine, and changes nothing without a header of its
//! own, so that other sites in the same browser can neither read nor do anything. What came in is put on the page as
//! text by its script; a content security policy lets nothing else run.
//!
//! | | |
//! |---|---|
//! | `GET /api/state` | outlets, answers in force, whether the disk takes callbacks |
//! | `GET /api/events?filter=&before=` | callbacks, the newest first; `filter` is `all`, `pending`, `given-up`, `stale`, a webhook-id or a number |
//! | `GET /api/events/N` | one, with headers, body, and what it says |
//! | `GET /api/refused?before=` | what was refused |
//! | `POST /api/events/N/redrive`, `POST /api/events/N/let-go` | `{"outlet": "exec"}`; a re-drive without it goes to all |
//! | `POST /api/redrive` | `{"outlet": "exec"}`: what it gave up, up to 500 callbacks |
//! | `PUT /api/answers` | `{"plan": "fail*3,success"}`, `{"next": {"answer": "500", "times": 3}}`, `{"event": "evt_…", "answer": "hang", "times": 1}` |

mod view;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::InboxError;
use super::faults::{Fault as WrongAnswer, Faults};
use super::hand_on::HandOn;
use super::outlet::OutletName;
use super::store::{Fault, Filter, Store};
use super::time::Time;
use crate::receiver::respond::{AnswerBody, whole};
use crate::receiver::server::Server;
use crate::receiver::{Answer, Plan};

const HTML: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/page.js");
const STYLE: &str = include_str!("page/page.css");

/// Nothing but the page's own script, style and API.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A header that a form of another site cannot set, and a script of one not without being asked about.
const OWN_HEADER: &str = "ringback-page";
/// The longest body of a request, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// The most times that a wrong answer is prepared for.
const TIMES_MAX: u32 = 1_000_000;

/// What the page shows and does.
pub(super) struct Page {
    pub(super) store: Store,
    pub(super) outlets: Vec<HandOn>,
    pub(super) faults: Arc<Faults>,
    pub(super) time: Time,
    /// The URL where callbacks come in.
    pub(super) listens: String,
}

/// Why a request is not answered as it wants.
enum Problem {
    NotFound,
    Wrong(String),
    Store(Fault),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfOutlet {
    outlet: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Prepared {
    answer: String,
    times: u32,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Answers {
    Plan {
        plan: String,
    },
    Next {
        next: Prepared,
    },
    Event {
        event: String,
        answer: String,
        times: u32,
    },
}

impl Page {
    /// Shows the page at `addr`.
    pub(super) async fn listen(self, addr: SocketAddr) -> Result<Server, InboxError> {
        let (page, is_local) = (Arc::new(self), addr.ip().is_loopback());
        super::listen("the ADDRESS of --page", addr, move |request, _| {
            let page = Arc::clone(&page);
            async move { Ok(page.handle(request, is_local).await) }
        })
        .await
    }

    async fn handle(&self, request: Request<Incoming>, is_local: bool) -> Response<AnswerBody> {
        let mut response = if is_local && !names_this_machine(request.headers()) {
            text(
                StatusCode::FORBIDDEN,
                "the page is only for this machine, by its own name",
            )
        } else if request.method() != Method::GET && !request.headers().contains_key(OWN_HEADER) {
            text(StatusCode::FORBIDDEN, "a header of the page is missing")
        } else {
            self.answer(request).await
        };
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 KiB");
        };
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let asset = |content_type, asset: &'static str| {
            whole(StatusCode::OK, content_type, Bytes::from_static(asset.as_bytes()))
        };
        match (&head.method, path.as_str()) {
            (&Method::GET, "/") => asset("text/html;charset=utf-8", HTML),
            (&Method::GET, "/page.js") => asset("text/javascript;charset=utf-8", SCRIPT),
            (&Method::GET, "/page.css") => asset("text/css;charset=utf-8", STYLE),
            (method, path) => match self.api(method, path, &query, &body.to_bytes()).await {
                Ok(value) => whole(StatusCode::OK, "application/json", Bytes::from(value.to_string())),
                Err(Problem::NotFound) => text(StatusCode::NOT_FOUND, "there is nothing here"),
                Err(Problem::Wrong(why)) => text(StatusCode::UNPROCESSABLE_ENTITY, &why),
                Err(Problem::Store(fault)) => text(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string()),
            },
        }
    }

    async fn api(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Result<Value, Problem> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, &parts[..]) {
            (&Method::GET, ["api", "state"]) => self.state().await,
            (&Method::GET, ["api", "events"]) => self.events(query).await,
            (&Method::GET, ["api", "refused"]) => {
                let refused = self.store.refused(before(query)).await?;
                Ok(json!({ "items": refused.iter().map(view::refused).collect::<Vec<_>>() }))
            }
            (&Method::GET, ["api", "events", number]) => {
                let found = self.store.event(parse_number(number)?).await?;
                found.as_ref().map(view::detail).ok_or(Problem::NotFound)
            }
            (&Method::POST, ["api", "events", number, "redrive"]) => {
                self.redrive(parse_number(number)?, body).await
            }
            (&Method::POST, ["api", "events", number, "let-go"]) => {
                self.let_go(parse_number(number)?, body).await
            }
            (&Method::POST, ["api", "redrive"]) => {
                let outlet = self.outlet(body)?.ok_or_else(|| wrong("outlet is missing"))?;
                let redriven = self.store.redrive_given_up(outlet, self.time.now_ms()).await?;
                Ok(json!({ "redriven": redriven }))
            }
            (&Method::PUT, ["api", "answers"]) => self.prepare(body),
            _ => Err(Problem::NotFound),
        }
    }

    async fn state(&self) -> Result<Value, Problem> {
        let mut outlets = Vec::new();
        for outlet in &self.outlets {
            let standing = self.store.standing(outlet.name()).await?;
            outlets.push(view::outlet(outlet.name(), &outlet.doing(), standing));
        }
        Ok(json!({
            "listens": self.listens,
            "fault": self.store.fault().map(|fault| fault.to_string()),
            "outlets": outlets,
            "answers": view::answers(&self.faults.in_force()),
        }))
    }

    async fn events(&self, query: &str) -> Result<Value, Problem> {
        let filter = match parameter(query, "filter").as_deref().map(str::trim) {
            None | Some("" | "all") => Filter::All,
            Some("pending") => Filter::Pending,
            Some("given-up") => Filter::GivenUp,
            Some("stale") => Filter::Stale,
            Some(other) => match other.parse() {
                Ok(number) => Filter::Number(number),
                Err(_) => Filter::EventId(other.to_owned()),
            },
        };
        let found = self.store.list(filter, before(query)).await?;
        Ok(json!({ "items": found.iter().map(view::summary).collect::<Vec<_>>() }))
    }

    async fn redrive(&self, number: i64, body: &[u8]) -> Result<Value, Problem> {
        let outlets = match self.outlet(body)? {
            Some(outlet) => vec![outlet],
            None => self.outlets.iter().map(HandOn::name).collect(),
        };
        let redriven = self.store.redrive(number, outlets, self.time.now_ms()).await?;
        Ok(json!({ "redriven": redriven }))
    }

    async fn let_go(&self, number: i64, body: &[u8]) -> Result<Value, Problem> {
        let outlet = self.outlet(body)?.ok_or_else(|| wrong("outlet is missing"))?;
        if self.store.let_go(number, outlet, self.time.now_ms()).await? {
            Ok(json!({ "letGo": true }))
        } else {
            Err(Problem::NotFound)
        }
    }

    /// The outlet in a body, which has to be one in use.
    fn outlet(&self, body: &[u8]) -> Result<Option<OutletName>, Problem> {
        let wanted: OfOutlet =
            serde_json::from_slice(body).map_err(|_| wrong(r#"the body must be {"outlet": "…"}"#))?;
        let Some(name) = wanted.outlet else {
            return Ok(None);
        };
        let in_use = || self.outlets.iter().map(HandOn::name);
        match in_use().find(|outlet| outlet.name() == name) {
            Some(outlet) => Ok(Some(outlet)),
            None => {
                let names: Vec<_> = in_use().map(OutletName::name).collect();
                Err(Problem::Wrong(format!(
                    "outlet: in use are: {}",
                    names.join(", ")
                )))
            }
        }
    }

    fn prepare(&self, body: &[u8]) -> Result<Value, Problem> {
        let answers = serde_json::from_slice(body)
            .map_err(|_| wrong("the body must hold a plan, or next, or an event with answer and times"))?;
        match answers {
            Answers::Plan { plan } => {
                let plan: Plan = plan.parse().map_err(|invalid| wrong(&format!("{invalid}")))?;
                self.faults.plan(plan);
            }
            Answers::Next { next } => self.faults.next(Some(wrong_answer(&next.answer, next.times)?)),
            Answers::Event { event, answer, times } => {
                self.faults.event(&event, Some(wrong_answer(&answer, times)?));
            }
        }
        Ok(view::answers(&self.faults.in_force()))
    }
}

/// A name that some other site gave to this address is not ours: behind it its scripts could read everything.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) else {
        return false;
    };
    let name = host.host().trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn wrong_answer(answer: &str, times: u32) -> Result<WrongAnswer, Problem> {
    let answer: Answer = answer.parse().map_err(|invalid| wrong(&format!("{invalid}")))?;
    if times > TIMES_MAX {
        return Err(wrong(
            "times: allowed is a number from 0, which takes it back, to 1000000",
        ));
    }
    Ok(WrongAnswer { answer, times })
}

fn wrong(why: &str) -> Problem {
    Problem::Wrong(why.to_owned())
}

fn parse_number(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}

fn before(query: &str) -> i64 {
    parameter(query, "before")
        .and_then(|before| before.parse().ok())
        .unwrap_or(i64::MAX)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

fn text(status: StatusCode, why: &str) -> Response<AnswerBody> {
    whole(
        status,
        "text/plain;charset=utf-8",
        Bytes::from(format!("{why}\n")),
    )
}
