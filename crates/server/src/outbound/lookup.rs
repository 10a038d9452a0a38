//! Name lookups, of which a bounded number is under way, and the addresses of the egress proxy, which are remembered.
//!
//! A lookup blocks a thread of the runtime, as every read of the store does, and it cannot be stopped. So each keeps
//! its place until it is over, whether or not anybody still waits for it, and all places together are fewer than the
//! threads: name servers that hang hold up whoever needs a name, and nothing else. A target has two lookups at a time,
//! and all endpoints of a company together, those that were changed or deleted meanwhile included, have less than half of
//! the places: no company takes up all of them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ringback_core::limits;
use tokio::sync::{Semaphore, oneshot, watch};

use super::resolve::Resolve;
use crate::clock::Clock;
use crate::tasks;

// The lookups of all targets and the one of the proxy leave threads to everything else.
const _: () = assert!(limits::LOOKUPS + 1 < limits::BLOCKING_THREADS);
const _: () = assert!(2 * limits::LOOKUPS_PER_COMPANY < limits::LOOKUPS);

/// The lookups of one client.
#[derive(Debug)]
pub(super) struct Lookups {
    resolver: Arc<dyn Resolve>,
    places: Arc<Semaphore>,
    /// The places of each company that has targets, or lookups that are not over.
    companies: Mutex<HashMap<i64, Weak<Semaphore>>>,
}

impl Lookups {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self {
            resolver,
            places: Arc::new(Semaphore::new(limits::LOOKUPS)),
            companies: Mutex::default(),
        }
    }

    /// The lookups of a new target, of a company's endpoint or of none.
    pub(super) fn target(&self, company_id: Option<i64>) -> OfTarget {
        OfTarget {
            turn: Arc::new(Semaphore::new(limits::LOOKUPS_PER_TARGET)),
            of_company: company_id.map(|company_id| self.company(company_id)),
            state: Arc::default(),
        }
    }

    fn company(&self, company_id: i64) -> Arc<Semaphore> {
        let mut companies = lock(&self.companies);
        if let Some(known) = companies.get(&company_id).and_then(Weak::upgrade) {
            return known;
        }
        let places = Arc::new(Semaphore::new(limits::LOOKUPS_PER_COMPANY));
        // Before it grows, those that have gone are removed.
        if companies.len() == companies.capacity() {
            companies.retain(|_, places| places.strong_count() > 0);
        }
        companies.insert(company_id, Arc::downgrade(&places));
        places
    }

    /// The addresses of a target's host, when it is the target's turn and there is a place among those of all. `None`
    /// where the name has none. No answer is older than the question.
    pub(super) async fn of_target(
        &self,
        target: &OfTarget,
        name: &str,
        port: u16,
    ) -> Option<Vec<SocketAddr>> {
        let begun = target.state().begun;
        // The target's own first: who waits behind its lookups must not hold a place of all meanwhile.
        let turn = Arc::clone(&target.turn).acquire_owned().await.ok()?;
        if let Some(addresses) = target.answer_of_lookup_after(begun) {
            return some(addresses);
        }
        let of_company = match &target.of_company {
            Some(places) => Some(Arc::clone(places).acquire_owned().await.ok()?),
            None => None,
        };
        let of_all = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let state = Arc::clone(&target.state);
        let number = {
            let mut state = target.state();
            state.begun += 1;
            state.begun
        };
        let answers = self.resolver.resolve(name, port);
        // A task of its own: a lookup cannot be stopped, and must keep its places until it has ended.
        let (tell, told) = oneshot::channel();
        tasks::spawn_detached(async move {
            let addresses = answers.await.unwrap_or_default();
            lock(&state).answer = Some((number, addresses.clone()));
            drop((turn, of_company, of_all));
            // Nobody listens any more when the time limit has passed.
            let _ = tell.send(addresses);
        });
        some(told.await.ok()?)
    }
}

fn some(addresses: Vec<SocketAddr>) -> Option<Vec<SocketAddr>> {
    (!addresses.is_empty()).then_some(addresses)
}

