//! What holds for any body that intake accepts.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::intake::tests::properties::{json, string};

/// A string that holds JSON, or something like it.
fn quoted() -> impl Strategy<Value = String> {
    let nearly = (json(), any::<proptest::sample::Index>()).prop_map(|(text, cut)| {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        text[..cut.get(&ends).to_owned()].to_owned()
    });
    let object = json().prop_map(|value| format!(r#"{{"calledTimes": 3, "inner": {value}}}"#));
    let array =
        json().prop_map(|value| format!(r#"[{{"score": -1, "answer": {value}, "ask": null}}, {value}]"#));
    prop_oneof![
        json(),
        nearly,
        object,
        array,
        any::<String>(),
        Just("  ".to_owned())
    ]
    .prop_map(|text| serde_json::to_string(&text).unwrap())
}

fn nullable(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    option::of(value).prop_map(|value| value.unwrap_or_else(|| "null".to_owned()))
}

/// A call whose members that v2 changes hold anything that intake takes, with free members at every level.
fn calls() -> impl Strategy<Value = String> {
    let result = (nullable(string()), nullable(string()), nullable(string()), json()).prop_map(
        |(name, value, alias, free)| {
            let name = if free.len() % 2 == 0 { r#""客户意向等级""#.to_owned() } else { name };
            format!(r#"{{"resultName": {name}, "resultValue": {value}, "resultValueAlias": {alias}, "zz": {free}}}"#)
        },
    );
    let turn =
        (nullable(quoted()), nullable(Just("true".to_owned())), json()).prop_map(|(mean, unknown, free)| {
            format!(r#"{{"gmtCreate": "x", "userMeanDetail": {mean}, "aiUnknown": {unknown}, "zz": {free}}}"#)
        });
    (
        any::<(i64, i64)>(),
        nullable(quoted()),
        nullable(quoted()),
        json(),
        json(),
        vec(result, 0..3),
        vec(turn, 0..3),
    )
        .prop_map(|((company, id), properties, corp_name, collected, free, results, turns)| {
            format!(
                r#"{{"sceneInstance": {{"callInstanceId": {id}, "companyId": {company}, "status": 2, "properties": {properties},
                    "corpName": {corp_name}, "collectProperties": {collected}, "callInstanceStatus": {free}, "zz": {free}}},
                    "phoneLog": {{"phoneLogs": [{}]}}, "taskResult": [{}], "phoneLogs": {free}, "yy": {free}}}"#,
                turns.join(","),
                results.join(","),
            )
        })
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(entries) => entries.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
    }
}

/// It is an intake's own JSON, so its names differ and its strings are Unicode; and no null is in it.
fn check(body: &str) -> Result<(), TestCaseError> {
    // Numbers beyond what an f64 holds are passed on, and not read here.
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        prop_assert!(!has_null(&value), "{body}");
    }
    let read = crate::json::Document::read(body.as_bytes());
    prop_assert!(read.is_ok(), "{body}");
    prop_assert_eq!(minified(body), body);
    Ok(())
}

proptest! {
    #[test]
    fn any_call_has_a_body_without_nulls(input in calls()) {
        check(&shaped(Kind::Call, &input))?;
        let inbound = input.replace("callInstanceId", "inboundInstanceId");
        check(&shaped(Kind::Inbound, &inbound))?;
    }

    #[test]
    fn any_job_has_a_body_without_nulls(status: i64, name in nullable(string()), free in json()) {
        let input = format!(
            r#"{{"companyId": 1, "callJobId": 2, "status": {status}, "jobName": {name}, "gmtModified": {name}, "endTime": {free}}}"#
        );
        check(&shaped(Kind::Job, &input))?;
    }

    #[test]
    fn any_correction_has_a_body_without_nulls(company: i64, id: i64, value in string()) {
        let input = format!(r#"{{"companyId": {company}, "resultValue": {value}}}"#);
        let intake = crate::intake::parse_correction(id, input.as_bytes()).unwrap();
        let body = render(Version::First, &intake.render(&stamp(DateTimeForm::Seed))).unwrap();
        let body = String::from_utf8(body).unwrap();
        check(&body)?;
        let expected = format!(r#""companyId":{company},"sceneInstanceId":{id},"#);
        prop_assert!(body.contains(&expected));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = render(Version::First, &bytes);
    }
}
