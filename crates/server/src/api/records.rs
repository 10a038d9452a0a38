//! Events, deliveries and attempts as the API shows them.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Attempt, Delivery, Outcome, State};
use ringback_core::endpoint::Profile;
use ringback_core::event::Event;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::store::{DeliveryRecord, DeliverySummary, EventRecord, EventSummary};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::hint::{HintView, Hints};
use super::intake::AcceptedDelivery;
use super::names::{KindName, OutcomeName, ProfileName, StateName};
use super::sentence::{Speaker, Subject};
use super::time::Time;
use super::waiting::{Present, Reason, Waiting};

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventHead)]
pub(crate) struct EventHead {
    /// The event: the `webhook-id` of every send of it.
    #[schema(value_type = String, example = "evt_1mzj8k2v00400")]
    event_id: EventId,
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// The kind.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// Of a call result or an intent correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    call_instance_id: Option<i64>,
    /// Of an inbound call result.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_instance_id: Option<i64>,
    /// The job, or the job of the call; null where the call names none.
    call_job_id: Option<i64>,
    /// The new status of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_status: Option<i64>,
    /// When it was taken in.
    accepted_at: Time,
    /// The length of its body in bytes.
    body_bytes: usize,
}

impl EventHead {
    pub(crate) fn of(event: &Event) -> Self {
        let of_kind = |kinds: &[Kind]| kinds.contains(&event.kind).then_some(event.entity_id);
        Self {
            event_id: event.id,
            company_id: event.company_id,
            kind: event.kind,
            call_instance_id: of_kind(&[Kind::Call, Kind::Correction]),
            inbound_instance_id: of_kind(&[Kind::Inbound]),
            call_job_id: event.call_job_id,
            job_status: event.job_status,
            accepted_at: Time(event.accepted_wall_ms),
            body_bytes: event.body_bytes,
        }
    }
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventSummary)]
pub(crate) struct EventItem {
    #[serde(flatten)]
    event: EventHead,
    /// Its deliveries; none where it was unwanted.
    deliveries: Vec<AcceptedDelivery>,
}

impl EventItem {
    pub(crate) fn of(summary: EventSummary) -> Self {
        Self {
            event: EventHead::of(&summary.event),
            deliveries: summary.deliveries.into_iter().map(AcceptedDelivery::of).collect(),
        }
    }
}

/// An event with its body and all that happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventView {
    #[serde(flatten)]
    event: EventHead,
    /// Why nobody gets it, where it has no deliveries; else null, and each delivery has a sentence of its own.
    sentence: Option<String>,
    /// Its deliveries; none where it was unwanted.
    deliveries: Vec<DeliveryView>,
    /// The stored body, as it is sent to endpoints with profile v1.
    #[schema(value_type = Object)]
    body: Box<RawValue>,
    /// The body as it is sent to endpoints with profile v2; absent where no delivery has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body_v2: Option<Box<RawValue>>,
}

impl EventView {
    /// `None` where the stored body is no JSON. `is_on` says whether the company has this kind of callback switched on.
    pub(crate) fn of(
        record: &EventRecord,
        speaker: Speaker<'_>,
        hints: &Hints,
        is_on: Option<bool>,
    ) -> Option<Self> {
        let (kind, deliveries) = (record.event.kind, record.deliveries.iter());
        let is_unwanted = record.deliveries.is_empty();
        let mut profiles = record.deliveries.iter().map(|delivery| delivery.delivery.profile);
        let body_v2 = match profiles.find(|profile| profile.profile() == Profile::V2) {
            Some(profile) => Some(json_of(&profile.render(&record.body).ok()?)?),
            None => None,
        };
        Some(Self {
            event: EventHead::of(&record.event),
            sentence: is_unwanted.then(|| speaker.unwanted(Subject::of(kind), is_on)),
            deliveries: deliveries
                .map(|delivery| DeliveryView::of(delivery, kind, speaker, hints))
                .collect(),
            body: json_of(&record.body)?,
            body_v2,
        })
    }
}

fn json_of(body: &[u8]) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(body.to_vec()).ok()?).ok()
}

/// A delivery: one event to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryHead)]
pub(crate) struct DeliveryHead {
    /// The delivery.
    #[schema(value_type = String, example = "dlv_1mzj8k2v00g00")]
    delivery_id: DeliveryId,
    /// The endpoint's name; null where no endpoint takes the event.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// The shape of its body, fixed when it was made or got its endpoint.
    #[schema(value_type = ProfileName)]
    profile: Profile,
    /// Its state.
    #[schema(value_type = StateName)]
    state: State,
    /// Sends whose outcome is known.
    #[schema(example = 1)]
    sends: u32,
    /// When it is sent next, at the earliest; null where it is not pending, is held, or waits for another.
    next_send_at: Option<Time>,
    /// What it waits for, where it is pending and something keeps it from being sent now.
    waiting: Option<Waiting>,
    /// What became of the last send.
    #[schema(value_type = Option<OutcomeName>)]
    last_outcome: Option<Outcome>,
    /// When it came into a state that never changes.
    settled_at: Option<Time>,
    /// The delivery that it repeats.
    #[schema(value_type = Option<String>)]
    resend_of: Option<DeliveryId>,
}

