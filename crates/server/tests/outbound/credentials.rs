//! Credentials on the wire: what is sent, and where the access tokens come from. The tests play the token address as
//! they play the receiver.

use std::sync::Arc;

use ringback_core::credentials::{ClientAuth, Credentials, OAuth2};
use ringback_server::outbound::Outcome::{Acknowledged, Blocked, Refused, TimedOut, Unreachable};
use ringback_server::outbound::{Target, TargetSettings};
use tokio::net::TcpListener;

use crate::rig::{Peer, Rig, SUCCESS, gist, settle};

const DENIED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

/// The token address.
struct TokenServer {
    listener: TcpListener,
    url: String,
}

impl TokenServer {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/oauth/token?x=1", listener.local_addr().unwrap());
        Self { listener, url }
    }

    async fn accept(&self) -> Peer<tokio::net::TcpStream> {
        Peer {
            stream: self.listener.accept().await.unwrap().0,
        }
    }

    /// Gives one token, over a connection that it closes; the head and the body of the request.
    async fn give(&self, token: &str, expires_in: u32) -> (String, String) {
        let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{expires_in}}}"#);
        self.answer("200 OK", &body).await
    }

    async fn answer(&self, status: &str, body: &str) -> (String, String) {
        let mut peer = self.accept().await;
        let (head, form) = peer.request().await;
        let length = body.len();
        peer.write(format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        (head, String::from_utf8(form).unwrap())
    }
}

fn oauth2(token_url: &str) -> OAuth2 {
    OAuth2 {
        token_url: token_url.to_owned(),
        client_id: "ring back".to_owned(),
        client_secret: "hid:den".to_owned(),
        scope: None,
        audience: None,
        auth: ClientAuth::Basic,
    }
}

fn target(rig: &Rig, credentials: &Credentials) -> Arc<Target> {
    let settings = TargetSettings {
        credentials: Some(credentials),
        ..TargetSettings::new(&rig.url)
    };
    rig.outbound.target(settings).unwrap()
}

/// A receiver, a token address, and the one as a target with tokens from the other.
async fn rig() -> (Rig, TokenServer, Arc<Target>) {
    let (rig, server) = (Rig::new().await, TokenServer::new().await);
    let target = target(&rig, &Credentials::OAuth2(oauth2(&server.url)));
    (rig, server, target)
}

#[track_caller]
fn check_header(head: &str, header: &str) {
    assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
}

