//! What is logged, changed while the service runs: for a while, or until the next start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_contract::duration;
use ringback_core::audit::Action;
use ringback_core::store::Write;
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::Note;
use super::body::{self, json};
use super::caller::Caller;
use super::fields::Fields;
use super::problem::{Problem, ProblemSchema};
use super::state::ApiState;
use super::time::Time;
use crate::clock;
use crate::tasks;
use crate::telemetry::logs;

/// The longest time for which the log can be changed, in milliseconds.
const FOR_MS_MOST: u64 = 24 * 60 * 60 * 1000;

/// What is logged now, and what the configuration says.
#[derive(Debug)]
pub(crate) struct LogLevel {
    configured: String,
    now: Mutex<Now>,
}

#[derive(Clone, Debug)]
struct Now {
    log: String,
    /// When it ends, by the wall clock.
    until_wall_ms: Option<i64>,
    /// Counts the changes: the end of an earlier one is not that of a later one.
    change: u64,
}

impl LogLevel {
    pub(crate) const fn new(configured: String) -> Self {
        let now = Now {
            log: String::new(),
            until_wall_ms: None,
            change: 0,
        };
        Self {
            configured,
            now: Mutex::new(now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it; the number of the change.
    fn change(&self, log: String, until_wall_ms: Option<i64>) -> u64 {
        let mut now = self.lock();
        logs::change(&log);
        *now = Now {
            log,
            until_wall_ms,
            change: now.change + 1,
        };
        now.change
    }

    /// Goes back to the configuration, unless there was another change since.
    fn end(&self, change: u64) {
        let mut now = self.lock();
        if now.change == change {
            logs::change(&self.configured);
            now.log.clear();
            now.until_wall_ms = None;
        }
    }

    fn view(&self) -> LogLevelView {
        let now = self.lock();
        let log = if now.log.is_empty() {
            &self.configured
        } else {
            &now.log
        };
        LogLevelView {
            log: log.clone(),
            until: now.until_wall_ms.map(Time),
            configured: self.configured.clone(),
        }
    }
}

/// A change of what is logged.
#[derive(ToSchema)]
#[schema(as = LogLevelSettings, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what put_log_level reads")]
pub(crate) struct LogLevelInput {
    /// off, error, warn, info, debug, trace, or a list such as info,ringback_server=debug.
    #[schema(example = "info,ringback_server=debug")]
    log: String,
    /// For how long, 1s to 24h; without it until the next change or start.
    #[schema(example = "10m")]
    r#for: Option<String>,
}

/// What is logged.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogLevel)]
pub(crate) struct LogLevelView {
    /// What is logged now.
    #[schema(example = "info,ringback_server=debug")]
    log: String,
    /// When it goes back to what is configured; null for not by itself.
    until: Option<Time>,
    /// What the configuration says.
    #[schema(example = "info")]
    configured: String,
}

/// What is logged.
#[utoipa::path(
    get,
    path = "/v1/log-level",
    tag = "operations",
    operation_id = "getLogLevel",
    responses((status = 200, description = "What is logged", body = LogLevelView))
)]
pub(crate) async fn get_log_level(State(api): State<Arc<ApiState>>) -> Response {
    json(StatusCode::OK, &api.log.view())
}

/// Change what is logged, at once, for a while or until the next start.
///
/// It is in the audit log. While the store cannot be written it is changed all the same, and the log alone tells of it.
#[utoipa::path(
    put,
    path = "/v1/log-level",
    tag = "operations",
    operation_id = "putLogLevel",
    request_body(content = LogLevelInput),
    responses(
        (status = 200, description = "Changed", body = LogLevelView),
        (status = 422, description = "A member is wrong; nothing was changed", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_log_level(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::configuration(&api, request).await?;
    let mut fields = Fields::of_body(&bytes, &["log", "for"])?;
    let allowed = "off, error, warn, info, debug, trace, or a list such as info,ringback_server=debug";
    let log = fields.require("log", allowed, |value| {
        value
            .as_str()
            .filter(|text| logs::is_filter(text))
            .map(str::to_owned)
    });
    let for_ms = fields.take("for", "a duration from 1s to 24h, such as 10m", |value| {
        let ms = duration::parse(value.as_str()?).ok()?;
        (1_000..=FOR_MS_MOST).contains(&ms).then_some(ms)
    });
    fields.finish()?;
    let (log, for_ms) = (log.unwrap_or_default(), for_ms.value());
    let until = for_ms.map(|ms| api.clock.wall_ms().saturating_add_unsigned(ms));
    tracing::warn!(log, for_ms, "what is logged was changed");
    let before = api.log.view();
    let change = api.log.change(log, until);
    if let Some(ms) = for_ms {
        let (level, clock) = (Arc::clone(&api.log), Arc::clone(&api.clock));
        tasks::spawn_detached(async move {
            let end = clock::after(clock.boot_us(), Duration::from_millis(ms));
            clock.sleep_until(end).await;
            level.end(change);
        });
    }
    let after = api.log.view();
    audit(&api, &caller, &before, &after).await;
    Ok(json(StatusCode::OK, &after))
}

/// Tells of a change in the audit log. Whoever looks for what is wrong with the store needs more in the log just then, so that
/// a change never waits for its entry.
async fn audit(api: &ApiState, caller: &Caller, before: &LogLevelView, after: &LogLevelView) {
    let told = |view: &LogLevelView| Some(serde_json::json!({"log": view.log, "until": view.until}));
    let entry = Note::new(Action::LogLevelPut, String::new())
        .change((told(before), told(after)))
        .by(caller, api);
    if let Err(problem) = api.service.write(Write::ChangedOutside.audited(entry)).await {
        tracing::error!(%problem, "a change of what is logged is not in the audit log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_earlier_change_is_not_that_of_a_later_one() {
        let level = LogLevel::new("info".to_owned());
        assert_eq!(level.view().log, "info");
        let first = level.change("debug".to_owned(), Some(7));
        let second = level.change("warn".to_owned(), None);
        level.end(first);
        assert_eq!(level.view().log, "warn");
        level.end(second);
        let view = level.view();
        assert_eq!((view.log.as_str(), view.until), ("info", None));
    }
}
