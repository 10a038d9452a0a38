//! Traces: spans from intake to acknowledgement at a collector on loopback, and the context at the receiver.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ringback_server::clock::Clock;
use ringback_server::clock::test::TestClock;
use ringback_server::tasks;
use ringback_server::telemetry::Metrics;
use ringback_server::trace::{self, Exporter, Tracer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::app::{TestApp, call};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What a collector got, with the means to answer it with a status.
struct Told {
    path: String,
    headers: HeaderMap,
    body: Value,
    answer: oneshot::Sender<u16>,
}

/// A collector that answers what the test says.
struct Collector {
    url: String,
    told: mpsc::Receiver<Told>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, told) = mpsc::channel(1024);
        tasks::spawn_detached(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sender = sender.clone();
                let answer = service_fn(move |request| take(sender.clone(), request));
                tasks::spawn_detached(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { url, told }
    }

    /// Takes whatever comes until the exporter is done, and answers the spans.
    async fn finish(mut self, exporter: Exporter) -> Vec<Value> {
        let finishing = tasks::spawn("test", exporter.finish());
        let mut spans = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some(told) = self.told.recv() => {
                    spans.extend(spans_of(&told.body));
                    told.answer.send(200).unwrap();
                }
                () = async { while !finishing.is_finished() { tokio::task::yield_now().await } } => return spans,
            }
        }
    }
}

async fn take(
    sender: mpsc::Sender<Told>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    let body = request.into_body().collect().await?.to_bytes();
    let (answer, answered) = oneshot::channel();
    let told = Told {
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap(),
        answer,
    };
    sender.send(told).await.ok();
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = answered.await.unwrap_or(500).try_into().unwrap();
    Ok(response)
}

fn spans_of(body: &Value) -> Vec<Value> {
    body["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap()
        .clone()
}

/// A tracer that tells this collector everything, or only what it must.
fn tracer(url: &str, sample: f64, clock: &Arc<TestClock>) -> (Tracer, Exporter, Arc<Metrics>) {
    let collector = trace::Collector {
        address: url.parse().unwrap(),
        sample,
        tls_ca: None,
    };
    let metrics = Arc::new(Metrics::new([]));
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let (tracer, exporter) = Tracer::start(collector, clock, Arc::clone(&metrics)).unwrap();
    (tracer, exporter, metrics)
}

/// The attributes of a span, flat.
fn attributes(span: &Value) -> Value {
    let pairs = span["attributes"].as_array().unwrap().iter().map(|attribute| {
        let value = attribute["value"].as_object().unwrap().values().next().unwrap();
        (attribute["key"].as_str().unwrap().to_owned(), value.clone())
    });
    Value::Object(pairs.collect())
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().unwrap().to_owned())
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], body: String) -> Value {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    app.request(Method::POST, path, &all, body).await.expect(202)
}

/// The span of a send below the intake's, and its context at the receiver.
#[track_caller]
fn check_send(spans: &[Value], n: u32, received: &HeaderMap, outcome: &str) {
    let intake = named(spans, "POST /v1/calls")[0];
    let sends = named(spans, "send");
    let is_it = |span: &&&Value| attributes(span)["ringback.send.n"] == json!(n.to_string());
    let span = sends.iter().find(is_it).unwrap();
    assert_eq!(
        (&span["kind"], &span["parentSpanId"]),
        (&json!(3), &intake["spanId"])
    );
    let found = attributes(span);
    assert_eq!(found["ringback.send.outcome"], outcome);
    assert_eq!(found["ringback.endpoint.name"], "erp");
    assert_eq!(found["network.peer.address"], "127.0.0.1");
    assert_eq!(found["http.response.status_code"], "200");
    assert_eq!(span.get("status").is_some(), outcome != "acknowledged");
    let own = span["spanId"].as_str().unwrap();
    assert_eq!(
        text(received, "traceparent"),
        Some(format!("00-{TRACE}-{own}-01"))
    );
    assert_eq!(text(received, "tracestate").as_deref(), Some("vendor=1,other=2"));
}

