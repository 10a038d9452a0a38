//! What was sent and what came of it, for people and for scripts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use ringback_contract::ack::{AckFailure, AckRule};
use ringback_contract::kind::Kind;
use ringback_server::outbound::exchange::BODY_START_LIMIT;
use ringback_server::outbound::{Exchange, Outcome, Probe};
use serde::Serialize;

use super::bodies::Body;
use crate::pretty::{harmless, pretty};

/// How much of an answer's body the text form shows, in characters.
const SHOWN: usize = 400;

/// What was sent, and what came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The kind that was sent.
    pub kind: Kind,
    /// Where to.
    pub url: String,
    /// The `webhook-id`.
    pub event_id: String,
    /// The length of the body that was sent, in bytes.
    pub sent_bytes: usize,
    /// Whether the service would count it as delivered.
    pub acknowledged: bool,
    /// How it ended, by the name that the service uses.
    pub outcome: &'static str,
    /// The rule that it was judged by.
    pub ack_rule: AckRule,
    /// Why, in a sentence.
    pub why: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// The start of the answer's body, at most 4 KiB, as text.
    pub body_start: String,
    /// The template that was sent, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Cow<'static, str>>,
    /// The headers that were sent, without the values that may be secrets.
    pub request_headers: BTreeMap<String, String>,
    /// The headers of the answer.
    pub answer_headers: BTreeMap<String, String>,
    /// The body that was sent.
    #[serde(skip)]
    pub request_body: Bytes,
}

impl Report {
    pub(super) fn new(url: &str, ack_rule: AckRule, body: Body, event_id: String, probe: &Probe) -> Self {
        let exchange = &probe.exchange;
        Self {
            kind: body.kind,
            url: url.to_owned(),
            event_id,
            sent_bytes: body.bytes.len(),
            acknowledged: exchange.outcome == Outcome::Acknowledged,
            outcome: exchange.outcome.name(),
            ack_rule,
            why: why(exchange, ack_rule),
            status: exchange.status,
            address: exchange.address,
            duration_ms: exchange.duration_ms,
            body_start: String::from_utf8_lossy(&exchange.body_start).into_owned(),
            template: body.template,
            request_headers: headers(&probe.sent),
            answer_headers: headers(&probe.received),
            request_body: body.bytes,
        }
    }

    /// What the text form leaves out: the headers of both sides and the body that was sent, indented; lines for people.
    #[must_use]
    pub fn details(&self) -> String {
        let lines = |mark: char, headers: &BTreeMap<String, String>| -> String {
            let line = |(name, value): (&String, &String)| format!("{mark} {name}: {}\n", harmless(value));
            headers.iter().map(line).collect()
        };
        format!(
            "{}{}\n{}",
            lines('>', &self.request_headers),
            pretty(&self.request_body),
            lines('<', &self.answer_headers)
        )
    }
}

/// Headers as text. Of those that are marked as sensitive only the name is told.
fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| {
        if value.is_sensitive() {
            "…".to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        }
    };
    let all = map
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)));
    all.collect()
}

/// What became of many callbacks.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many were sent.
    pub sent: usize,
    /// How many of them were acknowledged.
    pub acknowledged: usize,
    /// What became of the others.
    pub others: Vec<Others>,
    /// How long all of it took, in milliseconds.
    pub took_ms: i64,
    #[serde(skip)]
    durations_ms: Vec<u32>,
}

/// Callbacks that were not acknowledged for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Others {
    /// How many.
    pub times: usize,
    /// How they ended, by the name that the service uses.
    pub outcome: &'static str,
    /// The status of the answers, if there were any.
    pub status: Option<u16>,
    /// Why, in a sentence.
    pub why: String,
}

impl Summary {
    pub(super) fn add(&mut self, report: &Report) {
        self.sent += 1;
        self.durations_ms.push(report.duration_ms);
        if report.acknowledged {
            self.acknowledged += 1;
            return;
        }
        let is_same = |others: &&mut Others| {
            (others.outcome, others.status, &others.why) == (report.outcome, report.status, &report.why)
        };
        match self.others.iter_mut().find(is_same) {
            Some(others) => others.times += 1,
            None => self.others.push(Others {
                times: 1,
                outcome: report.outcome,
                status: report.status,
                why: report.why.clone(),
            }),
        }
    }

    /// The time within which this share of the exchanges, of 100, was over, in milliseconds.
    #[must_use]
    pub fn within_ms(&self, percent: usize) -> u32 {
        let mut sorted = self.durations_ms.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or(0)
    }
}

impl fmt::Display for Summary {
    /// Some lines for people, without a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took_s = self.took_ms.max(1) as f64 / 1000.0;
        write!(
            f,
            "{} of {} acknowledged in {took_s:.1} s ({:.1} a second); half within {} ms, 99% within {} ms, the slowest {} ms",
            self.acknowledged,
            self.sent,
            self.sent as f64 / took_s,
            self.within_ms(50),
            self.within_ms(99),
            self.within_ms(100),
        )?;
        for others in &self.others {
            write!(
                f,
                "\n{} times {}: {}",
                others.times,
                others.outcome,
                harmless(&others.why)
            )?;
        }
        Ok(())
    }
}

/// Why an exchange ended as it did, in a sentence.
fn why(exchange: &Exchange, rule: AckRule) -> String {
    if let Some(detail) = &exchange.detail {
        return format!("{detail}.");
    }
    if exchange.outcome == Outcome::Acknowledged {
        return match rule {
            AckRule::Status => "The status is 2xx, and that is enough by the rule status.",
            AckRule::Success | AckRule::SuccessOrCode => "The status is 2xx and the body says success.",
        }
        .to_owned();
    }
    // A body that fills what is kept may have been longer; what it would have to say cannot be told of its start.
    let body = Some(&exchange.body_start[..]).filter(|body| body.len() < BODY_START_LIMIT);
    match exchange.status.map(|status| rule.judge(status, body)) {
        Some(Err(reason)) => reason_of(reason, body.is_some()),
        Some(Ok(())) | None => format!("The outcome is {}.", exchange.outcome.name()),
    }
}

fn reason_of(reason: AckFailure, is_whole: bool) -> String {
    match reason {
        AckFailure::BodyTooLong if !is_whole => {
            "The body is long and does not say success: it must be success as a whole.".to_owned()
        }
        reason => reason.en(),
    }
}

impl fmt::Display for Report {
    /// Some lines for people, without a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "POST {}  ({}{}, {} bytes, webhook-id {})",
            self.url,
            self.kind.en(),
            self.template
                .as_ref()
                .map_or_else(String::new, |name| format!(" {name}")),
            self.sent_bytes,
            self.event_id
        )?;
        match self.status {
            Some(status) => writeln!(f, "answer: {status} after {} ms", self.duration_ms)?,
            None => writeln!(f, "no answer after {} ms", self.duration_ms)?,
        }
        if !self.body_start.is_empty() {
            let shown: String = self.body_start.chars().take(SHOWN).collect();
            let more = if shown.len() < self.body_start.len() {
                " …"
            } else {
                ""
            };
            writeln!(f, "body: {}{more}", harmless(shown.trim_end()))?;
        }
        let verdict = if self.acknowledged {
            "acknowledged"
        } else {
            "NOT acknowledged"
        };
        write!(
            f,
            "{verdict} ({}, ack rule {}): {}",
            self.outcome,
            self.ack_rule.name(),
            self.why
        )
    }
}
