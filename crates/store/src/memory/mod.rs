//! The store in memory: the model by which the others are judged, and what the simulator runs on. It loses everything
//! when the last handle on it is dropped.

mod look;
mod read;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringback_core::id::EndpointId;
use ringback_core::replay::ReplayState;
use ringback_core::store::{Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;

use self::read::MemoryReader;
use self::state::State;
use crate::look::Look;
use crate::rules;

/// A store in memory. A clone is another handle on the same data, as opening a store again would be.
#[derive(Clone, Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

impl Memory {
    /// An empty store. `phone_key` stands for the random key that a durable store makes for itself.
    #[must_use]
    pub fn new(phone_key: [u8; 32]) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(phone_key))),
        }
    }

    /// A copy that goes its own way, for trying out what a commit would do.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.lock().clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Nothing in here panics while it holds the lock and leaves half a write, so a poisoned lock is as good as another.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Memory {
    fn start(&mut self) -> Result<Start, StoreError> {
        Ok(self.lock().start())
    }

    fn commit(&mut self, now: Millis, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        let mut state = self.lock();
        let Ok(written) = writes
            .iter()
            .map(|write| rules::apply(&mut *state, now, write))
            .collect::<Result<_, <State as Look>::Error>>();
        state.committed = state.committed.max(now);
        Ok(written)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(MemoryReader::new(Arc::clone(&self.state))))
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

impl State {
    fn start(&self) -> Start {
        let endpoints: Vec<_> = self
            .directory
            .all_endpoints()
            .filter(|endpoint| !endpoint.deleted || endpoint.sweeping)
            .cloned()
            .collect();
        let earliest = |id: EndpointId| self.due_from(id, Millis(i64::MIN)).next().map(|(due, _)| due);
        let due = endpoints
            .iter()
            .filter(|endpoint| endpoint.settings.enabled && !endpoint.deleted)
            .filter_map(|endpoint| Some((endpoint.id, earliest(endpoint.id)?)))
            .collect();
        Start {
            newest: self.newest(),
            phone_key: self.phone_key,
            companies: self.directory.companies().cloned().collect(),
            endpoints,
            due,
            hold_check: self.first_hold_check(),
            replays: self
                .replays
                .values()
                .filter(|replay| replay.state == ReplayState::Running)
                .cloned()
                .collect(),
            tokens: self.tokens.values().cloned().collect(),
            alerts: self.alerts.values().cloned().collect(),
        }
    }
}
