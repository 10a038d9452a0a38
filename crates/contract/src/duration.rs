//! Durations as the API and the configuration write them: `500ms`, `90s`, `5m`, `1h30m`. Inside, a duration
//! is a number of milliseconds.

use std::fmt::Write as _;

/// The units, longest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// The longest unit that [`format`] writes is the hour: `24h` stays `24h`.
const LONGEST_WRITTEN: usize = 1;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Something else than whole numbers, each with a unit.
    #[error(
        "is no duration: write whole numbers with the units d, h, m, s, ms, such as 500ms, 90s, 5m or 1h30m"
    )]
    Form,
    /// A unit comes twice, or after a shorter one.
    #[error("is no duration: its units must go from long to short, each once, such as 1h30m")]
    Order,
    /// More than 2^64 milliseconds.
    #[error("is too long for a duration")]
    TooLong,
}

/// The milliseconds that `text` stands for: whole numbers with a unit of `d`, `h`, `m`, `s` or `ms`, units
/// from long to short, without signs, points or spaces.
///
/// # Errors
/// When `text` is written otherwise, or is too long for a `u64`.
pub fn parse(text: &str) -> Result<u64, InvalidDuration> {
    let mut rest = text;
    let mut total = 0u64;
    let mut units = UNITS.as_slice();
    loop {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() || !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(InvalidDuration::Form);
        }
        let place = units
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or(InvalidDuration::Order)?;
        let number: u64 = number.parse().map_err(|_| InvalidDuration::TooLong)?;
        total = number
            .checked_mul(units[place].1)
            .and_then(|ms| total.checked_add(ms))
            .ok_or(InvalidDuration::TooLong)?;
        units = &units[place + 1..];
        rest = tail;
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

/// The shortest text that [`parse`] reads as `ms` milliseconds, in hours and smaller units: `1h30m`.
#[must_use]
pub fn format(ms: u64) -> String {
    let mut text = String::new();
    let mut rest = ms;
    for (name, length) in &UNITS[LONGEST_WRITTEN..] {
        if rest >= *length {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{name}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_their_milliseconds() {
        use InvalidDuration::{Form, Order, TooLong};
        for (text, ms) in [
            ("500ms", Ok(500)),
            ("90s", Ok(90_000)),
            ("5m", Ok(300_000)),
            ("1h30m", Ok(5_400_000)),
            ("24h", Ok(86_400_000)),
            ("30d", Ok(2_592_000_000)),
            ("1d2h3m4s5ms", Ok(93_784_005)),
            ("1m1ms", Ok(60_001)),
            ("0s", Ok(0)),
            ("007s", Ok(7000)),
            ("", Err(Form)),
            ("5", Err(Form)),
            ("s", Err(Form)),
            ("5 m", Err(Form)),
            (" 5m", Err(Form)),
            ("5m ", Err(Form)),
            ("-5m", Err(Form)),
            ("1.5h", Err(Form)),
            ("5M", Err(Form)),
            ("5min", Err(Form)),
            ("5分", Err(Form)),
            ("１s", Err(Form)),
            ("30m1h", Err(Order)),
            ("1s1s", Err(Order)),
            ("18446744073709551615ms", Ok(u64::MAX)),
            ("18446744073709551616ms", Err(TooLong)),
            ("18446744073709551615s", Err(TooLong)),
            ("213503982334d15h", Err(TooLong)),
        ] {
            assert_eq!(parse(text), ms, "{text:?}");
        }
    }

    #[test]
    fn milliseconds_and_their_texts() {
        for (ms, text) in [
            (0, "0s"),
            (1, "1ms"),
            (500, "500ms"),
            (1000, "1s"),
            (1500, "1s500ms"),
            (90_000, "1m30s"),
            (86_400_000, "24h"),
            (2_592_000_000, "720h"),
        ] {
            assert_eq!(format(ms), text);
        }
    }

    proptest! {
        #[test]
        fn every_duration_survives_its_text(ms: u64) {
            prop_assert_eq!(parse(&format(ms)), Ok(ms));
        }
    }
}
