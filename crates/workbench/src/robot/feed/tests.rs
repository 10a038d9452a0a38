//! The feed against a service that answers as it is told, on virtual time.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use http::Response;
use http_body_util::BodyExt as _;
use ringback_server::clock::test::TestClock;

use super::super::event::Event;
use super::*;
use crate::receiver::server::{Dropped, Server};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a service was asked: method, path and key.
type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

/// A service that answers with these statuses, one after the other, and with the last for ever.
async fn service(statuses: &'static [u16]) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let server = Server::bind(ANY_PORT, move |request, _| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
        seen.push((request.method().to_string(), request.uri().to_string(), key));
        let status = statuses[(seen.len() - 1).min(statuses.len() - 1)];
        let body = r#"{"title": "Not so", "detail": "because"}"#;
        let body = Full::new(Bytes::from(body)).map_err(|never: std::convert::Infallible| match never {});
        let response = Response::builder().status(status).body(body).unwrap();
        async move { Ok::<_, Dropped>(response) }
    })
    .await
    .unwrap();
    (server, asked)
}

fn line(kind: Kind, entity_id: i64, key: &str) -> Line {
    Line {
        key: key.to_owned(),
        event: Event {
            at_ms: 0,
            kind,
            entity_id,
            body: "{}".to_owned(),
        },
    }
}

/// Hands these over to an address, with all the time that it takes, and tells what became of them.
async fn fed(server: SocketAddr, lines: Vec<Line>) -> (Result<(), FeedProblem>, Tally) {
    let test_clock = Arc::new(TestClock::new());
    let clock: Arc<dyn Clock> = Arc::clone(&test_clock) as _;
    let mut feed = Feed::new(server, "token", 4, &clock).unwrap();
    let work = async {
        for line in lines {
            feed.hand_over(line).await?;
        }
        feed.settle().await
    };
    let time_passes = async {
        loop {
            test_clock.sleepers(1).await;
            test_clock.advance(5_000);
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        () = time_passes => unreachable!("time passes for ever"),
    };
    (ended, feed.tally().clone())
}

#[tokio::test]
async fn an_event_is_handed_over_until_the_service_decides() {
    // What it answers, how often it is asked, and how the event counts: accepted, repeated, refused.
    for (statuses, times, expected) in [
        (&[202][..], 1, (1, 0, 0)),
        (&[200], 1, (0, 1, 0)),
        (&[503, 429, 500, 202], 4, (1, 0, 0)),
        (&[503, 200], 2, (0, 1, 0)),
        (&[409], 1, (0, 0, 1)),
        (&[422], 1, (0, 0, 1)),
    ] {
        let (server, asked) = service(statuses).await;
        let (ended, tally) = fed(server.local_addr(), vec![line(Kind::Call, 7, "k/1")]).await;
        ended.unwrap();
        let count = tally["call"].clone();
        assert_eq!(
            (count.accepted, count.repeated, count.refused),
            expected,
            "{statuses:?}"
        );
        let said = (expected.2 > 0).then(|| format!("{} Not so because", statuses[0]));
        assert_eq!(count.first_refusal, said);
        let asked = asked.lock().unwrap().clone();
        let same = ("POST".to_owned(), "/v1/calls".to_owned(), "k/1".to_owned());
        assert_eq!(asked, vec![same; times], "{statuses:?}");
    }
}

#[tokio::test]
async fn it_gives_up_on_a_token_that_is_not_valid_and_on_a_service_that_is_not_there() {
    for status in [401, 403] {
        let (server, _) = service(if status == 401 { &[401] } else { &[403] }).await;
        let (ended, _) = fed(server.local_addr(), vec![line(Kind::Call, 7, "k")]).await;
        assert!(
            matches!(ended, Err(FeedProblem::Token(found)) if found == status),
            "{ended:?}"
        );
    }
    let (server, asked) = service(&[503]).await;
    let (ended, _) = fed(server.local_addr(), vec![line(Kind::Call, 7, "k")]).await;
    assert!(matches!(ended, Err(FeedProblem::Unavailable(_))), "{ended:?}");
    assert_eq!(asked.lock().unwrap().len(), usize::try_from(TRIES).unwrap());
    // Nobody listens there any more.
    let free = tokio::net::TcpListener::bind(ANY_PORT)
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (ended, _) = fed(free, vec![line(Kind::Call, 7, "k")]).await;
    assert!(matches!(ended, Err(FeedProblem::Unavailable(_))), "{ended:?}");
}

#[tokio::test]
async fn events_of_a_call_keep_their_order_and_a_job_comes_after_all_before_it() {
    let (server, asked) = service(&[202]).await;
    let mut lines = Vec::new();
    for round in 0..10 {
        for call in 0..10 {
            let kind = if round == 0 { Kind::Call } else { Kind::Correction };
            lines.push(line(kind, call, &format!("{call}/{round}")));
        }
        lines.push(line(Kind::Job, round, &format!("job/{round}")));
    }
    let (ended, tally) = fed(server.local_addr(), lines).await;
    ended.unwrap();
    assert_eq!(
        (
            tally["call"].accepted,
            tally["correction"].accepted,
            tally["job"].accepted
        ),
        (10, 90, 10)
    );
    let keys: Vec<String> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|(.., key)| key.clone())
        .collect();
    for (round, keys) in keys.chunks(11).enumerate() {
        let mut calls = keys[..10].to_vec();
        calls.sort();
        let expected: Vec<String> = (0..10).map(|call| format!("{call}/{round}")).collect();
        assert_eq!((calls, keys[10].clone()), (expected, format!("job/{round}")));
    }
    let paths = asked.lock().unwrap();
    assert!(paths.contains(&(
        "PUT".to_owned(),
        "/v1/calls/3/intent".to_owned(),
        "3/1".to_owned()
    )));
}
