//! Times in the API: RFC 3339 in UTC with milliseconds.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment, Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    /// The moment that an RFC 3339 text names. A space in the place of the offset's plus is a plus that was not escaped
    /// in a query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = match text.rfind(' ') {
            Some(at) if at > text.find(['T', 't'])? => {
                Cow::Owned(format!("{}+{}", &text[..at], &text[at + 1..]))
            }
            _ => Cow::Borrowed(text),
        };
        // Jiff also reads forms that RFC 3339 does not have, with zone names in brackets.
        if text.contains('[') {
            return None;
        }
        text.parse::<Timestamp>()
            .ok()
            .map(|timestamp| Self(timestamp.as_millisecond()))
    }
}

impl Time {
    /// For people: to the second in a zone, with its offset, such as `2026-01-12 16:10:12 +08:00`.
    pub(crate) fn in_zone(self, zone: &TimeZone) -> String {
        let time = self.timestamp().to_zoned(zone.clone());
        time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    fn timestamp(self) -> Timestamp {
        // Milliseconds beyond the years that can be written come from nowhere but a broken clock.
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = self.timestamp().to_zoned(TimeZone::UTC).datetime();
        write!(f, "{}Z", time.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339 in UTC with milliseconds."))
            .examples(["2026-01-12T08:10:11.000Z"])
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_547_280_611_000, "2019-01-12T08:10:11.000Z"),
            (1_547_280_611_050, "2019-01-12T08:10:11.050Z"),
        ] {
            assert_eq!(Time(ms).to_string(), text);
            assert_eq!(Time::parse(text), Some(Time(ms)));
        }
        assert_eq!(Time(i64::MAX).to_string(), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn times_are_read_as_rfc_3339() {
        let expected = Some(Time(1_547_280_611_000));
        for (text, expected) in [
            ("2019-01-12T16:10:11+08:00", expected),
            ("2019-01-12T16:10:11 08:00", expected),
            ("2019-01-12T08:10:11Z", expected),
            ("2019-01-12T08:10:11.000Z", expected),
            ("2019-01-12 08:10:11", None),
            ("2019-01-12T08:10:11", None),
            ("2019-01-12", None),
            ("1547280611", None),
            ("2019-01-12T16:10:11+08:00[Asia/Shanghai]", None),
            ("2019-02-30T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(Time::parse(text), expected, "{text}");
        }
    }
}
