//! What a huge backlog costs: `ringback bench --scale`.
//!
//! Two backlogs are measured, each with a store of its own, by default of ten million pending deliveries:
//!
//! - **wide**: one company with ten endpoints, a million events to each;
//! - **scattered**: a hundred companies with a hundred endpoints each, a thousand events to each of the 10,000.
//!
//! Their receiver answers each send with 503, so all of it stays pending and due, behind breakers that probe. Beside
//! them is one company more with a good receiver; its calls are the hot path.
//!
//! A pair is two phases on the hot path, in a closed loop: with an empty store, and with the backlog beside it. Before
//! the second the service is killed (SIGKILL) and started again; from the start of the process to the first send that
//! reaches a receiver is the time of the start. Then the phase waits until the breakers are open and probes are few.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ringback_server::clock::{self, Clock, RealClock};
use serde_json::json;

mod report;

pub use report::ScaleReport;

use super::pace::Pace;
use super::preload::preload;
use super::role::Command;
use super::service::{Service, pause};
use super::stage::{Flow, Stage, Through};
use super::template::Companies;
use super::{BenchError, BenchOptions};

/// The receiver of the backlog, as a path.
const REFUSING: &str = "/status/503";
/// How long the first send may stay out before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a phase waits at most until probes are few.
const QUIET_WITHIN: Duration = Duration::from_secs(240);
/// A breaker that stays open probes once per minute; this allows for some more.
const PROBES_PER_ENDPOINT_AND_S: f64 = 1.0 / 40.0;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct ScaleOptions {
    /// The binary, the lengths of phases, connections and directory; the rest has no effect.
    pub bench: BenchOptions,
    /// How many pairs of phases for each backlog.
    pub pairs: usize,
    /// How many deliveries are pending.
    pub backlog: u64,
}

/// How a backlog is spread over endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name in reports.
    pub name: &'static str,
    /// Companies.
    pub companies: u64,
    /// Endpoints of each company; each gets every event of the company.
    pub endpoints: u64,
}

/// The backlogs that are measured.
pub const SHAPES: [Shape; 2] = [
    Shape {
        name: "wide",
        companies: 1,
        endpoints: 10,
    },
    Shape {
        name: "scattered",
        companies: 100,
        endpoints: 100,
    },
];

impl Shape {
    /// Endpoints of all companies together.
    #[must_use]
    pub const fn endpoints_in_all(self) -> u64 {
        self.companies * self.endpoints
    }

    const fn ids(self) -> Companies {
        Companies {
            first: 1_001,
            count: self.companies,
        }
    }
}

/// What was measured with one backlog.
#[derive(Clone, Debug)]
pub struct Scale {
    /// How it was spread.
    pub shape: Shape,
    /// Deliveries that were pending.
    pub pending: u64,
    /// Events per second while it was filled.
    pub filled_per_s: f64,
    /// Bytes of the store with the backlog, its log included.
    pub disk_bytes: u64,
    /// The most memory that the service had resident while it was filled, in bytes.
    pub filling_rss_bytes: u64,
    /// A phase on an empty store and one beside the backlog.
    pub pairs: Vec<Pair>,
}

/// A phase on an empty store and one beside the backlog.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The hot path of an empty store.
    pub empty: Through,
    /// The hot path beside the backlog.
    pub beside: Through,
    /// From the start of the process, after a kill, to the first send that reached a receiver, in microseconds.
    pub first_send_us: i64,
    /// From the start of the process until the backlog was quiet, in microseconds.
    pub quiet_us: i64,
    /// Sends per second to the receiver of the backlog before the phase began.
    pub probes_per_s: f64,
    /// The most memory that the service beside the backlog had resident, in bytes.
    pub peak_rss_bytes: u64,
}

/// Measures what huge backlogs cost. `progress` is told what begins.
///
/// # Errors
/// [`BenchError`]. Events that are lost or repeated are no error here: see [`ScaleReport::is_sound`].
pub async fn scale(
    options: &ScaleOptions,
    mut progress: impl FnMut(&str),
) -> Result<ScaleReport, BenchError> {
    let mut found = Vec::new();
    let mut store_in_memory = false;
    for shape in SHAPES {
        // Each backlog has a place of its own, which is removed before the next is filled.
        let mut site = Site {
            stage: Stage::set(&options.bench).await?,
            options,
            shape,
        };
        store_in_memory |= site.stage.workplace.is_in_memory();
        found.push(site.measure(&mut progress).await?);
    }
    Ok(ScaleReport::new(found, store_in_memory))
}

/// Everything that the measurement of one backlog holds.
struct Site<'a> {
    stage: Stage<'a>,
    options: &'a ScaleOptions,
    shape: Shape,
}

