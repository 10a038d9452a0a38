//! The verdict on each answer of the receiver, by each rule, and what is sent.

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

/// What is sent of these settings.
async fn sent(receiver: &Receiver, kind: Kind, options: &Options, count: u32) -> Vec<serde_json::Value> {
    let before = receiver.received().len();
    let of = Many {
        count,
        per_second: None,
        in_flight: 1,
    };
    let summary = many(kind, &receiver.url(), options, of, Arc::new(RealClock), |_| {}).await;
    let summary = summary.unwrap();
    assert_eq!(
        (summary.sent, summary.acknowledged),
        (count as usize, count as usize),
        "{summary}"
    );
    let received = receiver.received();
    let bodies = received[before..]
        .iter()
        .map(|one| serde_json::from_slice(&one.body).unwrap());
    bodies.collect()
}

#[tokio::test]
async fn templates_go_out_in_turns_with_ids_of_their_own() {
    let receiver = bind(Verifier::default(), "success").await;
    let options = Options {
        source: Source::Templates(vec![Shape::FinishStatus(8), Shape::Absent]),
        ..Options::default()
    };
    let bodies = sent(&receiver, Kind::Call, &options, 3).await;
    let scene = |at: usize| &bodies[at]["data"]["data"]["sceneInstance"];
    assert_eq!(
        (
            &scene(0)["finishStatus"],
            &scene(1)["finishStatus"],
            &scene(2)["finishStatus"]
        ),
        (&8.into(), &serde_json::Value::Null, &8.into())
    );
    assert_eq!(scene(0)["companyId"], 151);
    assert_ne!(scene(0)["callInstanceId"], scene(2)["callInstanceId"]);
    let reason = sent_error(&receiver, Kind::Job, &options).await;
    assert_eq!(
        reason,
        "--template: finish-status-8 is none of a job; --list shows which there are"
    );
}

async fn sent_error(receiver: &Receiver, kind: Kind, options: &Options) -> String {
    let refused = trigger(kind, &receiver.url(), options, Arc::new(RealClock)).await;
    refused.unwrap_err().to_string()
}

#[tokio::test]
async fn fields_are_set_and_what_the_service_would_refuse_is_not_sent() {
    let receiver = bind(Verifier::default(), "success").await;
    let set = |values: &[(&str, &str)]| Options {
        set: values
            .iter()
            .map(|(path, value)| (path.parse().unwrap(), Tree::read(value).unwrap()))
            .collect(),
        ..Options::default()
    };
    let changed = set(&[
        ("sceneInstance.status", "3"),
        ("sceneInstance.customerName", "\"张三\""),
        ("taskResult[1].resultLabels", "null"),
        ("sceneInstance.added.deep", "[1]"),
    ]);
    let body = &sent(&receiver, Kind::Call, &changed, 1).await[0]["data"]["data"];
    let scene = &body["sceneInstance"];
    assert_eq!(
        (&scene["status"], &scene["customerName"]),
        (&3.into(), &"张三".into())
    );
    assert_eq!(body["taskResult"][1]["resultLabels"], serde_json::Value::Null);
    assert_eq!(scene["added"]["deep"][0], 1);
    let count = receiver.count().received;
    for (values, reason) in [
        (
            [("status", "\"2\"")],
            "--set: the service would refuse this callback: status: ",
        ),
        ([("ip.x", "1")], "--set: ip.x leads nowhere"),
    ] {
        let told = sent_error(&receiver, Kind::Job, &set(&values)).await;
        assert!(told.starts_with(reason), "{told}");
    }
    assert_eq!(receiver.count().received, count);
}

#[tokio::test]
async fn many_samples_and_many_generated_ones_are_different_calls() {
    let receiver = bind(Verifier::default(), "success").await;
    for source in [Source::Sample, Source::Generated(3)] {
        for kind in [Kind::Call, Kind::Inbound, Kind::Job] {
            let options = Options {
                source: source.clone(),
                ..Options::default()
            };
            let before = receiver.received().len();
            sent(&receiver, kind, &options, 4).await;
            let received = receiver.received();
            let mut ids: Vec<_> = received[before..].iter().map(|one| one.entity_id).collect();
            ids.sort_unstable();
            ids.dedup();
            // A generator's jobs are few: their callbacks are changes of the same ones.
            assert!(
                ids.len() == 4 || kind == Kind::Job && source != Source::Sample,
                "{source:?} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn a_summary_says_what_became_of_all() {
    let receiver = bind(Verifier::default(), "success").await;
    receiver.answer("fail".parse().unwrap());
    let of = Many {
        count: 20,
        per_second: None,
        in_flight: 4,
    };
    let mut told = 0;
    let options = Options::default();
    let summary = many(
        Kind::Call,
        &receiver.url(),
        &options,
        of,
        Arc::new(RealClock),
        |_| told += 1,
    )
    .await;
    let summary = summary.unwrap();
    assert_eq!((told, summary.sent, summary.acknowledged), (20, 20, 0));
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(
        (
            &json["others"][0]["times"],
            &json["others"][0]["outcome"],
            &json["others"][1]
        ),
        (&20.into(), &"not-acknowledged".into(), &serde_json::Value::Null)
    );
    let text = summary.to_string();
    assert!(text.starts_with("0 of 20 acknowledged in "), "{text}");
    assert!(
        text.contains("\n20 times not-acknowledged: The body is fail"),
        "{text}"
    );
}

#[tokio::test]
async fn a_rate_begins_no_callback_early() {
    let receiver = bind(Verifier::default(), "success").await;
    let clock = Arc::new(ringback_server::clock::test::TestClock::new());
    let of = Many {
        count: 3,
        per_second: Some(2.0),
        in_flight: 1,
    };
    let (url, options) = (receiver.url(), Options::default());
    let ended = tokio::sync::Notify::new();
    let turned = async {
        for sent in 1..=2 {
            ended.notified().await;
            // Nothing but the next callback sleeps now.
            clock.sleepers(1).await;
            clock.advance(499);
            tokio::task::yield_now().await;
            assert_eq!(receiver.count().received, sent);
            clock.advance(1);
        }
    };
    let sending = many(Kind::Job, &url, &options, of, clock.clone(), |_| {
        ended.notify_one();
    });
    let (summary, ()) = tokio::join!(sending, turned);
    let summary = summary.unwrap();
    assert_eq!((summary.acknowledged, summary.took_ms), (3, 1_000));
}

#[tokio::test]
async fn v2_goes_out_in_its_own_shape() {
    let receiver = bind(Verifier::default(), "success").await;
    let options = Options {
        profile: Profile::V2,
        ..Options::default()
    };
    let body = &sent(&receiver, Kind::Call, &options, 1).await[0];
    assert_eq!(body["data"]["callbackType"], "CALL_INSTANCE_RESULT");
}
