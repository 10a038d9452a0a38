//! Realistic callbacks that never happened: calls with their conversations, inbound calls, job changes, corrections.
//!
//! The same setup and the same moments give the same callbacks, byte for byte. Nobody is called by them: phone numbers
//! have letters in their middle, as in the seed, and recordings are at `example.com`.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use ringback_contract::callback::{CallResult, Envelope, InboundResult, JobInfo};
use ringback_contract::date_time;
use ringback_contract::kind::Kind;

mod conversation;
pub(crate) mod dial;
mod results;
mod scene;
mod script;
#[cfg(test)]
mod tests;

use conversation::Conversation;
use results::{LEVELS, Level};
use script::{SCRIPTS, Script};

use crate::prng::Prng;

/// Calls that corrections can still refer to.
const RECENT: usize = 64;

/// The first callInstanceId unless the setup says otherwise: a few calls later the ids leave 32 bits behind.
pub const FIRST_CALL_ID: i64 = (1 << 31) - 4;

/// How calls end, with how many of 200 do so. Every finishStatus of the seed is there, and 22 of its later revision.
const FINISH_STATUS: [(i64, i64); 13] = [
    (100, 0),
    (16, 1),
    (12, 2),
    (2, 3),
    (10, 4),
    (14, 5),
    (10, 6),
    (4, 7),
    (22, 8),
    (2, 9),
    (4, 10),
    (2, 11),
    (2, 22),
];

/// What jobs change to, with how many of 100 do so: first those that are sent by default.
const JOB_STATUS: [(i64, i64); 10] = [
    (30, 2),
    (15, 4),
    (15, 5),
    (8, 9),
    (7, 10),
    (10, 1),
    (5, 3),
    (4, 6),
    (4, 7),
    (2, 8),
];

/// What happens, with how many of 100 times.
const KINDS: [(i64, Kind); 4] = [
    (80, Kind::Call),
    (8, Kind::Inbound),
    (7, Kind::Correction),
    (5, Kind::Job),
];

/// What a generator makes its callbacks of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Decides everything else.
    pub seed: u64,
    /// The company of all callbacks.
    pub company_id: i64,
    /// The callInstanceId of the first call; they rise from there.
    pub first_call_id: i64,
    /// The zone of the dates.
    pub zone: TimeZone,
}

impl Setup {
    /// A setup with the dates in UTC and the first call at [`FIRST_CALL_ID`].
    #[must_use]
    pub const fn new(seed: u64, company_id: i64) -> Self {
        Self {
            seed,
            company_id,
            first_call_id: FIRST_CALL_ID,
            zone: TimeZone::UTC,
        }
    }
}

/// A generated callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its kind.
    pub kind: Kind,
    /// Its company.
    pub company_id: i64,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub entity_id: i64,
    /// The level of a correction.
    pub result_value: Option<String>,
    /// The whole callback with its envelope: UTF-8 JSON without white space.
    pub body: String,
}

/// The generator.
#[derive(Debug)]
pub struct Generator {
    setup: Setup,
    prng: Prng,
    jobs: Vec<Job>,
    next_call_id: i64,
    /// Calls and their levels, oldest first.
    recent: VecDeque<(i64, &'static Level)>,
}

/// A job that calls belong to.
#[derive(Debug)]
struct Job {
    id: i64,
    script: &'static Script,
    robot_def_id: i64,
    version: i64,
}

/// What the parts of one call have in common.
#[derive(Debug)]
struct Call<'a> {
    id: i64,
    company_id: i64,
    job: &'a Job,
    /// The job that it names: none of an inbound call.
    job_id: Option<i64>,
    start_ms: i64,
    length_ms: i64,
    zone: &'a TimeZone,
}

