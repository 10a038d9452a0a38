//! The kinds of callback, and the `dataType` each carries on the wire.

use serde::{Deserialize, Serialize};

/// A kind of callback. Inside ringback a correction is a kind of its own, although it shares its `dataType`
/// with a call result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A finished outbound call.
    Call,
    /// A person changed the customer intent level (客户意向等级) of a call.
    Correction,
    /// A finished inbound call.
    Inbound,
    /// A job changed its status.
    Job,
}

impl Kind {
    /// Every kind, in the order of the contract's table.
    pub const ALL: [Self; 4] = [Self::Call, Self::Correction, Self::Inbound, Self::Job];

    /// The name used in the API, on the command line and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Correction => "correction",
            Self::Inbound => "inbound",
            Self::Job => "job",
        }
    }

    /// The `dataType` on the wire (contract, section 1).
    #[must_use]
    pub const fn data_type(self) -> &'static str {
        match self {
            Self::Call | Self::Correction => "CALL_INSTANCE_RESULT",
            Self::Inbound => "INBOUND_CALL_INSTANCE_RESULT",
            Self::Job => "JOB_INFO_RESULT",
        }
    }
}
