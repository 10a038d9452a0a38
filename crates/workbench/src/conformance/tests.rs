//! A deliberately bad receiver for each finding: it has exactly that finding, and a good one has none.

mod model;
mod reports;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ringback_contract::kind::Kind;
use ringback_contract::webhook::Secret;
use ringback_server::clock::test::TestClock;
use ringback_server::tasks;

use super::*;
use crate::receiver::{self, App, Receiver};
use model::{Fault, Model};

/// What the receiver is given besides the URL.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Secret,
    App,
    None,
}

fn secret() -> Secret {
    Secret::from_bytes(&[7; 32]).unwrap()
}

fn app() -> App {
    App {
        key: "demoAppKey0000001".to_owned(),
        secret: "demoAppSecret00000000000000001".to_owned(),
    }
}

fn options(model: &Model, keys: Keys) -> Options {
    Options {
        secret: (keys == Keys::Secret).then(secret),
        app: (keys == Keys::App).then(app),
        journal: Some(model.journal_url()),
        burst: 40,
        pause: Duration::ZERO,
        journal_lag: Duration::ZERO,
        ..Options::new(model.url())
    }
}

async fn report_of(fault: Fault, keys: Keys) -> Report {
    let clock = Arc::new(TestClock::new());
    let model = Model::bind(fault, keys, clock.clone()).await;
    // A mebibyte takes most of a run's time, and concerns nobody but those who count bytes, and the good one.
    let is_sized = matches!(fault, Fault::TakesAtMost(_) | Fault::None);
    let names = all()
        .map(|check| check.id)
        .filter(|id| is_sized || *id != "largest-body");
    let options = Options {
        only: names.map(str::to_owned).collect(),
        ..options(&model, keys)
    };
    run(options, clock, |_| {}).await.unwrap()
}

/// The names of those that stand so.
fn names(report: &Report, standing: Standing) -> Vec<&'static str> {
    report.standing(standing).map(|judged| judged.id).collect()
}

/// The fault has these findings and these warnings, and no others.
async fn check(
    fault: Fault,
    keys: Keys,
    findings: &'static [&'static str],
    warnings: &'static [&'static str],
) {
    let report = report_of(fault, keys).await;
    let told = terminal(&report, ringback_server::api::Language::English);
    assert_eq!(names(&report, Standing::Finding), findings, "{fault:?}\n{told}");
    assert_eq!(names(&report, Standing::Warning), warnings, "{fault:?}\n{told}");
    for judged in &report.checks {
        let is_told = matches!(judged.standing, Standing::Finding | Standing::Warning);
        assert_eq!(is_told, judged.risk.is_some() && judged.remedy.is_some());
        assert!(!is_told || !judged.observed.is_empty(), "{}", judged.id);
    }
}

#[tokio::test]
async fn a_good_receiver_has_nothing() {
    check(Fault::None, Keys::Secret, &[], &[]).await;
    check(Fault::None, Keys::App, &[], &[]).await;
    check(Fault::None, Keys::None, &[], &["unverified"]).await;
}

