//! Time limits of connecting and of the whole exchange, all on a clock that the tests turn.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringback_server::outbound::Outcome::{Acknowledged, TimedOut};
use ringback_server::outbound::TargetSettings;
use ringback_server::outbound::resolve::{Answers, Resolve};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

use crate::rig::{Rig, SUCCESS, gist, settle};

/// A name service that does not answer until it is told to.
#[derive(Debug, Default)]
struct Hanging {
    asked: AtomicUsize,
    go: Arc<Notify>,
}

impl Resolve for Hanging {
    fn resolve(&self, _host: &str, port: u16) -> Answers {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let go = Arc::clone(&self.go);
        Box::pin(async move {
            go.notified().await;
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        })
    }
}

#[tokio::test]
async fn a_name_that_is_not_resolved_in_time_is_a_time_out() {
    for (timeout_ms, expected_ms) in [(15_000, 5_000), (1_000, 1_000)] {
        let rig = Rig::with(|options| options.resolver = Arc::new(Hanging::default())).await;
        let settings = TargetSettings {
            timeout_ms,
            ..TargetSettings::new("http://receiver.example/")
        };
        let posting = rig.post(&rig.outbound.target(settings).unwrap());
        rig.clock.sleepers(2).await;
        rig.clock.advance(expected_ms - 1);
        settle().await;
        assert!(!posting.is_finished());
        rig.clock.advance(1);
        let exchange = posting.await.unwrap();
        assert_eq!(gist(&exchange), (TimedOut, None, Some("dns-timed-out")));
        assert_eq!((exchange.duration_ms, exchange.address), (expected_ms, None));
    }
}

#[tokio::test]
async fn lookups_that_hang_are_few_and_keep_their_places() {
    let names = Arc::new(Hanging::default());
    let rig = Rig::with(|options| options.resolver = Arc::clone(&names) as _).await;
    let url = format!("http://receiver.example:{}/", rig.address.port());
    let target = rig.outbound.target(TargetSettings::new(&url)).unwrap();
    let first = (0..5).map(|_| rig.post(&target)).collect::<Vec<_>>();
    settle().await;
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    rig.clock.advance(5_000);
    for posting in first {
        assert_eq!(posting.await.unwrap().outcome, TimedOut);
    }
    // Nobody waits for the two lookups any more, but they still run.
    let next = rig.post(&target);
    settle().await;
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    names.go.notify_one();
    settle().await;
    assert_eq!(names.asked.load(Ordering::SeqCst), 3);
    names.go.notify_waiters();
    rig.accept().await.answer(SUCCESS).await;
    assert_eq!(next.await.unwrap().outcome, Acknowledged);
}

/// Five sends at once: two ask, and so do two of those that wait behind them, since an answer must be no older than the question;
/// the last one is content with what these find.
#[tokio::test]
async fn sends_that_wait_for_a_lookup_share_its_answer() {
    let names = Arc::new(Hanging::default());
    let rig = Rig::with(|options| options.resolver = Arc::clone(&names) as _).await;
    let url = format!("http://receiver.example:{}/", rig.address.port());
    let target = rig.outbound.target(TargetSettings::new(&url)).unwrap();
    let sends = (0..5).map(|_| rig.post(&target)).collect::<Vec<_>>();
    for asked in 2..=3 {
        settle().await;
        assert_eq!(names.asked.load(Ordering::SeqCst), asked);
        names.go.notify_one();
    }
    settle().await;
    names.go.notify_waiters();
    settle().await;
    assert_eq!(names.asked.load(Ordering::SeqCst), 4);
    for _ in &sends {
        rig.accept().await.answer(SUCCESS).await;
    }
    for posting in sends {
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    }
}

/// A listener whose queue is full: the kernel drops further attempts to connect, as a firewall would.
async fn full_listener(address: SocketAddr) -> io::Result<(TcpListener, TcpStream)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address)?;
    let listener = socket.listen(0)?;
    let waiting = TcpStream::connect(listener.local_addr()?).await?;
    Ok((listener, waiting))
}

