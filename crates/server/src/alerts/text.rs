//! What is said, in Chinese and in English: what happened, since when, how many, and what to do.
//!
//! Texts name companies by number and endpoints by name. Nothing of a callback is in them.

use jiff::tz::TimeZone;
use ringback_contract::duration;
use ringback_core::alert::{Alert, Condition, Detail, Ending, Occasion, Severity};
use ringback_core::limits;
use ringback_core::time::Millis;

use super::Said;
use crate::api::{Language, Time};

/// In which words.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) language: Language,
    pub(crate) zone: TimeZone,
}

/// Pending deliveries are counted up to here.
pub(super) const PENDING_COUNTED: usize = 10_000;

impl Words {
    const fn pick(&self, chinese: &'static str, english: &'static str) -> &'static str {
        match self.language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// The heading of a message about these.
    pub(crate) fn heading(&self, said: &[Said]) -> String {
        let ended = said
            .iter()
            .filter(|said| said.notice.occasion == Occasion::Ended)
            .count();
        let begun = said.len() - ended;
        let parts: Vec<String> = [
            (begun, self.pick("条告警", "alert(s)")),
            (ended, self.pick("条已恢复", "over")),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        format!("[ringback] {}", parts.join(self.pick("，", ", ")))
    }

    /// The text of a message about these, at most `bytes` long: what does not fit is counted.
    pub(crate) fn message(&self, said: &[Said], bytes: usize) -> String {
        let mut text = self.heading(said);
        for (at, one) in said.iter().enumerate() {
            let entry = format!("\n\n{}", self.entry(one));
            let rest = said.len() - at;
            let more = self.more(rest);
            let is_last = rest == 1;
            let room = if is_last { 0 } else { more.len() };
            if text.len() + entry.len() + room > bytes {
                text.push_str(&more);
                break;
            }
            text.push_str(&entry);
        }
        text
    }

    fn more(&self, count: usize) -> String {
        match self.language {
            Language::Chinese => format!("\n\n另有 {count} 条，见 GET /v1/alerts"),
            Language::English => format!("\n\nand {count} more: GET /v1/alerts"),
        }
    }

    /// One notice: a line that says what, and lines for since when and what to do.
    pub(crate) fn entry(&self, said: &Said) -> String {
        let alert = &said.notice.alert;
        let mark = match (alert.ended, alert.severity) {
            (Some(_), _) => self.pick("【恢复】", "[OVER] "),
            (None, Severity::Critical) => self.pick("【严重】", "[CRITICAL] "),
            (None, Severity::Warning) => self.pick("【警告】", "[WARNING] "),
        };
        let mut lines = vec![format!("{mark}{}", self.what(alert, said.pending))];
        lines.push(self.when(alert));
        if alert.ended.is_none() {
            let action = self.what_to_do(alert);
            lines.push(format!("{}{action}", self.pick("处理：", "What to do: ")));
        }
        lines.join("\n")
    }

    fn subject(&self, alert: &Alert) -> String {
        let company = alert.company_id.unwrap_or_default();
        match (&alert.endpoint, self.language) {
            (Some(endpoint), Language::Chinese) => format!("公司 {company} 的回调地址 {}", endpoint.name),
            (Some(endpoint), Language::English) => format!("endpoint {} of company {company}", endpoint.name),
            (None, Language::Chinese) => format!("公司 {company}"),
            (None, Language::English) => format!("company {company}"),
        }
    }

    /// What happened, in one sentence.
    pub(crate) fn what(&self, alert: &Alert, pending: Option<usize>) -> String {
        let subject = self.subject(alert);
        if let Some((_, ending)) = alert.ended {
            return self.ended(alert, &subject, ending);
        }
        match (alert.condition, self.language) {
            (Condition::EndpointFailing, _) => self.failing(&subject, &alert.detail, pending),
            (Condition::BreakerOpen, Language::Chinese) => {
                format!(
                    "{subject} 不可达，已熔断：每分钟至多试发一次{}",
                    self.pending(pending)
                )
            }
            (Condition::BreakerOpen, Language::English) => format!(
                "{subject} does not answer, its breaker is open: at most one try a minute{}",
                self.pending(pending)
            ),
            (Condition::CertificateEnding, _) => self.certificate(&subject, alert),
            (Condition::DeliveriesExhausted, Language::Chinese) => {
                format!(
                    "{subject}：{} 条回调用尽重试，未送达{}",
                    newly(alert),
                    self.in_all(alert)
                )
            }
            (Condition::DeliveriesExhausted, Language::English) => format!(
                "{subject}: {} callback(s) ran out of retries and did not arrive{}",
                newly(alert),
                self.in_all(alert)
            ),
            (Condition::ParkedGrowing, Language::Chinese) => format!(
                "{subject}：新增 {} 条事件被搁置（没有可用的回调地址）{}",
                newly(alert),
                self.in_all(alert)
            ),
            (Condition::ParkedGrowing, Language::English) => format!(
                "{subject}: {} more event(s) parked, for want of an enabled endpoint{}",
                newly(alert),
                self.in_all(alert)
            ),
            (
                Condition::IntakeRefused
                | Condition::DiskNearlyFull
                | Condition::StoreFailed
                | Condition::SendsStopped,
                _,
            ) => self.service(alert),
        }
    }

    fn failing(&self, subject: &str, detail: &Detail, pending: Option<usize>) -> String {
        let Detail::Failing {
            percent,
            oldest_ms,
            max_age_ms,
            unacknowledged_ms,
        } = detail
        else {
            return subject.to_owned();
        };
        let mut parts = Vec::new();
        if let (Some(percent), Some(oldest), Some(most)) = (percent, oldest_ms, max_age_ms) {
            let (oldest, most) = (minutes(*oldest), minutes(*most));
            parts.push(match self.language {
                Language::Chinese => format!("最早一条回调已用掉最大时限的 {percent}%（{oldest} / {most}）"),
                Language::English => {
                    format!(
                        "its oldest callback has used {percent} % of its maximum age ({oldest} of {most})"
                    )
                }
            });
        }
        if let Some(ms) = unacknowledged_ms {
            let long = minutes(*ms);
            parts.push(match self.language {
                Language::Chinese => format!("已 {long} 没有收到 success"),
                Language::English => format!("no acknowledgement for {long}"),
            });
        }
        let parts = parts.join(self.pick("，", ", "));
        let pending = self.pending(pending);
        match self.language {
            Language::Chinese => format!("{subject} 回调持续失败：{parts}{pending}"),
            Language::English => format!("{subject} is failing: {parts}{pending}"),
        }
    }

    fn certificate(&self, subject: &str, alert: &Alert) -> String {
        let Detail::Certificate(certificate) = &alert.detail else {
            return subject.to_owned();
        };
        let (setting, ends) = (certificate.used_as.setting(), self.time(certificate.ends));
        let has_ended = usize::from(alert.level) >= limits::ALERT_CERTIFICATE_MS.len();
        match (self.language, has_ended) {
            (Language::Chinese, false) => format!("{subject} 的证书（{setting}）将于 {ends} 到期"),
            (Language::Chinese, true) => format!("{subject} 的证书（{setting}）已于 {ends} 到期"),
            (Language::English, false) => format!("the certificate ({setting}) of {subject} ends at {ends}"),
            (Language::English, true) => format!("the certificate ({setting}) of {subject} ended at {ends}"),
        }
    }

    fn service(&self, alert: &Alert) -> String {
        match (&alert.detail, self.language) {
            (Detail::Refused { unavailable, invalid }, Language::Chinese) => {
                format!("接收被拒：最近一分钟 503 拒绝 {unavailable} 条，4xx 拒绝 {invalid} 条")
            }
            (Detail::Refused { unavailable, invalid }, Language::English) => format!(
                "intake is refused: in the last minute {unavailable} event(s) with 503, {invalid} with 4xx"
            ),
            (Detail::Disk { free_bytes, stopped }, language) => {
                let free = free_bytes.unwrap_or_default() / (1024 * 1024);
                match (language, stopped) {
                    (Language::Chinese, false) => format!("磁盘将满：剩余 {free} MiB"),
                    (Language::Chinese, true) => format!("磁盘已满：剩余 {free} MiB，已停止接收"),
                    (Language::English, false) => format!("the disk is nearly full: {free} MiB are free"),
                    (Language::English, true) => {
                        format!("the disk is full: {free} MiB are free, nothing new is taken in")
                    }
                }
            }
            (Detail::Store { fault }, Language::Chinese) => {
                format!("存储不可写（{fault}）：停止接收和发送，可写后自动恢复")
            }
            (Detail::Store { fault }, Language::English) => {
                format!("the store cannot be written ({fault}): nothing is taken in or sent")
            }
            (Detail::Stopped { queued }, Language::Chinese) => {
                format!("发送停止：{queued} 条到期回调在内存中等待，没有一条发出")
            }
            (Detail::Stopped { queued }, Language::English) => {
                format!("sends have stopped: {queued} due callback(s) wait in memory, and none goes out")
            }
            (Detail::Failing { .. } | Detail::Plain | Detail::Certificate(_), _) => {
                alert.condition.name().to_owned()
            }
        }
    }

    fn ended(&self, alert: &Alert, subject: &str, ending: Ending) -> String {
        let name = self.name(alert.condition);
        let about = if alert.company_id.is_some() {
            format!("{subject}{}{name}", self.pick("：", ": "))
        } else {
            name.to_owned()
        };
        let how = match ending {
            Ending::Recovered => self.pick("，已恢复", " – recovered"),
            Ending::NothingPending => self.pick(
                "，已结束：没有待发的回调，但也没有收到 success",
                " – over: nothing is pending any more, but nothing was acknowledged either",
            ),
            Ending::Removed => self.pick(
                "，已结束：回调地址已停用或删除",
                " – over: the endpoint was disabled or deleted",
            ),
            Ending::Quiet => self.pick("，一天内没有再发生", " – nothing further for a day"),
        };
        format!("{about}{how}")
    }

    /// The condition in a few words.
    pub(crate) const fn name(&self, condition: Condition) -> &'static str {
        match condition {
            Condition::EndpointFailing => self.pick("回调持续失败", "endpoint failing"),
            Condition::BreakerOpen => self.pick("熔断", "breaker open"),
            Condition::DeliveriesExhausted => self.pick("回调未送达", "deliveries exhausted"),
            Condition::ParkedGrowing => self.pick("事件被搁置", "events parked"),
            Condition::IntakeRefused => self.pick("接收被拒", "intake refused"),
            Condition::DiskNearlyFull => self.pick("磁盘将满", "disk nearly full"),
            Condition::StoreFailed => self.pick("存储不可写", "store not writable"),
            Condition::SendsStopped => self.pick("发送停止", "sends stopped"),
            Condition::CertificateEnding => self.pick("证书到期", "certificate ending"),
        }
    }

