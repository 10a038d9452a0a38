//! The service without its API, against a receiver on loopback and on virtual time: what is sent when, what is
//! recorded, and what happens when the store fails or the process ends.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it set it up"
)]

#[path = "service/faults.rs"]
mod faults;
mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringback_core::audit::{Action, Actor, Entry};
use ringback_core::delivery::{Outcome, State};
use ringback_core::limits;
use ringback_core::store::{EventRecord, Write, Written};
use ringback_server::service::Unavailable;
use support::{Lab, RETENTION_MS, Receiver, call, settings};

fn state(record: &EventRecord, delivery: usize) -> State {
    record.deliveries[delivery].delivery.state
}

fn sends(record: &EventRecord) -> u32 {
    record.deliveries[0].delivery.sends
}

#[tokio::test]
async fn an_accepted_event_is_delivered_and_its_attempt_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let received = receiver.next().await;
    assert_eq!(received.webhook_id, accepted.event_id.to_string());
    assert!(received.signature.starts_with("v1,"));
    assert!(!received.headers.contains_key("traceparent"), "nothing is traced");
    assert_eq!(
        (received.send, &*received.body),
        (1, &b"{\"call\":7,\"content\":0}"[..])
    );
    received.answer.send("success").unwrap();
    let record = lab
        .until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    let attempt = &record.deliveries[0].attempts[0];
    assert_eq!(
        (attempt.n, attempt.outcome, attempt.status),
        (1, Outcome::Acknowledged, Some(200))
    );
    assert_eq!(&*attempt.body_start, b"success");
    lab.running.shut_down().await;
}

#[tokio::test]
async fn a_failed_send_is_repeated_by_the_schedule_and_then_exhausted() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let mut bodies = Vec::new();
    for (n, gap_ms) in [(1, Some(1_000)), (2, Some(2_000)), (3, None)] {
        let received = receiver.next().await;
        assert_eq!(received.send, n);
        bodies.push(received.body);
        let now = lab.service.time().now();
        received.answer.send("fail").unwrap();
        let record = lab.until(accepted.event_id, |record| sends(record) == n).await;
        let delivery = &record.deliveries[0].delivery;
        assert_eq!(delivery.last_outcome, Some(Outcome::NotAcknowledged));
        let Some(gap_ms) = gap_ms else {
            assert_eq!(delivery.state, State::Exhausted);
            break;
        };
        assert_eq!(delivery.due, Some(now.plus(gap_ms)));
        lab.clock.sleepers(1).await;
        lab.clock.advance(u32::try_from(gap_ms).unwrap() - 1);
        tokio::task::yield_now().await;
        assert!(receiver.received.try_recv().is_err(), "sent before its due time");
        lab.clock.advance(1);
    }
    assert!(
        bodies.windows(2).all(|pair| pair[0] == pair[1]),
        "the body changed between sends"
    );
    lab.running.shut_down().await;
}

#[tokio::test]
async fn events_of_one_call_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let (first, second) = (lab.accept(call(1, 7, 1)).await, lab.accept(call(1, 7, 2)).await);
    let other = lab.accept(call(1, 8, 1)).await;
    let (a, b) = (receiver.next().await, receiver.next().await);
    let mut ids = [a.webhook_id.clone(), b.webhook_id.clone()];
    ids.sort();
    assert_eq!(ids, [first.event_id.to_string(), other.event_id.to_string()]);
    assert!(receiver.received.try_recv().is_err());
    let waiting = &lab.event(second.event_id).await.deliveries[0];
    assert_eq!(waiting.waits_for, Some(first.deliveries[0].id));
    for received in [a, b] {
        received.answer.send("success").unwrap();
    }
    let next = receiver.next().await;
    assert_eq!(next.webhook_id, second.event_id.to_string());
    next.answer.send("success").unwrap();
    lab.until(second.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test]
async fn a_disabled_endpoint_parks_and_an_enabled_one_sends_what_was_parked() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    let mut off = settings(&receiver.url);
    off.enabled = false;
    lab.put_endpoint(1, "erp", off).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    assert_eq!(accepted.deliveries[0].state, State::Parked);
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    receiver.next().await.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test]
async fn retry_now_does_not_wait_for_the_due_time() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    let endpoint = lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    receiver.next().await.answer.send("fail").unwrap();
    lab.until(accepted.event_id, |record| sends(record) == 1).await;
    let entry = Entry {
        actor: Actor::named(Actor::SERVICE),
        peer: None,
        wall_ms: 0,
        action: Action::RetryNow,
        company_id: None,
        object: String::new(),
        before: None,
        after: None,
    };
    assert_eq!(lab.service.retry_now(endpoint.id, entry).await, Ok(1));
    let again = receiver.next().await;
    assert_eq!(again.send, 2);
    again.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test]
async fn what_was_pending_is_sent_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    receiver.next().await.answer.send("fail").unwrap();
    lab.until(accepted.event_id, |record| sends(record) == 1).await;
    let clock = Arc::clone(&lab.clock);
    lab.running.shut_down().await;

    let lab = Lab::start_with(&dir, Arc::clone(&clock));
    clock.sleepers(1).await;
    assert!(receiver.received.try_recv().is_err());
    clock.advance(1_000);
    let again = receiver.next().await;
    assert_eq!(again.send, 2);
    again.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

