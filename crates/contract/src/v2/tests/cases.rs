//! What the contract's table leaves open, as data: members of an intake, and what becomes of them.

use super::*;

/// Members of a `sceneInstance`, and of the `callInstance` that is made of it.
const CALL_INSTANCE: [(&str, &str); 24] = [
    ("", ""),
    (r#""status":2"#, r#""callInstanceStatus":2"#),
    (
        r#""status":null,"callInstanceStatus":3"#,
        r#""callInstanceStatus":3"#,
    ),
    (
        r#""status":2,"callInstanceStatus":3"#,
        r#""callInstanceStatus":2"#,
    ),
    // Order is v2's own; what is unknown follows in the intake's order.
    (
        r#""zz":1,"hangUp":1,"jobName":"j","aa":[],"customerId":12345678901234567"#,
        r#""customerId":12345678901234567,"jobName":"j","hangUp":1,"zz":1,"aa":[]"#,
    ),
    // Nulls go, wherever they are.
    (
        r#""customerName":null,"zz":null,"yy":{"a":null,"b":[null,1,null,[null]]}"#,
        r#""yy":{"b":[1,[]]}"#,
    ),
    (
        r#""handlePerson":"a","callIndex":0,"readStatus":0,"industry":"x","cost":1,"gmtCreate":"d","callbacked":0"#,
        "",
    ),
    // JSON inside a string.
    (r#""properties":"{}""#, r#""properties":{}"#),
    (
        r#""properties":"{ \"b\" : 1.50, \"a\" : null, \"n\" : 123456789012345678901 }""#,
        r#""properties":{"b":1.50,"n":123456789012345678901}"#,
    ),
    (
        r#""properties":"{\"a\":\"\\u5f20\\\"\"}""#,
        r#""properties":{"a":"\u5f20\""}"#,
    ),
    (r#""properties":"""#, ""),
    (r#""properties":" \n""#, ""),
    (r#""properties":"null""#, ""),
    (r#""properties":"无""#, r#""properties":"无""#),
    (r#""properties":"[1]""#, r#""properties":"[1]""#),
    (r#""properties":"1,\"a\":2""#, r#""properties":"1,\"a\":2""#),
    (r#""properties":"{\"a\":1}}""#, r#""properties":"{\"a\":1}}""#),
    (
        r#""properties":"{\"a\":1,\"a\":2}""#,
        r#""properties":"{\"a\":1,\"a\":2}""#,
    ),
    (
        r#""properties":"{\"a\":\"\\ud800\"}""#,
        r#""properties":"{\"a\":\"\\ud800\"}""#,
    ),
    (
        r#""collectProperties":{"a":null,"b":1}"#,
        r#""collectProperties":{"b":1}"#,
    ),
    // Where calledTimes is known from.
    (r#""corpName":"{\"calledTimes\":2}""#, r#""calledTimes":2"#),
    (
        r#""corpName":"{\"calledTimes\":2}","calledTimes":3"#,
        r#""calledTimes":3"#,
    ),
    (r#""corpName":"{\"calledTimes\":\"2\"}""#, ""),
    (r#""corpName":"[2]""#, ""),
];

#[test]
fn members_of_a_call() {
    for (members, expected) in CALL_INSTANCE {
        let comma = |members: &str| if members.is_empty() { "" } else { "," }.to_owned() + members;
        let input = format!(
            r#"{{"sceneInstance":{{"companyId":151{},"callInstanceId":7}}}}"#,
            comma(members)
        );
        let v2 = shaped(Kind::Call, &input);
        // The unknown follow what is known; both ids come first.
        let expected = format!(
            r#"{{"code":200,"data":{{"callbackType":"CALL_INSTANCE_RESULT","data":{{"callInstance":{{"callInstanceId":7,"companyId":151{}}}}}}},"resultMsg":"成功"}}"#,
            comma(expected)
        );
        assert_eq!(v2, expected, "{members}");
    }
}

/// Members of `data.data` besides the `sceneInstance`, and of the v2 `data.data` besides the `callInstance`.
const DATA: [(&str, &str); 15] = [
    (r#""jobFinished":true,"sign":"x""#, ""),
    (r#""taskResult":null,"phoneLog":null"#, ""),
    (
        r#""taskResult":[],"phoneLog":{"phoneLogs":[]}"#,
        r#""taskResult":[],"phoneLogs":[]"#,
    ),
    (r#""phoneLog":{"phoneLogs":null,"more":1}"#, ""),
    (
        r#""phoneLogs":[{"aiUnknown":true,"speaker":"AI"}]"#,
        r#""phoneLogs":[{"speaker":"AI","aiUnknown":1}]"#,
    ),
    (
        r#""yy":{"a":null},"jobPhoneInfos":[1],"callRepeat":[{"x":null}]"#,
        r#""callRepeat":[{}],"jobPhoneInfos":[1],"yy":{}"#,
    ),
    // aiUnknown comes as a boolean, 0 or 1.
    (
        r#""phoneLog":{"phoneLogs":[{"aiUnknown":false},{"aiUnknown":1},{"aiUnknown":null}]}"#,
        r#""phoneLogs":[{"aiUnknown":0},{"aiUnknown":1},{}]"#,
    ),
    (
        r#""phoneLog":{"phoneLogs":[{"userMeanDetail":"[{\"score\":-1.0,\"answer\":\"a\",\"ask\":\"b\"},{\"ask\":\"c\"},null,7]"}]}"#,
        r#""phoneLogs":[{"userMeanDetail":[{"answer":"a","score":-1.0},{},7]}]"#,
    ),
    (
        r#""phoneLog":{"phoneLogs":[{"userMeanDetail":"{}"},{"userMeanDetail":"["},{"userMeanDetail":""}]}"#,
        r#""phoneLogs":[{"userMeanDetail":"{}"},{"userMeanDetail":"["},{}]"#,
    ),
    // The level's letter; of other results the value.
    (
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"C级(很少)","resultValueAlias":"B"}]"#,
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"B"}]"#,
    ),
    (
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"C级(很少)","resultValueAlias":" "}]"#,
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"C"}]"#,
    ),
    (
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"F"},{"resultName":"客户意向等级","resultValue":"G级"}]"#,
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"F"},{"resultName":"客户意向等级","resultValue":"G级"}]"#,
    ),
    (
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"Average"},{"resultName":"客户意向等级","resultValue":""}]"#,
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":"Average"},{"resultName":"客户意向等级","resultValue":""}]"#,
    ),
    (
        r#""taskResult":[{"resultValueAlias":"B","resultValue":"A级","resultName":"其他","resultLabels":[{"key":1,"value":null}],"x":1}]"#,
        r#""taskResult":[{"resultName":"其他","resultValue":"A级","resultLabels":[{"key":1}]}]"#,
    ),
    (
        r#""taskResult":[{"resultName":"客户意向等级","resultValue":null,"resultDesc":"d"}]"#,
        r#""taskResult":[{"resultName":"客户意向等级","resultDesc":"d"}]"#,
    ),
];

#[test]
fn members_beside_the_call() {
    for (members, expected) in DATA {
        let input = format!(r#"{{"sceneInstance":{{"companyId":1,"callInstanceId":7}},{members}}}"#);
        let v2 = shaped(Kind::Call, &input);
        let comma = if expected.is_empty() { "" } else { "," };
        let expected = format!(
            r#""data":{{"callInstance":{{"callInstanceId":7,"companyId":1}}{comma}{expected}}}}},"resultMsg":"成功"}}"#
        );
        assert!(v2.ends_with(&expected), "{members}\n{v2}\n{expected}");
    }
}

#[test]
fn the_recording_is_the_calls_or_that_of_its_log() {
    for (of_scene, of_log, expected) in [
        (r#""a""#, r#""b""#, r#","luyinOssUrl":"a""#),
        ("null", r#""b""#, r#","luyinOssUrl":"b""#),
        ("null", "null", ""),
    ] {
        let input = format!(
            r#"{{"phoneLog":{{"luyinOssUrl":{of_log}}},"sceneInstance":{{"luyinOssUrl":{of_scene},"companyId":1,"callInstanceId":7}}}}"#
        );
        let expected =
            format!(r#""data":{{"callInstance":{{"callInstanceId":7,"companyId":1{expected}}}}}}},"#);
        assert!(shaped(Kind::Call, &input).contains(&expected), "{input}");
    }
}

#[test]
fn members_of_a_job() {
    for (members, expected) in [
        (
            r#""status":4,"gmtModified":"m","endDate":"d""#,
            r#""callJobStatus":4,"updateTime":"m""#,
        ),
        (
            r#""status":2,"gmtModified":"m""#,
            r#""callJobStatus":2,"updateTime":"m","endTime":"m""#,
        ),
        (
            r#""gmtModified":null,"status":6,"endTime":"e""#,
            r#""callJobStatus":6,"endTime":"e""#,
        ),
        (
            r#""status":2,"updateTime":"u","zz":1"#,
            r#""callJobStatus":2,"updateTime":"u""#,
        ),
        (
            r#""status":7,"jobName":"\u5f20","remark":"r""#,
            r#""callJobStatus":7,"jobName":"\u5f20""#,
        ),
    ] {
        let input = format!(r#"{{{members},"callJobId":535,"companyId":243}}"#);
        let expected = format!(
            r#"{{"code":200,"data":{{"callbackType":"JOB_INFO_RESULT","data":{{"companyId":243,"callJobId":535,{expected}}}}},"resultMsg":"执行成功"}}"#
        );
        assert_eq!(shaped(Kind::Job, &input), expected);
    }
}
