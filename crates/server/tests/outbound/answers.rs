//! Every kind of answer, and what is made of it.

use ringback_contract::ack::AckRule;
use ringback_server::outbound::Outcome::{
    self, Acknowledged, NotAcknowledged, Refused, TimedOut, Unreachable,
};
use ringback_server::outbound::{Detail, Exchange, RetryAfter, TargetSettings};

use crate::rig::{Rig, SUCCESS, gist, message, settle};

/// What the receiver does after it has written its bytes.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Nothing: the exchange must end by itself.
    Wait,
    /// Closes the connection.
    Close,
    /// Breaks the connection.
    Reset,
    /// Says nothing more until the time is up.
    Stall,
}

/// One send to a receiver that reads the request, writes `bytes` and goes on as `then` says.
async fn exchange(rule: AckRule, bytes: &[u8], then: Then) -> Exchange {
    let rig = Rig::new().await;
    let settings = TargetSettings {
        ack_rule: rule,
        ..TargetSettings::new(&rig.url)
    };
    let target = rig.outbound.target(settings).unwrap();
    let posting = rig.post(&target);
    let mut peer = rig.accept().await;
    peer.request().await;
    peer.write(bytes).await;
    settle().await;
    let kept = match then {
        Then::Wait => Some(peer),
        Then::Close => {
            drop(peer);
            None
        }
        Then::Reset => {
            peer.reset();
            None
        }
        Then::Stall => {
            rig.clock.advance(14_999);
            settle().await;
            assert!(!posting.is_finished(), "before its time was up");
            rig.clock.advance(1);
            Some(peer)
        }
    };
    let exchange = posting.await.unwrap();
    drop(kept);
    rig.assert_no_further_connection().await;
    exchange
}

