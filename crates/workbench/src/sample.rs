//! The seed's samples as callbacks of today: with ids and dates of their own, and as the service renders them.

use jiff::tz::TimeZone;
use ringback_contract::date_time;
use ringback_contract::intake::{self, Invalid, Stamp};
use ringback_contract::kind::Kind;
use ringback_contract::{samples, v2};
use ringback_core::endpoint::Profile;

use crate::tree::{Path, Tree};

/// How long the sample's call takes.
const CALL_MS: i64 = 39_000;

/// What the callbacks of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Today {
    /// The company of all callbacks.
    pub(crate) company_id: i64,
    /// The zone of their dates.
    pub(crate) zone: TimeZone,
    /// The wall clock: what is told ended just before it.
    pub(crate) wall_ms: i64,
}

impl Today {
    /// The time so long ago as callbacks write it.
    pub(crate) fn time_before(&self, ms: i64) -> String {
        date_time::format_local(self.wall_ms - ms, &self.zone)
    }

    /// The `data.data` of this kind with this id; of a call with the next one as its job's.
    pub(crate) fn of_kind(&self, kind: Kind, id: i64) -> Tree {
        match kind {
            Kind::Call => self.call(id, id + 1),
            Kind::Inbound => self.inbound(id),
            Kind::Correction => self.correction(id, "B"),
            Kind::Job => self.job(id),
        }
    }

    /// The `data.data` of a call.
    pub(crate) fn call(&self, id: i64, job_id: i64) -> Tree {
        let mut data = published(Kind::Call);
        let (start, end) = (self.time_before(CALL_MS + 2_000), self.time_before(2_000));
        for (path, value) in [
            ("sceneInstance.callInstanceId", id.into()),
            ("sceneInstance.companyId", self.company_id.into()),
            ("sceneInstance.callJobId", job_id.into()),
            ("sceneInstance.startTime", start.as_str().into()),
            ("sceneInstance.endTime", end.as_str().into()),
            ("sceneInstance.gmtCreate", start.as_str().into()),
            ("sceneInstance.gmtModified", end.as_str().into()),
            ("taskResult[0].sceneInstanceId", id.into()),
            ("taskResult[0].callJobId", job_id.into()),
            ("taskResult[1].sceneInstanceId", id.into()),
            ("phoneLog.phoneLogs[0].sceneInstanceId", id.into()),
            ("phoneLog.phoneLogs[1].sceneInstanceId", id.into()),
        ] {
            put(&mut data, path, value);
        }
        // Both are given by the service.
        data.remove(&place("sign"));
        data.remove(&place("dateTime"));
        data
    }

    /// The `data.data` of an inbound call, which the seed has no sample of: made of a call (contract, section 1).
    pub(crate) fn inbound(&self, id: i64) -> Tree {
        let mut data = self.call(id, 0);
        if let Tree::Object(members) = &mut data {
            members.retain(|(name, _)| name != "jobFinished");
            if let Some((_, Tree::Object(scene))) =
                members.iter_mut().find(|(name, _)| name == "sceneInstance")
            {
                for (name, value) in scene.iter_mut() {
                    match name.as_str() {
                        "callInstanceId" => *name = "inboundInstanceId".to_owned(),
                        "callerPhone" => *name = "calleePhone".to_owned(),
                        "callJobId" => *value = Tree::Null,
                        _ => {}
                    }
                }
            }
        }
        for (path, value) in [
            ("sceneInstance.transferStatus", 0.into()),
            ("sceneInstance.transferInfo", Tree::Null),
            ("sceneInstance.userLevel", "C".into()),
            ("sceneInstance.propertiesMap", Tree::Object(Vec::new())),
            ("taskResult[0].callJobId", Tree::Null),
        ] {
            put(&mut data, path, value);
        }
        data
    }

    /// The `data.data` of a correction.
    pub(crate) fn correction(&self, call_id: i64, level: &str) -> Tree {
        let mut data = published(Kind::Correction);
        for (path, value) in [
            ("taskResult[0].companyId", self.company_id.into()),
            ("taskResult[0].sceneInstanceId", call_id.into()),
            ("taskResult[0].resultValue", level.into()),
        ] {
            put(&mut data, path, value);
        }
        data
    }

    /// The `data.data` of a job that is completed.
    pub(crate) fn job(&self, id: i64) -> Tree {
        let mut data = published(Kind::Job);
        let now = self.time_before(1_000);
        let today = now.get(..10).unwrap_or_default();
        for (path, value) in [
            ("callJobId", id.into()),
            ("companyId", self.company_id.into()),
            ("startDate", today.into()),
            ("endDate", today.into()),
            ("gmtModified", now.as_str().into()),
        ] {
            put(&mut data, path, value);
        }
        data
    }
}

/// The path of the kind's own id in its `data.data`.
pub(crate) const fn id_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "sceneInstance.callInstanceId",
        Kind::Inbound => "sceneInstance.inboundInstanceId",
        Kind::Correction => "taskResult[0].sceneInstanceId",
        Kind::Job => "callJobId",
    }
}

/// The `data.data` of the seed's sample of a kind; of the inbound calls, which have none, that of the calls.
pub(crate) fn published(kind: Kind) -> Tree {
    let text = match kind {
        Kind::Call | Kind::Inbound => samples::CALL,
        Kind::Correction => samples::CORRECTION,
        Kind::Job => samples::JOB,
    };
    let envelope = Tree::read(text).expect("the samples are JSON");
    let data = envelope.get(&place("data.data"));
    data.cloned().expect("the samples have data.data")
}

/// An envelope of this kind around the text of a `data.data`.
pub(crate) fn enveloped(kind: Kind, data: &str) -> String {
    let data_type = kind.data_type();
    format!(r#"{{"data":{{"dataType":"{data_type}","data":{data}}}}}"#)
}

/// The body that the service sends of this intake, in the shape of a profile.
///
/// # Errors
/// When the intake is one that the service refuses.
pub(crate) fn render(
    kind: Kind,
    intake: &str,
    stamp: &Stamp<'_>,
    profile: Profile,
) -> Result<Vec<u8>, Invalid> {
    let body = intake::parse(kind, intake.as_bytes())?.render(stamp);
    match profile {
        Profile::V1 => Ok(body),
        Profile::V2 => v2::render(v2::Version::LATEST, &body),
    }
}

/// A path that is written in the program.
pub(crate) fn place(path: &str) -> Path {
    path.parse().expect("the program's paths are paths")
}

/// Puts a value at a place that the samples have.
pub(crate) fn put(data: &mut Tree, path: &str, value: Tree) {
    data.set(&place(path), value)
        .expect("the program's paths lead through the samples");
}
