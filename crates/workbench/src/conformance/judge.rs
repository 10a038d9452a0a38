//! Judges what was seen. Pure functions: what they need is in their arguments.

use std::collections::{BTreeMap, BTreeSet};

use http::header::CONTENT_ENCODING;
use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_core::id::EventId;
use ringback_server::api::advice;
use ringback_server::outbound::Outcome;

use super::Options;
use super::burst::Burst;
use super::journal::Journal;
use super::script::{Expect, Processing, Send};
use super::wire::Observed;
use super::words::Said;

/// An answer that takes longer is right, and worth a warning, in milliseconds.
pub const SLOW_MS: u32 = 5_000;
/// How much of an answer is shown, in characters.
const SHOWN: usize = 80;
/// How many things of a kind are told of one check.
const TOLD: usize = 6;

/// What a check did, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) id: &'static str,
    /// Each send with what became of it.
    pub(crate) sends: Vec<(Send, Observed)>,
    pub(crate) burst: Option<Burst>,
}

/// What all judges see.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) options: &'a Options,
    /// What every check did, in order.
    pub(crate) all: &'a [Ran],
    /// What the receiver says it has processed, where it was asked.
    pub(crate) journal: Option<&'a Journal>,
}

impl Evidence<'_> {
    /// The ordinary callback of each kind.
    fn ordinary(&self) -> impl Iterator<Item = &(Send, Observed)> {
        let is_kind = |ran: &&Ran| Kind::from_name(ran.id).is_some();
        self.all.iter().filter(is_kind).flat_map(|ran| &ran.sends)
    }

    fn every(&self) -> impl Iterator<Item = &(Send, Observed)> {
        self.all.iter().flat_map(|ran| &ran.sends)
    }
}

/// What a judge finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should be, perhaps with a figure.
    Passed(Option<Said>),
    /// Not as it should be; the check's weight says how bad that is.
    Violated(Vec<Said>),
    /// A finding, whatever the check's weight.
    Bad(Vec<Said>),
    /// A warning, whatever the check's weight.
    Odd(Vec<Said>),
    /// Not as it should be, and another check tells why.
    Blamed(&'static str),
    /// It cannot be said.
    Unknown(Said),
}

impl Verdict {
    const PASSED: Self = Self::Passed(None);

    fn of(problems: Vec<Said>) -> Self {
        if problems.is_empty() {
            Self::PASSED
        } else {
            Self::Violated(problems)
        }
    }
}

/// The receiver is there. One that is not needs to be told once, not of every kind.
pub(crate) fn reachable(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let first = evidence.ordinary().next();
    match first {
        Some((_, observed)) if !is_reached(observed) => {
            Verdict::Violated(vec![why(observed, evidence.options)])
        }
        Some(_) | None => Verdict::PASSED,
    }
}

fn is_reached(observed: &Observed) -> bool {
    observed.exchange.address.is_some()
}

/// The ordinary callback of a kind. What another check explains better is left to it.
pub(crate) fn ordinary(ran: &Ran, evidence: &Evidence<'_>) -> Verdict {
    for (_, observed) in &ran.sends {
        if observed.is_acknowledged() {
            continue;
        }
        if !is_reached(observed) {
            return Verdict::Blamed("reachable");
        }
        if encoding(observed).is_some() {
            return Verdict::Blamed("answer-encoding");
        }
        if is_late(observed) {
            return Verdict::Blamed("answer-time");
        }
    }
    expected(ran, evidence)
}

/// Whether every send became what it should, and every event what it should in the journal.
pub(crate) fn expected(ran: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let mut problems: Vec<Said> = ran
        .sends
        .iter()
        .filter_map(|(send, observed)| unexpected(send, observed, evidence.options))
        .collect();
    problems.extend(wrongly_processed(ran, evidence));
    Verdict::of(shortened(problems))
}

/// Copies at once: a refusal costs a send, a second row is worse.
pub(crate) fn at_once(ran: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let doubled: Vec<Said> = wrongly_processed(ran, evidence).collect();
    if doubled.is_empty() {
        expected(ran, evidence)
    } else {
        Verdict::Bad(shortened(doubled))
    }
}

fn unexpected(send: &Send, observed: &Observed, options: &Options) -> Option<Said> {
    match (send.expect, observed.is_acknowledged()) {
        (Expect::Acknowledged, false) => Some(send.what.followed_by(&why(observed, options))),
        (Expect::NotAcknowledged, true) => Some(
            send.what
                .followed_by(&Said::new("it was acknowledged.", "被确认了。")),
        ),
        (Expect::Acknowledged | Expect::NotAcknowledged | Expect::Anything, _) => None,
    }
}

