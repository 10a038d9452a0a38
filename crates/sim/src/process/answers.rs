//! What the process does with the answers to its writes.

use std::sync::Arc;

use ringback_core::engine::Input;
use ringback_core::id::EndpointId;
use ringback_core::replay::{Replay, ReplayState};
use ringback_core::store::{Swept, Write, Written};
use ringback_core::time::Millis;

use super::{Caller, Ticket};
use crate::Broken;
use crate::world::World;

impl World<'_> {
    /// Tells the engine, and whoever waits, what a write did.
    pub(super) fn answer(&mut self, ticket: &Ticket, written: Written) -> Result<(), Broken> {
        if let Caller::Robot(request) = ticket.caller {
            self.intakes[request].answer(&written)?;
        }
        match (&ticket.write, written) {
            (_, Written::Accepted(accepted)) => {
                self.hold_begins(accepted.hold_check);
                self.tell(Input::Work(accepted.work));
            }
            (_, Written::Resent(resent)) => {
                self.hold_begins(resent.hold_check);
                self.tell(Input::Work(resent.work));
            }
            (_, Written::HoldsChecked { released, next }) => {
                self.tell(Input::HoldsChecked { released, next });
            }
            (_, Written::Replay(replay)) => self.replay_runs(&replay),
            (
                _,
                Written::ReplayStepped {
                    replay,
                    made,
                    due,
                    hold_check,
                },
            ) => {
                self.hold_begins(hold_check);
                let id = replay.id;
                self.tell(Input::ReplayStepped {
                    replay: id,
                    made,
                    due,
                });
                self.replay_runs(&replay);
            }
            (Write::Record(report), Written::Recorded(recorded)) => {
                self.tell(Input::Recorded(report.endpoint, Box::new(recorded)));
            }
            (_, Written::Endpoint { endpoint, swept, .. } | Written::EndpointDeleted { endpoint, swept }) => {
                self.ledger.told_endpoint(&endpoint);
                self.tell(Input::Endpoint(Arc::clone(&endpoint)));
                self.on_swept(endpoint.id, &swept);
            }
            (Write::Sweep { endpoint, .. }, Written::Swept(swept)) => self.on_swept(*endpoint, &swept),
            (Write::RetryNow { endpoint, cutoff, .. }, Written::RetriedNow { next, .. }) => {
                self.tell(Input::RetryNow(*endpoint));
                if next.is_some() {
                    self.write(Write::RetryNow {
                        endpoint: *endpoint,
                        cutoff: *cutoff,
                        after: next,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn hold_begins(&mut self, check: Option<Millis>) {
        if let Some(check) = check {
            self.tell(Input::Holds(check));
        }
    }

    pub(super) fn replay_runs(&mut self, replay: &Replay) {
        let runs = replay.state == ReplayState::Running;
        let rate = runs.then_some(replay.spec.per_second);
        self.tell(Input::Replay(replay.id, rate));
    }

    fn on_swept(&mut self, endpoint: EndpointId, swept: &Swept) {
        self.hold_begins(swept.hold_check);
        if swept.changed > 0 {
            self.tell(Input::Reload(endpoint));
        }
        if swept.next.is_some() {
            self.write(Write::Sweep {
                endpoint,
                after: swept.next,
            });
        }
    }
}
