//! How a send ended.

use std::fmt;

/// How a send ended. The names are fixed: they are in the API, the log and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A 2xx status, and the answer says by the endpoint's rule that the callback arrived.
    Acknowledged,
    /// A 2xx status, but the answer does not say so.
    NotAcknowledged,
    /// Any other status, redirects among them.
    Refused,
    /// No answer: the name was not found, no connection was made, it broke, or what came was not HTTP.
    Unreachable,
    /// The connection or the exchange took longer than its limit.
    TimedOut,
    /// The address policy does not let ringback connect there.
    Blocked,
}

impl Outcome {
    /// Every outcome, in the order of the published list.
    pub const ALL: [Self; 6] = [
        Self::Acknowledged,
        Self::NotAcknowledged,
        Self::Refused,
        Self::Unreachable,
        Self::TimedOut,
        Self::Blocked,
    ];

    /// The name in the API, the log and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::NotAcknowledged => "not-acknowledged",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
