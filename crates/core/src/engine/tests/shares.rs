//! How lanes share slots and memory: what hangs leaves a part to others.

use bytes::Bytes;

use super::rig::{Answer, HOUR, Rig, SECOND, Started, answer};
use crate::delivery::Outcome;
use crate::endpoint::Settings;
use crate::limits;

const ACK: Answer = answer(5, Outcome::Acknowledged);
const HANG: Answer = answer(HOUR, Outcome::TimedOut);

/// A backlog for endpoints that hang, and then one for another that answers.
#[derive(Debug)]
struct Case {
    hanging: usize,
    each: usize,
    body: usize,
    max_in_flight: u32,
}

/// How many the healthy endpoint is sent within a second of virtual time; a send takes 5 ms.
fn sent_to_healthy(case: &Case) -> usize {
    const HEALTHY: usize = 3_000;
    let mut rig = Rig::new(&vec![(|_| ()) as fn(&mut Settings); case.hanging + 1]);
    let healthy = i64::try_from(case.hanging + 1).unwrap();
    for endpoint in 1..healthy {
        rig.configure(endpoint, |settings| settings.max_in_flight = case.max_in_flight);
    }
    let body = Bytes::from(vec![b'x'; case.body]);
    for endpoint in 1..healthy {
        for key in 0..case.each {
            let mut row = rig.row(endpoint, i64::try_from(key).unwrap());
            row.body = body.clone();
            rig.accept_row(row);
        }
    }
    let receiver = |started: &Started| if started.endpoint == healthy { ACK } else { HANG };
    rig.run(1, receiver);
    assert!(rig.engine.stats().in_flight > 0, "nothing hangs");
    rig.accept(healthy, HEALTHY);
    rig.run(SECOND, receiver);
    let sent = rig.sent.iter().filter(|started| started.endpoint == healthy);
    sent.count()
}

#[test]
fn lanes_that_hang_leave_others_as_they_were() {
    const KIB: usize = 1024;
    for (hanging, each, body, max_in_flight, expected) in [
        // Few lanes with everything that they may have.
        (20, 1_000, 3 * KIB, 32, 3_000),
        (1, 6_000, 3 * KIB, 1_000_000, 3_000),
        // More than all memory.
        (100, 40, 64 * KIB, 32, 3_000),
        (60, 20, 1024 * KIB, 32, 3_000),
        (200, 20, 1024 * KIB, 32, 3_000),
        // More than all slots: 21 are left, of which the next lane may take half; that is ten in each 5 ms.
        (100, 40, 3 * KIB, 32, 2_000),
    ] {
        let case = Case {
            hanging,
            each,
            body,
            max_in_flight,
        };
        assert_eq!(sent_to_healthy(&case), expected, "{case:?}");
    }
}

/// More lanes than slots, all of which hang: whoever has none is served first, in turn, when one ends.
#[test]
fn more_lanes_than_slots_take_turns() {
    let lanes = limits::IN_FLIGHT + 1_000;
    let mut rig = Rig::new(&vec![(|_| ()) as fn(&mut Settings); lanes]);
    for endpoint in 1..=i64::try_from(lanes).unwrap() {
        rig.accept(endpoint, 3);
    }
    rig.run(1, |_| answer(SECOND, Outcome::Acknowledged));
    assert!(rig.sent.len() >= limits::IN_FLIGHT - 1, "{}", rig.sent.len());
    rig.run(SECOND + 1, |_| answer(SECOND, Outcome::Acknowledged));
    let mut served: Vec<i64> = rig.sent.iter().map(|started| started.endpoint).collect();
    served.sort_unstable();
    served.dedup();
    assert_eq!(served.len(), lanes);
    rig.run(100 * HOUR, |_| ACK);
    assert!(rig.states().iter().all(|state| state.is_settled()));
    rig.assert_idle();
}

/// The first of the line is disabled while it waits: the next gets the slot that becomes free, at once.
#[test]
fn one_that_has_nothing_to_send_any_more_leaves_its_turn_to_the_next() {
    let full = i64::try_from(limits::IN_FLIGHT).unwrap();
    let mut rig = Rig::new(&vec![(|_| ()) as fn(&mut Settings); limits::IN_FLIGHT + 2]);
    let (first, next) = (full + 1, full + 2);
    for endpoint in 1..=next {
        rig.accept(endpoint, 1);
        rig.pump();
    }
    let sent = rig.sent.len();
    assert_eq!(sent, limits::IN_FLIGHT);
    rig.configure(first, |settings| settings.enabled = false);
    let ends = *rig.in_flight.keys().next().unwrap();
    rig.end(ends, ACK);
    rig.pump();
    let started: Vec<i64> = rig.sent[sent..].iter().map(|started| started.endpoint).collect();
    assert_eq!(started, [next]);
}
