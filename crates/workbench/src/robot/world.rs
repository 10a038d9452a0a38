//! The simulated installation: jobs that share lines, and what is going to happen when.
//!
//! Pure: time comes in, events come out. Everything that happens later is in one queue, by time and by the order in which
//! it was put there, so that the same orders at the same times give the same events.

use std::collections::{BTreeMap, VecDeque};

use jiff::tz::TimeZone;
use ringback_contract::callback::{CallResult, Envelope};
use ringback_contract::kind::Kind;

use super::event::Event;
use super::job::{Done, Imported, Job, NewCustomer, Task, robot_def_id};
use super::status::{Cause, JobStatus};
use crate::generator::dial::{self, Dial};
use crate::prng::Prng;

/// How many of a hundred answered calls a person corrects later.
const CORRECTED: i64 = 5;
/// When he does, in milliseconds after the call.
const CORRECTED_MS: (i64, i64) = (2 * 60 * 1000, 40 * 60 * 1000);

/// An order that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such job.
    #[error("there is no such task")]
    NoJob,
    /// Its status does not allow it.
    #[error("the status of the task does not allow it")]
    Status,
    /// Its hours never come.
    #[error("the task's working hours never come: calls go out between 9:00 and 20:00")]
    Hours,
}

/// What is going to happen.
#[derive(Debug)]
enum Due {
    /// See what the job can do.
    Look(i64),
    /// Somebody orders something of a job.
    Order(i64, Cause),
    /// A call ends.
    Ends(i64, Box<Ending>),
    /// A person gives a call another level.
    Corrected(i64, i64, &'static str),
}

/// A call that is going on, with its end.
#[derive(Debug)]
struct Ending {
    customer: usize,
    call_id: i64,
    finish_status: i64,
    level: &'static str,
    result: CallResult,
}

/// The installation.
#[derive(Debug)]
pub struct World {
    zone: TimeZone,
    prng: Prng,
    now_ms: i64,
    next_id: i64,
    /// Lines that nobody uses.
    free_lines: usize,
    pub(super) jobs: BTreeMap<i64, Job>,
    /// Jobs that could call if there were a line, in the order in which they came.
    starved: VecDeque<i64>,
    due: BTreeMap<(i64, u64), Due>,
    sequence: u64,
    events: VecDeque<Event>,
    /// Whether bodies of calls are kept for who asks for them.
    pub(super) kept: Option<BTreeMap<i64, CallResult>>,
}

impl World {
    /// An installation with so many lines at this moment. Ids of jobs, customers and calls rise from `first_id`.
    #[must_use]
    pub const fn new(seed: u64, zone: TimeZone, now_ms: i64, lines: usize, first_id: i64) -> Self {
        Self {
            zone,
            prng: Prng::new(seed),
            now_ms,
            next_id: first_id,
            free_lines: lines,
            jobs: BTreeMap::new(),
            starved: VecDeque::new(),
            due: BTreeMap::new(),
            sequence: 0,
            events: VecDeque::new(),
            kept: None,
        }
    }

    /// The same, which keeps every finished call.
    #[must_use]
    pub fn keeping_calls(mut self) -> Self {
        self.kept = Some(BTreeMap::new());
        self
    }

    /// Its time.
    #[must_use]
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Customers for whom nothing is to be done any more, and all customers.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let jobs = self.jobs.values();
        jobs.fold((0, 0), |(settled, all), job| {
            (settled + job.settled, all + job.customers.len())
        })
    }

