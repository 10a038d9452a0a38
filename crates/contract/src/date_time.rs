//! Dates on the wire: the two GMT forms of `dateTime`, and the zone-less `yyyy-MM-dd HH:mm:ss` of the other
//! fields. Moments are milliseconds since 1970 (unix); the wire knows whole seconds only.

use jiff::Timestamp;
use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

/// The zone of dates without one, unless configured otherwise (contract, section 3).
pub const DEFAULT_ZONE: &str = "Asia/Shanghai";

const LOCAL: &str = "%Y-%m-%d %H:%M:%S";

/// The first second of the year 0: years before it have no four digits.
const YEAR_0_S: i64 = -62_167_219_200;

/// How a company wants `dateTime` written (contract, section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateTimeForm {
    /// RFC 1123: `Thu, 24 Jan 2019 07:28:09 GMT`.
    #[default]
    Rfc1123,
    /// The form of the seed's sample: `Thu Oct 16 07:13:48 GMT 2014`.
    Seed,
}

impl DateTimeForm {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::Rfc1123, Self::Seed];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc1123 => "rfc1123",
            Self::Seed => "seed",
        }
    }

    /// The form of this [`DateTimeForm::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    const fn pattern(self) -> &'static str {
        match self {
            Self::Rfc1123 => "%a, %d %b %Y %H:%M:%S GMT",
            Self::Seed => "%a %b %d %H:%M:%S GMT %Y",
        }
    }

    /// Writes a moment in this form, cut to the second. Moments before the year 0 or after 9999-12-30 are moved
    /// to that range's end, since the forms have four digits for the year.
    #[must_use]
    pub fn format(self, unix_ms: i64) -> String {
        timestamp(unix_ms).strftime(self.pattern()).to_string()
    }

    /// Reads a moment in this form; the day of the week must be right.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<i64> {
        // A day of the week that is not the date's is refused here.
        let date_time = strtime::parse(self.pattern(), text).ok()?.to_datetime().ok()?;
        Offset::UTC
            .to_timestamp(date_time)
            .ok()
            .map(Timestamp::as_millisecond)
    }
}

/// Reads a `dateTime` in either of its forms.
#[must_use]
pub fn parse_gmt(text: &str) -> Option<i64> {
    DateTimeForm::ALL.into_iter().find_map(|form| form.parse(text))
}

/// Reads a zone-less `yyyy-MM-dd HH:mm:ss` as the wall clock of `zone` shows it. A time that the zone skips
/// is moved later by the gap, one that comes twice is its first (RFC 5545).
#[must_use]
pub fn parse_local(text: &str, zone: &TimeZone) -> Option<i64> {
    local_to_unix_ms(parse_civil(text)?, zone)
}

/// Writes a moment as `yyyy-MM-dd HH:mm:ss` in `zone`, cut to the second.
#[must_use]
pub fn format_local(unix_ms: i64, zone: &TimeZone) -> String {
    timestamp(unix_ms)
        .to_zoned(zone.clone())
        .strftime(LOCAL)
        .to_string()
}

/// The moment, cut to the second and moved into the range that can be written.
fn timestamp(unix_ms: i64) -> Timestamp {
    let second = unix_ms
        .div_euclid(1000)
        .clamp(YEAR_0_S, Timestamp::MAX.as_second());
    // No second of that range is refused.
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

pub(crate) fn parse_civil(text: &str) -> Option<civil::DateTime> {
    civil::DateTime::strptime(LOCAL, text).ok()
}

pub(crate) fn local_to_unix_ms(local: civil::DateTime, zone: &TimeZone) -> Option<i64> {
    zone.to_ambiguous_timestamp(local)
        .compatible()
        .ok()
        .map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::get(DEFAULT_ZONE).unwrap()
    }

    #[test]
    fn both_forms_write_and_read() {
        for (unix_s, rfc1123, seed) in [
            (
                1_413_443_628,
                "Thu, 16 Oct 2014 07:13:48 GMT",
                "Thu Oct 16 07:13:48 GMT 2014",
            ),
            (
                1_548_314_889,
                "Thu, 24 Jan 2019 07:28:09 GMT",
                "Thu Jan 24 07:28:09 GMT 2019",
            ),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "Thu Jan 01 00:00:00 GMT 1970"),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "Tue Feb 29 00:00:00 GMT 2000",
            ),
        ] {
            assert_eq!(DateTimeForm::Rfc1123.format(unix_s * 1000 + 999), rfc1123);
            assert_eq!(DateTimeForm::Seed.format(unix_s * 1000), seed);
            assert_eq!(parse_gmt(rfc1123), Some(unix_s * 1000));
            assert_eq!(parse_gmt(seed), Some(unix_s * 1000));
            assert_eq!(DateTimeForm::Seed.parse(rfc1123), None);
            assert_eq!(DateTimeForm::Rfc1123.parse(seed), None);
        }
    }

    #[test]
    fn what_is_no_gmt_date() {
        for text in [
            "",
            "Fri, 24 Jan 2019 07:28:09 GMT",
            "Thu, 24 Jan 2019 07:28:09 CST",
            "Thu, 24 Jan 2019 07:28:09",
            "Thu, 32 Jan 2019 07:28:09 GMT",
            "Thu, 24 Jan 2019 25:28:09 GMT",
            "Thu, 24 Jan 2019 07:28:09 GMT and more",
            "Thu Oct 16 07:13:48 CST 2014",
            "2019-01-24 07:28:09",
            "2019-01-24T07:28:09Z",
            "1548314889",
        ] {
            assert_eq!(parse_gmt(text), None, "{text:?}");
        }
    }

    #[test]
    fn local_times_take_their_zone() {
        let end_of_the_sample = 1_547_280_611_000;
        assert_eq!(
            parse_local("2019-01-12 16:10:11", &shanghai()),
            Some(end_of_the_sample)
        );
        assert_eq!(
            parse_local("2019-01-12 08:10:11", &TimeZone::UTC),
            Some(end_of_the_sample)
        );
        assert_eq!(
            format_local(end_of_the_sample, &shanghai()),
            "2019-01-12 16:10:11"
        );
        assert_eq!(parse_local("1970-01-01 09:00:00", &shanghai()), Some(3_600_000));
        let new_york = TimeZone::get("America/New_York").unwrap();
        let skipped = parse_local("2019-03-10 02:30:00", &new_york);
        assert_eq!(skipped, parse_local("2019-03-10 03:30:00", &new_york));
        for text in [
            "",
            "2019-01-12",
            "2019-13-12 16:10:11",
            "2019-01-12T16:10:11",
            "2019-01-12 16:10:11 x",
        ] {
            assert_eq!(parse_local(text, &shanghai()), None, "{text:?}");
        }
    }

    #[test]
    fn no_moment_is_too_far() {
        assert_eq!(
            DateTimeForm::Rfc1123.format(i64::MAX),
            "Thu, 30 Dec 9999 22:00:00 GMT"
        );
        assert_eq!(
            DateTimeForm::Rfc1123.format(i64::MIN),
            "Sat, 01 Jan 0000 00:00:00 GMT"
        );
        assert_eq!(DateTimeForm::Rfc1123.format(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    }

    proptest! {
        #[test]
        fn every_second_survives_both_forms(second in YEAR_0_S..=Timestamp::MAX.as_second()) {
            for form in DateTimeForm::ALL {
                prop_assert_eq!(form.parse(&form.format(second * 1000)), Some(second * 1000));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = parse_gmt(&text);
            let _ = parse_local(&text, &TimeZone::UTC);
        }
    }
}
