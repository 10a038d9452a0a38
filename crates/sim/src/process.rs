//! The simulated process: the real engine, and the driver and committer around it as the delivery rules ask for them.
//! A crash may fall between any two of its effects; what it had not made durable is then gone.

mod answers;

use std::collections::VecDeque;

use ringback_core::engine::{Effect, Engine, Input};
use ringback_core::limits;
use ringback_core::store::{DueQuery, Reader, Start, Write, Written};
use ringback_core::time::{EngineClock, Millis};

use crate::Broken;
use crate::ledger::Present;
use crate::time::{BootUs, HOUR, MS, SECOND};
use crate::world::{Happening, World};

/// A commit that failed, or that a crash cut short.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) now: Millis,
    pub(crate) callers: Vec<Caller>,
    pub(crate) writes: Vec<Write>,
}

/// Who waits for the answer to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The process itself, or an operator who looks no further.
    Nobody,
    /// The robot with this request.
    Robot(usize),
}

#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) write: Write,
    pub(crate) caller: Caller,
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Succeeds,
    /// It is reported as failed; the store has it, or not.
    Unknown {
        applied: bool,
    },
}

struct Commit {
    tickets: Vec<Ticket>,
    now: Millis,
    fate: Fate,
    written: Option<Vec<Written>>,
}

pub(crate) struct Process {
    pub(crate) generation: u64,
    pub(crate) engine: Engine,
    clock: EngineClock,
    reader: Box<dyn Reader>,
    queue: VecDeque<Ticket>,
    commit: Option<Commit>,
    wake: Option<BootUs>,
}

impl Process {
    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        let stats = self.engine.stats();
        let idle = (stats.queued, stats.in_flight, stats.unrecorded, stats.bytes) == (0, 0, 0, 0);
        idle && self.queue.is_empty() && self.commit.is_none() && self.engine.next_wake().is_none()
    }
}

