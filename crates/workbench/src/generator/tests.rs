//! What generated callbacks promise: the same from the same seed, valid, and as varied as real ones.

use std::collections::BTreeSet;

use ringback_contract::callback::Callback;
use ringback_contract::intake;
use serde_json::Value;

use super::*;

const NOW_MS: i64 = 1_767_225_600_000;

fn generator(seed: u64) -> Generator {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    Generator::new(Setup {
        zone,
        ..Setup::new(seed, 151)
    })
}

/// The next `count` callbacks, a second apart.
fn some(generator: &mut Generator, count: i64) -> Vec<Generated> {
    (0..count)
        .map(|second| generator.next(NOW_MS + second * 1000))
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(some(&mut generator(7), 100), some(&mut generator(7), 100));
    assert_ne!(some(&mut generator(7), 20), some(&mut generator(8), 20));
}

#[test]
fn every_callback_is_valid_and_says_what_it_is() {
    for generated in some(&mut generator(1), 250) {
        let parsed = intake::parse(generated.kind, generated.body.as_bytes()).unwrap();
        assert_eq!(parsed.kind(), generated.kind);
        assert_eq!(
            (parsed.company_id(), parsed.entity_id()),
            (151, generated.entity_id)
        );
        assert_eq!(
            Callback::read(generated.body.as_bytes()).unwrap().kind(),
            generated.kind
        );
        assert!(generated.body.len() < 32 * 1024, "{} bytes", generated.body.len());
        let identity = crate::receiver::identify(generated.body.as_bytes());
        assert_eq!(
            identity.phone.is_some(),
            matches!(generated.kind, Kind::Call | Kind::Inbound)
        );
        assert!(identity.phone.is_none_or(|phone| phone.contains("xxxx")));
    }
}

/// The values that each of these fields has over many callbacks of one kind.
fn values<const N: usize>(kind: Kind, pointers: [&str; N]) -> [BTreeSet<String>; N] {
    let mut generator = generator(3);
    let mut found = [(); N].map(|()| BTreeSet::new());
    for second in 0..600 {
        let generated = generator.callback(kind, NOW_MS + second * 1000);
        let body: Value = serde_json::from_str(&generated.body).unwrap();
        for (values, pointer) in found.iter_mut().zip(pointers) {
            values.insert(body["data"]["data"].pointer(pointer).unwrap().to_string());
        }
    }
    found
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

#[test]
fn everything_that_happens_in_real_calls_happens() {
    let levels = texts(["\"A\"", "\"B\"", "\"C\"", "\"D\"", "\"E\"", "\"F\""]);
    let [statuses, found, labels, durations] = values(
        Kind::Call,
        [
            "/sceneInstance/finishStatus",
            "/taskResult/0/resultValueAlias",
            "/taskResult/1/resultLabels",
            "/sceneInstance/duration",
        ],
    );
    assert_eq!(statuses, texts((0..=11).chain([22])));
    assert_eq!(found, levels);
    assert!(labels.len() > 5 && durations.len() > 20);
    let [found] = values(Kind::Correction, ["/taskResult/0/resultValue"]);
    assert_eq!(found, levels);
    let [statuses] = values(Kind::Job, ["/status"]);
    assert!(statuses.is_superset(&texts([2, 4, 5, 9, 10])));
    let [transfers, jobs] = values(
        Kind::Inbound,
        ["/sceneInstance/transferStatus", "/taskResult/0/callJobId"],
    );
    assert_eq!((transfers, jobs), (texts([0, 1, 2]), texts(["null"])));
}

#[test]
fn ids_leave_32_bits_behind() {
    let mut generator = generator(1);
    let ids: Vec<i64> = (0..8)
        .map(|_| generator.callback(Kind::Call, NOW_MS).entity_id)
        .collect();
    assert_eq!(ids, (FIRST_CALL_ID..FIRST_CALL_ID + 8).collect::<Vec<_>>());
    assert!(ids[0] < 1 << 31 && ids[7] >= 1 << 31);
}

#[test]
fn a_conversation_fits_its_call() {
    let mut generator = generator(5);
    for _ in 0..150 {
        let Callback::Call(call) =
            Callback::read(generator.callback(Kind::Call, NOW_MS).body.as_bytes()).unwrap()
        else {
            panic!("no call")
        };
        let scene = &call.scene_instance;
        let turns = call.phone_log.as_ref().unwrap().phone_logs.as_ref().unwrap();
        assert_eq!(turns.is_empty(), scene.finish_status != Some(0));
        assert_eq!(scene.hang_up.is_some(), scene.finish_status == Some(0));
        let mut before = 0;
        for turn in turns {
            assert_eq!(turn.scene_instance_id, scene.call_instance_id);
            assert!(before <= turn.start_time.unwrap() && turn.start_time < turn.end_time);
            before = turn.end_time.unwrap();
        }
        assert!(before / 1000 <= scene.duration.unwrap());
        let rounds = turns
            .iter()
            .filter(|turn| turn.speaker.as_deref() == Some("ME"))
            .count();
        assert_eq!(scene.chat_round, Some(i64::try_from(rounds).unwrap()));
        assert!(scene.end_time.as_deref().unwrap() <= "2026-01-01 08:00:00");
    }
}

#[test]
fn a_correction_changes_the_level_of_a_call_that_was() {
    let mut generator = generator(9);
    let call = generator.callback(Kind::Call, NOW_MS);
    let level = |body: &str| crate::receiver::identify(body.as_bytes()).intent.unwrap();
    let mut before = level(&call.body);
    for _ in 0..20 {
        let correction = generator.callback(Kind::Correction, NOW_MS);
        assert_eq!(correction.entity_id, call.entity_id);
        assert_eq!(
            correction.result_value.as_deref(),
            Some(level(&correction.body).as_str())
        );
        assert_ne!(level(&correction.body), before);
        before = level(&correction.body);
    }
}