    /// When the next thing happens by itself; `None` if nothing does.
    #[must_use]
    pub fn next_at(&self) -> Option<i64> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets time pass until this moment. What happened comes out of [`World::take`].
    pub fn advance(&mut self, now_ms: i64) {
        while self.next_at().is_some_and(|at| at <= now_ms) {
            self.step();
        }
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// The oldest event that was not taken yet.
    pub fn take(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next event, whenever it happens; `None` when nothing will happen any more.
    pub fn next_event(&mut self) -> Option<Event> {
        while self.events.is_empty() && !self.due.is_empty() {
            self.step();
        }
        self.take()
    }

    /// Makes a job, which is not started.
    pub fn create(&mut self, company_id: i64, task: Task) -> i64 {
        let id = self.id();
        let mut job = Job::new(id, company_id, task, self.now_ms);
        self.events.push_back(job.event(self.now_ms, &self.zone));
        self.jobs.insert(id, job);
        id
    }

    /// Gives a job customers.
    ///
    /// # Errors
    /// When there is no such job, or it has ended.
    pub fn import(&mut self, id: i64, customers: Vec<NewCustomer>) -> Result<Imported, Refused> {
        let next_id = &mut self.next_id;
        let job = self.jobs.get_mut(&id).ok_or(Refused::NoJob)?;
        if job.status.is_final() {
            return Err(Refused::Status);
        }
        let imported = job.import(customers, || next(next_id));
        self.look(id);
        Ok(imported)
    }

    /// Starts, pauses or stops a job, or lets something happen to it.
    ///
    /// # Errors
    /// When there is no such job, its status does not allow that, or it could never call.
    pub fn order(&mut self, id: i64, cause: Cause) -> Result<(), Refused> {
        let job = self.jobs.get(&id).ok_or(Refused::NoJob)?;
        if job.is_deleted {
            return Err(Refused::NoJob);
        }
        if cause == Cause::Start && job.task.hours.opens(self.now_ms, &self.zone).is_none() {
            return Err(Refused::Hours);
        }
        if !self.change(id, cause) {
            return Err(Refused::Status);
        }
        self.look(id);
        Ok(())
    }

    /// The same, later; what cannot be followed then is passed over.
    pub fn order_at(&mut self, at_ms: i64, id: i64, cause: Cause) {
        self.plan(at_ms, Due::Order(id, cause));
    }

    /// Removes a job; one that has not ended is stopped.
    ///
    /// # Errors
    /// When there is no such job.
    pub fn delete(&mut self, id: i64) -> Result<(), Refused> {
        let job = self
            .jobs
            .get_mut(&id)
            .filter(|job| !job.is_deleted)
            .ok_or(Refused::NoJob)?;
        job.is_deleted = true;
        self.change(id, Cause::Stop);
        Ok(())
    }

    fn id(&mut self) -> i64 {
        next(&mut self.next_id)
    }

    fn plan(&mut self, at_ms: i64, due: Due) {
        self.sequence += 1;
        self.due.insert((at_ms.max(self.now_ms), self.sequence), due);
    }

    /// The next thing happens.
    fn step(&mut self) {
        let Some(((at_ms, _), due)) = self.due.pop_first() else {
            return;
        };
        self.now_ms = self.now_ms.max(at_ms);
        match due {
            Due::Look(job) => self.look(job),
            // Whoever orders at a time does not know how the job stands then.
            Due::Order(job, cause) => {
                let _ = self.order(job, cause);
            }
            Due::Ends(job, ending) => self.ends(job, *ending),
            Due::Corrected(company_id, call_id, level) => {
                let body = serde_json::to_string(&Envelope::correction(company_id, call_id, level));
                self.tell(Kind::Correction, call_id, body);
            }
        }
    }

    fn tell(&mut self, kind: Kind, entity_id: i64, body: serde_json::Result<String>) {
        self.events.push_back(Event {
            at_ms: self.now_ms,
            kind,
            entity_id,
            // The types of the callbacks have text keys only, so that they can always be written.
            body: body.unwrap_or_default(),
        });
    }

    /// Changes the status of a job, if this is a cause to, and tells of it.
    fn change(&mut self, id: i64, cause: Cause) -> bool {
        let Some(job) = self.jobs.get_mut(&id) else {
            return false;
        };
        let Some(after) = job.status.after(cause) else {
            return false;
        };
        job.status = after;
        self.events.push_back(job.event(self.now_ms, &self.zone));
        true
    }

    /// Lets a job do what it can do now.
    fn look(&mut self, id: i64) {
        let now_ms = self.now_ms;
        let Some(job) = self.jobs.get(&id).filter(|job| job.status.is_under_way()) else {
            return;
        };
        let hours = job.task.hours;
        if !hours.is_open(now_ms, &self.zone) {
            self.change(id, Cause::HoursEnd);
            if let Some(at) = hours.opens(now_ms, &self.zone) {
                self.plan(at, Due::Look(id));
            }
            return;
        }
        self.change(id, Cause::HoursBegin);
        if self.status(id) == Some(JobStatus::Queued) {
            if self.free_lines == 0 {
                self.starve(id);
                return;
            }
            self.change(id, Cause::Line);
            if let Some(at) = hours.closes(now_ms, &self.zone) {
                self.plan(at, Due::Look(id));
            }
        }
        self.dial_all(id);
        self.end_or_wait(id);
    }

    fn status(&self, id: i64) -> Option<JobStatus> {
        self.jobs.get(&id).map(|job| job.status)
    }

    fn starve(&mut self, id: i64) {
        if !self.starved.contains(&id) {
            self.starved.push_back(id);
        }
    }

    /// Calls as many as there are lines for.
    fn dial_all(&mut self, id: i64) {
        while let Some(job) = self.jobs.get(&id)
            && job.has_next(self.now_ms)
            && job.in_flight < job.task.concurrency
        {
            if self.free_lines == 0 {
                self.starve(id);
                return;
            }
            self.change(id, Cause::RedialDue);
            self.dial(id);
        }
    }

    fn dial(&mut self, id: i64) {
        let call_id = self.id();
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let Some(place) = job.next(self.now_ms) else {
            return;
        };
        let customer = &mut job.customers[place];
        customer.calls += 1;
        let dial = Dial {
            call_id,
            company_id: job.company_id,
            job_id: id,
            job_name: &job.task.name,
            robot: job.task.robot,
            robot_def_id: robot_def_id(job.task.robot),
            line: line(job.task.call_type),
            customer_id: customer.id,
            customer_name: &customer.given.name,
            phone: &customer.given.phone,
            properties: serde_json::to_string(&customer.given.properties).unwrap_or_default(),
            called_before: customer.calls - 1,
            start_ms: self.now_ms,
            zone: &self.zone,
        };
        let finish_status = dial::finish_status(&mut self.prng);
        let dialled = dial.hold(&mut self.prng, finish_status);
        job.in_flight += 1;
        self.free_lines -= 1;
        let ending = Ending {
            customer: place,
            call_id,
            finish_status,
            level: dialled.level,
            result: dialled.result,
        };
        self.plan(self.now_ms + dialled.took_ms, Due::Ends(id, Box::new(ending)));
    }

    fn ends(&mut self, id: i64, mut ending: Ending) {
        self.free_lines += 1;
        let now_ms = self.now_ms;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.in_flight -= 1;
        let redials = job.customers[ending.customer].calls - 1;
        let redial = job
            .task
            .redials
            .next(ending.finish_status, redials)
            .filter(|_| !job.status.is_final())
            .map(|(after_ms, times)| (now_ms + after_ms, times));
        match redial {
            Some((at_ms, _)) => job.call_again(ending.customer, at_ms),
            None => job.settled += 1,
        }
        dial::again(&mut ending.result, redial, &self.zone);
        ending.result.job_finished = Some(job.is_through());
        let scene = &ending.result.scene_instance;
        job.done.push(Done {
            call_id: ending.call_id,
            customer: ending.customer,
            finish_status: ending.finish_status,
            duration_s: scene.duration.unwrap_or(0),
            chat_round: scene.chat_round.unwrap_or(0),
            start_time: scene.start_time.clone().unwrap_or_default(),
            level: ending.level,
        });
        let company_id = job.company_id;
        if ending.finish_status == 0 && self.prng.chance(CORRECTED) {
            let level = dial::corrected(&mut self.prng, ending.level);
            let at_ms = now_ms + self.prng.between(CORRECTED_MS.0, CORRECTED_MS.1);
            self.plan(at_ms, Due::Corrected(company_id, ending.call_id, level));
        }
        let body = serde_json::to_string(&Envelope::call(ending.result.clone()));
        self.tell(Kind::Call, ending.call_id, body);
        if let Some(kept) = &mut self.kept {
            kept.insert(ending.call_id, ending.result);
        }
        self.befall(id);
        if let Some(starved) = self.starved.pop_front() {
            self.look(starved);
        }
        self.look(id);
    }

    /// Lets what was planned for a job happen when enough of its customers are settled.
    fn befall(&mut self, id: i64) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let Some((_, cause, again_ms)) = job.fate.take_if(|(after, ..)| job.settled >= *after) else {
            return;
        };
        self.change(id, cause);
        if let Some(again_ms) = again_ms {
            self.order_at(self.now_ms + again_ms, id, Cause::Start);
        }
    }

    /// A job with nobody to call now has ended, or waits for its redials.
    fn end_or_wait(&mut self, id: i64) {
        let now_ms = self.now_ms;
        let Some(job) = self
            .jobs
            .get(&id)
            .filter(|job| !job.has_next(now_ms) && job.in_flight == 0)
        else {
            return;
        };
        match job.next_redial() {
            _ if job.is_through() => {
                self.change(id, Cause::NobodyLeft);
            }
            Some(at_ms) => {
                self.change(id, Cause::RedialsLeft);
                self.plan(at_ms, Due::Look(id));
            }
            None => {}
        }
    }
}

fn next(id: &mut i64) -> i64 {
    let now = *id;
    *id += 1;
    now
}

/// The name of a line for this type of caller's number.
fn line(call_type: i64) -> &'static str {
    match call_type {
        0 => "手机线路-03",
        2 => "无主叫线路-01",
        _ => "固话线路-07",
    }
}

#[cfg(test)]
mod tests;
