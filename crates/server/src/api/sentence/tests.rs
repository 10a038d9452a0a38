//! The sentences, case by case: every state, every reason to wait, every outcome, in both languages.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ringback_core::delivery::{Age, Delivery, Hold};
use ringback_core::endpoint::FixedProfile;
use ringback_core::event::OrderKey;
use ringback_core::id::{EndpointId, EventId};
use ringback_core::store::HeldBy;

use super::*;

/// 2026-01-12 16:10:11 in Shanghai.
const NOW: Millis = Millis(1_768_205_411_000);
const ID: DeliveryId = DeliveryId(9);

fn after(seconds: i64) -> Millis {
    Millis(NOW.0 + seconds * 1000)
}

/// A delivery to `erp` that was sent so often, the last time with this outcome.
fn record(kind: Kind, state: State, sends: u32, outcome: Option<Outcome>) -> DeliveryRecord {
    let attempt = outcome.map(|outcome| Attempt {
        n: sends,
        started_wall_ms: NOW.0 - 5_000,
        duration_ms: 1_000,
        outcome,
        status: match outcome {
            Outcome::Acknowledged | Outcome::NotAcknowledged => Some(200),
            Outcome::Refused => Some(500),
            Outcome::Unreachable | Outcome::TimedOut | Outcome::Blocked => None,
        },
        address: None,
        detail: None,
        body_start: Bytes::new(),
    });
    DeliveryRecord {
        delivery: Delivery {
            id: ID,
            event_id: EventId(1),
            company_id: 151,
            kind,
            key: OrderKey::of(kind, 1),
            endpoint: Some(EndpointId(1)),
            state,
            due: None,
            hold: None,
            hold_job: None,
            age: Age::default(),
            sends,
            last_outcome: outcome,
            settled_at: state.is_settled().then_some(NOW),
            resend_of: None,
            profile: FixedProfile::V1,
            schedule: Arc::default(),
        },
        endpoint_name: Some("erp".to_owned()),
        waits_for: None,
        held_by: None,
        attempts: attempt.into_iter().collect(),
    }
}

fn due(record: DeliveryRecord, at: Millis) -> DeliveryRecord {
    DeliveryRecord {
        delivery: Delivery {
            due: Some(at),
            ..record.delivery
        },
        ..record
    }
}

fn held(open_calls: usize, newest_call: Option<Millis>) -> DeliveryRecord {
    let record = record(Kind::Job, State::Pending, 0, None);
    DeliveryRecord {
        delivery: Delivery {
            hold: Some(Hold {
                until: after(600),
                check: NOW,
            }),
            ..record.delivery
        },
        held_by: Some(HeldBy {
            open_calls,
            newest_call,
        }),
        ..record
    }
}

/// What the sentences about a delivery are, in English and in Chinese.
#[track_caller]
fn check(record: &DeliveryRecord, held_back: Option<HeldBack>, english: &str, chinese: &str) {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let present = Present {
        now: NOW,
        held_back: held_back.map(|held_back| (ID, held_back)).into_iter().collect(),
        quiet_ms: HashMap::from([(EndpointId(1), 5_000)]),
    };
    for (language, expected) in [(Language::English, english), (Language::Chinese, chinese)] {
        let speaker = Speaker {
            language,
            zone: &zone,
            present: &present,
        };
        assert_eq!(speaker.delivery(record.delivery.kind, record), expected);
    }
}

