//! When a job may call: within its working hours, outside of its break, and never before 9:00 or after 20:00 local time
//! (contract, section 7).

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Between these calls may go out at all.
const ALLOWED: (TimeOfDay, TimeOfDay) = (TimeOfDay::at(9, 0), TimeOfDay::at(20, 0));

/// Days that are looked at for the next opening: hours that open at all open on each day, save for one that a change of
/// the clocks has taken them from.
const DAYS: i32 = 3;

/// A time of day, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(i32);

impl TimeOfDay {
    /// A time of day in hours and minutes.
    #[must_use]
    pub const fn at(hour: i32, minute: i32) -> Self {
        Self(hour * 3600 + minute * 60)
    }

    /// Reads `HH:mm:ss` or `HH:mm`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str, most: i32| {
            let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = part.parse().ok().filter(|_| is_number)?;
            (0..=most).contains(&number).then_some(number)
        };
        let mut parts = text.split(':');
        let (hour, minute) = (number(parts.next()?, 23)?, number(parts.next()?, 59)?);
        let second = parts.next().map_or(Some(0), |part| number(part, 59))?;
        parts
            .next()
            .is_none()
            .then_some(Self(hour * 3600 + minute * 60 + second))
    }

    /// The moment on a day; where the clocks skip it, the one after.
    fn on(self, date: Date, zone: &TimeZone) -> Option<i64> {
        let midnight = date.at(0, 0, 0, 0);
        let local = midnight.checked_add(jiff::Span::new().seconds(self.0)).ok()?;
        let moment = zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(moment.as_millisecond())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(seconds) = self;
        write!(
            f,
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// The hours of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From when on.
    pub start: TimeOfDay,
    /// Until when.
    pub end: TimeOfDay,
    /// From when until when not.
    pub rest: Option<(TimeOfDay, TimeOfDay)>,
}

impl Hours {
    /// Whether a call may go out now.
    #[must_use]
    pub fn is_open(&self, now_ms: i64, zone: &TimeZone) -> bool {
        self.opens(now_ms, zone) == Some(now_ms)
    }

    /// The first moment from now on at which a call may go out; `None` if there never is one.
    #[must_use]
    pub fn opens(&self, now_ms: i64, zone: &TimeZone) -> Option<i64> {
        self.next_span(now_ms, zone).map(|(open, _)| open.max(now_ms))
    }

    /// When what is open now, or opens next, closes.
    #[must_use]
    pub fn closes(&self, now_ms: i64, zone: &TimeZone) -> Option<i64> {
        self.next_span(now_ms, zone).map(|(_, close)| close)
    }

    /// The span that holds this moment, or the next one.
    fn next_span(&self, now_ms: i64, zone: &TimeZone) -> Option<(i64, i64)> {
        let today = Timestamp::from_millisecond(now_ms)
            .ok()?
            .to_zoned(zone.clone())
            .date();
        (0..DAYS)
            .filter_map(|days| today.checked_add(jiff::Span::new().days(days)).ok())
            .flat_map(|date| self.spans(date, zone))
            .find(|(_, close)| *close > now_ms)
    }

    /// When it is open on a day, in order.
    fn spans(&self, date: Date, zone: &TimeZone) -> Vec<(i64, i64)> {
        let (start, end) = (self.start.max(ALLOWED.0), self.end.min(ALLOWED.1));
        let parts = match self.rest {
            Some((from, to)) if from < to => vec![(start, end.min(from)), (start.max(to), end)],
            _ => vec![(start, end)],
        };
        parts
            .into_iter()
            .filter_map(|(from, to)| Some((from.on(date, zone)?, to.on(date, zone)?)))
            .filter(|(from, to)| from < to)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_contract::date_time::{format_local, parse_local};

    fn hours(start: &str, end: &str, rest: Option<(&str, &str)>) -> Hours {
        let time = |text| TimeOfDay::parse(text).unwrap();
        Hours {
            start: time(start),
            end: time(end),
            rest: rest.map(|(from, to)| (time(from), time(to))),
        }
    }

    const NOON: Option<(&str, &str)> = Some(("12:00:00", "13:30:00"));

    /// The hours, a moment, when a call may go out next and until when.
    #[expect(clippy::type_complexity, reason = "a row of the table")]
    const CASES: [(&str, &str, Option<(&str, &str)>, &str, &str, &str); 10] = [
        (
            "09:00:00",
            "20:00:00",
            None,
            "05 08:59:59",
            "05 09:00:00",
            "05 20:00:00",
        ),
        (
            "09:00:00",
            "20:00:00",
            None,
            "05 19:59:59",
            "05 19:59:59",
            "05 20:00:00",
        ),
        (
            "09:00:00",
            "20:00:00",
            None,
            "05 20:00:00",
            "06 09:00:00",
            "06 20:00:00",
        ),
        (
            "00:00:00",
            "23:59:59",
            None,
            "05 06:00:00",
            "05 09:00:00",
            "05 20:00:00",
        ),
        (
            "00:00:00",
            "23:59:59",
            None,
            "05 23:00:00",
            "06 09:00:00",
            "06 20:00:00",
        ),
        (
            "10:00:00",
            "18:00:00",
            NOON,
            "05 09:30:00",
            "05 10:00:00",
            "05 12:00:00",
        ),
        (
            "10:00:00",
            "18:00:00",
            NOON,
            "05 12:00:00",
            "05 13:30:00",
            "05 18:00:00",
        ),
        (
            "10:00:00",
            "18:00:00",
            NOON,
            "05 13:30:00",
            "05 13:30:00",
            "05 18:00:00",
        ),
        (
            "10:00:00",
            "13:00:00",
            NOON,
            "05 12:30:00",
            "06 10:00:00",
            "06 12:00:00",
        ),
        (
            "12:30:00",
            "18:00:00",
            NOON,
            "05 09:00:00",
            "05 13:30:00",
            "05 18:00:00",
        ),
    ];

    #[test]
    fn calls_go_out_in_working_hours_outside_the_break_between_9_and_20() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        for (start, end, rest, now, open, close) in CASES {
            let hours = hours(start, end, rest);
            let at = |day: &str| parse_local(&format!("2026-01-{day}"), &zone).unwrap();
            let shown = |ms: Option<i64>| format_local(ms.unwrap(), &zone)[8..].to_owned();
            let found = (
                shown(hours.opens(at(now), &zone)),
                shown(hours.closes(at(now), &zone)),
            );
            assert_eq!(
                found,
                (open.to_owned(), close.to_owned()),
                "{start} {end} {rest:?} {now}"
            );
            assert_eq!(hours.is_open(at(now), &zone), open == now);
        }
        for never in [hours("20:00", "21:00", None), hours("12:00", "10:00", None)] {
            assert_eq!(never.opens(0, &zone), None);
        }
    }

    #[test]
    fn times_of_day_are_read_and_written() {
        for (text, written) in [
            ("09:00:00", Some("09:00:00")),
            ("09:05", Some("09:05:00")),
            ("23:59:59", Some("23:59:59")),
            ("24:00:00", None),
            ("9:00:00", None),
            ("09:60", None),
            ("09:00:00:00", None),
            ("+9:00", None),
            ("", None),
        ] {
            let found = TimeOfDay::parse(text).map(|time| time.to_string());
            assert_eq!(found.as_deref(), written, "{text}");
        }
    }
}
