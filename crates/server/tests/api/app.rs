//! The API in process, and requests to it.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use ringback_core::store::Write;
use ringback_server::alerts::AlertSettings;
use ringback_server::api::{self, ApiState};
use ringback_server::clock::Clock;
use ringback_server::clock::test::TestClock;
use ringback_server::config::{Config, OperatorToken};
use ringback_server::outbound::{AddressPolicy, Options, Outbound};
use ringback_server::telemetry::Metrics;
use ringback_server::trace::Tracer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Lab, Receiver};

/// The operator's token in these tests.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The API over a running service.
pub(crate) struct TestApp {
    pub(crate) lab: Lab,
    pub(crate) state: Arc<ApiState>,
    router: TowerToHyperService<axum::Router>,
    dir: TempDir,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; null where there is none.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The JSON body, of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The last part of the type of a problem with this status.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.expect(status);
        assert_eq!(problem["status"], status);
        let slug = problem["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:ringback:problem:");
        slug.unwrap().to_owned()
    }
}

impl TestApp {
    pub(crate) fn start() -> Self {
        Self::start_with(AlertSettings::default())
    }

    pub(crate) fn start_with(alerts: AlertSettings) -> Self {
        Self::on(
            tempfile::tempdir().unwrap(),
            Arc::new(TestClock::new()),
            alerts,
            Tracer::default(),
        )
    }

    /// With what tells the way of events.
    pub(crate) fn start_traced(clock: Arc<TestClock>, tracer: Tracer) -> Self {
        Self::on(
            tempfile::tempdir().unwrap(),
            clock,
            AlertSettings::default(),
            tracer,
        )
    }

    /// Ends it in order and starts it again on the same store, at the same time.
    pub(crate) async fn restart_with(self, alerts: AlertSettings) -> Self {
        let Self { lab, state, dir, .. } = self;
        state.alerts().finish().await;
        let (running, clock) = (lab.running, lab.clock);
        drop(state);
        running.shut_down().await;
        Self::on(dir, clock, alerts, Tracer::default())
    }

    fn on(dir: TempDir, clock: Arc<TestClock>, alerts: AlertSettings, tracer: Tracer) -> Self {
        let lab = Lab::start_traced(&dir, clock, tracer);
        let clock: Arc<dyn Clock> = Arc::clone(&lab.clock) as _;
        let outbound = Outbound::new(Options {
            policy: AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]),
            ..Options::new(Arc::clone(&clock))
        });
        let config = Config {
            operator_token: OperatorToken::new(TOKEN),
            alerts,
            ..Config::default()
        };
        let metrics = Arc::new(Metrics::new(api::ROUTES));
        let state = ApiState::new(lab.service.clone(), outbound.unwrap(), metrics, clock, &config);
        let state = Arc::new(state);
        let router = TowerToHyperService::new(api::router(Arc::clone(&state)));
        Self {
            lab,
            state,
            router,
            dir,
        }
    }

    /// A company with an endpoint called `erp` for every kind at a new receiver, which repeats after one and two seconds.
    pub(crate) async fn with_receiver(company_id: i64) -> (Self, Receiver) {
        let app = Self::start();
        let receiver = app.add_receiver(company_id).await;
        (app, receiver)
    }

    /// Adds such a company and its receiver.
    pub(crate) async fn add_receiver(&self, company_id: i64) -> Receiver {
        let receiver = Receiver::start().await;
        self.put(&format!("/v1/companies/{company_id}"), json!({}))
            .await
            .expect(201);
        self.put_endpoint(company_id, "erp", &receiver.url).await;
        receiver
    }

    pub(crate) async fn put_endpoint(&self, company_id: i64, name: &str, url: &str) -> Value {
        let path = format!("/v1/companies/{company_id}/endpoints/{name}");
        let body = json!({
            "url": url, "callbacks": ["call", "correction", "inbound", "job"],
            "schedule": {"gaps": ["1s", "2s"], "maxAge": "1m"},
        });
        self.put(&path, body).await.expect(201)
    }

    /// Sends a request just as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Sends a request with the operator's token and these headers.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, &[], Body::empty()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, path, &JSON, body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.request(Method::POST, path, &JSON, body).await
    }

    /// Waits until an event's first delivery is in this state, as the API shows it.
    pub(crate) async fn until(&self, event_id: &str, state: &str) -> Value {
        let path = format!("/v1/events/{event_id}");
        loop {
            let event = self.get(&path).await.expect(200);
            if event["deliveries"][0]["state"] == state {
                return event;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Until the driver has noted what the store shows. A commit is read a moment before the driver hears of it; a write
    /// that is answered after it is answered by the driver.
    pub(crate) async fn noted(&self) {
        let nothing = Write::PutAlerts(Vec::new());
        self.lab.service.write(nothing).await.unwrap();
    }
}

pub(crate) const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A call in its least form.
pub(crate) fn call(company_id: i64, call_instance_id: i64) -> String {
    json!({"sceneInstance": {"companyId": company_id, "callInstanceId": call_instance_id}}).to_string()
}
