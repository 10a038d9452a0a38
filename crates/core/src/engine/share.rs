//! How lanes share what is bounded for all of them: slots for sends in flight, and memory for bodies.
//!
//! A lane may take one more as long as it holds less than is free. So *k* lanes that hold on to what they have (their
//! receivers hang, say) end with one part each of *k* + 1, and the last part stays free for whoever comes next. Nobody
//! counts lanes, and it takes about as many of them as there are slots until one can starve another.
//!
//! A lane that may not take more stands in a [`Line`]. Those that hold least stand in front; among equals, those that
//! came first.

use std::collections::BTreeSet;

use super::Stats;
use super::lane::Lane;
use crate::id::EndpointId;
use crate::limits;

/// Where a lane stands in a line: what it holds, and its turn among those that hold as much.
pub(super) type Place = (usize, u64);

/// Lanes that wait for a part of something that others hold.
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: BTreeSet<(Place, EndpointId)>,
    turns: u64,
}

impl Line {
    /// Makes a lane wait that holds so much, or takes it out of the line (`None`). Its place is kept with the lane.
    pub(super) fn stand(&mut self, endpoint: EndpointId, place: &mut Option<Place>, holds: Option<usize>) {
        if place.map(|(held, _)| held) == holds {
            return;
        }
        if let Some(place) = place.take() {
            self.waiting.remove(&(place, endpoint));
        }
        if let Some(holds) = holds {
            self.turns += 1;
            let new = (holds, self.turns);
            self.waiting.insert((new, endpoint));
            *place = Some(new);
        }
    }

    /// The lane whose turn it is, if there is any.
    pub(super) fn first(&self) -> Option<EndpointId> {
        self.waiting.first().map(|(_, endpoint)| *endpoint)
    }
}

impl Stats {
    /// Whether this lane's share of the slots allows one more send.
    pub(super) const fn has_slot_for(&self, lane: &Lane) -> bool {
        (lane.in_flight as usize) < limits::IN_FLIGHT.saturating_sub(self.in_flight)
    }

    /// How many more bytes of bodies this lane may take into memory. The last body that it takes may be larger; therefore
    /// large bodies leave the last part of the memory to usual ones, of which very many fit.
    pub(super) fn memory_for(&self, lane: &Lane) -> usize {
        let most = if lane.next_is_large {
            limits::ENGINE_BYTES_LARGE
        } else {
            limits::ENGINE_BYTES_MOST
        };
        let free = limits::ENGINE_BYTES.saturating_sub(self.bytes);
        let free_at_most = most.saturating_sub(self.bytes);
        let share = free.max(limits::LANE_BYTES_LEAST.min(free_at_most));
        share.saturating_sub(lane.bytes())
    }
}
