//! What intake answers.

use ringback_core::delivery::State;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::store;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::names::StateName;
use super::super::problem::{Problem, ProblemSchema};

/// An event that was taken in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    /// The event: the `webhook-id` of every send of it.
    #[schema(value_type = String, example = "evt_1mzj8k2v00400")]
    pub(super) event_id: EventId,
    /// Whether it is the answer to an earlier request with the same content.
    pub(super) replayed: bool,
    /// Its deliveries; none where the kind is switched off, or no endpoint wants the job status.
    deliveries: Vec<AcceptedDelivery>,
}

/// A delivery of an event that was taken in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedDelivery {
    /// The delivery.
    #[schema(value_type = String, example = "dlv_1mzj8k2v00g00")]
    delivery_id: DeliveryId,
    /// The endpoint's name; null where no endpoint takes the event: it is parked.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// Its state.
    #[schema(value_type = StateName)]
    state: State,
}

impl AcceptedDelivery {
    pub(crate) fn of(brief: store::Brief) -> Self {
        Self {
            delivery_id: brief.id,
            endpoint: brief.endpoint.map(|(_, name)| name),
            state: brief.state,
        }
    }
}

impl Accepted {
    pub(super) fn of(accepted: store::Accepted) -> Self {
        Self {
            event_id: accepted.event_id,
            replayed: accepted.replayed,
            deliveries: accepted
                .deliveries
                .into_iter()
                .map(AcceptedDelivery::of)
                .collect(),
        }
    }
}

/// The answer to one line of a batch: an event, or a problem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchLine {
    /// The line was taken in, or is a repetition.
    #[schema(title = "AcceptedLine")]
    Accepted {
        /// The line, from 1.
        #[schema(example = 1)]
        line: usize,
        /// The status that the line would have got alone.
        #[schema(example = 202)]
        status: u16,
        /// The event.
        #[serde(flatten)]
        accepted: Accepted,
    },
    /// The line was not taken in.
    #[schema(title = "RefusedLine")]
    Refused {
        /// The line, from 1.
        #[schema(example = 2)]
        line: usize,
        /// The status that the line would have got alone.
        #[schema(example = 422)]
        status: u16,
        /// Why.
        #[schema(value_type = ProblemSchema)]
        problem: Problem,
    },
}

impl BatchLine {
    pub(super) fn of(line: usize, answer: Result<Accepted, Problem>) -> Self {
        match answer {
            Ok(accepted) => Self::Accepted {
                line,
                status: super::status_of(&accepted).as_u16(),
                accepted,
            },
            Err(problem) => Self::Refused {
                line,
                status: problem.kind.status().as_u16(),
                problem,
            },
        }
    }
}
