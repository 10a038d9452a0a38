//! What a benchmark is staged with: a driver, a receiver and a place for files; and how a load goes through a service.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringback_server::clock::{self, Clock, RealClock};
use ringback_server::random;

use super::load::{Load, Summary};
use super::pace::Pace;
use super::part::Part;
use super::process::usage;
use super::role::{Command, Event, Role};
use super::service::{Service, pause};
use super::template::Companies;
use super::timings::{self, Arrival, Delivered, Sent};
use super::{BenchError, BenchOptions};

/// How long deliveries may stand still before the rest counts as lost.
const STANDSTILL: Duration = Duration::from_secs(20);
/// How many ids a load of unknown length sets aside, so that no event looks like a repetition of an earlier one.
const IDS_ASIDE: u64 = 100_000_000;

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
pub(super) struct Workplace {
    path: PathBuf,
}

impl Workplace {
    fn new(parent: &Path) -> io::Result<Self> {
        let name = &random::token()[..12];
        let path = parent.join(format!("ringback-bench-{name}"));
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is on a file system that keeps everything in memory.
    pub(super) fn is_in_memory(&self) -> bool {
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

/// Driver, receiver and a place for files.
pub(super) struct Stage<'a> {
    options: &'a BenchOptions,
    pub(super) workplace: Workplace,
    pub(super) driver: Part,
    pub(super) receiver: Part,
    ids_taken: u64,
}

/// A load through a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) pace: Pace,
    /// Events per request.
    pub(super) batch: u64,
    /// Whose calls.
    pub(super) companies: Companies,
    /// The first so many companies are looked at; what becomes of the calls of the others is not. With several events
    /// per request all must be.
    pub(super) watched: u64,
}

impl Flow {
    /// Calls of one company or several, all of which are looked at, one per request.
    pub(super) const fn of(pace: Pace, companies: Companies) -> Self {
        Self {
            pace,
            batch: 1,
            companies,
            watched: companies.count,
        }
    }

    const fn watches(&self, request: &Sent) -> bool {
        self.companies.of(request.first_id) < self.companies.first + self.watched
    }
}

impl<'a> Stage<'a> {
    /// Starts driver and receiver.
    pub(super) async fn set(options: &'a BenchOptions) -> Result<Self, BenchError> {
        let parent = options.directory.clone().unwrap_or_else(std::env::temp_dir);
        let workplace = Workplace::new(&parent).map_err(BenchError::Workplace)?;
        Ok(Self {
            driver: Part::start(&options.exe, Role::Driver).await?,
            receiver: Part::start(&options.exe, Role::Receiver).await?,
            workplace,
            options,
            ids_taken: 0,
        })
    }

    /// Sets ids aside: the offset of the first.
    pub(super) const fn take_ids(&mut self, count: u64) -> u64 {
        let first = self.ids_taken;
        self.ids_taken += count;
        first
    }

    /// A load of the sample's calls, by the options.
    pub(super) fn load(&self, url: String, token: Option<&str>, pace: Pace) -> Load {
        Load {
            url,
            token: token.map(str::to_owned),
            connections: self.options.connections,
            pace,
            companies: Companies::SAMPLE,
            batch: 1,
            id_offset: 0,
            warmup_ms: self.options.warmup_ms,
            window_ms: self.options.window_ms,
            requests: None,
            note: false,
        }
    }

    /// Drives a load; tells what was found, and the CPU time that each process took in the window.
    pub(super) async fn drive(
        &mut self,
        load: Load,
        pids: &[u32],
    ) -> Result<(Summary, Vec<u64>), BenchError> {
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

    /// A load through the service, until everything watched that was accepted has arrived and is settled.
    pub(super) async fn through(&mut self, service: &Service, flow: Flow) -> Result<Through, BenchError> {
        self.receiver.order(&Command::Reset { note: true }).await?;
        let load = Load {
            companies: flow.companies,
            batch: flow.batch,
            id_offset: self.take_ids(IDS_ASIDE),
            note: true,
            ..self.load(service.url("/v1/calls"), Some(service.token()), flow.pace)
        };
        let (summary, cpu) = self.drive(load, &[service.pid()]).await?;
        let mut sent: Vec<Sent> =
            timings::read(&self.workplace.path.join("sent")).map_err(BenchError::Timings)?;
        sent.retain(|request| flow.watches(request));
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
        self.settle(service, accepted, flow).await?;
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
    async fn settle(&mut self, service: &Service, accepted: u64, flow: Flow) -> Result<(), BenchError> {
        let mut watched = flow
            .companies
            .ids()
            .take_while(|company| *company < flow.companies.first + flow.watched);
        let mut company = watched.next();
        let mut seen = 0;
        let mut until = clock::after(RealClock.boot_us(), STANDSTILL);
        while RealClock.boot_us() < until {
            let received = self.receiver.seen().await?.received;
            if received > seen {
                (seen, until) = (received, clock::after(RealClock.boot_us(), STANDSTILL));
            }
            if received >= accepted {
                // Nothing new comes: a company that is settled stays so.
                while let Some(unsettled) = company
                    && service.is_settled(unsettled).await?
                {
                    company = watched.next();
                }
                if company.is_none() {
                    return Ok(());
                }
            }
            pause().await;
        }
        Ok(())
    }
}
