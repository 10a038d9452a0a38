//! Answers and what each rule says to them.

use proptest::prelude::*;

use super::*;

/// What `success` and `success-or-code` say to a 200 with this body.
fn check(body: impl AsRef<[u8]>, expected: [Result<(), AckFailure>; 2]) {
    let body = body.as_ref();
    let found = [AckRule::Success, AckRule::SuccessOrCode].map(|rule| rule.judge(200, Some(body)));
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(body));
    assert!(AckRule::Status.acknowledges(200, Some(body)));
}

#[test]
fn bodies_that_acknowledge() {
    for body in [
        "success",
        "SUCCESS",
        "Success",
        " success\r\n",
        "\t\n\x0C success",
        "\"success\"",
        "\"SUCCESS\"\n",
        "\u{feff}success",
        "\u{feff}\"success\"",
        "\n\u{feff} success",
        "\" success \"",
        r#"{"resultMsg":"success"}"#,
        r#"{"code":200,"resultMsg":"success"}"#,
        r#"{"code":"200","resultMsg":"SUCCESS"}"#,
        r#"{"resultMsg":" success\n","code":200,"data":{"a":[1,null]}}"#,
        r#"{"resultMsg":"\"success\""}"#,
        r#"{"resultMsg":"\u0073uccess"}"#,
        "\u{feff} {\"resultMsg\":\"success\"}\r\n",
    ] {
        check(body, [Ok(()), Ok(())]);
    }
}

