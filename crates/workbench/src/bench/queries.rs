//! How long the API's queries take over many stored events: `ringback bench --queries`.
//!
//! The store is filled through the API with calls of a hundred companies, by default five million, each with one endpoint
//! whose receiver acknowledges. All of them have one phone number and, within a company, one job: for those two it is the
//! worst that can be. When everything is delivered each query is asked many times, one request at a time, with other ids
//! each time where it names one. An answer that ended before its time is followed by its cursor when the same is asked again, as
//! its reader would. Counted is the whole request, on a connection of its own.

use std::collections::HashMap;
use std::fmt;

use http::StatusCode;
use ringback_server::clock::{Clock, RealClock};
use serde_json::{Value, json};

use super::figure::rounded;
use super::preload::preload;
use super::service::{Service, pause};
use super::stage::Stage;
use super::template::{Companies, FIRST_ID};
use super::{BenchError, BenchOptions};

/// Whose calls are stored.
const COMPANIES: Companies = Companies {
    first: 1_001,
    count: 100,
};
/// What the 99th percentile of each query is to stay below, in milliseconds.
const GOAL_MS: f64 = 100.0;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct QueriesOptions {
    /// The binary and the directory; the rest has no effect.
    pub bench: BenchOptions,
    /// How many events are stored.
    pub events: u64,
    /// How often each query is asked.
    pub rounds: u64,
}

/// What one query took.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its name in reports.
    pub name: &'static str,
    /// Each request, in milliseconds, the shortest first.
    pub times_ms: Vec<f64>,
    /// Answers that ended before their time because the query looked at too much.
    pub partial: u64,
}

impl Asked {
    /// A percentile of its times, in milliseconds.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.times_ms.len().saturating_sub(1);
        let nth = (self.times_ms.len() * percent).div_ceil(100).saturating_sub(1);
        self.times_ms.get(nth.min(last)).copied().unwrap_or_default()
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct QueriesReport {
    events: u64,
    asked: Vec<Asked>,
}

impl QueriesReport {
    /// Whether every query stayed below the goal.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.asked.iter().all(|asked| asked.percentile(99) < GOAL_MS)
    }

    /// The figures as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let asked = self.asked.iter().map(|asked| {
            json!({
                "query": asked.name,
                "p50Ms": rounded(asked.percentile(50), 2),
                "p99Ms": rounded(asked.percentile(99), 2),
                "maxMs": rounded(asked.percentile(100), 2),
                "partial": asked.partial,
            })
        });
        json!({ "events": self.events, "queries": asked.collect::<Vec<_>>() })
    }
}

impl fmt::Display for QueriesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events stored; milliseconds per request", self.events)?;
        writeln!(
            f,
            "{:<42} {:>8} {:>8} {:>8}  partial",
            "query", "p50", "p99", "max"
        )?;
        for asked in &self.asked {
            writeln!(
                f,
                "{:<42} {:>8.2} {:>8.2} {:>8.2}  {}",
                asked.name,
                asked.percentile(50),
                asked.percentile(99),
                asked.percentile(100),
                asked.partial,
            )?;
        }
        Ok(())
    }
}

/// Measures the API's queries. `progress` is told what begins.
///
/// # Errors
/// [`BenchError`].
pub async fn queries(
    options: &QueriesOptions,
    mut progress: impl FnMut(&str),
) -> Result<QueriesReport, BenchError> {
    let mut stage = Stage::set(&options.bench).await?;
    let directory = stage.workplace.path().join("queries");
    std::fs::create_dir_all(&directory).map_err(BenchError::Workplace)?;
    let service = Service::start(&options.bench.exe, &directory).await?;
    let url = stage.receiver.url("/")?;
    for company in COMPANIES.ids() {
        service.put_company(company).await?;
        service.put_endpoint(company, "receiver", &url, json!({})).await?;
    }
    progress(&format!("filling the store with {} events", options.events));
    let events = preload(&mut stage, &service, COMPANIES, options.events, &mut progress).await?;
    progress("waiting until all of them are delivered");
    for company in COMPANIES.ids() {
        while !service.is_settled(company).await? {
            pause().await;
        }
    }
    let sample = Sample::take(&service).await?;
    let mut asked = Vec::new();
    for (name, path) in QUERIES {
        progress(name);
        asked.push(
            ask(
                &service,
                name,
                |round| path(&sample, events, round),
                options.rounds,
            )
            .await?,
        );
    }
    service.stop().await?;
    Ok(QueriesReport { events, asked })
}

/// An event and a delivery that are there, and when the newest event was accepted.
struct Sample {
    event: String,
    delivery: String,
    phone: String,
    job: String,
}

