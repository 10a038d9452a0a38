//! Many callbacks: so many, at a rate or as fast as the receiver takes them.

use std::sync::{Arc, Mutex, PoisonError};

use ringback_contract::kind::Kind;
use ringback_server::clock::Clock;
use ringback_server::tasks;
use tokio::sync::mpsc;

use super::bodies::{Bodies, Body};
use super::report::Summary;
use super::{Options, Report, Sender, TriggerError};

/// How many callbacks, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Many {
    /// How many.
    pub count: u32,
    /// How many a second are begun at most, more than 0; as fast as the receiver answers where it is not set.
    pub per_second: Option<f64>,
    /// How many are under way at a time, at least 1.
    pub in_flight: u16,
}

/// The bodies of a run and how many have been taken, shared by those who send them.
struct Queue {
    bodies: Bodies,
    taken: u32,
    of: Many,
    started_us: i64,
}

impl Queue {
    /// The next body and when it is due on the boot clock; `None` after the last.
    fn next(&mut self, wall_ms: i64) -> Option<(i64, Result<Body, TriggerError>)> {
        if self.taken >= self.of.count {
            return None;
        }
        let due_us = due_us(self.started_us, self.taken, self.of.per_second);
        self.taken += 1;
        Some((due_us, self.bodies.next(wall_ms)))
    }
}

/// When the callback with this place, from 0, is due.
fn due_us(started_us: i64, place: u32, per_second: Option<f64>) -> i64 {
    let Some(per_second) = per_second else {
        return started_us;
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number of microseconds; `as` stays within the type for the smallest rate as well"
    )]
    let after_us = (f64::from(place) * 1_000_000.0 / per_second) as i64;
    started_us.saturating_add(after_us)
}

/// Sends many callbacks of this kind to `url`. `each` is told of every one as it ends.
///
/// # Errors
/// [`TriggerError`] when one could not be sent for a reason on this side; those under way are let go then.
pub async fn many(
    kind: Kind,
    url: &str,
    options: &Options,
    of: Many,
    clock: Arc<dyn Clock>,
    mut each: impl FnMut(&Report),
) -> Result<Summary, TriggerError> {
    let started_us = clock.boot_us();
    let sender = Arc::new(Sender::new(url, options, Arc::clone(&clock))?);
    let queue = Arc::new(Mutex::new(Queue {
        bodies: Bodies::new(kind, options, of.count)?,
        taken: 0,
        of,
        started_us,
    }));
    let (tell, mut told) = mpsc::channel(usize::from(of.in_flight.max(1)));
    for _ in 0..of.in_flight.max(1) {
        let (sender, queue, tell) = (Arc::clone(&sender), Arc::clone(&queue), tell.clone());
        drop(tasks::spawn("trigger", work(sender, queue, tell)));
    }
    drop(tell);
    let mut summary = Summary::default();
    while let Some(report) = told.recv().await {
        let report = report?;
        each(&report);
        summary.add(&report);
    }
    summary.took_ms = clock.boot_us().saturating_sub(started_us) / 1000;
    Ok(summary)
}

/// Sends one callback after another, until there is none left or nobody listens.
async fn work(
    sender: Arc<Sender>,
    queue: Arc<Mutex<Queue>>,
    tell: mpsc::Sender<Result<Report, TriggerError>>,
) {
    loop {
        let next = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.next(sender.clock.wall_ms())
        };
        let Some((due_us, body)) = next else { return };
        let report = match body {
            Ok(body) => {
                sender.clock.sleep_until(due_us).await;
                sender.send(body).await
            }
            Err(error) => Err(error),
        };
        let is_over = report.is_err();
        if tell.send(report).await.is_err() || is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_due_by_the_rate() {
        for (place, per_second, due) in [
            (0, Some(50.0), 7),
            (1, Some(50.0), 20_007),
            (100, Some(50.0), 2_000_007),
            (1, Some(0.5), 2_000_007),
            (9, None, 7),
        ] {
            assert_eq!(due_us(7, place, per_second), due, "{place} {per_second:?}");
        }
    }
}
