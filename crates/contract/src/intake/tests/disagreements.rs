//! The points in which the seed disagrees with itself, as the contract decides them.

use super::*;

/// Every row of the contract's table *Where the seed disagrees with itself*.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
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
    check_refusal(
        Kind::Call,
        &entry("phoneLogs", r#""aiUnknown":2"#),
        "phoneLog.phoneLogs[0].aiUnknown: is a number; allowed is a boolean, 0, 1 or null",
    );
    check_refusal(
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
        check_refusal(Kind::Call, &call(members), &expected);
    }
}
