//! The callbacks as types, for receivers written in Rust and for whoever builds callbacks.
//!
//! Written out, the fields come in the order of the seed's samples, nulls included. Reading is lenient: every
//! field of a call or a job may be absent or null, the other names and types of the contract's section 3 are
//! taken, and what is unknown is kept in `unknown` (written last, by name). Ids have 64 bits. Where every byte
//! counts, as in ringback's own sending, [`crate::intake`] is used instead.

mod call;
mod envelope;
mod inbound;
mod job;
mod lenient;
mod results;

pub use call::{CallResult, SceneInstance};
pub use envelope::{Callback, Data, Envelope, InvalidCallback};
pub use inbound::{InboundInstance, InboundResult};
pub use job::JobInfo;
pub use results::{Correction, CorrectionResult, PhoneLog, PhoneLogEntry, ResultLabel, TaskResult};

/// What `secondaryCallTime` says when there is no second call (contract, section 3).
pub const NO_SECONDARY_CALL_TIME: &str = "1970-01-01 09:00:00";

/// The members that a type does not know.
pub type Unknown = serde_json::Map<String, serde_json::Value>;

#[cfg(test)]
mod tests;
