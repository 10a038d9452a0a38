//! The parameters of a request to the open API. Unknown ones are passed over, as the platform does.

use jiff::tz::TimeZone;
use ringback_contract::sign::EnvelopeCode;
use ringback_core::limits::MISSED_DAYS;
use url::form_urlencoded;

use super::super::days;
use super::Days;
use super::envelope::Fault;

#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

/// What a date must be.
const DATE: &str = "a date such as 2019-01-12";

impl Parameters {
    pub(super) fn of(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter that `read` understands. One without a value is absent.
    pub(super) fn take<T>(
        &self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut given = self
            .0
            .iter()
            .filter(|(other, value)| other == name && !value.is_empty());
        match (given.next(), given.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(Fault::parameter(name, "is given twice", "one")),
            (Some((_, text)), None) => match read(text) {
                Some(value) => Ok(Some(value)),
                None => Err(Fault::parameter(name, "is another text", allowed)),
            },
        }
    }

    /// A parameter that must be there.
    pub(super) fn require<T>(
        &self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Fault> {
        self.take(name, allowed, read)?
            .ok_or_else(|| Fault::parameter(name, "is missing", allowed))
    }

    /// `startDate` and `endDate`, both included: the beginning of the first day, and that of the day after the last.
    pub(super) fn days(&self, zone: &TimeZone) -> Result<Days, Fault> {
        let first = self.require("startDate", DATE, days::date)?;
        let last = self.require("endDate", DATE, days::date)?;
        let days = days::number(first, last);
        if days < 1 {
            let detail = "endDate: is before startDate";
            return Err(Fault::new(EnvelopeCode::BadParameter, detail));
        }
        if days > MISSED_DAYS {
            let detail = format!(
                "endDate: is {days} days from startDate, both included; at most {MISSED_DAYS} are allowed"
            );
            return Err(Fault::new(EnvelopeCode::BadParameter, detail));
        }
        let bounds = |date| {
            days::bounds(date, zone).ok_or_else(|| Fault::parameter("endDate", "is too far away", DATE))
        };
        Ok((bounds(first)?.0, bounds(last)?.1))
    }
}
