//! Ids of events, deliveries, replays, entries of the audit log, and endpoints.
//!
//! An event or delivery id is a 63-bit number: 43 bits of engine milliseconds since the Unix epoch, 12 bits of counter,
//! 8 bits of node. Its text is a prefix and 13 characters of lower-case Crockford base32, so that both forms sort by
//! acceptance. The committer gives ids; nobody else does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Millis;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 13;
const NODE_BITS: u32 = 8;
const TIME_SHIFT: u32 = 20;

/// A text is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected {prefix} followed by 13 characters of 0-9 and a-z without i, l, o, u")]
pub struct InvalidId {
    prefix: &'static str,
}

fn encode(f: &mut fmt::Formatter<'_>, prefix: &str, number: i64) -> fmt::Result {
    let mut text = [0u8; TEXT_LEN];
    let mut rest = number.cast_unsigned();
    for place in text.iter_mut().rev() {
        *place = DIGITS[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(prefix)?;
    f.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

fn decode(prefix: &'static str, text: &str) -> Result<i64, InvalidId> {
    let invalid = InvalidId { prefix };
    let digits = text.strip_prefix(prefix).ok_or(invalid)?;
    if digits.len() != TEXT_LEN {
        return Err(invalid);
    }
    let mut number: u128 = 0;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).ok_or(invalid)?;
        number = (number << 5) | digit as u128;
    }
    i64::try_from(number).map_err(|_| invalid)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// Engine time at which the id was given.
            #[must_use]
            pub const fn time(self) -> Millis {
                Millis(self.0 >> TIME_SHIFT)
            }

            /// The smallest id that could be given at `time`: the bound for a search by time.
            #[must_use]
            pub const fn first_at(time: Millis) -> Self {
                Self(time.0 << TIME_SHIFT)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                encode(f, $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decode($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// The id of an event: the `webhook-id` of every send of it.
    EventId, "evt_");
id!(
    /// The id of a delivery: one event to one endpoint.
    DeliveryId, "dlv_");
id!(
    /// The id of a replay. It is given from the same numbers, so that it tells what was there before it.
    ReplayId, "rpl_");

id!(
    /// The id of an entry of the audit log. It is given from the same numbers.
    AuditId, "aud_");

/// The number of an endpoint. It outlives renames of nothing else: an endpoint that is deleted and made again under the
/// same name gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(pub i64);

/// Gives strictly rising ids.
#[derive(Clone, Debug)]
pub struct IdSource {
    last: i64,
    node: u8,
}

impl IdSource {
    /// A source that continues after `last`, the largest id ever given on this store (0 for none).
    #[must_use]
    pub const fn new(last: i64, node: u8) -> Self {
        Self { last, node }
    }

    /// The next number. More than 4,096 in one millisecond, or a clock that stands behind the last id, run ahead of
    /// engine time rather than repeat.
    pub fn next(&mut self, now: Millis) -> i64 {
        let floor = now.0.max(0) << TIME_SHIFT;
        let next_count = ((self.last >> NODE_BITS) + 1) << NODE_BITS;
        self.last = floor.max(next_count) | i64::from(self.node);
        self.last
    }

    /// The last number given.
    #[must_use]
    pub const fn last(&self) -> i64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_sorts_like_the_number() {
        let numbers = [
            0,
            1,
            31,
            32,
            1 << 20,
            (1_790_000_000_000_i64 << 20) | 77,
            i64::MAX,
        ];
        let texts: Vec<String> = numbers.iter().map(|n| EventId(*n).to_string()).collect();
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!(text.len(), 17);
            assert_eq!(text.parse(), Ok(EventId(number)));
        }
        assert!(texts.is_sorted());
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in [
            "",
            "evt_",
            "dlv_0000000000000",
            "evt_000000000000",
            "evt_00000000000000",
            "evt_000000000000U",
            "evt_zzzzzzzzzzzzz",
            "EVT_0000000000000",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let mut ids = IdSource::new(0, 3);
        let mut last = 0;
        for now in [1000, 1000, 999, 0, 1001, 1001] {
            let id = ids.next(Millis(now));
            assert!(id > last && id & 0xff == 3);
            last = id;
        }
        assert_eq!(EventId(last).time(), Millis(1001));
    }

    #[test]
    fn a_full_millisecond_runs_on_into_the_next() {
        let mut ids = IdSource::new(0, 0);
        let first = ids.next(Millis(5));
        let mut last = first;
        for _ in 0..4096 {
            last = ids.next(Millis(5));
        }
        assert_eq!(
            (EventId(first).time(), EventId(last).time()),
            (Millis(5), Millis(6))
        );
        assert!(last > first);
    }
}
