//! The simulation on virtual time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use ringback_contract::date_time::{format_local, parse_local};
use serde_json::Value;

use super::super::event::Line;
use super::super::hours::{Hours, TimeOfDay};
use super::super::plan::{self, Plan};
use super::super::redial::{RedialRule, RedialRules};
use super::*;

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn plan(seed: u64, jobs: usize, calls: usize) -> Plan {
    Plan {
        seed,
        company_id: 151,
        jobs,
        calls,
        lines: 10,
        date: date(2026, 1, 5),
        zone: zone(),
    }
}

fn events(plan: &Plan) -> Vec<Event> {
    plan.clone()
        .into_lines(plan.world())
        .map(|(line, _)| line.event)
        .collect()
}

/// The `data.data` of an event.
fn data(event: &Event) -> Value {
    let body: Value = serde_json::from_str(&event.body).unwrap();
    body["data"]["data"].clone()
}

#[test]
fn a_seed_gives_the_same_events() {
    let keys = |plan: &Plan| -> Vec<_> {
        plan.clone()
            .into_lines(plan.world())
            .map(|(line, _)| line)
            .collect()
    };
    let first = keys(&plan(7, 8, 200));
    assert_eq!(first, keys(&plan(7, 8, 200)));
    assert!(first.len() > 200);
    // Another plan has other keys and other ids.
    let ids = |lines: &[Line]| -> BTreeSet<i64> { lines.iter().map(|line| line.event.entity_id).collect() };
    for other in [plan(8, 8, 200), plan(7, 7, 200), plan(7, 8, 201)] {
        let other = keys(&other);
        assert_ne!(other[0].key, first[0].key);
        assert!(ids(&other).is_disjoint(&ids(&first)));
    }
    let keys: BTreeSet<&str> = first.iter().map(|line| line.key.as_str()).collect();
    assert_eq!(keys.len(), first.len());
}

#[test]
fn every_status_comes_and_each_follows_from_the_one_before() {
    let mut before: BTreeMap<i64, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in events(&plan(1, 8, 400)) {
        if event.kind != Kind::Job {
            continue;
        }
        let status = data(&event)["status"].as_i64().unwrap();
        seen.insert(status);
        let after = JobStatus::ALL[usize::try_from(status).unwrap()];
        match before.insert(event.entity_id, status) {
            None => assert_eq!(after, JobStatus::NotStarted),
            Some(from) => {
                let from = JobStatus::ALL[usize::try_from(from).unwrap()];
                let causes = [
                    Cause::Start,
                    Cause::Line,
                    Cause::HoursEnd,
                    Cause::HoursBegin,
                    Cause::RedialsLeft,
                    Cause::RedialDue,
                    Cause::NobodyLeft,
                    Cause::Pause,
                    Cause::Stop,
                    Cause::Arrears,
                    Cause::TextArrears,
                    Cause::Expiry,
                ];
                let follows = causes.into_iter().any(|cause| from.after(cause) == Some(after));
                assert!(follows, "{from:?} {after:?}");
            }
        }
    }
    assert_eq!(seen, (0..=10).collect());
    assert!(before.values().all(|last| [2, 6].contains(last)), "{before:?}");
}

#[test]
fn calls_begin_in_working_hours_and_never_more_than_there_are_lines() {
    let zone = zone();
    let mut calls: Vec<(i64, i64)> = Vec::new();
    for event in events(&plan(2, 8, 600)) {
        if event.kind != Kind::Call {
            continue;
        }
        let scene = &data(&event)["sceneInstance"];
        let (start, end) = (
            scene["startTime"].as_str().unwrap(),
            scene["endTime"].as_str().unwrap(),
        );
        let time = &start[11..];
        let works = ("09:00:00".."12:00:00").contains(&time) || ("13:30:00".."20:00:00").contains(&time);
        assert!(works, "{start}");
        assert!(end >= start && format_local(event.at_ms, &zone) == end);
        let at = |text: &str| parse_local(text, &zone).unwrap();
        calls.push((at(start), event.at_ms));
    }
    let most = calls
        .iter()
        .map(|(start, _)| {
            calls
                .iter()
                .filter(|(from, to)| from < start && *to > start + 1000)
                .count()
        })
        .max();
    assert!(most.unwrap() <= 10, "{most:?}");
}

/// One job with these hours and rules, so many customers, and one line.
fn one_job(rules: Vec<RedialRule>, customers: usize) -> (World, i64) {
    let now = parse_local("2026-01-05 09:00:00", &zone()).unwrap();
    let mut world = World::new(3, zone(), now, 1, 1);
    let mut task = plan::task(0);
    task.redials = RedialRules::new(rules);
    task.hours = Hours {
        start: TimeOfDay::at(9, 0),
        end: TimeOfDay::at(20, 0),
        rest: None,
    };
    let id = world.create(151, task);
    let people = (0..customers)
        .map(|place| NewCustomer {
            phone: format!("137{place:08}"),
            ..NewCustomer::default()
        })
        .collect();
    assert_eq!(world.import(id, people).unwrap().success, customers);
    (world, id)
}

