//! The kinds of callback: their names, their codes in storage, and the `dataType` each carries on the wire.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownName;

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
    /// Every kind, in the order of the contract's table; a kind's place here is its [`Kind::code`].
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

    /// The kind of this [`Kind::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// A small number for storage. Codes are never reused or changed.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Call => 0,
            Self::Correction => 1,
            Self::Inbound => 2,
            Self::Job => 3,
        }
    }

    /// The kind of this [`Kind::code`].
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
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

    /// The kind of a callback as a receiver sees it. Call results and corrections share a `dataType`; only a
    /// call result has a `sceneInstance` in its `data.data`.
    #[must_use]
    pub fn of_callback(data_type: &str, has_scene_instance: bool) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.data_type() == data_type && (*kind != Self::Call || has_scene_instance))
    }

    /// The envelope's `resultMsg`: 执行成功 for jobs, else 成功 (contract, section 3).
    #[must_use]
    pub const fn result_msg(self) -> &'static str {
        match self {
            Self::Call | Self::Correction | Self::Inbound => "成功",
            Self::Job => "执行成功",
        }
    }

    /// Whether callbacks of this kind carry `sign` and `dateTime`: call and inbound results only.
    #[must_use]
    pub const fn is_stamped(self) -> bool {
        match self {
            Self::Call | Self::Inbound => true,
            Self::Correction | Self::Job => false,
        }
    }

    /// The Chinese name, in the seed's words.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Call => "通话记录回调",
            Self::Correction => "手动修改客户意向等级回调",
            Self::Inbound => "呼入通话记录回调",
            Self::Job => "任务状态回调",
        }
    }

    /// The English name.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Call => "call result",
            Self::Correction => "intent correction",
            Self::Inbound => "inbound call result",
            Self::Job => "job status",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::from_name(name).ok_or(UnknownName {
            what: "kind of callback",
            allowed: "call, correction, inbound, job",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_lead_back() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
            assert_eq!(usize::from(kind.code()), place);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert_eq!(Kind::from_code(4), None);
        assert_eq!(
            "jobs".parse::<Kind>().unwrap_err().to_string(),
            "is no kind of callback; allowed are call, correction, inbound, job"
        );
    }

    #[test]
    fn a_receiver_tells_corrections_by_the_missing_scene_instance() {
        for (data_type, has_scene_instance, kind) in [
            ("CALL_INSTANCE_RESULT", true, Some(Kind::Call)),
            ("CALL_INSTANCE_RESULT", false, Some(Kind::Correction)),
            ("INBOUND_CALL_INSTANCE_RESULT", true, Some(Kind::Inbound)),
            ("JOB_INFO_RESULT", false, Some(Kind::Job)),
            ("call_instance_result", true, None),
            ("", false, None),
        ] {
            assert_eq!(
                Kind::of_callback(data_type, has_scene_instance),
                kind,
                "{data_type}"
            );
        }
    }
}
