//! What a check does to a receiver, before it is done: sends with what is expected of each.

use bytes::Bytes;
use ringback_core::id::EventId;

use super::words::Said;

/// One step of a check.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A send whose answer is awaited before the next step.
    One(Send),
    /// Sends under way at the same time.
    Together(Vec<Send>),
    /// As many callbacks as the settings say, as fast as the receiver takes them.
    Burst,
}

/// One send.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    /// What it is, for the report.
    pub(crate) what: Said,
    pub(crate) event: EventId,
    pub(crate) body: Bytes,
    /// The `ringback-send`.
    pub(crate) number: u32,
    pub(crate) way: Way,
    pub(crate) signing: Signing,
    /// How far `webhook-timestamp` is from now, in seconds.
    pub(crate) skew_s: i64,
    pub(crate) expect: Expect,
    pub(crate) processing: Processing,
}

/// How a request goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As the service sends.
    Plain,
    /// The body in small pieces with pauses between.
    Slowly,
    /// The connection is closed when the answer begins: its sender never learns what it was.
    AnswerLost,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    /// With the secret.
    Right,
    /// With a secret that the receiver cannot know.
    WrongSecret,
    /// With the secret, but over another body.
    OtherBody,
    /// Not at all: the header is missing.
    Missing,
    /// With a new secret and with the one that the receiver knows, as while a secret is rotated.
    Rotated,
    /// With a version that the receiver cannot know, and then rightly.
    OtherVersionFirst,
}

/// What must become of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It is acknowledged.
    Acknowledged,
    /// It is not.
    NotAcknowledged,
    /// Nothing is expected of this one.
    Anything,
}

/// What must have become of the event, by the receiver's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processing {
    /// It is there once.
    Once,
    /// It is there once or not at all: it was overtaken.
    AtMostOnce,
    /// It is not there: nobody sent it who may.
    Never,
}

impl Send {
    pub(crate) fn number(self, number: u32) -> Self {
        Self { number, ..self }
    }

    pub(crate) fn way(self, way: Way) -> Self {
        Self { way, ..self }
    }

    pub(crate) fn signing(self, signing: Signing) -> Self {
        Self { signing, ..self }
    }

    pub(crate) fn skew_s(self, skew_s: i64) -> Self {
        Self { skew_s, ..self }
    }

    pub(crate) fn called(self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            what: Said::new(en, zh),
            ..self
        }
    }

    /// It is forged, and must not be acknowledged or processed.
    pub(crate) fn forged(self) -> Self {
        Self {
            expect: Expect::NotAcknowledged,
            processing: Processing::Never,
            ..self
        }
    }

    /// It may be dropped, since something newer is known; it must be acknowledged all the same.
    pub(crate) fn overtaken(self) -> Self {
        Self {
            processing: Processing::AtMostOnce,
            ..self
        }
    }

    /// Its answer is of no interest.
    pub(crate) fn unanswered(self) -> Self {
        Self {
            expect: Expect::Anything,
            ..self
        }
    }
}
