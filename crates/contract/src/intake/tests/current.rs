//! Calls as they stand.

use super::*;
use crate::samples;

fn correction(value: &str) -> Vec<u8> {
    let input = format!(r#"{{"companyId":151,"resultValue":"{value}"}}"#);
    parse_correction(7, input.as_bytes())
        .unwrap()
        .render(&stamp(DateTimeForm::Seed))
}

/// The call as it stands, of a call with this `taskResult` (with its comma and name).
fn check(task_result: &str, corrections: &[&str], expected: &str) {
    let input = format!(
        r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":151}}{task_result},"jobFinished":false}}"#
    );
    let body = parse_text(Kind::Call, &input)
        .unwrap()
        .render(&stamp(DateTimeForm::Seed));
    let corrections: Vec<Vec<u8>> = corrections.iter().map(|value| correction(value)).collect();
    let corrections: Vec<&[u8]> = corrections.iter().map(Vec::as_slice).collect();
    let stamped = r#""sign":null,"dateTime":"Thu Jan 24 07:28:09 GMT 2019"}"#;
    let (before, after) = expected.split_once('|').unwrap_or((expected, ""));
    let expected = format!(
        r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":151}}{before},"jobFinished":false,{stamped}"#
    );
    let expected = if after.is_empty() {
        expected
    } else {
        format!("{},{after}}}", &expected[..expected.len() - 1])
    };
    assert_eq!(current_call(&body, &corrections).unwrap(), expected);
}

#[test]
fn corrections_are_applied() {
    let appended = r#"{"companyId":151,"sceneInstanceId":7,"resultName":"客户意向等级","resultValue":"B","artificialResultValue":"B","artificialChanged":1}"#;
    let intent = r#"{"resultName":"客户意向等级","resultValue":"C级(很少)","artificialResultValue":null,"artificialChanged":null,"x":1}"#;
    let changed = intent
        .replace(r#"Value":null"#, r#"Value":"B""#)
        .replace(r#"Changed":null"#, r#"Changed":1"#);
    let label = r#"{"resultName":"客户标签","resultValue":"[1]"}"#;
    let list = |entries: &str| format!(r#","taskResult":[{entries}]"#);
    check(&list(intent), &[], &list(intent));
    check(&list(intent), &["B"], &list(&changed));
    check(&list(intent), &["A", "C", "B"], &list(&changed));
    check(
        &list(&format!("{label},{intent}")),
        &["B"],
        &list(&format!("{label},{changed}")),
    );
    check(
        &list(r#"{"resultName":"\u5ba2户意向等级"}"#),
        &["\\u0042"],
        &list(r#"{"resultName":"\u5ba2户意向等级","artificialResultValue":"\u0042","artificialChanged":1}"#),
    );
    check(&list(label), &["B"], &list(&format!("{label},{appended}")));
    check(&list(""), &["B"], &list(appended));
    check(r#","taskResult":null"#, &["B"], &list(appended));
    check("", &["B"], &format!(r#"|"taskResult":[{appended}]"#));
    check("", &[], "");
}

#[test]
fn the_sample_as_it_stands() {
    let body = parse_text(Kind::Call, samples::CALL)
        .unwrap()
        .render(&stamp(DateTimeForm::Seed));
    let sample = minified(samples::CALL);
    assert_eq!(current_call(&body, &[]).unwrap(), data_of(&sample));
    let corrected = parse_correction(1, br#"{"companyId":1,"resultValue":"A"}"#).unwrap();
    let corrected = corrected.render(&stamp(DateTimeForm::Seed));
    let expected = data_of(&sample).replacen(
        r#""artificialResultValue":"C级(很少)","artificialChanged":null"#,
        r#""artificialResultValue":"A","artificialChanged":1"#,
        1,
    );
    assert_eq!(current_call(&body, &[&corrected]).unwrap(), expected);
    let called_back = expected.replace(r#""callbacked":0"#, r#""callbacked":1"#);
    assert_eq!(
        current_call_called_back(&body, &[&corrected]).unwrap(),
        called_back
    );
}

#[test]
fn other_bodies_are_refused() {
    let body = parse_text(Kind::Call, samples::CALL)
        .unwrap()
        .render(&stamp(DateTimeForm::Seed));
    for (call, correction, expected) in [
        (&b"{}"[..], None, "data: is missing; there must be an object"),
        (
            b"{\"data\":{}}",
            None,
            "data.data: is missing; there must be an object",
        ),
        (b"{\"data\":1}", None, "data: is a number; allowed is an object"),
        (
            b"",
            None,
            "the body is not one JSON value: line 1, column 0: EOF while parsing a value",
        ),
        (
            &body,
            Some(&b"{\"data\":{\"data\":{}}}"[..]),
            "taskResult: is missing; there must be an array of one object",
        ),
        (
            &body,
            Some(b"{\"data\":{\"data\":{\"taskResult\":[]}}}"),
            "taskResult: has 0 entries; allowed is exactly one",
        ),
        (
            &body,
            Some(b"{\"data\":{\"data\":{\"taskResult\":[{},{}]}}}"),
            "taskResult: has 2 entries; allowed is exactly one",
        ),
    ] {
        let corrections: Vec<&[u8]> = correction.into_iter().collect();
        assert_eq!(
            current_call(call, &corrections).unwrap_err().to_string(),
            expected
        );
    }
}
