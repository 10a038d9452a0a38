//! Reads a configuration object member by member and gathers every mistake, so that one answer names them all.

use serde_json::Value;

use super::members::Members;
use super::problem::{FieldError, Problem, found};

/// What a PUT says about a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given<T> {
    /// Nothing: what that means is the member's own rule.
    #[default]
    Absent,
    /// `null`
    Null,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// The value; absent and null are the default.
    pub(crate) fn or(self, default: T) -> T {
        self.value().unwrap_or(default)
    }

    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The value, changed.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Null => Given::Null,
            Self::Value(value) => Given::Value(change(value)),
        }
    }

    /// The value; absent keeps `present`, null is `removed`.
    pub(crate) fn or_keep(self, present: T, removed: T) -> T {
        match self {
            Self::Absent => present,
            Self::Null => removed,
            Self::Value(value) => value,
        }
    }
}

/// An object being read.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Members<Value>,
    /// What a path begins with: empty, or the member that holds this object and a dot.
    prefix: String,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a body, which must be one JSON object with no other members than `known`.
    pub(crate) fn of_body(body: &[u8], known: &[&str]) -> Result<Self, Problem> {
        let value: Members<Value> = serde_json::from_slice(body).map_err(|error| {
            let detail = match error.classify() {
                serde_json::error::Category::Data => {
                    "is not a JSON object whose members each come once".to_owned()
                }
                _ => format!(
                    "is not one JSON object: line {}, column {}",
                    error.line(),
                    error.column()
                ),
            };
            Problem::invalid(vec![FieldError::other("", detail)])
        })?;
        Ok(Self::new(value, String::new(), known))
    }

    /// Reads an object within the body, at the path `at`.
    pub(crate) fn of_value(value: &Value, at: &str, known: &[&str]) -> Option<Self> {
        let members = value.as_object()?.clone().into_iter().collect();
        Some(Self::new(Members(members), format!("{at}."), known))
    }

    fn new(members: Members<Value>, prefix: String, known: &[&str]) -> Self {
        let errors = members
            .0
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, _)| {
                let field = format!("{prefix}{}", shown(name).unwrap_or("(a member)"));
                FieldError {
                    detail: format!("is an unknown member; allowed are {}", known.join(", ")),
                    allowed: Some(known.join(", ")),
                    ..FieldError::other(&field, "")
                }
            })
            .collect();
        Self {
            members,
            prefix,
            errors,
        }
    }

    /// Takes a member that `read` understands; null is told apart from a value. A member that it does not understand is
    /// noted, and as good as absent.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Given<T> {
        self.take_or(name, |value, field| {
            read(value).ok_or_else(|| vec![FieldError::wrong(field, found(value, allowed), allowed)])
        })
    }

    /// As [`Fields::take`], for what can go wrong in several ways: `read` gets the value and the member's path.
    pub(crate) fn take_or<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value, &str) -> Result<T, Vec<FieldError>>,
    ) -> Given<T> {
        match self.members.take(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            Some(value) => match read(&value, &format!("{}{name}", self.prefix)) {
                Ok(read) => Given::Value(read),
                Err(mut errors) => {
                    self.errors.append(&mut errors);
                    Given::Absent
                }
            },
        }
    }

    /// Takes a member that must be there.
    pub(crate) fn require<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let before = self.errors.len();
        match self.take(name, allowed, read) {
            Given::Value(value) => Some(value),
            Given::Absent if self.errors.len() > before => None,
            Given::Absent => {
                let field = format!("{}{name}", self.prefix);
                self.errors.push(FieldError::missing(&field, allowed));
                None
            }
            Given::Null => {
                let field = format!("{}{name}", self.prefix);
                self.errors.push(FieldError::wrong(&field, "null", allowed));
                None
            }
        }
    }

    /// Whether a mistake was noted for this member.
    pub(crate) fn is_wrong(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.field == name)
    }

    /// Whether a mistake was noted for this member, or within it.
    pub(crate) fn has_errors_in(&self, name: &str) -> bool {
        let is_within = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.is_wrong(name) || self.errors.iter().any(|error| is_within(&error.field))
    }

    /// How many mistakes were noted.
    pub(crate) fn mistakes(&self) -> usize {
        self.errors.len()
    }

    /// Notes a mistake that was found elsewhere.
    pub(crate) fn note(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Every mistake, for an object within another.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// Ends the reading of a body.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

/// A name for a path; `None` for one that is no identifier, which is not shown, since it may be anything.
pub(crate) fn shown(name: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (!name.is_empty() && name.len() <= 64 && name.bytes().all(plain)).then_some(name)
}

/// A text of at most `most` characters, none of them a control character.
pub(crate) fn text(value: &Value, most: usize) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
