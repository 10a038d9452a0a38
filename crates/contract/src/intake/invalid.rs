//! Why an input is refused: the field, the kind of value found there, and what is allowed. Never the value
//! itself, which may be a phone number or a name.

use std::fmt;

/// An input that is refused. Its text is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The path of the field inside `data.data`, such as `sceneInstance.companyId` or
    /// `taskResult[0].resultName`; outer members of the envelope begin with `data.`. Empty for the whole body.
    pub field: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a field, or with the whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The body is not UTF-8.
    NotUtf8 {
        /// How many bytes before are.
        valid_up_to: usize,
    },
    /// The body is not JSON, or more than one value.
    NotJson {
        /// The line, counted from 1.
        line: usize,
        /// The column in bytes, counted from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// More than 64 arrays and objects within each other.
    TooDeep,
    /// The member comes twice.
    Duplicate,
    /// The member stands beside another name for the same field.
    DuplicateAlias {
        /// The name on the wire.
        real: &'static str,
    },
    /// A string or a name with half a surrogate pair, which is no Unicode text.
    LoneSurrogate,
    /// A required member is absent.
    Missing {
        /// What must be there.
        allowed: &'static str,
    },
    /// A value of another kind than allowed.
    WrongType {
        /// The kind of the value.
        found: Found,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The envelope is one of another kind of callback.
    WrongDataType {
        /// The `dataType` that fits.
        allowed: &'static str,
    },
    /// A correction's `taskResult` has none or several entries.
    EntryCount {
        /// How many there are.
        found: usize,
    },
    /// A correction's entry is about something else than the intent level.
    WrongResultName,
    /// A correction's `sceneInstanceId` is another call's than the path says.
    OtherCall,
}

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

impl Problem {
    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // The parser's own text ends with the place, which is told apart here.
        let reason = text
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&text);
        Self::NotJson {
            line,
            column,
            reason: reason.to_owned(),
        }
    }
}

impl Invalid {
    /// Of the whole body.
    pub(crate) const fn body(problem: Problem) -> Self {
        Self {
            field: String::new(),
            problem,
        }
    }

    /// Of the value being read; the callers put the path before it.
    pub(crate) const fn here(problem: Problem) -> Self {
        Self::body(problem)
    }

    /// Puts a member before the path.
    pub(crate) fn under(mut self, name: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("{}{dot}{}", shown_name(name), self.field);
        self
    }

    /// Puts an entry of an array before the path.
    pub(crate) fn at(mut self, index: usize) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("[{index}]{dot}{}", self.field);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { valid_up_to } => {
                write!(
                    f,
                    "is not UTF-8 after its first {valid_up_to} bytes; allowed is JSON in UTF-8"
                )
            }
            Self::NotJson { line, column, reason } => {
                write!(f, "is not one JSON value: line {line}, column {column}: {reason}")
            }
            Self::TooDeep => f.write_str("has too many arrays and objects within each other; allowed are 64"),
            Self::Duplicate => f.write_str("comes twice in its object; allowed is once"),
            Self::DuplicateAlias { real } => {
                write!(
                    f,
                    "stands beside {real}, which is the same field; allowed is one of them"
                )
            }
            Self::LoneSurrogate => {
                f.write_str("has a string with half a surrogate pair; allowed is Unicode text")
            }
            Self::Missing { allowed } => write!(f, "is missing; there must be {allowed}"),
            Self::WrongType { found, allowed } => write!(f, "is {found}; allowed is {allowed}"),
            Self::WrongDataType { allowed } => {
                write!(f, "is that of another callback; allowed here is {allowed}")
            }
            Self::EntryCount { found } => write!(f, "has {found} entries; allowed is exactly one"),
            Self::WrongResultName => f.write_str("is another result's; allowed is 客户意向等级"),
            Self::OtherCall => f.write_str("is another call's; allowed is the callInstanceId of the path"),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "the body {}", self.problem)
        } else {
            write!(f, "{}: {}", self.field, self.problem)
        }
    }
}

impl std::error::Error for Invalid {}

/// A member name for a path. Names that are no identifiers are not shown: in an object of free members, such as
/// `propertiesMap`, they may be data.
fn shown_name(name: &str) -> &str {
    let identifier = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if identifier { name } else { "(a member)" }
}
