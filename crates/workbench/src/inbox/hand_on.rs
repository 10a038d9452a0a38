//! Handing on: one task for each outlet takes what is due to its target, and records what came of it.
//!
//! It promises that a callback is handed on again only where no confirmation of it was recorded, and that the next one of
//! its key waits until it was confirmed, given up or let go. What is in flight stays so until its end is on disk. A
//! target that is not there at all holds up its outlet, and is nobody's failure; one that refuses a callback holds up
//! that callback's key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_core::limits;
use ringback_server::tasks;
use tokio::sync::{mpsc, watch};

use super::failures::Failures;
use super::outlet::{Outcome, OutletName, Target};
use super::store::{Fault, Settled, Store, Verdict, backoff_ms};
use super::time::Time;

/// How an outlet is doing, to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Doing {
    /// Callbacks in flight.
    pub(super) in_flight: usize,
    /// Why nothing is handed on, and until when.
    pub(super) held: Option<(String, i64)>,
}

/// What the task and its attempts share.
struct Shared {
    store: Store,
    target: Target,
    time: Time,
    give_up_ms: i64,
    doing: Mutex<Doing>,
    failures: Failures,
}

/// An outlet at work.
#[derive(Clone)]
pub(super) struct HandOn {
    shared: Arc<Shared>,
    at_once: usize,
}

/// The end of an attempt.
struct Done {
    numbers: Vec<i64>,
    ended: Ended,
}

enum Ended {
    /// Its end is on disk.
    Recorded,
    /// The target is not there; why.
    Unreachable(String),
    /// The target is gone for good.
    Gone,
}

/// What the task knows between two turns.
struct Turn {
    in_flight: HashSet<i64>,
    attempts: usize,
    /// Failed tries of the whole target in a row.
    unreachable: u32,
    /// When it is tried again.
    until_ms: Option<i64>,
}

impl HandOn {
    pub(super) fn new(store: Store, target: Target, time: Time, at_once: usize, give_up_ms: i64) -> Self {
        Self {
            // A batch is written by one writer.
            at_once: if target.takes_batches() { 1 } else { at_once },
            shared: Arc::new(Shared {
                store,
                target,
                time,
                give_up_ms,
                doing: Mutex::default(),
                failures: Failures::default(),
            }),
        }
    }

    pub(super) fn name(&self) -> OutletName {
        self.shared.target.name()
    }

