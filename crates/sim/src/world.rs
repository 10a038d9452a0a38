//! A run: the world around the process, and what happens in it one thing after the other.

use std::collections::{BTreeMap, VecDeque};

use ringback_core::engine::Input;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::{DuePage, DueQuery, Store, Write, Written};
use ringback_core::time::Millis;
use ringback_store::memory::Memory;

use crate::disk::Disk;
use crate::flights::Flight;
use crate::ledger::Ledger;
use crate::process::{Caller, Process, Ticket, Unsettled};
use crate::random::Random;
use crate::receivers::{Mood, Receiver, Receivers};
use crate::robots::{Intake, intake};
use crate::time::{Agenda, BootUs, Clocks, DAY, HOUR, MINUTE, MS, SECOND};
use crate::{Broken, Options, Report, broken, operators};

/// Lines of a trace that are kept.
const TRACE: usize = 300;
/// A run that has not come to rest after so many happenings never will.
const HAPPENINGS: u64 = 3_000_000;

/// One thing that happens.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A robot asks, or asks again.
    Request(usize),
    /// An operator does something.
    Operate,
    Apply(u64),
    Done(u64),
    Arrive(u64),
    End(u64),
    Read {
        generation: u64,
        ticket: u64,
        query: DueQuery,
    },
    Page {
        generation: u64,
        endpoint: EndpointId,
        ticket: u64,
        page: Option<Box<DuePage>>,
    },
    /// The process had set its alarm for this moment.
    Wake(u64, BootUs),
    Start,
    Crash,
    /// The process stops as it is asked to.
    Stop,
    /// The wall clock is set.
    StepWall,
    /// The machine sleeps: boot time runs on, nothing happens.
    Suspend,
    /// A receiver changes.
    Mood,
    /// The disk gets into trouble.
    Ail,
    /// The disk is well again.
    Heal,
    /// All faults stop.
    Calm,
}

pub(crate) struct World<'a> {
    pub(crate) options: &'a Options,
    pub(crate) random: Random,
    pub(crate) clocks: Clocks,
    pub(crate) agenda: Agenda<Happening>,
    /// What is durable, as the rules have it: the store must agree with it.
    pub(crate) model: Memory,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) process: Option<Process>,
    pub(crate) generation: u64,
    pub(crate) flights: BTreeMap<u64, Flight>,
    pub(crate) flight: u64,
    pub(crate) receivers: Receivers,
    pub(crate) intakes: Vec<Intake>,
    pub(crate) ledger: Ledger,
    pub(crate) report: Report,
    /// A commit of which nobody knows whether it is durable, until the store is opened again.
    pub(crate) unsettled: Option<Unsettled>,
    /// When the process, the disk or the machine was last disturbed.
    pub(crate) disturbed_us: BootUs,
    pub(crate) disk_ails: bool,
    /// Faults have stopped.
    pub(crate) calm: bool,
    trace: Option<VecDeque<String>>,
    /// Dropped last: the store stands on it.
    pub(crate) disk: Disk,
}

impl<'a> World<'a> {
    pub(crate) fn new(seed: u64, options: &'a Options, disk: Disk, traced: bool) -> Self {
        Self {
            options,
            random: Random::new(seed),
            clocks: Clocks::default(),
            agenda: Agenda::new(),
            model: Memory::new([7; 32]),
            store: None,
            process: None,
            generation: 0,
            flights: BTreeMap::new(),
            flight: 0,
            receivers: Receivers::new(),
            intakes: Vec::new(),
            ledger: Ledger::default(),
            report: Report::default(),
            unsettled: None,
            disturbed_us: 0,
            disk_ails: false,
            calm: false,
            trace: traced.then(VecDeque::new),
            disk,
        }
    }

    /// Runs from the first request until nothing happens any more, and checks what is left.
    pub(crate) fn run(&mut self) -> Result<(), Broken> {
        self.set_up()?;
        self.plan();
        let mut happenings = 0;
        while let Some((at, happening)) = self.agenda.next() {
            self.clocks.boot_us = self.clocks.boot_us.max(at);
            happenings += 1;
            if happenings > HAPPENINGS {
                return broken("the run does not come to rest".to_owned());
            }
            self.happen(happening)?;
        }
        self.check_overdue()?;
        if self.process.as_ref().is_none_or(|process| !process.is_at_rest()) {
            let stats = self.process.as_ref().map(|process| process.engine.stats());
            return broken(format!(
                "nothing happens any more, but the engine is not at rest: {stats:?}"
            ));
        }
        self.report_operations();
        self.check_end()
    }