#[test]
fn customers_are_called_again_by_the_rules_and_at_their_time() {
    let rule = |status| RedialRule::new(status, 2, 10).unwrap();
    let (mut world, id) = one_job([2, 3, 5, 6, 7, 9, 10].map(rule).to_vec(), 300);
    world.order(id, Cause::Start).unwrap();
    let mut last: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
    while let Some(event) = world.next_event() {
        if event.kind != Kind::Call {
            continue;
        }
        let data = data(&event);
        let scene = &data["sceneInstance"];
        let number = |name: &str| scene[name].as_i64().unwrap();
        let (customer, index) = (number("customerId"), number("callIndex"));
        let start = parse_local(scene["startTime"].as_str().unwrap(), &zone()).unwrap();
        match last.get(&customer) {
            None => assert_eq!(index, 0),
            Some((before, finish, ended)) => {
                assert_eq!(index, before + 1);
                assert!([2, 3, 5, 6, 7, 9, 10].contains(finish), "{finish}");
                assert!(start + 1000 > ended + 600_000);
            }
        }
        let is_again = [2, 3, 5, 6, 7, 9, 10].contains(&number("finishStatus")) && index < 2;
        assert_eq!(number("status"), if is_again { 3 } else { 2 });
        assert_eq!(number("secondaryCallTimes"), if is_again { 2 - index } else { 0 });
        last.insert(customer, (index, number("finishStatus"), event.at_ms));
    }
    assert_eq!(last.len(), 300);
    assert!(last.values().any(|(index, ..)| *index == 2));
    assert_eq!(world.progress(), (300, 300));
}

#[test]
fn only_the_last_call_says_that_its_job_is_finished_and_the_job_completes_after_it() {
    let (mut world, id) = one_job(Vec::new(), 20);
    world.order(id, Cause::Start).unwrap();
    let mut told = Vec::new();
    while let Some(event) = world.next_event() {
        match event.kind {
            Kind::Call => told.push(data(&event)["jobFinished"].to_string()),
            Kind::Job => told.push(data(&event)["status"].to_string()),
            Kind::Correction | Kind::Inbound => {}
        }
    }
    let mut expected = vec!["0", "7", "1"];
    expected.extend(["false"; 19]);
    expected.extend(["true", "2"]);
    assert_eq!(told, expected);
}

#[test]
fn orders_are_refused_where_the_status_does_not_allow_them() {
    let (mut world, id) = one_job(Vec::new(), 2);
    assert_eq!(world.order(id + 1000, Cause::Start), Err(Refused::NoJob));
    assert_eq!(world.order(id, Cause::Pause), Err(Refused::Status));
    assert_eq!(world.order(id, Cause::Start), Ok(()));
    assert_eq!(world.order(id, Cause::Start), Err(Refused::Status));
    assert_eq!(world.order(id, Cause::Pause), Ok(()));
    // What is in flight ends; nobody else is called.
    while world.next_event().is_some() {}
    assert_eq!(world.progress(), (1, 2));
    assert_eq!(world.order(id, Cause::Start), Ok(()));
    while world.next_event().is_some() {}
    assert_eq!(world.progress(), (2, 2));
    for cause in [Cause::Start, Cause::Stop, Cause::Pause] {
        assert_eq!(world.order(id, cause), Err(Refused::Status));
    }
    assert_eq!(world.import(id, Vec::new()), Err(Refused::Status));
    assert_eq!(world.delete(id), Ok(()));
    assert_eq!(world.delete(id), Err(Refused::NoJob));

    let (mut world, id) = one_job(Vec::new(), 1);
    if let Some(job) = world.jobs.get_mut(&id) {
        job.task.hours.start = TimeOfDay::at(20, 0);
        job.task.hours.end = TimeOfDay::at(21, 0);
    }
    assert_eq!(world.order(id, Cause::Start), Err(Refused::Hours));
}

/// Time that passes in small steps brings the same as time that passes at once.
#[test]
fn it_does_not_matter_in_which_steps_time_passes() {
    let run = |step_ms: i64| {
        let (mut world, id) = one_job(vec![RedialRule::new(6, 1, 30).unwrap()], 50);
        world.order(id, Cause::Start).unwrap();
        let end = world.now_ms() + 24 * 60 * 60 * 1000;
        let mut events = Vec::new();
        while world.now_ms() < end {
            world.advance(world.now_ms() + step_ms);
            while let Some(event) = world.take() {
                events.push(event);
            }
        }
        events
    };
    assert_eq!(run(977), run(60 * 60 * 1000));
}

#[test]
fn every_event_is_one_that_intake_takes_and_calls_are_plausible() {
    let mut corrections = 0;
    let mut levels = BTreeSet::new();
    let mut finished = BTreeSet::new();
    let mut called = BTreeSet::new();
    for event in events(&plan(5, 8, 800)) {
        let intake = ringback_contract::intake::parse(event.kind, event.body.as_bytes()).unwrap();
        assert_eq!((intake.company_id(), intake.entity_id()), (151, event.entity_id));
        let data = data(&event);
        match event.kind {
            Kind::Call => {
                let scene = &data["sceneInstance"];
                let is_answered = scene["finishStatus"] == 0;
                assert_eq!(scene["duration"].as_i64().unwrap() > 0, is_answered);
                levels.insert(
                    data["taskResult"][0]["resultValueAlias"]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                );
                finished.insert(scene["finishStatus"].as_i64().unwrap());
                called.insert(event.entity_id);
            }
            Kind::Correction => {
                corrections += 1;
                assert!(
                    called.contains(&event.entity_id),
                    "a correction comes after its call"
                );
            }
            Kind::Job | Kind::Inbound => {}
        }
    }
    assert_eq!(levels, ["A", "B", "C", "D", "E", "F"].map(str::to_owned).into());
    assert!(finished.is_superset(&(0..=11).collect()), "{finished:?}");
    assert!(corrections > 0);
}
