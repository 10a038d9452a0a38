//! The envelope around every callback, and how a receiver tells the callbacks apart.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CallResult, Correction, CorrectionResult, InboundResult, JobInfo};
use crate::kind::Kind;

/// The whole body of a callback, with `T` as its `data.data`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T> {
    /// 200.
    pub code: i64,
    /// The callback.
    pub data: Data<T>,
    /// 成功, for jobs 执行成功.
    pub result_msg: Option<String>,
    /// Null.
    pub error_stack_trace: Option<Value>,
}

/// The callback with its `dataType`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Data<T> {
    /// See [`Kind::data_type`].
    pub data_type: String,
    /// The callback itself.
    pub data: T,
}

impl<T> Envelope<T> {
    fn of(kind: Kind, data: T) -> Self {
        Self {
            code: 200,
            data: Data {
                data_type: kind.data_type().to_owned(),
                data,
            },
            result_msg: Some(kind.result_msg().to_owned()),
            error_stack_trace: None,
        }
    }
}

impl Envelope<CallResult> {
    /// The body of a call result.
    #[must_use]
    pub fn call(data: CallResult) -> Self {
        Self::of(Kind::Call, data)
    }
}

impl Envelope<InboundResult> {
    /// The body of an inbound call result.
    #[must_use]
    pub fn inbound(data: InboundResult) -> Self {
        Self::of(Kind::Inbound, data)
    }
}

impl Envelope<JobInfo> {
    /// The body of a job status.
    #[must_use]
    pub fn job(data: JobInfo) -> Self {
        Self::of(Kind::Job, data)
    }
}

impl Envelope<CorrectionResult> {
    /// The body of an intent correction: the new level (`result_value`) of a call.
    #[must_use]
    pub fn correction(company_id: i64, call_instance_id: i64, result_value: &str) -> Self {
        let entry = Correction {
            company_id: Some(company_id),
            scene_instance_id: Some(call_instance_id),
            result_name: Some(crate::intake::INTENT_LEVEL.to_owned()),
            result_value: Some(result_value.to_owned()),
        };
        Self::of(
            Kind::Correction,
            CorrectionResult {
                task_result: vec![entry],
            },
        )
    }
}

/// A callback as a receiver reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Callback {
    /// A call result.
    Call(Box<CallResult>),
    /// An intent correction.
    Correction(CorrectionResult),
    /// An inbound call result.
    Inbound(Box<InboundResult>),
    /// A job status.
    Job(Box<JobInfo>),
}

/// Why a body cannot be read as a callback.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCallback {
    /// It is no JSON, or a field has another type.
    #[error("the body cannot be read as a callback")]
    Json(#[source] serde_json::Error),
    /// Its `dataType` is none that is known here.
    #[error("data.dataType: is none of the known callbacks")]
    UnknownDataType,
}

impl Callback {
    /// Reads the body of a callback. A call result is told from a correction by its `sceneInstance`.
    ///
    /// # Errors
    /// When the body is no JSON, a field has another type, or the `dataType` is unknown.
    pub fn read(body: &[u8]) -> Result<Self, InvalidCallback> {
        let envelope: Envelope<Value> = serde_json::from_slice(body).map_err(InvalidCallback::Json)?;
        let Data { data_type, data } = envelope.data;
        let kind = Kind::of_callback(&data_type, data.get("sceneInstance").is_some())
            .ok_or(InvalidCallback::UnknownDataType)?;
        match kind {
            Kind::Call => serde_json::from_value(data).map(Self::Call),
            Kind::Correction => serde_json::from_value(data).map(Self::Correction),
            Kind::Inbound => serde_json::from_value(data).map(Self::Inbound),
            Kind::Job => serde_json::from_value(data).map(Self::Job),
        }
        .map_err(InvalidCallback::Json)
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Call(_) => Kind::Call,
            Self::Correction(_) => Kind::Correction,
            Self::Inbound(_) => Kind::Inbound,
            Self::Job(_) => Kind::Job,
        }
    }
}