impl Generator {
    /// A generator with a job for each of its scripts.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut prng = Prng::new(setup.seed);
        let first_job_id = prng.between(300_000, 900_000);
        let jobs = (first_job_id..)
            .zip(SCRIPTS)
            .map(|(id, script)| Job {
                id,
                script,
                robot_def_id: prng.between(100, 999),
                version: 0,
            })
            .collect();
        Self {
            next_call_id: setup.first_call_id,
            setup,
            prng,
            jobs,
            recent: VecDeque::new(),
        }
    }

    /// The next callback, of a kind that is as frequent as in a real installation. `now_ms` is the wall clock: what
    /// is told ended just before it.
    pub fn next(&mut self, now_ms: i64) -> Generated {
        let kind = *self.prng.weighted(&KINDS);
        self.callback(kind, now_ms)
    }

    /// The next callback of this kind. A correction is one of a call generated before, if there was one.
    pub fn callback(&mut self, kind: Kind, now_ms: i64) -> Generated {
        let company_id = self.setup.company_id;
        let (entity_id, result_value, body) = match kind {
            Kind::Call => {
                let (id, call) = self.call(now_ms);
                (id, None, serde_json::to_string(&Envelope::call(call)))
            }
            Kind::Inbound => {
                let (id, call) = self.inbound(now_ms);
                (id, None, serde_json::to_string(&Envelope::inbound(call)))
            }
            Kind::Correction => {
                let (id, level) = self.correction();
                let envelope = Envelope::correction(company_id, id, level);
                (id, Some(level.to_owned()), serde_json::to_string(&envelope))
            }
            Kind::Job => {
                let (id, job) = self.job(now_ms);
                (id, None, serde_json::to_string(&Envelope::job(job)))
            }
        };
        Generated {
            kind,
            company_id,
            entity_id,
            result_value,
            // These types have text keys only, so that they can always be written.
            body: body.unwrap_or_default(),
        }
    }

    fn call(&mut self, now_ms: i64) -> (i64, CallResult) {
        let finish_status = *self.prng.weighted(&FINISH_STATUS);
        let prng = &mut self.prng;
        let job = prng.pick(&self.jobs);
        let conversation = (finish_status == 0).then(|| Conversation::hold(prng, job.script));
        let length_ms = conversation.as_ref().map_or(0, |held| held.length_ms + 900);
        let call = Call {
            id: self.next_call_id,
            company_id: self.setup.company_id,
            job,
            job_id: Some(job.id),
            start_ms: now_ms - length_ms - prng.between(300, 3_000),
            length_ms,
            zone: &self.setup.zone,
        };
        let level = results::level(finish_status, conversation.as_ref());
        let result = CallResult {
            scene_instance: call.scene(prng, finish_status, level, conversation.as_ref()),
            task_result: Some(results::results(prng, &call, level, conversation.as_ref())),
            phone_log: Some(call.phone_log(prng, conversation.as_ref())),
            job_finished: Some(false),
            ..CallResult::default()
        };
        let id = call.id;
        self.remember(id, level);
        (id, result)
    }

    fn inbound(&mut self, now_ms: i64) -> (i64, InboundResult) {
        let prng = &mut self.prng;
        let job = prng.pick(&self.jobs);
        let conversation = Conversation::hold(prng, job.script);
        let length_ms = conversation.length_ms + 900;
        let call = Call {
            id: self.next_call_id,
            company_id: self.setup.company_id,
            job,
            job_id: None,
            start_ms: now_ms - length_ms - prng.between(300, 3_000),
            length_ms,
            zone: &self.setup.zone,
        };
        let level = results::level(0, Some(&conversation));
        let outbound = call.scene(prng, 0, level, Some(&conversation));
        let result = InboundResult {
            scene_instance: scene::inbound(prng, outbound, level),
            task_result: Some(results::results(prng, &call, level, Some(&conversation))),
            phone_log: Some(call.phone_log(prng, Some(&conversation))),
            ..InboundResult::default()
        };
        let id = call.id;
        self.next_call_id += 1;
        (id, result)
    }

    fn remember(&mut self, call_id: i64, level: &'static Level) {
        self.next_call_id += 1;
        self.recent.push_back((call_id, level));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// A call and the level that a person gives it instead of its own.
    fn correction(&mut self) -> (i64, &'static str) {
        let place = match self.recent.len() {
            0 => None,
            calls => Some(self.prng.index(calls)),
        };
        let (call_id, before) = match place.and_then(|place| self.recent.get(place)) {
            None => (self.setup.first_call_id, None),
            Some((call_id, level)) => (*call_id, Some(level.alias)),
        };
        let others: Vec<_> = LEVELS
            .iter()
            .filter(|level| Some(level.alias) != before)
            .collect();
        let after = *self.prng.pick(&others);
        if let Some(recent) = place.and_then(|place| self.recent.get_mut(place)) {
            recent.1 = after;
        }
        (call_id, after.alias)
    }

    fn job(&mut self, now_ms: i64) -> (i64, JobInfo) {
        let status = *self.prng.weighted(&JOB_STATUS);
        let place = self.prng.index(self.jobs.len());
        let job = &mut self.jobs[place];
        job.version += 1;
        let now = date_time::format_local(now_ms, &self.setup.zone);
        let date = now.get(..10).map(str::to_owned);
        let info = JobInfo {
            call_job_id: Some(job.id),
            company_id: Some(self.setup.company_id),
            job_name: Some(job.script.job.to_owned()),
            job_type: Some(2),
            start_date: date.clone(),
            end_date: date,
            working_start_time: Some("09:00:00".to_owned()),
            working_end_time: Some("20:00:00".to_owned()),
            break_start_time: Some("12:00:00".to_owned()),
            break_end_time: Some("13:30:00".to_owned()),
            status: Some(status),
            call_type: Some(1),
            robot_def_id: Some(job.robot_def_id),
            scene_def_id: Some(job.robot_def_id + 12),
            scene_record_id: Some(job.robot_def_id + 12),
            remark: Some(String::new()),
            sms_type: Some(0),
            user_id: Some(241),
            user_name: Some("步婉".to_owned()),
            ip: Some("172.16.67.104".to_owned()),
            host_name: Some("robot-03".to_owned()),
            version: Some(job.version),
            secondary_start_time: Some("09:00:00".to_owned()),
            job_is_delete: Some(false),
            gmt_create: Some(date_time::format_local(
                now_ms - 5 * 60 * 60 * 1000,
                &self.setup.zone,
            )),
            gmt_modified: Some(now),
            ..JobInfo::default()
        };
        (job.id, info)
    }
}