/// A host with two addresses.
#[derive(Debug)]
struct Two;

impl Resolve for Two {
    fn resolve(&self, _host: &str, port: u16) -> Answers {
        let hosts = [[127, 0, 0, 2], [127, 0, 0, 1]];
        Box::pin(async move { Ok(hosts.map(|host| SocketAddr::from((host, port))).to_vec()) })
    }
}

#[tokio::test]
async fn an_address_that_hangs_leaves_time_for_the_next_one() {
    for (timeout_ms, share_ms) in [(15_000, 2_500), (1_000, 500)] {
        let rig = Rig::with(|options| options.resolver = Arc::new(Two)).await;
        let port = rig.address.port();
        let _full = full_listener(SocketAddr::from(([127, 0, 0, 2], port)))
            .await
            .unwrap();
        let url = format!("http://receiver.example:{port}/");
        let settings = TargetSettings {
            timeout_ms,
            ..TargetSettings::new(&url)
        };
        let posting = rig.post(&rig.outbound.target(settings).unwrap());
        rig.clock.sleepers(3).await;
        rig.clock.advance(share_ms - 1);
        rig.assert_no_further_connection().await;
        rig.clock.advance(1);
        rig.accept().await.answer(SUCCESS).await;
        let exchange = posting.await.unwrap();
        assert_eq!(
            (exchange.outcome, exchange.address),
            (Acknowledged, Some(rig.address))
        );
        assert_eq!(exchange.duration_ms, share_ms);
    }
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_a_time_out() {
    let rig = Rig::new().await;
    let (listener, _waiting) = full_listener(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap());
    rig.clock.sleepers(3).await;
    rig.clock.advance(4_999);
    settle().await;
    assert!(!posting.is_finished());
    rig.clock.advance(1);
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (TimedOut, None, Some("connect-timed-out")));
    assert_eq!(exchange.duration_ms, 5_000);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_in_time_is_a_time_out() {
    let rig = Rig::new().await;
    let url = format!("https://{}/", rig.address);
    let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap());
    let mut peer = rig.accept().await;
    // The client's greeting has come: connecting is over, the handshake has begun.
    tokio::io::AsyncReadExt::read_u8(&mut peer.stream).await.unwrap();
    rig.clock.advance(5_000);
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (TimedOut, None, Some("tls-timed-out")));
    peer.closed().await;
}

#[tokio::test]
async fn the_limit_of_an_exchange_is_the_targets_own() {
    for timeout_ms in [1_000, 60_000] {
        let rig = Rig::new().await;
        let settings = TargetSettings {
            timeout_ms,
            ..TargetSettings::new(&rig.url)
        };
        let posting = rig.post(&rig.outbound.target(settings).unwrap());
        let mut peer = rig.accept().await;
        peer.request().await;
        rig.clock.advance(timeout_ms - 1);
        settle().await;
        assert!(!posting.is_finished());
        rig.clock.advance(1);
        let exchange = posting.await.unwrap();
        assert_eq!(gist(&exchange), (TimedOut, None, Some("answer-timed-out")));
        assert_eq!(
            (exchange.duration_ms, exchange.address),
            (timeout_ms, Some(rig.address))
        );
        peer.closed().await;
    }
}

#[tokio::test]
async fn steps_of_the_wall_clock_change_no_limit() {
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    peer.request().await;
    rig.clock.step_wall(3_600_000);
    settle().await;
    assert!(!posting.is_finished());
    rig.clock.step_wall(-86_400_000);
    rig.clock.advance(20);
    peer.write(SUCCESS).await;
    let exchange = posting.await.unwrap();
    assert_eq!((exchange.outcome, exchange.duration_ms), (Acknowledged, 20));
}

#[tokio::test]
async fn a_cancelled_exchange_closes_its_connection() {
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    peer.request().await;
    posting.abort();
    peer.closed().await;
}
