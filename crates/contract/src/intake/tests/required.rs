//! What is required of calls, inbound calls and jobs.

use super::*;

#[test]
fn required_fields_of_calls() {
    let integer = "there must be an integer of 64 bits";
    for (kind, id) in [
        (Kind::Call, "callInstanceId"),
        (Kind::Inbound, "inboundInstanceId"),
    ] {
        check_refusal(kind, "{}", "sceneInstance: is missing; there must be an object");
        check_refusal(
            kind,
            r#"{"sceneInstance":null}"#,
            "sceneInstance: is null; allowed is an object",
        );
        check_refusal(
            kind,
            r#"{"sceneInstance":[]}"#,
            "sceneInstance: is an array; allowed is an object",
        );
        let without = |scene: &str| format!(r#"{{"sceneInstance":{{{scene}}}}}"#);
        check_refusal(
            kind,
            &without(&format!(r#""{id}":1"#)),
            &format!("sceneInstance.companyId: is missing; {integer}"),
        );
        check_refusal(
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
            check_refusal(
                kind,
                &without(&format!(r#""{id}":{value},"companyId":1"#)),
                &format!("sceneInstance.{id}: is {found}; allowed is an integer of 64 bits"),
            );
            check_refusal(
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
        check_refusal(
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
            check_refusal(
                Kind::Job,
                &job(&members),
                &format!("{name}: is {found}; allowed is an integer of 64 bits"),
            );
        }
    }
}
