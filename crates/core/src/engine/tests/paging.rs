//! A backlog that does not fit into memory, and pages that race with commits.

use bytes::Bytes;

use super::rig::{Answer, HOUR, MINUTE, Rig, SECOND, T0, answer, schedule};
use crate::delivery::{Outcome, State};
use crate::engine::{Effect, Input};
use crate::id::{DeliveryId, EndpointId};
use crate::limits;

const ACK: Answer = answer(0, Outcome::Acknowledged);
const REFUSED: Answer = answer(0, Outcome::Refused);

/// Every delivery was sent so often, and everything is settled.
fn check_each_sent(rig: &Rig, times: usize) {
    let mut counts = vec![0; rig.store.rows().count()];
    for started in &rig.sent {
        counts[usize::try_from(started.delivery).unwrap() - 1] += 1;
    }
    assert!(counts.iter().all(|count| *count == times), "{counts:?}");
    assert!(rig.states().iter().all(|state| state.is_settled()));
    rig.assert_idle();
}

#[test]
fn a_backlog_goes_out_page_by_page_each_delivery_once() {
    for told in [true, false] {
        let mut rig = Rig::new(&[|_| (), |_| ()]);
        for endpoint in [1, 2] {
            let mut rows = Vec::new();
            for key in 0..4_000 {
                rows.push(rig.row(endpoint, key));
            }
            for row in rows {
                rig.commit_row(row);
            }
        }
        if told {
            rig.tell();
        } else {
            rig.untold.clear();
            for endpoint in [1, 2] {
                rig.handle(Input::Due(EndpointId(endpoint), T0));
            }
        }
        rig.run(HOUR, |started| answer(started.at % 7, Outcome::Acknowledged));
        check_each_sent(&rig, 1);
    }
}

#[test]
fn retries_of_a_backlog_are_read_again_when_they_are_due() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 100]);
    rig.accept(1, 3_000);
    rig.run(HOUR, |started| {
        answer(
            3,
            if started.n < 3 {
                Outcome::Refused
            } else {
                Outcome::Acknowledged
            },
        )
    });
    check_each_sent(&rig, 3);
    for (id, gaps) in (1..=3_000).map(|id| (id, rig.starts(id))) {
        assert!(
            gaps[1] >= gaps[0] + 3 + MINUTE && gaps[2] >= gaps[1] + 3 + 2 * MINUTE,
            "{id}: {gaps:?}"
        );
    }
}

#[test]
fn failed_reads_are_repeated_until_nothing_is_left() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(1, 3_000);
    let mut failed = 0;
    for round in 0.. {
        rig.pump();
        rig.end_all(ACK);
        rig.commit();
        rig.tell();
        if let Some((reading, page)) = rig.read() {
            let fails = round % 3 != 0;
            failed += u32::from(fails);
            rig.tell_page(&reading, (!fails).then_some(page));
        }
        rig.pump();
        if rig.in_flight.is_empty() && rig.reads.is_empty() {
            let Some(wake) = rig.engine.next_wake() else { break };
            rig.now = wake;
        }
    }
    assert!(failed > 5, "{failed}");
    rig.settle();
    check_each_sent(&rig, 1);
}

#[test]
fn a_page_that_was_asked_for_before_a_reload_is_ignored() {
    let mut rig = Rig::new(&[|_| ()]);
    let row = rig.row(1, 1);
    rig.commit_row(row);
    rig.untold.clear();
    rig.handle(Input::Due(EndpointId(1), T0));
    rig.pump();
    let (reading, page) = rig.read().unwrap();
    rig.store.park(rig.now, EndpointId(1));
    rig.handle(Input::Reload(EndpointId(1)));
    rig.tell_page(&reading, Some(page));
    rig.settle();
    assert!(rig.sent.is_empty());
}

/// The driver's steps around a send of delivery 1 that ends while a page is being read: S the store reads the page, C
/// the store commits the outcome, T the engine is told the outcome, P the engine is told the page.
const ORDERS: [&str; 6] = ["SPCT", "SCPT", "SCTP", "CSPT", "CSTP", "CTSP"];

/// Delivery 1 and, waiting behind it, delivery 2; delivery 3 beside them. Delivery 1 is in flight.
fn check_race(order: &str, asked_first: bool, first: Answer, expected: [&[u64]; 3]) {
    let mut rig = Rig::new(&[|_| ()]);
    for key in [7, 7, 8] {
        let row = rig.row(1, key);
        rig.commit_row(row);
    }
    rig.tell();
    rig.pump();
    assert_eq!(rig.sent.len(), 2);
    let ask = |rig: &mut Rig| {
        rig.handle(Input::Due(EndpointId(1), T0));
        rig.pump();
    };
    if asked_first {
        ask(&mut rig);
    }
    rig.end(DeliveryId(1), first);
    if !asked_first {
        ask(&mut rig);
    }
    rig.pump();
    let mut page = None;
    for step in order.chars() {
        match step {
            'S' => page = rig.read(),
            'C' => rig.commit(),
            'T' => rig.tell(),
            _ => {
                let (reading, page) = page.take().unwrap();
                rig.tell_page(&reading, Some(page));
            }
        }
        rig.pump();
    }
    rig.run(HOUR, |_| ACK);
    let starts = [rig.starts(1), rig.starts(2), rig.starts(3)];
    assert_eq!(starts, expected, "{order} {asked_first}");
    rig.assert_idle();
}

#[test]
fn a_page_that_races_with_an_outcome_loses_and_repeats_nothing() {
    for order in ORDERS {
        for asked_first in [true, false] {
            check_race(order, asked_first, ACK, [&[0], &[0], &[0]]);
            check_race(order, asked_first, REFUSED, [&[0, MINUTE], &[MINUTE], &[0]]);
        }
    }
}

