//! Did it arrive? One plain sentence per endpoint, in Chinese or English.
//!
//! A call is judged with its corrections: an endpoint has it when it has acknowledged all of them. Where a delivery was
//! sent again, the one that arrived counts, else the newest.

use jiff::tz::TimeZone;
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::engine::HeldBack;
use ringback_core::store::{DeliveryRecord, EventRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::language::Language;
use super::super::time::Time;
use super::super::waiting::{Present, Reason};

/// Whether an endpoint has a call.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Arrival {
    /// The endpoint's name; null for what no endpoint takes.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// Whether it has acknowledged the call and its corrections.
    arrived: bool,
    /// One sentence that says so, or why not, and what happens next.
    #[schema(example = "erp has the call: it arrived at 2026-01-12 16:10:12 +08:00, with send 1.")]
    sentence: String,
}

/// How sentences are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker<'a> {
    /// The language.
    pub(super) language: Language,
    /// The zone of times.
    pub(super) zone: &'a TimeZone,
    /// What is known of what deliveries wait for.
    pub(super) present: &'a Present,
}

/// Whether every endpoint that an event goes to has acknowledged it. Cancelled deliveries do not count; an event without
/// deliveries was not called back.
pub(super) fn is_callbacked(deliveries: &[DeliveryRecord]) -> bool {
    let mut standing = endpoints(deliveries.iter())
        .into_iter()
        .filter_map(|endpoint| standing(deliveries, endpoint))
        .filter(|record| record.delivery.state != State::Cancelled)
        .peekable();
    standing.peek().is_some() && standing.all(|record| record.delivery.state == State::Delivered)
}

/// For each endpoint whether it has these events, which are a call and its corrections, the oldest first.
pub(super) fn arrivals(events: &[&EventRecord], speaker: Speaker<'_>) -> Vec<Arrival> {
    let endpoints = endpoints(events.iter().flat_map(|event| &event.deliveries));
    if endpoints.is_empty() {
        return vec![Arrival {
            endpoint: None,
            arrived: false,
            sentence: speaker.unwanted(Subject::of(events)),
        }];
    }
    endpoints
        .into_iter()
        .map(|endpoint| {
            let standing: Vec<(Kind, &DeliveryRecord)> = events
                .iter()
                .filter_map(|event| Some((event.event.kind, standing(&event.deliveries, endpoint)?)))
                .collect();
            arrival(endpoint, Subject::of(events), &standing, speaker)
        })
        .collect()
}

fn arrival(
    endpoint: Option<&str>,
    subject: Subject,
    standing: &[(Kind, &DeliveryRecord)],
    speaker: Speaker<'_>,
) -> Arrival {
    let missing = standing
        .iter()
        .find(|(_, record)| record.delivery.state != State::Delivered);
    let sentence = match (missing, standing.last()) {
        (Some((kind, record)), _) => speaker.missing(endpoint, Subject::of_one(*kind), record),
        (None, Some((_, last))) => speaker.arrived(endpoint.unwrap_or_default(), subject, last),
        (None, None) => speaker.unwanted(subject),
    };
    Arrival {
        endpoint: endpoint.map(str::to_owned),
        arrived: missing.is_none() && !standing.is_empty(),
        sentence,
    }
}

/// The endpoints of some deliveries, in the order in which they first come.
fn endpoints<'a>(deliveries: impl Iterator<Item = &'a DeliveryRecord>) -> Vec<Option<&'a str>> {
    let mut endpoints = Vec::new();
    for record in deliveries {
        let name = record.endpoint_name.as_deref();
        if !endpoints.contains(&name) {
            endpoints.push(name);
        }
    }
    endpoints
}

/// The delivery by which an event stands at an endpoint: the one that arrived, else the newest that was not cancelled, else
/// the newest.
fn standing<'a>(deliveries: &'a [DeliveryRecord], endpoint: Option<&str>) -> Option<&'a DeliveryRecord> {
    let of_endpoint = || {
        deliveries
            .iter()
            .filter(|record| record.endpoint_name.as_deref() == endpoint)
    };
    of_endpoint()
        .find(|record| record.delivery.state == State::Delivered)
        .or_else(|| of_endpoint().rfind(|record| record.delivery.state != State::Cancelled))
        .or_else(|| of_endpoint().next_back())
}

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Call,
    Correction,
    CallAndCorrections,
}

impl Subject {
    fn of(events: &[&EventRecord]) -> Self {
        let has_call = events.iter().any(|event| event.event.kind != Kind::Correction);
        match (has_call, events.len()) {
            (true, 1) => Self::Call,
            (true, _) => Self::CallAndCorrections,
            (false, _) => Self::Correction,
        }
    }

