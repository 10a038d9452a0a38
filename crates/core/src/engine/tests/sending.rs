//! When a delivery is sent, how often, and what waits for what.

use ringback_contract::schedule::{Preset, Schedule};

use super::rig::{Answer, HOUR, MINUTE, Rig, SECOND, T0, answer, schedule};
use crate::delivery::{Outcome, State};
use crate::endpoint::Breaker;
use crate::engine::Input;
use crate::id::{DeliveryId, EndpointId};
use crate::limits;
use crate::store::DuePage;

const ACK: Answer = answer(0, Outcome::Acknowledged);
const REFUSED: Answer = answer(0, Outcome::Refused);

#[test]
fn what_is_due_later_is_sent_to_the_millisecond() {
    for later in [1, 999, HOUR] {
        let mut rig = Rig::new(&[|_| ()]);
        let mut row = rig.row(1, 1);
        row.due = Some(T0.plus(later));
        rig.commit_row(row);
        rig.handle(Input::Due(EndpointId(1), T0.plus(later)));
        rig.settle();
        assert_eq!(rig.engine.next_wake(), Some(T0.plus(later)));
        rig.run(later - 1, |_| ACK);
        assert!(rig.starts(1).is_empty());
        rig.run(2 * HOUR, |_| ACK);
        assert_eq!(rig.starts(1), [later]);
        rig.assert_idle();
    }
}

/// Sends every delivery of a preset until it is exhausted, each send taking `takes`.
fn check_preset(preset: Preset, takes: u64, jitter: f64, expected: impl Fn(&Schedule) -> Vec<u64>) {
    let schedule = Schedule::preset(preset);
    let mut rig = Rig::new(&[|settings| settings.breaker = Breaker::Off]);
    rig.configure(1, |settings| {
        settings.breaker = Breaker::Off;
        settings.jitter = jitter;
    });
    rig.random = 0.5;
    let mut row = rig.row(1, 1);
    row.schedule = schedule.clone().into();
    rig.accept_row(row);
    rig.run(100 * HOUR, |_| answer(takes, Outcome::Refused));
    assert_eq!(rig.starts(1), expected(&schedule), "{preset:?}");
    assert_eq!(rig.states(), [State::Exhausted]);
    rig.assert_idle();
}

#[test]
fn every_preset_is_kept_to_the_millisecond_from_the_end_of_each_send() {
    for takes in [0, 1, 15 * SECOND] {
        for preset in Preset::ALL {
            check_preset(preset, takes, 0.0, |schedule| {
                let mut at = 0;
                let mut starts = vec![0];
                for gap in schedule.gaps_ms() {
                    at += takes + gap;
                    starts.push(at);
                }
                starts
            });
        }
    }
}

#[test]
fn the_published_last_sends_are_met() {
    for (preset, sends, last) in [
        (Preset::Seed, 11, 17 * HOUR + 3 * MINUTE),
        (Preset::Seed10, 10, 8 * HOUR + 31 * MINUTE),
        (Preset::Table2019, 28, 26 * HOUR + 45 * MINUTE + 40 * SECOND),
        (Preset::V2, 16, 4 * HOUR + 41 * MINUTE + 40 * SECOND),
    ] {
        let mut rig = Rig::new(&[|settings| settings.breaker = Breaker::Off]);
        let mut row = rig.row(1, 1);
        row.schedule = Schedule::preset(preset).into();
        rig.accept_row(row);
        rig.run(100 * HOUR, |_| REFUSED);
        let starts = rig.starts(1);
        assert_eq!(
            (starts.len(), *starts.last().unwrap()),
            (sends, last),
            "{preset:?}"
        );
    }
}

#[test]
fn jitter_is_added_to_the_gap() {
    check_preset(Preset::Seed, 0, 0.5, |schedule| {
        let mut at = 0;
        let mut starts = vec![0];
        for gap in schedule.gaps_ms() {
            at += gap + gap / 4;
            starts.push(at);
        }
        starts
    });
}