#[test]
fn bodies_that_do_not() {
    use AckFailure as No;
    for (body, reason) in [
        ("", No::EmptyBody),
        (" \r\n", No::EmptyBody),
        ("\u{feff}", No::EmptyBody),
        ("\"\"", No::EmptyBody),
        ("fail", No::Fail),
        ("\"FAIL\"", No::Fail),
        ("<!DOCTYPE html><p>success</p>", No::Html),
        ("<html><body>success</body></html>", No::Html),
        ("unsuccessful", No::OtherText),
        ("success!", No::OtherText),
        ("success success", No::OtherText),
        ("succes", No::OtherText),
        ("'success'", No::OtherText),
        ("\"\"success\"\"", No::OtherText),
        ("\"success", No::OtherText),
        ("\"", No::OtherText),
        ("\u{feff}\u{feff}success", No::OtherText),
        ("ok", No::OtherText),
        ("true", No::OtherText),
        ("200", No::OtherText),
        ("[\"success\"]", No::OtherText),
        ("成功", No::OtherText),
        ("{}", No::JsonWithoutResultMsg),
        (r#"{"success":false}"#, No::JsonWithoutResultMsg),
        (r#"{"msg":"success"}"#, No::JsonWithoutResultMsg),
        (r#"{"resultmsg":"success"}"#, No::JsonWithoutResultMsg),
        (r#"{"data":{"resultMsg":"success"}}"#, No::JsonWithoutResultMsg),
        (r#"{"success":true}"#, No::JsonSuccessMember),
        (r#"{"resultMsg":"成功"}"#, No::JsonOtherResultMsg),
        (r#"{"resultMsg":"unsuccessful"}"#, No::JsonOtherResultMsg),
        (r#"{"resultMsg":null}"#, No::JsonOtherResultMsg),
        (r#"{"resultMsg":true}"#, No::JsonOtherResultMsg),
        (r#"{"resultMsg":["success"]}"#, No::JsonOtherResultMsg),
        (r#"{"resultMsg":"success","code":500}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success","code":null}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success","code":"0"}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success","code":2000}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success","code":-200}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success","code":" 200"}"#, No::JsonOtherCode),
        (r#"{"resultMsg":"success"} {}"#, No::OddJson),
        (r#"{"resultMsg":"success""#, No::OddJson),
        (r#"{resultMsg:"success"}"#, No::OddJson),
        (r#"{"resultMsg":"fail","resultMsg":"success"}"#, No::OddJson),
        (r#"{"resultMsg":"success","result\u004dsg":"fail"}"#, No::OddJson),
        (r#"{"resultMsg":"success","a":{"b":1,"b":1}}"#, No::OddJson),
        (r#"{"resultMsg":"success","a":"\ud800"}"#, No::OddJson),
    ] {
        check(body, [Err(reason), Err(reason)]);
    }
    check([0xff, 0xfe, b's'], [Err(No::OtherText); 2]);
    check(
        b"{\"resultMsg\":\"success\",\"a\":\"\xff\"}",
        [Err(No::OddJson); 2],
    );
}

#[test]
fn a_code_is_enough_only_where_the_rule_says_so() {
    use AckFailure as No;
    for (body, strict, or_code) in [
        (r#"{"code":200}"#, Err(No::JsonWithoutResultMsg), Ok(())),
        (r#"{"code":"200"}"#, Err(No::JsonWithoutResultMsg), Ok(())),
        (
            r#"{"code":200,"resultMsg":"成功"}"#,
            Err(No::JsonOtherResultMsg),
            Ok(()),
        ),
        (
            r#"{"code":200,"resultMsg":null}"#,
            Err(No::JsonOtherResultMsg),
            Ok(()),
        ),
        (
            r#"{"code":200,"success":false}"#,
            Err(No::JsonWithoutResultMsg),
            Ok(()),
        ),
        (
            r#"{"code":0}"#,
            Err(No::JsonWithoutResultMsg),
            Err(No::JsonWithoutResultMsg),
        ),
        (r#"{"code":200,"code":200}"#, Err(No::OddJson), Err(No::OddJson)),
        (
            r#"{"code":[200]}"#,
            Err(No::JsonWithoutResultMsg),
            Err(No::JsonWithoutResultMsg),
        ),
    ] {
        check(body, [strict, or_code]);
    }
}

#[test]
fn the_status_comes_first() {
    use AckFailure as No;
    for (status, expected) in [
        (200, Ok(())),
        (201, Ok(())),
        (299, Ok(())),
        (100, Err(No::Refused { status: 100 })),
        (199, Err(No::Refused { status: 199 })),
        (301, Err(No::Redirect { status: 301 })),
        (304, Err(No::Redirect { status: 304 })),
        (400, Err(No::Refused { status: 400 })),
        (415, Err(No::UnsupportedMediaType)),
        (500, Err(No::Refused { status: 500 })),
        (0, Err(No::Refused { status: 0 })),
    ] {
        for rule in AckRule::ALL {
            let found = rule.judge(status, Some(b"success"));
            assert_eq!(found, expected, "{rule} {status}");
            assert!(found.is_ok() || found.is_err_and(AckFailure::is_refusal));
        }
    }
}

#[test]
fn long_bodies_count_only_for_the_status() {
    let mut long = b"success".to_vec();
    long.resize(BODY_LIMIT, b' ');
    check(&long, [Ok(()), Ok(())]);
    long.push(b' ');
    check(&long, [Err(AckFailure::BodyTooLong); 2]);
    for rule in [AckRule::Success, AckRule::SuccessOrCode] {
        assert_eq!(rule.judge(200, None), Err(AckFailure::BodyTooLong));
    }
    assert!(AckRule::Status.acknowledges(204, None));
}

#[test]
fn deep_json_is_not_read() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let body = |depth| format!(r#"{{"resultMsg":"success","a":{}}}"#, nested(depth));
    check(body(63), [Ok(()), Ok(())]);
    check(body(64), [Err(AckFailure::OddJson); 2]);
    check(body(20_000), [Err(AckFailure::OddJson); 2]);
}

#[test]
fn rules_have_names() {
    for rule in AckRule::ALL {
        assert_eq!(rule.name().parse(), Ok(rule));
        assert_eq!(serde_json::to_string(&rule).unwrap(), format!("\"{rule}\""));
    }
    assert!("Success".parse::<AckRule>().is_err());
}

#[test]
fn reasons_have_sentences() {
    let reasons = [
        AckFailure::Redirect { status: 302 },
        AckFailure::UnsupportedMediaType,
        AckFailure::Refused { status: 500 },
        AckFailure::EmptyBody,
        AckFailure::BodyTooLong,
        AckFailure::Html,
        AckFailure::Fail,
        AckFailure::OtherText,
        AckFailure::OddJson,
        AckFailure::JsonSuccessMember,
        AckFailure::JsonWithoutResultMsg,
        AckFailure::JsonOtherResultMsg,
        AckFailure::JsonOtherCode,
    ];
    for reason in reasons {
        assert!(
            reason.en().ends_with('.') && !reason.en().contains('\n'),
            "{reason:?}"
        );
        assert!(
            reason.zh().ends_with('。') && !reason.zh().contains('\n'),
            "{reason:?}"
        );
        assert_eq!(
            reasons
                .iter()
                .filter(|other| other.name() == reason.name())
                .count(),
            1
        );
    }
    assert!(AckFailure::Redirect { status: 302 }.en().contains("302"));
}

prop_compose! {
    /// `success` as receivers really write it.
    fn dressed()(
        cases in prop::collection::vec(any::<bool>(), 7),
        mark: bool,
        quotes: bool,
        before in "[ \t\r\n\x0C]{0,5}",
        after in "[ \t\r\n\x0C]{0,5}",
    ) -> String {
        let word: String = "success"
            .chars()
            .zip(cases)
            .map(|(letter, upper)| if upper { letter.to_ascii_uppercase() } else { letter })
            .collect();
        let mark = if mark { "\u{feff}" } else { "" };
        let quote = if quotes { "\"" } else { "" };
        format!("{mark}{before}{quote}{word}{quote}{after}")
    }
}

proptest! {
    #[test]
    fn mark_quotes_case_and_white_space_do_not_matter(body in dressed()) {
        prop_assert!(AckRule::Success.acknowledges(200, Some(body.as_bytes())));
        let json = serde_json::json!({ "resultMsg": body }).to_string();
        prop_assert!(AckRule::Success.acknowledges(200, Some(json.as_bytes())));
    }

    #[test]
    fn anything_beside_the_word_matters(body in dressed(), extra in "[a-z0-9.!<>{}\\[\\]:,]{1,10}", front: bool) {
        let body = if front { format!("{extra}{body}") } else { format!("{body}{extra}") };
        prop_assert!(!AckRule::SuccessOrCode.acknowledges(200, Some(body.as_bytes())), "{}", body);
    }

    #[test]
    fn bytes_are_judged_without_panic(body: Vec<u8>, status: u16) {
        for rule in AckRule::ALL {
            let _ = rule.judge(status, Some(&body));
        }
    }

    #[test]
    fn over_the_limit_never(body in dressed(), by in 1usize..100) {
        let mut body = body.into_bytes();
        body.resize(BODY_LIMIT + by, b'\n');
        prop_assert!(!AckRule::SuccessOrCode.acknowledges(200, Some(&body)));
    }
}
