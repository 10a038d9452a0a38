//! What the outlets must have got.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Kill;
use super::load::Sent;

/// How long before a kill a confirmation that is repeated after it can have been given: the time of a commit on a slow
/// disk. What was confirmed earlier was recorded, and must not be repeated.
const UNRECORDED_US: i64 = 2_000_000;

/// A callback's id and its level, each where it has one.
type About = (Option<String>, Option<String>);

/// The lines of all days.
pub(super) fn lines(dir: &Path) -> String {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// In the files stands what was sent, each once, in its order. Returns how many lines there are.
pub(super) fn check_files(dir: &Path, sent: &[Sent]) -> usize {
    let text = lines(dir);
    let mut found: BTreeMap<i64, Vec<About>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(numbers.insert(line["number"].as_i64().unwrap()), "twice: {line}");
        assert_eq!(line["stale"], false, "{line}");
        let body: Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
        let level = body["data"]["data"]["taskResult"][0]["resultValue"].as_str();
        found
            .entry(line["entityId"].as_i64().unwrap())
            .or_default()
            .push((
                line["eventId"].as_str().map(str::to_owned),
                level.map(str::to_owned),
            ));
    }
    let mut expected: BTreeMap<i64, Vec<About>> = BTreeMap::new();
    for sent in sent {
        expected
            .entry(sent.call_id)
            .or_default()
            .push((sent.event_id.clone(), sent.level.map(str::to_owned)));
    }
    assert_eq!(found, expected);
    numbers.len()
}

/// The receiver has confirmed every callback with an id, in the order of its call, and got one again only where a kill
/// explains it. Returns how many it got again.
pub(super) fn check_receiver(journal: &Path, sent: &[Sent], kills: &[Kill]) -> usize {
    let text = std::fs::read_to_string(journal).unwrap();
    let mut requests: BTreeMap<String, Vec<(i64, bool)>> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(event_id) = line["eventId"].as_str() {
            requests
                .entry(event_id.to_owned())
                .or_default()
                .push((line["bootUs"].as_i64().unwrap(), line["answer"] == "success"));
        }
    }
    let known: BTreeSet<_> = sent.iter().filter_map(|sent| sent.event_id.clone()).collect();
    assert_eq!(requests.keys().cloned().collect::<BTreeSet<_>>(), known);
    let mut again = 0;
    for (event_id, requests) in &mut requests {
        requests.sort_unstable();
        let confirmed: Vec<i64> = requests
            .iter()
            .filter(|(_, success)| *success)
            .map(|(at, _)| *at)
            .collect();
        assert!(!confirmed.is_empty(), "{event_id} is lost: {requests:?}");
        for pair in confirmed.windows(2) {
            let explained = kills.iter().any(|kill| {
                kill.alive_us - pair[0] < UNRECORDED_US && pair[0] <= kill.gone_us && pair[1] >= kill.alive_us
            });
            assert!(
                explained,
                "{event_id} was handed on again without a kill: {requests:?} {kills:?}"
            );
            again += 1;
        }
    }
    check_order(sent, &requests);
    again
}

/// No callback of a call is sent before the one before it was confirmed.
fn check_order(sent: &[Sent], requests: &BTreeMap<String, Vec<(i64, bool)>>) {
    for pair in sent.windows(2) {
        let [earlier, later] = pair else { continue };
        let (Some(earlier_id), Some(later_id)) = (&earlier.event_id, &later.event_id) else {
            continue;
        };
        if earlier.call_id == later.call_id {
            let confirmed = requests[earlier_id]
                .iter()
                .find(|(_, success)| *success)
                .unwrap()
                .0;
            let begun = requests[later_id][0].0;
            assert!(confirmed < begun, "{later_id} overtook {earlier_id}");
        }
    }
}
