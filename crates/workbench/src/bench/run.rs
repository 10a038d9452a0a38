//! One run of the benchmark: its phases, one after the other.

use serde_json::json;

use super::pace::Pace;
use super::service::Service;
use super::stage::{Flow, Stage, Through};
use super::template::Companies;
use super::{BenchError, BenchOptions};

/// What one run measured. Rates are per second, CPU times microseconds per event.
#[derive(Clone, Debug)]
pub struct Run {
    /// (a) Requests from the driver straight to the receiver.
    pub raw: f64,
    /// (a) CPU of driver and receiver together.
    pub raw_cpu_us: f64,
    /// (b) End to end at saturation.
    pub saturated: Through,
    /// (c) End to end in an open loop.
    pub open: Through,
    /// End to end at saturation, several events per request.
    pub batch: Option<Through>,
    /// The most memory that the service ever had resident, in bytes.
    pub peak_rss_bytes: u64,
    /// Whether the store was in memory: then nothing here tells what a disk costs.
    pub store_in_memory: bool,
}

impl Run {
    /// What went through the service, phase by phase.
    pub(super) fn throughs(&self) -> impl Iterator<Item = &Through> {
        [Some(&self.saturated), Some(&self.open), self.batch.as_ref()]
            .into_iter()
            .flatten()
    }
}

/// Does one run.
pub(super) async fn run(options: &BenchOptions, progress: &mut impl FnMut(&str)) -> Result<Run, BenchError> {
    let mut stage = Stage::set(options).await?;
    progress("(a) driver → receiver");
    let (raw, raw_cpu_us) = raw(&mut stage).await?;
    let service = Service::start(&options.exe, stage.workplace.path()).await?;
    let company = Companies::SAMPLE.first;
    service.put_company(company).await?;
    let settings = json!({ "maxInFlight": options.connections });
    service
        .put_endpoint(company, "receiver", &stage.receiver.url("/")?, settings)
        .await?;
    let flow = |pace| Flow::of(pace, Companies::SAMPLE);
    progress("(b) driver → service → receiver, at saturation");
    let saturated = stage.through(&service, flow(Pace::Closed)).await?;
    progress("(c) driver → service → receiver, open loop");
    let open = stage.through(&service, flow(Pace::Open(options.rate))).await?;
    let batch = if options.batch > 1 {
        progress("(d) driver → service → receiver, in batches");
        let batches = Flow {
            batch: options.batch,
            ..flow(Pace::Closed)
        };
        Some(stage.through(&service, batches).await?)
    } else {
        None
    };
    let peak_rss_bytes = service.usage()?.peak_rss_bytes;
    service.stop().await?;
    Ok(Run {
        raw,
        raw_cpu_us,
        saturated,
        open,
        batch,
        peak_rss_bytes,
        store_in_memory: stage.workplace.is_in_memory(),
    })
}

/// (a): requests per second, and the CPU time of both processes per request.
async fn raw(stage: &mut Stage<'_>) -> Result<(f64, f64), BenchError> {
    let load = stage.load(stage.receiver.url("/")?, None, Pace::Closed);
    let pids = [stage.driver.pid(), stage.receiver.pid()];
    let (summary, cpu) = stage.drive(load, &pids).await?;
    if !summary.failures.is_empty() {
        return Err(BenchError::Refused {
            failures: summary.failures,
        });
    }
    let events = summary.events.max(1) as f64;
    Ok((
        events / summary.window.seconds(),
        cpu.iter().sum::<u64>() as f64 / events,
    ))
}