impl World<'_> {
    /// The process starts: it opens the store and learns from it what is due. It tries again when the disk is in trouble.
    pub(crate) fn start_process(&mut self) -> Result<(), Broken> {
        let Some((store, start, reader)) = self.open_store()? else {
            self.report.failed_starts += 1;
            self.start_later();
            return Ok(());
        };
        self.generation += 1;
        self.disturbed_us = self.clocks.boot_us;
        self.store = Some(store);
        self.process = Some(Process {
            generation: self.generation,
            engine: Engine::new(),
            clock: EngineClock::new(self.clocks.wall_ms(), self.clocks.boot_us, start.newest),
            reader,
            queue: VecDeque::new(),
            commit: None,
            wake: None,
        });
        self.begin(start);
        self.pump()
    }

    fn begin(&mut self, start: Start) {
        for endpoint in start.endpoints {
            self.ledger.told_endpoint(&endpoint);
            if endpoint.sweeping {
                self.write(Write::Sweep {
                    endpoint: endpoint.id,
                    after: None,
                });
            }
            self.tell(Input::Endpoint(endpoint));
        }
        for (endpoint, due) in start.due {
            self.tell(Input::Due(endpoint, due));
        }
        self.hold_begins(start.hold_check);
        for replay in start.replays {
            self.replay_runs(&replay);
        }
    }

    /// The present, as the process sees it.
    pub(crate) fn present(&mut self) -> Option<Present> {
        let process = self.process.as_mut()?;
        Some(Present {
            now: process.clock.read(self.clocks.wall_ms(), self.clocks.boot_us),
            boot_us: self.clocks.boot_us,
            generation: process.generation,
        })
    }

    pub(crate) fn tell(&mut self, input: Input) {
        if let Some(present) = self.present()
            && let Some(process) = &mut self.process
        {
            process.engine.handle(present.now, input);
        }
    }

    /// Queues a write of the process's own.
    fn write(&mut self, write: Write) {
        self.queue(Ticket {
            write,
            caller: Caller::Nobody,
        });
    }

    /// Queues a write. False when there is no process to take it.
    pub(crate) fn queue(&mut self, ticket: Ticket) -> bool {
        match &mut self.process {
            Some(process) => {
                process.queue.push_back(ticket);
                true
            }
            None => false,
        }
    }

    /// Performs what the engine wants done, unless the process dies over it.
    pub(crate) fn pump(&mut self) -> Result<(), Broken> {
        while let Some(present) = self.present() {
            let Some(effect) = self
                .process
                .as_mut()
                .and_then(|process| process.engine.poll(present.now))
            else {
                break;
            };
            if self.dies() {
                return self.crash();
            }
            match effect {
                Effect::Send(send) => self.send(present, send)?,
                Effect::Record(report) => self.write(Write::Record(report)),
                Effect::CheckHolds => self.write(Write::CheckHolds),
                Effect::StepReplay { replay, most } => self.write(Write::StepReplay { replay, most }),
                Effect::Read { ticket, query } => {
                    let at = self.clocks.boot_us + self.delay(2 * MS);
                    self.agenda.add(
                        at,
                        Happening::Read {
                            generation: present.generation,
                            ticket,
                            query,
                        },
                    );
                }
            }
        }
        self.begin_commit();
        self.arm();
        Ok(())
    }

    fn dies(&mut self) -> bool {
        !self.calm && self.random.chance(self.options.crash_per_million)
    }

    /// A delay that is mostly short.
    fn delay(&mut self, mostly_us: i64) -> i64 {
        let long = !self.calm && self.random.chance(30_000);
        self.random
            .within(1..=if long { mostly_us * 500 } else { mostly_us })
    }

    /// The store reads a page, shorter than it was asked for if the run wants it so.
    pub(crate) fn read(&mut self, generation: u64, ticket: u64, query: DueQuery) -> Result<(), Broken> {
        let fails = !self.calm && self.random.chance(20_000);
        let most = if self.random.chance(500_000) {
            1 + self.random.index(4)
        } else {
            usize::MAX
        };
        let at = self.clocks.boot_us + self.delay(MS);
        let Some(process) = self
            .process
            .as_mut()
            .filter(|process| process.generation == generation)
        else {
            return Ok(());
        };
        let clipped = DueQuery {
            rows: query.rows.min(most),
            ..query
        };
        let page = match process.reader.due(&clipped) {
            Ok(page) => {
                self.report.pages += 1;
                Some(Box::new(page)).filter(|_| !fails)
            }
            Err(_) if self.disk_may_fail() => None,
            Err(error) => return Err(Broken::of(&error)),
        };
        self.agenda.add(
            at,
            Happening::Page {
                generation,
                endpoint: query.endpoint,
                ticket,
                page,
            },
        );
        Ok(())
    }

    /// The engine is told something, by a process that still lives.
    pub(crate) fn tell_current(&mut self, generation: u64, input: Input) -> Result<(), Broken> {
        if self
            .process
            .as_ref()
            .is_none_or(|process| process.generation != generation)
        {
            return Ok(());
        }
        self.tell(input);
        self.pump()
    }

    /// The process wakes by the engine's wish, unless it has other wishes by now.
    pub(crate) fn wake(&mut self, generation: u64, armed_for: BootUs) -> Result<(), Broken> {
        let rings = self.process.as_mut().is_some_and(|process| {
            process.generation == generation && process.wake.take_if(|wake| *wake == armed_for).is_some()
        });
        if rings {
            return self.pump();
        }
        Ok(())
    }

    fn arm(&mut self) {
        let Some(present) = self.present() else {
            return;
        };
        let Some(process) = &mut self.process else {
            return;
        };
        let Some(wake) = process.engine.next_wake() else {
            return;
        };
        let in_ms = i64::try_from(wake.since(present.now)).unwrap_or(i64::MAX);
        // A sleep that is longer than a day is slept in parts.
        let at = self.clocks.boot_us + in_ms.min(24 * HOUR / MS) * MS;
        if process.wake.is_none_or(|armed| armed > at) {
            process.wake = Some(at);
            self.agenda.add(at, Happening::Wake(process.generation, at));
        }
    }

    /// A commit takes what has gathered.
    fn begin_commit(&mut self) {
        let (to_apply, to_done) = (self.delay(2 * MS), self.delay(MS));
        let fails = !self.calm && self.random.chance(self.options.commit_fails_per_million);
        let applied = self.random.chance(500_000);
        let Some(present) = self.present() else {
            return;
        };
        let Some(process) = &mut self.process else {
            return;
        };
        if process.commit.is_some() || process.queue.is_empty() {
            return;
        }
        let count = batch(&process.queue);
        process.commit = Some(Commit {
            tickets: process.queue.drain(..count).collect(),
            now: present.now,
            fate: if fails {
                Fate::Unknown { applied }
            } else {
                Fate::Succeeds
            },
            written: None,
        });
        let apply_at = self.clocks.boot_us + to_apply;
        self.agenda.add(apply_at, Happening::Apply(process.generation));
        self.agenda
            .add(apply_at + to_done, Happening::Done(process.generation));
    }

    /// A commit becomes durable, and visible to readers; the process does not know yet.
    pub(crate) fn apply(&mut self, generation: u64) -> Result<(), Broken> {
        let Some(commit) = self
            .process
            .as_mut()
            .filter(|process| process.generation == generation)
            .and_then(|process| process.commit.as_mut())
        else {
            return Ok(());
        };
        if commit.written.is_some() || commit.fate == (Fate::Unknown { applied: false }) {
            return Ok(());
        }
        let writes: Vec<Write> = commit.tickets.iter().map(|ticket| ticket.write.clone()).collect();
        let callers: Vec<Caller> = commit.tickets.iter().map(|ticket| ticket.caller).collect();
        let now = commit.now;
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let written = match store.commit(now, &writes) {
            Ok(written) => {
                self.model_commits(now, &writes, &written)?;
                self.all_durable(now, &callers, &writes, &written)?;
                Some(written)
            }
            Err(error) if self.disk_may_fail() => {
                self.trace(|| format!("the store failed: {}", Broken::of(&error).0));
                self.unsettled = Some(Unsettled { now, callers, writes });
                None
            }
            Err(error) => return Err(Broken::of(&error)),
        };
        if let Some(commit) = self.process.as_mut().and_then(|process| process.commit.as_mut()) {
            if written.is_none() {
                commit.fate = Fate::Unknown { applied: false };
            }
            commit.written = written;
        }
        Ok(())
    }

    /// The process learns that its commit is durable, or that nobody knows.
    pub(crate) fn done(&mut self, generation: u64) -> Result<(), Broken> {
        if self.crash_follows() {
            return self.crash();
        }
        let Some(commit) = self
            .process
            .as_mut()
            .filter(|process| process.generation == generation)
            .and_then(|process| process.commit.take())
        else {
            return Ok(());
        };
        if commit.fate != Fate::Succeeds {
            self.report.failed_commits += 1;
            self.trace(|| "the commit failed".to_owned());
            self.repeat(commit.tickets);
            return self.lose_process();
        }
        let mut answers: VecDeque<_> = commit
            .tickets
            .into_iter()
            .zip(commit.written.unwrap_or_default())
            .collect();
        while let Some((ticket, written)) = answers.pop_front() {
            self.answer(&ticket, written)?;
            if self.dies() {
                self.repeat(answers.into_iter().map(|(ticket, _)| ticket));
                return self.crash();
            }
        }
        self.pump()
    }

    /// The process dies, perhaps with the power. A commit that was on its way is durable or not; so are requests on the wire.
    pub(crate) fn crash(&mut self) -> Result<(), Broken> {
        let Some(generation) = self.process.as_ref().map(|process| process.generation) else {
            return Ok(());
        };
        self.report.crashes += 1;
        self.trace(|| "crash".to_owned());
        if self.random.chance(500_000) {
            self.cut_disk_short(500_000);
            self.apply(generation)?;
        }
        self.crash_disk();
        let dropped: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.exchange.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in dropped {
            if self.random.chance(500_000) {
                self.flights.remove(&id);
            }
        }
        self.lose_process()
    }

    /// The process stops: the commit on its way is finished and the store is closed; what is in flight, or queued, is let
    /// go.
    pub(crate) fn stop(&mut self) -> Result<(), Broken> {
        let Some(generation) = self.process.as_ref().map(|process| process.generation) else {
            return Ok(());
        };
        self.report.stops += 1;
        self.trace(|| "the process stops".to_owned());
        self.apply(generation)?;
        self.lose_process()
    }

    /// Everything that the process knew is gone; it starts again a little later.
    fn lose_process(&mut self) -> Result<(), Broken> {
        self.check_overdue()?;
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        self.store = None;
        self.report.lost_sends += self.ledger.lose(&self.unsettled_sends());
        let under_way = process.commit.map(|commit| commit.tickets).unwrap_or_default();
        self.repeat(under_way.into_iter().chain(process.queue));
        self.start_later();
        Ok(())
    }

    fn start_later(&mut self) {
        let down_us = self.random.pick(&[10 * MS, SECOND, 60 * SECOND]);
        let at = self.clocks.boot_us + self.random.within(1..=down_us);
        self.agenda.add(at, Happening::Start);
    }

    /// Robots that were not answered ask again.
    fn repeat(&mut self, tickets: impl IntoIterator<Item = Ticket>) {
        for ticket in tickets {
            if let Caller::Robot(request) = ticket.caller {
                self.ask_again(request);
            }
        }
    }
}

/// How many of what is queued go into the next commit. A pruning has one of its own.
fn batch(queue: &VecDeque<Ticket>) -> usize {
    let prunes = |ticket: &Ticket| matches!(ticket.write, Write::Prune { .. });
    let before = queue.iter().position(prunes).unwrap_or(queue.len());
    before.clamp(1, limits::COMMIT_WRITES)
}
