//! What a pending delivery waits for, and until when: for another of its key, for the calls of its job, or behind what
//! holds its endpoint back.

use std::collections::HashMap;

use ringback_core::delivery::{Delivery, State};
use ringback_core::engine::HeldBack;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::HeldBy;
use ringback_core::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use super::names::WaitingName;
use super::time::Time;
use crate::service::Service;

/// What is known at one moment of what some deliveries wait for.
#[derive(Debug)]
pub(crate) struct Present {
    /// Engine time, by which deliveries fall due.
    pub(crate) now: Millis,
    /// What holds back those that are due.
    pub(crate) held_back: HashMap<DeliveryId, HeldBack>,
    /// `holdQuiet` of the endpoints of those that are held.
    pub(crate) quiet_ms: HashMap<EndpointId, u64>,
}

/// Why a pending delivery is not sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// An earlier delivery of its key is open: this one, where it was looked up.
    Order(Option<DeliveryId>),
    /// It is held, and let go at `until` at the latest.
    Hold {
        until: Millis,
        /// Open deliveries of calls of its job, where they were looked up.
        open_calls: Option<usize>,
        /// When the job will have been quiet for long enough, if it has not been.
        quiet_until: Option<Millis>,
    },
    /// It is due, and its endpoint is held back.
    HeldBack(HeldBack),
}

impl Present {
    /// Asks what is to be known of these deliveries.
    pub(crate) async fn of(service: &Service, deliveries: impl Iterator<Item = &Delivery>) -> Self {
        let now = service.time().now();
        let mut quiet_ms = HashMap::new();
        let mut due = Vec::new();
        for delivery in deliveries.filter(|delivery| delivery.state == State::Pending) {
            let Some(id) = delivery.endpoint else { continue };
            if delivery.due.is_some_and(|due| due <= now) {
                due.push((id, delivery.id));
            }
            if delivery.hold.is_some() {
                let endpoints = service.directory().endpoints(delivery.company_id);
                let endpoint = endpoints.iter().find(|endpoint| endpoint.id == id);
                quiet_ms.extend(endpoint.map(|endpoint| (id, endpoint.settings.hold_quiet_ms)));
            }
        }
        let asked = due.iter().map(|(_, delivery)| *delivery);
        let answers = service.held_back(due.clone()).await;
        Self {
            now,
            held_back: asked
                .zip(answers)
                .filter_map(|(id, held_back)| Some((id, held_back?)))
                .collect(),
            quiet_ms,
        }
    }

    /// What a delivery waits for; nothing, when it is being sent, when its time has not come, and when it is not pending.
    pub(crate) fn reason(
        &self,
        delivery: &Delivery,
        waits_for: Option<DeliveryId>,
        held_by: Option<HeldBy>,
    ) -> Option<Reason> {
        match (delivery.state, delivery.hold, delivery.due) {
            (State::Pending, Some(hold), _) => {
                let quiet_ms = delivery.endpoint.and_then(|id| self.quiet_ms.get(&id));
                let newest = held_by.and_then(|held_by| held_by.newest_call);
                let quiet_until = newest.zip(quiet_ms).map(|(newest, ms)| newest.plus(*ms));
                Some(Reason::Hold {
                    until: hold.until,
                    open_calls: held_by.map(|held_by| held_by.open_calls),
                    quiet_until: quiet_until.filter(|at| *at > self.now),
                })
            }
            (State::Pending, None, None) => Some(Reason::Order(waits_for)),
            (State::Pending, None, Some(_)) => {
                self.held_back.get(&delivery.id).copied().map(Reason::HeldBack)
            }
            (State::Delivered | State::Exhausted | State::Parked | State::Cancelled, _, _) => None,
        }
    }

    /// The moment, unless it is over.
    pub(crate) fn ahead(&self, at: Millis) -> Option<Millis> {
        Some(at).filter(|at| *at > self.now)
    }
}

/// What a pending delivery waits for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Waiting {
    /// Why it is not sent now.
    #[schema(value_type = WaitingName)]
    reason: &'static str,
    /// With reason order: the delivery that it waits for; null in lists, where it is not looked up.
    #[serde(rename = "for")]
    #[schema(value_type = Option<String>, example = "dlv_1mzj8k2v00c00")]
    waits_for: Option<DeliveryId>,
    /// With reason hold: it goes then at the latest. With reason breaker or rate-limit: the next send to the endpoint goes
    /// then at the earliest; null while a try is under way.
    until: Option<Time>,
    /// With reason hold: deliveries of calls of the job that are pending; at most 1000 are counted. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    open_calls: Option<usize>,
    /// With reason hold: until when a call of the job was accepted too short a time ago. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet_until: Option<Time>,
}

impl Waiting {
    pub(crate) fn of(reason: Reason, present: &Present) -> Self {
        let mut waiting = Self {
            reason: "order",
            waits_for: None,
            until: None,
            open_calls: None,
            quiet_until: None,
        };
        match reason {
            Reason::Order(waits_for) => waiting.waits_for = waits_for,
            Reason::Hold {
                until,
                open_calls,
                quiet_until,
            } => {
                waiting.reason = "hold";
                waiting.until = Some(Time(until.0));
                waiting.open_calls = open_calls;
                waiting.quiet_until = quiet_until.map(|at| Time(at.0));
            }
            Reason::HeldBack(held_back) => {
                let (name, until) = match held_back {
                    HeldBack::Breaker(at) => ("breaker", present.ahead(at)),
                    HeldBack::RateLimit(at) => ("rate-limit", present.ahead(at)),
                    HeldBack::InFlight => ("in-flight", None),
                    HeldBack::Load => ("load", None),
                };
                waiting.reason = name;
                waiting.until = until.map(|at| Time(at.0));
            }
        }
        waiting
    }
}
