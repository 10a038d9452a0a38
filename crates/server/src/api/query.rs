//! Reads query parameters, gathers every mistake, and refuses unknown ones.

use axum::http::Uri;
use ringback_core::limits;
use ringback_core::time::Millis;
use url::form_urlencoded;

use super::cursor::{self, List};
use super::fields::shown;
use super::problem::{FieldError, OUT_OF_RANGE, Problem, TO_BEFORE_FROM};
use super::search::{TIME, moment};

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Query {
    /// The parameters of `uri`, of which all must be among `known`, each at most once.
    pub(crate) fn read(uri: &Uri, known: &[&str]) -> Self {
        let mut query = Self {
            pairs: Vec::new(),
            errors: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let Some(known_name) = known.iter().find(|known| **known == name) else {
                let allowed = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                query.errors.push(FieldError {
                    allowed: Some(allowed.clone()),
                    ..FieldError::other(
                        shown(&name).unwrap_or("(a query parameter)"),
                        format!("is unknown; allowed are {allowed}"),
                    )
                });
                continue;
            };
            if query.pairs.iter().any(|(earlier, _)| earlier == known_name) {
                query
                    .errors
                    .push(FieldError::other(known_name, "is given twice; allowed is once"));
            } else {
                query.pairs.push(((*known_name).to_owned(), value.into_owned()));
            }
        }
        query
    }

    /// A parameter that `read` understands.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (_, text) = self.pairs.iter().find(|(pair, _)| pair == name)?;
        let value = read(text);
        if value.is_none() {
            let is_number = allowed.starts_with("an integer from ") && text.parse::<i64>().is_ok();
            let found = if is_number { OUT_OF_RANGE } else { "another text" };
            self.errors.push(FieldError::wrong(name, found, allowed));
        }
        value
    }

    /// A parameter that must be there.
    pub(crate) fn require<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if !self.pairs.iter().any(|(pair, _)| pair == name) {
            self.errors.push(FieldError::missing(name, allowed));
            return None;
        }
        self.take(name, allowed, read)
    }

    /// `true` or `false`; absent is false.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.take(name, "true or false", |text| text.parse().ok())
            .unwrap_or(false)
    }

    /// An integer of 64 bits.
    pub(crate) fn integer(&mut self, name: &str) -> Option<i64> {
        self.take(name, "an integer", |text| text.parse().ok())
    }

    /// `limit`: how many items a page may have.
    pub(crate) fn limit(&mut self) -> usize {
        self.take("limit", "an integer from 1 to 500", |text| {
            text.parse()
                .ok()
                .filter(|limit| (1..=limits::API_PAGE).contains(limit))
        })
        .unwrap_or(limits::API_PAGE_DEFAULT)
    }

    /// `cursor`: where the page before ended.
    pub(crate) fn cursor(&mut self, list: List) -> Option<i64> {
        self.take("cursor", "the nextCursor of another page of this list", |text| {
            cursor::decode(list, text)
        })
    }

    /// Two moments, of which the second must not be before the first.
    pub(crate) fn span(&mut self, [from, to]: [&str; 2]) -> (Option<Millis>, Option<Millis>) {
        let moments = (self.take(from, TIME, moment), self.take(to, TIME, moment));
        if let (Some(first), Some(last)) = moments
            && last < first
        {
            self.refuse(FieldError::other(to, TO_BEFORE_FROM.replace("from", from)));
        }
        moments
    }

    /// Notes a mistake that lies between parameters.
    pub(crate) fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}