/// Events that are in the journal more often than they should.
fn wrongly_processed<'a>(ran: &'a Ran, evidence: &'a Evidence<'_>) -> impl Iterator<Item = Said> + 'a {
    let mut seen = BTreeSet::new();
    let journal = evidence.journal;
    ran.sends.iter().filter_map(move |(send, _)| {
        let times = journal?.times(send.event);
        let most = match send.processing {
            Processing::Once | Processing::AtMostOnce => 1,
            Processing::Never => 0,
        };
        (times > most && seen.insert(send.event)).then(|| {
            send.what.followed_by(&Said::new(
                format!("the journal has it {times} times, at most {most} is right."),
                format!("处理记录中有 {times} 条，最多应为 {most} 条。"),
            ))
        })
    })
}

/// Everything that was acknowledged is in the journal.
pub(crate) fn stored(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let Some(journal) = evidence.journal else {
        return Verdict::PASSED;
    };
    let mut acknowledged: BTreeMap<EventId, Said> = BTreeMap::new();
    for (send, observed) in evidence.every() {
        if observed.is_acknowledged() && send.processing == Processing::Once {
            acknowledged.insert(send.event, send.what.clone());
        }
    }
    let bursts = evidence.all.iter().filter_map(|ran| ran.burst.as_ref());
    let in_bursts = bursts.flat_map(|burst| &burst.acknowledged);
    let burst_name = Said::new("a callback of the burst", "并发回调");
    let missing: Vec<Said> = acknowledged
        .iter()
        .map(|(event, what)| (*event, what))
        .chain(in_bursts.map(|event| (*event, &burst_name)))
        .filter(|(event, _)| journal.times(*event) == 0)
        .map(|(event, what)| {
            what.followed_by(&Said::new(
                format!("{event} was acknowledged and is not in the journal."),
                format!("{event} 已被确认，但不在处理记录中。"),
            ))
        })
        .collect();
    Verdict::of(shortened(missing))
}

/// No answer is compressed.
pub(crate) fn uncompressed(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    if evidence
        .every()
        .all(|(_, observed)| observed.exchange.status.is_none())
    {
        return Verdict::Unknown(Said::new("nothing was answered", "没有任何应答"));
    }
    let found = evidence.every().find_map(|(send, observed)| {
        let encoding = encoding(observed)?;
        Some(send.what.followed_by(&Said::new(
            format!("the answer has content-encoding {encoding}."),
            format!("应答带有 content-encoding: {encoding}。"),
        )))
    });
    Verdict::of(found.into_iter().collect())
}

/// The `Content-Encoding` of an answer that has one.
fn encoding(observed: &Observed) -> Option<String> {
    let value = observed.headers.get(CONTENT_ENCODING)?;
    let text: String = String::from_utf8_lossy(value.as_bytes())
        .chars()
        .filter(char::is_ascii_graphic)
        .take(SHOWN)
        .collect();
    (!text.eq_ignore_ascii_case("identity")).then_some(text)
}

fn is_late(observed: &Observed) -> bool {
    observed.exchange.outcome == Outcome::TimedOut && is_reached(observed)
}

/// Answers come in time.
pub(crate) fn in_time(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let late: Vec<Said> = evidence
        .ordinary()
        .filter(|(_, observed)| is_late(observed))
        .map(|(send, observed)| {
            let seconds = observed.exchange.duration_ms / 1000;
            send.what.followed_by(&Said::new(
                format!("no whole answer within {seconds} s."),
                format!("{seconds} 秒内没有完整应答。"),
            ))
        })
        .collect();
    if !late.is_empty() {
        return Verdict::Bad(late);
    }
    let slowest = evidence
        .ordinary()
        .filter(|(_, observed)| observed.is_acknowledged())
        .max_by_key(|(_, observed)| observed.exchange.duration_ms);
    let Some((send, observed)) = slowest else {
        return Verdict::Unknown(nothing_acknowledged());
    };
    let ms = observed.exchange.duration_ms;
    let told = Said::new(format!("the slowest took {ms} ms"), format!("最慢 {ms} 毫秒"));
    if ms > SLOW_MS {
        Verdict::Odd(vec![send.what.followed_by(&told)])
    } else {
        Verdict::Passed(Some(told))
    }
}

fn nothing_acknowledged() -> Said {
    Said::new("nothing was acknowledged", "没有任何回调被确认")
}

/// Acknowledgements are plain, without what only a lenient sender takes off.
pub(crate) fn plain_form(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let mut bodies = evidence
        .every()
        .filter(|(_, observed)| observed.is_acknowledged())
        .map(|(_, observed)| &observed.exchange.body_start[..])
        .peekable();
    if bodies.peek().is_none() {
        return Verdict::Unknown(nothing_acknowledged());
    }
    let found: BTreeSet<(&str, &str)> = bodies.flat_map(adornments).collect();
    Verdict::of(found.into_iter().map(|(en, zh)| Said::new(en, zh)).collect())
}