#[tokio::test]
async fn a_trace_goes_from_intake_to_acknowledgement() {
    let (collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, metrics) = tracer(&collector.url, 0.0, &clock);
    let app = TestApp::start_traced(clock, tracer);
    let mut receiver = app.add_receiver(7).await;
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let body = json!({"sceneInstance": {
        "companyId": 7, "callInstanceId": 70, "customerTelephone": "13712345678", "customerName": "nobody-else",
    }});
    let headers = [
        ("traceparent", parent.as_str()),
        ("tracestate", "vendor=1"),
        ("tracestate", "other=2"),
    ];
    let accepted = post(&app, "/v1/calls", &headers, body.to_string()).await;
    let event_id = accepted["eventId"].as_str().unwrap();
    let first = receiver.next().await;
    first.answer.send("not yet").unwrap();
    loop {
        let event = app.get(&format!("/v1/events/{event_id}")).await.expect(200);
        if event["deliveries"][0]["sends"] == 1 && !event["deliveries"][0]["nextSendAt"].is_null() {
            break;
        }
        tokio::task::yield_now().await;
    }
    app.lab.clock.advance(1_000);
    let second = receiver.next().await;
    second.answer.send("success").unwrap();
    app.until(event_id, "delivered").await;
    let spans = collector.finish(exporter).await;
    assert_eq!(metrics.traces.exported.get(), spans.len() as u64);
    assert_eq!(spans.len(), 4, "{spans:#?}");
    for span in &spans {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(span["traceState"], "vendor=1,other=2");
        let at = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(at("startTimeUnixNano") >= 1_767_225_600_000_000_000, "{span}");
        assert!(at("endTimeUnixNano") >= at("startTimeUnixNano"), "{span}");
    }
    let intake = named(&spans, "POST /v1/calls")[0];
    assert_eq!(
        (&intake["kind"], &intake["parentSpanId"]),
        (&json!(2), &json!(SPAN))
    );
    let expected = json!({
        "http.request.method": "POST", "http.route": "/v1/calls", "http.response.status_code": "202",
        "ringback.event.kind": "call", "ringback.company.id": "7", "ringback.event.id": event_id,
        "ringback.event.replayed": false,
    });
    assert_eq!(attributes(intake), expected);
    let commit = named(&spans, "commit")[0];
    assert_eq!(commit["parentSpanId"], intake["spanId"]);
    assert_eq!(attributes(commit)["ringback.event.id"], event_id);
    check_send(&spans, 1, &first.headers, "not-acknowledged");
    check_send(&spans, 2, &second.headers, "acknowledged");
    let all = Value::Array(spans.clone()).to_string();
    for secret in ["13712345678", "nobody-else", "callback", "whsec", "Bearer"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_resend_begins_a_trace_that_names_the_event() {
    let (collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, _) = tracer(&collector.url, 1.0, &clock);
    let app = TestApp::start_traced(clock, tracer);
    let mut receiver = app.add_receiver(7).await;
    let accepted = post(&app, "/v1/calls", &[], call(7, 70)).await;
    let (event_id, delivery) = (
        accepted["eventId"].as_str().unwrap(),
        &accepted["deliveries"][0]["deliveryId"],
    );
    receiver.next().await.answer.send("success").unwrap();
    app.until(event_id, "delivered").await;
    let resend = format!("/v1/deliveries/{}/resend", delivery.as_str().unwrap());
    assert_eq!(app.post(&resend, "").await.status / 100, 2);
    receiver.next().await.answer.send("success").unwrap();
    let spans = loop_until_sends(&app, event_id, collector, exporter).await;
    let sends = named(&spans, "send");
    let roots: Vec<_> = sends
        .iter()
        .filter(|span| span.get("parentSpanId").is_none())
        .collect();
    assert_eq!((sends.len(), roots.len()), (2, 1), "{spans:#?}");
    assert_ne!(sends[0]["traceId"], sends[1]["traceId"]);
    assert_eq!(attributes(roots[0])["ringback.event.id"], event_id);
    assert!(named(&spans, "POST /v1/calls")[0].get("parentSpanId").is_none());
}

/// Waits until both deliveries of an event are delivered, and answers the spans.
async fn loop_until_sends(
    app: &TestApp,
    event_id: &str,
    collector: Collector,
    exporter: Exporter,
) -> Vec<Value> {
    let path = format!("/v1/events/{event_id}");
    loop {
        let event = app.get(&path).await.expect(200);
        let deliveries = event["deliveries"].as_array().unwrap();
        if deliveries.iter().all(|delivery| delivery["state"] == "delivered") {
            return collector.finish(exporter).await;
        }
        tokio::task::yield_now().await;
    }
}

/// What the receiver gets for a request with this flag, and how many spans are told.
async fn check_flag(flags: &str, sample: f64, passed_on: &str, told: usize) {
    let (collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, _) = tracer(&collector.url, sample, &clock);
    let app = TestApp::start_traced(clock, tracer);
    let mut receiver = app.add_receiver(7).await;
    let parent = format!("00-{TRACE}-{SPAN}-{flags}");
    let accepted = post(&app, "/v1/calls", &[("traceparent", &parent)], call(7, 70)).await;
    let received = receiver.next().await;
    let found = text(&received.headers, "traceparent").unwrap();
    assert!(
        found.starts_with(&format!("00-{TRACE}-")) && found.ends_with(passed_on),
        "{found}"
    );
    assert!(!found.contains(SPAN), "{found}");
    assert_eq!(text(&received.headers, "tracestate"), None);
    received.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    assert_eq!(collector.finish(exporter).await.len(), told, "{flags}");
}

#[tokio::test]
async fn whoever_traces_already_decides() {
    check_flag("00", 1.0, "-00", 0).await;
    check_flag("01", 0.0, "-01", 3).await;
}

#[tokio::test]
async fn without_a_collector_nothing_is_passed_on() {
    let (app, mut receiver) = TestApp::with_receiver(7).await;
    let parent = format!("00-{TRACE}-{SPAN}-01");
    post(
        &app,
        "/v1/calls",
        &[("traceparent", &parent), ("tracestate", "vendor=1")],
        call(7, 70),
    )
    .await;
    let received = receiver.next().await;
    assert_eq!(text(&received.headers, "traceparent"), None);
    assert_eq!(text(&received.headers, "tracestate"), None);
}

#[tokio::test]
async fn the_events_of_a_batch_share_its_span() {
    let (collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, _) = tracer(&collector.url, 1.0, &clock);
    let app = TestApp::start_traced(clock, tracer);
    let lines = format!("{}\n{}\n", call(7, 70), call(7, 71));
    let media = [("content-type", "application/x-ndjson")];
    let answer = app.request(Method::POST, "/v1/calls", &media, lines).await;
    assert_eq!(answer.status, 200);
    let spans = collector.finish(exporter).await;
    let (intake, commits) = (named(&spans, "POST /v1/calls"), named(&spans, "commit"));
    assert_eq!((intake.len(), commits.len()), (1, 2), "{spans:#?}");
    for commit in commits {
        assert_eq!(commit["parentSpanId"], intake[0]["spanId"]);
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_an_error() {
    let (collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, _) = tracer(&collector.url, 1.0, &clock);
    let app = TestApp::start_traced(clock, tracer);
    app.lab
        .faults
        .once
        .store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(app.post("/v1/calls", call(7, 70)).await.status, 503);
    let spans = collector.finish(exporter).await;
    for (name, expected) in [("POST /v1/calls", "503"), ("commit", "store-failed")] {
        let span = named(&spans, name)[0];
        assert_eq!(span["status"]["code"], 2, "{name}");
        assert_eq!(attributes(span)["error.type"], expected);
    }
}

#[tokio::test]
async fn a_batch_of_spans_that_is_not_taken_is_told_again() {
    // A clock of its own: nobody but the exporter waits for it.
    let (mut collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, metrics) = tracer(&format!("{}/v1/traces", collector.url), 1.0, &clock);
    let app = TestApp::start_traced(Arc::new(TestClock::new()), tracer);
    post(&app, "/v1/calls", &[], call(7, 70)).await;
    clock.sleepers(1).await;
    clock.advance(1_000);
    let first = collector.told.recv().await.unwrap();
    assert_eq!(first.path, "/v1/traces");
    assert_eq!(
        text(&first.headers, "content-type").as_deref(),
        Some("application/json")
    );
    assert_eq!(text(&first.headers, "webhook-id"), None);
    let finishing = tasks::spawn("test", exporter.finish());
    tokio::task::yield_now().await;
    first.answer.send(503).unwrap();
    let second = collector.told.recv().await.unwrap();
    assert_eq!(second.body, first.body);
    second.answer.send(200).unwrap();
    finishing.await.unwrap();
    assert_eq!(metrics.traces.exported.get(), spans_of(&second.body).len() as u64);
    assert_eq!(metrics.traces.failed.get(), 0);
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_dead_costs_its_spans_only() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let clock = Arc::new(TestClock::new());
    let (tracer, exporter, metrics) = tracer(&dead, 1.0, &clock);
    let app = TestApp::start_traced(Arc::new(TestClock::new()), tracer);
    let mut receiver = app.add_receiver(7).await;
    let accepted = post(&app, "/v1/calls", &[], call(7, 70)).await;
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    exporter.finish().await;
    assert_eq!(
        (metrics.traces.exported.get(), metrics.traces.failed.get()),
        (0, 3)
    );
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_neither_events_nor_the_end() {
    let (mut collector, clock) = (Collector::start().await, Arc::new(TestClock::new()));
    let (tracer, exporter, _) = tracer(&collector.url, 1.0, &clock);
    let app = TestApp::start_traced(Arc::new(TestClock::new()), tracer);
    let mut receiver = app.add_receiver(7).await;
    post(&app, "/v1/calls", &[], call(7, 70)).await;
    clock.sleepers(1).await;
    clock.advance(1_000);
    let hanging = collector.told.recv().await.unwrap();
    receiver.next().await.answer.send("success").unwrap();
    let accepted = post(&app, "/v1/calls", &[], call(7, 71)).await;
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    let finishing = tasks::spawn("test", exporter.finish());
    // The limit of the exchange, and that of the end.
    clock.sleepers(2).await;
    clock.advance(3_000);
    finishing.await.unwrap();
    drop(hanging);
}
