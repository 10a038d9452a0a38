//! What bad receivers cost their neighbours: `ringback bench --neighbours`.
//!
//! A hundred endpoints, each of a company of its own, take calls in turn. Three of them are bad:
//!
//! - **dead**: connecting to it hangs, and every send ends by the time-out of the connection, until its breaker opens;
//! - **late**: it answers `success` after 14 s, a second before the time-out, and so never opens its breaker;
//! - **behind**: so many deliveries are due already, by default a million. Its receiver takes 200 ms for each, which at
//!   the default of 32 sends in flight is 160 per second: whatever else happens, there is always more to read and send.
//!
//! There are two stores, one with the good 97 alone, one with all hundred; both are prepared once. A pair is a phase on
//! each: the service is started, warms up, takes an open loop at a quarter of what the good ones take in a closed loop,
//! and is killed when all events of good endpoints are settled. Each endpoint gets the same rate in both phases, the bad
//! ones their share too. The order within pairs alternates. What counts is the ratio of the 99th percentiles of the good
//! ones' latencies in each pair, and the median of these ratios.

use std::path::{Path, PathBuf};

use serde_json::json;

mod report;

pub use report::NeighboursReport;

use super::deaf::Deaf;
use super::pace::Pace;
use super::preload::preload;
use super::service::Service;
use super::stage::{Flow, Stage, Through};
use super::template::Companies;
use super::{BenchError, BenchOptions};

/// Endpoints, each of a company of its own.
const ENDPOINTS: u64 = 100;
/// Those of them that are good: the first.
const GOOD: u64 = 97;
const FIRST_COMPANY: u64 = 1_001;
/// How late the late receiver answers, as a path at the receiver.
const LATE: &str = "/after/14000";
/// How late the receiver of the backlog answers, as a path at the receiver.
const BEHIND: &str = "/after/200";
/// The open loop runs at this part of capacity.
const PART_OF_CAPACITY: f64 = 0.25;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct NeighboursOptions {
    /// The binary, the lengths of phases, connections and directory; the rest has no effect.
    pub bench: BenchOptions,
    /// How many pairs of phases.
    pub pairs: usize,
    /// How many deliveries of the endpoint that is behind are pending at the beginning.
    pub backlog: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// At saturation, with the good ones alone.
    pub capacity: Through,
    /// Events per second of the open loop, over all hundred endpoints.
    pub rate: u32,
    /// One phase without and one with the bad ones.
    pub pairs: Vec<Pair>,
    /// Deliveries of the endpoint that is behind: pending before the first phase.
    pub backlog: u64,
    /// Whether the stores were in memory: then nothing here tells what a disk costs.
    pub store_in_memory: bool,
}

/// A phase without the bad ones and one with them.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The good ones alone.
    pub without: Phase,
    /// The good ones beside the bad ones.
    pub with: Phase,
}

/// What was found in one phase.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What became of the events of good endpoints.
    pub good: Through,
    /// The most memory that the service ever had resident, in bytes.
    pub peak_rss_bytes: u64,
    /// Sends that reached the receiver of the endpoint that is behind.
    pub drained: u64,
}

/// Measures what bad receivers cost their neighbours. `progress` is told what begins.
///
/// # Errors
/// [`BenchError`]. Events that are lost or repeated are no error here: see [`NeighboursReport::is_sound`].
pub async fn neighbours(
    options: &NeighboursOptions,
    mut progress: impl FnMut(&str),
) -> Result<NeighboursReport, BenchError> {
    let mut street = Street {
        stage: Stage::set(&options.bench).await?,
        deaf: Deaf::new().await.map_err(BenchError::Deaf)?,
        options,
    };
    progress("the good 97 alone, at saturation");
    let capacity = street.capacity().await?;
    let rate = quarter(capacity.e2e);
    progress(&format!("a backlog of {} deliveries", options.backlog));
    let backlog = street.fill(&mut progress).await?;
    let mut pairs = Vec::new();
    for number in 1..=options.pairs.max(1) {
        progress(&format!(
            "pair {number} of {}: open loop at {rate}/s",
            options.pairs.max(1)
        ));
        let pair = if number % 2 == 1 {
            let without = street.phase(Side::Without, rate).await?;
            let with = street.phase(Side::With, rate).await?;
            Pair { without, with }
        } else {
            let with = street.phase(Side::With, rate).await?;
            let without = street.phase(Side::Without, rate).await?;
            Pair { without, with }
        };
        progress(&format!("  {pair}"));
        pairs.push(pair);
    }
    Ok(NeighboursReport::new(Neighbours {
        capacity,
        rate,
        pairs,
        backlog,
        store_in_memory: street.stage.workplace.is_in_memory(),
    }))
}

