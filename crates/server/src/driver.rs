//! The driver: owns the engine, performs its effects, and feeds back what becomes of them.
//!
//! It is one task. Everything reaches it as a [`Message`] in one bounded queue: answers of the committer, finished
//! sends, pages read from the store. It never waits for any of these, so that none of them can wait for it in a circle.
//!
//! When the store is lost, the engine and all that it knew go with it; sends in flight run on, but what becomes of them
//! is not heard any more (their `generation` is over). The store tells the next engine what is due.

use std::sync::Arc;

use ringback_core::delivery::State;
use ringback_core::engine::{Effect, Engine, HeldBack, Input, Sent, Stats};
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::limits;
use ringback_core::replay::{Replay, ReplayState};
use ringback_core::store::{Accepted, DuePage, Reader, Recorded, Refusal, Start, Swept, Write, Written};
use ringback_core::time::Millis;
use tokio::sync::{mpsc, oneshot, watch};

use crate::committer::{Queue, Ticket};
use crate::directory::Directory;
use crate::readers::Readers;
use crate::sender::Sender;
use crate::tasks;
use crate::telemetry::Metrics;
use crate::time::EngineTime;
use crate::watch::{Watch, Watched};

/// What reaches the driver.
pub(crate) enum Message {
    /// A commit is durable; each write with its answer.
    Committed(Vec<(Ticket, Written)>),
    /// A commit failed; the store is being opened anew.
    StoreLost,
    /// The store is open again.
    StoreBack {
        /// What it told.
        start: Box<Start>,
        /// Its readers.
        readers: Vec<Box<dyn Reader>>,
        /// How often the store was lost until then: it may be lost again before this is read.
        losses: u64,
    },
    /// A send ended, of this generation of the engine.
    Sent(u64, Box<Sent>),
    /// A page was read, for this generation of the engine.
    Page {
        generation: u64,
        endpoint: EndpointId,
        ticket: u64,
        page: Option<DuePage>,
    },
    /// What keeps these deliveries, which are due, from being sent now; the answer has one entry for each.
    HeldBack(
        Vec<(EndpointId, DeliveryId)>,
        oneshot::Sender<Vec<Option<HeldBack>>>,
    ),
    /// What was noted for the alerts.
    Watched(oneshot::Sender<Watched>),
    /// No further send begins; the driver ends when nothing is in flight or unrecorded.
    Stop,
}

/// Messages taken in at once.
const AT_ONCE: usize = 512;
/// Messages that may wait for the driver.
pub(crate) const QUEUE: usize = 16 * 1024;

pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) generation: u64,
    /// Dropped with its generation, which ends the sends of it that are under way.
    pub(crate) sends_end: watch::Sender<()>,
    pub(crate) time: EngineTime,
    pub(crate) queue: Arc<Queue>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) api_readers: Readers,
    pub(crate) engine_readers: Readers,
    pub(crate) sender: Sender,
    /// The driver's own end of its queue, for the tasks that it starts.
    pub(crate) messages: mpsc::Sender<Message>,
    pub(crate) stats: watch::Sender<Stats>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: bool,
    pub(crate) writes: Vec<Write>,
    pub(crate) watch: Watch,
}

