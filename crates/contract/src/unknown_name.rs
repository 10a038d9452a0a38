//! The error of every lookup by name: what was looked up, and the names that there are.

/// A name that is none of those allowed. It does not repeat what was given, which may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no {what}; allowed are {allowed}")]
pub struct UnknownName {
    /// What was looked up, such as `kind`.
    pub what: &'static str,
    /// The allowed names, separated by commas.
    pub allowed: &'static str,
}
