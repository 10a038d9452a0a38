//! Events in another order than they happened, and late ones.

use ringback_contract::kind::Kind;

use super::super::check::{Check, Group, Need, Weight};
use super::super::judge;
use super::super::maker::{Draft, Maker};
use super::super::script::Step;
use super::super::words::Text;
use crate::sample::place;

/// How old a late event is: nearly the maximum age of the seed's schedule.
const LATE_MS: i64 = 23 * 60 * 60 * 1000;
/// How long ago an overtaken event was accepted.
const EARLIER_MS: i64 = 10 * 60 * 1000;

pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "correction-before-call",
        group: Group::Order,
        title: Text {
            en: "a correction before its call",
            zh: "意向等级修改先于通话到达",
        },
        risk: Text {
            en: "A refused correction holds up everything later of its call, and is given up in the end: the CRM keeps the wrong level.",
            zh: "被拒绝的修改会阻塞同一通话的后续事件，最终放弃：CRM 中留下错误的意向等级。",
        },
        remedy: Text {
            en: "Store a correction whether or not its call is known, by sceneInstanceId, and apply it when the call comes.",
            zh: "无论通话是否已知，都按 sceneInstanceId 保存修改，待通话到达时再应用。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(correction_first),
        judge: judge::expected,
    },
    Check {
        id: "job-before-calls",
        group: Group::Order,
        title: Text {
            en: "a job's completed before its last calls",
            zh: "任务完成先于最后的通话到达",
        },
        risk: Text {
            en: "Calls are not ordered against their job. Who closes a job on its completed and refuses what follows loses the last calls of every job.",
            zh: "通话与任务之间没有顺序保证。收到“已完成”就关闭任务并拒绝后续通话，会丢失每个任务的最后几通。",
        },
        remedy: Text {
            en: "Take calls of a completed job as any others. Where a report needs all of them, wait a while, or have the operator set order to key-hold.",
            zh: "任务完成后仍照常接收其通话。报表需要完整数据时请稍候再汇总，或请运营方将 order 设为 key-hold。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(job_first),
        judge: judge::expected,
    },
    Check {
        id: "old-after-new",
        group: Group::Order,
        title: Text {
            en: "an older event after a newer one of the same call or job",
            zh: "同一通话或任务的旧事件晚于新事件到达",
        },
        risk: Text {
            en: "A resend can bring an older event after a newer one. Refused, it is sent again until it is given up; applied, it overwrites what is newer.",
            zh: "补发可能让旧事件晚于新事件到达。拒绝会导致一直重发；直接应用则会用旧状态覆盖新状态。",
        },
        remedy: Text {
            en: "Remember the largest webhook-id per call and per job. What sorts before it is older: answer success and do not apply it.",
            zh: "按通话、按任务记住最大的 webhook-id；排序在其之前的就是旧事件：返回 success，但不要应用。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &["correction-before-call"],
        script: Some(old_after_new),
        judge: judge::expected,
    },
    Check {
        id: "late-event",
        group: Group::Order,
        title: Text {
            en: "the last re-send of a day-old event",
            zh: "一天前事件的最后一次重发",
        },
        risk: Text {
            en: "After an outage events come up to a day late, resent ones later still. Who judges the age by the callback's own times drops what was missed.",
            zh: "故障恢复后，事件可能迟到一天，人工补发的更晚。按回调内容中的时间判断过期，就会丢掉恰好错过的数据。",
        },
        remedy: Text {
            en: "Check the age of webhook-timestamp, which is that of this send, and never that of dateTime, startTime or webhook-id.",
            zh: "只检查 webhook-timestamp（本次发送的时间）是否过期，不要检查 dateTime、startTime 或 webhook-id。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(late),
        judge: judge::expected,
    },
];

fn correction_first(maker: &mut Maker) -> Vec<Step> {
    if !maker.takes(Kind::Correction) {
        return Vec::new();
    }
    let call_id = maker.id();
    let correction = maker.draft_of(Kind::Correction, call_id);
    let what = ("the correction of an unknown call", "对未知通话的修改");
    let mut steps = vec![Step::One(maker.send(&correction).called(what.0, what.1))];
    if maker.takes(Kind::Call) {
        let call = maker.draft_of(Kind::Call, call_id);
        let what = ("its call afterwards", "随后到达的该通话");
        steps.push(Step::One(maker.send(&call).called(what.0, what.1)));
    }
    steps
}

fn job_first(maker: &mut Maker) -> Vec<Step> {
    if !maker.takes(Kind::Call) || !maker.takes(Kind::Job) {
        return Vec::new();
    }
    let job = maker.draft(Kind::Job);
    let call = maker
        .draft(Kind::Call)
        .set("sceneInstance.callJobId", job.entity_id)
        .set("taskResult[0].callJobId", job.entity_id);
    let what = ("a call of a completed job", "已完成任务的通话");
    vec![
        Step::One(maker.send(&job)),
        Step::One(maker.send(&call).called(what.0, what.1)),
    ]
}

fn old_after_new(maker: &mut Maker) -> Vec<Step> {
    let mut steps = Vec::new();
    if maker.takes(Kind::Correction) && maker.takes(Kind::Call) {
        let call_id = maker.id();
        let accepted = maker.event_before(EARLIER_MS);
        let call = maker.draft_of(Kind::Call, call_id).accepted_as(accepted);
        let correction = maker.draft_of(Kind::Correction, call_id);
        let what = ("a call after its correction", "晚于修改到达的通话");
        steps.push(Step::One(maker.send(&correction)));
        steps.push(Step::One(maker.send(&call).overtaken().called(what.0, what.1)));
    }
    if maker.takes(Kind::Job) {
        let newer = maker.draft(Kind::Job);
        let accepted = maker.event_before(EARLIER_MS);
        let older = maker
            .draft_of(Kind::Job, newer.entity_id)
            .set("status", 4)
            .accepted_as(accepted);
        let what = ("a job's pause after its completed", "晚于“已完成”到达的暂停");
        steps.push(Step::One(maker.send(&newer)));
        steps.push(Step::One(maker.send(&older).overtaken().called(what.0, what.1)));
    }
    steps
}

fn late(maker: &mut Maker) -> Vec<Step> {
    let mut call_id = None;
    let sends = maker.of_each(|maker, kind| {
        // The correction is one of the late call: of another call it would be overtaken.
        let id = call_id.filter(|_| kind == Kind::Correction);
        let id = id.unwrap_or_else(|| maker.id());
        let draft = maker.draft_of(kind, id);
        if kind == Kind::Call {
            call_id = Some(id);
        }
        let accepted = maker.event_before(LATE_MS);
        Some(dated(draft, &maker.time_before(LATE_MS)).accepted_as(accepted))
    });
    sends.into_iter().map(|send| Step::One(send.number(11))).collect()
}

/// The same with its times at another moment.
fn dated(mut draft: Draft, time: &str) -> Draft {
    let day = time.get(..10).unwrap_or_default();
    let paths: &[(&str, &str)] = match draft.kind {
        Kind::Call | Kind::Inbound => &[
            ("sceneInstance.startTime", time),
            ("sceneInstance.endTime", time),
            ("sceneInstance.gmtCreate", time),
            ("sceneInstance.gmtModified", time),
        ],
        Kind::Job => &[
            ("gmtCreate", time),
            ("gmtModified", time),
            ("startDate", day),
            ("endDate", day),
        ],
        Kind::Correction => &[],
    };
    for (path, value) in paths {
        debug_assert!(draft.data.get(&place(path)).is_some(), "{path}");
        draft = draft.set(path, *value);
    }
    draft
}