/// The store fails in one of two ways while an outcome is being recorded, and comes back.
async fn check_lost_store(written: bool) {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let received = receiver.next().await;
    lab.faults.open.store(true, Ordering::SeqCst);
    let fault = if written {
        &lab.faults.after
    } else {
        &lab.faults.before
    };
    fault.store(true, Ordering::SeqCst);
    received.answer.send("success").unwrap();
    while lab.service.health().problems.is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = lab.service.write(Write::Accept(Box::new(call(1, 9, 0)))).await;
    assert_eq!(refused.unwrap_err(), Unavailable::StoreFailed);
    fault.store(false, Ordering::SeqCst);
    lab.faults.open.store(false, Ordering::SeqCst);
    if !written {
        // The acknowledgement was not durable: the send is repeated, at once and with the same number.
        let again = receiver.next().await;
        assert_eq!((again.send, again.webhook_id), (1, accepted.event_id.to_string()));
        again.answer.send("success").unwrap();
    }
    while !lab.service.health().problems.is_empty() {
        tokio::task::yield_now().await;
    }
    let record = lab
        .until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    assert_eq!(record.deliveries[0].attempts.len(), 1);
    let next = lab.accept(call(1, 9, 0)).await;
    receiver.next().await.answer.send("success").unwrap();
    lab.until(next.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_failed_is_repeated_from_the_store() {
    check_lost_store(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_written_but_seemed_to_fail_repeats_nothing() {
    check_lost_store(true).await;
}

#[tokio::test]
async fn shutdown_waits_for_what_is_in_flight_and_records_it() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let received = receiver.next().await;
    let Lab {
        service,
        running,
        clock,
        ..
    } = lab;
    let stopping = ringback_server::tasks::spawn("test", running.shut_down());
    received.answer.send("success").unwrap();
    stopping.await.unwrap();
    drop(service);

    let lab = Lab::start_with(&dir, clock);
    assert_eq!(state(&lab.event(accepted.event_id).await, 0), State::Delivered);
    lab.running.shut_down().await;
}

#[tokio::test]
async fn shutdown_lets_go_of_what_hangs_and_sends_it_again_later() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let hanging = receiver.next().await;
    let Lab {
        service,
        running,
        clock,
        ..
    } = lab;
    let stopping = ringback_server::tasks::spawn("test", running.shut_down());
    while !stopping.is_finished() {
        clock.advance(100);
        tokio::task::yield_now().await;
    }
    stopping.await.unwrap();
    drop((service, hanging));

    let lab = Lab::start_with(&dir, clock);
    let again = receiver.next().await;
    assert_eq!((again.send, again.webhook_id), (1, accepted.event_id.to_string()));
    again.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_refuses_events_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let received = receiver.next().await;
    lab.faults.disk_low.store(true, Ordering::SeqCst);
    lab.clock.advance(1_000);
    while lab.service.health().problems.is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = lab.service.write(Write::Accept(Box::new(call(1, 8, 0)))).await;
    assert_eq!(refused.unwrap_err(), Unavailable::DiskNearlyFull);
    received.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.put_company(2).await;
    lab.faults.disk_low.store(false, Ordering::SeqCst);
    lab.clock.advance(1_000);
    while !lab.service.health().problems.is_empty() {
        tokio::task::yield_now().await;
    }
    let accepted = lab.accept(call(1, 8, 0)).await;
    receiver.next().await.answer.send("success").unwrap();
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}

#[tokio::test]
async fn a_batch_larger_than_a_commit_is_written_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(&dir);
    let writes: Vec<Write> = (0..3_000)
        .map(|id| Write::Accept(Box::new(call(1, id, 0))))
        .collect();
    let mut last = None;
    for written in lab.service.write_all(writes).await {
        let Ok(Written::Accepted(accepted)) = written else {
            panic!("{written:?}")
        };
        assert!(last < Some(accepted.event_id));
        last = Some(accepted.event_id);
    }
    lab.running.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_its_retention_is_removed_and_nothing_that_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let parked = lab.accept(call(2, 8, 0)).await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    receiver.next().await.answer.send("success").unwrap();
    let first = lab
        .until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.clock.advance(u32::try_from(RETENTION_MS).unwrap());
    let later = lab.accept(call(1, 9, 0)).await;
    receiver.next().await.answer.send("success").unwrap();
    lab.until(later.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    assert_eq!(first.event.id, accepted.event_id);
    // Enough for the pause between two rounds of pruning.
    lab.clock.advance(u32::try_from(limits::PRUNE_PAUSE_MS).unwrap());
    let gone = accepted.event_id;
    while lab
        .service
        .read(move |reader| reader.event(gone))
        .await
        .unwrap()
        .is_some()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(state(&lab.event(later.event_id).await, 0), State::Delivered);
    assert_eq!(state(&lab.event(parked.event_id).await, 0), State::Parked);
    // What it knew is not known any more: the same content is a new event.
    assert!(!lab.accept(call(1, 7, 0)).await.replayed);
    receiver.next().await.answer.send("success").unwrap();
    lab.running.shut_down().await;
    // The committer has ended: it counts after the commit.
    assert_eq!(lab.metrics.events_pruned.get(), 1);
}