impl Site<'_> {
    async fn measure(&mut self, progress: &mut impl FnMut(&str)) -> Result<Scale, BenchError> {
        let shape = self.shape;
        let empty = self.start("empty").await?;
        self.configure_hot(&empty).await?;
        empty.kill().await?;
        let (filled_per_s, events, filling_rss_bytes) = self.fill(progress).await?;
        let disk_bytes =
            size(&self.stage.workplace.path().join("backlog/store")).map_err(BenchError::Workplace)?;
        let mut pairs = Vec::new();
        for number in 1..=self.options.pairs.max(1) {
            let pairs_in_all = self.options.pairs.max(1);
            progress(&format!("{}: pair {number} of {pairs_in_all}", shape.name));
            let empty = self.empty().await?;
            let pair = self.beside(empty).await?;
            progress(&format!("  {pair}"));
            pairs.push(pair);
        }
        Ok(Scale {
            shape,
            pending: events * shape.endpoints,
            filled_per_s,
            disk_bytes,
            filling_rss_bytes,
            pairs,
        })
    }

    async fn start(&self, store: &str) -> Result<Service, BenchError> {
        let directory = self.stage.workplace.path().join(store);
        fs::create_dir_all(&directory).map_err(BenchError::Workplace)?;
        Service::start(&self.options.bench.exe, &directory).await
    }

    /// Configures the company of the hot path.
    async fn configure_hot(&self, service: &Service) -> Result<(), BenchError> {
        let company = Companies::SAMPLE.first;
        service.put_company(company).await?;
        let settings = json!({ "maxInFlight": self.options.bench.connections });
        let url = self.stage.receiver.url("/")?;
        service.put_endpoint(company, "receiver", &url, settings).await
    }

    /// Fills a store with the backlog, and kills its service: events per second, events, and the peak of memory.
    async fn fill(&mut self, progress: &mut impl FnMut(&str)) -> Result<(f64, u64, u64), BenchError> {
        let Shape { name, endpoints, .. } = self.shape;
        let events = self.options.backlog.div_ceil(endpoints);
        let in_all = self.shape.endpoints_in_all();
        progress(&format!(
            "{name}: {in_all} endpoints, {events} events to {endpoints} each"
        ));
        let service = self.start("backlog").await?;
        self.configure_hot(&service).await?;
        let url = self.stage.receiver.url(REFUSING)?;
        for company in self.shape.ids().ids() {
            service.put_company(company).await?;
            for endpoint in 0..endpoints {
                let name = format!("refusing-{endpoint}");
                service.put_endpoint(company, &name, &url, json!({})).await?;
            }
        }
        let begin_us = RealClock.boot_us();
        let taken = preload(&mut self.stage, &service, self.shape.ids(), events, progress).await?;
        let seconds = (RealClock.boot_us() - begin_us).max(1) as f64 / 1e6;
        let peak_rss_bytes = service.usage()?.peak_rss_bytes;
        service.kill().await?;
        Ok((taken as f64 / seconds, taken, peak_rss_bytes))
    }

    async fn empty(&mut self) -> Result<Through, BenchError> {
        let service = self.start("empty").await?;
        let empty = self.hot(&service).await?;
        service.kill().await?;
        Ok(empty)
    }

    async fn hot(&mut self, service: &Service) -> Result<Through, BenchError> {
        let flow = Flow::of(Pace::Closed, Companies::SAMPLE);
        self.stage.through(service, flow).await
    }

    /// Starts the service on the store with the backlog, which was killed, and measures its start and its hot path.
    async fn beside(&mut self, empty: Through) -> Result<Pair, BenchError> {
        self.stage.receiver.order(&Command::Reset { note: false }).await?;
        let service = self.start("backlog").await?;
        let first_us = self.first_send().await?;
        let probes_per_s = self.quiet().await?;
        let quiet_us = RealClock.boot_us() - service.started_us();
        let beside = self.hot(&service).await?;
        let peak_rss_bytes = service.usage()?.peak_rss_bytes;
        let first_send_us = first_us - service.started_us();
        service.kill().await?;
        Ok(Pair {
            empty,
            beside,
            first_send_us,
            quiet_us,
            probes_per_s,
            peak_rss_bytes,
        })
    }

    /// When the first send reached a receiver.
    async fn first_send(&mut self) -> Result<i64, BenchError> {
        let until = clock::after(RealClock.boot_us(), PATIENCE);
        while RealClock.boot_us() < until {
            if let Some(first_us) = self.stage.receiver.seen().await?.first_us {
                return Ok(first_us);
            }
            pause().await;
        }
        Err(BenchError::Role {
            role: "receiver",
            why: format!("nothing came within {} s of a start", PATIENCE.as_secs()),
        })
    }

    /// Waits until sends to the backlog's receiver are as few as open breakers allow, or for long enough: answers how
    /// many there are per second.
    async fn quiet(&mut self) -> Result<f64, BenchError> {
        let quiet = 5.0 + self.shape.endpoints_in_all() as f64 * PROBES_PER_ENDPOINT_AND_S;
        let until = clock::after(RealClock.boot_us(), QUIET_WITHIN);
        let (mut before, mut before_us) = (self.refused().await?, RealClock.boot_us());
        loop {
            // Longer than one interval of most probes, and long enough to count few.
            RealClock
                .sleep_until(clock::after(before_us, Duration::from_secs(5)))
                .await;
            let (now, now_us) = (self.refused().await?, RealClock.boot_us());
            let per_s = (now - before) as f64 / ((now_us - before_us).max(1) as f64 / 1e6);
            if per_s <= quiet || now_us >= until {
                return Ok(per_s);
            }
            (before, before_us) = (now, now_us);
        }
    }

    async fn refused(&mut self) -> Result<u64, BenchError> {
        let seen = self.stage.receiver.seen().await?;
        Ok(seen.elsewhere.get(REFUSING).copied().unwrap_or_default())
    }
}

/// Bytes of the files of a directory.
fn size(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
