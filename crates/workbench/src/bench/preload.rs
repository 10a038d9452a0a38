//! Fills a store with events through the API, in batches, and says how far it has come.

use std::time::Duration;

use ringback_server::clock::{self, Clock, RealClock};

use super::BenchError;
use super::load::Load;
use super::pace::Pace;
use super::service::Service;
use super::stage::Stage;
use super::template::Companies;

/// Events per request.
const BATCH: u64 = 32;
/// Requests at once: enough for a commit to gather while another is under way.
const CONNECTIONS: usize = 8;
/// Requests per load.
const REQUESTS: u64 = 256;
/// How often it says how far it has come.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// A load's window, which its number of requests ends long before.
const WINDOW_MS: u32 = 3_600_000;

/// Sends at least so many events of these companies to the service; answers how many it took, which is all of them.
pub(super) async fn preload(
    stage: &mut Stage<'_>,
    service: &Service,
    companies: Companies,
    events: u64,
    progress: &mut impl FnMut(&str),
) -> Result<u64, BenchError> {
    let begin_us = RealClock.boot_us();
    let mut told_us = begin_us;
    let mut taken = 0;
    while taken < events {
        let requests = (events - taken).div_ceil(BATCH).min(REQUESTS);
        let load = Load {
            companies,
            batch: BATCH,
            connections: CONNECTIONS,
            id_offset: stage.take_ids(requests * BATCH),
            warmup_ms: 0,
            window_ms: WINDOW_MS,
            requests: Some(requests),
            ..stage.load(service.url("/v1/calls"), Some(service.token()), Pace::Closed)
        };
        let (summary, _) = stage.drive(load, &[]).await?;
        if !summary.failures.is_empty() {
            return Err(BenchError::Refused {
                failures: summary.failures,
            });
        }
        taken += summary.events;
        let now_us = RealClock.boot_us();
        if now_us >= clock::after(told_us, TOLD_EVERY) {
            told_us = now_us;
            let seconds = (now_us - begin_us) as f64 / 1e6;
            let rate = taken as f64 / seconds;
            let left = events.saturating_sub(taken) as f64 / rate;
            progress(&format!(
                "  {taken} of {events} events are in the store, {rate:.0}/s, about {left:.0} s to go"
            ));
        }
    }
    Ok(taken)
}
