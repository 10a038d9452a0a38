//! Lateness and isolation: an endpoint whose receiver is well gets what is due soon after it is due, however ill the
//! other receivers are.
//!
//! An endpoint counts as well while its receiver answers quickly, the process runs, the disk works, and nobody changes
//! the endpoint; it has no rate limit, which would delay it on purpose. What is due then is sent within a stated bound
//! after the later of its due time and [`RECOVERY_MS`] after the last disturbance.

use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::{DueQuery, Reader, Store};
use ringback_core::time::Millis;

use crate::ledger::Present;
use crate::receivers::Mood;
use crate::time::{BootUs, MS};
use crate::world::World;
use crate::{Broken, broken};

/// After a disturbance: sends that hang end (15 s), an open breaker probes (60 s) and ramps up.
const RECOVERY_MS: u64 = 120_000;
/// How late a send may be at an endpoint that is well. Failed reads are repeated after a second; a commit or a read takes
/// up to a second in a run…
const LATE_MS: u64 = 10_000;
/// …and events that come all at once go out one by one, where the endpoint has one send in flight.
const LATE_PER_EVENT_MS: u64 = 30;
/// While engine time slews towards a wall clock that was set forward, a sleep ends late by one part in a thousand; a sleep
/// is a day at most.
const LATE_BY_SLEWING_MS: u64 = 86_400;
/// Overdue deliveries of an endpoint that are looked at.
const ROWS: usize = 64;

impl World<'_> {
    /// Something disturbs everybody. What is overdue until now has no excuse.
    pub(crate) fn disturb(&mut self) -> Result<(), Broken> {
        self.check_overdue()?;
        self.disturbed_us = self.clocks.boot_us;
        Ok(())
    }

    /// A send that begins now is not late.
    pub(crate) fn check_late(
        &self,
        present: Present,
        endpoint: EndpointId,
        delivery: DeliveryId,
        reader: &mut dyn Reader,
    ) -> Result<(), Broken> {
        let record = reader.delivery(delivery).map_err(|error| Broken::of(&error))?;
        let due = record.and_then(|record| record.delivery.due);
        due.map_or(Ok(()), |due| self.check_due(present, endpoint, delivery, due))
    }

    /// Nothing that waits is late.
    pub(crate) fn check_overdue(&mut self) -> Result<(), Broken> {
        let Some(present) = self.present() else {
            return Ok(());
        };
        let mut reader = self.model.reader().map_err(|error| Broken::of(&error))?;
        for id in self.ledger.endpoints.keys() {
            if self.well_ms(present, *id).is_none() {
                continue;
            }
            let query = DueQuery {
                endpoint: *id,
                after: (Millis(i64::MIN), DeliveryId(i64::MIN)),
                until: present.now,
                rows: ROWS,
                bytes: usize::MAX,
            };
            let page = reader.due(&query).map_err(|error| Broken::of(&error))?;
            for work in page.work {
                if !self.ledger.is_under_way(work.id) {
                    self.check_due(present, *id, work.id, work.due)?;
                }
            }
        }
        Ok(())
    }

    fn check_due(
        &self,
        present: Present,
        endpoint: EndpointId,
        delivery: DeliveryId,
        due: Millis,
    ) -> Result<(), Broken> {
        let Some(well_ms) = self.well_ms(present, endpoint) else {
            return Ok(());
        };
        let late_ms = present.now.since(self.ledger.ready(delivery, due)).min(well_ms);
        let most_ms = LATE_MS + LATE_PER_EVENT_MS * self.options.events as u64;
        let slewed_ms = if self.clocks.was_set {
            LATE_BY_SLEWING_MS
        } else {
            0
        };
        if late_ms > most_ms + slewed_ms {
            return broken(format!(
                "{delivery} is {late_ms} ms late, though its endpoint has been well for {well_ms} ms"
            ));
        }
        Ok(())
    }

    /// How long the endpoint has been well, without the time to recover; `None` when it is not.
    fn well_ms(&self, present: Present, id: EndpointId) -> Option<u64> {
        let facts = self.ledger.endpoints.get(&id)?;
        let settings = &facts.endpoint.settings;
        let receiver = self.receivers.get(&settings.url)?;
        let quick = receiver.mood == Mood::Quick && !receiver.hopeless;
        let sends = settings.enabled && !facts.endpoint.deleted && settings.rate_limit.is_none();
        if !quick || !sends || self.disk_ails {
            return None;
        }
        let disturbed: [BootUs; 3] = [receiver.since_us, self.disturbed_us, facts.changed_us];
        let since = disturbed.into_iter().max()?;
        let well_ms = u64::try_from((present.boot_us - since) / MS).ok()?;
        well_ms.checked_sub(RECOVERY_MS)
    }
}
