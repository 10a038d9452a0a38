//! The verdict on each answer of the receiver, by each rule, and what is sent.

mod widened;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ringback_contract::ack::AckFailure;
use ringback_contract::ack::AckRule::{Status, Success, SuccessOrCode};
use ringback_contract::callback::Callback;
use ringback_server::clock::RealClock;

use super::*;
use crate::receiver::{self, Receiver, Verifier};

const KEY: &str = "demoAppKey0000001";
const APP_SECRET: &str = "demoAppSecret00000000000000001";

async fn bind(verifier: Verifier, plan: &str) -> Receiver {
    let plan = plan.parse().unwrap();
    let options = receiver::Options {
        plan,
        verifier,
        ..receiver::Options::default()
    };
    Receiver::bind((Ipv4Addr::LOCALHOST, 0).into(), options)
        .await
        .unwrap()
}

async fn send(kind: Kind, receiver: &Receiver, options: &Options) -> Report {
    trigger(kind, &receiver.url(), options, Arc::new(RealClock))
        .await
        .unwrap()
}

/// The receiver's answer, the rule, and how the report begins to say why.
const VERDICTS: &[(&str, AckRule, &str, &str)] = &[
    (
        "success",
        Success,
        "acknowledged",
        "The status is 2xx and the body says success.",
    ),
    (
        "bom",
        Success,
        "acknowledged",
        "The status is 2xx and the body says success.",
    ),
    (
        "quoted",
        Success,
        "acknowledged",
        "The status is 2xx and the body says success.",
    ),
    (
        "result-msg",
        Success,
        "acknowledged",
        "The status is 2xx and the body says success.",
    ),
    (
        "code",
        SuccessOrCode,
        "acknowledged",
        "The status is 2xx and the body says success.",
    ),
    (
        "fail",
        Status,
        "acknowledged",
        "The status is 2xx, and that is enough",
    ),
    (
        "204",
        Status,
        "acknowledged",
        "The status is 2xx, and that is enough",
    ),
    ("code", Success, "not-acknowledged", "JsonOtherResultMsg"),
    ("result-msg-500", Success, "not-acknowledged", "JsonOtherCode"),
    ("success-true", Success, "not-acknowledged", "JsonSuccessMember"),
    ("fail", Success, "not-acknowledged", "Fail"),
    ("unsuccessful", Success, "not-acknowledged", "OtherText"),
    ("html", Success, "not-acknowledged", "Html"),
    ("empty", Success, "not-acknowledged", "EmptyBody"),
    (
        "huge",
        Success,
        "not-acknowledged",
        "the body of the answer was longer than 64 KiB.",
    ),
    ("204", Success, "not-acknowledged", "EmptyBody"),
    ("500", Status, "refused", "The status is 500."),
    ("415", Success, "refused", "The status is 415"),
    ("302", Success, "refused", "a redirect to 127.0.0.1"),
    ("reset", Success, "unreachable", "the connection broke."),
    (
        "close",
        Success,
        "unreachable",
        "the receiver closed the connection before",
    ),
];

#[tokio::test]
async fn the_verdict_on_each_answer() {
    let receiver = bind(Verifier::default(), "success").await;
    for &(answer, rule, outcome, why) in VERDICTS {
        receiver.answer(answer.parse().unwrap());
        let report = send(
            Kind::Job,
            &receiver,
            &Options {
                ack_rule: rule,
                ..Options::default()
            },
        )
        .await;
        assert_eq!(
            (report.outcome, report.acknowledged),
            (outcome, outcome == "acknowledged"),
            "{answer} {rule:?}"
        );
        let expected = named(why).map_or_else(|| why.to_owned(), AckFailure::en);
        assert!(
            report.why.starts_with(&expected),
            "{answer} {rule:?}: {}",
            report.why
        );
    }
}

/// The reasons in the cases above that stand there by their names.
fn named(name: &str) -> Option<AckFailure> {
    use AckFailure::{
        EmptyBody, Fail, Html, JsonOtherCode, JsonOtherResultMsg, JsonSuccessMember, OtherText,
    };
    [
        EmptyBody,
        Fail,
        Html,
        JsonOtherCode,
        JsonOtherResultMsg,
        JsonSuccessMember,
        OtherText,
    ]
    .into_iter()
    .find(|reason| format!("{reason:?}") == name)
}

#[tokio::test]
async fn a_hanging_receiver_times_out_by_the_clock() {
    let receiver = bind(Verifier::default(), "hang").await;
    let clock = Arc::new(ringback_server::clock::test::TestClock::new());
    let (options, url) = (Options::default(), receiver.url());
    let turned = async {
        receiver.wait_for(1).await;
        clock.sleepers(1).await;
        clock.advance(15_000);
    };
    let (report, ()) = tokio::join!(trigger(Kind::Job, &url, &options, clock.clone()), turned);
    let report = report.unwrap();
    assert_eq!(
        (report.outcome, report.status, report.duration_ms),
        ("timed-out", None, 15_000)
    );
}