#[test]
fn every_settled_or_parked_state() {
    let refused = Some(Outcome::Refused);
    for (record, english, chinese) in [
        (
            record(Kind::Call, State::Delivered, 2, Some(Outcome::Acknowledged)),
            "erp has the call: it arrived at 2026-01-12 16:10:07 +08:00, with send 2.",
            "erp 已收到该通话：2026-01-12 16:10:07 +08:00 送达（第 2 次发送）。",
        ),
        (
            record(Kind::Inbound, State::Exhausted, 11, refused),
            "erp did not get the inbound call: it was given up at 2026-01-12 16:10:11 +08:00 after 11 sends, the last one was \
             refused with status 500; it can be resent.",
            "erp 未收到该呼入通话：共发送 11 次后放弃（2026-01-12 16:10:11 +08:00），最后一次被拒绝，状态码 500；可重新发送。",
        ),
        (
            record(Kind::Job, State::Cancelled, 0, None),
            "erp did not get the job's status: the endpoint was deleted at 2026-01-12 16:10:11 +08:00 before it arrived.",
            "erp 未收到该任务状态：送达之前该回调地址已被删除（2026-01-12 16:10:11 +08:00）。",
        ),
        (
            record(Kind::Correction, State::Parked, 0, None),
            "erp does not have the intent correction yet: the endpoint is disabled; it goes out when that is enabled.",
            "erp 尚未收到意向等级修改：该回调地址已停用，启用后继续发送。",
        ),
        (
            record(Kind::Call, State::Parked, 1, refused),
            "erp does not have the call yet: 1 send failed, the last one was refused with status 500; the endpoint is disabled; \
             it goes out when that is enabled.",
            "erp 尚未收到该通话：已发送 1 次未成功，最近一次被拒绝，状态码 500；该回调地址已停用，启用后继续发送。",
        ),
        (
            DeliveryRecord {
                endpoint_name: None,
                ..record(Kind::Job, State::Parked, 0, None)
            },
            "Nobody gets the job's status yet: no endpoint takes it. It is kept, and can be resent once there is one.",
            "该任务状态暂无接收方：尚未配置对应的回调地址；数据已保留，配置后可重新发送。",
        ),
    ] {
        check(&record, None, english, chinese);
    }
}

#[test]
fn every_outcome_of_the_last_send() {
    for (outcome, english, chinese) in [
        (
            Outcome::NotAcknowledged,
            "was answered with status 200, but not with success",
            "应答状态码 200，但未返回 success",
        ),
        (
            Outcome::Refused,
            "was refused with status 500",
            "被拒绝，状态码 500",
        ),
        (
            Outcome::Unreachable,
            "did not reach the receiver",
            "无法连接接收方",
        ),
        (Outcome::TimedOut, "was not answered in time", "应答超时"),
        (
            Outcome::Blocked,
            "was stopped by the address policy",
            "被地址策略拦截",
        ),
        // A parked delivery whose send was acknowledged is delivered: nothing shows this one.
        (Outcome::Acknowledged, "was acknowledged", "已确认"),
    ] {
        check(
            &due(record(Kind::Call, State::Pending, 3, Some(outcome)), after(60)),
            None,
            &format!(
                "erp does not have the call yet: 3 sends failed, the last one {english}; the next send is at 2026-01-12 16:11:11 \
                 +08:00."
            ),
            &format!(
                "erp 尚未收到该通话：已发送 3 次未成功，最近一次{chinese}；下次发送时间 2026-01-12 16:11:11 +08:00。"
            ),
        );
    }
}

/// A pending delivery, and why and until when it waits.
#[track_caller]
fn check_waiting(record: &DeliveryRecord, held_back: Option<HeldBack>, english: &str, chinese: &str) {
    let subject = Subject::of(record.delivery.kind);
    let (en, zh) = (
        subject.in_language(Language::English),
        subject.in_language(Language::Chinese),
    );
    check(
        record,
        held_back,
        &format!("erp does not have {en} yet: {english}."),
        &format!("erp 尚未收到{zh}：{chinese}。"),
    );
}

#[test]
fn what_waits_for_others() {
    let pending = |kind| record(kind, State::Pending, 0, None);
    let waits = |kind, waits_for| DeliveryRecord {
        waits_for,
        ..pending(kind)
    };
    for (record, english, chinese) in [
        (due(pending(Kind::Call), NOW), "it is being sent now", "正在发送"),
        (
            waits(Kind::Correction, Some(DeliveryId(7))),
            "it waits for an earlier event of the same call (dlv_0000000000007)",
            "正在等待同一通话的前一条回调（dlv_0000000000007）",
        ),
        (
            waits(Kind::Inbound, Some(DeliveryId(7))),
            "it waits for an earlier event of the same inbound call (dlv_0000000000007)",
            "正在等待同一呼入通话的前一条回调（dlv_0000000000007）",
        ),
        (
            waits(Kind::Job, None),
            "it waits for an earlier event of the same job",
            "正在等待同一任务的前一条回调",
        ),
        (
            held(3, Some(NOW)),
            "it waits for the calls of its job, of which 3 are open, until 2026-01-12 16:20:11 +08:00 at the latest",
            "正在等待该任务的通话回调（尚有 3 条未结束），最晚 2026-01-12 16:20:11 +08:00 发送",
        ),
        (
            held(0, Some(NOW)),
            "it goes at 2026-01-12 16:10:16 +08:00 unless further calls of its job come in, and at 2026-01-12 16:20:11 +08:00 at \
             the latest",
            "如该任务没有新的通话，2026-01-12 16:10:16 +08:00 发送，最晚 2026-01-12 16:20:11 +08:00 发送",
        ),
        (
            held(0, None),
            "it waits for the calls of its job, until 2026-01-12 16:20:11 +08:00 at the latest",
            "正在等待该任务的通话回调，最晚 2026-01-12 16:20:11 +08:00 发送",
        ),
    ] {
        check_waiting(&record, None, english, chinese);
    }
}

