//! What became of a delivery, in one plain sentence: what happened, what it waits for, what happens next and when. In Chinese
//! or English, by `Accept-Language`.

use axum::http::header::{CONTENT_LANGUAGE, HeaderValue, VARY};
use axum::response::Response;
use jiff::tz::TimeZone;
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Attempt, Outcome, State};
use ringback_core::engine::HeldBack;
use ringback_core::event::KeyClass;
use ringback_core::id::DeliveryId;
use ringback_core::store::DeliveryRecord;
use ringback_core::time::Millis;

use super::language::Language;
use super::time::Time;
use super::waiting::{Present, Reason};

/// How sentences are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker<'a> {
    /// The language.
    pub(crate) language: Language,
    /// The zone of times.
    pub(crate) zone: &'a TimeZone,
    /// What is known of what deliveries wait for.
    pub(crate) present: &'a Present,
}

/// Says in which language an answer speaks, and that it depends on what was asked for.
pub(crate) fn spoken(mut response: Response, language: Language) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    response
}

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Call,
    Correction,
    /// A call together with its corrections.
    CallAndCorrections,
    Inbound,
    /// The status of a job.
    Job,
}

impl Subject {
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Call => Self::Call,
            Kind::Correction => Self::Correction,
            Kind::Inbound => Self::Inbound,
            Kind::Job => Self::Job,
        }
    }

    const fn in_language(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Call, Language::English) => "the call",
            (Self::Correction, Language::English) => "the intent correction",
            (Self::CallAndCorrections, Language::English) => "the call and its corrections",
            (Self::Inbound, Language::English) => "the inbound call",
            (Self::Job, Language::English) => "the job's status",
            (Self::Call, Language::Chinese) => "该通话",
            (Self::Correction, Language::Chinese) => "意向等级修改",
            (Self::CallAndCorrections, Language::Chinese) => "该通话及意向等级修改",
            (Self::Inbound, Language::Chinese) => "该呼入通话",
            (Self::Job, Language::Chinese) => "该任务状态",
        }
    }
}

