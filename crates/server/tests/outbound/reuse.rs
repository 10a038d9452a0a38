//! When a connection is used again, and that a send is never repeated.

use std::sync::Arc;

use ringback_server::outbound::Outcome::{self, Acknowledged, NotAcknowledged, Unreachable};
use ringback_server::outbound::{Limits, Target};
use tokio::net::TcpStream;

use crate::rig::{Peer, Rig, SUCCESS, gist, settle};

/// One send that is acknowledged on a fresh connection, which is returned.
async fn first(rig: &Rig, target: &Arc<Target>) -> Peer<TcpStream> {
    first_with(rig, target, SUCCESS, Acknowledged).await
}

async fn first_with(rig: &Rig, target: &Arc<Target>, answer: &str, outcome: Outcome) -> Peer<TcpStream> {
    let posting = rig.post(target);
    let mut peer = rig.accept().await;
    peer.answer(answer).await;
    assert_eq!(posting.await.unwrap().outcome, outcome);
    peer
}

#[tokio::test]
async fn a_connection_serves_many_sends() {
    let rig = Rig::new().await;
    let target = rig.target();
    let mut peer = first(&rig, &target).await;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nsuccess\r\n0\r\n\r\n";
    for (answer, outcome) in [
        (SUCCESS, Acknowledged),
        (chunked, Acknowledged),
        ("HTTP/1.1 204 None\r\n\r\n", NotAcknowledged),
        (
            "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
            Outcome::Refused,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            Outcome::Refused,
        ),
        (SUCCESS, Acknowledged),
    ] {
        let posting = rig.post(&target);
        peer.answer(answer).await;
        let exchange = posting.await.unwrap();
        assert_eq!((exchange.outcome, exchange.address), (outcome, Some(rig.address)));
    }
    rig.assert_no_further_connection().await;
    assert_eq!(rig.outbound.idle_connections(), 1);
}

#[tokio::test]
async fn some_answers_are_the_last_on_their_connection() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n{}",
        "x".repeat(70_000)
    );
    for (answer, outcome) in [
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nsuccess",
            Acknowledged,
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nsuccess",
            Acknowledged,
        ),
        (&long, NotAcknowledged),
        // Bytes that belong to no answer.
        (&format!("{SUCCESS}HTTP/1.1 200 OK\r\n"), Acknowledged),
    ] {
        let rig = Rig::new().await;
        let target = rig.target();
        let _peer = first_with(&rig, &target, answer, outcome).await;
        first(&rig, &target).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_four_seconds() {
    let rig = Rig::new().await;
    let target = rig.target();
    let mut peer = first(&rig, &target).await;
    rig.clock.sleepers(1).await;
    rig.clock.advance(3_999);
    settle().await;
    assert_eq!(rig.outbound.idle_connections(), 1);
    rig.clock.advance(1);
    peer.closed().await;
    assert_eq!(rig.outbound.idle_connections(), 0);
    // The sweeper had ended; it serves the next one all the same.
    let mut peer = first(&rig, &target).await;
    rig.clock.sleepers(1).await;
    rig.clock.advance(4_000);
    peer.closed().await;
}

#[tokio::test]
async fn an_expired_connection_is_not_used_even_if_it_was_not_swept_yet() {
    let rig = Rig::new().await;
    let target = rig.target();
    let _peer = first(&rig, &target).await;
    rig.clock.advance(4_000);
    // No turn for the sweeper between: the send starts in the same moment.
    let posting = rig.post(&target);
    rig.accept().await.answer(SUCCESS).await;
    assert_eq!(posting.await.unwrap().outcome, Acknowledged);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let rig = Rig::new().await;
    let target = rig.target();
    for reset in [false, true] {
        let peer = first(&rig, &target).await;
        if reset {
            peer.reset();
        } else {
            drop(peer);
        }
        settle().await;
        let posting = rig.post(&target);
        let mut fresh = rig.accept().await;
        fresh
            .answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nsuccess")
            .await;
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
        rig.assert_no_further_connection().await;
    }
}

#[tokio::test]
async fn the_replacement_is_not_replaced() {
    let rig = Rig::new().await;
    let target = rig.target();
    drop(first(&rig, &target).await);
    settle().await;
    let posting = rig.post(&target);
    drop(rig.accept().await);
    let exchange = posting.await.unwrap();
    assert_eq!(exchange.outcome, Unreachable);
    rig.assert_no_further_connection().await;
}

#[tokio::test]
async fn a_request_that_may_have_been_seen_is_never_repeated() {
    for (reset, detail) in [(false, "closed"), (true, "reset")] {
        let rig = Rig::new().await;
        let target = rig.target();
        let mut peer = first(&rig, &target).await;
        let posting = rig.post(&target);
        peer.request().await;
        if reset {
            peer.reset();
        } else {
            drop(peer);
        }
        assert_eq!(gist(&posting.await.unwrap()), (Unreachable, None, Some(detail)));
        rig.assert_no_further_connection().await;
    }
}

#[tokio::test]
async fn idle_connections_are_few() {
    let limits = |idle_per_target, idle_total| Limits {
        idle_per_target,
        idle_total,
        ..Limits::default()
    };
    for (limits, expected) in [
        (limits(2, 100), 2),
        (limits(100, 3), 3),
        (limits(0, 100), 0),
        (limits(100, 100), 4),
    ] {
        let rig = Rig::with(|options| options.limits = limits).await;
        let target = rig.target();
        let mut peers = vec![];
        let mut postings = vec![];
        for _ in 0..4 {
            postings.push(rig.post(&target));
            let mut peer = rig.accept().await;
            peer.request().await;
            peers.push(peer);
        }
        for (peer, posting) in peers.iter_mut().zip(postings) {
            peer.write(SUCCESS).await;
            assert_eq!(posting.await.unwrap().outcome, Acknowledged);
        }
        assert_eq!(rig.outbound.idle_connections(), expected);
        drop(target);
        for mut peer in peers {
            peer.closed().await;
        }
        assert_eq!(rig.outbound.idle_connections(), 0);
    }
}
