//! A disk that stays bad for a while, and writes that the store refuses.

use std::sync::atomic::Ordering;

use ringback_contract::kind::Kind;
use ringback_core::delivery::State;
use ringback_core::endpoint::{Order, Settings};
use ringback_core::event::NewEvent;
use ringback_core::store::{Refusal, Write, Written};
use ringback_server::service::Unavailable;

use super::state;
use crate::support::{Lab, Receiver, call, settings};

async fn until_ready(lab: &Lab) {
    while !lab.service.health().problems.is_empty() {
        tokio::task::yield_now().await;
    }
}

/// Two were counted. The driver counts when it hears of a commit or of a loss, which may be after others have seen it.
async fn two_counted(count: impl Fn() -> u64) {
    while count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(), 2);
}

/// The store opens, but nothing can be written to it: that is no store to send from.
#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_written_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let hangs = lab.accept(call(1, 6, 0)).await;
    let mut hanging = receiver.next().await;
    let accepted = lab.accept(call(1, 7, 0)).await;
    let received = receiver.next().await;
    lab.faults.before.store(true, Ordering::SeqCst);
    received.answer.send("success").unwrap();
    // What is under way is broken off, since it is repeated.
    hanging.answer.closed().await;
    // Opened at once, and again after a while, and in vain.
    while lab.faults.openings.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    assert!(
        receiver.received.try_recv().is_err(),
        "sent while it cannot be recorded"
    );
    let [problem] = &*lab.service.health().problems else {
        panic!("{:?}", lab.service.health())
    };
    assert!(
        problem.starts_with("the store has failed since 20") && problem.contains("(the disk failed)"),
        "{problem}"
    );
    let refused = lab.service.write(Write::Accept(Box::new(call(1, 9, 0)))).await;
    assert_eq!(refused.unwrap_err(), Unavailable::StoreFailed);
    two_counted(|| lab.metrics.sends_repeated.get()).await;
    lab.faults.before.store(false, Ordering::SeqCst);
    let mut repeated = Vec::new();
    for _ in 0..2 {
        let again = receiver.next().await;
        assert_eq!(again.send, 1);
        repeated.push(again.webhook_id);
        again.answer.send("success").unwrap();
    }
    repeated.sort();
    assert_eq!(
        repeated,
        [hangs, accepted.clone()].map(|event| event.event_id.to_string())
    );
    lab.until(accepted.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    until_ready(&lab).await;
    two_counted(|| lab.metrics.settled(State::Delivered).get()).await;
    lab.running.shut_down().await;
    // The driver has ended: it counts after the commit.
    assert_eq!(lab.metrics.settled(State::Delivered).get(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_the_store_refuses_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let first = lab.accept(call(1, 7, 0)).await;
    let in_flight = receiver.next().await;
    lab.faults.refused.store(666, Ordering::SeqCst);
    let companies = (0..500).map(|id| if id == 300 { 666 } else { 2 });
    let writes = companies
        .enumerate()
        .map(|(id, company_id)| Write::Accept(Box::new(call(company_id, i64::try_from(id).unwrap(), 0))))
        .collect();
    let mut last = None;
    for (id, written) in lab.service.write_all(writes).await.into_iter().enumerate() {
        match written.unwrap() {
            Written::Refused(Refusal::Unstorable) => assert_eq!(id, 300),
            Written::Accepted(accepted) if id != 300 => {
                assert!(last < Some(accepted.event_id), "the order is kept");
                last = Some(accepted.event_id);
            }
            other => panic!("{id}: {other:?}"),
        }
    }
    // Nobody else notices: the send under way is still known, and not repeated.
    assert!(lab.service.health().problems.is_empty());
    in_flight.answer.send("success").unwrap();
    lab.until(first.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    assert!(receiver.received.try_recv().is_err());
    lab.running.shut_down().await;
    assert_eq!(lab.metrics.sends_repeated.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_the_store_refuses_ends_the_sending_of_its_delivery_only() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    lab.put_endpoint(1, "erp", settings(&receiver.url)).await;
    let bad = lab.accept(call(1, 7, 0)).await;
    lab.faults.refused.store(bad.deliveries[0].id.0, Ordering::SeqCst);
    receiver.next().await.answer.send("success").unwrap();
    let good = lab.accept(call(1, 8, 0)).await;
    receiver.next().await.answer.send("success").unwrap();
    lab.until(good.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    assert_eq!(state(&lab.event(bad.event_id).await, 0), State::Pending);
    assert!(receiver.received.try_recv().is_err());
    assert!(lab.service.health().problems.is_empty());
    // It holds nothing up, the end included: the clock stands still, so that no limit could end the wait.
    lab.running.shut_down().await;
}

/// A look at the holds that the store refuses is repeated, so that what is held goes in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_look_at_the_holds_is_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, mut receiver) = (Lab::start(&dir), Receiver::start().await);
    lab.put_company(1).await;
    let settings = Settings {
        order: Order::KeyHold,
        ..settings(&receiver.url)
    };
    lab.put_endpoint(1, "erp", settings).await;
    let of_job = |event: NewEvent| NewEvent {
        call_job_id: Some(5),
        ..event
    };
    let first = lab.accept(of_job(call(1, 7, 0))).await;
    receiver.next().await.answer.send("success").unwrap();
    // Else its outcome may share the commit of the look, whose second try would go through.
    lab.until(first.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.faults.refused.store(-1, Ordering::SeqCst);
    let job = of_job(NewEvent {
        kind: Kind::Job,
        entity_id: 5,
        job_status: Some(2),
        ..call(1, 7, 1)
    });
    let held = lab.accept(job).await;
    lab.clock.advance(6_000);
    while lab.faults.refused.load(Ordering::SeqCst) == -1 {
        tokio::task::yield_now().await;
    }
    assert!(receiver.received.try_recv().is_err());
    // Its answer passes the driver behind that of the refused look.
    lab.accept(call(2, 1, 0)).await;
    lab.clock.advance(61_000);
    let released = receiver.next().await;
    assert_eq!(released.webhook_id, held.event_id.to_string());
    released.answer.send("success").unwrap();
    lab.until(held.event_id, |record| state(record, 0) == State::Delivered)
        .await;
    lab.running.shut_down().await;
}