#[tokio::test]
async fn each_kind_arrives_signed_and_readable() {
    let secret = Secret::from_bytes(&[5; 32]).unwrap();
    let app = App {
        key: KEY.to_owned(),
        secret: APP_SECRET.to_owned(),
    };
    let verifier = Verifier {
        secrets: vec![secret.clone()],
        apps: vec![app.clone()],
    };
    let receiver = bind(verifier, "success").await;
    for source in [Source::Sample, Source::Generated(4)] {
        for kind in Kind::ALL {
            let options = Options {
                source: source.clone(),
                secret: Some(secret.clone()),
                app: Some(app.clone()),
                headers: vec![("x-tenant".to_owned(), "a".to_owned())],
                ..Options::default()
            };
            let report = send(kind, &receiver, &options).await;
            assert!(report.acknowledged, "{report}");
            let received = receiver.received().pop().unwrap();
            assert_eq!((received.kind, received.send), (Some(kind), Some(1)));
            assert_eq!(received.event_id.as_deref(), Some(report.event_id.as_str()));
            assert!(received.verification.is_verified(), "{:?}", received.verification);
            assert_eq!(Callback::read(&received.body).unwrap().kind(), kind);
            assert_eq!(received.body.len(), report.sent_bytes);
        }
    }
}

#[tokio::test]
async fn without_a_secret_the_headers_are_there_all_the_same() {
    let secrets = vec![Secret::from_bytes(&[5; 32]).unwrap()];
    let receiver = bind(
        Verifier {
            secrets,
            apps: Vec::new(),
        },
        "success",
    )
    .await;
    let report = send(Kind::Call, &receiver, &Options::default()).await;
    let received = receiver.received().pop().unwrap();
    let problem = received.verification.problem().unwrap();
    assert!(
        problem.starts_with("no signature in webhook-signature fits"),
        "{problem}"
    );
    assert_ne!(
        report.event_id,
        send(Kind::Call, &receiver, &Options::default()).await.event_id
    );
}

#[tokio::test]
async fn what_cannot_be_sent_says_which_setting_is_wrong() {
    let header = |name: &str| vec![(name.to_owned(), "1".to_owned())];
    for (url, options, message) in [
        (
            "ftp://127.0.0.1/",
            Options::default(),
            "url: the scheme must be http or https",
        ),
        ("nowhere", Options::default(), "url: not an absolute URL"),
        (
            "http://127.0.0.1:1/",
            Options {
                timeout_ms: 999,
                ..Options::default()
            },
            "timeout: must be between 1 s and 60 s",
        ),
        (
            "http://127.0.0.1:1/",
            Options {
                headers: header("webhook-id"),
                ..Options::default()
            },
            "headers: header webhook-id is set by ringback and cannot be changed",
        ),
    ] {
        let error = trigger(Kind::Job, url, &options, Arc::new(RealClock))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn only_public_addresses_and_this_machine_are_connected_to() {
    for (allow, url, outcome) in [
        (vec![], "http://169.254.169.254/", "blocked"),
        (vec![], "http://10.0.0.1:9/", "blocked"),
        (
            vec!["0.0.0.0/8".parse().unwrap()],
            "http://10.0.0.1:9/",
            "blocked",
        ),
        (vec![], "http://127.8.8.8:1/", "unreachable"),
    ] {
        let options = Options {
            allow,
            ..Options::default()
        };
        let report = trigger(Kind::Job, url, &options, Arc::new(RealClock))
            .await
            .unwrap();
        assert_eq!(report.outcome, outcome, "{url}: {}", report.why);
    }
}

#[test]
fn the_report_reads_well() {
    let report = Report {
        kind: Kind::Job,
        url: "http://127.0.0.1:9/".to_owned(),
        event_id: "evt_1".to_owned(),
        sent_bytes: 700,
        acknowledged: false,
        outcome: "not-acknowledged",
        ack_rule: Success,
        why: "It says fail.".to_owned(),
        status: Some(200),
        address: None,
        duration_ms: 3,
        body_start: "fail\x1b[2J\n".to_owned(),
        template: None,
        request_headers: BTreeMap::from([("webhook-id".to_owned(), "evt_1".to_owned())]),
        answer_headers: BTreeMap::from([("x".to_owned(), "\x1b[2J".to_owned())]),
        request_body: "{\"a\":1}".into(),
    };
    assert_eq!(
        report.to_string(),
        "POST http://127.0.0.1:9/  (job status, 700 bytes, webhook-id evt_1)\nanswer: 200 after 3 ms\n\
         body: fail\u{fffd}[2J\nNOT acknowledged (not-acknowledged, ack rule success): It says fail."
    );
    assert_eq!(
        report.details(),
        "> webhook-id: evt_1\n{\n  \"a\": 1\n}\n< x: \u{fffd}[2J\n"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (&json["ackRule"], &json["outcome"]),
        (&"success".into(), &"not-acknowledged".into())
    );
}
