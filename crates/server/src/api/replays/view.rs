//! Replays as the API shows them.

use ringback_contract::duration;
use ringback_core::company::Kinds;
use ringback_core::delivery::Outcome;
use ringback_core::id::ReplayId;
use ringback_core::replay::{DryRun, Replay, ReplayCounts, ReplayFilter, ReplaySpec, ReplayState};
use ringback_core::store::Page;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::cursor::{self, List};
use super::super::names::{KindName, OutcomeName, ReplayStateName, ReplayedName};
use super::super::time::Time;
use super::input::UNWANTED;

/// A replay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
pub(crate) struct ReplayView {
    /// The replay.
    #[schema(value_type = String, example = "rpl_1mzj8k2v00400")]
    replay_id: ReplayId,
    /// How it stands.
    #[schema(value_type = ReplayStateName)]
    state: ReplayState,
    /// What it sends once more.
    filter: FilterView,
    /// Deliveries that go out per second, at most.
    #[schema(example = 100)]
    per_second: u32,
    /// Whether corrections and job events are sent although a newer one was delivered.
    include_outdated: bool,
    /// When it was made. It looks at nothing that was taken in later.
    created_at: Time,
    /// When it was done or cancelled.
    ended_at: Option<Time>,
    #[serde(flatten)]
    progress: Progress,
}

/// What a replay sends once more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayFilterView)]
pub(crate) struct FilterView {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// The kinds.
    #[schema(value_type = Vec<KindName>)]
    kinds: Kinds,
    /// The states.
    #[schema(value_type = Vec<ReplayedName>)]
    states: Vec<&'static str>,
    /// The name of a delivery's endpoint.
    endpoint: Option<String>,
    /// What became of a delivery's last send.
    #[schema(value_type = Option<OutcomeName>)]
    outcome: Option<Outcome>,
    /// The call.
    call_instance_id: Option<i64>,
    /// The job.
    call_job_id: Option<i64>,
    /// Accepted at this time or later.
    from: Option<Time>,
    /// Accepted before this time.
    to: Option<Time>,
}

/// What a replay has met so far, or would meet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayProgress)]
pub(crate) struct Progress {
    /// Events or deliveries looked at, whether they meet the filter or not.
    #[schema(example = 1200)]
    looked_at: u64,
    /// Deliveries, and unwanted events, that meet the filter.
    #[schema(example = 40)]
    matched: u64,
    /// Deliveries that go out because of it: new ones, and parked ones that became pending.
    #[schema(example = 37)]
    made: u64,
    /// What meets the filter and is left out.
    skipped: Skipped,
    /// What could not be sent.
    failed: Failed,
}

/// What meets the filter and is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplaySkipped)]
pub(crate) struct Skipped {
    /// A newer correction of the call, or event of the job, was delivered to the endpoint.
    #[schema(example = 2)]
    outdated: u64,
    /// The event has a later delivery to the endpoint.
    #[schema(example = 1)]
    resent: u64,
}

/// What could not be sent, by reason.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayFailed)]
pub(crate) struct Failed {
    /// The endpoint is disabled.
    #[schema(example = 0)]
    endpoint_disabled: u64,
    /// No endpoint of the company takes the event.
    #[schema(example = 0)]
    no_endpoint_fits: u64,
    /// Resends and replays have made a hundred deliveries of the event.
    #[schema(example = 0)]
    resent_too_often: u64,
}

impl Progress {
    const fn of(counts: &ReplayCounts) -> Self {
        Self {
            looked_at: counts.looked_at,
            matched: counts.matched,
            made: counts.made,
            skipped: Skipped {
                outdated: counts.skipped_outdated,
                resent: counts.skipped_resent,
            },
            failed: Failed {
                endpoint_disabled: counts.failed_disabled,
                no_endpoint_fits: counts.failed_none_fits,
                resent_too_often: counts.failed_resent_too_often,
            },
        }
    }
}

impl FilterView {
    fn of(filter: &ReplayFilter) -> Self {
        let states = filter.states.iter().map(|state| state.name());
        Self {
            company_id: filter.company_id,
            kinds: filter.kinds,
            states: states.chain(filter.unwanted.then_some(UNWANTED)).collect(),
            endpoint: filter.endpoint.clone(),
            outcome: filter.outcome,
            call_instance_id: filter.call_instance_id,
            call_job_id: filter.call_job_id,
            from: filter.from.map(|at| Time(at.0)),
            to: filter.to.map(|at| Time(at.0)),
        }
    }
}

/// What is asked for, for the audit log.
pub(super) fn asked(spec: &ReplaySpec) -> Value {
    json!({
        "filter": FilterView::of(&spec.filter),
        "perSecond": spec.per_second,
        "includeOutdated": spec.include_outdated,
    })
}

impl ReplayView {
    pub(super) fn of(replay: &Replay) -> Self {
        let spec = &replay.spec;
        Self {
            replay_id: replay.id,
            state: replay.state,
            filter: FilterView::of(&spec.filter),
            per_second: spec.per_second,
            include_outdated: spec.include_outdated,
            created_at: Time(replay.id.time().0),
            ended_at: replay.ended_at.map(|at| Time(at.0)),
            progress: Progress::of(&replay.counts),
        }
    }
}

/// Replays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayList {
    /// The newest first.
    items: Vec<ReplayView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl ReplayList {
    pub(super) fn of(page: &Page<Replay>) -> Self {
        Self {
            items: page.items.iter().map(ReplayView::of).collect(),
            next_cursor: page.next.map(|next| cursor::encode(List::Replays, next)),
        }
    }
}

/// What a replay would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayDryRun)]
pub(crate) struct DryRunView {
    #[serde(flatten)]
    progress: Progress,
    /// Whether it stopped after 10,000 events or deliveries, or half a second: then there is more, and the numbers are the
    /// least.
    partial: bool,
    /// How long sending what was counted would take at the rate asked for.
    #[schema(example = "40s")]
    estimated_time: String,
}

impl DryRunView {
    pub(super) fn of(dry_run: &DryRun, per_second: u32) -> Self {
        let seconds = dry_run.counts.made.div_ceil(u64::from(per_second.max(1)));
        Self {
            progress: Progress::of(&dry_run.counts),
            partial: dry_run.partial,
            estimated_time: duration::format(seconds.saturating_mul(1000)),
        }
    }
}
