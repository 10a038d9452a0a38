//! The load driver against the workbench's own receivers. Nothing here measures time.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use http::{Response, StatusCode};

use super::*;
use crate::bench::sink::Sink;
use crate::bench::timings::join;
use crate::receiver::respond::whole;
use crate::receiver::server::Server;
use crate::receiver::{Options, Receiver};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A load that ends by its number of requests, long before its window.
fn load(addr: SocketAddr, requests: u64) -> Load {
    Load {
        url: format!("http://{addr}/v1/calls"),
        token: None,
        connections: 4,
        pace: Pace::Closed,
        companies: Companies::SAMPLE,
        batch: 1,
        id_offset: 0,
        warmup_ms: 0,
        window_ms: 600_000,
        requests: Some(requests),
        note: true,
    }
}

async fn run(load: Load) -> Result<Outcome, LoadError> {
    drive(load, || (), || ()).await
}

#[tokio::test]
async fn each_event_arrives_once_in_both_loops() {
    let sink = Sink::bind(ANY_PORT).await.unwrap();
    for (pace, offset) in [(Pace::Closed, 0), (Pace::Open(20_000), 1_000)] {
        sink.reset(true);
        let outcome = run(Load {
            pace,
            id_offset: offset,
            ..load(sink.local_addr(), 200)
        })
        .await
        .unwrap();
        assert_eq!(
            (outcome.events, outcome.latency.count(), outcome.failures.len()),
            (200, 200, 0)
        );
        assert_eq!(sink.received(), 200);
        let arrivals = sink.take_arrivals();
        let ids: HashSet<u64> = arrivals.iter().map(|arrival| arrival.id).collect();
        assert_eq!(ids, (0..200).map(|number| FIRST_ID + offset + number).collect());
        let delivered = join(&outcome.sent, &arrivals, outcome.window);
        assert_eq!((delivered.accepted, delivered.arrived_in_window), (200, 200));
        assert_eq!((delivered.lost, delivered.repeated, delivered.unknown), (0, 0, 0));
        assert_eq!(outcome.summary().latency, outcome.latency.summary());
    }
    sink.reset(false);
    run(load(sink.local_addr(), 3)).await.unwrap();
    assert_eq!((sink.received(), sink.take_arrivals().len()), (3, 0));
}

#[tokio::test]
async fn a_window_ends_a_load_without_a_number() {
    let sink = Sink::bind(ANY_PORT).await.unwrap();
    let (mut begun, mut ended) = (0, 0);
    let endless = Load {
        requests: None,
        warmup_ms: 20,
        window_ms: 20,
        ..load(sink.local_addr(), 0)
    };
    let outcome = drive(endless, || begun += 1, || ended += 1).await.unwrap();
    assert_eq!((begun, ended), (1, 1));
    assert_eq!(outcome.sent.len() as u64, sink.received());
    assert!(
        outcome
            .sent
            .iter()
            .all(|sent| sent.accepted && sent.intended_us < outcome.window.end_us)
    );
}

/// A service that takes `application/x-ndjson` and refuses the line with the id `refused`.
async fn intake(refused: u64) -> Server {
    Server::bind(ANY_PORT, move |request, _connection| async move {
        assert_eq!(request.headers()[CONTENT_TYPE], "application/x-ndjson");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer secret");
        let body = client::read(request.into_body()).await.unwrap();
        let lines = body
            .split(|byte| *byte == b'\n')
            .filter_map(crate::bench::template::find_id)
            .map(|id| {
                let status = if id == refused { 422 } else { 202 };
                format!("{{\"line\":1,\"status\":{status}}}\n")
            });
        let answer: Response<_> = whole(
            StatusCode::OK,
            "application/x-ndjson",
            lines.collect::<String>().into(),
        );
        Ok(answer)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn batches_count_events_and_every_line_matters() {
    let token = Some("secret".to_owned());
    let server = intake(FIRST_ID + 40).await;
    let batches = Load {
        batch: 32,
        token,
        ..load(server.local_addr(), 5)
    };
    let outcome = run(batches).await.unwrap();
    assert_eq!(outcome.events, 4 * 32);
    assert_eq!(
        outcome.failures,
        [("a batch in which not every line was accepted".to_owned(), 1)].into()
    );
    let refused: Vec<_> = outcome
        .sent
        .iter()
        .filter(|sent| !sent.accepted)
        .map(|sent| sent.first_id)
        .collect();
    assert_eq!(refused, [FIRST_ID + 32]);
}

#[tokio::test]
async fn what_fails_is_counted_and_the_load_goes_on() {
    for (plan, failure) in [
        ("503", "status 503"),
        ("302", "status 302"),
        ("reset", "the exchange with the server broke off"),
        ("close", "the exchange with the server broke off"),
    ] {
        let options = Options {
            plan: plan.parse().unwrap(),
            ..Options::default()
        };
        let receiver = Receiver::bind(ANY_PORT, options).await.unwrap();
        let outcome = run(load(receiver.local_addr(), 20)).await.unwrap();
        assert_eq!(outcome.failures, [(failure.to_owned(), 20)].into(), "{plan}");
        assert_eq!((outcome.events, receiver.count().received), (0, 20));
    }
}

#[tokio::test]
async fn a_load_that_cannot_be_sent_is_an_error() {
    let unused = Sink::bind(ANY_PORT).await.unwrap();
    let addr = unused.local_addr();
    unused.stop().await;
    for (load, message) in [
        (load(addr, 1), "the load cannot be sent"),
        (
            Load {
                url: "https://127.0.0.1:1/".to_owned(),
                ..load(addr, 1)
            },
            "the load cannot be sent",
        ),
        (
            Load {
                url: "http://localhost:1/".to_owned(),
                ..load(addr, 1)
            },
            "the load cannot be sent",
        ),
        (
            Load {
                token: Some("a\nb".to_owned()),
                ..load(addr, 1)
            },
            "token: it has characters that a header cannot have",
        ),
    ] {
        assert_eq!(run(load).await.unwrap_err().to_string(), message);
    }
}
