//! Alerts on virtual time: a history of facts, and what is told when.

use super::*;
use crate::limits;
use crate::time::Millis;

const T0: Millis = Millis(1_790_000_000_000);
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// What one round finds, from a base where all is well.
type Change = fn(&mut Facts);

fn well() -> Facts {
    Facts {
        endpoints: vec![EndpointFacts {
            id: EndpointId(7),
            company_id: 151,
            name: "erp".to_owned(),
            live: true,
            oldest: None,
            unacknowledged_since: None,
            answered_at: None,
            acknowledged_at: None,
            breaker_open: false,
            exhausted: 0,
            certificate: None,
        }],
        parked: Vec::new(),
        service: ServiceFacts {
            free_bytes: Some(u64::MAX / 2),
            ..ServiceFacts::default()
        },
    }
}

fn oldest(facts: &mut Facts, percent: u64) {
    facts.endpoints[0].oldest = Some(Oldest {
        used_ms: percent * 24 * HOUR / 100,
        max_age_ms: 24 * HOUR,
    });
}

fn line(notice: &Notice) -> String {
    let alert = &notice.alert;
    let mut text = format!("{} {}", alert.condition.name(), notice.occasion.name());
    if let Some((_, ending)) = alert.ended {
        text.push_str(&format!(" {}", ending.name()));
    } else {
        text.push_str(&format!(" {} level {}", alert.severity.name(), alert.level));
    }
    if alert.condition.counts() {
        text.push_str(&format!(" {} of {}", alert.uncounted, alert.count));
    }
    text
}

/// Runs rounds, each so many minutes after the beginning, and checks what each tells.
#[track_caller]
fn check(rounds: &[(u64, Change, &[&str])]) -> Board {
    let mut board = Board::default();
    for (minute, change, expected) in rounds {
        let mut facts = well();
        change(&mut facts);
        let told = board.round(T0.plus(minute * MINUTE), &facts, &Bounds::default());
        let told: Vec<String> = told.iter().map(line).collect();
        assert_eq!(told, *expected, "in minute {minute}");
        let ids = board.open().map(|alert| alert.id).collect();
        board.told(&ids);
    }
    board
}

fn nothing(_: &mut Facts) {}

/// At this minute.
fn at(minute: u64) -> Millis {
    T0.plus(minute * MINUTE)
}

#[test]
fn an_endpoint_fails_by_the_share_of_the_maximum_age() {
    check(&[
        (0, |facts| oldest(facts, 24), &[]),
        (
            1,
            |facts| oldest(facts, 25),
            &["endpoint-failing opened warning level 2"],
        ),
        (2, |facts| oldest(facts, 30), &[]),
        (
            3,
            |facts| oldest(facts, 50),
            &["endpoint-failing worse warning level 3"],
        ),
        (4, |facts| oldest(facts, 74), &[]),
        (
            5,
            |facts| oldest(facts, 75),
            &["endpoint-failing worse critical level 4"],
        ),
        (6, |facts| oldest(facts, 99), &[]),
    ]);
}

#[test]
fn a_jump_is_told_once_with_the_level_that_it_reached() {
    check(&[(
        0,
        |facts| oldest(facts, 90),
        &["endpoint-failing opened critical level 4"],
    )]);
}

#[test]
fn an_endpoint_fails_after_ten_minutes_of_sends_without_an_acknowledgement() {
    check(&[
        (
            9,
            |facts| {
                oldest(facts, 0);
                facts.endpoints[0].unacknowledged_since = Some(at(0));
            },
            &[],
        ),
        (
            10,
            |facts| {
                oldest(facts, 0);
                facts.endpoints[0].unacknowledged_since = Some(at(0));
            },
            &["endpoint-failing opened warning level 1"],
        ),
        (
            11,
            |facts| {
                oldest(facts, 25);
                facts.endpoints[0].unacknowledged_since = Some(at(0));
            },
            &["endpoint-failing worse warning level 2"],
        ),
    ]);
}