impl Speaker<'_> {
    fn time(self, unix_ms: i64) -> String {
        Time(unix_ms).in_zone(self.zone)
    }

    /// How a delivery of an event of this kind stands.
    pub(crate) fn delivery(self, kind: Kind, record: &DeliveryRecord) -> String {
        let (endpoint, subject) = (record.endpoint_name.as_deref(), Subject::of(kind));
        match record.delivery.state {
            State::Delivered => self.arrived(endpoint.unwrap_or_default(), subject, record),
            State::Pending | State::Exhausted | State::Parked | State::Cancelled => {
                self.missing(endpoint, subject, record)
            }
        }
    }

    /// An endpoint has something.
    pub(crate) fn arrived(self, endpoint: &str, subject: Subject, record: &DeliveryRecord) -> String {
        let what = subject.in_language(self.language);
        let at = last_attempt(record).map_or_else(
            || record.delivery.settled_at.map_or(0, |at| at.0),
            |last| last.started_wall_ms.saturating_add(i64::from(last.duration_ms)),
        );
        let (at, n) = (self.time(at), record.delivery.sends);
        match self.language {
            Language::English => format!("{endpoint} has {what}: it arrived at {at}, with send {n}."),
            Language::Chinese => format!("{endpoint} 已收到{what}：{at} 送达（第 {n} 次发送）。"),
        }
    }

    /// An event has no deliveries. `is_on` says whether the company has this kind of callback switched on by now, where that
    /// is known; at the time of the event it may have been otherwise.
    pub(crate) fn unwanted(self, subject: Subject, is_on: Option<bool>) -> String {
        let what = subject.in_language(self.language);
        match self.language {
            Language::English => {
                let why = match (subject, is_on) {
                    (Subject::Job, Some(true)) => {
                        "no endpoint wanted this status (jobStatuses), or the company had job callbacks switched off when it came"
                    }
                    (Subject::Job, None) => {
                        "the company has job callbacks switched off, or no endpoint wants this status"
                    }
                    (Subject::Job, Some(false)) => "the company has job callbacks switched off",
                    (_, Some(true)) => "the company had this kind of callback switched off when it came",
                    (_, Some(false) | None) => "the company has this kind of callback switched off",
                };
                format!("Nobody gets {what}: {why}. It is kept: a replay of unwanted events can send it.")
            }
            Language::Chinese => {
                let why = match (subject, is_on) {
                    (Subject::Job, Some(true)) => {
                        "没有回调地址需要这个状态（jobStatuses），或事件到来时该公司未开通任务回调"
                    }
                    (Subject::Job, None) => "该公司未开通任务回调，或没有回调地址需要这个状态",
                    (Subject::Job, Some(false)) => "该公司未开通任务回调",
                    (_, Some(true)) => "事件到来时该公司未开通此类回调",
                    (_, Some(false) | None) => "该公司未开通此类回调",
                };
                format!("{what}不会发送：{why}。事件已保存，可以用 unwanted 重放发送。")
            }
        }
    }

    /// An endpoint does not have something, or nobody takes it.
    pub(crate) fn missing(self, endpoint: Option<&str>, subject: Subject, record: &DeliveryRecord) -> String {
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
        let is_english = self.language == Language::English;
        match record.delivery.state {
            State::Pending => self.failed_so_far(record, self.next(record)),
            State::Parked if is_english => {
                let next = "the endpoint is disabled; it goes out when that is enabled";
                self.failed_so_far(record, next.to_owned())
            }
            State::Parked => self.failed_so_far(record, "该回调地址已停用，启用后继续发送".to_owned()),
            State::Exhausted => self.given_up(record),
            State::Cancelled if is_english => {
                format!(
                    "the endpoint was deleted{} before it arrived",
                    self.settled(record)
                )
            }
            State::Cancelled => format!("送达之前该回调地址已被删除{}", self.settled(record)),
            State::Delivered => String::new(),
        }
    }

    /// When a delivery settled, to be put behind a verb; nothing where that is not known.
    fn settled(self, record: &DeliveryRecord) -> String {
        let at = record.delivery.settled_at.map(|at| self.time(at.0));
        match (at, self.language) {
            (None, _) => String::new(),
            (Some(at), Language::English) => format!(" at {at}"),
            (Some(at), Language::Chinese) => format!("（{at}）"),
        }
    }

    fn given_up(self, record: &DeliveryRecord) -> String {
        let (sends, last, at) = (
            record.delivery.sends,
            self.last_send(record),
            self.settled(record),
        );
        match self.language {
            Language::English => format!(
                "it was given up{at} after {}, the last one {last}; it can be resent",
                count(sends)
            ),
            Language::Chinese => format!("共发送 {sends} 次后放弃{at}，最后一次{last}；可重新发送"),
        }
    }

    /// What comes next, behind what has failed so far.
    fn failed_so_far(self, record: &DeliveryRecord, next: String) -> String {
        let last = self.last_send(record);
        match (record.delivery.sends, self.language) {
            (0, _) => next,
            (sends, Language::English) => format!("{} failed, the last one {last}; {next}", count(sends)),
            (sends, Language::Chinese) => format!("已发送 {sends} 次未成功，最近一次{last}；{next}"),
        }
    }

    /// What comes next for a pending delivery, and when.
    fn next(self, record: &DeliveryRecord) -> String {
        let delivery = &record.delivery;
        let reason = self.present.reason(delivery, record.waits_for, record.held_by);
        let ahead = delivery.due.and_then(|due| self.present.ahead(due));
        match (reason, ahead, self.language) {
            (Some(Reason::Order(id)), _, _) => self.order(delivery.key.class, id),
            (
                Some(Reason::Hold {
                    until,
                    open_calls,
                    quiet_until,
                }),
                _,
                _,
            ) => self.hold(until, open_calls, quiet_until),
            (Some(Reason::HeldBack(held_back)), _, _) => self.held_back(held_back),
            (None, Some(due), Language::English) => format!("the next send is at {}", self.time(due.0)),
            (None, Some(due), Language::Chinese) => format!("下次发送时间 {}", self.time(due.0)),
            (None, None, Language::English) => "it is being sent now".to_owned(),
            (None, None, Language::Chinese) => "正在发送".to_owned(),
        }
    }

    fn order(self, class: KeyClass, waits_for: Option<DeliveryId>) -> String {
        let (of, which) = match (class, self.language) {
            (KeyClass::Call, Language::English) => ("call", waits_for.map(|id| format!(" ({id})"))),
            (KeyClass::Inbound, Language::English) => {
                ("inbound call", waits_for.map(|id| format!(" ({id})")))
            }
            (KeyClass::Job, Language::English) => ("job", waits_for.map(|id| format!(" ({id})"))),
            (KeyClass::Call, Language::Chinese) => ("通话", waits_for.map(|id| format!("（{id}）"))),
            (KeyClass::Inbound, Language::Chinese) => ("呼入通话", waits_for.map(|id| format!("（{id}）"))),
            (KeyClass::Job, Language::Chinese) => ("任务", waits_for.map(|id| format!("（{id}）"))),
        };
        let which = which.unwrap_or_default();
        match self.language {
            Language::English => format!("it waits for an earlier event of the same {of}{which}"),
            Language::Chinese => format!("正在等待同一{of}的前一条回调{which}"),
        }
    }

    /// A job's final status waits for the calls of the job: for those that are open, or for the quiet after the last.
    fn hold(self, until: Millis, open_calls: Option<usize>, quiet_until: Option<Millis>) -> String {
        let until = self.time(until.0);
        let open = open_calls.filter(|count| *count > 0);
        let quiet = quiet_until.map(|at| self.time(at.0));
        match (open, quiet, self.language) {
            (Some(open), _, Language::English) => {
                format!(
                    "it waits for the calls of its job, of which {open} are open, until {until} at the latest"
                )
            }
            (Some(open), _, Language::Chinese) => {
                format!("正在等待该任务的通话回调（尚有 {open} 条未结束），最晚 {until} 发送")
            }
            (None, Some(quiet), Language::English) => format!(
                "it goes at {quiet} unless further calls of its job come in, and at {until} at the latest"
            ),
            (None, Some(quiet), Language::Chinese) => {
                format!("如该任务没有新的通话，{quiet} 发送，最晚 {until} 发送")
            }
            (None, None, Language::English) => {
                format!("it waits for the calls of its job, until {until} at the latest")
            }
            (None, None, Language::Chinese) => format!("正在等待该任务的通话回调，最晚 {until} 发送"),
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
        let status = last_attempt(record).and_then(|attempt| attempt.status);
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

/// The last send that counts. One that was in flight when the delivery settled may come after it.
fn last_attempt(record: &DeliveryRecord) -> Option<&Attempt> {
    record
        .attempts
        .iter()
        .rfind(|attempt| attempt.n <= record.delivery.sends)
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
