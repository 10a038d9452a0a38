//! The callbacks as types, for receivers written in Rust and for whoever builds callbacks.
//!
//! Written out, the fields come in the order of the seed's samples, nulls included. Reading is lenient: every
//! field may be absent or null, the other names and types of the contract's section 3 are taken, and what is
//! unknown is kept in `unknown` (written last, by name). Ids have 64 bits. Where every byte counts, as in
//! ringback's own sending, [`crate::intake`] is used instead.

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

/// The members that a type does not know.
pub type Unknown = serde_json::Map<String, serde_json::Value>;

#[cfg(test)]
mod tests;
