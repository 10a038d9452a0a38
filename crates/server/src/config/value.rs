//! A value as the file or the environment gives it, and how it is read. Where it does not fit, the error says what was
//! found, by kind and never by value.

use ringback_contract::duration::{self, InvalidDuration};
use toml::de::{DeTable, DeValue};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// The text of an environment variable.
    Environment(&'a str),
    /// A text of the file.
    Text(&'a str),
    /// An integer of the file; `None` where it is too large for one.
    Integer(Option<i64>),
    /// A number with a point of the file; `None` where it is none that can be had.
    Fraction(Option<f64>),
    /// A boolean of the file.
    Boolean(bool),
    /// An array of the file.
    List(Vec<Value<'a>>),
    /// A table of the file.
    Table(&'a DeTable<'a>),
    /// Anything else, by its kind.
    Other(&'static str),
}

impl<'a> Value<'a> {
    pub(super) fn of_file(value: &'a DeValue<'a>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(number) => {
                Self::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Boolean(boolean) => Self::Boolean(*boolean),
            DeValue::Array(values) => Self::List(
                values
                    .iter()
                    .map(|value| Self::of_file(value.get_ref()))
                    .collect(),
            ),
            DeValue::Float(number) => Self::Fraction(number.as_str().parse().ok()),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(table) => Self::Table(table),
        }
    }

    pub(super) fn kind(&self) -> String {
        match self {
            Self::Environment(_) | Self::Text(_) => "another text",
            Self::Integer(_) => "an integer",
            Self::Fraction(_) => "a number with a point",
            Self::Boolean(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
        .to_owned()
    }

    /// A text that `read` understands.
    pub(super) fn text<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
        match self {
            Self::Environment(text) | Self::Text(text) => read(text),
            Self::Integer(_)
            | Self::Fraction(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_) => None,
        }
        .ok_or_else(|| self.kind())
    }

    /// A duration within bounds, in milliseconds.
    pub(super) fn duration(&self, least_ms: u64, most_ms: u64) -> Result<u64, String> {
        let ms = self.text(|text| match duration::parse(text) {
            Ok(ms) => Some(ms),
            Err(InvalidDuration::TooLong) => Some(u64::MAX),
            Err(InvalidDuration::Form | InvalidDuration::Order) => None,
        })?;
        if (least_ms..=most_ms).contains(&ms) {
            Ok(ms)
        } else {
            Err("a duration out of range".to_owned())
        }
    }

    /// A boolean.
    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            Self::Environment(text) => text.parse().ok(),
            Self::Text(_)
            | Self::Integer(_)
            | Self::Fraction(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_) => None,
        }
        .ok_or_else(|| self.kind())
    }

    /// An integer within bounds.
    pub(super) fn integer(&self, least: u64, most: u64) -> Result<u64, String> {
        let number = match self {
            Self::Integer(number) => *number,
            Self::Environment(text) => text.parse().ok(),
            Self::Text(_)
            | Self::Fraction(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_) => None,
        };
        number
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| match number {
                Some(_) => "an integer out of range".to_owned(),
                None => self.kind(),
            })
    }

    /// A number from 0 to 1.
    pub(super) fn fraction(&self) -> Result<f64, String> {
        let number = match self {
            Self::Fraction(number) => *number,
            Self::Integer(Some(0)) => Some(0.0),
            Self::Integer(Some(1)) => Some(1.0),
            Self::Environment(text) => text.parse().ok(),
            Self::Text(_)
            | Self::Integer(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_) => None,
        };
        number
            .filter(|number| (0.0..=1.0).contains(number))
            .ok_or_else(|| {
                let is_number = number.is_some_and(|number| !number.is_nan());
                if is_number || matches!(self, Self::Integer(Some(_))) {
                    "a number out of range".to_owned()
                } else {
                    self.kind()
                }
            })
    }

    /// A list of texts that `read` understands; in the environment they are separated by commas.
    pub(super) fn list<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
        let entries: Vec<Value<'_>> = match self {
            Self::Environment(text) => text
                .split(',')
                .map(|entry| Value::Environment(entry.trim()))
                .collect(),
            Self::List(entries) => entries.clone(),
            Self::Text(_)
            | Self::Integer(_)
            | Self::Fraction(_)
            | Self::Boolean(_)
            | Self::Table(_)
            | Self::Other(_) => {
                return Err(self.kind());
            }
        };
        entries
            .iter()
            .enumerate()
            .map(|(at, entry)| {
                entry
                    .text(&read)
                    .map_err(|kind| format!("{kind} as entry {} of the list", at + 1))
            })
            .collect()
    }
}