    pub(super) fn doing(&self) -> Doing {
        self.shared
            .doing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records what an earlier life wrote to files without recording it.
    pub(super) async fn recover(&self) -> Result<(), String> {
        let Target::Files(files) = &self.shared.target else {
            return Ok(());
        };
        let (id, known) = self
            .shared
            .store
            .owned_files()
            .await
            .map_err(|fault| fault.to_string())?;
        let tails = files
            .recover(&id, &known)
            .map_err(|error| format!("--files: {error}"))?;
        for tail in tails {
            let settled = Settled {
                outlet: OutletName::Files,
                numbers: tail.numbers,
                verdict: Verdict::Confirmed,
                file: Some((tail.name, tail.bytes)),
                now_ms: self.shared.time.now_ms(),
                give_up_ms: self.shared.give_up_ms,
            };
            self.shared
                .store
                .settle(settled)
                .await
                .map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    /// Works until `stop` is true; then what is in flight ends. `gone` is told when the target is gone for good.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>, gone: Arc<watch::Sender<bool>>) {
        let mut commits = self.shared.store.commits();
        let (done, mut dones) = mpsc::channel(self.at_once);
        let mut turn = Turn {
            in_flight: HashSet::new(),
            attempts: 0,
            unreachable: 0,
            until_ms: None,
        };
        loop {
            commits.mark_unchanged();
            let stopping = *stop.borrow_and_update();
            if stopping && turn.attempts == 0 {
                return;
            }
            let wake_ms = if stopping {
                None
            } else {
                self.start(&mut turn, &done).await
            };
            self.note(&turn);
            self.shared.say_failures();
            tokio::select! {
                ended = dones.recv() => {
                    let Some(ended) = ended else { return };
                    if self.end(&mut turn, ended) {
                        gone.send_replace(true);
                        return;
                    }
                }
                _ = commits.changed(), if !stopping => {}
                () = self.wait(wake_ms) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn wait(&self, until_ms: Option<i64>) {
        match until_ms {
            Some(until_ms) => self.shared.time.sleep_until(until_ms).await,
            None => std::future::pending().await,
        }
    }

    /// Starts what is due and has room. Returns when to look again, whatever happens before.
    async fn start(&self, turn: &mut Turn, done: &mpsc::Sender<Done>) -> Option<i64> {
        let now_ms = self.shared.time.now_ms();
        if let Some(until_ms) = turn.until_ms.filter(|until_ms| *until_ms > now_ms) {
            return Some(until_ms);
        }
        // One attempt tells whether a target is there again.
        let at_once = if turn.unreachable > 0 { 1 } else { self.at_once };
        let room = at_once.saturating_sub(turn.attempts);
        if room == 0 {
            return None;
        }
        let batch = if self.shared.target.takes_batches() {
            limits::INBOX_BATCH
        } else {
            1
        };
        let most = room * batch + turn.in_flight.len();
        let (due, next_ms) = match self.shared.store.due(self.name(), now_ms, most).await {
            Ok(found) => found,
            Err(fault) => {
                turn.hold(&fault.to_string(), now_ms);
                self.hold(Some((fault.to_string(), turn.until_ms.unwrap_or(now_ms))));
                return turn.until_ms;
            }
        };
        let fresh: Vec<i64> = due
            .into_iter()
            .filter(|number| !turn.in_flight.contains(number))
            .take(room * batch)
            .collect();
        for numbers in fresh.chunks(batch) {
            turn.attempts += 1;
            turn.in_flight.extend(numbers);
            let (shared, done, numbers) = (Arc::clone(&self.shared), done.clone(), numbers.to_vec());
            drop(tasks::spawn("hand-on", async move {
                let ended = shared.attempt(numbers.clone()).await;
                // The task that waits for it may have been cut off.
                let _ = done.send(Done { numbers, ended }).await;
            }));
        }
        next_ms
    }

    /// Whether the target is gone for good.
    fn end(&self, turn: &mut Turn, done: Done) -> bool {
        turn.attempts -= 1;
        for number in &done.numbers {
            turn.in_flight.remove(number);
        }
        match done.ended {
            Ended::Recorded => {
                turn.unreachable = 0;
                turn.until_ms = None;
                self.hold(None);
                false
            }
            Ended::Unreachable(why) => {
                turn.hold(&why, self.shared.time.now_ms());
                self.hold(turn.until_ms.map(|until_ms| (why, until_ms)));
                false
            }
            Ended::Gone => true,
        }
    }

    fn hold(&self, held: Option<(String, i64)>) {
        self.shared
            .doing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .held = held;
    }

    fn note(&self, turn: &Turn) {
        self.shared
            .doing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .in_flight = turn.in_flight.len();
    }
}

impl Turn {
    fn hold(&mut self, why: &str, now_ms: i64) {
        if self.unreachable == 0 {
            tracing::warn!(why, "callbacks wait: they cannot be handed on");
        }
        self.unreachable = self.unreachable.saturating_add(1);
        self.until_ms =
            Some(now_ms.saturating_add(backoff_ms(self.unreachable, limits::INBOX_UNREACHABLE_MS_MOST)));
    }
}

impl Shared {
    async fn attempt(&self, numbers: Vec<i64>) -> Ended {
        let loaded = match self.store.load(self.target.name(), numbers).await {
            Ok(loaded) if loaded.is_empty() => return Ended::Recorded,
            Ok(loaded) => loaded,
            Err(fault) => return Ended::Unreachable(fault.to_string()),
        };
        let (verdict, file) = match self.target.hand_on(&loaded).await {
            Outcome::Confirmed => (Verdict::Confirmed, None),
            Outcome::Written { name, bytes } => (Verdict::Confirmed, Some((name, bytes))),
            Outcome::Failed(why) => (Verdict::Failed(why), None),
            Outcome::Unreachable(why) => return Ended::Unreachable(why),
            Outcome::Gone => return Ended::Gone,
        };
        let settled = Settled {
            outlet: self.target.name(),
            numbers: loaded.iter().map(|(stored, _)| stored.number).collect(),
            verdict,
            file,
            now_ms: self.time.now_ms(),
            give_up_ms: self.give_up_ms,
        };
        self.record(settled).await;
        Ended::Recorded
    }

    fn say_failures(&self) {
        for line in self.failures.due(self.time.now_ms()) {
            line.log(self.target.name());
        }
    }

    /// Records an end, as long as it takes: before that it counts as in flight.
    async fn record(&self, settled: Settled) {
        let mut tries = 0;
        loop {
            match self.store.settle(settled.clone()).await {
                Ok(failed) => {
                    if let Verdict::Failed(why) = &settled.verdict {
                        self.failures.note(&failed, why);
                    }
                    return;
                }
                Err(Fault::Closed) => return,
                Err(_) => {}
            }
            tries += 1;
            let wait_ms = backoff_ms(tries, limits::INBOX_UNREACHABLE_MS_MOST);
            self.time.sleep(wait_ms.unsigned_abs()).await;
        }
    }
}
