//! What the store keeps and makes due, each case as a script of what comes in and what becomes of it.

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::inbox::decode::decode;
use crate::inbox::failures::Failure;
use crate::inbox::fingerprint;
use crate::receiver::identify;

const NOW_MS: i64 = 1_767_225_600_000;
const GIVE_UP_MS: i64 = 10_000;

/// A store with a forward outlet, unless the case wants others.
struct Lab {
    dir: TempDir,
    store: Store,
    outlets: Vec<OutletName>,
}

impl Lab {
    fn new(outlets: &[OutletName]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(dir.path(), outlets, Beginning::Now, NOW_MS).unwrap(),
            dir,
            outlets: outlets.to_vec(),
        }
    }

    /// As after a restart with these outlets.
    fn reopen(&mut self, outlets: &[OutletName], beginning: Beginning) {
        self.store.close();
        let nowhere = tempfile::tempdir().unwrap();
        self.store = Store::open(nowhere.path(), &[], Beginning::Now, NOW_MS).unwrap();
        self.store = Store::open(self.dir.path(), outlets, beginning, NOW_MS).unwrap();
        self.outlets = outlets.to_vec();
    }

    async fn accept(&self, event_id: Option<&str>, body: &str, drop_stale: bool) -> Accepted {
        let callback = callback(event_id, body);
        let outlets = self.outlets.clone();
        self.store
            .write(move |transaction| callback.accept(transaction, &outlets, drop_stale))
            .await
            .unwrap()
    }

    async fn due(&self, outlet: OutletName, now_ms: i64) -> Vec<i64> {
        self.store.due(outlet, now_ms, 100).await.unwrap().0
    }

    async fn settle(&self, number: i64, verdict: Verdict, now_ms: i64) -> Vec<(i64, Failure)> {
        let settled = Settled {
            outlet: self.outlets[0],
            numbers: vec![number],
            verdict,
            file: None,
            now_ms,
            give_up_ms: GIVE_UP_MS,
        };
        self.store.settle(settled).await.unwrap()
    }

    async fn state(&self, number: i64) -> State {
        self.store.event(number).await.unwrap().unwrap().handovers[0].state
    }
}

fn callback(event_id: Option<&str>, body: &str) -> Callback {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let decoded = decode(None, &body).unwrap();
    let identity = identify(&body);
    Callback {
        received_ms: NOW_MS,
        fingerprint: fingerprint::take(event_id, &identity, &decoded.value),
        event_id: event_id.map(str::to_owned),
        send: None,
        kind: identity.kind,
        company_id: identity.company_id,
        entity_id: identity.entity_id,
        verified: false,
        verification: "{}".to_owned(),
        path: "/".to_owned(),
        content_type: None,
        headers: "[]".to_owned(),
        body,
        content: decoded.text,
    }
}

fn call(id: i64) -> String {
    format!(
        r#"{{"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{{"sceneInstance":{{"companyId":1,"callInstanceId":{id}}}}}}}}}"#
    )
}

fn correction(id: i64, level: &str) -> String {
    format!(
        r#"{{"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{{"taskResult":[{{"companyId":1,"sceneInstanceId":{id},"resultName":"客户意向等级","resultValue":"{level}"}}]}}}}}}"#
    )
}

fn job(status: i64) -> String {
    format!(
        r#"{{"data":{{"dataType":"JOB_INFO_RESULT","data":{{"companyId":1,"callJobId":7,"status":{status}}}}}}}"#
    )
}

/// A webhook-id of ringback, the `number`th of them.
fn evt(number: i64) -> String {
    ringback_core::id::EventId(number).to_string()
}

/// What comes in, with a webhook-id or without, and the number of the callback that it becomes.
type Step<'a> = (Option<&'a str>, String, i64);