/// A case: the bytes, what follows them, and outcome, status and detail that come of it.
type Case<'a> = (&'a str, Then, (Outcome, Option<u16>, Option<&'a str>));

async fn check(rule: AckRule, cases: &[Case<'_>]) {
    for (bytes, then, expected) in cases {
        let exchange = exchange(rule, bytes.as_bytes(), *then).await;
        let shown = bytes.chars().take(120).collect::<String>();
        assert_eq!(gist(&exchange), *expected, "{shown:?} {then:?}");
    }
}

#[tokio::test]
async fn whole_answers() {
    use Then::{Close, Wait};
    check(
        AckRule::Success,
        &[
            (SUCCESS, Wait, (Acknowledged, Some(200), None)),
            ("HTTP/1.1 201 Made\r\nContent-Length: 7\r\n\r\nsuccess", Wait, (Acknowledged, Some(201), None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfail", Wait, (NotAcknowledged, Some(200), None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Wait, (NotAcknowledged, Some(200), None)),
            ("HTTP/1.1 204 No Content\r\n\r\n", Wait, (NotAcknowledged, Some(204), None)),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nsuccess", Wait, (Refused, Some(404), None)),
            ("HTTP/1.1 500 Oops\r\nContent-Length: 7\r\n\r\nsuccess", Wait, (Refused, Some(500), None)),
            ("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Wait, (Refused, Some(999), None)),
            // Chunked, with an extension and a trailer.
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nsuc\r\n4\r\ncess\r\n0\r\nT: 1\r\n\r\n",
                Wait,
                (Acknowledged, Some(200), None),
            ),
            // Without a length the end of the connection is the end of the body.
            ("HTTP/1.1 200 OK\r\n\r\nsuccess", Close, (Acknowledged, Some(200), None)),
            ("HTTP/1.0 200 OK\r\n\r\nsuccess", Close, (Acknowledged, Some(200), None)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nsuccess", Wait, (Acknowledged, Some(200), None)),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nsuccess", Wait, (Acknowledged, Some(200), None)),
            // A compressed body was not asked for and is not undone.
            (
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1f}8\u{8}\u{0}",
                Wait,
                (NotAcknowledged, Some(200), None),
            ),
            // Only line feeds.
            ("HTTP/1.1 200 OK\nContent-Length: 7\n\nsuccess", Wait, (Acknowledged, Some(200), None)),
        ],
    )
    .await;
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    use Then::{Close, Stall, Wait};
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    check(
        AckRule::Success,
        &[
            (
                &format!("{interim}{SUCCESS}"),
                Wait,
                (Acknowledged, Some(200), None),
            ),
            (
                &format!("{interim}{hints}{interim}{SUCCESS}"),
                Wait,
                (Acknowledged, Some(200), None),
            ),
            (interim, Close, (Unreachable, None, Some("closed"))),
            (interim, Stall, (TimedOut, None, Some("answer-timed-out"))),
            (
                "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                Wait,
                (Refused, Some(101), None),
            ),
        ],
    )
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn broken_answers() {
    use Then::{Close, Reset, Stall, Wait};
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        AckRule::Success,
        &[
            ("", Close, (Unreachable, None, Some("closed"))),
            ("", Reset, (Unreachable, None, Some("reset"))),
            ("", Stall, (TimedOut, None, Some("answer-timed-out"))),
            ("HTTP/1.1 200 O", Close, (Unreachable, None, Some("closed"))),
            ("HTTP/1.1 200 O", Reset, (Unreachable, None, Some("reset"))),
            (
                "HTTP/1.1 200 O",
                Stall,
                (TimedOut, None, Some("answer-timed-out")),
            ),
            (head, Close, (Unreachable, Some(200), Some("closed"))),
            (
                &format!("{head}succes"),
                Close,
                (Unreachable, Some(200), Some("closed")),
            ),
            (
                &format!("{head}succes"),
                Reset,
                (Unreachable, Some(200), Some("reset")),
            ),
            (
                &format!("{head}succes"),
                Stall,
                (TimedOut, Some(200), Some("answer-timed-out")),
            ),
            (
                &format!("{chunked}7\r\nsuccess\r\n"),
                Close,
                (Unreachable, Some(200), Some("closed")),
            ),
            (
                &format!("{chunked}7\r\nsuccess\r\n"),
                Stall,
                (TimedOut, Some(200), Some("answer-timed-out")),
            ),
            (
                &format!("{chunked}xyz\r\nsuccess\r\n"),
                Wait,
                (Unreachable, Some(200), Some("protocol")),
            ),
            (
                &format!("{chunked}ffffffffffffffffff\r\n"),
                Wait,
                (Unreachable, Some(200), Some("protocol")),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nsuccess",
                Reset,
                (Unreachable, Some(200), Some("reset")),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nsuccess",
                Stall,
                (TimedOut, Some(200), Some("answer-timed-out")),
            ),
            (
                "SSH-2.0-OpenSSH_9.2\r\n",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            ("success", Close, (Unreachable, None, Some("protocol"))),
            (
                "\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            (
                "HTTP/2.0 200 OK\r\n\r\n",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            (
                "HTTP/1.1 2000 OK\r\n\r\n",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            (
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\nsuccess",
                Wait,
                (Unreachable, None, Some("protocol")),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_status_other_than_2xx_stands_whatever_happens_to_its_body() {
    use Then::{Close, Reset, Stall};
    let head = "HTTP/1.1 503 Busy\r\nContent-Length: 7\r\n\r\nbusy";
    let expected = (Refused, Some(503), None);
    check(
        AckRule::Success,
        &[
            (head, Close, expected),
            (head, Reset, expected),
            (head, Stall, expected),
        ],
    )
    .await;
}

#[tokio::test]
async fn under_the_status_rule_the_head_decides() {
    use Then::{Close, Reset, Stall, Wait};
    let expected = (Acknowledged, Some(200), None);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nfai";
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{}",
        "x".repeat(99_999)
    );
    check(
        AckRule::Status,
        &[
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfail", Wait, expected),
            ("HTTP/1.1 204 None\r\n\r\n", Wait, (Acknowledged, Some(204), None)),
            (head, Close, expected),
            (head, Reset, expected),
            (head, Stall, expected),
            (&long, Wait, expected),
            (
                "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
                Wait,
                (Refused, Some(302), Some("redirect")),
            ),
            (
                "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
                Wait,
                (Refused, Some(400), None),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    for (location, host) in [
        (
            "Location: https://other.example:8443/x\r\n",
            Some("other.example"),
        ),
        ("Location: //other.example/x\r\n", Some("other.example")),
        ("Location: /elsewhere\r\n", Some("127.0.0.1")),
        ("Location: mailto:someone\r\n", None),
        ("Location: https://exa mple/\r\n", None),
        ("", None),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let answer = format!("HTTP/1.1 {status} Moved\r\n{location}Content-Length: 0\r\n\r\n");
            let exchange = exchange(AckRule::Success, answer.as_bytes(), Then::Wait).await;
            assert_eq!((exchange.outcome, exchange.status), (Refused, Some(status)));
            assert_eq!(
                exchange.detail,
                Some(Detail::Redirect(host.map(str::to_owned))),
                "{location}"
            );
        }
    }
}

#[tokio::test]
async fn what_came_before_the_time_was_up_is_kept() {
    let answer = b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\nhalf of it";
    let exchange = exchange(AckRule::Success, answer, Then::Stall).await;
    assert_eq!(gist(&exchange), (TimedOut, Some(200), Some("answer-timed-out")));
    assert_eq!(exchange.body_start, "half of it");
    assert_eq!(exchange.retry_after, Some(RetryAfter::Seconds(7)));
    assert_eq!(exchange.duration_ms, 15_000);
    assert_eq!(
        exchange.started_wall_ms,
        ringback_server::clock::test::WALL_START_MS
    );
}

#[tokio::test]
async fn retry_after_is_read_from_any_answer() {
    let answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let exchange = exchange(AckRule::Success, answer, Then::Wait).await;
    assert_eq!(
        (exchange.outcome, exchange.retry_after),
        (Refused, Some(RetryAfter::Seconds(120)))
    );
}

#[tokio::test]
async fn a_drip_fed_answer_ends_with_its_time() {
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let mut peer = rig.accept().await;
    peer.request().await;
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n").await;
    for byte in "succes".bytes() {
        peer.write([byte]).await;
        settle().await;
        rig.clock.advance(2_000);
        settle().await;
        assert!(!posting.is_finished());
    }
    rig.clock.advance(3_000);
    let exchange = posting.await.unwrap();
    assert_eq!(gist(&exchange), (TimedOut, Some(200), Some("answer-timed-out")));
    assert_eq!(exchange.body_start, "succes");
    peer.closed().await;
}

#[tokio::test]
async fn an_answer_before_the_request_was_read_counts() {
    // Larger than what the sockets between hold, so that the client is still writing.
    let body = "x".repeat(16 * 1024 * 1024);
    for (answer, expected) in [
        (SUCCESS, (Acknowledged, Some(200), None)),
        (
            "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
            (Refused, Some(413), None),
        ),
    ] {
        let rig = Rig::new().await;
        let target = rig.target();
        let posting = rig.post_message(&target, message(body.clone()));
        let mut peer = rig.accept().await;
        peer.head().await;
        peer.write(answer).await;
        assert_eq!(gist(&posting.await.unwrap()), expected);
        // The rest of the request cannot be told from a next one: the connection is of no more use.
        peer.closed().await;
        assert_eq!(rig.outbound.idle_connections(), 0);
    }
}

#[tokio::test]
async fn a_receiver_that_speaks_unasked_is_no_http_receiver() {
    let rig = Rig::new().await;
    let target = rig.target();
    // Its greeting is there before the client has its connection in hand.
    let greeting = ringback_server::tasks::spawn("test", {
        let listener = rig.listener;
        async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n")
                .await
                .unwrap();
            stream
        }
    });
    let exchange = rig.outbound.post(&target, message("{}")).await;
    assert_eq!(gist(&exchange), (Unreachable, None, Some("protocol")));
    drop(greeting.await.unwrap());
}