#[test]
fn nothing_pending_is_no_failing_endpoint() {
    check(&[(
        20,
        |facts| facts.endpoints[0].unacknowledged_since = Some(at(0)),
        &[],
    )]);
}

#[test]
fn an_endpoint_has_recovered_when_it_acknowledges_and_stays_well() {
    let acknowledged: Change = |facts| {
        oldest(facts, 1);
        facts.endpoints[0].acknowledged_at = Some(at(2));
    };
    check(&[
        (
            0,
            |facts| oldest(facts, 40),
            &["endpoint-failing opened warning level 2"],
        ),
        // The oldest was given up: that alone is no recovery.
        (1, |facts| oldest(facts, 10), &[]),
        (2, acknowledged, &[]),
        (4, acknowledged, &[]),
        (5, acknowledged, &["endpoint-failing ended recovered"]),
        (6, acknowledged, &[]),
    ]);
}

#[test]
fn what_comes_and_goes_is_one_alert() {
    let well_again: Change = |facts| facts.endpoints[0].acknowledged_at = Some(at(1));
    let fails: Change = |facts| {
        oldest(facts, 30);
        facts.endpoints[0].acknowledged_at = Some(at(1));
    };
    check(&[
        (0, fails, &["endpoint-failing opened warning level 2"]),
        (2, well_again, &[]),
        (4, fails, &[]),
        (5, well_again, &[]),
        (7, well_again, &[]),
        (8, well_again, &["endpoint-failing ended recovered"]),
    ]);
}

#[test]
fn an_endpoint_that_has_nothing_pending_any_more_is_over_without_being_well() {
    check(&[
        (
            0,
            |facts| oldest(facts, 40),
            &["endpoint-failing opened warning level 2"],
        ),
        (1, nothing, &[]),
        (4, nothing, &["endpoint-failing ended nothing-pending"]),
    ]);
}

#[test]
fn a_disabled_or_deleted_endpoint_is_over_at_once() {
    check(&[
        (
            0,
            |facts| oldest(facts, 40),
            &["endpoint-failing opened warning level 2"],
        ),
        (
            1,
            |facts| facts.endpoints[0].live = false,
            &["endpoint-failing ended removed"],
        ),
    ]);
}

#[test]
fn what_lasts_is_told_again_at_growing_intervals() {
    let fails: Change = |facts| oldest(facts, 30);
    let again: &[&str] = &["endpoint-failing lasts warning level 2"];
    check(&[
        (0, fails, &["endpoint-failing opened warning level 2"]),
        (59, fails, &[]),
        (60, fails, again),
        (5 * 60 - 1, fails, &[]),
        (5 * 60, fails, again),
        (29 * 60 - 1, fails, &[]),
        (29 * 60, fails, again),
        (53 * 60 - 1, fails, &[]),
        (53 * 60, fails, again),
    ]);
}

#[test]
fn a_breaker_is_told_when_open_and_when_the_endpoint_answers_again() {
    let open: Change = |facts| {
        oldest(facts, 1);
        facts.endpoints[0].breaker_open = true;
    };
    // After a restart a breaker is closed, which says nothing of the endpoint.
    let closed: Change = |facts| oldest(facts, 1);
    let answers: Change = |facts| {
        oldest(facts, 1);
        facts.endpoints[0].answered_at = Some(at(3));
    };
    check(&[
        (0, open, &["breaker-open opened warning level 1"]),
        (1, open, &[]),
        (2, closed, &[]),
        (30, closed, &[]),
        (31, answers, &[]),
        (34, answers, &["breaker-open ended recovered"]),
    ]);
}

#[test]
fn exhausted_deliveries_are_counted_since_the_last_notice() {
    let five: Change = |facts| facts.endpoints[0].exhausted = 5;
    check(&[
        (0, five, &["deliveries-exhausted opened critical level 1 5 of 5"]),
        (1, five, &[]),
        (2, five, &[]),
        (
            60,
            nothing,
            &["deliveries-exhausted lasts critical level 1 10 of 15"],
        ),
        // Nothing new: nothing is told, and a day later it is over without a word.
        (10 * 60, nothing, &[]),
        (25 * 60, nothing, &[]),
        (26 * 60, nothing, &[]),
        (
            26 * 60 + 1,
            five,
            &["deliveries-exhausted opened critical level 1 5 of 5"],
        ),
    ]);
}