/// The rate of the open loop over all endpoints, when the good ones take so many at most.
fn quarter(capacity: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate, and no machine takes 2^32 events per second"
    )]
    let rate = (capacity * PART_OF_CAPACITY) as u32;
    rate.max(1)
}

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Without,
    With,
}

impl Side {
    const fn companies(self) -> Companies {
        Companies {
            first: FIRST_COMPANY,
            count: match self {
                Self::Without => GOOD,
                Self::With => ENDPOINTS,
            },
        }
    }

    fn directory(self, workplace: &Path) -> PathBuf {
        workplace.join(match self {
            Self::Without => "without",
            Self::With => "with",
        })
    }

    /// The events per second that give each endpoint its part of `rate`.
    fn rate(self, rate: u32) -> u32 {
        let part = u64::from(rate) * self.companies().count / ENDPOINTS;
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }
}

/// Everything that a run holds.
struct Street<'a> {
    stage: Stage<'a>,
    deaf: Deaf,
    options: &'a NeighboursOptions,
}

impl Street<'_> {
    async fn start(&self, side: Side) -> Result<Service, BenchError> {
        let directory = side.directory(self.stage.workplace.path());
        std::fs::create_dir_all(&directory).map_err(BenchError::Workplace)?;
        Service::start(&self.options.bench.exe, &directory).await
    }

    /// Configures the companies of a side, with one endpoint each.
    async fn configure(&self, service: &Service, side: Side) -> Result<(), BenchError> {
        let receiver = |path| self.stage.receiver.url(path);
        for company in side.companies().ids() {
            let url = match company - FIRST_COMPANY {
                ..GOOD => receiver("/")?,
                GOOD => self.deaf.url(),
                98 => receiver(LATE)?,
                _ => receiver(BEHIND)?,
            };
            service.put_company(company).await?;
            service.put_endpoint(company, "receiver", &url, json!({})).await?;
        }
        Ok(())
    }

    /// Prepares the store without the bad ones, and measures what it takes.
    async fn capacity(&mut self) -> Result<Through, BenchError> {
        let service = self.start(Side::Without).await?;
        self.configure(&service, Side::Without).await?;
        let flow = Flow::of(Pace::Closed, Side::Without.companies());
        let capacity = self.stage.through(&service, flow).await?;
        service.kill().await?;
        Ok(capacity)
    }

    /// Prepares the store with the bad ones: answers how many deliveries of the one that is behind are pending.
    async fn fill(&mut self, progress: &mut impl FnMut(&str)) -> Result<u64, BenchError> {
        let service = self.start(Side::With).await?;
        self.configure(&service, Side::With).await?;
        let behind = Companies {
            first: FIRST_COMPANY + ENDPOINTS - 1,
            count: 1,
        };
        let mut taken = 0;
        let mut pending = 0;
        // While it fills, some are delivered.
        while pending < self.options.backlog {
            let missing = self.options.backlog - pending;
            taken += preload(&mut self.stage, &service, behind, missing, progress).await?;
            pending = taken.saturating_sub(self.drained().await?);
        }
        service.kill().await?;
        Ok(pending)
    }

    /// How many deliveries of the endpoint that is behind have come to its receiver since it was last reset.
    async fn drained(&mut self) -> Result<u64, BenchError> {
        let seen = self.stage.receiver.seen().await?;
        Ok(seen.elsewhere.get(BEHIND).copied().unwrap_or_default())
    }

    async fn phase(&mut self, side: Side, rate: u32) -> Result<Phase, BenchError> {
        let service = self.start(side).await?;
        let flow = Flow {
            watched: GOOD,
            ..Flow::of(Pace::Open(side.rate(rate)), side.companies())
        };
        let good = self.stage.through(&service, flow).await?;
        let peak_rss_bytes = service.usage()?.peak_rss_bytes;
        // What is in flight now is the bad ones', and would keep a shutdown waiting.
        service.kill().await?;
        Ok(Phase {
            good,
            peak_rss_bytes,
            drained: self.drained().await?,
        })
    }
}
