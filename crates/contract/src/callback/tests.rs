//! The types against the samples and against intake.

use super::*;
use crate::intake;
use crate::kind::Kind;
use crate::samples;

/// The samples' text without white space outside strings.
fn minified(kind: Kind, sample: &str) -> String {
    let stamp = intake::Stamp {
        accepted_ms: 0,
        zone: &jiff::tz::TimeZone::UTC,
        form: crate::date_time::DateTimeForm::Seed,
        signing: None,
    };
    String::from_utf8(intake::parse(kind, sample.as_bytes()).unwrap().render(&stamp)).unwrap()
}

#[test]
fn job_and_correction_samples_come_out_as_they_went_in() {
    let job: Envelope<JobInfo> = serde_json::from_str(samples::JOB).unwrap();
    assert_eq!(
        serde_json::to_string(&job).unwrap(),
        minified(Kind::Job, samples::JOB)
    );
    assert_eq!(Envelope::job(job.data.data.clone()), job);
    let correction: Envelope<CorrectionResult> = serde_json::from_str(samples::CORRECTION).unwrap();
    assert_eq!(
        serde_json::to_string(&correction).unwrap(),
        minified(Kind::Correction, samples::CORRECTION)
    );
    assert_eq!(Envelope::correction(241, 2016, "B"), correction);
}

/// The two results of the call sample differ in order and in fields; what is built has the order of the first.
#[test]
fn the_call_sample_comes_out_in_the_order_of_its_first_result() {
    let call: Envelope<CallResult> = serde_json::from_str(samples::CALL).unwrap();
    let gmt = r#""gmtCreate":"2018-12-14 18:03:00","gmtModified":"2018-12-14 18:03:00""#;
    let expected = minified(Kind::Call, samples::CALL)
        .replace(
            r#""companyId":4880,"sceneInstanceId""#,
            r#""companyId":4880,"callJobId":null,"sceneInstanceId""#,
        )
        .replace(
            &format!(r#","resultValueNew":"",{gmt}"#),
            r#","resultValueNew":"""#,
        )
        .replace(
            r#""resultValueAlias":"","#,
            &format!(r#"{gmt},"resultValueAlias":"","#),
        );
    assert_eq!(serde_json::to_string(&call).unwrap(), expected);
    assert_eq!(Envelope::call(call.data.data.clone()), call);
    assert!(call.data.data.unknown.is_empty() && call.data.data.scene_instance.unknown.is_empty());
}

/// What ringback builds itself is an intake like any other.
#[test]
fn what_is_built_is_accepted() {
    let mut call = CallResult::default();
    call.scene_instance.company_id = Some(1);
    call.scene_instance.call_instance_id = Some(2);
    call.task_result = Some(vec![TaskResult::default()]);
    call.phone_log = Some(PhoneLog {
        phone_logs: Some(vec![PhoneLogEntry::default()]),
        ..PhoneLog::default()
    });
    let body = serde_json::to_string(&Envelope::call(call)).unwrap();
    assert!(
        body.contains(r#""resultLabels":[]"#),
        "some receivers fail on null"
    );
    assert!(
        body.contains(r#""finishStatus":null"#) && body.contains(r#""aiUnknown":null"#),
        "nulls are sent"
    );
    intake::parse(Kind::Call, body.as_bytes()).unwrap();

    let mut inbound = InboundResult::default();
    inbound.scene_instance.company_id = Some(1);
    inbound.scene_instance.inbound_instance_id = Some(2);
    let body = serde_json::to_string(&Envelope::inbound(inbound)).unwrap();
    assert!(
        !body.contains("jobFinished") && !body.contains("callInstanceId") && body.contains("transferStatus")
    );
    intake::parse(Kind::Inbound, body.as_bytes()).unwrap();

    let job = JobInfo {
        company_id: Some(1),
        call_job_id: Some(2),
        status: Some(4),
        ..JobInfo::default()
    };
    intake::parse(Kind::Job, &serde_json::to_vec(&Envelope::job(job)).unwrap()).unwrap();

    let correction = serde_json::to_vec(&Envelope::correction(1, 2, "A")).unwrap();
    intake::parse_correction(2, &correction).unwrap();
}

#[test]
fn a_receiver_tells_callbacks_apart() {
    let inbound = samples::CALL.replace("CALL_INSTANCE", "INBOUND_CALL_INSTANCE");
    for (body, kind) in [
        (samples::CALL, Kind::Call),
        (samples::CORRECTION, Kind::Correction),
        (samples::JOB, Kind::Job),
        (&inbound, Kind::Inbound),
    ] {
        assert_eq!(Callback::read(body.as_bytes()).unwrap().kind(), kind);
    }
    let other = samples::JOB.replace("JOB_INFO_RESULT", "ANOTHER");
    assert!(matches!(
        Callback::read(other.as_bytes()),
        Err(InvalidCallback::UnknownDataType)
    ));
    assert!(matches!(
        Callback::read(b"success"),
        Err(InvalidCallback::Json(_))
    ));
    assert!(matches!(Callback::read(b"{}"), Err(InvalidCallback::Json(_))));
}

#[test]
fn reading_is_lenient() {
    let read = |json: &str| serde_json::from_str::<CallResult>(json).unwrap();
    let call = read(
        r#"{"sceneInstance": {"luyunOssUrl": "u", "robotDef": 5, "callInstanceId": 9007199254740993, "z": 1, "a": {}},
            "taskResult": [{"artificialChanged": true}, {"artificialChanged": 0}, {"artificialChanged": null, "extra": "{}"}],
            "phoneLog": {"phoneLogs": [{"aiUnknown": 1}, {"aiUnknown": false}, {"aiUnknown": null}]}}"#,
    );
    let scene = &call.scene_instance;
    assert_eq!(
        (scene.luyin_oss_url.as_deref(), scene.robot_def_id),
        (Some("u"), Some(5))
    );
    assert_eq!(scene.call_instance_id, Some(9_007_199_254_740_993));
    assert_eq!(scene.unknown.keys().collect::<Vec<_>>(), ["a", "z"]);
    let results = call.task_result.unwrap();
    let changed: Vec<_> = results.iter().map(|result| result.artificial_changed).collect();
    assert_eq!(changed, [Some(1), Some(0), None]);
    assert_eq!(
        (results[2].extra.as_deref(), &results[0].result_labels),
        (Some("{}"), &None)
    );
    let log = call.phone_log.unwrap().phone_logs.unwrap();
    assert_eq!(
        log.iter().map(|entry| entry.ai_unknown).collect::<Vec<_>>(),
        [Some(true), Some(false), None]
    );
    assert!(serde_json::from_str::<PhoneLogEntry>(r#"{"aiUnknown": 2}"#).is_err());
    assert_eq!(read(r#"{"sceneInstance": {}}"#), CallResult::default());
}