#[test]
fn parked_events_are_told_by_company() {
    check(&[
        (
            0,
            |facts| facts.parked = vec![(151, 3), (152, 1)],
            &[
                "parked-growing opened warning level 1 3 of 3",
                "parked-growing opened warning level 1 1 of 1",
            ],
        ),
        (1, |facts| facts.parked = vec![(151, 2)], &[]),
        (60, nothing, &["parked-growing lasts warning level 1 2 of 5"]),
    ]);
}

#[test]
fn the_service_itself() {
    check(&[
        (0, |facts| facts.service.refused_invalid = 19, &[]),
        (
            1,
            |facts| facts.service.refused_invalid = 20,
            &["intake-refused opened warning level 1"],
        ),
        (
            2,
            |facts| facts.service.refused_unavailable = 20,
            &["intake-refused worse critical level 2"],
        ),
        (3, nothing, &[]),
        (6, nothing, &["intake-refused ended recovered"]),
        (
            7,
            |facts| facts.service.free_bytes = Some(limits::ALERT_DISK_FREE_LEAST - 1),
            &["disk-nearly-full opened warning level 1"],
        ),
        (
            8,
            |facts| {
                facts.service.free_bytes = Some(1);
                facts.service.disk_low = true;
            },
            &["disk-nearly-full worse critical level 2"],
        ),
        (
            9,
            |facts| {
                facts.service.free_bytes = Some(1);
                facts.service.store_fault = Some("the disk is full");
            },
            &["store-failed opened critical level 1"],
        ),
        (10, nothing, &[]),
        (
            13,
            nothing,
            &["disk-nearly-full ended recovered", "store-failed ended recovered"],
        ),
    ]);
}

#[test]
fn sends_have_stopped_when_something_waits_and_none_ends() {
    let waits: Change = |facts| {
        facts.service.queued = 3;
        facts.service.sends = 100;
    };
    let moves: Change = |facts| {
        facts.service.queued = 3;
        facts.service.sends = 101;
    };
    check(&[
        (0, waits, &[]),
        (4, waits, &[]),
        (5, waits, &["sends-stopped opened critical level 1"]),
        (6, moves, &[]),
        (9, nothing, &["sends-stopped ended recovered"]),
    ]);
    // A quiet service has nothing to send.
    check(&[(0, nothing, &[]), (60, nothing, &[])]);
}

#[test]
fn an_endpoint_that_was_not_looked_at_stays_as_it_is() {
    check(&[
        (
            0,
            |facts| oldest(facts, 40),
            &["endpoint-failing opened warning level 2"],
        ),
        (1, |facts| facts.endpoints.clear(), &[]),
        (30, |facts| facts.endpoints.clear(), &[]),
        (
            31,
            |facts| oldest(facts, 50),
            &["endpoint-failing worse warning level 3"],
        ),
    ]);
}

#[test]
fn a_restart_repeats_what_was_not_told_and_nothing_else() {
    let mut facts = well();
    oldest(&mut facts, 40);
    for told in [false, true] {
        let mut board = Board::default();
        let opened = board.round(T0, &facts, &Bounds::default());
        if told {
            board.told(&opened.iter().map(|notice| notice.alert.id).collect());
        }
        let mut board = Board::load(board.take_changed(usize::MAX));
        let again = board.round(at(1), &facts, &Bounds::default());
        let expected: &[&str] = if told {
            &[]
        } else {
            &["endpoint-failing opened warning level 2"]
        };
        assert_eq!(again.iter().map(line).collect::<Vec<_>>(), expected);
        let alert = board.open().next().unwrap();
        assert_eq!((alert.since, alert.id), (T0, 1));
        // It goes on counting its repeats from the first notice, and ids go on.
        board.told(&[1].into());
        let lasts = board.round(at(60), &facts, &Bounds::default());
        assert_eq!(lasts.len(), 1);
    }
}

