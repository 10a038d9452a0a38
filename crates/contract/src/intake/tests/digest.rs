//! What the digest takes for the same, and what not.

use super::*;

fn digest_of(kind: Kind, input: &str) -> [u8; 32] {
    parse_text(kind, input)
        .unwrap_or_else(|e| panic!("{input}: {e}"))
        .digest()
}

/// The digest of a call with these members in its `sceneInstance`.
fn scene(members: &str) -> [u8; 32] {
    digest_of(Kind::Call, &call(members))
}

#[test]
fn the_same_json_value_has_the_same_digest() {
    for (one, other) in [
        (r#""a":1,"b":2"#, r#""b":2,"a":1"#),
        (
            r#""a":{"x":[1,{"p":1,"q":2}],"y":2}"#,
            r#""a":{"y":2,"x":[1,{"q":2,"p":1}]}"#,
        ),
        (r#""a":"\u5f20\/""#, r#""a":"张/""#),
        (r#""\u0061":1"#, r#""a":1"#),
        (r#""a":"\ud83d\ude00""#, r#""a":"😀""#),
        (r#""a":1"#, r#""a":1.0"#),
        (r#""a":1"#, r#""a":1e0"#),
        (r#""a":1000"#, r#""a":1E+3"#),
        (r#""a":1000"#, r#""a":1000000e-3"#),
        (r#""a":0.001"#, r#""a":1e-3"#),
        (r#""a":-12.50"#, r#""a":-0.125e2"#),
        (r#""a":0"#, r#""a":-0.0e7"#),
        (
            r#""a":123456789012345678901234567890"#,
            r#""a":1234567890123456789012345678.90e2"#,
        ),
        (r#""a":1e99999999999999999999"#, r#""a":10e99999999999999999998"#),
        (r#""luyinOssUrl":"u""#, r#""luyunOssUrl":"u""#),
        (r#""robotDefId":1"#, r#""robotDef":1"#),
        (r#""status":2"#, r#" "status" : 2 "#),
    ] {
        assert_eq!(scene(one), scene(other), "{one} {other}");
    }
}

#[test]
fn other_values_have_other_digests() {
    for (one, other) in [
        (r#""a":1"#, ""),
        (r#""a":null"#, ""),
        (r#""a":1"#, r#""a":2"#),
        (r#""a":1"#, r#""a":10"#),
        (r#""a":1"#, r#""a":-1"#),
        (r#""a":1"#, r#""a":0.1"#),
        (r#""a":1"#, r#""a":"1""#),
        (r#""a":1"#, r#""a":true"#),
        (r#""a":1"#, r#""a":[1]"#),
        (r#""a":1"#, r#""b":1"#),
        (r#""a":[1,2]"#, r#""a":[2,1]"#),
        (r#""a":[[1],2]"#, r#""a":[[1,2]]"#),
        (r#""a":[]"#, r#""a":{}"#),
        (r#""a":["ab"]"#, r#""a":["a","b"]"#),
        (r#""a":"x","b":"y""#, r#""a":"x\"b\"y""#),
        (r#""a":{"b":1}"#, r#""a":{},"b":1"#),
        (r#""a":false"#, r#""a":null"#),
        (r#""a":9007199254740993"#, r#""a":9007199254740992"#),
        (
            r#""a":123456789012345678901234567890"#,
            r#""a":123456789012345678901234567891"#,
        ),
        (r#""a":0.1"#, r#""a":0.1000000000000000055511151231257827"#),
        (r#""a":1e400"#, r#""a":1e401"#),
        (r#""a":1e99999999999999999999"#, r#""a":1e99999999999999999998"#),
        (r#""a":"A""#, r#""a":"a""#),
        (r#""sign":1"#, r#""sign":2"#),
        (r#""dateTime":1"#, r#""dateTime":2"#),
    ] {
        assert_ne!(scene(one), scene(other), "{one} {other}");
    }
}

/// A number whose exponent is beyond reason is itself, and none that is written otherwise.
#[test]
fn exponents_beyond_reason() {
    let nines = "9".repeat(60);
    let one = scene(&format!(r#""a":1e{nines}"#));
    assert_eq!(one, scene(&format!(r#""a":1e{nines}"#)));
    for other in [
        format!(r#""a":2e{nines}"#),
        format!(r#""a":-1e{nines}"#),
        format!(r#""a":1e-{nines}"#),
    ] {
        assert_ne!(one, scene(&other));
    }
}

#[test]
fn sign_and_date_time_of_the_first_level_do_not_count() {
    let with = |end: &str| {
        digest_of(
            Kind::Call,
            &format!(r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":1}}{end}}}"#),
        )
    };
    let plain = with("");
    for end in [
        r#","sign":"x""#,
        r#","dateTime":"Thu Oct 16 07:13:48 GMT 2014","sign":null"#,
        r#","dateTime":"y""#,
    ] {
        assert_eq!(with(end), plain, "{end}");
    }
    assert_ne!(with(r#","jobFinished":false"#), plain);
}

#[test]
fn type_fixes_come_before_the_digest() {
    let log = |value: &str| {
        let end = format!(r#","phoneLog":{{"phoneLogs":[{{"aiUnknown":{value}}}]}}"#);
        digest_of(
            Kind::Call,
            &format!(r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":1}}{end}}}"#),
        )
    };
    assert_eq!(log("1"), log("true"));
    assert_eq!(log("0"), log("false"));
    assert_ne!(log("0"), log("null"));
}

#[test]
fn corrections_differ_by_value() {
    let correction = |value: &str| {
        let input = format!(r#"{{"companyId":241,"resultValue":"{value}"}}"#);
        parse_correction(2016, input.as_bytes()).unwrap().digest()
    };
    assert_eq!(correction("B"), correction("\\u0042"));
    assert_ne!(correction("B"), correction("C"));
}

/// Digests are stored, so they may never change.
#[test]
fn digests_are_pinned() {
    let hex = |digest: [u8; 32]| {
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    for (kind, sample, expected) in [
        (
            Kind::Call,
            crate::samples::CALL,
            "ab2e2dc6b603900994ae0d626d5342f9e502a764b387abdfa2e70f60e80fea9b",
        ),
        (
            Kind::Job,
            crate::samples::JOB,
            "e5a452eb970402a5975a2f16ad4859a1fb7fe754d41b0eec9fc59f25f63d356d",
        ),
        (
            Kind::Correction,
            crate::samples::CORRECTION,
            "b1130e666c61c7db721958082f9b413c8ea7adacecf18f638f572daa3bf0123f",
        ),
    ] {
        assert_eq!(hex(digest_of(kind, sample)), expected, "{kind}");
    }
}
