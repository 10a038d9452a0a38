//! What is required, what each field may hold, and how a refusal reads.

use super::super::fields::{CALL, Field, JOB, Type};
use super::*;
use crate::samples;

/// Checks the refusal of an input, word by word.
fn check(kind: Kind, input: &str, expected: &str) {
    let found = match parse_text(kind, input) {
        Ok(_) => "accepted".to_owned(),
        Err(invalid) => invalid.to_string(),
    };
    assert_eq!(found, expected, "{input}");
}

#[test]
fn required_fields_of_calls() {
    let integer = "there must be an integer of 64 bits";
    for (kind, id) in [
        (Kind::Call, "callInstanceId"),
        (Kind::Inbound, "inboundInstanceId"),
    ] {
        check(kind, "{}", "sceneInstance: is missing; there must be an object");
        check(
            kind,
            r#"{"sceneInstance":null}"#,
            "sceneInstance: is null; allowed is an object",
        );
        check(
            kind,
            r#"{"sceneInstance":[]}"#,
            "sceneInstance: is an array; allowed is an object",
        );
        let without = |scene: &str| format!(r#"{{"sceneInstance":{{{scene}}}}}"#);
        check(
            kind,
            &without(&format!(r#""{id}":1"#)),
            &format!("sceneInstance.companyId: is missing; {integer}"),
        );
        check(
            kind,
            &without(r#""companyId":1"#),
            &format!("sceneInstance.{id}: is missing; {integer}"),
        );
        for (value, found) in [
            ("null", "null"),
            (r#""151""#, "a string"),
            ("true", "a boolean"),
            ("1.0", "a number"),
            ("1e3", "a number"),
            ("9223372036854775808", "a number"),
            ("-9223372036854775809", "a number"),
            ("[1]", "an array"),
            ("{}", "an object"),
        ] {
            check(
                kind,
                &without(&format!(r#""{id}":{value},"companyId":1"#)),
                &format!("sceneInstance.{id}: is {found}; allowed is an integer of 64 bits"),
            );
            check(
                kind,
                &without(&format!(r#""{id}":1,"companyId":{value}"#)),
                &format!("sceneInstance.companyId: is {found}; allowed is an integer of 64 bits"),
            );
        }
        let most = without(&format!(
            r#""{id}":9223372036854775807,"companyId":-9223372036854775808"#
        ));
        let intake = parse_text(kind, &most).unwrap();
        assert_eq!((intake.entity_id(), intake.company_id()), (i64::MAX, i64::MIN));
    }
}

#[test]
fn required_fields_of_jobs() {
    let whole = [("companyId", "1"), ("callJobId", "2"), ("status", "4")];
    let job = |members: &[(&str, &str)]| {
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!(r#""{name}":{value}"#))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    assert!(parse_text(Kind::Job, &job(&whole)).is_ok());
    for place in 0..whole.len() {
        let name = whole[place].0;
        let mut members = whole.to_vec();
        members.remove(place);
        check(
            Kind::Job,
            &job(&members),
            &format!("{name}: is missing; there must be an integer of 64 bits"),
        );
        for (value, found) in [
            ("null", "null"),
            (r#""2""#, "a string"),
            ("[535]", "an array"),
            ("2.5", "a number"),
        ] {
            let mut members = whole.to_vec();
            members[place].1 = value;
            check(
                Kind::Job,
                &job(&members),
                &format!("{name}: is {found}; allowed is an integer of 64 bits"),
            );
        }
    }
}

/// Every row of the contract's table *Where the seed disagrees with itself*.
#[test]
fn where_the_seed_disagrees_with_itself() {
    let entry = |list: &str, member: &str| match list {
        "taskResult" => {
            format!(r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":1}},"taskResult":[{{{member}}}]}}"#)
        }
        "phoneLogs" => {
            format!(
                r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":1}},"phoneLog":{{"phoneLogs":[{{{member}}}]}}}}"#
            )
        }
        "job" => format!(r#"{{"companyId":1,"callJobId":2,"status":4,{member}}}"#),
        _ => call(member),
    };
    for (object, member, on_the_wire) in [
        ("scene", r#""luyinOssUrl":"u""#, Some(r#""luyinOssUrl":"u""#)),
        (
            "scene",
            r#""luyunOssUrl":"u","a":1"#,
            Some(r#""luyinOssUrl":"u","a":1"#),
        ),
        ("scene", r#""robotDefId":180"#, Some(r#""robotDefId":180"#)),
        (
            "scene",
            r#""robotDef":180,"a":1"#,
            Some(r#""robotDefId":180,"a":1"#),
        ),
        ("scene", r#""robotDef":"180""#, None),
        ("scene", r#""luyunOssUrl":1"#, None),
        ("scene", r#""luyunOssUrl":null"#, Some(r#""luyinOssUrl":null"#)),
        ("phoneLogs", r#""aiUnknown":true"#, Some(r#""aiUnknown":true"#)),
        ("phoneLogs", r#""aiUnknown":0"#, Some(r#""aiUnknown":false"#)),
        ("phoneLogs", r#""aiUnknown":1"#, Some(r#""aiUnknown":true"#)),
        ("phoneLogs", r#""aiUnknown":null"#, Some(r#""aiUnknown":null"#)),
        ("phoneLogs", r#""aiUnknown":2"#, None),
        ("phoneLogs", r#""aiUnknown":1.0"#, None),
        ("phoneLogs", r#""aiUnknown":"true""#, None),
        (
            "taskResult",
            r#""artificialChanged":1"#,
            Some(r#""artificialChanged":1"#),
        ),
        (
            "taskResult",
            r#""artificialChanged":null"#,
            Some(r#""artificialChanged":null"#),
        ),
        (
            "taskResult",
            r#""artificialChanged":true"#,
            Some(r#""artificialChanged":1"#),
        ),
        (
            "taskResult",
            r#""artificialChanged":false"#,
            Some(r#""artificialChanged":0"#),
        ),
        ("taskResult", r#""artificialChanged":"1""#, None),
        (
            "scene",
            r#""customerId":2147483648"#,
            Some(r#""customerId":2147483648"#),
        ),
        (
            "scene",
            r#""customerId":9223372036854775807"#,
            Some(r#""customerId":9223372036854775807"#),
        ),
        (
            "job",
            r#""breakStartTime":null"#,
            Some(r#""breakStartTime":null"#),
        ),
        (
            "job",
            r#""breakStartTime":"12:00:00""#,
            Some(r#""breakStartTime":"12:00:00""#),
        ),
        ("job", r#""breakStartTime":12"#, None),
        ("job", r#""breakEndTime":12"#, None),
        (
            "job",
            r#""ip":"172.16.67.104","hostName":"h""#,
            Some(r#""ip":"172.16.67.104","hostName":"h""#),
        ),
        ("job", r#""ip":172"#, None),
        ("job", r#""hostName":1"#, None),
        (
            "phoneLogs",
            r#""startTime":0,"endTime":8350"#,
            Some(r#""startTime":0,"endTime":8350"#),
        ),
        ("phoneLogs", r#""startTime":"2019-01-12 16:09:32""#, None),
        (
            "scene",
            r#""properties":"{\"a\":1}","corpName":"{}""#,
            Some(r#""properties":"{\"a\":1}","corpName":"{}""#),
        ),
        ("scene", r#""properties":{"a":1}"#, None),
        ("scene", r#""corpName":{}"#, None),
        (
            "taskResult",
            r#""extra":"{\"a\":1}""#,
            Some(r#""extra":"{\"a\":1}""#),
        ),
        ("taskResult", r#""extra":{}"#, None),
        (
            "phoneLogs",
            r#""userMeanDetail":"[]""#,
            Some(r#""userMeanDetail":"[]""#),
        ),
        ("phoneLogs", r#""userMeanDetail":[]"#, None),
        (
            "scene",
            r#""secondaryCallTime":"1970-01-01 09:00:00""#,
            Some(r#""secondaryCallTime":"1970-01-01 09:00:00""#),
        ),
    ] {
        let kind = if object == "job" { Kind::Job } else { Kind::Call };
        let found = parse_text(kind, &entry(object, member)).map(|intake| render(&intake));
        match (found, on_the_wire) {
            (Ok(body), Some(expected)) => assert!(body.contains(expected), "{member}: {body}"),
            (Err(_), None) => {}
            (found, _) => panic!("{member}: {found:?}"),
        }
    }
    check(
        Kind::Call,
        &entry("phoneLogs", r#""aiUnknown":2"#),
        "phoneLog.phoneLogs[0].aiUnknown: is a number; allowed is a boolean, 0, 1 or null",
    );
    check(
        Kind::Job,
        r#"{"companyId":1,"callJobId":2,"status":"2"}"#,
        "status: is a string; allowed is an integer of 64 bits",
    );
}

#[test]
fn an_alias_beside_its_real_name_is_a_duplicate() {
    for (members, field, real) in [
        (
            r#""luyinOssUrl":"a","luyunOssUrl":"a""#,
            "luyunOssUrl",
            "luyinOssUrl",
        ),
        (
            r#""luyunOssUrl":null,"luyinOssUrl":null"#,
            "luyunOssUrl",
            "luyinOssUrl",
        ),
        (r#""robotDef":1,"robotDefId":1"#, "robotDef", "robotDefId"),
    ] {
        let expected = format!(
            "sceneInstance.{field}: stands beside {real}, which is the same field; allowed is one of them"
        );
        check(Kind::Call, &call(members), &expected);
    }
}

/// The path and the holds of every field of a table, with the text around a value that leads there.
fn every_field(
    table: &[Field],
    before: &str,
    after: &str,
    path: &str,
    out: &mut Vec<(String, String, String, Type)>,
) {
    for field in table {
        let before = format!(r#"{before}"{}":"#, field.name);
        let path = if path.is_empty() {
            field.name.to_owned()
        } else {
            format!("{path}.{}", field.name)
        };
        match field.holds {
            Type::Object(inner) => {
                every_field(inner, &format!("{before}{{"), &format!("}}{after}"), &path, out);
            }
            Type::Objects(inner) => every_field(
                inner,
                &format!("{before}[{{}},{{"),
                &format!("}}]{after}"),
                &format!("{path}[1]"),
                out,
            ),
            Type::Integer
            | Type::Text
            | Type::Boolean
            | Type::BooleanOrBit
            | Type::IntegerOrBoolean
            | Type::AnyObject => {}
        }
        out.push((path, before, after.to_owned(), field.holds));
    }
}

/// Each field of each table takes null and its type, and refuses every other.
#[test]
fn every_field_has_a_type() {
    let values = [
        ("null", "null"),
        ("true", "boolean"),
        ("1", "bit"),
        ("-7", "integer"),
        ("1.5", "number"),
        ("9223372036854775808", "number"),
        (r#""x""#, "text"),
        (r#""12""#, "text"),
        ("[]", "array"),
        ("[null]", "other array"),
        ("[1]", "other array"),
        ("{}", "object"),
    ];
    let required = ["companyId", "callJobId", "status"];
    let mut fields = Vec::new();
    every_field(CALL, "", "", "", &mut fields);
    let calls = fields.len();
    every_field(JOB, "", "", "", &mut fields);
    assert!(fields.len() > 100);
    for (place, (path, before, after, holds)) in fields.into_iter().enumerate() {
        let is_job = place >= calls;
        if (is_job && required.contains(&path.as_str())) || path == "sceneInstance" {
            continue;
        }
        let scene = r#""callInstanceId":7,"companyId":151"#;
        for (value, kind) in values {
            let input = if is_job {
                format!(r#"{{"companyId":1,"callJobId":2,"status":3,{before}{value}{after}}}"#)
            } else if path == "sceneInstance.callInstanceId" || path == "sceneInstance.companyId" {
                continue;
            } else if let Some(rest) = before.strip_prefix(r#""sceneInstance":{"#) {
                format!(r#"{{"sceneInstance":{{{scene},{rest}{value}{after}}}"#)
            } else {
                format!(r#"{{"sceneInstance":{{{scene}}},{before}{value}{after}}}"#)
            };
            let allowed = match holds {
                Type::Integer => ["null", "bit", "integer"].contains(&kind),
                Type::Text => ["null", "text"].contains(&kind),
                Type::Boolean => ["null", "boolean"].contains(&kind),
                Type::BooleanOrBit => ["null", "boolean", "bit"].contains(&kind),
                Type::IntegerOrBoolean => ["null", "boolean", "bit", "integer"].contains(&kind),
                Type::AnyObject | Type::Object(_) => ["null", "object"].contains(&kind),
                Type::Objects(_) => ["null", "array"].contains(&kind),
            };
            let found = parse_text(if is_job { Kind::Job } else { Kind::Call }, &input);
            match found {
                Ok(_) => assert!(allowed, "{path} takes {value}"),
                Err(invalid) => {
                    assert!(!allowed, "{path} refuses {value}: {invalid}");
                    assert!(invalid.field.starts_with(&path), "{path}: {invalid}");
                }
            }
        }
    }
}

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
            check(kind, input, expected);
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
    let many: Vec<String> = (0..40).map(|n| format!(r#""m{n}":{n}"#)).collect();
    let many = many.join(",");
    for (members, field) in [
        (r#""a":1,"a":1"#.to_owned(), "sceneInstance.a"),
        (r#""a":1,"\u0061":2"#.to_owned(), "sceneInstance.a"),
        (r#""companyId":151"#.to_owned(), "sceneInstance.companyId"),
        (
            r#""new":{"b":[0,{"c":{},"c":{}}]}"#.to_owned(),
            "sceneInstance.new.b[1].c",
        ),
        (format!(r#"{many},"m20":1"#), "sceneInstance.m20"),
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
        check(
            Kind::Call,
            &call(&members),
            &format!("{field}: comes twice in its object; allowed is once"),
        );
    }
    let double = |outer: &str| format!("{outer}: comes twice in its object; allowed is once");
    check(Kind::Job, r#"{"code":1,"code":1}"#, &double("code"));
    check(
        Kind::Job,
        r#"{"data":{"dataType":"JOB_INFO_RESULT","dataType":"JOB_INFO_RESULT"}}"#,
        &double("data.dataType"),
    );
    let inner = r#"{"data":{"dataType":"JOB_INFO_RESULT","data":{"status":1,"status":1}}}"#;
    check(Kind::Job, inner, &double("status"));
    assert!(parse_text(Kind::Call, &call(&many)).is_ok());
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let problem = "has a string with half a surrogate pair; allowed is Unicode text";
    check(
        Kind::Call,
        &call(r#""a":["\ud800"]"#),
        &format!("sceneInstance.a[0]: {problem}"),
    );
    check(
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
    assert!(parse_text(Kind::Job, &arrays(200_000)).is_err());
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
        check(kind, sample, &expected);
    }
    check(
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
        check(Kind::Job, envelope, expected);
    }
}

#[test]
fn corrections_are_checked() {
    let check = |input: &str, expected: &str| {
        let found = parse_correction(2016, input.as_bytes()).map_or_else(|e| e.to_string(), |i| render(&i));
        assert_eq!(found, expected, "{input}");
    };
    let integer = "an integer of 64 bits";
    check("{}", &format!("companyId: is missing; there must be {integer}"));
    check(
        r#"{"companyId":"241","resultValue":"B"}"#,
        &format!("companyId: is a string; allowed is {integer}"),
    );
    check(
        r#"{"companyId":241}"#,
        "resultValue: is missing; there must be a string",
    );
    check(
        r#"{"companyId":241,"resultValue":null}"#,
        "resultValue: is null; allowed is a string",
    );
    check(
        r#"{"companyId":241,"resultValue":2}"#,
        "resultValue: is a number; allowed is a string",
    );
    check(
        samples::JOB,
        "data.dataType: is that of another callback; allowed here is CALL_INSTANCE_RESULT",
    );
    let envelope = |task_result: &str| {
        format!(r#"{{"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{{{task_result}}}}}}}"#)
    };
    let entry = |members: &str| envelope(&format!(r#""taskResult":[{{{members}}}]"#));
    let good = r#""companyId":241,"sceneInstanceId":2016,"resultName":"客户意向等级","resultValue":"B""#;
    check(
        &envelope(""),
        "taskResult: is missing; there must be an array of one object",
    );
    check(
        &envelope(r#""taskResult":null"#),
        "taskResult: is null; allowed is an array of one object",
    );
    check(
        &envelope(r#""taskResult":"x""#),
        "taskResult: is a string; allowed is an array of one object",
    );
    check(
        &envelope(r#""taskResult":[]"#),
        "taskResult: has 0 entries; allowed is exactly one",
    );
    check(
        &envelope(r#""taskResult":[1]"#),
        "taskResult[0]: is a number; allowed is an array of one object",
    );
    let two = envelope(&format!(r#""taskResult":[{{{good}}},{{{good}}}]"#));
    check(&two, "taskResult: has 2 entries; allowed is exactly one");
    check(
        &entry(&good.replace("241", "null")),
        &format!("taskResult[0].companyId: is null; allowed is {integer}"),
    );
    check(
        &entry(&good.replace("2016", "2017")),
        "taskResult[0].sceneInstanceId: is another call's; allowed is the callInstanceId of the path",
    );
    check(
        &entry(&good.replace("客户意向等级", "客户标签")),
        "taskResult[0].resultName: is another result's; allowed is 客户意向等级",
    );
    check(
        &entry(&good.replace(r#""B""#, "[]")),
        "taskResult[0].resultValue: is an array; allowed is a string",
    );
    check(
        &entry(&format!(r#"{good},"resultDesc":"x""#)),
        &minified(samples::CORRECTION),
    );
    check(
        r#"{"resultValue":"B","note":1,"companyId":241}"#,
        &minified(samples::CORRECTION),
    );
}
