//! The customers' receivers: quick, slow, dead, flapping, refusing, resetting and lying. Each keeps a journal of what
//! reached it.

use std::collections::BTreeMap;

use ringback_contract::ack::AckRule;
use ringback_core::delivery::Outcome;
use ringback_core::endpoint::Settings;
use ringback_core::id::{DeliveryId, EventId};

use crate::random::Random;
use crate::time::{BootUs, MS, SECOND};

/// How a receiver behaves for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers `success` within some milliseconds.
    Quick,
    /// It answers `success`, late, sometimes too late.
    Slow,
    /// It answers `success` byte by byte, sometimes for too long.
    Dripping,
    /// It is quick, and closed, by turns of some seconds.
    Flapping,
    /// It takes everything and never answers.
    Dead,
    /// Nobody listens.
    Closed,
    /// It answers 200 with `fail`, having stored what it got.
    Failing,
    /// It answers with an error status, sometimes with `Retry-After`.
    Erring,
    /// It stores what it got and resets the connection.
    Resetting,
    /// Each of the above by turns, and `success` in words that do not count.
    Lying,
}

impl Mood {
    const ALL: [Self; 10] = [
        Self::Quick,
        Self::Slow,
        Self::Dripping,
        Self::Flapping,
        Self::Dead,
        Self::Closed,
        Self::Failing,
        Self::Erring,
        Self::Resetting,
        Self::Lying,
    ];

    pub(crate) fn any(random: &mut Random) -> Self {
        random.pick(&Self::ALL)
    }
}

/// What becomes of a request that reached a receiver, or did not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub(crate) takes_us: i64,
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_ms: Option<u64>,
}

/// A request in a journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) delivery: DeliveryId,
    pub(crate) event: EventId,
    /// The `ringback-send` header.
    pub(crate) n: u32,
    /// Whether the whole answer was an acknowledgement.
    pub(crate) acknowledged: bool,
}

/// One receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) mood: Mood,
    /// It never acknowledges, also when all faults have stopped.
    pub(crate) hopeless: bool,
    /// Since when it is in its mood.
    pub(crate) since_us: BootUs,
    pub(crate) journal: Vec<Entry>,
}

/// The receivers by the address that they listen on.
pub(crate) type Receivers = BTreeMap<String, Receiver>;

/// How long a turn of a flapping receiver lasts.
const FLAP_US: i64 = 7 * SECOND;

const SUCCESS: &[u8] = b"success";
/// Answers of real receivers: some count, some do not.
const WORDS: [&[u8]; 8] = [
    b"success",
    b"\xef\xbb\xbf\"SUCCESS\"\r\n",
    b"{\"code\":200,\"resultMsg\":\"success\"}",
    b"unsuccessful",
    b"{\"success\":false}",
    b"",
    b"fail",
    b"{\"code\":500,\"resultMsg\":\"success\"}",
];

impl Receiver {
    /// A request arrives at `at_us`.
    pub(crate) fn exchange(
        &mut self,
        random: &mut Random,
        at_us: BootUs,
        settings: &Settings,
        request: (DeliveryId, EventId, u32),
    ) -> Exchange {
        let mut mood = self.mood;
        while mood == Mood::Lying {
            mood = Mood::any(random);
            if random.chance(300_000) {
                break;
            }
        }
        if mood == Mood::Flapping {
            let turn = (at_us - self.since_us) / FLAP_US;
            mood = if turn % 2 == 0 { Mood::Quick } else { Mood::Closed };
        }
        let exchange = answer(random, mood, settings.ack_rule, settings.timeout_ms);
        if mood != Mood::Closed {
            self.journal.push(Entry {
                delivery: request.0,
                event: request.1,
                n: request.2,
                acknowledged: exchange.outcome == Outcome::Acknowledged,
            });
        }
        exchange
    }
}

fn answer(random: &mut Random, mood: Mood, rule: AckRule, timeout_ms: u32) -> Exchange {
    let timeout_us = i64::from(timeout_ms) * MS;
    let mut retry_after_ms = None;
    let (takes_us, answered) = match mood {
        Mood::Quick | Mood::Flapping => (random.within(200..=20 * MS), Ok((200, SUCCESS))),
        // By its status alone it has acknowledged when the head is there; the rest of the time goes by all the same.
        Mood::Dripping if rule.acknowledges(200, None) => {
            let drips_us = random.within(SECOND..=2 * timeout_us);
            (drips_us.min(timeout_us), Ok((200, SUCCESS)))
        }
        Mood::Dripping => (random.within(SECOND..=2 * timeout_us), Ok((200, SUCCESS))),
        Mood::Slow => (random.within(SECOND..=timeout_us + SECOND), Ok((200, SUCCESS))),
        Mood::Dead => (i64::MAX, Ok((200, SUCCESS))),
        Mood::Closed => (random.within(100..=3 * MS), Err(Outcome::Unreachable)),
        Mood::Resetting => (random.within(100..=SECOND), Err(Outcome::Unreachable)),
        Mood::Failing => (random.within(200..=50 * MS), Ok((200, b"fail".as_slice()))),
        Mood::Erring => {
            if random.chance(300_000) {
                retry_after_ms = Some(random.pick(&[0, 1_000, 30_000, 86_400_000, u64::MAX]));
            }
            let status = random.pick(&[302, 400, 415, 429, 500, 503]);
            (random.within(200..=50 * MS), Ok((status, SUCCESS)))
        }
        Mood::Lying => (
            random.within(200..=SECOND),
            Ok((random.pick(&[200, 201, 204]), random.pick(&WORDS))),
        ),
    };
    let (takes_us, outcome, status) = match answered {
        _ if takes_us > timeout_us => (timeout_us, Outcome::TimedOut, None),
        Ok((status, body)) => {
            let outcome = match (status, rule.acknowledges(status, Some(body))) {
                (_, true) => Outcome::Acknowledged,
                (200..300, false) => Outcome::NotAcknowledged,
                (_, false) => Outcome::Refused,
            };
            (takes_us, outcome, Some(status))
        }
        Err(outcome) => (takes_us, outcome, None),
    };
    Exchange {
        takes_us,
        outcome,
        status,
        retry_after_ms,
    }
}

/// How long a request is under way before it reaches a receiver.
pub(crate) fn way_us(random: &mut Random) -> BootUs {
    random.within(50..=2 * MS)
}