#[test]
fn what_is_due_and_held_back() {
    let record = due(record(Kind::Call, State::Pending, 0, None), NOW);
    for (held_back, english, chinese) in [
        (
            HeldBack::Breaker(after(30)),
            "the endpoint has not answered for a while; the next try is at 2026-01-12 16:10:41 +08:00 at the earliest",
            "接收方持续无应答，已放慢发送，最早 2026-01-12 16:10:41 +08:00 再试",
        ),
        (
            HeldBack::Breaker(NOW),
            "the endpoint has not answered for a while; one send is being tried now",
            "接收方持续无应答，已放慢发送，正在试探一次",
        ),
        (
            HeldBack::RateLimit(after(30)),
            "it waits behind the endpoint's rate limit; the next send is at 2026-01-12 16:10:41 +08:00 at the earliest",
            "该回调地址已达限速，最早 2026-01-12 16:10:41 +08:00 继续发送",
        ),
        (
            HeldBack::RateLimit(NOW),
            "it waits behind the endpoint's rate limit",
            "该回调地址已达限速",
        ),
        (
            HeldBack::InFlight,
            "the endpoint has as many sends under way as it may; it goes out after them",
            "该回调地址同时发送数已达上限，随后发送",
        ),
        (
            HeldBack::Load,
            "as many sends are under way as there may be in all; it goes out after them",
            "系统同时发送数已达上限，随后发送",
        ),
    ] {
        check_waiting(&record, Some(held_back), english, chinese);
    }
}

#[test]
fn a_send_that_ended_after_the_delivery_settled_is_not_the_one_that_arrived() {
    let mut record = record(Kind::Call, State::Delivered, 1, Some(Outcome::Acknowledged));
    let late = Attempt {
        n: 2,
        started_wall_ms: NOW.0 + 60_000,
        ..record.attempts[0].clone()
    };
    record.attempts.push(late);
    check(
        &record,
        None,
        "erp has the call: it arrived at 2026-01-12 16:10:07 +08:00, with send 1.",
        "erp 已收到该通话：2026-01-12 16:10:07 +08:00 送达（第 1 次发送）。",
    );
}

#[test]
fn what_nobody_wants() {
    let zone = TimeZone::UTC;
    let present = Present {
        now: NOW,
        held_back: HashMap::new(),
        quiet_ms: HashMap::new(),
    };
    for (kind, is_on, english, chinese) in [
        (
            Kind::Call,
            None,
            "Nobody gets the call: the company has this kind of callback switched off.",
            "该通话不会发送：该公司未开通此类回调。",
        ),
        (
            Kind::Call,
            Some(true),
            "Nobody gets the call: the company had this kind of callback switched off when it came.",
            "该通话不会发送：事件到来时该公司未开通此类回调。",
        ),
        (
            Kind::Job,
            None,
            "Nobody gets the job's status: the company has job callbacks switched off, or no endpoint wants this status.",
            "该任务状态不会发送：该公司未开通任务回调，或没有回调地址需要这个状态。",
        ),
        (
            Kind::Job,
            Some(false),
            "Nobody gets the job's status: the company has job callbacks switched off.",
            "该任务状态不会发送：该公司未开通任务回调。",
        ),
        (
            Kind::Job,
            Some(true),
            "Nobody gets the job's status: no endpoint wanted this status (jobStatuses), or the company had job callbacks switched off when it came.",
            "该任务状态不会发送：没有回调地址需要这个状态（jobStatuses），或事件到来时该公司未开通任务回调。",
        ),
    ] {
        let (replay, later) = (
            " It is kept: a replay of unwanted events can send it.",
            "事件已保存，可以用 unwanted 重放发送。",
        );
        for (language, expected) in [
            (Language::English, format!("{english}{replay}")),
            (Language::Chinese, format!("{chinese}{later}")),
        ] {
            let speaker = Speaker {
                language,
                zone: &zone,
                present: &present,
            };
            assert_eq!(speaker.unwanted(Subject::of(kind), is_on), expected);
        }
    }
}