    /// The last lines of the trace.
    pub(crate) fn into_trace(self) -> Vec<String> {
        self.trace.unwrap_or_default().into()
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            if trace.len() == TRACE {
                trace.pop_front();
            }
            trace.push_back(format!("{:>14} us  {}", self.clocks.boot_us, line()));
        }
    }

    /// Companies and endpoints are there before the process starts, and so are their receivers.
    fn set_up(&mut self) -> Result<(), Broken> {
        let writes = operators::set_up(&mut self.random);
        let now = Millis(self.clocks.wall_ms());
        let mut store = self.disk.open(&self.model).map_err(|error| Broken::of(&error))?;
        let written = store.commit(now, &writes).map_err(|error| Broken::of(&error))?;
        drop(store);
        self.model_commits(now, &writes, &written)?;
        for (write, written) in writes.iter().zip(&written) {
            self.durable(now, Caller::Nobody, write, written)?;
        }
        self.count_operations();
        self.start_process()
    }

    /// Enters what will happen by itself: in a few busy stretches of the days, so that things meet.
    fn plan(&mut self) {
        let span = self.options.days * DAY;
        let stretches: Vec<(BootUs, BootUs)> = (0..=self.random.below(8))
            .map(|_| {
                let length = self.random.pick(&[10 * SECOND, 10 * MINUTE, 6 * HOUR]);
                let from = self.random.within(0..=(span - length).max(0));
                (from, from + length)
            })
            .collect();
        let end = stretches
            .iter()
            .map(|(_, until)| *until)
            .max()
            .unwrap_or(span)
            .max(span);
        for nth in 0..self.options.events {
            let at = self.moment(&stretches);
            let wall_ms = self.clocks.wall_ms() + at / MS;
            self.intakes.push(intake(&mut self.random, nth, wall_ms));
            self.agenda.add(at, Happening::Request(nth));
        }
        let few = self.options.faults;
        for (most, happening) in [
            (few, (|| Happening::Crash) as fn() -> Happening),
            (few / 2, || Happening::Stop),
            (few, || Happening::StepWall),
            (few / 2, || Happening::Suspend),
            (6 * few, || Happening::Mood),
            (6 * few, || Happening::Operate),
            (few, || Happening::Ail),
        ] {
            for _ in 0..self.random.below(most + 1) {
                let at = self.moment(&stretches);
                self.agenda.add(at, happening());
            }
        }
        self.agenda.add(end, Happening::Calm);
    }

    /// A moment in one of the busy stretches.
    fn moment(&mut self, stretches: &[(BootUs, BootUs)]) -> BootUs {
        let (from, until) = self.random.pick(stretches);
        self.random.within(from..=until)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Request(request) => return self.request(request),
            Happening::Operate => return self.operate(),
            Happening::Apply(generation) => return self.apply(generation),
            Happening::Done(generation) => return self.done(generation),
            Happening::Arrive(flight) => self.arrive(flight),
            Happening::End(flight) => return self.end(flight),
            Happening::Read {
                generation,
                ticket,
                query,
            } => return self.read(generation, ticket, query),
            Happening::Page {
                generation,
                endpoint,
                ticket,
                page,
            } => {
                let input = Input::Page {
                    endpoint,
                    ticket,
                    page: page.map(|page| *page),
                };
                return self.tell_current(generation, input);
            }
            Happening::Wake(generation, armed_for) => return self.wake(generation, armed_for),
            Happening::Start => return self.start_process(),
            Happening::Crash if !self.calm => return self.crash(),
            Happening::Stop if !self.calm => return self.stop(),
            Happening::StepWall if !self.calm => {
                let by_ms = self.random.pick(&[1_000, 60_000, 3_600_000, 86_400_000]);
                let by_ms = self.random.within(-by_ms..=by_ms);
                self.trace(|| format!("the wall clock is set by {by_ms} ms"));
                self.clocks.step_wall(by_ms);
            }
            Happening::Suspend if !self.calm => {
                let by_us = self.random.pick(&[SECOND, MINUTE, HOUR]);
                self.check_overdue()?;
                self.clocks.boot_us += self.random.within(1..=by_us);
                self.disturbed_us = self.clocks.boot_us;
                self.trace(|| "back from a sleep".to_owned());
            }
            Happening::Mood => return self.change_mood(),
            Happening::Ail => return self.ail(),
            Happening::Heal => self.heal(),
            Happening::Calm => self.calm_down(),
            Happening::Crash | Happening::Stop | Happening::StepWall | Happening::Suspend => {}
        }
        Ok(())
    }

    /// A robot asks. It asks again when nobody is there, and sometimes for no reason.
    fn request(&mut self, request: usize) -> Result<(), Broken> {
        let event = self.intakes[request].event.clone();
        let ticket = Ticket {
            write: Write::Accept(Box::new(event)),
            caller: Caller::Robot(request),
        };
        if !self.queue(ticket) {
            self.ask_again(request);
            return Ok(());
        }
        if self.random.chance(30_000) {
            let at = self.clocks.boot_us + self.random.within(1..=5 * SECOND);
            self.agenda.add(at, Happening::Request(request));
        }
        self.pump()
    }

    pub(crate) fn ask_again(&mut self, request: usize) {
        if self.random.chance(50_000) {
            self.intakes[request].given_up = true;
            return;
        }
        let at = self.clocks.boot_us + self.random.within(MS..=2 * SECOND);
        self.agenda.add(at, Happening::Request(request));
    }

    fn operate(&mut self) -> Result<(), Broken> {
        self.check_overdue()?;
        let Some(present) = self.present() else {
            return Ok(());
        };
        let endpoints: Vec<_> = self
            .ledger
            .endpoints
            .values()
            .map(|facts| &facts.endpoint)
            .filter(|endpoint| !endpoint.deleted)
            .collect();
        let deliveries: Vec<DeliveryId> = self.ledger.deliveries.keys().copied().collect();
        let write = operators::act(&mut self.random, present.now, &endpoints, &deliveries);
        self.trace(|| format!("operator: {write:?}"));
        self.queue(Ticket {
            write,
            caller: Caller::Nobody,
        });
        self.pump()
    }

    fn change_mood(&mut self) -> Result<(), Broken> {
        self.check_overdue()?;
        let nth = self.random.index(self.receivers.len().max(1));
        let mood = if self.calm {
            Mood::Quick
        } else {
            Mood::any(&mut self.random)
        };
        if let Some((url, receiver)) = self
            .receivers
            .iter_mut()
            .nth(nth)
            .filter(|(_, receiver)| !receiver.hopeless)
        {
            receiver.mood = mood;
            receiver.since_us = self.clocks.boot_us;
            let url = url.clone();
            self.trace(|| format!("{url} is {mood:?}"));
        }
        Ok(())
    }

    /// The disk gets into trouble for a while.
    fn ail(&mut self) -> Result<(), Broken> {
        self.disturb()?;
        let lasts = self.random.pick(&[100 * MS, 5 * SECOND, 2 * MINUTE]);
        let until = self.clocks.boot_us + self.random.within(1..=lasts);
        if let Disk::Faulty(faulty) = &mut self.disk
            && self.options.disk_fails
            && self.options.nth.is_none()
            && !self.calm
        {
            let trouble = faulty.ail();
            self.disk_ails = true;
            self.trace(|| format!("the disk: {trouble:?}"));
            self.agenda.add(until, Happening::Heal);
        }
        Ok(())
    }

    fn heal(&mut self) {
        if let Disk::Faulty(faulty) = &self.disk {
            faulty.heal();
            self.disk_ails = false;
            self.disturbed_us = self.clocks.boot_us;
            self.trace(|| "the disk is well".to_owned());
        }
    }

    fn calm_down(&mut self) {
        self.calm = true;
        self.heal();
        self.trace(|| "all faults stop".to_owned());
        for receiver in self.receivers.values_mut().filter(|receiver| !receiver.hopeless) {
            if receiver.mood != Mood::Quick {
                receiver.mood = Mood::Quick;
                receiver.since_us = self.clocks.boot_us;
            }
        }
    }

    /// A write is durable, whether the process ever learns of it or not.
    pub(crate) fn durable(
        &mut self,
        now: Millis,
        caller: Caller,
        write: &Write,
        written: &Written,
    ) -> Result<(), Broken> {
        match (caller, write, written) {
            (Caller::Robot(request), Write::Accept(event), _) => {
                let intake = &mut self.intakes[request];
                // What was pruned is not recognised any more.
                intake.made = intake.made.filter(|id| !self.ledger.pruned.contains(id));
                if let (Some(id), Written::Accepted(accepted)) = (intake.applied(written)?, written) {
                    self.trace(|| format!("accepted {id} as {:?}", accepted.deliveries));
                    self.ledger.accepted(now, id, event, &accepted.deliveries);
                }
            }
            (_, Write::Record(report), Written::Recorded(recorded)) => {
                self.trace(|| {
                    format!(
                        "recorded {} {:?} {:?}",
                        report.delivery, recorded.state, recorded.due
                    )
                });
                self.ledger
                    .recorded(self.generation, now, report.attempt.as_ref(), recorded)?;
            }
            (_, Write::Record(report), _) => {
                return broken(format!(
                    "the outcome of {} was refused: {written:?}",
                    report.delivery
                ));
            }
            (_, _, Written::Endpoint { endpoint, .. } | Written::EndpointDeleted { endpoint, .. }) => {
                self.ledger.endpoint(now, endpoint, self.clocks.boot_us);
                let (random, calm) = (&mut self.random, self.calm);
                self.receivers
                    .entry(endpoint.settings.url.clone())
                    .or_insert_with(|| Receiver {
                        mood: if calm { Mood::Quick } else { Mood::any(random) },
                        hopeless: random.chance(100_000),
                        since_us: self.clocks.boot_us,
                        journal: Vec::new(),
                    });
            }
            (_, Write::RetryNow { endpoint, cutoff, .. }, Written::RetriedNow { .. }) => {
                self.ledger.retried_now(*endpoint, *cutoff);
            }
            (_, Write::Prune { before, .. }, Written::Pruned(pruned)) => {
                let mut reader = self.model.reader().map_err(|error| Broken::of(&error))?;
                let gone = self.ledger.prune(*before, pruned.events, reader.as_mut())?;
                self.report.pruned += gone.len() as u64;
                self.trace(|| format!("pruned {gone:?}"));
            }
            (_, _, Written::Resent(resent)) => self.ledger.made(now, resent.event_id, &resent.deliveries),
            _ => {}
        }
        Ok(())
    }

    /// How long the run has lasted.
    pub(crate) const fn lasted_us(&self) -> BootUs {
        self.clocks.boot_us
    }
}
