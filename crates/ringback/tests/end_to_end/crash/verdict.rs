//! What the journals must say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::journal::Send;
use super::load::Accepted;
use super::service::Kill;
use super::{ANSWERS, GAP_MS};

/// What a retry may come early by: the rounding of the engine's milliseconds, and what slewing its clock makes of a gap.
const TOLERANCE_US: i64 = 5_000;
/// How long before a kill a send that is repeated after it can have arrived: the delay of the slowest answer, and the time
/// in which its outcome is committed on a slow disk. What arrived earlier was recorded, and must not be repeated.
const UNRECORDED_US: i64 = 2_000_000;

/// What a run has left behind.
pub(crate) struct Findings<'a> {
    pub(crate) accepted: &'a [Accepted],
    /// All events and deliveries that the API lists.
    pub(crate) events: &'a [Value],
    pub(crate) deliveries: &'a [Value],
    /// What each receiver got, in the order of [`ANSWERS`].
    pub(crate) journals: &'a [Vec<Send>],
    pub(crate) kills: &'a [Kill],
    /// Sends in flight to one endpoint at most.
    pub(crate) max_in_flight: u64,
}

/// The figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    kills: usize,
    events: usize,
    sends: usize,
    repeated_sends: usize,
    oldest_repeated_ms: i64,
    broken_requests: usize,
    recognised: usize,
    slowest_recovery_ms: i64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kills,
            events,
            sends,
            repeated_sends,
            oldest_repeated_ms,
            broken_requests,
            recognised,
            slowest_recovery_ms,
        } = self;
        write!(
            f,
            "{kills} kills, {events} events, lost 0; {sends} sends, of which {repeated_sends} were repetitions of what was \
             in flight or unrecorded (the oldest for {oldest_repeated_ms} ms); {broken_requests} requests broke, \
             {recognised} of them after their commit; the slowest start after a kill took {slowest_recovery_ms} ms"
        )
    }
}

