//! The way that the installation sets: the source address of connections, and the egress proxy, which the tests play.

use std::net::IpAddr;

use ringback_server::outbound::Outcome::{Acknowledged, Blocked, TimedOut, Unreachable};
use ringback_server::outbound::{Bind, Options, Proxy, TargetSettings};

use crate::rig::{Rig, SUCCESS, gist, message, settle};
use crate::tls::{acceptor, authority};

fn bound(options: &mut Options, addresses: &[&str]) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    options.bind = Bind::new(&addresses).unwrap();
}

#[tokio::test]
async fn receivers_see_the_address_that_is_set() {
    let rig = Rig::with(|options| bound(options, &["127.0.0.9"])).await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    assert_eq!(peer.stream.peer_addr().unwrap().ip().to_string(), "127.0.0.9");
    peer.answer(SUCCESS).await;
    let exchange = posting.await.unwrap();
    assert_eq!(
        (exchange.outcome, exchange.address),
        (Acknowledged, Some(rig.address))
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_told() {
    // The first is none of this machine, the second of the other kind.
    for address in ["192.0.2.1", "::1"] {
        let rig = Rig::with(|options| bound(options, &[address])).await;
        let exchange = rig.outbound.post(&rig.target(), message("{}")).await;
        assert_eq!(
            gist(&exchange),
            (Unreachable, None, Some("bind-failed")),
            "{address}"
        );
        rig.assert_no_further_connection().await;
    }
}

/// A client whose proxy is the rig's listener. Whatever the URL names, the test plays what is behind the proxy.
async fn through_proxy(credentials: &str) -> Rig {
    let mut rig = Rig::new().await;
    let proxy = Proxy::parse(&format!("http://{credentials}{}", rig.address)).unwrap();
    let mut options = Options::new(std::sync::Arc::clone(&rig.clock) as _);
    options.proxy = Some(proxy);
    rig.outbound = ringback_server::outbound::Outbound::new(options).unwrap();
    rig
}

/// A public address to which nothing is sent, since only the proxy is connected to.
const PUBLIC: &str = "198.41.0.4:8080";

#[tokio::test]
async fn the_proxy_is_asked_for_the_judged_address() {
    for (credentials, expected) in [("", None), ("u:p%40@", Some("Basic dTpwQA=="))] {
        let rig = through_proxy(credentials).await;
        let url = format!("http://{PUBLIC}/callback");
        let target = rig.outbound.target(TargetSettings::new(&url)).unwrap();
        let posting = rig.post(&target);
        let mut peer = rig.accept().await;
        let head = peer.head().await;
        assert!(
            head.starts_with(&format!("CONNECT {PUBLIC} HTTP/1.1\r\nhost: {PUBLIC}\r\n")),
            "{head}"
        );
        let found = head
            .lines()
            .find_map(|line| line.strip_prefix("proxy-authorization: "));
        assert_eq!(found, expected);
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n").await;
        // From here on it is the receiver.
        let (head, _) = peer.request().await;
        assert!(head.starts_with("POST /callback HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains("proxy-"), "{head}");
        peer.write(SUCCESS).await;
        let exchange = posting.await.unwrap();
        assert_eq!(
            (exchange.outcome, exchange.address),
            (Acknowledged, Some(PUBLIC.parse().unwrap()))
        );
        // The connection through it is kept.
        let posting = rig.post(&target);
        peer.answer(SUCCESS).await;
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    }
}

#[tokio::test]
async fn tls_goes_through_the_proxy() {
    let rig = through_proxy("").await;
    let authority = authority();
    let acceptor = acceptor(&authority, &["198.41.0.4"], &["http/1.1"]);
    let (url, ca) = (format!("https://{PUBLIC}/"), authority.pem());
    let settings = TargetSettings {
        tls_ca: Some(&ca),
        ..TargetSettings::new(&url)
    };
    let posting = rig.post(&rig.outbound.target(settings).unwrap());
    let mut peer = rig.accept().await;
    peer.head().await;
    peer.write("HTTP/1.1 200 OK\r\n\r\n").await;
    let stream = acceptor.accept(peer.stream).await.unwrap();
    crate::rig::Peer { stream }.answer(SUCCESS).await;
    assert_eq!(gist(&posting.await.unwrap()), (Acknowledged, Some(200), None));
}

#[tokio::test]
async fn the_address_policy_holds_behind_the_proxy() {
    let rig = through_proxy("").await;
    for url in ["http://10.0.0.1/", "http://127.0.0.1/", "http://localhost/"] {
        let target = rig.outbound.target(TargetSettings::new(url)).unwrap();
        let exchange = rig.outbound.post(&target, message("{}")).await;
        assert_eq!(gist(&exchange), (Blocked, None, Some("address-blocked")), "{url}");
    }
    rig.assert_no_further_connection().await;
}

#[tokio::test]
async fn a_proxy_that_makes_no_connection_is_told() {
    for (answer, name, text) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!",
            "proxy-refused",
            "status 407",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy-refused", "status 502"),
        ("SSH-2.0-x\r\n", "proxy-unreachable", "cannot be reached"),
        ("", "proxy-unreachable", "cannot be reached"),
        // Bytes before anybody asked for them.
        (
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess",
            "proxy-unreachable",
            "cannot be reached",
        ),
    ] {
        let rig = through_proxy("").await;
        let url = format!("http://{PUBLIC}/");
        let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap());
        let mut peer = rig.accept().await;
        peer.head().await;
        peer.write(answer).await;
        drop(peer);
        let exchange = posting.await.unwrap();
        assert_eq!(gist(&exchange), (Unreachable, None, Some(name)), "{answer:?}");
        assert!(exchange.detail.unwrap().to_string().contains(text), "{answer:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_answer_is_timed_out() {
    let rig = through_proxy("").await;
    let url = format!("http://{PUBLIC}/");
    let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap());
    let mut peer = rig.accept().await;
    peer.head().await;
    settle().await;
    rig.clock.advance(5_000);
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (TimedOut, None, Some("proxy-timed-out")));
}
