//! Which of a host's addresses are connected to.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use ringback_server::outbound::Outcome::{Acknowledged, Blocked, Unreachable};
use ringback_server::outbound::resolve::{Answers, Resolve};
use ringback_server::outbound::{AddressClass, AddressPolicy, Detail, TargetSettings};

use crate::rig::{Rig, SUCCESS, gist, message};

/// A name service with prepared answers, one list per question.
#[derive(Debug)]
struct Prepared(Mutex<VecDeque<Vec<IpAddr>>>);

impl Resolve for Prepared {
    fn resolve(&self, host: &str, port: u16) -> Answers {
        assert_eq!(host, "receiver.example");
        let answer = self.0.lock().unwrap().pop_front();
        Box::pin(async move {
            let addresses = answer.ok_or_else(|| io::Error::other("no such name"))?;
            Ok(addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, port))
                .collect())
        })
    }
}

async fn rig(answers: &[&[&str]]) -> Rig {
    let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
    let answers = answers.iter().map(parse).collect();
    Rig::with(|options| options.resolver = Arc::new(Prepared(Mutex::new(answers)))).await
}

fn url(rig: &Rig) -> String {
    format!("http://receiver.example:{}/", rig.address.port())
}

#[tokio::test]
async fn only_admitted_answers_are_connected_to() {
    for answers in [
        &["127.0.0.1"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["127.0.0.1", "169.254.169.254"],
        &["::1", "fd00::1", "127.0.0.1"],
        // Nothing listens at the first one.
        &["127.0.0.2", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
    ] {
        let rig = rig(&[answers]).await;
        let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url(&rig))).unwrap());
        let mut peer = rig.accept().await;
        let (head, _) = peer.request().await;
        assert!(
            head.contains(&format!("\r\nhost: receiver.example:{}\r\n", rig.address.port())),
            "{head}"
        );
        peer.write(SUCCESS).await;
        let exchange = posting.await.unwrap();
        assert_eq!(exchange.outcome, Acknowledged, "{answers:?}");
        assert_eq!(
            exchange.address.map(|address| address.ip().to_canonical()),
            Some(rig.address.ip())
        );
    }
}

#[tokio::test]
async fn where_every_answer_is_refused_the_send_is_blocked() {
    for (answers, class) in [
        (&["10.0.0.1"][..], AddressClass::Private),
        (&["10.0.0.1", "169.254.169.254"], AddressClass::LinkLocal),
        (&["::1"], AddressClass::Loopback),
        (&["::ffff:10.0.0.1"], AddressClass::Private),
    ] {
        let rig = rig(&[answers]).await;
        let target = rig.outbound.target(TargetSettings::new(&url(&rig))).unwrap();
        let exchange = rig.outbound.post(&target, message("{}")).await;
        assert_eq!(
            (exchange.outcome, exchange.detail),
            (Blocked, Some(Detail::AddressBlocked(class))),
            "{answers:?}"
        );
        assert_eq!((exchange.status, exchange.address), (None, None));
    }
}

#[tokio::test]
async fn a_name_that_turns_inward_is_blocked_at_the_next_connection() {
    let rig = rig(&[&["127.0.0.1"], &["10.0.0.1"]]).await;
    let target = rig.outbound.target(TargetSettings::new(&url(&rig))).unwrap();
    let posting = rig.post(&target);
    let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nsuccess";
    rig.accept().await.answer(close).await;
    assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    let exchange = rig.outbound.post(&target, message("{}")).await;
    assert_eq!(gist(&exchange), (Blocked, None, Some("address-blocked")));
}

#[tokio::test]
async fn a_literal_outside_the_policy_is_not_connected_to() {
    let rig = Rig::with(|options| options.policy = AddressPolicy::default()).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "localhost",
    ] {
        let url = format!("http://{host}:{}/", rig.address.port());
        let target = rig.outbound.target(TargetSettings::new(&url)).unwrap();
        let exchange = rig.outbound.post(&target, message("{}")).await;
        assert_eq!(
            gist(&exchange),
            (Blocked, None, Some("address-blocked")),
            "{host}"
        );
    }
    rig.assert_no_further_connection().await;
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let unbound = {
        let rig = Rig::new().await;
        rig.address
    };
    let rig = rig(&[&[], &["127.0.0.1"]]).await;
    let named = url(&rig);
    for (url, detail) in [
        (named.as_str(), "dns-failed"),
        (
            &format!("http://receiver.example:{}/", unbound.port()),
            "connect-refused",
        ),
        (&named, "dns-failed"),
        (&format!("http://{unbound}/"), "connect-refused"),
    ] {
        let target = rig.outbound.target(TargetSettings::new(url)).unwrap();
        let exchange = rig.outbound.post(&target, message("{}")).await;
        assert_eq!(gist(&exchange), (Unreachable, None, Some(detail)), "{url}");
    }
}
