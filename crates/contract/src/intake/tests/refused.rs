//! Inputs that are refused as a whole, and how the refusals read.

use super::*;
use crate::samples;

#[test]
fn inputs_that_are_no_intake() {
    for (input, expected) in [
        (
            "",
            "the body is not one JSON value: line 1, column 0: EOF while parsing a value",
        ),
        (
            "{",
            "the body is not one JSON value: line 1, column 1: EOF while parsing an object",
        ),
        (
            "{\n  \"a\": trap\n}",
            "the body is not one JSON value: line 2, column 10: expected ident",
        ),
        (
            "{} {}",
            "the body is not one JSON value: line 1, column 4: trailing characters",
        ),
        (
            "{\"a\":1,}",
            "the body is not one JSON value: line 1, column 8: key must be a string",
        ),
        (
            "{\"a\":01}",
            "the body is not one JSON value: line 1, column 7: invalid number",
        ),
        (
            "{'a':1}",
            "the body is not one JSON value: line 1, column 2: key must be a string",
        ),
        (
            "{\"a\":NaN}",
            "the body is not one JSON value: line 1, column 6: expected value",
        ),
        (
            "\u{feff}{}",
            "the body is not one JSON value: line 1, column 1: expected value",
        ),
        (
            "{\"a\":\"\t\"}",
            "the body is not one JSON value: line 1, column 6: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        ("[]", "the body is an array; allowed is an object"),
        ("null", "the body is null; allowed is an object"),
        ("\"x\"", "the body is a string; allowed is an object"),
        ("12", "the body is a number; allowed is an object"),
    ] {
        for kind in Kind::ALL {
            check_refusal(kind, input, expected);
        }
    }
    let not_utf8 = parse(Kind::Job, b"{\"a\":\"\xff\"}").unwrap_err().to_string();
    assert_eq!(
        not_utf8,
        "the body is not UTF-8 after its first 6 bytes; allowed is JSON in UTF-8"
    );
}

#[test]
fn duplicates_are_refused_wherever_they_are() {
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!(r#""m{n}":{n}"#)).collect();
        members.join(",")
    };
    let (many, more) = (members(40), members(1_000));
    for (members, field) in [
        (r#""a":1,"a":1"#.to_owned(), "sceneInstance.a"),
        (r#""a":1,"\u0061":2"#.to_owned(), "sceneInstance.a"),
        (r#""companyId":151"#.to_owned(), "sceneInstance.companyId"),
        (
            r#""new":{"b":[0,{"c":{},"c":{}}]}"#.to_owned(),
            "sceneInstance.new.b[1].c",
        ),
        (format!(r#"{many},"m20":1"#), "sceneInstance.m20"),
        (format!(r#"{more},"m200":1"#), "sceneInstance.m200"),
        (
            format!(r#""new":[{{{many},"m39":1}}]"#),
            "sceneInstance.new[0].m39",
        ),
        (
            r#""propertiesMap":{"13800000000":1,"13800000000":2}"#.to_owned(),
            "sceneInstance.propertiesMap.(a member)",
        ),
        (
            r#""propertiesMap":{"张三":1,"张三":2}"#.to_owned(),
            "sceneInstance.propertiesMap.(a member)",
        ),
    ] {
        check_refusal(
            Kind::Call,
            &call(&members),
            &format!("{field}: comes twice in its object; allowed is once"),
        );
    }
    let double = |outer: &str| format!("{outer}: comes twice in its object; allowed is once");
    check_refusal(Kind::Job, r#"{"code":1,"code":1}"#, &double("code"));
    check_refusal(
        Kind::Job,
        r#"{"data":{"dataType":"JOB_INFO_RESULT","dataType":"JOB_INFO_RESULT"}}"#,
        &double("data.dataType"),
    );
    let inner = r#"{"data":{"dataType":"JOB_INFO_RESULT","data":{"status":1,"status":1}}}"#;
    check_refusal(Kind::Job, inner, &double("status"));
    assert!(parse_text(Kind::Call, &call(&many)).is_ok());
    assert!(parse_text(Kind::Call, &call(&more)).is_ok());
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let problem = "has a string with half a surrogate pair; allowed is Unicode text";
    check_refusal(
        Kind::Call,
        &call(r#""a":["\ud800"]"#),
        &format!("sceneInstance.a[0]: {problem}"),
    );
    check_refusal(
        Kind::Call,
        &call(r#""a":{"\udc00":1}"#),
        &format!("sceneInstance.a: {problem}"),
    );
    assert!(parse_text(Kind::Call, &call(r#""a":"\\ud800""#)).is_ok());
}

#[test]
fn depth_has_a_limit_and_the_envelope_does_not_count() {
    let job = |depth: usize| {
        let nested =
            format!("{}{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1)).replace(":}", ":1}");
        format!(r#"{{"companyId":1,"callJobId":2,"status":3,"new":{nested}}}"#)
    };
    let deepest = parse_text(Kind::Job, &job(64)).unwrap();
    let body = render(&deepest);
    assert_eq!(render(&parse_text(Kind::Job, &body).unwrap()), body);
    let found = parse_text(Kind::Job, &job(65)).unwrap_err();
    assert_eq!(found.problem, Problem::TooDeep);
    assert!(found.field.starts_with("new.a.a."));
    let arrays = |depth: usize| {
        format!(
            r#"{{"companyId":1,"callJobId":2,"status":3,"new":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(parse_text(Kind::Job, &arrays(63)).is_ok());
    assert!(parse_text(Kind::Job, &arrays(64)).is_err());
    assert!(parse_text(Kind::Job, &arrays(20_000)).is_err());
    let lists = |depth: usize| {
        let nested = format!("{}1{}", r#"[{"a":"#.repeat(depth / 2), "}]".repeat(depth / 2));
        format!(r#"{{"companyId":1,"callJobId":2,"status":3,"new":{{"b":{nested}}}}}"#)
    };
    assert!(parse_text(Kind::Job, &lists(62)).is_ok());
    assert!(parse_text(Kind::Job, &lists(64)).is_err());
}

#[test]
fn envelopes_must_fit_the_route() {
    for (kind, sample, allowed) in [
        (Kind::Call, samples::JOB, "CALL_INSTANCE_RESULT"),
        (Kind::Inbound, samples::CALL, "INBOUND_CALL_INSTANCE_RESULT"),
        (Kind::Job, samples::CALL, "JOB_INFO_RESULT"),
        (Kind::Correction, samples::JOB, "CALL_INSTANCE_RESULT"),
    ] {
        let expected = format!("data.dataType: is that of another callback; allowed here is {allowed}");
        check_refusal(kind, sample, &expected);
    }
    check_refusal(
        Kind::Call,
        samples::CORRECTION,
        "sceneInstance: is missing; there must be an object",
    );
    for (envelope, expected) in [
        (
            r#"{"data":{"dataType":7,"data":{}}}"#,
            "data.dataType: is a number; allowed is a string",
        ),
        (
            r#"{"data":{"dataType":"JOB_INFO_RESULT"}}"#,
            "data.data: is missing; there must be an object",
        ),
        (
            r#"{"data":{"dataType":"JOB_INFO_RESULT","data":[]}}"#,
            "data.data: is an array; allowed is an object",
        ),
        (
            r#"{"data":{"data":{}}}"#,
            "companyId: is missing; there must be an integer of 64 bits",
        ),
    ] {
        check_refusal(Kind::Job, envelope, expected);
    }
}
