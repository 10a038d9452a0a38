//! One call of a job to a customer who is known: what the simulated platform makes its calls of.

use jiff::tz::TimeZone;
use ringback_contract::callback::{CallResult, NO_SECONDARY_CALL_TIME};
use ringback_contract::date_time;

use super::conversation::Conversation;
use super::script::{self, SCRIPTS};
use super::{Call, FINISH_STATUS, Job, results};
use crate::prng::Prng;

/// How many robots there are to make calls with.
pub(crate) const ROBOTS: usize = SCRIPTS.len();

/// The name of a robot's script, and what its jobs are called.
pub(crate) fn robot(place: usize) -> (&'static str, &'static str) {
    let script = &SCRIPTS[place % ROBOTS];
    (script.name, script.job)
}

/// A customer's name.
pub(crate) fn customer_name(prng: &mut Prng) -> String {
    format!("{}{}", prng.pick(script::SURNAMES), prng.pick(script::TITLES))
}

/// How a call ends, as often as in a real installation.
pub(crate) fn finish_status(prng: &mut Prng) -> i64 {
    *prng.weighted(&FINISH_STATUS)
}

/// A call that is made.
#[derive(Debug)]
pub(crate) struct Dial<'a> {
    pub(crate) call_id: i64,
    pub(crate) company_id: i64,
    pub(crate) job_id: i64,
    pub(crate) job_name: &'a str,
    /// The place of the robot, below [`ROBOTS`].
    pub(crate) robot: usize,
    pub(crate) robot_def_id: i64,
    pub(crate) line: &'a str,
    pub(crate) customer_id: i64,
    pub(crate) customer_name: &'a str,
    pub(crate) phone: &'a str,
    /// JSON of an object.
    pub(crate) properties: String,
    /// How often the customer was called before.
    pub(crate) called_before: i64,
    pub(crate) start_ms: i64,
    pub(crate) zone: &'a TimeZone,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) result: CallResult,
    /// The letter of its intent level.
    pub(crate) level: &'static str,
    /// From the first ring until it ended.
    pub(crate) took_ms: i64,
}

impl Dial<'_> {
    /// Makes the call, which ends so. Whether there will be a further one is told by [`again`].
    pub(crate) fn hold(&self, prng: &mut Prng, finish_status: i64) -> Dialled {
        let script = &SCRIPTS[self.robot % ROBOTS];
        let conversation = (finish_status == 0).then(|| Conversation::hold(prng, script));
        let rings_ms = match finish_status {
            // Nobody picks up: the network gives up after a while.
            8 => prng.between(25_000, 45_000),
            _ => prng.between(2_000, 18_000),
        };
        let length_ms = conversation.as_ref().map_or(0, |held| held.length_ms + 900);
        let job = Job {
            id: self.job_id,
            script,
            robot_def_id: self.robot_def_id,
            version: 0,
        };
        let call = Call {
            id: self.call_id,
            company_id: self.company_id,
            job: &job,
            job_id: Some(self.job_id),
            start_ms: self.start_ms + rings_ms,
            length_ms,
            zone: self.zone,
        };
        let level = results::level(finish_status, conversation.as_ref());
        let mut scene = call.scene(prng, finish_status, level, conversation.as_ref());
        scene.customer_id = Some(self.customer_id);
        scene.customer_name = Some(self.customer_name.to_owned());
        scene.customer_telephone = Some(self.phone.to_owned());
        scene.properties = Some(self.properties.clone());
        scene.job_name = Some(self.job_name.to_owned());
        scene.caller_phone = Some(self.line.to_owned());
        scene.call_index = Some(self.called_before);
        scene.start_time = Some(date_time::format_local(self.start_ms, self.zone));
        scene.gmt_create.clone_from(&scene.start_time);
        scene.corp_name = Some(
            serde_json::json!({ "calledTimes": self.called_before + 1, "callerId": 887, "host": "robot-03", "useAsr": "pay" })
                .to_string(),
        );
        Dialled {
            result: CallResult {
                scene_instance: scene,
                task_result: Some(results::results(prng, &call, level, conversation.as_ref())),
                phone_log: Some(call.phone_log(prng, conversation.as_ref())),
                job_finished: Some(false),
                ..CallResult::default()
            },
            level: level.alias,
            took_ms: rings_ms + length_ms,
        }
    }
}

/// Says in a result whether the customer is called again: when, and how often at most.
pub(crate) fn again(result: &mut CallResult, redial: Option<(i64, i64)>, zone: &TimeZone) {
    let scene = &mut result.scene_instance;
    let (status, times, at) = match redial {
        Some((at_ms, times)) => (3, times, date_time::format_local(at_ms, zone)),
        None => (2, 0, NO_SECONDARY_CALL_TIME.to_owned()),
    };
    scene.status = Some(status);
    scene.secondary_call_times = Some(times);
    scene.secondary_call_time = Some(at);
}

/// A level that a person gives a call instead of this one.
pub(crate) fn corrected(prng: &mut Prng, level: &str) -> &'static str {
    let others: Vec<_> = results::LEVELS
        .iter()
        .filter(|other| other.alias != level)
        .collect();
    prng.pick(&others).alias
}