impl Driver {
    /// Runs until it is stopped and nothing is in flight or unrecorded.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(AT_ONCE);
        loop {
            let now = self.time.now();
            self.perform_all(now);
            let stats = self.engine.stats();
            let before = self.stats.send_replace(stats);
            self.metrics
                .breaker_opens
                .inc_by(stats.breaker_opened.saturating_sub(before.breaker_opened));
            if self.stopping && stats.in_flight == 0 && stats.unrecorded == 0 {
                return;
            }
            let wake = self.engine.next_wake().filter(|_| !self.stopping);
            tokio::select! {
                biased;
                count = inbox.recv_many(&mut messages, AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    let now = self.time.now();
                    for message in messages.drain(..) {
                        self.on_message(now, message);
                    }
                }
                () = self.time.sleep_until(wake) => {}
            }
        }
    }

    /// Makes the engine learn everything that the store tells at its start.
    pub(crate) fn begin(&mut self, now: Millis, start: Start) {
        let (endpoints, with_pending) = (start.endpoints.len(), start.due.len());
        tracing::info!(endpoints, with_pending, "the store is read");
        self.directory.reset(&start);
        for endpoint in &start.endpoints {
            self.engine.handle(now, Input::Endpoint(Arc::clone(endpoint)));
            if endpoint.sweeping {
                self.writes.push(Write::Sweep {
                    endpoint: endpoint.id,
                    after: None,
                });
            }
        }
        for (endpoint, due) in start.due {
            self.engine.handle(now, Input::Due(endpoint, due));
        }
        self.on_holds(now, start.hold_check);
        for replay in &start.replays {
            self.on_replay(now, replay);
        }
    }

    /// A replay was made, changed or stepped.
    fn on_replay(&mut self, now: Millis, replay: &Replay) {
        let runs = replay.state == ReplayState::Running;
        let rate = runs.then_some(replay.spec.per_second);
        self.engine.handle(now, Input::Replay(replay.id, rate));
    }

    fn on_replay_stepped(&mut self, now: Millis, replay: &Replay, made: u64, due: Vec<(EndpointId, Millis)>) {
        let id = replay.id;
        self.engine.handle(
            now,
            Input::ReplayStepped {
                replay: id,
                made,
                due,
            },
        );
        if replay.state == ReplayState::Done {
            let (matched, made) = (replay.counts.matched, replay.counts.made);
            tracing::info!(replay = %id, matched, made, "a replay is done");
        }
        self.on_replay(now, replay);
    }

    /// Holds began that have to be looked at.
    fn on_holds(&mut self, now: Millis, check: Option<Millis>) {
        if let Some(check) = check {
            self.engine.handle(now, Input::Holds(check));
        }
    }

    fn on_message(&mut self, now: Millis, message: Message) {
        match message {
            Message::Committed(done) => {
                for (ticket, mut written) in done {
                    if let Some(waiting) = &ticket.trace {
                        self.sender.committed(waiting, ticket.write.inner(), &written);
                    }
                    self.on_written(now, ticket.write.inner(), &mut written);
                    ticket.answer(Ok(written));
                }
            }
            Message::StoreLost => {
                let lost = self.engine.stats();
                let repeated = lost.in_flight + lost.unrecorded;
                self.metrics.sends_repeated.inc_by(repeated as u64);
                tracing::warn!(
                    repeated,
                    "sends that are under way or not recorded are repeated when the store is back"
                );
                self.generation += 1;
                self.sends_end = watch::Sender::new(());
                self.engine = Engine::new();
                self.writes.clear();
            }
            Message::StoreBack {
                start,
                mut readers,
                losses,
            } => {
                self.engine_readers.replace(readers.split_off(readers.len() / 2));
                self.api_readers.replace(readers);
                self.queue.regain(losses);
                self.begin(now, *start);
                if self.stopping {
                    self.engine.stop();
                }
            }
            Message::Sent(generation, sent) if generation == self.generation => {
                self.engine.handle(now, Input::Sent(sent));
            }
            Message::Page {
                generation,
                endpoint,
                ticket,
                page,
            } if generation == self.generation => {
                self.engine.handle(
                    now,
                    Input::Page {
                        endpoint,
                        ticket,
                        page,
                    },
                );
            }
            Message::Sent(..) | Message::Page { .. } => {}
            Message::HeldBack(asked, answer) => {
                let held_back = asked
                    .into_iter()
                    .map(|(endpoint, delivery)| self.engine.held_back(now, endpoint, delivery));
                // Whoever asked may have gone away.
                let _ = answer.send(held_back.collect());
            }
            Message::Watched(answer) => {
                let watched = self.watch.notes(self.engine.open_breakers().collect());
                let _ = answer.send(watched);
            }
            Message::Stop => {
                self.stopping = true;
                self.engine.stop();
            }
        }
    }

    fn note_accepted(&mut self, event: &NewEvent, accepted: &Accepted) {
        tracing::debug!(
            event = %accepted.event_id,
            company_id = event.company_id,
            kind = event.kind.name(),
            deliveries = accepted.deliveries.len(),
            repeated = accepted.replayed,
            "accepted"
        );
        self.watch.accepted(event.company_id, accepted);
    }

    /// Tells the directory and the engine what a write has changed.
    fn on_written(&mut self, now: Millis, write: &Write, written: &mut Written) {
        match written {
            Written::Accepted(accepted) => {
                if let Write::Accept(event) = write {
                    self.note_accepted(event, accepted);
                }
                let Accepted {
                    work,
                    discovered,
                    hold_check,
                    ..
                } = accepted;
                self.on_holds(now, *hold_check);
                if let Some(company) = discovered {
                    self.directory.put_company(company.clone());
                }
                self.engine.handle(now, Input::Work(std::mem::take(work)));
            }
            Written::Recorded(recorded) => {
                if let Write::Record(report) = write {
                    if recorded.settled {
                        self.metrics.settled(recorded.state).inc();
                        self.sender.settled(report.delivery);
                    }
                    self.watch.recorded(now, report, recorded);
                    let recorded = Recorded {
                        released: recorded.released.take(),
                        ..recorded.clone()
                    };
                    self.engine
                        .handle(now, Input::Recorded(report.endpoint, Box::new(recorded)));
                }
            }
            Written::Swept(swept) => {
                if let Write::Sweep { endpoint, .. } = write {
                    self.on_swept(now, *endpoint, swept);
                }
            }
            Written::RetriedNow { .. } => {
                if let Write::RetryNow { endpoint, .. } = write {
                    self.engine.handle(now, Input::RetryNow(*endpoint));
                }
            }
            Written::Resent(resent) => {
                self.on_holds(now, resent.hold_check);
                self.engine
                    .handle(now, Input::Work(std::mem::take(&mut resent.work)));
            }
            Written::HoldsChecked { released, next } => {
                let (released, next) = (std::mem::take(released), *next);
                self.engine.handle(now, Input::HoldsChecked { released, next });
            }
            Written::Replay(replay) => self.on_replay(now, replay),
            Written::ReplayStepped {
                replay,
                made,
                due,
                hold_check,
            } => {
                self.on_holds(now, *hold_check);
                self.on_replay_stepped(now, replay, *made, std::mem::take(due));
            }
            Written::Refused(refusal) => self.on_refused(now, write, *refusal),
            Written::Conflict { .. } | Written::Pruned(_) | Written::AuditPruned(_) => {}
            Written::Alerts | Written::ChangedOutside => {}
            Written::Company { .. }
            | Written::CompanyDeleted { .. }
            | Written::Endpoint { .. }
            | Written::EndpointDeleted { .. }
            | Written::Token(_) => self.on_configured(now, write, written),
        }
    }

    /// Tells the directory, and of endpoints also the engine, what a write has configured.
    fn on_configured(&mut self, now: Millis, write: &Write, written: &Written) {
        match written {
            Written::Company { company, .. } => {
                tracing::info!(company_id = company.company_id, "a company was configured");
                self.directory.put_company(company.clone());
            }
            Written::CompanyDeleted { kept } => {
                if let Write::DeleteCompany(company_id) = write {
                    tracing::info!(company_id, "a company was deleted");
                    match kept {
                        Some(company) => self.directory.put_company(company.clone()),
                        None => self.directory.remove_company(*company_id),
                    }
                }
            }
            Written::Endpoint {
                endpoint,
                company,
                swept,
                ..
            } => {
                let (company_id, enabled) = (endpoint.company_id, endpoint.settings.enabled);
                tracing::info!(
                    company_id,
                    endpoint = endpoint.name,
                    enabled,
                    "an endpoint was configured"
                );
                self.directory.put_company(company.clone());
                self.directory.put_endpoint(Arc::clone(endpoint));
                self.engine.handle(now, Input::Endpoint(Arc::clone(endpoint)));
                self.on_swept(now, endpoint.id, swept);
            }
            Written::EndpointDeleted { endpoint, swept } => {
                let company_id = endpoint.company_id;
                tracing::info!(company_id, endpoint = endpoint.name, "an endpoint was deleted");
                self.directory
                    .remove_endpoint(endpoint.company_id, &endpoint.name);
                self.sender.forget(endpoint.id);
                self.watch.forget(endpoint.id);
                self.engine.handle(now, Input::Endpoint(Arc::clone(endpoint)));
                self.on_swept(now, endpoint.id, swept);
            }
            Written::Token(_) => match write {
                Write::AddToken(token) => self.directory.put_token((**token).clone()),
                Write::RevokeToken(id) => self.directory.remove_token(id),
                _ => {}
            },
            _ => {}
        }
    }

    /// A part of a sweep is done: the engine looks at the endpoint anew, and the next part is asked for.
    fn on_swept(&mut self, now: Millis, endpoint: EndpointId, swept: &Swept) {
        self.on_holds(now, swept.hold_check);
        if swept.changed > 0 {
            self.engine.handle(now, Input::Reload(endpoint));
        }
        if let Some(after) = swept.next {
            self.writes.push(Write::Sweep {
                endpoint,
                after: Some(after),
            });
        }
    }

    /// An outcome is refused when its delivery is gone, or when the store cannot keep it: the engine has to forget the
    /// delivery, or it would be sent again and again. Other callers hear it themselves.
    fn on_refused(&mut self, now: Millis, write: &Write, refusal: Refusal) {
        if let Write::StepReplay { replay, .. } = write {
            tracing::error!(replay = %replay, %refusal, "a replay stopped; it goes on at the next start");
            self.engine.handle(now, Input::Replay(*replay, None));
        } else if let Write::CheckHolds = write {
            tracing::error!(%refusal, "holds could not be looked at");
            let (released, next) = (Vec::new(), Some(now.plus(limits::HOLD_REFUSED_MS)));
            self.engine.handle(now, Input::HoldsChecked { released, next });
        } else if let Write::Record(report) = write {
            tracing::warn!(delivery_id = %report.delivery, %refusal, "an outcome could not be recorded");
            let gone = Recorded {
                delivery: report.delivery,
                state: State::Cancelled,
                due: None,
                released: None,
                hold_check: None,
                settled: false,
            };
            self.engine
                .handle(now, Input::Recorded(report.endpoint, Box::new(gone)));
        } else if let Write::Sweep { endpoint, .. } = write {
            tracing::error!(endpoint = endpoint.0, %refusal, "the sweep of an endpoint stopped; it goes on at the next start");
        }
    }

    fn perform_all(&mut self, now: Millis) {
        while let Some(effect) = self.engine.poll(now) {
            self.perform(now, effect);
        }
        if !self.writes.is_empty() {
            self.queue.push_own(&mut self.writes);
        }
    }

    fn perform(&mut self, now: Millis, effect: Effect) {
        let generation = self.generation;
        let messages = self.messages.clone();
        match effect {
            Effect::Record(report) => self.writes.push(Write::Record(report)),
            Effect::CheckHolds => self.writes.push(Write::CheckHolds),
            Effect::StepReplay { replay, .. } if self.queue.disk_low() => {
                // It stands still, as if nothing had been found, and comes again a little later.
                let (made, due) = (0, Vec::new());
                self.engine
                    .handle(now, Input::ReplayStepped { replay, made, due });
            }
            Effect::StepReplay { replay, most } => self.writes.push(Write::StepReplay { replay, most }),
            Effect::Send(send) => {
                let sending = self.sender.prepare(send, now);
                let mut end = self.sends_end.subscribe();
                // What is in flight when the process ends is let go: a duplicate, no loss.
                tasks::spawn_detached(async move {
                    // What is repeated anyway is not waited for: a store that fails again and again would multiply it.
                    let sent = tokio::select! {
                        sent = sending.perform() => sent,
                        _ = end.changed() => return,
                    };
                    // The driver outlives its tasks except at the end of the process.
                    let _ = messages.send(Message::Sent(generation, Box::new(sent))).await;
                });
            }
            Effect::Read { ticket, query } => {
                let readers = self.engine_readers.clone();
                tasks::spawn_detached(async move {
                    let page = readers.read(move |reader| reader.due(&query)).await.ok();
                    let message = Message::Page {
                        generation,
                        endpoint: query.endpoint,
                        ticket,
                        page,
                    };
                    let _ = messages.send(message).await;
                });
            }
        }
    }
}
