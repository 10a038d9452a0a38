//! The enumerations of the callbacks, with their Chinese and English names (contract, section 3).
//!
//! Numbers that are not listed here are kept and passed on by ringback; they only have no name. A call's
//! `callType` is a number without names. Whatever is [`Source::Seed`] has the seed's Chinese words.

mod tables;

pub use tables::{
    AI_UNKNOWN, ANSWER_STATUS, ARTIFICIAL_CHANGED, CALL_STATUS, CALLBACKED, FINISH_STATUS, HANG_UP,
    INTENT_LEVEL, JOB_CALL_TYPE, JOB_STATUS, JOB_TYPE, READ_STATUS, SMS_TYPE, SPEAKER, STUDY_STATUS,
    TRANSFER_STATUS,
};

/// A name in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// What stands on the wire for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number; of `aiUnknown` 0 is false and 1 is true.
    Number(i64),
    /// A text.
    Text(&'static str),
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The seed.
    Seed,
    /// A later revision of the vendor's document, still in the shape of the seed.
    Later,
    /// The vendor's second version only.
    V2,
}

/// One entry of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What stands on the wire.
    pub value: Value,
    /// What it means.
    pub name: Name,
    /// Where it comes from.
    pub source: Source,
}

/// A field that holds values of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The object that has the field: `sceneInstance`, `taskResult`, `phoneLogs`, `job`.
    pub object: &'static str,
    /// The name of the field.
    pub name: &'static str,
}

/// One enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// A name for scripts and links, such as `finish-status`.
    pub id: &'static str,
    /// What it is about.
    pub title: Name,
    /// The fields that hold it.
    pub fields: &'static [Field],
    /// Its entries, in the order of the wire's values.
    pub entries: &'static [Entry],
}

impl Enumeration {
    /// The name of a number; `None` for one that is not listed.
    #[must_use]
    pub fn by_number(&self, number: i64) -> Option<Name> {
        self.entries
            .iter()
            .find(|entry| entry.value == Value::Number(number))
            .map(|entry| entry.name)
    }

    /// The name of a text; `None` for one that is not listed.
    #[must_use]
    pub fn by_text(&self, text: &str) -> Option<Name> {
        self.entries
            .iter()
            .find(|entry| matches!(entry.value, Value::Text(listed) if listed == text))
            .map(|entry| entry.name)
    }
}

/// Every enumeration, calls before jobs, in the order of the seed.
pub const ALL: [&Enumeration; 16] = [
    &CALL_STATUS,
    &FINISH_STATUS,
    &READ_STATUS,
    &HANG_UP,
    &CALLBACKED,
    &TRANSFER_STATUS,
    &ARTIFICIAL_CHANGED,
    &INTENT_LEVEL,
    &SPEAKER,
    &AI_UNKNOWN,
    &ANSWER_STATUS,
    &STUDY_STATUS,
    &JOB_TYPE,
    &JOB_STATUS,
    &JOB_CALL_TYPE,
    &SMS_TYPE,
];

/// The job statuses that are called back unless an endpoint says otherwise: completed, paused by hand, paused
/// automatically, and both arrears (contract, section 1).
pub const JOB_STATUSES_CALLED_BACK: [i64; 5] = [2, 4, 5, 9, 10];

/// The enumeration that a field holds, such as `sceneInstance` `finishStatus`.
#[must_use]
pub fn of_field(object: &str, name: &str) -> Option<&'static Enumeration> {
    ALL.into_iter().find(|it| {
        it.fields
            .iter()
            .any(|field| field.object == object && field.name == name)
    })
}

#[cfg(test)]
mod tests;