/// What is around or in a `success` that acknowledges and need not be there.
fn adornments(body: &[u8]) -> impl Iterator<Item = (&'static str, &'static str)> {
    const BOM: &[u8] = "\u{feff}".as_bytes();
    let has_bom = body.starts_with(BOM);
    let bare = if has_bom { &body[BOM.len()..] } else { body };
    let trimmed = bare.trim_ascii();
    let is_quoted = trimmed.starts_with(b"\"");
    let word = trimmed.trim_ascii();
    let is_word = word.eq_ignore_ascii_case(b"success");
    [
        (
            has_bom,
            (
                "a byte order mark before success",
                "success 前有 BOM（字节序标记）",
            ),
        ),
        (
            bare.len() != trimmed.len(),
            (
                "white space or a line end around success",
                "success 前后有空白或换行",
            ),
        ),
        (is_quoted, ("double quotes around success", "success 带双引号")),
        (
            is_word && word != b"success",
            ("success in other letters than small ones", "success 不是全小写"),
        ),
    ]
    .into_iter()
    .filter_map(|(is_there, words)| is_there.then_some(words))
}

/// Connections can be used again.
pub(crate) fn kept_alive(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let mut asked = evidence
        .ordinary()
        .filter(|(_, observed)| observed.is_acknowledged())
        .filter_map(|(_, observed)| observed.is_kept)
        .peekable();
    if asked.peek().is_none() {
        return Verdict::Unknown(nothing_acknowledged());
    }
    if asked.any(|is_kept| is_kept) {
        return Verdict::PASSED;
    }
    Verdict::Violated(vec![Said::new(
        "the receiver closed the connection after each answer",
        "接收方每次应答后都关闭连接",
    )])
}

/// Without keys nobody can have checked who sent it.
pub(crate) fn unverified(_: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let taken = evidence
        .ordinary()
        .find(|(_, observed)| observed.is_acknowledged());
    let Some((send, _)) = taken else {
        return Verdict::Unknown(nothing_acknowledged());
    };
    Verdict::Violated(vec![send.what.followed_by(&Said::new(
        "acknowledged, though it was signed with a secret that nobody knows",
        "用无人知晓的密钥签名，仍被确认",
    ))])
}

/// Every callback of the burst is acknowledged.
pub(crate) fn burst(ran: &Ran, evidence: &Evidence<'_>) -> Verdict {
    let Some(burst) = &ran.burst else {
        return Verdict::Unknown(nothing_acknowledged());
    };
    let figures = burst.figures();
    if !burst.failures.is_empty() {
        let mut told = vec![figures];
        told.extend(burst.failures.values().map(|(times, example)| {
            Said::new(format!("{times} times: "), format!("{times} 次："))
                .joined(&why(example, evidence.options))
        }));
        return Verdict::Bad(shortened(told));
    }
    if burst.unsent > 0 || burst.slowest_ms() > SLOW_MS {
        return Verdict::Odd(vec![figures]);
    }
    Verdict::Passed(Some(figures))
}

/// Why a send was not acknowledged: what was answered, and what to do.
pub(crate) fn why(observed: &Observed, options: &Options) -> Said {
    let exchange = &observed.exchange;
    let is_https = options.url.starts_with("https:");
    let found = advice(
        exchange,
        &observed.headers,
        is_https,
        options.ack_rule,
        options.content_type,
    );
    let advice = found.map_or_else(
        || Said::new("it was acknowledged.", "被确认了。"),
        |advice| Said::new(advice.english, advice.chinese),
    );
    let body: String = String::from_utf8_lossy(&exchange.body_start)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect();
    let body = body.trim();
    match exchange.status {
        Some(status) if body.is_empty() => {
            Said::new(format!("{status}. "), format!("{status}。")).joined(&advice)
        }
        Some(status) => {
            Said::new(format!("{status} `{body}`. "), format!("{status} `{body}`。")).joined(&advice)
        }
        None => advice,
    }
}

/// As many as can be read at a glance, and how many more there are.
fn shortened(mut all: Vec<Said>) -> Vec<Said> {
    if all.len() > TOLD {
        let more = all.len() - (TOLD - 1);
        all.truncate(TOLD - 1);
        all.push(Said::new(format!("and {more} more"), format!("另有 {more} 项")));
    }
    all
}

/// Whether the body of an answer matters by this rule.
pub(crate) const fn body_matters(rule: AckRule) -> bool {
    match rule {
        AckRule::Success | AckRule::SuccessOrCode => true,
        AckRule::Status => false,
    }
}
