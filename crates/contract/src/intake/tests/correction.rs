//! Intent corrections.

use super::*;
use crate::samples;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
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
        r#"{"companyId":241,"resultValue":"B","sceneInstanceId":6}"#,
        "sceneInstanceId: is another call's; allowed is the callInstanceId of the path",
    );
    check(
        r#"{"companyId":241,"resultValue":"B","resultName":"x"}"#,
        "resultName: is another result's; allowed is 客户意向等级",
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
    for other in ["2015", "2017", "-2016"] {
        check(
            &entry(&good.replace("2016", other)),
            "taskResult[0].sceneInstanceId: is another call's; allowed is the callInstanceId of the path",
        );
    }
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