/// The lookups of one target: two at a time, and the answer of each is that of all who waited when it began. So a target that
/// makes many connections at once does not look up its name for each.
#[derive(Debug)]
pub(super) struct OfTarget {
    turn: Arc<Semaphore>,
    /// The places of its company, where it has one.
    of_company: Option<Arc<Semaphore>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// How many lookups have begun.
    begun: u64,
    /// The number of the last one that ended, and what it found.
    answer: Option<(u64, Vec<SocketAddr>)>,
}

impl OfTarget {
    /// What a lookup found that began after so many others.
    fn answer_of_lookup_after(&self, begun: u64) -> Option<Vec<SocketAddr>> {
        let state = self.state();
        let (number, addresses) = state.answer.as_ref()?;
        (*number > begun).then(|| addresses.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The addresses of a name that every connection needs. They are remembered for a few seconds; then one lookup asks
/// anew, beside those of targets, and while it lasts, or where it fails, the old ones are used for a while yet. So
/// connections wait for a lookup only where there is no address to try.
#[derive(Debug)]
pub(super) struct Remembered {
    name: String,
    port: u16,
    known: Arc<watch::Sender<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    /// When they were asked for, by the boot clock.
    asked_us: i64,
    is_asking: bool,
    /// How many lookups have ended.
    ended: u64,
}

impl Known {
    /// The addresses, if they were asked for no longer ago than this.
    fn within(&self, age_ms: u64, now_us: i64) -> Option<Vec<SocketAddr>> {
        let age_us = u64::try_from(now_us.saturating_sub(self.asked_us)).unwrap_or(0);
        let is_young = !self.addresses.is_empty() && age_us < age_ms.saturating_mul(1_000);
        is_young.then(|| self.addresses.clone())
    }
}

impl Remembered {
    pub(super) fn new(name: String, port: u16) -> Self {
        Self {
            name,
            port,
            known: Arc::new(watch::Sender::new(Known::default())),
        }
    }

    /// The addresses; `None` where there are none to try.
    pub(super) async fn get(&self, lookups: &Lookups, clock: &dyn Clock) -> Option<Vec<SocketAddr>> {
        let now_us = clock.boot_us();
        let mut changes = self.known.subscribe();
        let (mut fresh, mut begins, mut ended) = (None, false, 0);
        self.known.send_if_modified(|known| {
            fresh = known.within(limits::PROXY_ADDRESSES_MS, now_us);
            begins = fresh.is_none() && !known.is_asking;
            known.is_asking |= begins;
            ended = known.ended;
            // Nobody waits for a lookup to begin.
            false
        });
        if fresh.is_some() {
            return fresh;
        }
        if begins {
            self.ask(lookups, now_us);
        }
        let old = |known: &Known| known.within(limits::PROXY_ADDRESSES_KEPT_MS, now_us);
        if let Some(addresses) = old(&self.known.borrow()) {
            return Some(addresses);
        }
        let known = changes.wait_for(|known| known.ended != ended).await.ok()?;
        old(&known)
    }

    /// Begins the lookup, in a task of its own, since it cannot be stopped.
    fn ask(&self, lookups: &Lookups, asked_us: i64) {
        let answers = lookups.resolver.resolve(&self.name, self.port);
        let mut asking = Asking {
            known: Arc::clone(&self.known),
            asked_us,
            addresses: Vec::new(),
        };
        tasks::spawn_detached(async move {
            // All of it is moved here: it ends with the lookup.
            asking.note(answers.await.unwrap_or_default());
        });
    }
}

/// The lookup under way; where it ends, in whatever way, the next may begin.
struct Asking {
    known: Arc<watch::Sender<Known>>,
    asked_us: i64,
    addresses: Vec<SocketAddr>,
}

impl Asking {
    fn note(&mut self, addresses: Vec<SocketAddr>) {
        self.addresses = addresses;
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let addresses = std::mem::take(&mut self.addresses);
        self.known.send_modify(|known| {
            known.is_asking = false;
            known.ended = known.ended.wrapping_add(1);
            if !addresses.is_empty() {
                known.addresses = addresses;
                known.asked_us = self.asked_us;
            }
        });
    }
}
