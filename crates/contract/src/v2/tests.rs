//! Golden files for the samples, cases as data for what the contract leaves open, and what holds for any accepted body.

mod cases;
mod properties;

use super::{Version, render};
use crate::date_time::DateTimeForm;
use crate::intake::tests::{minified, stamp};
use crate::intake::{Invalid, parse};
use crate::kind::Kind;
use crate::samples;

/// The v2 body of an intake of this kind.
fn shaped(kind: Kind, input: &str) -> String {
    let intake = parse(kind, input.as_bytes()).unwrap_or_else(|e| panic!("{input}: {e}"));
    let v1 = intake.render(&stamp(DateTimeForm::Seed));
    let v2 = render(Version::First, &v1).unwrap_or_else(|e| panic!("{input}: {e}"));
    String::from_utf8(v2).unwrap()
}

/// The inbound call of the golden file: with what the contract adds to one, and with ids beyond 53 bits.
fn inbound_sample() -> String {
    minified(samples::CALL)
        .replace("CALL_INSTANCE_RESULT", "INBOUND_CALL_INSTANCE_RESULT")
        .replace(r#""callInstanceId":1"#, r#""inboundInstanceId":9007199254740993"#)
        .replace("callerPhone", "calleePhone")
        .replace(r#""callJobId":1,"#, "")
        .replace(
            r#""csStaffId":null"#,
            r#""csStaffId":null,"transferStatus":1,"transferInfo":null,"userLevel":"A","propertiesMap":{"a":"b","c":null}"#,
        )
        .replace(r#""jobFinished":false,"#, "")
}

#[test]
fn the_samples_have_golden_files() {
    let inbound = inbound_sample();
    for (kind, input, golden) in [
        (Kind::Call, samples::CALL, samples::V2_CALL),
        (Kind::Job, samples::JOB, samples::V2_JOB),
        (Kind::Correction, samples::CORRECTION, samples::V2_CORRECTION),
        (
            Kind::Inbound,
            inbound.as_str(),
            include_str!("golden/inbound.json"),
        ),
    ] {
        assert_eq!(shaped(kind, input), minified(golden), "{kind}");
    }
}

#[test]
fn numbers_of_versions_lead_back() {
    for number in 0..=u8::MAX {
        let found = Version::from_number(number);
        assert_eq!(found.map(Version::number), found.map(|_| number));
    }
    assert_eq!(Version::from_number(1), Some(Version::LATEST));
}

#[test]
fn what_ringback_never_rendered_is_refused() {
    let refusal = |body: &str| render(Version::First, body.as_bytes()).map_err(|e: Invalid| e.to_string());
    for (body, expected) in [
        ("[]", "the body is an array; allowed is an object"),
        ("{}", "data: is missing; there must be an object"),
        (r#"{"data":{}}"#, "data.data: is missing; there must be an object"),
        (
            r#"{"data":{"data":[]}}"#,
            "data.data: is an array; allowed is an object",
        ),
        (
            r#"{"data":{"data":{}}}"#,
            "data.dataType: is null; allowed is the dataType of a callback",
        ),
        (
            r#"{"data":{"dataType":"OTHER","data":{}}}"#,
            "data.dataType: is a string; allowed is the dataType of a callback",
        ),
    ] {
        assert_eq!(refusal(body), Err(expected.to_owned()), "{body}");
    }
}
