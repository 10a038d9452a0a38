//! The hold of a job's final status, reckoned anew: when it goes, the job has been quiet, or the limit has come.

use ringback_contract::kind::Kind;
use ringback_core::delivery::State;
use ringback_core::endpoint::Order;
use ringback_core::engine::Send;
use ringback_core::hold::is_final;
use ringback_core::id::DeliveryId;
use ringback_core::store::Reader;
use ringback_core::time::Millis;

use crate::world::World;
use crate::{Broken, broken};

impl World<'_> {
    /// The first send of a final status at an endpoint that holds.
    pub(crate) fn check_hold(&self, send: &Send, reader: &mut dyn Reader) -> Result<(), Broken> {
        let settings = &send.endpoint.settings;
        if settings.order != Order::KeyHold || send.n != 1 || !self.ledger.holds(send.endpoint.id) {
            return Ok(());
        }
        let record = reader
            .delivery(send.delivery)
            .map_err(|error| Broken::of(&error))?;
        let (Some(job), Some(record)) = (self.ledger.events.get(&send.event_id), record) else {
            return Ok(());
        };
        let (Some(head_from), Some(went)) = (self.ledger.head_from(send.delivery), record.delivery.due)
        else {
            return Ok(());
        };
        let limit = head_from.plus(settings.hold_limit_ms);
        let endpoint = &self.ledger.endpoints[&send.endpoint.id];
        // *Retry now* lets what is held go.
        if !is_final(job.kind, job.job_status) || went >= limit || endpoint.retried.contains(&went) {
            return Ok(());
        }
        for (id, call) in &self.ledger.events {
            let of_job = call.company_id == job.company_id && call.call_job_id == Some(job.key.id);
            if call.kind != Kind::Call || !of_job || call.accepted >= went {
                continue;
            }
            if went < call.accepted.plus(settings.hold_quiet_ms) {
                return broken(format!(
                    "{} went {} ms after {id} of its job",
                    send.delivery,
                    went.since(call.accepted)
                ));
            }
            // What was made before the endpoint is not looked at.
            for delivery in call.deliveries.iter().filter(|id| id.time() >= endpoint.made) {
                if self.was_pending(*delivery, went, reader)? {
                    return broken(format!(
                        "{} went while {delivery} of its job was open",
                        send.delivery
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a delivery was pending just before this moment, as far as can be said: not where it may have been parked.
    fn was_pending(&self, id: DeliveryId, at: Millis, reader: &mut dyn Reader) -> Result<bool, Broken> {
        let record = reader.delivery(id).map_err(|error| Broken::of(&error))?;
        let Some(delivery) = record.map(|record| record.delivery) else {
            return Ok(false);
        };
        let steady = delivery
            .endpoint
            .is_some_and(|endpoint| self.ledger.is_steady(endpoint));
        Ok(steady
            && id.time() < at
            && match delivery.state {
                State::Pending => true,
                State::Parked => false,
                State::Delivered | State::Exhausted | State::Cancelled => {
                    delivery.settled_at.is_some_and(|settled| settled > at)
                }
            })
    }
}
