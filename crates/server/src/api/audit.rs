//! The audit log: what handlers tell it, and reading it.

mod redacted;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::{Action, Entry, Filter, Record};
use ringback_core::id::AuditId;
use ringback_core::store::{Page, PageRequest};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

pub(super) use redacted::{Change, alert_channel, company, correction, delivery, endpoint, token};

use super::body::json;
use super::caller::Caller;
use super::cursor::{self, List};
use super::names::ActionName;
use super::problem::{Problem, ProblemSchema};
use super::query::Query;
use super::state::ApiState;
use super::time::Time;

/// What is done, on its way to an entry.
#[derive(Debug)]
pub(super) struct Note {
    action: Action,
    object: String,
    company_id: Option<i64>,
    change: Change,
}

impl Note {
    pub(super) const fn new(action: Action, object: String) -> Self {
        Self {
            action,
            object,
            company_id: None,
            change: (None, None),
        }
    }

    pub(super) fn of_company(self, company_id: i64) -> Self {
        Self {
            company_id: Some(company_id),
            ..self
        }
    }

    /// How it was before, and how it is after.
    pub(super) fn change(self, change: Change) -> Self {
        Self { change, ..self }
    }

    /// The entry, done by this caller now.
    pub(super) fn by(self, caller: &Caller, api: &ApiState) -> Entry {
        let text = |value: Option<Value>| value.map(|value| Entry::capped(value.to_string()));
        Entry {
            actor: caller.actor(),
            peer: caller.peer(),
            wall_ms: api.clock.wall_ms(),
            action: self.action,
            company_id: self.company_id,
            object: self.object,
            before: text(self.change.0),
            after: text(self.change.1),
        }
    }
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditActor)]
pub(crate) struct ActorView {
    /// The token's id; `operator-token` for the operator's token of the configuration, `service` for the service itself.
    #[schema(example = "tok_6e2f9c1d8a3b4c5d")]
    id: String,
    /// The token's name at that time.
    #[schema(example = "crm")]
    name: String,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub(crate) struct EntryView {
    /// Its id.
    #[schema(value_type = String, example = "aud_1mzj8k2v00400")]
    audit_id: AuditId,
    /// When it was done, by the wall clock.
    at: Time,
    /// Who did it.
    actor: ActorView,
    /// The address at the other end of the connection: that of a proxy, where there is one; null for the service itself.
    #[schema(example = "203.0.113.20")]
    peer: Option<String>,
    /// What was done.
    #[schema(value_type = ActionName)]
    action: &'static str,
    /// The company that it concerns; null for what concerns all.
    #[schema(example = 151)]
    company_id: Option<i64>,
    /// What it was done to: an endpoint's name, a company's or a call's number, the id of a token, a delivery or a replay.
    #[schema(example = "erp")]
    object: String,
    /// How it was before; null where there was nothing, or where it is not known. Of a secret it says only whether it is set.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// How it is since; null where nothing is left. Of a secret it says only whether it is set or changed.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

impl EntryView {
    fn of(record: Record) -> Self {
        let entry = record.entry;
        // What is stored was JSON when it was written, and the store checks it.
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            audit_id: record.id,
            at: Time(entry.wall_ms),
            actor: ActorView {
                id: entry.actor.id,
                name: entry.actor.name,
            },
            peer: entry.peer,
            action: entry.action.name(),
            company_id: entry.company_id,
            object: entry.object,
            before: raw(entry.before),
            after: raw(entry.after),
        }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditList {
    /// The newest first.
    items: Vec<EntryView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// True where the page is short because one request may look at no more: go on with the cursor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

impl AuditList {
    fn of(page: Page<Record>) -> Self {
        Self {
            items: page.items.into_iter().map(EntryView::of).collect(),
            next_cursor: page.next.map(|next| cursor::encode(List::Audit, next)),
            partial: page.partial,
        }
    }
}

/// Characters of an actor's id.
const ACTOR_CHARACTERS: usize = 100;

/// The audit log, newest first.
///
/// Every change of companies, endpoints, channels for alerts, secrets and tokens, every resend, retry-now, replay and intent correction: who, from
/// where, when, what, and what it was before and after; and every change of what is logged. A token for one company sees what concerns that one.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    operation_id = "listAudit",
    params(
        ("companyId" = Option<i64>, Query, description = "The company", example = 151),
        ("action" = inline(Option<ActionName>), Query, description = "What was done"),
        ("actor" = Option<String>, Query, description = "Who did it: the id of a token, `operator-token` or `service`", example = "operator-token"),
        ("from" = Option<String>, Query, description = "Done at this time or later, RFC 3339", example = "2026-01-12T00:00:00Z"),
        ("to" = Option<String>, Query, description = "Done before this time, RFC 3339"),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 500", example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of the audit log", body = AuditList),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_audit(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    const PARAMS: [&str; 7] = ["companyId", "action", "actor", "from", "to", "limit", "cursor"];
    let mut query = Query::read(request.uri(), &PARAMS);
    let actions = Action::ALL.map(Action::name).join(", ");
    let company_id = query.integer("companyId");
    let (from, to) = query.span(["from", "to"]);
    let filter = Filter {
        company_id: None,
        action: query.take("action", &actions, Action::from_name),
        actor: query.take("actor", "a text of 1 to 100 characters", |text| {
            (1..=ACTOR_CHARACTERS)
                .contains(&text.chars().count())
                .then(|| text.to_owned())
        }),
        from,
        to,
    };
    let page = PageRequest {
        limit: query.limit(),
        before: query.cursor(List::Audit),
    };
    query.finish()?;
    let filter = Filter {
        company_id: caller.within(company_id)?,
        ..filter
    };
    let page = api
        .service
        .read(move |reader| reader.audit(&filter, &page))
        .await?;
    Ok(json(StatusCode::OK, &AuditList::of(page)))
}
