//! Many seeds, on every core, until one fails.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Builder};

use crate::{Failure, Options, Report, StoreKind, run};

/// Which seeds to run, and on which stores.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Each seed runs on each of these.
    pub stores: Vec<StoreKind>,
    /// What the runs are made of; the store is set for each.
    pub options: Options,
}

impl Campaign {
    /// Runs the seeds; `progress` hears of each that held. Answers the sum of the reports, or the first failure that was
    /// met.
    ///
    /// # Errors
    /// A seed failed.
    pub fn run(&self, progress: &(dyn Fn(u64) + Sync)) -> Result<Report, Failure> {
        let next = AtomicU64::new(0);
        let held = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let outcome = Mutex::new(Ok(Report::default()));
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= self.seeds {
                    return;
                }
                let result = self.run_seed(self.from.saturating_add(nth));
                let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                match (result, outcome.as_mut()) {
                    (Ok(report), Ok(sum)) => {
                        sum.add(&report);
                        progress(held.fetch_add(1, Ordering::Relaxed) + 1);
                    }
                    (Err(failure), Ok(_)) => {
                        *outcome = Err(failure);
                        stop.store(true, Ordering::Relaxed);
                    }
                    (_, Err(_)) => {}
                }
            }
        };
        thread::scope(|scope| {
            let cores = thread::available_parallelism().map_or(1, NonZero::get);
            for _ in 1..cores {
                // Without another thread this one does the work.
                let _ = Builder::new().name("seeds".to_owned()).spawn_scoped(scope, work);
            }
            work();
        });
        outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_seed(&self, seed: u64) -> Result<Report, Failure> {
        let mut sum = Report::default();
        for store in &self.stores {
            let options = Options {
                store: *store,
                ..self.options.clone()
            };
            sum.add(&run(seed, &options)?);
        }
        Ok(sum)
    }
}