#[tokio::test]
async fn repetitions_are_recognised_and_states_that_come_back_are_not() {
    let (a, b) = (evt(1), evt(2));
    let cases: &[(&str, &[Step<'_>])] = &[
        (
            "an id is one event of its call, whatever its body; another installation can give it too",
            &[
                (Some(&a), call(1), 1),
                (Some(&a), call(1), 1),
                (Some(&b), call(1), 2),
                (Some(&a), call(1).replace("1}", "1,\"x\":2}"), 1),
                (Some(&a), call(2), 3),
                (Some(&a), correction(1, "B"), 4),
                (Some(&a), call(2), 3),
                (Some("msg_other"), call(1), 5),
                (Some("msg_other"), call(1), 5),
            ],
        ),
        (
            "a call is a fact",
            &[
                (None, call(1), 1),
                (None, call(1).replace("1}", "1,\"x\":2}"), 2),
                (None, call(1), 1),
                (None, call(1).replace(":1}", ": 1 }"), 1),
                (None, call(2), 3),
            ],
        ),
        (
            "B, then C, then B are three corrections",
            &[
                (None, correction(1, "B"), 1),
                (None, correction(1, "B"), 1),
                (None, correction(1, "C"), 2),
                (None, correction(1, "B"), 3),
                (None, correction(1, "B"), 3),
                (None, correction(2, "C"), 4),
                (None, call(1), 5),
                (None, correction(1, "B"), 3),
            ],
        ),
        (
            "so are the states of a job",
            &[
                (None, job(4), 1),
                (None, job(4), 1),
                (None, job(2), 2),
                (None, job(4), 3),
            ],
        ),
        (
            "what is not known repeats nothing",
            &[(None, "{}".to_owned(), 1), (None, "{}".to_owned(), 2)],
        ),
    ];
    for (name, script) in cases {
        let lab = Lab::new(&[OutletName::Forward]);
        let mut seen = 0;
        for (place, (event_id, body, number)) in script.iter().enumerate() {
            let accepted = lab.accept(*event_id, body, false).await;
            assert_eq!(
                (accepted.number, accepted.repeated),
                (*number, *number <= seen),
                "{name}: {place}"
            );
            seen = seen.max(*number);
        }
    }
}

#[tokio::test]
async fn repetitions_are_counted() {
    let lab = Lab::new(&[]);
    for body in [call(1), call(1), call(1).replace("1}", "1,\"x\":2}")] {
        lab.accept(Some(&evt(1)), &body, false).await;
    }
    let stored = lab.store.event(1).await.unwrap().unwrap().stored;
    assert_eq!((stored.repeats, stored.differing), (2, 1));
    assert_eq!(stored.body, call(1));
}

#[tokio::test]
async fn late_callbacks_are_stale_and_dropped_only_where_a_newer_one_says_all() {
    // What came before with evt 5, what comes late with evt 4: stale, dropped.
    for (before, late, stale, dropped) in [
        (call(1), call(1).replace("1}", "1,\"x\":2}"), true, true),
        (call(1), correction(1, "B"), true, true),
        (correction(1, "B"), correction(1, "C"), true, true),
        (correction(1, "B"), call(1), true, false),
        (job(2), job(4), true, true),
        (call(2), call(1), false, false),
        (job(2), call(7), false, false),
    ] {
        for drop_stale in [false, true] {
            let lab = Lab::new(&[OutletName::Forward]);
            lab.accept(Some(&evt(5)), &before, drop_stale).await;
            let accepted = lab.accept(Some(&evt(4)), &late, drop_stale).await;
            assert_eq!((accepted.number, accepted.stale), (2, stale), "{late}");
            let expected = if drop_stale && dropped {
                State::Dropped
            } else {
                State::Pending
            };
            assert_eq!(lab.state(2).await, expected, "{before} {late}");
        }
    }
    // Ids of other senders say nothing about order.
    let lab = Lab::new(&[OutletName::Forward]);
    lab.accept(Some("msg_b"), &call(1), true).await;
    assert!(!lab.accept(Some("msg_a"), &correction(1, "B"), true).await.stale);
}

#[tokio::test]
async fn of_a_key_one_is_due_and_failures_hold_up_their_key_alone() {
    const OUTLET: OutletName = OutletName::Forward;
    let lab = Lab::new(&[OUTLET]);
    for body in [call(1), correction(1, "B"), correction(1, "C"), call(2)] {
        lab.accept(None, &body, false).await;
    }
    assert_eq!(lab.due(OUTLET, NOW_MS).await, [1, 4]);

    lab.settle(1, Verdict::Failed("status 500".to_owned()), NOW_MS)
        .await;
    assert_eq!(lab.due(OUTLET, NOW_MS).await, [4]);
    assert_eq!(
        lab.store.due(OUTLET, NOW_MS, 100).await.unwrap().1,
        Some(NOW_MS + 1_000)
    );
    assert_eq!(lab.due(OUTLET, NOW_MS + 1_000).await, [4, 1]);

    lab.settle(1, Verdict::Confirmed, NOW_MS + 1_000).await;
    assert_eq!(lab.due(OUTLET, NOW_MS + 1_000).await, [4, 2]);
    // A confirmation is final, whatever is said later.
    lab.settle(1, Verdict::Failed("late".to_owned()), NOW_MS).await;
    assert_eq!(lab.state(1).await, State::Confirmed);

    // It is given up before the try that would come too late, and the next of its key goes.
    for (second, state) in [
        (0, State::Pending),
        (1, State::Pending),
        (3, State::Pending),
        (7, State::GivenUp),
    ] {
        lab.settle(
            2,
            Verdict::Failed("status 500".to_owned()),
            NOW_MS + second * 1_000,
        )
        .await;
        assert_eq!(lab.state(2).await, state, "{second}");
    }
    assert_eq!(lab.due(OUTLET, NOW_MS + 7_000).await, [4, 3]);

    // Handed on again, it waits behind the one that is under way.
    assert_eq!(lab.store.redrive_given_up(OUTLET, NOW_MS).await.unwrap(), 1);
    assert_eq!(lab.due(OUTLET, NOW_MS + 7_000).await, [4, 3]);
    lab.settle(3, Verdict::Confirmed, NOW_MS).await;
    assert_eq!(lab.due(OUTLET, NOW_MS + 7_000).await, [2, 4]);
    assert!(lab.store.let_go(2, OUTLET, NOW_MS).await.unwrap());
    assert!(!lab.store.let_go(2, OUTLET, NOW_MS).await.unwrap());
    assert_eq!(
        (lab.state(2).await, lab.due(OUTLET, NOW_MS).await),
        (State::LetGo, vec![4])
    );
}

#[tokio::test]
async fn those_that_wait_go_in_the_order_of_their_ids() {
    let lab = Lab::new(&[OutletName::Exec]);
    for (id, level) in [(5, "A"), (9, "B"), (7, "C")] {
        lab.accept(Some(&evt(id)), &correction(1, level), false).await;
    }
    lab.accept(None, &correction(1, "D"), false).await;
    let mut order = Vec::new();
    while let [next] = lab.due(OutletName::Exec, NOW_MS).await[..] {
        order.push(next);
        lab.settle(next, Verdict::Confirmed, NOW_MS).await;
    }
    assert_eq!(order, [1, 3, 2, 4]);
}

#[tokio::test]
async fn an_outlet_that_was_away_gets_what_came_meanwhile() {
    let mut lab = Lab::new(&[OutletName::Forward]);
    lab.accept(None, &call(1), false).await;
    lab.reopen(&[], Beginning::Now);
    lab.accept(None, &correction(1, "B"), false).await;
    lab.accept(None, &call(2), false).await;
    // One that was never in use begins with what comes next, unless it is told otherwise.
    lab.reopen(&[OutletName::Forward, OutletName::Exec], Beginning::Now);
    lab.accept(None, &call(3), false).await;
    assert_eq!(lab.due(OutletName::Forward, NOW_MS).await, [1, 3, 4]);
    assert_eq!(lab.due(OutletName::Exec, NOW_MS).await, [4]);
    lab.reopen(&[OutletName::Files, OutletName::Exec], Beginning::Oldest);
    assert_eq!(lab.due(OutletName::Files, NOW_MS).await, [1, 3, 4]);
    assert_eq!(lab.due(OutletName::Exec, NOW_MS).await, [4]);
    // What it had not got is forgotten with it.
    assert_eq!(lab.store.forget(OutletName::Forward).await.unwrap(), 4);
    lab.reopen(&[OutletName::Forward], Beginning::Now);
    assert_eq!(lab.due(OutletName::Forward, NOW_MS).await, [] as [i64; 0]);
}

#[tokio::test]
async fn only_what_no_outlet_needs_is_removed() {
    let mut lab = Lab::new(&[OutletName::Forward, OutletName::Exec]);
    for id in 1..=6 {
        lab.accept(None, &call(id), false).await;
    }
    lab.outlets.reverse();
    for number in 1..=5 {
        lab.settle(number, Verdict::Confirmed, NOW_MS).await;
    }
    lab.outlets.reverse();
    for number in [1, 2, 4] {
        lab.settle(number, Verdict::Confirmed, NOW_MS).await;
    }
    // Given up at once.
    lab.settle(3, Verdict::Failed("status 500".to_owned()), NOW_MS)
        .await;
    lab.settle(3, Verdict::Failed("status 500".to_owned()), NOW_MS + GIVE_UP_MS)
        .await;
    assert_eq!(lab.store.prune(0, NOW_MS).await.unwrap().removed, 0);
    lab.reopen(&[OutletName::Exec], Beginning::Now);
    lab.accept(None, &call(7), false).await;
    lab.settle(7, Verdict::Confirmed, NOW_MS).await;
    let pruned = lab.store.prune(0, NOW_MS + 1).await.unwrap();
    assert_eq!((pruned.removed, pruned.next), (3, None));
    let kept: Vec<_> = lab.store.list(Filter::All, i64::MAX).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|summary| summary.stored.number).collect();
    // 3 was given up, 5 and 6 are pending, 7 has not reached the outlet that is away.
    assert_eq!(kept, [7, 6, 5, 3]);
    assert_eq!(lab.accept(None, &call(8), false).await.number, 8);
}

#[tokio::test]
async fn lists_are_filtered() {
    let lab = Lab::new(&[OutletName::Forward]);
    lab.accept(Some(&evt(5)), &call(1), false).await;
    lab.accept(Some(&evt(4)), &correction(1, "B"), false).await;
    lab.accept(None, &call(2), false).await;
    lab.settle(1, Verdict::Confirmed, NOW_MS).await;
    lab.settle(3, Verdict::Failed("no".to_owned()), NOW_MS).await;
    lab.settle(3, Verdict::Failed("no".to_owned()), NOW_MS + GIVE_UP_MS)
        .await;
    for (filter, before, numbers) in [
        (Filter::All, i64::MAX, &[3, 2, 1][..]),
        (Filter::All, 3, &[2, 1]),
        (Filter::Pending, i64::MAX, &[2]),
        (Filter::GivenUp, i64::MAX, &[3]),
        (Filter::Stale, i64::MAX, &[2]),
        (Filter::EventId(evt(5)), i64::MAX, &[1]),
        (Filter::EventId("'; DROP TABLE event".to_owned()), i64::MAX, &[]),
        (Filter::Number(1), i64::MAX, &[2, 1]),
        (Filter::Number(3), i64::MAX, &[3]),
    ] {
        let found = lab.store.list(filter.clone(), before).await.unwrap();
        let found: Vec<_> = found.iter().map(|summary| summary.stored.number).collect();
        assert_eq!(found, numbers, "{filter:?}");
    }
    let standing = lab.store.standing(OutletName::Forward).await.unwrap();
    assert_eq!((standing.pending, standing.given_up), (1, 1));
}

#[tokio::test]
async fn the_first_failure_and_the_last_are_told() {
    let lab = Lab::new(&[OutletName::Forward]);
    lab.accept(None, &call(1), false).await;
    let failed = || Verdict::Failed("status 500".to_owned());
    for (verdict, after_ms, told) in [
        (failed(), 0, &[(1, Failure::First)][..]),
        (failed(), 1_000, &[]),
        (failed(), GIVE_UP_MS, &[(1, Failure::GivenUp)]),
        (Verdict::Confirmed, GIVE_UP_MS, &[]),
    ] {
        assert_eq!(lab.settle(1, verdict, NOW_MS + after_ms).await, told);
    }
}

#[tokio::test]
async fn the_last_refusals_are_kept() {
    let lab = Lab::new(&[]);
    let refused = Refused {
        received_ms: NOW_MS,
        status: 400,
        why: "the body is empty".to_owned(),
        event_id: None,
        verification: "{}".to_owned(),
        path: "/".to_owned(),
        headers: "[]".to_owned(),
        body: Refused::kept(&vec![b'x'; limits::INBOX_REFUSED_BYTES + 1]),
        body_bytes: limits::INBOX_REFUSED_BYTES + 1,
    };
    let count = limits::INBOX_REFUSED + 10;
    lab.store
        .write(move |transaction| (0..count).try_for_each(|_| refused.keep(transaction)))
        .await
        .unwrap();
    let (newest, oldest) = (
        lab.store.refused(i64::MAX).await.unwrap(),
        lab.store.refused(20).await.unwrap(),
    );
    assert_eq!((newest[0].number, newest.len()), (count, limits::INBOX_PAGE));
    let row = &newest[0];
    assert_eq!(
        (row.body.len(), row.body_bytes),
        (
            limits::INBOX_REFUSED_BYTES,
            limits::INBOX_REFUSED_BYTES as i64 + 1
        )
    );
    assert_eq!((oldest[0].number, oldest.len()), (19, 9));
}

#[test]
fn a_directory_has_one_owner_and_only_an_inbox_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), &[], Beginning::Now, NOW_MS);
    let first = open().unwrap();
    assert!(matches!(open().unwrap_err(), OpenError::InUse { .. }));
    first.close();
    drop(first);
    drop(open().unwrap());

    let other = tempfile::tempdir().unwrap();
    let connection = Connection::open(other.path().join("inbox.db")).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    let error = Store::open(other.path(), &[], Beginning::Now, NOW_MS).unwrap_err();
    assert!(matches!(error, OpenError::NotAnInbox { .. }), "{error}");
}

#[tokio::test]
async fn a_write_that_is_refused_fails_alone() {
    let lab = Lab::new(&[]);
    let refused = lab
        .store
        .write(|transaction| transaction.execute("INSERT INTO file VALUES ('a', -1)", []));
    let taken = lab
        .store
        .write(|transaction| transaction.execute("INSERT INTO file VALUES ('b', 1)", []));
    let (refused, taken) = tokio::join!(refused, taken);
    assert!(matches!(refused, Err(Fault::Failed(_))), "{refused:?}");
    assert_eq!((taken, lab.store.fault()), (Ok(1), None));
    assert_eq!(lab.store.owned_files().await.unwrap().1, [("b".to_owned(), 1)]);
}
