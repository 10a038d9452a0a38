//! The golden rule: the seed's samples go in, and the same JSON comes out, key order included.

use super::*;
use crate::samples;

#[test]
fn the_call_sample_comes_out_as_it_went_in() {
    let intake = parse_text(Kind::Call, samples::CALL).unwrap();
    assert_eq!(render(&intake), minified(samples::CALL));
    assert_eq!(
        (
            intake.kind(),
            intake.company_id(),
            intake.entity_id(),
            intake.call_job_id(),
            intake.job_status()
        ),
        (Kind::Call, 1, 1, Some(1), None)
    );
    assert_eq!(intake.phone(), Some("137xxxxxxxx"));
}

#[test]
fn the_job_sample_comes_out_as_it_went_in() {
    let intake = parse_text(Kind::Job, samples::JOB).unwrap();
    assert_eq!(render(&intake), minified(samples::JOB));
    assert_eq!(
        (
            intake.kind(),
            intake.company_id(),
            intake.entity_id(),
            intake.call_job_id(),
            intake.job_status()
        ),
        (Kind::Job, 243, 535, Some(535), Some(2))
    );
    assert_eq!(intake.phone(), None);
}

#[test]
fn the_correction_sample_comes_out_as_it_went_in() {
    let sample = samples::CORRECTION.as_bytes();
    for intake in [
        parse_correction(2016, sample).unwrap(),
        parse_correction(2016, br#"{"companyId": 241, "resultValue": "B"}"#).unwrap(),
        parse(Kind::Correction, sample).unwrap(),
    ] {
        assert_eq!(render(&intake), minified(samples::CORRECTION));
        assert_eq!(
            (
                intake.kind(),
                intake.company_id(),
                intake.entity_id(),
                intake.call_job_id(),
                intake.job_status()
            ),
            (Kind::Correction, 241, 2016, None, None)
        );
    }
}

/// `data.data` alone is the same intake as the envelope around it.
#[test]
fn the_envelope_makes_no_difference() {
    for (kind, sample) in [
        (Kind::Call, samples::CALL),
        (Kind::Job, samples::JOB),
        (Kind::Correction, samples::CORRECTION),
    ] {
        let enveloped = parse_text(kind, sample).unwrap();
        let minified = minified(sample);
        let bare = parse_text(kind, data_of(&minified)).unwrap();
        assert_eq!(bare.digest(), enveloped.digest());
        assert_eq!(render(&bare), render(&enveloped));
    }
    let other_outside = r#"{"x":[{}],"data":{"y":1,"data":{"companyId":1,"callJobId":2,"status":3},"dataType":"JOB_INFO_RESULT"},"code":"500"}"#;
    assert_eq!(
        render(&parse_text(Kind::Job, other_outside).unwrap()),
        r#"{"code":200,"data":{"dataType":"JOB_INFO_RESULT","data":{"companyId":1,"callJobId":2,"status":3}},"resultMsg":"执行成功","errorStackTrace":null}"#
    );
}

/// An inbound call by the contract's section 1, from the call sample.
#[test]
fn an_inbound_call_comes_out_as_it_went_in() {
    let sample = minified(samples::CALL)
        .replace("CALL_INSTANCE_RESULT", "INBOUND_CALL_INSTANCE_RESULT")
        .replace(r#""callInstanceId":1"#, r#""inboundInstanceId":9007199254740993"#)
        .replace("callerPhone", "calleePhone")
        .replace(r#""callJobId":1,"#, "")
        .replace(
            r#""csStaffId":null"#,
            r#""csStaffId":null,"transferStatus":1,"transferInfo":{"to":"1"},"userLevel":"A","propertiesMap":{"a":"b"}"#,
        )
        .replace(r#""callJobId":362574"#, r#""callJobId":null"#)
        .replace(r#""jobFinished":false,"#, "");
    let intake = parse_text(Kind::Inbound, &sample).unwrap();
    assert_eq!(render(&intake), sample);
    assert_eq!(
        (
            intake.kind(),
            intake.company_id(),
            intake.entity_id(),
            intake.call_job_id()
        ),
        (Kind::Inbound, 1, 9_007_199_254_740_993, None)
    );
    assert_eq!(intake.phone(), Some("137xxxxxxxx"));
}

/// What is not known is kept; texts of numbers and strings are kept byte for byte.
#[test]
fn texts_are_kept() {
    let members = r#""customerName":"\u5f20\/\n三 \" \\ \ud83d\ude00","new":[1.0,-0,1E+400,123456789012345678901234567890,{"a b":null,"":[]}],"status":77,"finishStatus":-3"#;
    let input = call(members);
    let spaced = input.replace(':', " :\t").replace(',', "\r\n, ");
    for input in [input.clone(), spaced] {
        let out = render(&parse_text(Kind::Call, &input).unwrap());
        assert!(out.contains(members), "{out}");
        assert!(
            data_of(&out).starts_with(r#"{"sceneInstance":{"callInstanceId":7,"companyId":151,"#),
            "{out}"
        );
    }
}

#[test]
fn debug_shows_no_payload() {
    let shown = format!("{:?}", parse_text(Kind::Call, samples::CALL).unwrap());
    assert_eq!(shown, "Intake { kind: Call, company_id: 1, entity_id: 1, .. }");
}
