//! A replay: what a filter finds is sent once more, at a bounded rate, durably (delivery rules, *Repair*).
//!
//! A replay is a row of the store and goes on in steps ([`crate::store::Write::StepReplay`]): each looks at some events or
//! deliveries behind its cursor, sends once more what fits, and moves the cursor, in one transaction. So a crash neither
//! loses nor repeats anything. It looks only at what was there when it was made: what has a smaller id than it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::company::Kinds;
use crate::delivery::{Outcome, State};
use crate::id::ReplayId;
use crate::store::Filter;
use crate::time::Millis;

/// What is sent once more. Every condition that is set must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayFilter {
    /// The company.
    pub company_id: i64,
    /// The kinds.
    pub kinds: Kinds,
    /// The states of deliveries; never pending, which are on their way.
    pub states: Vec<State>,
    /// Also events that nobody wanted: those without deliveries.
    pub unwanted: bool,
    /// The name of a delivery's endpoint.
    pub endpoint: Option<String>,
    /// A delivery's last outcome.
    pub outcome: Option<Outcome>,
    /// callInstanceId or inboundInstanceId, with its corrections.
    pub call_instance_id: Option<i64>,
    /// callJobId: of a job, or of the job that a call belongs to.
    pub call_job_id: Option<i64>,
    /// Accepted at this moment or later.
    pub from: Option<Millis>,
    /// Accepted before this moment.
    pub to: Option<Millis>,
}

impl ReplayFilter {
    /// The conditions on events, but for the kinds.
    #[must_use]
    pub fn of_events(&self) -> Filter {
        Filter {
            company_id: Some(self.company_id),
            call_instance_id: self.call_instance_id,
            call_job_id: self.call_job_id,
            from: self.from,
            to: self.to,
            ..Filter::default()
        }
    }

    /// The conditions on deliveries, but for the states.
    #[must_use]
    pub fn of_deliveries(&self) -> Filter {
        Filter {
            endpoint: self.endpoint.clone(),
            outcome: self.outcome,
            ..Filter::default()
        }
    }
}

/// What a replay is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaySpec {
    /// What is sent once more.
    pub filter: ReplayFilter,
    /// Deliveries that go out per second, at most.
    pub per_second: u32,
    /// Send corrections and job events although a newer one of their key was delivered.
    pub include_outdated: bool,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum ReplayState {
    /// It goes on by itself.
    Running = 0,
    /// It goes on when it is resumed.
    Paused = 1,
    /// It has looked at everything.
    Done = 2,
    /// Somebody ended it.
    Cancelled = 3,
}

impl ReplayState {
    /// Every state, by code.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Done, Self::Cancelled];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether it never changes any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Running | Self::Paused => false,
            Self::Done | Self::Cancelled => true,
        }
    }
}

/// What a replay has met so far, or a dry run would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayCounts {
    /// Events or deliveries looked at.
    pub looked_at: u64,
    /// Deliveries that meet the filter, and unwanted events that do.
    pub matched: u64,
    /// Deliveries that go out because of it: new ones, and parked ones that became pending.
    pub made: u64,
    /// Skipped: a newer correction of the call, or a newer event of the job, was delivered to the endpoint.
    pub skipped_outdated: u64,
    /// Skipped: a later delivery of the event to the endpoint exists.
    pub skipped_resent: u64,
    /// Failed: the endpoint is disabled.
    pub failed_disabled: u64,
    /// Failed: no endpoint of the company wants the event, or the company is not configured.
    pub failed_none_fits: u64,
    /// Failed: the event was sent again too often already. Replays of older versions have no such number.
    #[serde(default)]
    pub failed_resent_too_often: u64,
}

/// A replay as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its id; everything that it looks at has a smaller one.
    pub id: ReplayId,
    /// What it is asked to do.
    pub spec: Arc<ReplaySpec>,
    /// How it stands.
    pub state: ReplayState,
    /// What it has met so far.
    pub counts: ReplayCounts,
    /// The id of the last event or delivery that it looked at.
    pub cursor: i64,
    /// Engine time at which it ended.
    pub ended_at: Option<Millis>,
}

/// What a replay would meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DryRun {
    /// What was met.
    pub counts: ReplayCounts,
    /// Whether it stopped early because it had looked at [`crate::limits::DRY_RUN_ROWS`] rows, or for
    /// [`crate::limits::READ_SOFT_MS`].
    pub partial: bool,
}

/// What is done to a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayChange {
    /// It stops until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It ends for good. What it sent goes on.
    Cancel,
}