impl DeliveryHead {
    fn of(delivery: &Delivery, endpoint: Option<&String>, reason: Option<Reason>, present: &Present) -> Self {
        let is_pending = delivery.state == State::Pending;
        let due = delivery.due.filter(|_| is_pending);
        Self {
            delivery_id: delivery.id,
            endpoint: endpoint.cloned(),
            profile: delivery.profile.profile(),
            state: delivery.state,
            sends: delivery.sends,
            next_send_at: due.map(|due| Time(due.0)),
            waiting: reason.map(|reason| Waiting::of(reason, present)),
            last_outcome: delivery.last_outcome,
            settled_at: delivery.settled_at.map(|at| Time(at.0)),
            resend_of: delivery.resend_of,
        }
    }
}

/// A delivery of an event, with its sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventDelivery)]
pub(crate) struct DeliveryView {
    #[serde(flatten)]
    delivery: DeliveryHead,
    /// What happened, what it waits for, and what happens next and when, in one sentence.
    #[schema(example = "erp has the call: it arrived at 2026-01-12 16:10:12 +08:00, with send 1.")]
    sentence: String,
    /// Its finished sends, in their order.
    attempts: Vec<AttemptView>,
}

impl DeliveryView {
    pub(crate) fn of(record: &DeliveryRecord, kind: Kind, speaker: Speaker<'_>, hints: &Hints) -> Self {
        let present = speaker.present;
        let reason = present.reason(&record.delivery, record.waits_for, record.held_by);
        let endpoint = record.endpoint_name.as_ref();
        Self {
            delivery: DeliveryHead::of(&record.delivery, endpoint, reason, present),
            sentence: speaker.delivery(kind, record),
            attempts: record
                .attempts
                .iter()
                .map(|attempt| AttemptView::of(attempt, hints.attempt(record.delivery.endpoint, attempt)))
                .collect(),
        }
    }
}

/// A delivery with its event and its sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct FullDelivery {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The event that it delivers.
    event: EventHead,
}

impl FullDelivery {
    pub(crate) fn of(record: &DeliveryRecord, event: &Event, speaker: Speaker<'_>, hints: &Hints) -> Self {
        Self {
            delivery: DeliveryView::of(record, event.kind, speaker, hints),
            event: EventHead::of(event),
        }
    }
}

/// A delivery in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliverySummary)]
pub(crate) struct DeliveryItem {
    #[serde(flatten)]
    delivery: DeliveryHead,
    /// The event that it delivers.
    event: EventHead,
}

impl DeliveryItem {
    pub(crate) fn of(summary: &DeliverySummary, present: &Present) -> Self {
        let reason = present.reason(&summary.delivery, None, None);
        let endpoint = summary.endpoint_name.as_ref();
        Self {
            delivery: DeliveryHead::of(&summary.delivery, endpoint, reason, present),
            event: EventHead::of(&summary.event),
        }
    }
}

/// A finished send.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    /// Which send of the delivery it was, from 1.
    #[schema(example = 1)]
    n: u32,
    /// When it began.
    started_at: Time,
    /// How long the exchange took.
    #[schema(example = 38)]
    duration_ms: u32,
    /// What became of it.
    #[schema(value_type = OutcomeName)]
    outcome: Outcome,
    /// The HTTP status, where there was an answer.
    #[schema(example = 200)]
    status: Option<u16>,
    /// The address that was connected to.
    #[schema(example = "203.0.113.7:443")]
    address: Option<String>,
    /// Why it failed, in one line.
    detail: Option<String>,
    /// The beginning of the answer's body, up to 4 KiB; bytes that are no UTF-8 are replaced.
    #[schema(example = "success")]
    body_start: String,
    /// What to do, after a failure, by the endpoint's settings as they are now.
    hint: Option<HintView>,
}

impl AttemptView {
    fn of(attempt: &Attempt, hint: Option<HintView>) -> Self {
        Self {
            n: attempt.n,
            started_at: Time(attempt.started_wall_ms),
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            status: attempt.status,
            address: attempt.address.clone(),
            detail: attempt.detail.clone(),
            body_start: String::from_utf8_lossy(&attempt.body_start).into_owned(),
            hint,
        }
    }
}