    fn pending(&self, pending: Option<usize>) -> String {
        let Some(pending) = pending else {
            return String::new();
        };
        let at_least = pending >= PENDING_COUNTED;
        match (self.language, at_least) {
            (Language::Chinese, false) => format!("；待发 {pending} 条"),
            (Language::Chinese, true) => format!("；待发 {pending} 条以上"),
            (Language::English, false) => format!("; {pending} pending"),
            (Language::English, true) => format!("; {pending} or more pending"),
        }
    }

    fn in_all(&self, alert: &Alert) -> String {
        if alert.count == newly(alert) {
            return String::new();
        }
        match self.language {
            Language::Chinese => format!("，累计 {} 条", alert.count),
            Language::English => format!(", {} in all", alert.count),
        }
    }

    /// Since when, and until when.
    fn when(&self, alert: &Alert) -> String {
        let since = self.time(alert.since);
        match (alert.ended, self.language) {
            (None, Language::Chinese) => format!("开始：{since}"),
            (None, Language::English) => format!("Since: {since}"),
            (Some((at, _)), language) => {
                let (at, lasted) = (self.time(at), minutes(at.since(alert.since)));
                match language {
                    Language::Chinese => format!("从 {since} 到 {at}，历时 {lasted}"),
                    Language::English => format!("From {since} to {at}, {lasted}"),
                }
            }
        }
    }

