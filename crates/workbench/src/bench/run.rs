//! One run of the benchmark: its phases, one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringback_server::clock::{self, Clock, RealClock};
use ringback_server::random;

use super::load::{Load, Summary};
use super::pace::Pace;
use super::part::{Part, Service, pause};
use super::process::usage;
use super::role::{Command, Event, Role};
use super::timings::{self, Arrival, Delivered, Sent};
use super::{BenchError, BenchOptions};

/// How long deliveries may stand still before the rest counts as lost.
const STANDSTILL: Duration = Duration::from_secs(20);

/// Where the ids of each phase begin, so that no event looks like a repetition of an earlier one.
const IDS_APART: u64 = 20_000_000_000;

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

/// What went through the service in one phase.
#[derive(Clone, Debug)]
pub struct Through {
    /// Events accepted per second of the window.
    pub accepted: f64,
    /// Events accepted and delivered per second of the window: the lower of both rates.
    pub e2e: f64,
    /// CPU of the service per event.
    pub cpu_us: f64,
    /// What became of the events.
    pub delivered: Delivered,
    /// What intake answered besides success, with how often.
    pub failures: BTreeMap<String, u64>,
}

/// A directory that is removed with all it holds.
struct Workplace {
    path: PathBuf,
}

impl Workplace {
    fn new(parent: &Path) -> io::Result<Self> {
        let name = &random::token()[..12];
        let path = parent.join(format!("ringback-bench-{name}"));
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// Whether it is on a file system that keeps everything in memory.
    fn is_in_memory(&self) -> bool {
        const TMPFS: i64 = 0x0102_1994;
        rustix::fs::statfs(&self.path).is_ok_and(|found| found.f_type == TMPFS)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What cannot be removed is a leftover in a directory for temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

struct Bench<'a> {
    options: &'a BenchOptions,
    workplace: Workplace,
    driver: Part,
    receiver: Part,
}

/// Does one run.
pub(super) async fn run(options: &BenchOptions, progress: &mut impl FnMut(&str)) -> Result<Run, BenchError> {
    let parent = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let workplace = Workplace::new(&parent).map_err(BenchError::Workplace)?;
    let mut bench = Bench {
        driver: Part::start(&options.exe, Role::Driver).await?,
        receiver: Part::start(&options.exe, Role::Receiver).await?,
        workplace,
        options,
    };
    progress("(a) driver → receiver");
    let (raw, raw_cpu_us) = bench.raw().await?;
    let service = Service::start(&options.exe, &bench.workplace.path).await?;
    service
        .configure(&bench.receiver.url()?, options.connections)
        .await?;
    progress("(b) driver → service → receiver, at saturation");
    let saturated = bench.through(&service, Pace::Closed, 1, 0).await?;
    progress("(c) driver → service → receiver, open loop");
    let open = bench.through(&service, Pace::Open(options.rate), 1, 1).await?;
    let batch = if options.batch > 1 {
        progress("(d) driver → service → receiver, in batches");
        Some(bench.through(&service, Pace::Closed, options.batch, 2).await?)
    } else {
        None
    };
    let peak_rss_bytes = usage(service.pid()).map_err(BenchError::Usage)?.peak_rss_bytes;
    service.stop().await?;
    let store_in_memory = bench.workplace.is_in_memory();
    Ok(Run {
        raw,
        raw_cpu_us,
        saturated,
        open,
        batch,
        peak_rss_bytes,
        store_in_memory,
    })
}

impl Bench<'_> {
    fn load(&self, url: String, token: Option<&str>, pace: Pace) -> Load {
        Load {
            url,
            token: token.map(str::to_owned),
            connections: self.options.connections,
            pace,
            batch: 1,
            id_offset: 0,
            warmup_ms: self.options.warmup_ms,
            window_ms: self.options.window_ms,
            requests: None,
            note: false,
        }
    }

    /// Drives a load; tells what was found, and the CPU time that each process took in the window.
    async fn drive(&mut self, load: Load, pids: &[u32]) -> Result<(Summary, Vec<u64>), BenchError> {
        let path = self.workplace.path.join("sent");
        self.driver
            .tell(&Command::Drive {
                load: Box::new(load),
                path,
            })
            .await?;
        let cpu = || -> Result<Vec<u64>, BenchError> {
            let used = pids
                .iter()
                .map(|pid| Ok(usage(*pid)?.cpu_us))
                .collect::<io::Result<_>>();
            used.map_err(BenchError::Usage)
        };
        let (mut before, mut after) = (vec![0; pids.len()], vec![0; pids.len()]);
        loop {
            match self.driver.next().await? {
                Event::Begun => before = cpu()?,
                Event::Ended => after = cpu()?,
                Event::Driven { summary } => {
                    let taken = after
                        .iter()
                        .zip(before)
                        .map(|(after, before)| after.saturating_sub(before));
                    return Ok((*summary, taken.collect()));
                }
                other => return Err(self.driver.unexpected(other)),
            }
        }
    }

    /// (a): requests per second, and the CPU time of both processes per request.
    async fn raw(&mut self) -> Result<(f64, f64), BenchError> {
        let load = self.load(self.receiver.url()?, None, Pace::Closed);
        let pids = [self.driver.pid(), self.receiver.pid()];
        let (summary, cpu) = self.drive(load, &pids).await?;
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

    /// A load through the service, until everything that was accepted has arrived and is settled.
    async fn through(
        &mut self,
        service: &Service,
        pace: Pace,
        batch: u64,
        phase: u64,
    ) -> Result<Through, BenchError> {
        self.receiver.order(&Command::Reset { note: true }).await?;
        let load = Load {
            batch,
            id_offset: phase * IDS_APART,
            note: true,
            ..self.load(service.url("/v1/calls"), Some(service.token()), pace)
        };
        let (summary, cpu) = self.drive(load, &[service.pid()]).await?;
        let sent: Vec<Sent> =
            timings::read(&self.workplace.path.join("sent")).map_err(BenchError::Timings)?;
        let accepted = sent
            .iter()
            .filter(|request| request.accepted)
            .map(|request| request.events)
            .sum();
        if accepted == 0 {
            return Err(BenchError::Refused {
                failures: summary.failures,
            });
        }
        self.settle(service, accepted).await?;
        let path = self.workplace.path.join("arrivals");
        self.receiver.order(&Command::Dump { path: path.clone() }).await?;
        let arrivals: Vec<Arrival> = timings::read(&path).map_err(BenchError::Timings)?;
        let delivered = timings::join(&sent, &arrivals, summary.window);
        let through = delivered.arrived_in_window.min(delivered.accepted_in_window);
        Ok(Through {
            accepted: delivered.accepted_in_window as f64 / summary.window.seconds(),
            e2e: through as f64 / summary.window.seconds(),
            cpu_us: cpu.iter().sum::<u64>() as f64 / through.max(1) as f64,
            delivered,
            failures: summary.failures,
        })
    }

    /// Waits until as many callbacks as events were accepted have arrived, and none is pending; or until nothing has
    /// moved for a while.
    async fn settle(&mut self, service: &Service, accepted: u64) -> Result<(), BenchError> {
        let mut seen = 0;
        let mut until = clock::after(RealClock.boot_us(), STANDSTILL);
        while RealClock.boot_us() < until {
            let received = self.receiver.count().await?;
            if received > seen {
                (seen, until) = (received, clock::after(RealClock.boot_us(), STANDSTILL));
            }
            if received >= accepted && service.is_settled().await? {
                return Ok(());
            }
            pause().await;
        }
        Ok(())
    }
}
