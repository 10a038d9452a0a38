//! What must hold when everything has come to rest.

use std::collections::BTreeMap;

use ringback_core::delivery::{Outcome, State};
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::{DeliveryRecord, OpenCount, Reader};

use crate::ledger::DeliveryFacts;
use crate::world::World;
use crate::{Broken, broken};

impl World<'_> {
    /// Nothing was lost, nothing is left, and the store's log agrees with what was sent and received.
    pub(crate) fn check_end(&mut self) -> Result<(), Broken> {
        let Some(store) = &self.store else {
            return broken("the store is not open".to_owned());
        };
        let mut reader = store.reader().map_err(|error| Broken::of(&error))?;
        self.check_intakes(reader.as_mut())?;
        let mut open: BTreeMap<EndpointId, OpenCount> = BTreeMap::new();
        for (id, facts) in &self.ledger.deliveries {
            let record = reader.delivery(*id).map_err(|error| Broken::of(&error))?;
            if self.ledger.pruned.contains(&facts.event) {
                if record.is_some() {
                    return broken(format!("{id} is there, but its event was pruned"));
                }
                continue;
            }
            let Some(record) = record else {
                return broken(format!("{id} is not in the store"));
            };
            self.check_delivery(facts, &record)?;
            self.report.count(record.delivery.state);
            if let Some(endpoint) = record.delivery.endpoint
                && record.delivery.state == State::Parked
            {
                open.entry(endpoint).or_default().parked += 1;
            }
        }
        for id in self.ledger.endpoints.keys() {
            let counted = reader
                .open(*id, usize::MAX >> 1)
                .map_err(|error| Broken::of(&error))?;
            if counted != open.get(id).copied().unwrap_or_default() {
                return broken(format!(
                    "endpoint {}: {counted:?} are open, but {:?} were found",
                    id.0,
                    open.get(id)
                ));
            }
        }
        self.check_journals()?;
        self.report.events = self.ledger.events.len();
        self.report.sends = self.ledger.sends;
        self.report.repeats = self.ledger.repeats;
        self.report.lasted_ms = self.lasted_us() / 1_000;
        if self.report.repeats > self.report.lost_sends {
            return broken(format!(
                "more sends were repeated than crashes explain: {:?}",
                self.report
            ));
        }
        Ok(())
    }

    /// Every request that was answered made one event, which is there.
    fn check_intakes(&self, reader: &mut dyn Reader) -> Result<(), Broken> {
        for (nth, intake) in self.intakes.iter().enumerate() {
            if intake.answered.is_none() && !intake.given_up {
                return broken(format!("request {nth} was never answered"));
            }
            let Some(id) = intake.made else {
                continue;
            };
            let record = reader.event(id).map_err(|error| Broken::of(&error))?;
            if self.ledger.pruned.contains(&id) {
                if record.is_some() {
                    return broken(format!("{id} is there, but was pruned"));
                }
                continue;
            }
            let facts = &self.ledger.events[&id];
            let there = record.is_some_and(|record| {
                let deliveries = record.deliveries.iter().map(|record| record.delivery.id);
                record.body == facts.body && deliveries.eq(facts.deliveries.iter().copied())
            });
            if !there {
                return broken(format!("{id} is not in the store as it was accepted"));
            }
        }
        Ok(())
    }

    fn check_delivery(&self, facts: &DeliveryFacts, record: &DeliveryRecord) -> Result<(), Broken> {
        let delivery = &record.delivery;
        let id = delivery.id;
        let logged = record.attempts.iter().map(|attempt| (attempt.n, attempt.outcome));
        if !logged.eq(facts.recorded.iter().copied()) {
            return broken(format!(
                "{id}: the log {:?} is not what was sent: {:?}",
                record.attempts, facts.recorded
            ));
        }
        if facts.starts as usize != facts.recorded.len() + facts.lost as usize {
            return broken(format!(
                "{id}: {} sends began, {} were recorded",
                facts.starts,
                facts.recorded.len()
            ));
        }
        let endpoint = delivery.endpoint.and_then(|id| self.ledger.endpoints.get(&id));
        let settings = endpoint.map(|facts| &facts.endpoint.settings);
        let last = facts.recorded.last().map(|(_, outcome)| *outcome);
        let fits = match delivery.state {
            State::Pending => false,
            State::Delivered => last == Some(Outcome::Acknowledged),
            State::Exhausted => {
                last != Some(Outcome::Acknowledged) && facts.may_be_exhausted(endpoint, delivery.settled_at)
            }
            State::Parked => settings.is_none_or(|settings| !settings.enabled),
            State::Cancelled => endpoint.is_some_and(|facts| facts.endpoint.deleted),
        };
        if !fits {
            return broken(format!(
                "{id} is {:?} at the end, due {:?}, after {last:?}",
                delivery.state, delivery.due
            ));
        }
        Ok(())
    }

    /// What receivers noted is what was sent to them, and nobody counts as delivered whose receiver did not say so.
    fn check_journals(&self) -> Result<(), Broken> {
        let mut arrived: BTreeMap<DeliveryId, (u32, bool)> = BTreeMap::new();
        for (url, receiver) in &self.receivers {
            for entry in &receiver.journal {
                let facts = &self.ledger.deliveries[&entry.delivery];
                let endpoint = facts.endpoint.and_then(|id| self.ledger.endpoints.get(&id));
                let known = endpoint.is_some_and(|facts| facts.endpoint.settings.url == *url);
                if !known || facts.event != entry.event {
                    return broken(format!(
                        "{url} got {} n {}, which was not for it",
                        entry.delivery, entry.n
                    ));
                }
                let (count, acknowledged) = arrived.entry(entry.delivery).or_default();
                *count += 1;
                *acknowledged |= entry.acknowledged;
            }
        }
        for (id, facts) in &self.ledger.deliveries {
            let (count, acknowledged) = arrived.get(id).copied().unwrap_or_default();
            let delivered = facts
                .recorded
                .iter()
                .any(|(_, outcome)| *outcome == Outcome::Acknowledged);
            if count > facts.starts || (delivered && !acknowledged) {
                return broken(format!(
                    "{id}: the receiver's journal has {count}, acknowledged {acknowledged}"
                ));
            }
        }
        Ok(())
    }
}