    fn time(&self, at: Millis) -> String {
        Time(at.0).in_zone(&self.zone)
    }

    /// What to do, with what to call.
    pub(crate) fn what_to_do(&self, alert: &Alert) -> String {
        let company = alert.company_id.unwrap_or_default();
        let name = alert.endpoint.as_ref().map_or("", |endpoint| &endpoint.name);
        let path = format!("/v1/companies/{company}/endpoints/{name}");
        match (alert.condition, self.language) {
            (Condition::EndpointFailing | Condition::BreakerOpen, Language::Chinese) => {
                format!("用 POST {path}/test 看对方答复什么；修好后 POST {path}/retry-now 立即补发")
            }
            (Condition::EndpointFailing | Condition::BreakerOpen, Language::English) => format!(
                "POST {path}/test shows what it answers; once it is well, POST {path}/retry-now sends what waits"
            ),
            (Condition::DeliveriesExhausted, Language::Chinese) => format!(
                "用 GET /v1/deliveries?companyId={company}&endpoint={name}&state=exhausted 查看；修好后用 POST /v1/replays 补发"
            ),
            (Condition::DeliveriesExhausted, Language::English) => format!(
                "GET /v1/deliveries?companyId={company}&endpoint={name}&state=exhausted lists them; once the endpoint is well, POST /v1/replays sends them again"
            ),
            (Condition::CertificateEnding, Language::Chinese) => {
                format!("向对方取得新证书，用 PUT {path} 换上，再用 POST {path}/test 试发")
            }
            (Condition::CertificateEnding, Language::English) => format!(
                "get the next one from whoever runs the receiver, PUT {path} with it, and try it with POST {path}/test"
            ),
            (Condition::ParkedGrowing, Language::Chinese) => format!(
                "用 PUT /v1/companies/{company}/endpoints/… 配置或启用回调地址，再用 POST /v1/replays 发出；GET /v1/deliveries?companyId={company}&state=parked 列出它们"
            ),
            (Condition::ParkedGrowing, Language::English) => format!(
                "configure or enable an endpoint with PUT /v1/companies/{company}/endpoints/…, then POST /v1/replays; GET /v1/deliveries?companyId={company}&state=parked lists them"
            ),
            (
                Condition::IntakeRefused
                | Condition::DiskNearlyFull
                | Condition::StoreFailed
                | Condition::SendsStopped,
                _,
            ) => self.do_for_service(alert.condition).to_owned(),
        }
    }