#[tokio::test]
async fn basic_and_bearer_are_on_every_send() {
    for (credentials, header) in [
        (
            Credentials::Basic {
                username: "Aladdin".to_owned(),
                password: "open sesame".to_owned(),
            },
            "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            Credentials::Bearer {
                token: "abc".to_owned(),
            },
            "authorization: Bearer abc",
        ),
    ] {
        let rig = Rig::new().await;
        let target = target(&rig, &credentials);
        let mut posting = rig.post(&target);
        let mut peer = rig.accept().await;
        for _ in 0..2 {
            let (head, _) = peer.request().await;
            check_header(&head, header);
            peer.write(SUCCESS).await;
            assert_eq!(posting.await.unwrap().outcome, Acknowledged);
            posting = rig.post(&target);
        }
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_before_it_ends() {
    let (rig, server, target) = rig().await;
    let posting = rig.post(&target);
    let (head, form) = server.give("first", 3600).await;
    assert!(head.starts_with("POST /oauth/token?x=1 HTTP/1.1\r\n"), "{head}");
    check_header(&head, "content-type: application/x-www-form-urlencoded");
    check_header(&head, "accept: application/json");
    check_header(&head, &format!("host: {}", server.listener.local_addr().unwrap()));
    // ring+back:hid%3Aden
    check_header(&head, "authorization: Basic cmluZytiYWNrOmhpZCUzQWRlbg==");
    assert!(!head.contains("webhook-"), "{head}");
    assert_eq!(form, "grant_type=client_credentials");
    let mut peer = rig.accept().await;
    let (head, _) = peer.request().await;
    check_header(&head, "authorization: Bearer first");
    check_header(&head, "webhook-id: evt_1");
    peer.write(SUCCESS).await;
    assert_eq!(gist(&posting.await.unwrap()), (Acknowledged, Some(200), None));
    for (ms, token, fetched) in [(3_569_000, "first", false), (1_000, "second", true)] {
        rig.clock.advance(ms);
        let posting = rig.post(&target);
        if fetched {
            server.give(token, 3600).await;
        }
        let mut peer = rig.accept().await;
        let (head, _) = peer.request().await;
        check_header(&head, &format!("authorization: Bearer {token}"));
        peer.write(SUCCESS).await;
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    }
}

#[tokio::test]
async fn the_client_may_say_who_it_is_in_the_body() {
    let (rig, server) = (Rig::new().await, TokenServer::new().await);
    let in_body = OAuth2 {
        scope: Some("a b".to_owned()),
        audience: Some("https://erp.example/".to_owned()),
        auth: ClientAuth::Body,
        ..oauth2(&server.url)
    };
    let posting = rig.post(&target(&rig, &Credentials::OAuth2(in_body)));
    let (head, form) = server.give("t", 60).await;
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!(
        form,
        "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Ferp.example%2F&client_id=ring+back&client_secret=hid%3Aden"
    );
    rig.accept().await.answer(SUCCESS).await;
    assert_eq!(posting.await.unwrap().outcome, Acknowledged);
}

#[tokio::test]
async fn one_fetches_and_the_others_wait() {
    let (rig, server, target) = rig().await;
    let postings: Vec<_> = (0..3).map(|_| rig.post(&target)).collect();
    settle().await;
    server.give("t", 60).await;
    for posting in postings {
        let mut peer = rig.accept().await;
        let (head, _) = peer.request().await;
        check_header(&head, "authorization: Bearer t");
        peer.write(SUCCESS).await;
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (rig, server, target) = rig().await;
    let posting = rig.post(&target);
    server.give("first", 3600).await;
    let mut peer = rig.accept().await;
    // A token that was fetched just now would be the same again.
    peer.answer(DENIED).await;
    assert_eq!(gist(&posting.await.unwrap()), (Refused, Some(401), None));
    rig.clock.advance(3_999);
    for (age_ms, second) in [(6_001, SUCCESS), (10_000, DENIED)] {
        rig.clock.advance(age_ms);
        let posting = rig.post(&target);
        let mut peer = rig.accept().await;
        peer.answer(DENIED).await;
        server.give("second", 3600).await;
        let (head, _) = peer.request().await;
        check_header(&head, "authorization: Bearer second");
        check_header(&head, "ringback-send: 1");
        peer.write(second).await;
        let status = posting.await.unwrap().status;
        assert_eq!(status, Some(if second == SUCCESS { 200 } else { 401 }));
    }
}

#[tokio::test]
async fn an_answer_without_a_token_says_so_and_nothing_is_sent() {
    for (status, body, name, text) in [
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client","error_description":"hid:den"}"#,
            "token-refused",
            "no access token from the token address: it answered with status 401, invalid_client",
        ),
        (
            "500 Oops",
            "hid:den",
            "token-refused",
            "no access token from the token address: it answered with status 500",
        ),
        (
            "302 Found",
            "",
            "token-refused",
            "no access token from the token address: it answered with status 302",
        ),
        (
            "200 OK",
            r#"{"token":"hid:den"}"#,
            "token-answer",
            "no access token from the token address: its answer holds no bearer token",
        ),
    ] {
        let (rig, server, target) = rig().await;
        let postings = [rig.post(&target), rig.post(&target)];
        settle().await;
        server.answer(status, body).await;
        // Who waited for the fetch has its outcome.
        for posting in postings {
            let exchange = posting.await.unwrap();
            assert_eq!(gist(&exchange), (Refused, None, Some(name)), "{status}");
            assert_eq!(exchange.detail.as_ref().unwrap().to_string(), text);
            assert!(exchange.body_start.is_empty() && exchange.address.is_none());
            assert!(!format!("{exchange:?}").contains("hid:den"));
        }
        rig.assert_no_further_connection().await;
        // A failure is not kept: the next send asks again.
        let posting = rig.post(&target);
        server.give("t", 60).await;
        rig.accept().await.answer(SUCCESS).await;
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
    }
}

#[tokio::test]
async fn a_token_address_that_cannot_be_reached_is_told_apart() {
    let gone = TokenServer::new().await.url;
    for (url, outcome, text) in [
        (
            gone.as_str(),
            Unreachable,
            "no access token from the token address: nothing listens at the address: connection refused",
        ),
        (
            "http://10.0.0.1/token",
            Blocked,
            "no access token from the token address: the host has a private address; RINGBACK_OUTBOUND_ALLOW can admit it",
        ),
    ] {
        let rig = Rig::new().await;
        let target = target(&rig, &Credentials::OAuth2(oauth2(url)));
        let exchange = rig.post(&target).await.unwrap();
        assert_eq!(gist(&exchange), (outcome, None, Some("token-exchange-failed")));
        assert_eq!(exchange.detail.unwrap().to_string(), text);
        rig.assert_no_further_connection().await;
    }
}

#[tokio::test]
async fn a_token_address_that_does_not_answer_ends_with_the_exchange() {
    let (rig, server, target) = rig().await;
    let postings = [rig.post(&target), rig.post(&target)];
    let mut peer = server.accept().await;
    peer.request().await;
    rig.clock.sleepers(2).await;
    rig.clock.advance(15_000);
    for posting in postings {
        let exchange = posting.await.unwrap();
        assert_eq!(gist(&exchange), (TimedOut, None, Some("token-timed-out")));
    }
    peer.closed().await;
    rig.assert_no_further_connection().await;
}
