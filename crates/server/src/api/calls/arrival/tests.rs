//! The sentences about arrival, case by case.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use ringback_core::delivery::{Age, Attempt, Delivery, Outcome};
use ringback_core::endpoint::FixedProfile;
use ringback_core::engine::HeldBack;
use ringback_core::event::{Event, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::time::Millis;

use super::super::super::language::Language;
use super::super::super::waiting::Present;
use super::*;

/// 2026-01-12 16:10:11 in Shanghai.
const NOW_MS: i64 = 1_768_205_411_000;

/// A delivery in one line: endpoint, state, sends, last outcome with status, due in milliseconds from now.
type Line<'a> = (&'a str, State, u32, Option<(Outcome, u16)>, Option<i64>);

fn delivery(id: i64, line: &Line<'_>) -> DeliveryRecord {
    let (endpoint, state, sends, last, due) = *line;
    let attempt = last.map(|(outcome, status)| Attempt {
        n: sends,
        started_wall_ms: NOW_MS - 5_000,
        duration_ms: 1_000,
        outcome,
        status: Some(status),
        address: None,
        detail: None,
        body_start: Bytes::new(),
    });
    DeliveryRecord {
        delivery: Delivery {
            id: DeliveryId(id),
            event_id: EventId(1),
            company_id: 151,
            kind: Kind::Call,
            key: OrderKey::of(Kind::Call, 1),
            endpoint: (!endpoint.is_empty()).then_some(EndpointId(1)),
            state,
            due: due.map(|ms| Millis(NOW_MS + ms)),
            hold: None,
            hold_job: None,
            age: Age::default(),
            sends,
            last_outcome: last.map(|(outcome, _)| outcome),
            settled_at: state.is_settled().then_some(Millis(NOW_MS)),
            resend_of: None,
            profile: FixedProfile::V1,
            schedule: Arc::default(),
        },
        endpoint_name: (!endpoint.is_empty()).then(|| endpoint.to_owned()),
        waits_for: (state == State::Pending && due.is_none()).then_some(DeliveryId(7)),
        held_by: None,
        attempts: attempt.into_iter().collect(),
    }
}