#[test]
fn retry_after_puts_a_send_off_but_never_forward() {
    for (asked, second) in [(0, MINUTE), (2 * MINUTE, 2 * MINUTE), (u64::MAX, 24 * HOUR)] {
        let mut rig = Rig::new(&[|_| ()]);
        rig.accept(1, 1);
        rig.run(30 * HOUR, |started| match started.n {
            1 => Answer {
                retry_after_ms: Some(asked),
                status: Some(429),
                ..REFUSED
            },
            _ => ACK,
        });
        assert_eq!(rig.starts(1), [0, second], "{asked}");
    }
}

#[test]
fn an_acknowledgement_ends_it() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(1, 1);
    rig.run(HOUR, |started| if started.n == 3 { ACK } else { REFUSED });
    assert_eq!(rig.starts(1), [0, MINUTE, 3 * MINUTE]);
    assert_eq!(rig.states(), [State::Delivered]);
    rig.assert_idle();
    assert_eq!(rig.engine.next_wake(), None);
}

#[test]
fn the_next_of_a_key_goes_when_the_head_is_settled_durably() {
    for last in [ACK, REFUSED] {
        let mut rig = Rig::new(&[|_| ()]);
        for key in [7, 7, 7, 8] {
            let mut row = rig.row(1, key);
            row.schedule = schedule(&[MINUTE], HOUR);
            rig.accept_row(row);
        }
        rig.run(HOUR, |started| if started.n == 2 { last } else { REFUSED });
        let starts: Vec<_> = (1..=4).map(|delivery| rig.starts(delivery)).collect();
        assert_eq!(
            starts,
            [
                vec![0, MINUTE],
                vec![MINUTE, 2 * MINUTE],
                vec![2 * MINUTE, 3 * MINUTE],
                vec![0, MINUTE]
            ]
        );
        rig.assert_idle();
    }
}

#[test]
fn a_head_that_ended_holds_its_key_until_that_is_durable() {
    let mut rig = Rig::new(&[|_| ()]);
    for _ in 0..2 {
        let row = rig.row(1, 7);
        rig.accept_row(row);
    }
    rig.pump();
    rig.end(DeliveryId(1), ACK);
    rig.pump();
    assert!(rig.starts(2).is_empty());
    rig.settle();
    assert_eq!(rig.starts(2), [0]);
}

#[test]
fn a_lane_keeps_to_its_in_flight_limit() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 3]);
    rig.accept(1, 10);
    for ended in 0..7 {
        rig.settle();
        assert_eq!((rig.in_flight.len(), rig.sent.len()), (3, 3 + ended));
        rig.end(*rig.in_flight.first_key_value().unwrap().0, ACK);
    }
    rig.configure(1, |settings| settings.max_in_flight = 1);
    rig.settle();
    assert_eq!(rig.in_flight.len(), 2, "what is in flight goes on");
    rig.end_all(ACK);
    rig.settle();
    assert_eq!(rig.in_flight.len(), 1);
    rig.configure(1, |settings| settings.max_in_flight = 32);
    rig.end_all(ACK);
    rig.settle();
    rig.assert_idle();
}

#[test]
fn a_lane_takes_at_most_half_of_all_slots_and_leaves_the_next_at_once() {
    let mut rig = Rig::new(&[
        |settings| settings.max_in_flight = 5000,
        |settings| settings.max_in_flight = 5000,
    ]);
    for _ in 0..5 {
        rig.accept(1, 1000);
        rig.settle();
    }
    assert_eq!(rig.in_flight.len(), limits::IN_FLIGHT / 2);
    rig.accept(2, 10);
    rig.settle();
    assert_eq!(rig.in_flight.len(), limits::IN_FLIGHT / 2 + 10);
}