    const fn do_for_service(&self, condition: Condition) -> &'static str {
        match condition {
            Condition::IntakeRefused => self.pick(
                "GET /readyz 说明 503 的原因；4xx 的原因在对平台的答复里，按 /metrics 的 ringback_intake_refused_total 分类",
                "GET /readyz says why it is 503; for 4xx see the answers that the platform got, by reason in \
                 ringback_intake_refused_total of /metrics",
            ),
            Condition::DiskNearlyFull => self.pick(
                "扩容或清理磁盘；缩短 RINGBACK_RETENTION 会逐步删除已结束的事件",
                "make room on the disk; a shorter RINGBACK_RETENTION removes events that are over, by and by",
            ),
            Condition::StoreFailed => self.pick(
                "查看 GET /readyz 和日志，检查磁盘；恢复可写后自动继续，已接收的不会丢",
                "see GET /readyz and the log, and check the disk; it goes on by itself once the disk can be written, \
                 and nothing that was accepted is lost",
            ),
            _ => self.pick(
                "查看 GET /readyz 和日志；重启服务不会丢失已接收的回调",
                "see GET /readyz and the log; a restart loses nothing that was accepted",
            ),
        }
    }

    /// The text of a test.
    pub(crate) fn test(&self, channel: &str, sample: &Said) -> String {
        let sample = self.entry(sample);
        match self.language {
            Language::Chinese => format!(
                "[ringback] 测试\n\n这是告警通道 {channel} 的测试消息，无需处理。告警的样子：\n\n{sample}"
            ),
            Language::English => format!(
                "[ringback] test\n\nThis is a test of the alert channel {channel}. Nothing needs to be done. An alert \
                 looks like this:\n\n{sample}"
            ),
        }
    }
}

/// What this notice reports: all of it where the last report is not known to have been told.
const fn newly(alert: &Alert) -> u64 {
    if alert.uncounted > 0 {
        alert.uncounted
    } else {
        alert.count
    }
}

/// A duration without its seconds, for people.
fn minutes(ms: u64) -> String {
    const MINUTE_MS: u64 = 60_000;
    if ms < MINUTE_MS {
        return duration::format(ms / 1_000 * 1_000);
    }
    duration::format(ms / MINUTE_MS * MINUTE_MS)
}
