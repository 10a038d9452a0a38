//! Each answer as it goes over the wire, the control surface, the journal, and the bounds.

use std::net::SocketAddr;

use http::StatusCode;
use ringback_contract::samples;
use ringback_contract::webhook::Secret;
use ringback_server::clock::test::TestClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::client;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn receiver(plan: &str) -> Receiver {
    let plan = plan.parse().unwrap();
    Receiver::bind(
        ANY_PORT,
        Options {
            plan,
            ..Options::default()
        },
    )
    .await
    .unwrap()
}

/// POSTs `body` with these header lines, and returns every byte that comes back until the connection ends.
async fn raw(addr: SocketAddr, header_lines: &str, body: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr).await?;
    let length = body.len();
    let request = format!(
        "POST /callback?x=1 HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {length}\r\n{header_lines}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn post(receiver: &Receiver, event: &str, body: &str) -> String {
    let header_lines = format!("webhook-id: {event}\r\n");
    let answer = raw(receiver.local_addr(), &header_lines, body).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", &head["HTTP/1.1 ".len()..][..3])
}

#[tokio::test]
async fn each_answer_goes_out_as_it_is_named() {
    let receiver = receiver("success").await;
    for (answer, expected) in [
        ("success", "200 success"),
        ("fail", "200 fail"),
        ("unsuccessful", "200 unsuccessful"),
        ("success-true", "200 {\"success\":true}"),
        (
            "html",
            "200 <!DOCTYPE html><html><body><h1>SUCCESS</h1></body></html>",
        ),
        ("bom", "200 \u{feff}success\n"),
        ("quoted", "200 \"success\""),
        ("result-msg", "200 {\"code\":200,\"resultMsg\":\"success\"}"),
        ("result-msg-500", "200 {\"code\":500,\"resultMsg\":\"success\"}"),
        ("code", "200 {\"code\":200,\"resultMsg\":\"ok\"}"),
        ("empty", "200 "),
        ("204", "204 "),
        ("302", "302 "),
        ("500", "500 "),
        ("close", "200 succ"),
    ] {
        receiver.answer(answer.parse().unwrap());
        assert_eq!(post(&receiver, "evt", "{}").await, expected, "{answer}");
    }
    receiver.answer("huge".parse().unwrap());
    assert_eq!(
        post(&receiver, "evt", "{}").await.len(),
        "200 ".len() + 64 * 1024 + 1
    );
    receiver.stop().await;
}