#[test]
fn lanes_take_turns() {
    let mut rig = Rig::new(&[|_| (), |_| (), |_| ()]);
    rig.accept(1, 500);
    rig.accept(2, 4);
    rig.accept(3, 2);
    rig.pump();
    let turns: Vec<_> = rig.sent.iter().take(9).map(|started| started.endpoint).collect();
    assert_eq!(turns, [1, 2, 3, 1, 2, 3, 1, 2, 1]);
}

#[test]
fn a_flooding_lane_and_a_dead_one_do_not_delay_another() {
    let mut rig = Rig::new(&[|_| (), |_| (), |_| ()]);
    rig.accept(1, 5000);
    rig.accept(2, 5000);
    rig.run(10, |_| answer(15 * SECOND, Outcome::TimedOut));
    rig.accept(3, 20);
    rig.run(20, |started| match started.endpoint {
        3 => ACK,
        _ => answer(15 * SECOND, Outcome::TimedOut),
    });
    let quick: Vec<_> = rig
        .sent
        .iter()
        .filter(|s| s.endpoint == 3)
        .map(|s| s.at)
        .collect();
    assert_eq!(quick, vec![10; 20]);
}

#[test]
fn nothing_is_repeated_while_it_is_in_flight_or_unrecorded() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(1, 1);
    rig.settle();
    let again = |rig: &mut Rig| {
        let work = rig.store.page(
            &crate::store::DueQuery {
                endpoint: EndpointId(1),
                after: (crate::time::Millis::ZERO, DeliveryId(0)),
                until: rig.now,
                rows: 1,
                bytes: 1,
            },
            1,
        );
        rig.handle(Input::Work(work.work));
        rig.handle(Input::Reload(EndpointId(1)));
        rig.pump();
        while let Some((reading, page)) = rig.read() {
            rig.tell_page(&reading, Some(page));
            rig.pump();
        }
        assert_eq!(rig.sent.len(), 1);
    };
    again(&mut rig);
    rig.end(DeliveryId(1), REFUSED);
    again(&mut rig);
    rig.now = T0.plus(HOUR);
    again(&mut rig);
    rig.commit();
    again(&mut rig);
    rig.tell();
    rig.settle();
    assert_eq!(rig.sent.len(), 2, "recorded and due since");
}

#[test]
fn sending_stops_while_outcomes_cannot_be_recorded_and_goes_on_afterwards() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1000]);
    let total = limits::UNRECORDED + 3000;
    for _ in 0..total / 1000 {
        rig.accept(1, 1000);
    }
    rig.accept(1, total % 1000);
    loop {
        rig.pump();
        while let Some((reading, page)) = rig.read() {
            rig.tell_page(&reading, Some(page));
        }
        rig.pump();
        if rig.in_flight.is_empty() {
            break;
        }
        let id = *rig.in_flight.first_key_value().unwrap().0;
        rig.end(id, ACK);
    }
    let stats = rig.engine.stats();
    assert!(
        (limits::UNRECORDED..limits::UNRECORDED + 1000).contains(&stats.unrecorded),
        "{stats:?}"
    );
    assert_eq!(rig.sent.len(), stats.unrecorded);
    rig.run(SECOND, |_| ACK);
    assert_eq!(rig.sent.len(), total);
    rig.assert_idle();
}

#[test]
fn an_unanswered_read_and_a_failed_one_hold_up_nothing_else() {
    let mut rig = Rig::new(&[|_| (), |_| ()]);
    rig.handle(Input::Due(EndpointId(1), T0));
    rig.pump();
    rig.accept(2, 1);
    rig.accept(1, 1);
    rig.pump();
    assert_eq!(rig.sent.len(), 2);
    let (reading, _) = rig.read().unwrap();
    rig.tell_page(&reading, None);
    rig.pump();
    assert_eq!(rig.engine.next_wake(), Some(T0.plus(SECOND)));
    rig.now = T0.plus(SECOND);
    rig.pump();
    let (reading, _) = rig.read().unwrap();
    rig.tell_page(&reading, Some(DuePage::default()));
    rig.end_all(ACK);
    rig.settle();
    rig.assert_idle();
}
