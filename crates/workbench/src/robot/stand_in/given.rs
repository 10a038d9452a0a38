//! What a request gives: the parameters of a query, or the members of a JSON object. Unknown ones are passed over, as the
//! platform does.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::envelope::Fault;

/// By name; texts of a query are strings.
#[derive(Debug)]
pub(super) struct Given(Map<String, Value>);

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) num: usize,
    pub(super) size: usize,
}

const INTEGER: &str = "an integer";

impl Given {
    pub(super) fn of_query(query: &str) -> Result<Self, Fault> {
        let mut given = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // One without a value is absent.
            if !value.is_empty() && given.insert(name.to_string(), value.into()).is_some() {
                return Err(Fault::parameter(&name, "is given twice", "one"));
            }
        }
        Ok(Self(given))
    }

    pub(super) fn of_body(body: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(given)) => Ok(Self(given)),
            Ok(_) | Err(_) => Err(Fault::parameter("body", "cannot be read", "one JSON object")),
        }
    }

    /// A member of a list.
    pub(super) fn of_entry(entry: &Value) -> Option<Self> {
        entry.as_object().cloned().map(Self)
    }

    /// What is there and not null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Something that `read` understands.
    pub(super) fn take<T>(
        &self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(Fault::parameter(name, "is something else", allowed)),
            },
        }
    }

    pub(super) fn require<T>(
        &self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Fault> {
        self.take(name, allowed, read)?
            .ok_or_else(|| Fault::parameter(name, "is missing", allowed))
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64, Fault> {
        self.require(name, INTEGER, integer)
    }

    pub(super) fn optional_integer(&self, name: &str) -> Result<Option<i64>, Fault> {
        self.take(name, INTEGER, integer)
    }

    /// One of some numbers; the first where nothing is said.
    pub(super) fn one_of(&self, name: &str, allowed: &[i64], words: &str) -> Result<i64, Fault> {
        let found = self.take(name, words, |value| {
            integer(value).filter(|number| allowed.contains(number))
        })?;
        Ok(found.or_else(|| allowed.first().copied()).unwrap_or(0))
    }

    /// `pageNum` and `pageSize`, of which there may be so many.
    pub(super) fn page(&self, most: usize) -> Result<Page, Fault> {
        let number = |name: &str, most: usize, otherwise: usize| {
            let allowed = if most == usize::MAX {
                "an integer from 1".to_owned()
            } else {
                format!("an integer from 1 to {most}")
            };
            let found = self.take(name, &allowed, |value| {
                usize::try_from(integer(value)?)
                    .ok()
                    .filter(|number| (1..=most).contains(number))
            })?;
            Ok::<_, Fault>(found.unwrap_or(otherwise))
        };
        Ok(Page {
            num: number("pageNum", usize::MAX, 1)?,
            size: number("pageSize", most, most.min(20))?,
        })
    }
}

/// A number, or a text of one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
