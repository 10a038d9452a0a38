//! What keeps a due delivery from being sent at this moment: for the API, which asks when somebody looks.

use super::Engine;
use super::gate::Check;
use crate::id::{DeliveryId, EndpointId};
use crate::limits;
use crate::time::Millis;

/// Why a delivery that is due is not sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBack {
    /// The endpoint's breaker is open; the next probe goes out at this moment or later. Every delivery may be the probe.
    Breaker(Millis),
    /// The endpoint's rate limit lets the next send out at this moment.
    RateLimit(Millis),
    /// The endpoint has as many sends in flight as it may, or as it may while it recovers.
    InFlight,
    /// The endpoint has its share of the sends in flight, or all together have as many unrecorded as they may.
    Load,
}

impl Engine {
    /// Until when the breaker of this endpoint is open, at least; `None` while it is closed.
    #[must_use]
    pub fn breaker_open_until(&self, endpoint: EndpointId) -> Option<Millis> {
        self.lanes.get(&endpoint)?.gate.open_until()
    }

    /// The endpoints whose breaker is open.
    pub fn open_breakers(&self) -> impl Iterator<Item = EndpointId> {
        self.lanes
            .iter()
            .filter(|(_, lane)| lane.is_live() && lane.gate.open_until().is_some())
            .map(|(id, _)| *id)
    }

    /// What keeps a due delivery of this endpoint from being sent at `now`. `None` when it is being sent, when it only
    /// waits for its turn, and when the engine sends nothing to this endpoint.
    #[must_use]
    pub fn held_back(&self, now: Millis, endpoint: EndpointId, delivery: DeliveryId) -> Option<HeldBack> {
        let lane = self.lanes.get(&endpoint).filter(|lane| lane.is_live())?;
        if lane.busy.contains_key(&delivery) {
            return None;
        }
        match lane.gate.check(now, lane.in_flight) {
            Check::Breaker(at) => return Some(HeldBack::Breaker(at)),
            Check::RateLimit(at) => return Some(HeldBack::RateLimit(at)),
            Check::Ramp => return Some(HeldBack::InFlight),
            Check::Open => {}
        }
        if lane.in_flight >= lane.endpoint.settings.max_in_flight {
            return Some(HeldBack::InFlight);
        }
        let loaded = !self.stats.has_slot_for(lane) || self.stats.unrecorded >= limits::UNRECORDED;
        loaded.then_some(HeldBack::Load)
    }
}
