//! A channel against a receiver on loopback, on virtual time: grouped, paced, tried again, given up.

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use ringback_contract::webhook::{self, Headers};
use ringback_core::alert::{Alert, Condition, Detail, Notice, Occasion, Severity};
use ringback_core::time::Millis;
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::alerts::{Hidden, Receipt, Said};
use crate::api::Language;
use crate::clock::test::TestClock;
use crate::outbound::{AddressPolicy, Options};
use crate::tasks;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// One message as it came, by the boot clock.
struct Came {
    at_us: i64,
    headers: http::HeaderMap,
    query: Option<String>,
    body: Bytes,
}

/// A receiver that answers 200 with one text after the other, the last again and again.
async fn receiver(clock: Arc<TestClock>, answers: &'static [&'static str]) -> (String, mpsc::Receiver<Came>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/robot?key=k0", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel(64);
    let count = Arc::new(StdMutex::new(0));
    tasks::spawn_detached(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (tell, count, clock) = (tell.clone(), Arc::clone(&count), Arc::clone(&clock));
            let answer = service_fn(move |request: Request<Incoming>| {
                let (tell, count, at_us) = (tell.clone(), Arc::clone(&count), clock.boot_us());
                async move {
                    let (parts, body) = request.into_parts();
                    let came = Came {
                        at_us,
                        headers: parts.headers,
                        query: parts.uri.query().map(str::to_owned),
                        body: body.collect().await?.to_bytes(),
                    };
                    tell.send(came).await.ok();
                    let mut count = count.lock().unwrap();
                    let text = answers[answers.len().min(*count + 1) - 1];
                    *count += 1;
                    Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from_static(text.as_bytes()))))
                }
            });
            tasks::spawn_detached(async move {
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    (url, told)
}

struct Rig {
    clock: Arc<TestClock>,
    metrics: Arc<Metrics>,
    queue: Queue,
    items: mpsc::Receiver<Item>,
    told: Arc<StdMutex<BTreeSet<i64>>>,
}

impl Rig {
    fn new(clock: Arc<TestClock>, allow: &str, window_ms: u64, destination: Destination) -> Self {
        let metrics = Arc::new(Metrics::new([]));
        let tools = Tools {
            outbound: Outbound::new(Options {
                policy: AddressPolicy::new(vec![allow.parse().unwrap()]),
                ..Options::new(Arc::clone(&clock) as _)
            })
            .unwrap(),
            clock: Arc::clone(&clock) as _,
            metrics: Arc::clone(&metrics),
            tls_ca: None,
            window: Duration::from_millis(window_ms),
            zone: TimeZone::UTC,
        };
        let settings = ChannelSettings {
            name: "ops".to_owned(),
            language: Language::English,
            least: Severity::Warning,
            companies: None,
            destination,
        };
        let (queue, items) = Channel::queued(Source::Configuration(settings), tools);
        Self {
            clock,
            metrics,
            queue,
            items,
            told: Arc::default(),
        }
    }

    /// Leaves a notice about the parked events of a company, which is the number of its alert as well.
    fn leave(&self, company_id: i64) {
        self.queue.leave(Item {
            said: Arc::new(said(Some(company_id), Severity::Warning)),
            _receipt: Arc::new(Receipt {
                alert: company_id,
                told: Arc::clone(&self.told),
            }),
        });
    }

    fn run(self) -> (Arc<TestClock>, Arc<Metrics>, Arc<StdMutex<BTreeSet<i64>>>) {
        tasks::spawn_detached(self.queue.channel.run(self.items));
        (self.clock, self.metrics, self.told)
    }
}

fn said(company_id: Option<i64>, severity: Severity) -> Said {
    Said {
        notice: Notice {
            occasion: Occasion::Opened,
            alert: Alert {
                id: company_id.unwrap_or(1),
                condition: Condition::ParkedGrowing,
                company_id,
                endpoint: None,
                severity,
                level: 1,
                since: Millis(1_790_000_000_000),
                count: 3,
                uncounted: 3,
                detail: Detail::Plain,
                notices: 1,
                noticed: None,
                told: false,
                ended: None,
            },
        },
        pending: None,
    }
}

fn test() -> Content {
    Content::Test("ops".to_owned(), Box::new(said(Some(151), Severity::Warning)))
}

fn wecom(url: &str) -> Destination {
    Destination::WeCom {
        url: Hidden::new(url.to_owned()),
    }
}

#[tokio::test]
async fn what_gathers_in_the_window_is_one_message() {
    let clock = Arc::new(TestClock::new());
    let (url, mut came) = receiver(Arc::clone(&clock), &[r#"{"errcode":0}"#]).await;
    let rig = Rig::new(clock, "127.0.0.0/8", 30_000, wecom(&url));
    rig.leave(151);
    rig.leave(152);
    let (clock, metrics, told) = rig.run();
    clock.sleepers(1).await;
    assert!(came.try_recv().is_err());
    clock.advance(30_000);
    let message = came.recv().await.unwrap();
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    let text = body["text"]["content"].as_str().unwrap();
    assert!(text.starts_with("[ringback] 2 alert(s)\n\n"), "{text}");
    assert!(text.contains("company 151: 3 more event(s) parked") && text.contains("company 152"));
    while told.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(metrics.alerts.messages_sent.get(), 1);
}

#[tokio::test]
async fn a_message_that_fails_is_sent_again_and_then_given_up() {
    let clock = Arc::new(TestClock::new());
    let (url, mut came) = receiver(Arc::clone(&clock), &[r#"{"errcode":45009,"errmsg":"freq"}"#]).await;
    let rig = Rig::new(clock, "127.0.0.0/8", 0, wecom(&url));
    rig.leave(151);
    let channel = Arc::clone(&rig.queue.channel);
    let (clock, metrics, told) = rig.run();
    came.recv().await.unwrap();
    for wait in limits::ALERT_RETRIES_MS {
        assert_eq!(
            (metrics.alerts.messages_failed.get(), told.lock().unwrap().len()),
            (0, 0)
        );
        until_judged(&channel, &clock).await;
        clock.advance(u32::try_from(wait).unwrap());
        came.recv().await.unwrap();
    }
    while metrics.alerts.messages_failed.get() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(metrics.alerts.messages_sent.get(), 0);
    // Nobody waits for it any more: it counts as told, or it would be told for ever.
    while told.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// Waits until a message is no longer on its way: what sleeps then is the wait before the next try.
async fn until_judged(channel: &Channel, clock: &TestClock) {
    while channel.last_us.try_lock().is_err() {
        tokio::task::yield_now().await;
    }
    clock.sleepers(1).await;
}

#[tokio::test]
async fn messages_keep_the_pace_of_the_robot() {
    let clock = Arc::new(TestClock::new());
    let (url, mut came) = receiver(Arc::clone(&clock), &[r#"{"errcode":0}"#]).await;
    let rig = Rig::new(clock, "127.0.0.0/8", 0, wecom(&url));
    let content = test();
    assert_eq!(rig.queue.channel.send(&content).await.problem, None);
    let first = came.recv().await.unwrap().at_us;
    let (channel, again) = (Arc::clone(&rig.queue.channel), content.clone());
    let sending = tasks::spawn("test", async move { channel.send(&again).await });
    rig.clock.sleepers(1).await;
    assert!(came.try_recv().is_err());
    rig.clock.advance(3_100);
    assert_eq!(sending.await.unwrap().problem, None);
    let second = came.recv().await.unwrap().at_us;
    // 20 a minute are 3 s from one to the next.
    assert!(second - first >= 3_000_000, "{}", second - first);
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let clock = Arc::new(TestClock::new());
    let rig = Rig::new(clock, "127.0.0.0/8", 0, wecom("http://127.0.0.1:9/"));
    for company_id in 0..limits::ALERT_QUEUE as i64 + 3 {
        rig.leave(company_id);
    }
    assert_eq!(rig.metrics.alerts.notices_dropped.get(), 3);
}

#[tokio::test]
async fn the_address_policy_holds_for_alerts() {
    let clock = Arc::new(TestClock::new());
    let rig = Rig::new(clock, "10.0.0.0/8", 0, wecom("http://127.0.0.1:9/?key=hidden"));
    let problem = rig.queue.channel.send(&test()).await.problem;
    assert_eq!(
        problem.as_deref(),
        Some("blocked: the host has a loopback address; RINGBACK_OUTBOUND_ALLOW can admit it")
    );
}

#[tokio::test]
async fn a_webhook_is_signed_by_the_standard_webhooks() {
    let clock = Arc::new(TestClock::new());
    let (url, mut came) = receiver(Arc::clone(&clock), &["whatever"]).await;
    let destination = Destination::Webhook {
        url: Hidden::new(url),
        secret: Some(Hidden::new(SECRET.to_owned())),
    };
    let rig = Rig::new(clock, "127.0.0.0/8", 0, destination);
    let content = Content::Alerts(vec![said(Some(151), Severity::Warning)]);
    assert_eq!(rig.queue.channel.send(&content).await.problem, None);
    let message = came.recv().await.unwrap();
    let header = |name: &str| message.headers.get(name).and_then(|value| value.to_str().ok());
    let headers = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let now_s = rig.clock.wall_ms() / 1_000;
    let secrets = [Secret::parse(SECRET).unwrap()];
    assert_eq!(
        webhook::verify(&headers, &message.body, &secrets, now_s, webhook::TOLERANCE_S),
        Ok(())
    );
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["alerts"][0]["companyId"]),
        (&"ringback.alerts".into(), &151.into())
    );
}

#[tokio::test]
async fn dingtalk_gets_its_signature_in_the_query() {
    let clock = Arc::new(TestClock::new());
    let (url, mut came) = receiver(Arc::clone(&clock), &[r#"{"errcode":0}"#]).await;
    let destination = Destination::DingTalk {
        url: Hidden::new(url),
        secret: Some(Hidden::new("SECx".to_owned())),
    };
    let rig = Rig::new(clock, "127.0.0.0/8", 0, destination);
    assert_eq!(rig.queue.channel.send(&test()).await.problem, None);
    let query = came.recv().await.unwrap().query.unwrap();
    let expected = format!("key=k0&timestamp={}&sign=", rig.clock.wall_ms());
    assert!(query.starts_with(&expected), "{query}");
}

type Change = fn(&mut ChannelSettings);

#[test]
fn channels_get_what_they_ask_for() {
    let everything = |_: &mut ChannelSettings| ();
    let one_company = |settings: &mut ChannelSettings| settings.companies = Some([151].into());
    let critical = |settings: &mut ChannelSettings| settings.least = Severity::Critical;
    let cases: [(Change, Option<i64>, Severity, bool); 7] = [
        (everything, Some(151), Severity::Warning, true),
        (everything, None, Severity::Critical, true),
        (one_company, Some(151), Severity::Warning, true),
        (one_company, Some(152), Severity::Critical, false),
        (one_company, None, Severity::Critical, false),
        (critical, Some(151), Severity::Warning, false),
        (critical, None, Severity::Critical, true),
    ];
    for (at, (change, company_id, severity, expected)) in cases.into_iter().enumerate() {
        let mut settings = ChannelSettings {
            name: "ops".to_owned(),
            language: Language::English,
            least: Severity::Warning,
            companies: None,
            destination: wecom("http://127.0.0.1:9/"),
        };
        change(&mut settings);
        let alert = said(company_id, severity).notice.alert;
        assert_eq!(settings.wants(&alert), expected, "case {at}");
    }
}
