//! Replays: sending once more, at a bounded rate, everything that a filter finds.

mod input;
mod view;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::Action;
use ringback_core::id::ReplayId;
use ringback_core::replay::{Replay, ReplayChange};
use ringback_core::store::{PageRequest, Write, Written};

pub(crate) use input::ReplayInput;
pub(crate) use view::{DryRunView, ReplayList, ReplayView};

use super::audit;
use super::body::{self, json, no_content};
use super::caller::Caller;
use super::cursor::List;
use super::paths::ReplayPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::query::Query;
use super::state::ApiState;
use super::{check_company, unexpected};

/// Send once more what a filter finds.
///
/// Each delivery gets a new one with the full schedule, at the tail of its call or job; a parked one becomes pending itself.
/// What has no endpoint goes to every endpoint that fits now. With `dryRun` nothing is sent: the answer says what would be.
#[utoipa::path(
    post,
    path = "/v1/replays",
    tag = "replays",
    operation_id = "postReplay",
    request_body(content = ReplayInput, example = json!({"filter": {"companyId": 151, "states": ["exhausted"], "from": "2026-01-12T00:00:00Z"}, "dryRun": true})),
    responses(
        (status = 200, description = "With `dryRun`: what the replay would do", body = DryRunView),
        (status = 201, description = "The replay runs", body = ReplayView),
        (status = 404, description = "The company is not configured", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "16 replays are running or paused", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake, in `errors`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_replay(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::configuration(&api, request).await?;
    let asked = input::read(&bytes)?;
    caller.check_company(asked.spec.filter.company_id)?;
    check_company(&api, asked.spec.filter.company_id)?;
    if asked.dry_run {
        let per_second = asked.spec.per_second;
        let dry_run = api
            .service
            .read(move |reader| reader.dry_run(&asked.spec))
            .await?;
        return Ok(json(StatusCode::OK, &DryRunView::of(&dry_run, per_second)));
    }
    let entry = audit::Note::new(Action::ReplayMake, String::new())
        .of_company(asked.spec.filter.company_id)
        .change((None, Some(view::asked(&asked.spec))))
        .by(&caller, &api);
    let replay = write(&api, Write::MakeReplay(Box::new(asked.spec)).audited(entry)).await?;
    Ok(json(StatusCode::CREATED, &ReplayView::of(&replay)))
}

/// Replays, newest first.
#[utoipa::path(
    get,
    path = "/v1/replays",
    tag = "replays",
    operation_id = "listReplays",
    params(
        ("companyId" = Option<i64>, Query, description = "The company", example = 151),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 500", example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of replays", body = ReplayList),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_replays(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["companyId", "limit", "cursor"]);
    let company_id = query.integer("companyId");
    let page = PageRequest {
        limit: query.limit(),
        before: query.cursor(List::Replays),
    };
    query.finish()?;
    let company_id = caller.within(company_id)?;
    let page = api
        .service
        .read(move |reader| reader.replays(company_id, &page))
        .await?;
    Ok(json(StatusCode::OK, &ReplayList::of(&page)))
}

/// A replay: how far it has come.
#[utoipa::path(
    get,
    path = "/v1/replays/{replayId}",
    tag = "replays",
    operation_id = "getReplay",
    params(("replayId" = String, Path, description = "The replay", example = "rpl_1mzj8k2v00400")),
    responses(
        (status = 200, description = "The replay", body = ReplayView),
        (status = 404, description = "There is no such replay", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_replay(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    ReplayPath(id): ReplayPath,
) -> Result<Response, Problem> {
    let replay = find(&api, &caller, id).await?;
    Ok(json(StatusCode::OK, &ReplayView::of(&replay)))
}

/// Pause a replay.
///
/// What it has sent so far goes on.
#[utoipa::path(
    post,
    path = "/v1/replays/{replayId}/pause",
    tag = "replays",
    operation_id = "pauseReplay",
    params(("replayId" = String, Path, description = "The replay", example = "rpl_1mzj8k2v00400")),
    responses(
        (status = 200, description = "It is paused", body = ReplayView),
        (status = 404, description = "There is no such replay", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn pause_replay(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    ReplayPath(id): ReplayPath,
) -> Result<Response, Problem> {
    change_open(&api, &caller, id, ReplayChange::Pause).await
}

/// Resume a paused replay.
#[utoipa::path(
    post,
    path = "/v1/replays/{replayId}/resume",
    tag = "replays",
    operation_id = "resumeReplay",
    params(("replayId" = String, Path, description = "The replay", example = "rpl_1mzj8k2v00400")),
    responses(
        (status = 200, description = "It runs", body = ReplayView),
        (status = 404, description = "There is no such replay", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resume_replay(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    ReplayPath(id): ReplayPath,
) -> Result<Response, Problem> {
    change_open(&api, &caller, id, ReplayChange::Resume).await
}

/// Cancel a replay.
///
/// What it has sent so far goes on. One that has ended stays as it is.
#[utoipa::path(
    delete,
    path = "/v1/replays/{replayId}",
    tag = "replays",
    operation_id = "deleteReplay",
    params(("replayId" = String, Path, description = "The replay", example = "rpl_1mzj8k2v00400")),
    responses(
        (status = 204, description = "It sends nothing more"),
        (status = 404, description = "There is no such replay", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_replay(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    ReplayPath(id): ReplayPath,
) -> Result<Response, Problem> {
    change(&api, &caller, id, ReplayChange::Cancel).await?;
    Ok(no_content())
}

async fn find(api: &ApiState, caller: &Caller, id: ReplayId) -> Result<Replay, Problem> {
    let replay = api.service.read(move |reader| reader.replay(id)).await?;
    replay
        .filter(|replay| caller.sees(replay.spec.filter.company_id))
        .ok_or_else(|| Problem::new(Type::NoReplay, "no replay has this id"))
}

async fn change(
    api: &ApiState,
    caller: &Caller,
    id: ReplayId,
    change: ReplayChange,
) -> Result<Replay, Problem> {
    let found = find(api, caller, id).await?;
    let action = match change {
        ReplayChange::Pause => Action::ReplayPause,
        ReplayChange::Resume => Action::ReplayResume,
        ReplayChange::Cancel => Action::ReplayCancel,
    };
    let entry = audit::Note::new(action, id.to_string())
        .of_company(found.spec.filter.company_id)
        .by(caller, api);
    write(api, Write::ChangeReplay(id, change).audited(entry)).await
}

async fn change_open(
    api: &ApiState,
    caller: &Caller,
    id: ReplayId,
    asked: ReplayChange,
) -> Result<Response, Problem> {
    let replay = change(api, caller, id, asked).await?;
    if replay.state.has_ended() {
        let detail = format!("it is {}: make another one", replay.state.name());
        return Err(Problem::new(Type::ReplayEnded, detail));
    }
    Ok(json(StatusCode::OK, &ReplayView::of(&replay)))
}

async fn write(api: &ApiState, write: Write) -> Result<Replay, Problem> {
    match api.service.write(write).await? {
        Written::Replay(replay) => Ok(replay),
        other => Err(unexpected(&other)),
    }
}
