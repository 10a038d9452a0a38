//! Templates, fields that are set, many callbacks, and the rate at which they go.

use ringback_server::clock::RealClock;

use super::super::*;
use super::bind;
use crate::receiver::{Receiver, Verifier};

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
