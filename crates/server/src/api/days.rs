//! Days as requests name them: `yyyy-MM-dd`, in a zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::time::Time;

/// A date as `yyyy-MM-dd`, and in no other form that ISO 8601 has.
pub(super) fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let plain = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| {
            matches!(at, 4 | 7) == (*byte == b'-') && (*byte == b'-' || byte.is_ascii_digit())
        });
    plain.then(|| text.parse().ok()).flatten()
}

/// How many days there are from the first to the last, both included; less than 1 where the last is before the first.
pub(super) fn number(first: Date, last: Date) -> i32 {
    (last - first).get_days() + 1
}

/// When a day begins and when it ends; `None` at the end of the calendar.
pub(super) fn bounds(date: Date, zone: &TimeZone) -> Option<(Time, Time)> {
    let begin = |date: Date| {
        let at = date.to_zoned(zone.clone()).ok()?;
        Some(Time(at.timestamp().as_millisecond()))
    };
    Some((begin(date)?, begin(date.tomorrow().ok()?)?))
}