fn event(kind: Kind, lines: &[Line<'_>]) -> EventRecord {
    EventRecord {
        event: Event {
            id: EventId(1),
            company_id: 151,
            kind,
            entity_id: 1,
            call_job_id: None,
            job_status: None,
            accepted_wall_ms: NOW_MS,
            body_bytes: 2,
        },
        body: Bytes::from_static(b"{}"),
        deliveries: (1..).zip(lines).map(|(id, line)| delivery(id, line)).collect(),
    }
}

/// Expected are (endpoint, arrived, English, Chinese); an empty endpoint is none.
#[track_caller]
fn check(events: &[(Kind, &[Line<'_>])], expected: &[(&str, bool, &str, &str)]) {
    check_held_back(events, &[], expected);
}

/// The same, with what holds back deliveries of the first event: the first of it has the number 1.
#[track_caller]
fn check_held_back(
    events: &[(Kind, &[Line<'_>])],
    held_back: &[(DeliveryId, HeldBack)],
    expected: &[(&str, bool, &str, &str)],
) {
    let records: Vec<EventRecord> = events.iter().map(|(kind, lines)| event(*kind, lines)).collect();
    let records: Vec<&EventRecord> = records.iter().collect();
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let present = Present {
        now: Millis(NOW_MS),
        held_back: held_back.iter().copied().collect(),
        quiet_ms: HashMap::new(),
    };
    for language in [Language::English, Language::Chinese] {
        let speaker = Speaker {
            language,
            zone: &zone,
            present: &present,
        };
        let expected: Vec<Arrival> = expected
            .iter()
            .map(|(endpoint, arrived, english, chinese)| Arrival {
                endpoint: (!endpoint.is_empty()).then(|| (*endpoint).to_owned()),
                arrived: *arrived,
                sentence: if language == Language::English {
                    english
                } else {
                    chinese
                }
                .to_string(),
            })
            .collect();
        assert_eq!(arrivals(&records, speaker), expected);
    }
}

const ACKNOWLEDGED: Option<(Outcome, u16)> = Some((Outcome::Acknowledged, 200));

#[test]
fn a_call_that_arrived() {
    check(
        &[(Kind::Call, &[("erp", State::Delivered, 2, ACKNOWLEDGED, None)])],
        &[(
            "erp",
            true,
            "erp has the call: it arrived at 2026-01-12 16:10:07 +08:00, with send 2.",
            "erp 已收到该通话：2026-01-12 16:10:07 +08:00 送达（第 2 次发送）。",
        )],
    );
}

#[test]
fn a_call_that_did_not_arrive_yet() {
    for (line, english, chinese) in [
        (
            ("erp", State::Pending, 0, None, Some(0)),
            "erp does not have the call yet: it is being sent now.",
            "erp 尚未收到该通话：正在发送。",
        ),
        (
            (
                "erp",
                State::Pending,
                1,
                Some((Outcome::NotAcknowledged, 200)),
                Some(60_000),
            ),
            "erp does not have the call yet: 1 send failed, the last one was answered with status 200, but not with \
             success; the next send is at 2026-01-12 16:11:11 +08:00.",
            "erp 尚未收到该通话：已发送 1 次未成功，最近一次应答状态码 200，但未返回 success；下次发送时间 2026-01-12 16:11:11 +08:00。",
        ),
        (
            ("erp", State::Pending, 3, Some((Outcome::Refused, 500)), Some(-1)),
            "erp does not have the call yet: 3 sends failed, the last one was refused with status 500; it is being sent now.",
            "erp 尚未收到该通话：已发送 3 次未成功，最近一次被拒绝，状态码 500；正在发送。",
        ),
        (
            ("erp", State::Pending, 0, None, None),
            "erp does not have the call yet: it waits for an earlier event of the same call (dlv_0000000000007).",
            "erp 尚未收到该通话：正在等待同一通话的前一条回调（dlv_0000000000007）。",
        ),
        (
            ("erp", State::Parked, 0, None, None),
            "erp does not have the call yet: the endpoint is disabled; it goes out when that is enabled.",
            "erp 尚未收到该通话：该回调地址已停用，启用后继续发送。",
        ),
        (
            ("erp", State::Exhausted, 11, Some((Outcome::TimedOut, 0)), None),
            "erp did not get the call: it was given up at 2026-01-12 16:10:11 +08:00 after 11 sends, the last one was not answered in time; it can be resent.",
            "erp 未收到该通话：共发送 11 次后放弃（2026-01-12 16:10:11 +08:00），最后一次应答超时；可重新发送。",
        ),
        (
            ("erp", State::Cancelled, 0, None, None),
            "erp did not get the call: the endpoint was deleted at 2026-01-12 16:10:11 +08:00 before it arrived.",
            "erp 未收到该通话：送达之前该回调地址已被删除（2026-01-12 16:10:11 +08:00）。",
        ),
        (
            ("", State::Parked, 0, None, None),
            "Nobody gets the call yet: no endpoint takes it. It is kept, and can be resent once there is one.",
            "该通话暂无接收方：尚未配置对应的回调地址；数据已保留，配置后可重新发送。",
        ),
    ] {
        check(&[(Kind::Call, &[line])], &[(line.0, false, english, chinese)]);
    }
}

#[test]
fn what_holds_a_due_call_back() {
    let later = Millis(NOW_MS + 30_000);
    for (held_back, english, chinese) in [
        (
            HeldBack::Breaker(later),
            "the endpoint has not answered for a while; the next try is at 2026-01-12 16:10:41 +08:00 at the earliest",
            "接收方持续无应答，已放慢发送，最早 2026-01-12 16:10:41 +08:00 再试",
        ),
        (
            HeldBack::Breaker(Millis(NOW_MS)),
            "the endpoint has not answered for a while; one send is being tried now",
            "接收方持续无应答，已放慢发送，正在试探一次",
        ),
        (
            HeldBack::RateLimit(later),
            "it waits behind the endpoint's rate limit; the next send is at 2026-01-12 16:10:41 +08:00 at the earliest",
            "该回调地址已达限速，最早 2026-01-12 16:10:41 +08:00 继续发送",
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
        let first = ("erp", State::Pending, 0, None, Some(0));
        check_held_back(
            &[(Kind::Call, &[first])],
            &[(DeliveryId(1), held_back)],
            &[(
                "erp",
                false,
                &format!("erp does not have the call yet: {english}."),
                &format!("erp 尚未收到该通话：{chinese}。"),
            )],
        );
        let again = ("erp", State::Pending, 1, Some((Outcome::TimedOut, 0)), Some(-1));
        check_held_back(
            &[(Kind::Call, &[again])],
            &[(DeliveryId(1), held_back)],
            &[(
                "erp",
                false,
                &format!(
                    "erp does not have the call yet: 1 send failed, the last one was not answered in time; {english}."
                ),
                &format!("erp 尚未收到该通话：已发送 1 次未成功，最近一次应答超时；{chinese}。"),
            )],
        );
    }
}

#[test]
fn what_nobody_wants() {
    check(
        &[(Kind::Call, &[])],
        &[(
            "",
            false,
            "Nobody gets the call: the company has this kind of callback switched off. It is kept: a replay of unwanted events can send it.",
            "该通话不会发送：该公司未开通此类回调。事件已保存，可以用 unwanted 重放发送。",
        )],
    );
}

#[test]
fn a_call_is_judged_with_its_corrections() {
    let delivered = ("erp", State::Delivered, 1, ACKNOWLEDGED, None);
    check(
        &[(Kind::Call, &[delivered]), (Kind::Correction, &[delivered])],
        &[(
            "erp",
            true,
            "erp has the call and its corrections: it arrived at 2026-01-12 16:10:07 +08:00, with send 1.",
            "erp 已收到该通话及意向等级修改：2026-01-12 16:10:07 +08:00 送达（第 1 次发送）。",
        )],
    );
    check(
        &[
            (Kind::Call, &[delivered]),
            (Kind::Correction, &[("erp", State::Pending, 0, None, Some(0))]),
        ],
        &[(
            "erp",
            false,
            "erp does not have the intent correction yet: it is being sent now.",
            "erp 尚未收到意向等级修改：正在发送。",
        )],
    );
    check(
        &[(Kind::Correction, &[delivered])],
        &[(
            "erp",
            true,
            "erp has the intent correction: it arrived at 2026-01-12 16:10:07 +08:00, with send 1.",
            "erp 已收到意向等级修改：2026-01-12 16:10:07 +08:00 送达（第 1 次发送）。",
        )],
    );
}

/// Deliveries of one event as (endpoint, state), and whether the event counts as called back.
#[test]
fn called_back_once_every_endpoint_acknowledged() {
    use State::{Cancelled, Delivered, Exhausted, Parked, Pending};
    for (lines, expected) in [
        (&[][..], false),
        (&[("a", Delivered)], true),
        (&[("a", Pending)], false),
        (&[("a", Delivered), ("b", Pending)], false),
        (&[("a", Delivered), ("b", Cancelled)], true),
        (&[("a", Cancelled)], false),
        (&[("a", Exhausted)], false),
        (&[("a", Exhausted), ("a", Delivered)], true),
        (&[("a", Exhausted), ("a", Pending)], false),
        (&[("a", Delivered), ("a", Pending)], true),
        (&[("a", Parked)], false),
        (&[("", Parked)], false),
    ] as [(&[(&str, State)], bool); 12]
    {
        let deliveries: Vec<DeliveryRecord> = (1..)
            .zip(lines)
            .map(|(id, (endpoint, state))| delivery(id, &(endpoint, *state, 1, None, None)))
            .collect();
        assert_eq!(is_callbacked(&deliveries), expected, "{lines:?}");
    }
}
