//! Name services that hang, which the tests play: how many lookups are under way, and who goes on meanwhile.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ringback_core::limits::{LOOKUPS, LOOKUPS_PER_COMPANY, PROXY_ADDRESSES_KEPT_MS, PROXY_ADDRESSES_MS};
use ringback_server::outbound::Outcome::{Acknowledged, TimedOut, Unreachable};
use ringback_server::outbound::resolve::{Answers, Resolve};
use ringback_server::outbound::{Exchange, Options, Outbound, Proxy, TargetSettings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::rig::{Rig, SUCCESS, gist, settle};

/// A name service that answers when the test says so.
#[derive(Debug, Default)]
struct Hanging(Mutex<VecDeque<oneshot::Sender<Vec<SocketAddr>>>>);

impl Resolve for Hanging {
    fn resolve(&self, _: &str, _: u16) -> Answers {
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap().push_back(answer);
        Box::pin(async move { answered.await.map_err(io::Error::other) })
    }
}

impl Hanging {
    /// How many questions have no answer yet.
    async fn open(&self) -> usize {
        settle().await;
        self.0.lock().unwrap().len()
    }

    /// Answers the oldest question, and lets be done what follows.
    async fn answer(&self, addresses: &[SocketAddr]) {
        let oldest = self.0.lock().unwrap().pop_front().unwrap();
        let _ = oldest.send(addresses.to_vec());
        settle().await;
    }
}

#[tokio::test]
async fn lookups_that_hang_leave_threads_to_the_rest() {
    let names = Arc::new(Hanging::default());
    let rig = Rig::with(|options| options.resolver = Arc::clone(&names) as _).await;
    let post = |number: usize| {
        let url = format!("http://receiver{number}.example/");
        rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap())
    };
    let hanging: Vec<_> = (0..LOOKUPS + 3).map(&post).collect();
    assert_eq!(names.open().await, LOOKUPS);
    rig.clock.advance(5_000);
    for posting in hanging {
        assert_eq!(posting.await.unwrap().outcome, TimedOut);
    }
    // Nobody waits for them any more, and each has its place until it is over.
    let waiting = post(LOOKUPS + 3);
    assert_eq!(names.open().await, LOOKUPS);
    names.answer(&[]).await;
    assert_eq!(names.open().await, LOOKUPS);
    // The one that waited is the newest.
    let newest = names.0.lock().unwrap().pop_back().unwrap();
    newest.send(Vec::new()).unwrap();
    let exchange = waiting.await.unwrap();
    assert_eq!(gist(&exchange), (Unreachable, None, Some("dns-failed")));
}

/// Endpoints of one company whose names are never answered, and which are put anew again and again.
#[tokio::test]
async fn one_company_never_takes_all_lookups() {
    let names = Arc::new(Hanging::default());
    let rig = Rig::with(|options| options.resolver = Arc::clone(&names) as _).await;
    let post = |company_id: i64, number: usize| {
        let url = format!("http://receiver{number}.example/");
        let settings = TargetSettings {
            company_id: Some(company_id),
            ..TargetSettings::new(&url)
        };
        rig.post(&rig.outbound.target(settings).unwrap())
    };
    let mut posting: Vec<_> = (0..LOOKUPS_PER_COMPANY + 3)
        .map(|number| post(1, number))
        .collect();
    assert_eq!(names.open().await, LOOKUPS_PER_COMPANY);
    rig.clock.advance(5_000);
    for posting in posting.drain(..) {
        assert_eq!(posting.await.unwrap().outcome, TimedOut);
    }
    posting.extend((0..3).map(|number| post(1, number)));
    assert_eq!(names.open().await, LOOKUPS_PER_COMPANY, "for new targets, too");
    posting.push(post(2, 0));
    assert_eq!(names.open().await, LOOKUPS_PER_COMPANY + 1, "another company");
    names.answer(&[]).await;
    assert_eq!(
        names.open().await,
        LOOKUPS_PER_COMPANY + 1,
        "the place goes to the next"
    );
}

/// A client whose proxy has a name, and the listener of the rig as its address.
async fn through_named_proxy(names: &Arc<Hanging>) -> Rig {
    let mut rig = Rig::new().await;
    let mut options = Options::new(Arc::clone(&rig.clock) as _);
    options.proxy = Proxy::parse(&format!("http://proxy.example:{}", rig.address.port()));
    options.resolver = Arc::clone(names) as _;
    rig.outbound = Outbound::new(options).unwrap();
    rig
}

fn post(rig: &Rig) -> JoinHandle<Exchange> {
    // A public address to which nothing is sent, since only the proxy is connected to.
    let target = rig.outbound.target(TargetSettings::new("http://198.41.0.4/"));
    rig.post(&target.unwrap())
}

/// The proxy lets these sends through, in whatever order they come.
async fn pass(rig: &Rig, sends: impl IntoIterator<Item = JoinHandle<Exchange>>) {
    let sends: Vec<_> = sends.into_iter().collect();
    for _ in &sends {
        let mut peer = rig.accept().await;
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\n\r\n").await;
        peer.answer(SUCCESS).await;
    }
    for send in sends {
        assert_eq!(send.await.unwrap().outcome, Acknowledged);
    }
}

#[tokio::test]
async fn the_addresses_of_a_proxy_outlast_a_name_service_that_hangs() {
    let names = Arc::new(Hanging::default());
    let rig = through_named_proxy(&names).await;
    // One lookup is enough for all who wait.
    let first: Vec<_> = (0..3).map(|_| post(&rig)).collect();
    assert_eq!(names.open().await, 1);
    names.answer(&[rig.address]).await;
    pass(&rig, first).await;
    pass(&rig, [post(&rig)]).await;
    assert_eq!(names.open().await, 0);

    let age = u32::try_from(PROXY_ADDRESSES_MS).unwrap();
    rig.clock.advance(age);
    for _ in 0..3 {
        pass(&rig, [post(&rig)]).await;
    }
    assert_eq!(names.open().await, 1, "one lookup at a time");
    names.answer(&[]).await;
    pass(&rig, [post(&rig)]).await;
    assert_eq!(names.open().await, 1, "one that failed is repeated");

    rig.clock
        .advance(u32::try_from(PROXY_ADDRESSES_KEPT_MS).unwrap() - age);
    let waiting = post(&rig);
    settle().await;
    rig.assert_no_further_connection().await;
    names.answer(&[rig.address]).await;
    // It was asked for before, and is used all the same: it is the newest that there is.
    pass(&rig, [waiting]).await;
}

#[tokio::test]
async fn a_proxy_without_addresses_is_told() {
    let names = Arc::new(Hanging::default());
    let rig = through_named_proxy(&names).await;
    let posting = post(&rig);
    assert_eq!(names.open().await, 1);
    names.answer(&[]).await;
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (Unreachable, None, Some("proxy-unreachable")));
    let posting = post(&rig);
    assert_eq!(names.open().await, 1);
    rig.clock.advance(5_000);
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (TimedOut, None, Some("proxy-timed-out")));
}