impl Findings<'_> {
    /// Panics at the first finding that breaks a promise.
    pub(crate) fn check(&self) -> Summary {
        let mut summary = Summary {
            kills: self.kills.len(),
            events: self.accepted.len(),
            sends: self.journals.iter().map(Vec::len).sum(),
            broken_requests: self.accepted.iter().filter(|accepted| accepted.broke > 0).count(),
            recognised: self.accepted.iter().filter(|accepted| accepted.replayed).count(),
            slowest_recovery_ms: self
                .kills
                .iter()
                .filter_map(|kill| kill.recovery_us)
                .max()
                .unwrap_or(0)
                / 1_000,
            ..Summary::default()
        };
        self.check_one_event_per_request();
        for ((company_id, _), journal) in ANSWERS.iter().zip(self.journals) {
            let mut sends: BTreeMap<&str, Vec<&Send>> = BTreeMap::new();
            for send in journal {
                sends.entry(&send.event_id).or_default().push(send);
            }
            self.check_all_arrived(*company_id, &sends);
            self.check_order(*company_id, &sends);
            for (event_id, sends) in &sends {
                check_sends(event_id, sends);
                self.count_repeated(event_id, sends, &mut summary);
            }
        }
        let in_flight = usize::try_from(self.max_in_flight).expect("it is small") * ANSWERS.len();
        assert!(
            summary.repeated_sends <= in_flight * self.kills.len(),
            "{summary}"
        );
        // A run that kills nothing in flight proves nothing.
        assert!(
            summary.repeated_sends > 0 && summary.broken_requests > 0,
            "{summary}"
        );
        summary
    }

    /// What broke and was repeated made one event, and no event is there that nobody handed over.
    fn check_one_event_per_request(&self) {
        let answered: BTreeSet<&str> = self
            .accepted
            .iter()
            .map(|accepted| accepted.event_id.as_str())
            .collect();
        assert_eq!(answered.len(), self.accepted.len(), "two requests share an event");
        let listed: BTreeSet<&str> = self
            .events
            .iter()
            .filter_map(|event| event["eventId"].as_str())
            .collect();
        assert_eq!(listed.len(), self.events.len(), "an event is listed twice");
        let odd: Vec<_> = listed.symmetric_difference(&answered).collect();
        assert!(odd.is_empty(), "listed or answered, and not both: {odd:?}");
        assert!(
            self.accepted
                .iter()
                .all(|accepted| accepted.broke > 0 || !accepted.replayed),
            "a first request was known"
        );
        assert_eq!(
            self.deliveries.len(),
            self.events.len(),
            "each event has one delivery"
        );
        for delivery in self.deliveries {
            assert_eq!(delivery["state"], "delivered", "{delivery}");
        }
    }

    fn check_all_arrived(&self, company_id: i64, sends: &BTreeMap<&str, Vec<&Send>>) {
        let wanted = self
            .accepted
            .iter()
            .filter(|accepted| accepted.company_id == company_id);
        let mut arrived = 0;
        for accepted in wanted {
            let sends = sends.get(accepted.event_id.as_str());
            let acknowledged = sends.is_some_and(|sends| sends.iter().any(|send| send.acknowledged()));
            assert!(acknowledged, "{accepted:?} is lost: {sends:?}");
            arrived += 1;
        }
        assert_eq!(arrived, sends.len(), "an event arrived that nobody handed over");
    }

    /// All sends of an event come before all sends of the next event of its call; ids sort by acceptance.
    fn check_order(&self, company_id: i64, sends: &BTreeMap<&str, Vec<&Send>>) {
        let mut calls: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for accepted in self
            .accepted
            .iter()
            .filter(|accepted| accepted.company_id == company_id)
        {
            calls
                .entry(accepted.call_id)
                .or_default()
                .push(&accepted.event_id);
        }
        for (call_id, events) in calls {
            for pair in events.windows(2) {
                let [earlier, later] = pair else { continue };
                assert!(
                    earlier < later,
                    "the ids of call {call_id} do not sort by acceptance: {events:?}"
                );
                let last = sends[earlier].iter().map(|send| send.boot_us).max();
                let first = sends[later].iter().map(|send| send.boot_us).min();
                assert!(last < first, "call {call_id}: {later} overtook {earlier}");
            }
            let kinds: Vec<_> = events.iter().map(|event| sends[event][0].kind.as_str()).collect();
            assert!(
                kinds
                    .iter()
                    .enumerate()
                    .all(|(place, kind)| (place == 0) == (*kind == "call")),
                "{kinds:?}"
            );
            assert!(
                events
                    .iter()
                    .flat_map(|event| &sends[event])
                    .all(|send| send.entity_id == call_id)
            );
        }
    }

    /// Counts the sends that repeat a number, each of which a kill must explain.
    fn count_repeated(&self, event_id: &str, sends: &[&Send], summary: &mut Summary) {
        for pair in sends.windows(2) {
            let [first, second] = pair else { continue };
            if first.send != second.send {
                continue;
            }
            let kill = self
                .kills
                .iter()
                .find(|kill| first.boot_us <= kill.back_us && second.boot_us >= kill.gone_us)
                .unwrap_or_else(|| panic!("{event_id} was repeated without a kill: {first:?} {second:?}"));
            let before_us = kill.alive_us - first.boot_us;
            assert!(
                before_us < UNRECORDED_US,
                "{event_id} was repeated though long recorded: {first:?} {second:?}"
            );
            summary.repeated_sends += 1;
            summary.oldest_repeated_ms = summary.oldest_repeated_ms.max(before_us / 1_000);
        }
    }
}

/// The sends of one event to one endpoint, in the order of their arrival.
fn check_sends(event_id: &str, sends: &[&Send]) {
    assert_eq!(sends[0].send, 1, "{event_id} did not begin with send 1");
    for pair in sends.windows(2) {
        let [earlier, later] = pair else { continue };
        assert_eq!(
            earlier.body_sha256, later.body_sha256,
            "{event_id} was sent with two bodies"
        );
        assert!(
            later.send == earlier.send || later.send == earlier.send + 1,
            "{event_id}: after {} came {}",
            earlier.send,
            later.send
        );
        if later.send == earlier.send {
            continue;
        }
        assert!(
            !earlier.acknowledged(),
            "{event_id} was sent again after its acknowledgement was recorded"
        );
        let gap_us = later.boot_us - earlier.boot_us;
        assert!(
            gap_us + TOLERANCE_US >= GAP_MS * 1_000,
            "{event_id} was sent again after {gap_us} µs"
        );
    }
}