impl Sample {
    async fn take(service: &Service) -> Result<Self, BenchError> {
        let company = COMPANIES.first + COMPANIES.count / 2;
        let (_, list) = service
            .get(&format!("/v1/deliveries?companyId={company}&limit=1"))
            .await?;
        let event = &list["items"][0]["event"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&event["eventId"]);
        let (_, whole) = service.get(&format!("/v1/events/{id}")).await?;
        let scene = &whole["body"]["data"]["data"]["sceneInstance"];
        Ok(Self {
            delivery: text(&list["items"][0]["deliveryId"]),
            phone: text(&scene["customerTelephone"]),
            job: scene["callJobId"].to_string(),
            event: id,
        })
    }
}

/// The path of a query: of the sample, the number of events and the round.
type Path = fn(&Sample, u64, u64) -> String;

/// The queries that are measured.
const QUERIES: [(&str, Path); 15] = [
    ("GET /v1/events/{id}", |sample, _, _| {
        format!("/v1/events/{}", sample.event)
    }),
    ("GET /v1/deliveries/{id}", |sample, _, _| {
        format!("/v1/deliveries/{}", sample.delivery)
    }),
    ("GET /v1/calls/{id}", |_, events, round| {
        let (id, company) = call(events, round);
        format!("/v1/calls/{id}?companyId={company}")
    }),
    ("events of a call", |_, events, round| {
        let (id, company) = call(events, round);
        format!("/v1/events?companyId={company}&callInstanceId={id}")
    }),
    ("events of a call, company not named", |_, events, round| {
        format!("/v1/events?callInstanceId={}", call(events, round).0)
    }),
    ("events of a job", |sample, _, round| {
        format!("/v1/events?companyId={}&callJobId={}", company(round), sample.job)
    }),
    ("events of a phone number", |sample, _, _| {
        format!("/v1/events?phone={}", sample.phone)
    }),
    ("events of a company, 7 days", |_, _, round| {
        format!("/v1/events?companyId={}", company(round))
    }),
    ("events of a company, 500 to a page", |_, _, round| {
        format!("/v1/events?companyId={}&limit=500", company(round))
    }),
    ("events of a company, a filter finds none", |_, _, round| {
        format!("/v1/events?companyId={}&outcome=refused", company(round))
    }),
    ("deliveries of a company, 7 days", |_, _, round| {
        format!("/v1/deliveries?companyId={}", company(round))
    }),
    ("deliveries of a company, a filter finds none", |_, _, round| {
        format!("/v1/deliveries?companyId={}&outcome=refused", company(round))
    }),
    ("deliveries of a company that are exhausted", |_, _, round| {
        format!("/v1/deliveries?companyId={}&state=exhausted", company(round))
    }),
    ("reconciliation of a company, 7 days", |_, _, round| {
        format!("/v1/reconciliation?companyId={}", company(round))
    }),
    ("audit log of a company", |_, _, round| {
        format!("/v1/audit?companyId={}", company(round))
    }),
];

/// Another company each round.
const fn company(round: u64) -> u64 {
    COMPANIES.first + round % COMPANIES.count
}

/// Another call each round, spread over all that are stored, and its company.
const fn call(events: u64, round: u64) -> (u64, u64) {
    const STRIDE: u64 = 7_919_999;
    let id = FIRST_ID + round.wrapping_mul(STRIDE) % events;
    (id, COMPANIES.of(id))
}

async fn ask(
    service: &Service,
    name: &'static str,
    path: impl Fn(u64) -> String,
    rounds: u64,
) -> Result<Asked, BenchError> {
    let mut asked = Asked {
        name,
        times_ms: Vec::new(),
        partial: 0,
    };
    let mut cursors: HashMap<String, String> = HashMap::new();
    for round in 0..rounds {
        let first = path(round);
        let path = match cursors.remove(&first) {
            Some(cursor) => format!("{first}&cursor={cursor}"),
            None => first.clone(),
        };
        let begin_us = RealClock.boot_us();
        let (status, body) = service.get(&path).await?;
        asked.times_ms.push((RealClock.boot_us() - begin_us) as f64 / 1e3);
        if status != StatusCode::OK {
            return Err(service.failure(format!("GET {path} was answered {status}: {body}")));
        }
        if body["partial"] == true {
            asked.partial += 1;
            cursors.extend(
                body["nextCursor"]
                    .as_str()
                    .map(|cursor| (first, cursor.to_owned())),
            );
        }
    }
    asked.times_ms.sort_by(f64::total_cmp);
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let asked = |count: u32| Asked {
            name: "",
            times_ms: (1..=count).map(f64::from).collect(),
            partial: 0,
        };
        for (count, percent, expected) in [
            (100, 50, 50.0),
            (100, 99, 99.0),
            (100, 100, 100.0),
            (3, 99, 3.0),
            (0, 50, 0.0),
        ] {
            assert!(
                (asked(count).percentile(percent) - expected).abs() < 1e-9,
                "{count} {percent}"
            );
        }
    }

    #[test]
    fn calls_are_those_that_are_stored() {
        for round in 0..1000 {
            let (id, company) = call(320, round);
            assert!((FIRST_ID..FIRST_ID + 320).contains(&id));
            assert_eq!(company, COMPANIES.of(id));
        }
    }
}
