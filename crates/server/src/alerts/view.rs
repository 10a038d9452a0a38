//! An alert in JSON: in the API, and in the messages of the channel *webhook*.

use ringback_core::alert::{Alert, Detail};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::text::Words;
use crate::api::Time;

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub(crate) struct AlertView {
    /// Its number; later ones are larger.
    id: i64,
    /// What is wrong: `endpoint-failing`, `breaker-open`, `deliveries-exhausted`, `parked-growing`, `intake-refused`,
    /// `disk-nearly-full`, `store-failed`, `sends-stopped` or `certificate-ending`.
    #[schema(example = "endpoint-failing")]
    condition: &'static str,
    /// `warning` or `critical`.
    #[schema(example = "warning")]
    severity: &'static str,
    /// The company that it is about; null for the whole service.
    company_id: Option<i64>,
    /// The name of the endpoint that it is about.
    endpoint: Option<String>,
    /// When it began.
    since: Time,
    /// When it ended; null while it is open.
    ended_at: Option<Time>,
    /// How it ended: `recovered`, `nothing-pending`, `removed` or `quiet`.
    ending: Option<&'static str>,
    /// How much happened since it began, where it counts something: exhausted deliveries, parked or refused events.
    count: u64,
    /// Its figures when it was looked at last; which there are depends on the condition.
    #[schema(value_type = Object)]
    detail: Value,
    /// How often it was told.
    notices: u32,
    /// When it was told last.
    last_notice_at: Option<Time>,
    /// What happened, in one sentence.
    text: String,
    /// What to do about it; null once it has ended.
    what_to_do: Option<String>,
}

impl AlertView {
    pub(crate) fn of(alert: &Alert, words: &Words) -> Self {
        Self {
            id: alert.id,
            condition: alert.condition.name(),
            severity: alert.severity.name(),
            company_id: alert.company_id,
            endpoint: alert.endpoint.as_ref().map(|endpoint| endpoint.name.clone()),
            since: Time(alert.since.0),
            ended_at: alert.ended.map(|(at, _)| Time(at.0)),
            ending: alert.ended.map(|(_, ending)| ending.name()),
            count: alert.count,
            detail: detail(&alert.detail),
            notices: alert.notices,
            last_notice_at: alert.noticed.map(|at| Time(at.0)),
            text: words.what(alert, None),
            what_to_do: alert.ended.is_none().then(|| words.what_to_do(alert)),
        }
    }
}

fn detail(detail: &Detail) -> Value {
    let mut members = Map::new();
    let mut member = |name: &str, value: Value| {
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    };
    match detail {
        Detail::Failing {
            percent,
            oldest_ms,
            max_age_ms,
            unacknowledged_ms,
        } => {
            member("percentOfMaxAge", (*percent).into());
            member("oldestMs", (*oldest_ms).into());
            member("maxAgeMs", (*max_age_ms).into());
            member("unacknowledgedMs", (*unacknowledged_ms).into());
        }
        Detail::Plain => {}
        Detail::Refused { unavailable, invalid } => {
            member("unavailable", (*unavailable).into());
            member("invalid", (*invalid).into());
        }
        Detail::Disk { free_bytes, stopped } => {
            member("freeBytes", (*free_bytes).into());
            member("intakeStopped", (*stopped).into());
        }
        Detail::Store { fault } => member("fault", fault.as_str().into()),
        Detail::Stopped { queued } => member("queued", (*queued).into()),
        Detail::Certificate(certificate) => {
            member("setting", certificate.used_as.setting().into());
            member("endsAt", json!(Time(certificate.ends.0)));
        }
    }
    Value::Object(members)
}