    /// One event of possibly several.
    const fn of_one(kind: Kind) -> Self {
        match kind {
            Kind::Correction => Self::Correction,
            Kind::Call | Kind::Inbound | Kind::Job => Self::Call,
        }
    }

    const fn in_language(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Call, Language::English) => "the call",
            (Self::Correction, Language::English) => "the intent correction",
            (Self::CallAndCorrections, Language::English) => "the call and its corrections",
            (Self::Call, Language::Chinese) => "该通话",
            (Self::Correction, Language::Chinese) => "意向等级修改",
            (Self::CallAndCorrections, Language::Chinese) => "该通话及意向等级修改",
        }
    }
}

impl Speaker<'_> {
    fn time(self, unix_ms: i64) -> String {
        Time(unix_ms).in_zone(self.zone)
    }

    fn arrived(self, endpoint: &str, subject: Subject, record: &DeliveryRecord) -> String {
        let what = subject.in_language(self.language);
        let at = record.attempts.last().map_or_else(
            || record.delivery.settled_at.map_or(0, |at| at.0),
            |last| last.started_wall_ms.saturating_add(i64::from(last.duration_ms)),
        );
        let (at, n) = (self.time(at), record.delivery.sends);
        match self.language {
            Language::English => format!("{endpoint} has {what}: it arrived at {at}, with send {n}."),
            Language::Chinese => format!("{endpoint} 已收到{what}：{at} 送达（第 {n} 次发送）。"),
        }
    }

    fn unwanted(self, subject: Subject) -> String {
        let what = subject.in_language(self.language);
        match self.language {
            Language::English => {
                format!("Nobody gets {what}: the company has this kind of callback switched off.")
            }
            Language::Chinese => format!("{what}不会发送：该公司未开通此类回调。"),
        }
    }

    fn missing(self, endpoint: Option<&str>, subject: Subject, record: &DeliveryRecord) -> String {
        let what = subject.in_language(self.language);
        let Some(endpoint) = endpoint else {
            return match self.language {
                Language::English => format!(
                    "Nobody gets {what} yet: no endpoint takes it. It is kept, and can be resent once there is one."
                ),
                Language::Chinese => {
                    format!("{what}暂无接收方：尚未配置对应的回调地址；数据已保留，配置后可重新发送。")
                }
            };
        };
        let why = self.why(record);
        match (record.delivery.state, self.language) {
            (State::Pending | State::Parked, Language::English) => {
                format!("{endpoint} does not have {what} yet: {why}.")
            }
            (State::Pending | State::Parked, Language::Chinese) => {
                format!("{endpoint} 尚未收到{what}：{why}。")
            }
            (State::Delivered | State::Exhausted | State::Cancelled, Language::English) => {
                format!("{endpoint} did not get {what}: {why}.")
            }
            (State::Delivered | State::Exhausted | State::Cancelled, Language::Chinese) => {
                format!("{endpoint} 未收到{what}：{why}。")
            }
        }
    }

    fn why(self, record: &DeliveryRecord) -> String {
        let sends = record.delivery.sends;
        let last = self.last_send(record);
        let is_english = self.language == Language::English;
        match record.delivery.state {
            State::Pending => self.pending(record, sends, &last),
            State::Parked if is_english => {
                "the endpoint is disabled; it goes out when that is enabled".to_owned()
            }
            State::Parked => "该回调地址已停用，启用后继续发送".to_owned(),
            State::Exhausted if is_english => {
                format!(
                    "it was given up after {}, the last one {last}; it can be resent",
                    count(sends)
                )
            }
            State::Exhausted => format!("共发送 {sends} 次后放弃，最后一次{last}；可重新发送"),
            State::Cancelled if is_english => "the endpoint was deleted before it arrived".to_owned(),
            State::Cancelled => "送达之前该回调地址已被删除".to_owned(),
            State::Delivered => String::new(),
        }
    }

    fn pending(self, record: &DeliveryRecord, sends: u32, last: &str) -> String {
        let is_english = self.language == Language::English;
        let reason = self
            .present
            .reason(&record.delivery, record.waits_for, record.held_by);
        let ahead = record.delivery.due.and_then(|due| self.present.ahead(due));
        let next = match (reason, ahead, is_english) {
            (Some(reason), _, _) => self.waiting(reason),
            (None, Some(due), true) => format!("the next send is at {}", self.time(due.0)),
            (None, Some(due), false) => format!("下次发送时间 {}", self.time(due.0)),
            (None, None, true) => "it is being sent now".to_owned(),
            (None, None, false) => "正在发送".to_owned(),
        };
        match (sends, is_english) {
            (0, _) => next,
            (_, true) => format!("{} failed, the last one {last}; {next}", count(sends)),
            (_, false) => format!("已发送 {sends} 次未成功，最近一次{last}；{next}"),
        }
    }

    fn waiting(self, reason: Reason) -> String {
        match (reason, self.language) {
            (Reason::Order(Some(id)), Language::English) => {
                format!("it waits for an earlier event of the same call ({id})")
            }
            (Reason::Order(Some(id)), Language::Chinese) => format!("正在等待同一通话的前一条回调（{id}）"),
            (Reason::Order(None), Language::English) => {
                "it waits for an earlier event of the same call".to_owned()
            }
            (Reason::Order(None), Language::Chinese) => "正在等待同一通话的前一条回调".to_owned(),
            (Reason::Hold { until, .. }, Language::English) => format!(
                "it waits for the calls of its job, until {} at the latest",
                self.time(until.0)
            ),
            (Reason::Hold { until, .. }, Language::Chinese) => {
                format!("正在等待该任务的通话回调，最晚 {} 发送", self.time(until.0))
            }
            (Reason::HeldBack(held_back), _) => self.held_back(held_back),
        }
    }

    fn held_back(self, held_back: HeldBack) -> String {
        let at = match held_back {
            HeldBack::Breaker(at) | HeldBack::RateLimit(at) => self.present.ahead(at),
            HeldBack::InFlight | HeldBack::Load => None,
        };
        let at = at.map(|at| self.time(at.0));
        match (held_back, at, self.language) {
            (HeldBack::Breaker(_), Some(at), Language::English) => {
                format!("the endpoint has not answered for a while; the next try is at {at} at the earliest")
            }
            (HeldBack::Breaker(_), None, Language::English) => {
                "the endpoint has not answered for a while; one send is being tried now".to_owned()
            }
            (HeldBack::Breaker(_), Some(at), Language::Chinese) => {
                format!("接收方持续无应答，已放慢发送，最早 {at} 再试")
            }
            (HeldBack::Breaker(_), None, Language::Chinese) => {
                "接收方持续无应答，已放慢发送，正在试探一次".to_owned()
            }
            (HeldBack::RateLimit(_), Some(at), Language::English) => {
                format!("it waits behind the endpoint's rate limit; the next send is at {at} at the earliest")
            }
            (HeldBack::RateLimit(_), None, Language::English) => {
                "it waits behind the endpoint's rate limit".to_owned()
            }
            (HeldBack::RateLimit(_), Some(at), Language::Chinese) => {
                format!("该回调地址已达限速，最早 {at} 继续发送")
            }
            (HeldBack::RateLimit(_), None, Language::Chinese) => "该回调地址已达限速".to_owned(),
            (HeldBack::InFlight, _, Language::English) => {
                "the endpoint has as many sends under way as it may; it goes out after them".to_owned()
            }
            (HeldBack::InFlight, _, Language::Chinese) => "该回调地址同时发送数已达上限，随后发送".to_owned(),
            (HeldBack::Load, _, Language::English) => {
                "as many sends are under way as there may be in all; it goes out after them".to_owned()
            }
            (HeldBack::Load, _, Language::Chinese) => "系统同时发送数已达上限，随后发送".to_owned(),
        }
    }

    fn last_send(self, record: &DeliveryRecord) -> String {
        let status = record.attempts.last().and_then(|attempt| attempt.status);
        let status = status.map_or_else(|| "?".to_owned(), |status| status.to_string());
        let outcome = record.delivery.last_outcome.unwrap_or(Outcome::Unreachable);
        match (outcome, self.language) {
            (Outcome::Acknowledged, Language::English) => "was acknowledged".to_owned(),
            (Outcome::NotAcknowledged, Language::English) => {
                format!("was answered with status {status}, but not with success")
            }
            (Outcome::Refused, Language::English) => format!("was refused with status {status}"),
            (Outcome::Unreachable, Language::English) => "did not reach the receiver".to_owned(),
            (Outcome::TimedOut, Language::English) => "was not answered in time".to_owned(),
            (Outcome::Blocked, Language::English) => "was stopped by the address policy".to_owned(),
            (Outcome::Acknowledged, Language::Chinese) => "已确认".to_owned(),
            (Outcome::NotAcknowledged, Language::Chinese) => {
                format!("应答状态码 {status}，但未返回 success")
            }
            (Outcome::Refused, Language::Chinese) => format!("被拒绝，状态码 {status}"),
            (Outcome::Unreachable, Language::Chinese) => "无法连接接收方".to_owned(),
            (Outcome::TimedOut, Language::Chinese) => "应答超时".to_owned(),
            (Outcome::Blocked, Language::Chinese) => "被地址策略拦截".to_owned(),
        }
    }
}

fn count(sends: u32) -> String {
    if sends == 1 {
        "1 send".to_owned()
    } else {
        format!("{sends} sends")
    }
}

#[cfg(test)]
mod tests;
