//! How much of an answer is read.

use bytes::Bytes;
use ringback_server::outbound::Exchange;
use ringback_server::outbound::Outcome::{Acknowledged, NotAcknowledged, Refused, Unreachable};
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, gist};

#[tokio::test]
async fn heads_are_bounded() {
    let long_value = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let no_end = format!("HTTP/1.1 200 OK\r\n{}", "X: x\r\n".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(101));
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(60_000);
    for bytes in [long_value, no_end, many, flood] {
        let rig = Rig::new().await;
        let posting = rig.post(&rig.target());
        let mut peer = rig.accept().await;
        peer.request().await;
        // The client closes before it has read all of it.
        let _ = peer.stream.write_all(bytes.as_bytes()).await;
        let exchange = posting.await.unwrap();
        assert_eq!(
            gist(&exchange),
            (Unreachable, None, Some("head-too-long")),
            "{:?}",
            &bytes[..60]
        );
        peer.closed().await;
    }
    // A hundred headers are enough for anyone.
    let enough = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 7\r\n\r\nsuccess",
        "X: x\r\n".repeat(99)
    );
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    peer.answer(&enough).await;
    assert_eq!(posting.await.unwrap().outcome, Acknowledged);
}

/// Sends to a receiver whose body is `length` bytes long; what was made of it.
async fn with_body(length: usize, head: &str) -> Exchange {
    let body = "x".repeat(length);
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    peer.request().await;
    let _ = peer.stream.write_all(format!("{head}{body}").as_bytes()).await;
    let exchange = posting.await.unwrap();
    if length > 65_536 {
        peer.closed().await;
    }
    exchange
}

#[tokio::test]
async fn bodies_are_bounded() {
    for (length, detail) in [
        (65_536, None),
        (65_537, Some("body-too-long")),
        (1_000_000, Some("body-too-long")),
    ] {
        let exchange = with_body(
            length,
            &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        )
        .await;
        assert_eq!(gist(&exchange), (NotAcknowledged, Some(200), detail), "{length}");
        assert_eq!(exchange.body_start, Bytes::from("x".repeat(4_096)));
    }
    // A length that is never reached is not waited for longer than the limit allows.
    let exchange = with_body(70_000, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n").await;
    assert_eq!(
        gist(&exchange),
        (NotAcknowledged, Some(200), Some("body-too-long"))
    );
    let exchange = with_body(70_000, "HTTP/1.1 500 Oops\r\nContent-Length: 70000\r\n\r\n").await;
    assert_eq!(gist(&exchange), (Refused, Some(500), None));
}