#[test]
fn a_page_that_races_with_new_work_loses_and_repeats_nothing() {
    // W: the engine is told the new work.
    for order in ["SCWP", "SCPW", "CSWP", "CSPW", "CWSP", "SPCW"] {
        let mut rig = Rig::new(&[|_| ()]);
        rig.page_rows = 3;
        let rows: Vec<_> = (0..10).map(|key| rig.row(1, key)).collect();
        for row in rows {
            rig.commit_row(row);
        }
        rig.untold.clear();
        rig.handle(Input::Due(EndpointId(1), T0));
        rig.pump();
        let mut page = None;
        for step in order.chars() {
            match step {
                'S' => page = rig.read(),
                'C' => {
                    let row = rig.row(1, 100);
                    rig.commit_row(row);
                }
                'W' => rig.tell(),
                _ => {
                    let (reading, page) = page.take().unwrap();
                    rig.tell_page(&reading, Some(page));
                }
            }
            rig.pump();
        }
        rig.run(HOUR, |_| ACK);
        check_each_sent(&rig, 1);
    }
}

#[test]
fn a_read_asks_for_what_comes_next_and_is_due_by_now() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.page_rows = 2;
    let rows: Vec<_> = (0..5).map(|key| rig.row(1, key)).collect();
    for row in rows {
        rig.commit_row(row);
    }
    rig.untold.clear();
    rig.handle(Input::Due(EndpointId(1), T0));
    let mut after = Vec::new();
    while let Some(effect) = rig.engine.poll(rig.now) {
        if let Effect::Read { ticket, query } = effect {
            assert_eq!(query.until, rig.now);
            after.push(query.after.1.0);
            let page = Some(rig.store.page(&query, rig.page_rows));
            rig.handle(Input::Page {
                endpoint: query.endpoint,
                ticket,
                page,
            });
        }
    }
    assert_eq!(after[1..], [2, 4]);
}

#[test]
fn reads_under_way_are_bounded_whatever_is_reloaded() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(1, 10);
    for _ in 0..20 {
        rig.handle(Input::Reload(EndpointId(1)));
        rig.pump();
        assert!(rig.reads.len() <= limits::READS, "{}", rig.reads.len());
    }
    rig.run(HOUR, |_| ACK);
    check_each_sent(&rig, 1);
    rig.handle(Input::Reload(EndpointId(1)));
    rig.settle();
    rig.assert_idle();
}

/// Many lanes, each with a backlog of bodies of this size. The rig checks the bounds after every step.
fn check_bytes(lanes: usize, count: usize, body: usize, max_in_flight: u32) {
    let mut rig = Rig::new(&vec![(|_| ()) as fn(&mut _); lanes]);
    let body = Bytes::from(vec![b'x'; body]);
    for endpoint in 1..=i64::try_from(lanes).unwrap() {
        rig.configure(endpoint, |settings| settings.max_in_flight = max_in_flight);
        for key in 0..i64::try_from(count).unwrap() {
            let mut row = rig.row(endpoint, key);
            row.body = body.clone();
            rig.commit_row(row);
        }
    }
    rig.tell();
    rig.run(HOUR, |_| answer(5, Outcome::Acknowledged));
    check_each_sent(&rig, 1);
}

#[test]
fn the_bytes_of_all_bodies_are_bounded() {
    check_bytes(100, 10, limits::EVENT_BYTES, 32);
    check_bytes(200, 3, limits::EVENT_BYTES, 2);
    check_bytes(2, 200, limits::EVENT_BYTES, 1000);
    check_bytes(3, 3_000, 64 * 1024, 4000);
}

#[test]
fn a_flood_does_not_starve_what_was_left_in_the_store() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    let mut row = rig.row(1, 0);
    row.schedule = schedule(&[SECOND], HOUR);
    rig.accept_row(row);
    for ms in 0..8_000 {
        rig.accept(1, 2);
        rig.run(ms, |started| {
            answer(
                1,
                if started.delivery == 1 {
                    Outcome::Refused
                } else {
                    Outcome::Acknowledged
                },
            )
        });
    }
    let starts = rig.starts(1);
    assert_eq!(starts.len(), 2, "not sent again");
    let most = u64::try_from(2 * limits::LANE_QUEUE).unwrap();
    assert!(starts[1] <= SECOND + most, "{starts:?}");
}

#[test]
fn a_lane_behind_its_breaker_leaves_the_memory_to_others() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 2_000);
    rig.run(7 * SECOND, |_| answer(600, Outcome::TimedOut));
    assert!(rig.engine.breaker_open_until(EndpointId(1)).is_some());
    rig.accept(1, 100);
    rig.run(8 * SECOND, |_| answer(600, Outcome::TimedOut));
    let stats = rig.engine.stats();
    assert!(stats.queued <= 1, "{stats:?}");
    rig.run(100 * HOUR, |_| ACK);
    assert!(rig.states().iter().all(|state| *state == State::Delivered));
    rig.assert_idle();
}

#[test]
fn what_is_in_memory_is_not_read_again() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 3_000);
    let mut rows = 0;
    rig.pump();
    while rig.sent.len() < 3_000 {
        rig.end_all(ACK);
        rig.pump();
        if let Some((reading, page)) = rig.read() {
            rows += page.work.len();
            rig.tell_page(&reading, Some(page));
            rig.pump();
        }
    }
    assert_eq!(rows, 3_000 - limits::LANE_QUEUE);
}
