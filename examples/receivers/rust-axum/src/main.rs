//! A receiver of ringback's callbacks: axum, SQLite and the contract crate, which checks signatures and reads callbacks.
//!
//! A callback is answered `success` once it is on disk in inbox.db, and worked on afterwards, by a thread of its own. `process`
//! is the place for your code. Settings come from the environment; README.md in the folder above lists them.

mod inbox;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use ringback_contract::callback::Callback;
use ringback_contract::{headers, sign, webhook};
use serde_json::Value;
use tokio::task::spawn_blocking;

use inbox::{Apply, Event, Inbox};

const BODY_MAX: usize = 1024 * 1024;

/// What the handlers know.
struct Receiver {
    /// Several while a secret is being rotated.
    secrets: Vec<webhook::Secret>,
    /// appKey and appSecret.
    app: Option<(String, String)>,
    inbox: Inbox,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(env::var("DATA_DIR").unwrap_or_else(|_| "data".to_owned()));
    let receiver = Arc::new(Receiver {
        secrets: secrets(&env::var("RINGBACK_SECRET").unwrap_or_default())?,
        app: env::var("RINGBACK_APP_KEY")
            .ok()
            .filter(|key| !key.is_empty())
            .map(|key| (key, env::var("RINGBACK_APP_SECRET").unwrap_or_default())),
        inbox: Inbox::open(&directory, process)?,
    });
    let mut app = Router::new().route("/callbacks", post(receive));
    if env::var("RINGBACK_JOURNAL").is_ok_and(|value| value == "1") {
        app = app.route("/journal", get(journal));
    }
    let app = app.layer(DefaultBodyLimit::max(BODY_MAX)).with_state(receiver);
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

/// Your code. It may take its time. If the machine fails at the wrong moment it is called again with the same callback.
fn process(event: &Event) -> Result<(), Box<dyn Error>> {
    let key = event.key.as_deref().unwrap_or_default();
    println!("{} {key}: apply {}", event.kind, event.apply.name());
    // The contract crate has the callbacks of the first version as types.
    if event.apply == Apply::All
        && let Ok(Callback::Call(call)) = Callback::read(&event.body)
        && let Some(duration_s) = call.scene_instance.duration
    {
        println!("  it lasted {duration_s} s");
    }
    Ok(())
}

fn secrets(text: &str) -> Result<Vec<webhook::Secret>, Box<dyn Error>> {
    let parsed: Result<_, _> = text
        .split(',')
        .map(|secret| webhook::Secret::parse(secret.trim()))
        .collect();
    parsed.map_err(|error| format!("RINGBACK_SECRET: {error}").into())
}

/// An answer: `success`, or `fail` with the status that says why.
type Answer = (StatusCode, &'static str);

const fn fail(status: StatusCode) -> Answer {
    (status, "fail")
}

/// The body as `Bytes`, not `Json`: the signature is over the raw bytes, and parsed and written again they would be others.
async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return fail(rejection.status()),
    };
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = webhook::Headers {
        id: header(headers::WEBHOOK_ID),
        timestamp: header(headers::WEBHOOK_TIMESTAMP),
        signature: header(headers::WEBHOOK_SIGNATURE),
    };
    if webhook::verify(&signed, &body, &receiver.secrets, now_s(), webhook::TOLERANCE_S).is_err() {
        return fail(StatusCode::UNAUTHORIZED);
    }
    let Some((kind, key, data)) = read(&body) else {
        return fail(StatusCode::BAD_REQUEST);
    };
    if matches!(kind, "call" | "inbound") && !receiver.sign_fits(&data) {
        return fail(StatusCode::UNAUTHORIZED);
    }
    let webhook_id = signed.id.unwrap_or_default().to_owned();
    // The disk must not hold up the runtime. If it fails, the callback comes again.
    let stored = spawn_blocking(move || receiver.inbox.store(&webhook_id, kind, key.as_deref(), &body)).await;
    match stored {
        Ok(Ok(())) => (StatusCode::OK, "success"),
        Ok(Err(error)) => {
            eprintln!("the inbox cannot be written: {error}");
            fail(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_) => fail(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What came, the key whose events have an order, and `data.data`; `None` for what is no callback. Only the ids are asked for:
/// all other fields can be null, absent or new, and of any type.
fn read(body: &[u8]) -> Option<(&'static str, Option<String>, Value)> {
    let mut envelope: Value = serde_json::from_slice(body).ok()?;
    let callback = envelope.get_mut("data")?;
    let data = callback.get_mut("data").map(Value::take)?;
    // The names of the first version, and of the second (`profile` v2).
    let data_type = callback
        .get("dataType")
        .or_else(|| callback.get("callbackType"))?;
    let call = data
        .get("sceneInstance")
        .or_else(|| data.get("callInstance"))
        .filter(|call| !call.is_null());
    let (kind, name, holder, id) = match (data_type.as_str()?, call) {
        ("CALL_INSTANCE_RESULT", Some(call)) => ("call", "call", call, "callInstanceId"),
        // A correction belongs to its call, so that the two have one key.
        ("CALL_INSTANCE_RESULT", None) => (
            "correction",
            "call",
            data.pointer("/taskResult/0")?,
            "sceneInstanceId",
        ),
        ("INBOUND_CALL_INSTANCE_RESULT", call) => ("inbound", "inbound", call?, "inboundInstanceId"),
        ("JOB_INFO_RESULT", _) => ("job", "job", &data, "callJobId"),
        // A kind of the future: kept, since a refusal would only bring it again.
        _ => return Some(("unknown", None, data)),
    };
    let (company_id, id) = (holder.get("companyId")?.as_i64()?, holder.get(id)?.as_i64()?);
    Some((kind, Some(format!("{name}/{company_id}/{id}")), data))
}

impl Receiver {
    /// The platform's own `sign`, which does not cover the body: a second check, never the only one. Version two has none.
    fn sign_fits(&self, data: &Value) -> bool {
        let Some((app_key, app_secret)) = &self.app else {
            return true;
        };
        let text = |name| data.get(name).and_then(Value::as_str).unwrap_or_default();
        data.get("callInstance").is_some()
            || sign::verify(app_key, app_secret, text("dateTime"), text("sign"))
    }
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// What `process` was called with, for `ringback conformance`. Not for production: it asks for no credentials.
async fn journal(State(receiver): State<Arc<Receiver>>) -> Result<String, StatusCode> {
    let processed = spawn_blocking(move || receiver.inbox.processed()).await;
    let Ok(Ok(processed)) = processed else {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let line = |(webhook_id, kind): (String, String)| {
        serde_json::json!({"webhookId": webhook_id, "kind": kind, "processed": true}).to_string() + "\n"
    };
    Ok(processed.into_iter().map(line).collect())
}
