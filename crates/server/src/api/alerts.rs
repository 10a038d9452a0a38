//! Alerts: what is wrong now and was lately, and the channels on which it is told.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use ringback_core::alert::Alert;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::json;
use super::caller::Caller;
use super::language;
use super::paths::ChannelPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::query::Query;
use super::state::ApiState;
use crate::alerts::{AlertView, NoTest, Sent, Words};

/// Alerts, the open ones first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertList {
    /// The open ones, the newest first; then those that have ended, the last to end first.
    items: Vec<AlertView>,
    /// Always null: what is left out is older.
    next_cursor: Option<String>,
}

/// A channel of the operator. Its addresses and secrets are not shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertChannel {
    /// Its name.
    #[schema(example = "ops")]
    name: String,
    /// `webhook`, `dingtalk`, `feishu`, `wecom`, `slack` or `email`.
    #[schema(example = "dingtalk")]
    kind: &'static str,
    /// The language of its messages: `zh` or `en`.
    language: &'static str,
    /// The mildest alerts that it gets: `warning` or `critical`.
    severity: &'static str,
    /// The companies whose alerts it gets; null for everything.
    companies: Option<Vec<i64>>,
}

/// All channels.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertChannelList {
    /// In the order of the configuration.
    items: Vec<AlertChannel>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertTest {
    /// Whether the channel took the message.
    delivered: bool,
    /// Why it did not.
    detail: Option<String>,
    /// The status of the answer; null for mail, and where there was no answer.
    #[schema(example = 200)]
    status: Option<u16>,
    /// The beginning of the answer's body, up to 4 KiB; bytes that are no UTF-8 are replaced.
    #[schema(example = "{\"errcode\":0,\"errmsg\":\"ok\"}")]
    body_start: String,
}

/// The answer to a test.
pub(super) fn tested(
    result: Result<Sent, NoTest>,
    no_channel: impl FnOnce() -> Problem,
) -> Result<Response, Problem> {
    match result {
        Ok(sent) => {
            let test = AlertTest {
                delivered: sent.problem.is_none(),
                detail: sent.problem,
                status: sent.status,
                body_start: String::from_utf8_lossy(&sent.body_start).into_owned(),
            };
            Ok(json(StatusCode::OK, &test))
        }
        Err(NoTest::NoChannel) => Err(no_channel()),
        Err(NoTest::UnderWay) => Err(Problem {
            retry_after_s: Some(1),
            ..Problem::new(
                Type::TestUnderWay,
                "a channel sends one message at a time: repeat the request when it is over",
            )
        }),
    }
}

/// Open alerts, and those that have ended lately.
///
/// A token for one company sees the alerts of that company; without a company, those of the whole service are among them.
/// Texts are in Chinese or English, by `Accept-Language`.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    operation_id = "listAlerts",
    params(
        ("companyId" = Option<i64>, Query, description = "Only alerts of this company"),
        ("open" = Option<bool>, Query, description = "Only those that are open (true), or that have ended (false)"),
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 500; 50 without it"),
    ),
    responses(
        (status = 200, description = "Alerts", body = AlertList),
        (status = "4XX", description = "See the problem", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_alerts(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["companyId", "open", "limit"]);
    let company_id = query.integer("companyId");
    let open: Option<bool> = query.take("open", "true or false", |text| text.parse().ok());
    let limit = query.limit();
    query.finish()?;
    let company_id = caller.within(company_id)?;
    let words = Words {
        language: language::of(&headers),
        zone: api.alerts.zone().clone(),
    };
    let fits = |alert: &&Alert| company_id.is_none_or(|company_id| alert.company_id == Some(company_id));
    let board = api.service.board();
    let mut items: Vec<&Alert> = board
        .open()
        .filter(|_| open != Some(false))
        .filter(fits)
        .collect();
    items.sort_by_key(|alert| std::cmp::Reverse(alert.id));
    items.extend(board.ended().filter(|_| open != Some(true)).filter(fits));
    let list = AlertList {
        items: items
            .into_iter()
            .take(limit)
            .map(|alert| AlertView::of(alert, &words))
            .collect(),
        next_cursor: None,
    };
    Ok(json(StatusCode::OK, &list))
}

/// The operator's channels for alerts.
///
/// They are set in the configuration file, under `alerts`; those that companies set themselves are with each company.
#[utoipa::path(
    get,
    path = "/v1/alert-channels",
    tag = "alerts",
    operation_id = "listAlertChannels",
    responses((status = 200, description = "All channels", body = AlertChannelList))
)]
pub(crate) async fn list_alert_channels(State(api): State<Arc<ApiState>>) -> Response {
    let list = AlertChannelList {
        items: api
            .alerts
            .channels()
            .map(|channel| AlertChannel {
                name: channel.name.clone(),
                kind: channel.destination.kind(),
                language: channel.language.tag(),
                severity: channel.least.name(),
                companies: channel
                    .companies
                    .as_ref()
                    .map(|companies| companies.iter().copied().collect()),
            })
            .collect(),
        next_cursor: None,
    };
    json(StatusCode::OK, &list)
}

/// Send a sample alert on a channel of the operator, now, and say what came back.
#[utoipa::path(
    post,
    path = "/v1/alert-channels/{name}/test",
    tag = "alerts",
    operation_id = "testAlertChannel",
    params(("name" = String, Path, description = "The channel's name", example = "ops")),
    responses(
        (status = 200, description = "What became of it: `delivered` says whether the channel took it", body = AlertTest),
        (status = 404, description = "There is no such channel", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 429, description = "Another message is on its way on this channel", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn test_alert_channel(
    State(api): State<Arc<ApiState>>,
    ChannelPath(name): ChannelPath,
) -> Result<Response, Problem> {
    tested(api.alerts.test(None, &name).await, || {
        Problem::new(
            Type::NoAlertChannel,
            "no channel of the configuration has this name",
        )
    })
}