#[tokio::test]
async fn a_cut_body_promises_more_than_it_sends() {
    let receiver = receiver("close").await;
    let answer = String::from_utf8(raw(receiver.local_addr(), "", "{}").await.unwrap()).unwrap();
    assert!(
        answer.contains("content-length: 7\r\n") && answer.ends_with("\r\n\r\nsucc"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_reset_is_a_reset_and_still_recorded() {
    let receiver = receiver("reset").await;
    let error = raw(receiver.local_addr(), "", "{}").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(receiver.received()[0].answer, "reset");
}

#[tokio::test]
async fn a_hanging_answer_ends_with_the_receiver() {
    for plan in ["hang", "delay:1h"] {
        let receiver = receiver(plan).await;
        let asked = raw(receiver.local_addr(), "", "{}");
        let stopped = async {
            receiver.wait_for(1).await;
            receiver.stop().await;
        };
        let (answer, ()) = tokio::join!(asked, stopped);
        assert_eq!(answer.unwrap(), b"", "{plan}");
    }
}

#[tokio::test]
async fn a_delay_waits_by_the_clock() {
    let clock = Arc::new(TestClock::new());
    let options = Options {
        plan: "delay:5s:fail".parse().unwrap(),
        clock: clock.clone(),
        ..Options::default()
    };
    let receiver = Receiver::bind(ANY_PORT, options).await.unwrap();
    let turned = async {
        clock.sleepers(1).await;
        clock.advance(5_000);
    };
    let (answer, ()) = tokio::join!(post(&receiver, "evt", "{}"), turned);
    assert_eq!(answer, "200 fail");
}

#[tokio::test]
async fn a_plan_counts_the_sends_of_each_event() {
    let receiver = receiver("fail*2,success").await;
    for (event, expected) in [
        ("a", "fail"),
        ("b", "fail"),
        ("a", "fail"),
        ("a", "success"),
        ("b", "fail"),
        ("b", "success"),
    ] {
        assert_eq!(
            post(&receiver, event, "{}").await,
            format!("200 {expected}"),
            "{event}"
        );
    }
}

#[tokio::test]
async fn a_record_says_what_came() {
    let secret = Secret::from_bytes(&[3; 32]).unwrap();
    let clock = Arc::new(TestClock::new());
    let timestamp_s = clock.wall_ms() / 1000;
    let (sink, mut records) = mpsc::channel(1);
    let options = Options {
        verifier: Verifier {
            secrets: vec![secret.clone()],
            apps: Vec::new(),
        },
        sink: Some(sink),
        clock,
        ..Options::default()
    };
    let receiver = Receiver::bind(ANY_PORT, options).await.unwrap();
    let signature = secret.sign("evt_7", timestamp_s, samples::CALL.as_bytes());
    let header_lines = format!(
        "webhook-id: evt_7\r\nringback-send: 3\r\nwebhook-timestamp: {timestamp_s}\r\nwebhook-signature: {signature}\r\n"
    );
    raw(receiver.local_addr(), &header_lines, samples::CALL)
        .await
        .unwrap();
    raw(receiver.local_addr(), "", "no callback").await.unwrap();

    let call = records.recv().await.unwrap();
    assert_eq!(
        (call.number, call.event_id.as_deref(), call.send),
        (1, Some("evt_7"), Some(3))
    );
    assert_eq!(
        (call.company_id, call.entity_id, call.path.as_str()),
        (Some(1), Some(1), "/callback?x=1")
    );
    assert_eq!(call.kind, Some(ringback_contract::kind::Kind::Call));
    assert_eq!(call.body, samples::CALL);
    assert!(call.verification.is_verified());
    let kept = receiver.received();
    assert_eq!(kept.len(), 2);
    assert_eq!(
        (kept[1].kind, kept[1].company_id, kept[1].send),
        (None, None, None)
    );
    assert_eq!(
        kept[1].verification.problem(),
        Some("the header webhook-id is missing")
    );
    assert_eq!(
        receiver.count(),
        Count {
            received: 2,
            missed: 1
        }
    );
}

#[tokio::test]
async fn a_running_receiver_can_be_told_another_answer() {
    let receiver = receiver("fail").await;
    let url = |resource: &str| format!("{}_control/{resource}", receiver.url());
    let ask = async |method: &str, resource: &str, body: &'static str| {
        let url = url(resource);
        let answer = client::once(method.parse().unwrap(), &url, None, "application/json", body);
        let answer = answer.await.unwrap();
        (
            answer.status.as_u16(),
            String::from_utf8(answer.body.to_vec()).unwrap(),
        )
    };
    assert_eq!(
        ask("GET", "answer", "").await,
        (200, "{\"answer\":\"fail\"}\n".to_owned())
    );
    assert_eq!(post(&receiver, "a", "{}").await, "200 fail");
    assert_eq!(
        ask("PUT", "answer", r#"{"answer": "fail*1, success"}"#).await,
        (200, "{\"answer\":\"fail,success\"}\n".to_owned())
    );
    assert_eq!(post(&receiver, "a", "{}").await, "200 fail");
    assert_eq!(post(&receiver, "a", samples::JOB).await, "200 success");

    for (body, why) in [
        (r#"{"answer": "maybe"}"#, "answer: \"maybe\" is none"),
        (r#"{"answers": "fail"}"#, "the body must be"),
        ("", "the body must be"),
    ] {
        let (status, text) = ask("PUT", "answer", body).await;
        assert_eq!((status, text.starts_with(why)), (422, true), "{body}: {text}");
    }
    assert_eq!(ask("POST", "answer", "").await.0, 405);
    assert_eq!(ask("GET", "other", "").await.0, 404);

    let (_, lines) = ask("GET", "received?body", "").await;
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["body"], samples::JOB);
    assert_eq!(
        (&lines[2]["kind"], &lines[2]["entityId"]),
        (&"job".into(), &535.into())
    );
    assert_eq!(lines[2]["verification"]["webhook"]["result"], "notChecked");
    assert_eq!(ask("DELETE", "received", "").await.0, 204);
    assert_eq!(ask("GET", "received", "").await.1, "");
    assert_eq!(receiver.count().received, 3);
}

#[tokio::test]
async fn the_control_surface_can_be_left_out() {
    let options = Options {
        control: false,
        ..Options::default()
    };
    let receiver = Receiver::bind(ANY_PORT, options).await.unwrap();
    let url = format!("{}_control/answer", receiver.url());
    let answer = client::once(
        Method::PUT,
        &url,
        None,
        "application/json",
        r#"{"answer":"fail"}"#,
    )
    .await
    .unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post(&receiver, "a", "{}").await, "200 success");
}

#[tokio::test]
async fn the_journal_has_the_line_before_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.ndjson");
    let options = || Options {
        plan: "reset".parse().unwrap(),
        journal: Some(journal.clone()),
        ..Options::default()
    };
    for (line, event) in ["first", "second"].into_iter().enumerate() {
        let receiver = Receiver::bind(ANY_PORT, options()).await.unwrap();
        raw(
            receiver.local_addr(),
            &format!("webhook-id: {event}\r\n"),
            samples::CORRECTION,
        )
        .await
        .unwrap_err();
        let lines = std::fs::read_to_string(&journal).unwrap();
        assert_eq!(lines.lines().count(), line + 1);
        let record: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&record["eventId"], &record["answer"]),
            (&event.into(), &"reset".into())
        );
        assert_eq!(record["bodySha256"], sha256_hex(samples::CORRECTION.as_bytes()));
        assert_eq!(
            (&record["kind"], &record["entityId"]),
            (&"correction".into(), &2016.into())
        );
        assert!(
            record["bootUs"].is_i64() && record.get("body").is_none(),
            "{record}"
        );
        receiver.stop().await;
    }
    let nowhere = Options {
        journal: Some(directory.path().join("no/such")),
        ..Options::default()
    };
    assert_eq!(
        Receiver::bind(ANY_PORT, nowhere).await.unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let receiver = Receiver::bind(
        ANY_PORT,
        Options {
            keep: 2,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    for event in ["a", "b", "c"] {
        post(&receiver, event, "{}").await;
    }
    let kept = receiver.received();
    let kept: Vec<_> = kept
        .iter()
        .map(|received| (received.number, received.event_id.as_deref()))
        .collect();
    assert_eq!(kept, [(2, Some("b")), (3, Some("c"))]);
    let too_long = " ".repeat(CALLBACK_MAX + 1);
    let refused = client::once(Method::POST, &receiver.url(), None, "text/plain", too_long)
        .await
        .unwrap();
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(receiver.count().received, 3);
}