/// Each bad receiver with its findings and its warnings.
const FAULTS: &[(Fault, &[&str], &[&str])] = &[
    (Fault::Refuses(Kind::Call), &["call"], &[]),
    (Fault::Refuses(Kind::Correction), &["correction"], &[]),
    (Fault::Refuses(Kind::Inbound), &["inbound"], &[]),
    (Fault::Refuses(Kind::Job), &["job"], &[]),
    (Fault::AnswersOk, &["call", "correction", "inbound", "job"], &[]),
    (Fault::Compresses, &["answer-encoding"], &[]),
    (Fault::Hangs, &["answer-time"], &[]),
    (Fault::IsSlow, &[], &["answer-time"]),
    (Fault::Says("\u{feff}success"), &[], &["answer-form"]),
    (Fault::Says("success\n"), &[], &["answer-form"]),
    (Fault::Says("\"success\""), &[], &["answer-form"]),
    (Fault::Says("SUCCESS"), &[], &["answer-form"]),
    (Fault::Says(r#"{"code":200,"resultMsg":"success"}"#), &[], &[]),
    (Fault::Closes, &[], &["keep-alive"]),
    (Fault::Forgets, &["stored"], &[]),
    (Fault::RefusesDuplicates, &["duplicate"], &[]),
    (Fault::ProcessesDuplicates, &["duplicate"], &[]),
    (Fault::KnowsBySignature, &["resend"], &[]),
    (Fault::RefusesAfterALostAnswer, &["lost-answer"], &[]),
    (Fault::FailsAtOnce, &[], &["duplicates-at-once"]),
    (Fault::DoublesAtOnce, &["duplicates-at-once"], &[]),
    (Fault::WantsTheCallFirst, &["correction-before-call"], &[]),
    (Fault::ClosesJobs, &["job-before-calls"], &[]),
    (Fault::RefusesOlder, &["old-after-new"], &[]),
    (Fault::WantsFreshDates, &["late-event"], &[]),
    (Fault::FailsUnanswered, &["unanswered"], &[]),
    (
        Fault::WantsKnownJobStatuses(&[2, 4, 5, 9]),
        &["job-statuses"],
        &[],
    ),
    (Fault::WantsShortLevels, &["intent-levels"], &[]),
    (Fault::WantsKnownNumbers, &["unknown-numbers"], &[]),
    (Fault::WantsKnownFields, &["unknown-fields"], &[]),
    (Fault::FailsOnNull, &["nulls"], &[]),
    (Fault::FailsOnAbsent, &["absent"], &[]),
    (Fault::HasIdsOf(32), &["large-ids"], &[]),
    (Fault::HasIdsOf(53), &["large-ids"], &[]),
    (Fault::HasThreeByteText, &["text"], &[]),
    (Fault::WantsRfc1123, &["date-form"], &[]),
    (Fault::WantsTheOrder, &["member-order"], &[]),
    (Fault::TakesAtMost(100 * 1024), &["long-conversation"], &[]),
    (Fault::TakesAtMost(1_000_000), &["largest-body"], &[]),
    (Fault::TrustsAnySignature, &["signature-wrong"], &[]),
    (Fault::TrustsNoSignature, &["signature-missing"], &[]),
    (Fault::TrustsOldSignatures, &["replayed-request"], &[]),
    (Fault::TrustsFutureSignatures, &[], &["future-request"]),
    (
        Fault::TriesTheFirstSignature,
        &["rotated-secret", "signature-version"],
        &[],
    ),
    (Fault::TriesFirstOfV1, &["rotated-secret"], &[]),
    (Fault::WantsV1Alone, &["signature-version"], &[]),
    (Fault::WritesTheBodyAgain, &["raw-body"], &[]),
    (Fault::RefusesCallsAfter(30), &["burst"], &[]),
];

#[tokio::test]
async fn each_bad_receiver_has_exactly_its_finding() {
    let mut wrong = Vec::new();
    for (fault, findings, warnings) in FAULTS {
        let checked = check(*fault, Keys::Secret, findings, warnings);
        if tasks::spawn("test", checked).await.is_err() {
            wrong.push(fault);
        }
    }
    // What each of them found instead is told above.
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn without_a_secret_the_sign_is_judged() {
    check(Fault::TrustsAnySign, Keys::App, &["sign-wrong"], &[]).await;
}

#[tokio::test]
async fn every_check_has_a_receiver_that_fails_it() {
    let judged: Vec<&str> = FAULTS
        .iter()
        .flat_map(|(_, findings, warnings)| findings.iter().chain(*warnings))
        .copied()
        .collect();
    // These have tests of their own.
    let elsewhere = ["reachable", "slow-request", "unverified", "sign-wrong"];
    for check in all() {
        assert!(
            judged.contains(&check.id) || elsewhere.contains(&check.id),
            "{}",
            check.id
        );
    }
}

#[tokio::test]
async fn who_reads_the_first_packet_only_fails_on_a_slow_request() {
    // Real time, since what is tried is time: the body takes a second, the receiver waits for a fifth of it.
    let clock = Arc::new(ringback_server::clock::RealClock);
    let model = Model::bind(Fault::ReadsHastily, Keys::None, clock.clone()).await;
    let options = Options {
        pause: Duration::from_millis(50),
        only: vec!["slow-request".to_owned()],
        ..options(&model, Keys::None)
    };
    let report = run(options, clock, |_| {}).await.unwrap();
    assert_eq!(names(&report, Standing::Finding), ["slow-request"]);
}

#[tokio::test]
async fn who_is_not_there_is_told_once() {
    let clock = Arc::new(TestClock::new());
    let report = run(Options::new("http://127.0.0.1:1/"), clock, |_| {})
        .await
        .unwrap();
    assert_eq!(names(&report, Standing::Finding), ["reachable"]);
    assert_eq!(names(&report, Standing::Warning), [""; 0]);
    assert_eq!(names(&report, Standing::Passed), [""; 0]);
}

#[tokio::test]
async fn only_what_is_asked_for_is_run() {
    let clock = Arc::new(TestClock::new());
    let model = Model::bind(Fault::None, Keys::None, clock.clone()).await;
    let ask = |only: &[&str], kinds: &[Kind]| Options {
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        kinds: kinds.to_vec(),
        ..options(&model, Keys::None)
    };
    let report = run(ask(&["nulls"], &[Kind::Job]), clock.clone(), |_| {})
        .await
        .unwrap();
    assert_eq!(names(&report, Standing::Passed), ["job", "nulls"]);
    assert_eq!(
        names(&report, Standing::NotApplicable),
        ["call", "correction", "inbound"]
    );
    let corrections = run(
        ask(&["job-before-calls"], &[Kind::Correction]),
        clock.clone(),
        |_| {},
    )
    .await;
    assert_eq!(names(&corrections.unwrap(), Standing::Passed), ["correction"]);
    let unknown = run(ask(&["nulls", "nul"], &Kind::ALL), clock, |_| {}).await;
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "--only: \"nul\" is no check; --list shows them all"
    );
}

#[tokio::test]
async fn every_rule_of_acknowledgement_is_kept_to() {
    use ringback_contract::ack::AckRule;
    for (rule, answer, findings) in [
        (AckRule::SuccessOrCode, r#"{"code":200,"msg":"ok"}"#, 0),
        (AckRule::Success, r#"{"code":200,"msg":"ok"}"#, 4),
        (AckRule::Status, "whatever", 0),
    ] {
        let clock = Arc::new(TestClock::new());
        let model = Model::bind(Fault::Says(answer), Keys::None, clock.clone()).await;
        let options = Options {
            ack_rule: rule,
            ..options(&model, Keys::None)
        };
        let report = run(options, clock, |_| {}).await.unwrap();
        assert_eq!(report.counts.findings, findings, "{rule:?}");
    }
}

#[tokio::test]
async fn v2_comes_in_its_own_shape() {
    let clock = Arc::new(TestClock::new());
    let listening = receiver::Options {
        keep: 1000,
        clock: clock.clone(),
        ..receiver::Options::default()
    };
    let receiver = Receiver::bind((Ipv4Addr::LOCALHOST, 0).into(), listening)
        .await
        .unwrap();
    let options = Options {
        profile: Profile::V2,
        burst: 5,
        pause: Duration::ZERO,
        ..Options::new(receiver.url())
    };
    let report = run(options, clock, |_| {}).await.unwrap();
    assert_eq!(names(&report, Standing::Finding), [""; 0]);
    let inapplicable = names(&report, Standing::NotApplicable);
    for id in ["nulls", "date-form", "member-order", "sign-wrong"] {
        assert!(inapplicable.contains(&id), "{id}");
    }
    let received = receiver.received();
    assert_eq!(received.len(), report.sends);
    for one in received {
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        assert!(body["data"]["callbackType"].is_string(), "{body}");
    }
}