#[test]
fn what_could_not_be_stored_is_stored_later() {
    let mut facts = well();
    oldest(&mut facts, 40);
    let mut board = Board::default();
    board.round(T0, &facts, &Bounds::default());
    let changed = board.take_changed(10);
    assert_eq!(changed.len(), 1);
    assert!(board.take_changed(10).is_empty());
    board.unstored(&changed);
    assert_eq!(board.take_changed(10), changed);
    // A round that only moves the figures writes nothing.
    oldest(&mut facts, 41);
    board.round(at(1), &facts, &Bounds::default());
    assert!(board.take_changed(10).is_empty());
}

#[test]
fn open_and_ended_alerts_are_bounded() {
    let mut board = Board::default();
    let mut facts = well();
    facts.parked = (0..limits::ALERTS_OPEN as i64 + 5)
        .map(|company| (company, 1))
        .collect();
    board.round(T0, &facts, &Bounds::default());
    assert_eq!(board.open().count(), limits::ALERTS_OPEN);
    assert_eq!(board.overflowed(), 5);
    board.round(at(1), &well(), &Bounds::default());
    board.round(at(2 * 24 * 60), &well(), &Bounds::default());
    assert_eq!(board.open().count(), 0);
    assert_eq!(board.ended().count(), limits::ALERTS_KEPT);
}

/// The certificate ends 40 days after the beginning.
fn certificate(facts: &mut Facts) {
    facts.endpoints[0].certificate = Some(CertificateEnd {
        ends: T0.plus(40 * 24 * HOUR),
        used_as: CertificateUse::Client,
    });
}

#[test]
fn the_end_of_a_certificate_is_told_as_it_comes_nearer() {
    const DAY: u64 = 24 * 60;
    check(&[
        (0, certificate, &[]),
        (10 * DAY - 1, certificate, &[]),
        (
            10 * DAY,
            certificate,
            &["certificate-ending opened warning level 1"],
        ),
        // It is not told again while it only lasts.
        (20 * DAY, certificate, &[]),
        (
            26 * DAY,
            certificate,
            &["certificate-ending worse warning level 2"],
        ),
        (
            37 * DAY,
            certificate,
            &["certificate-ending worse warning level 4"],
        ),
        (
            39 * DAY,
            certificate,
            &["certificate-ending worse critical level 5"],
        ),
        (40 * DAY - 1, certificate, &[]),
        (
            40 * DAY,
            certificate,
            &["certificate-ending worse critical level 6"],
        ),
        (50 * DAY, certificate, &[]),
        // Another one is in the settings.
        (51 * DAY, nothing, &[]),
        (51 * DAY + 3, nothing, &["certificate-ending ended recovered"]),
    ]);
}

/// Another one, which ends 60 days after the beginning.
fn next_certificate(facts: &mut Facts) {
    facts.endpoints[0].certificate = Some(CertificateEnd {
        ends: T0.plus(60 * 24 * HOUR),
        used_as: CertificateUse::Authority,
    });
}

#[test]
fn another_certificate_has_an_alert_of_its_own() {
    const DAY: u64 = 24 * 60;
    check(&[
        (
            41 * DAY,
            certificate,
            &["certificate-ending opened critical level 6"],
        ),
        (41 * DAY + 1, next_certificate, &[]),
        (
            41 * DAY + 4,
            next_certificate,
            &["certificate-ending ended recovered"],
        ),
        (
            41 * DAY + 5,
            next_certificate,
            &["certificate-ending opened warning level 1"],
        ),
    ]);
}

#[test]
fn a_disabled_endpoint_needs_no_certificate() {
    check(&[
        (
            39 * 24 * 60,
            certificate,
            &["certificate-ending opened critical level 5"],
        ),
        (
            39 * 24 * 60 + 1,
            |facts| {
                certificate(facts);
                facts.endpoints[0].live = false;
            },
            &["certificate-ending ended removed"],
        ),
    ]);
}
