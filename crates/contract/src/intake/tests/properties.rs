//! What holds for any intake.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

/// Any JSON text: with white space, escapes, odd numbers; never a duplicate name.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,4})?",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        number,
        string(),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|entries| format!("[ {} ]", entries.join(" ,\n"))),
            btree_map("[a-z]{1,6}", inner, 0..12).prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\"\t: {value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

pub(crate) fn string() -> impl Strategy<Value = String> {
    (any::<String>(), any::<bool>()).prop_map(|(text, escape)| {
        let quoted = serde_json::to_string(&text).unwrap();
        if escape {
            quoted.replace('a', "\\u0061").replace('/', "\\/")
        } else {
            quoted
        }
    })
}

/// A call with free members around and inside what is known.
fn calls() -> impl Strategy<Value = String> {
    let date_time = prop_oneof![
        Just(String::new()),
        Just(r#","dateTime":null"#.to_owned()),
        Just(r#","dateTime":"Thu Oct 16 07:13:48 GMT 2014""#.to_owned()),
    ];
    let alias = prop_oneof![
        Just(""),
        Just(r#","robotDef":5"#),
        Just(r#","luyunOssUrl":null"#),
        Just(r#","endTime":"2019-01-12 16:10:11""#),
    ];
    (any::<(i64, i64)>(), json(), json(), date_time, alias, any::<bool>()).prop_map(
        |((company, id), inside, outside, date_time, alias, front)| {
            let scene = format!(
                r#""sceneInstance": {{"zz": {inside}, "callInstanceId": {id}, "companyId": {company}{alias}}}"#
            );
            let free = format!(r#""yy": {outside}"#);
            if front { format!("{{{free},{scene}{date_time}}}") } else { format!("{{{scene}{date_time},{free}}}") }
        },
    )
}

proptest! {
    #[test]
    fn rendering_and_reading_again_changes_nothing(input in calls(), rfc1123: bool, accepted_ms: i64, signed: bool) {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let form = if rfc1123 { DateTimeForm::Rfc1123 } else { DateTimeForm::Seed };
        let signing = signed.then_some(Signing { app_key: "k", app_secret: "s" });
        let stamp = Stamp { accepted_ms, zone: &zone, form, signing };
        let first = parse_text(Kind::Call, &input).unwrap();
        let body = first.render(&stamp);
        let again = parse(Kind::Call, &body).unwrap();
        prop_assert_eq!(first.digest(), again.digest());
        prop_assert_eq!(&again.render(&stamp), &body);
        // What was said of the moment is now in the body, so a later acceptance makes no difference.
        prop_assert_eq!(&again.render(&Stamp { accepted_ms: 0, ..stamp }), &body);
        let bare = String::from_utf8(body.clone()).unwrap();
        prop_assert_eq!(&parse_text(Kind::Call, data_of(&bare)).unwrap().render(&stamp), &body);
        prop_assert_eq!(current_call(&body, &[]).unwrap(), data_of(&bare));
    }

    #[test]
    fn the_value_of_the_input_is_kept(input in calls()) {
        let body = parse_text(Kind::Call, &input).unwrap().render(&stamp(DateTimeForm::Seed));
        let text = String::from_utf8(body).unwrap();
        let expected = minified(&input).replace("\"robotDef\"", "\"robotDefId\"").replace("luyunOssUrl", "luyinOssUrl");
        let unstamped = |text: &str| {
            text.trim_end_matches('}')
                .replace(r#","dateTime":null"#, "")
                .replace(r#","dateTime":"Thu Oct 16 07:13:48 GMT 2014""#, "")
                .replace(r#","dateTime":"Thu Jan 24 07:28:09 GMT 2019""#, "")
                .replace(r#","dateTime":"Sat Jan 12 16:10:11 GMT 2019""#, "")
                .replace(r#","sign":null"#, "")
                .trim_end_matches('}')
                .to_owned()
        };
        prop_assert_eq!(unstamped(data_of(&text)), unstamped(&expected));
    }

    #[test]
    fn jobs_come_out_as_they_went_in(company: i64, id: i64, status: i64, free in json()) {
        let input = format!(r#"{{"yy": {free}, "companyId": {company}, "callJobId": {id}, "status": {status}}}"#);
        let intake = parse_text(Kind::Job, &input).unwrap();
        let body = render(&intake);
        prop_assert_eq!(data_of(&body), minified(&input));
        prop_assert_eq!(render(&parse_text(Kind::Job, &body).unwrap()), body);
        prop_assert_eq!(intake.job_status(), Some(status));
    }

    #[test]
    fn corrections_keep_their_value(company: i64, id: i64, value in string()) {
        let input = format!(r#"{{"companyId": {company}, "resultValue": {value}}}"#);
        let intake = parse_correction(id, input.as_bytes()).unwrap();
        let body = intake.render(&stamp(DateTimeForm::Seed));
        let expected = format!(r#""resultValue":{value}}}]}}"#);
        prop_assert!(String::from_utf8(body.clone()).unwrap().contains(&expected));
        let again = parse_correction(id, &body).unwrap();
        prop_assert_eq!(again.render(&stamp(DateTimeForm::Seed)), body);
        prop_assert_eq!(again.digest(), intake.digest());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>, text in "[\\[\\]{}:,\"\\\\a0-9e.+ \\-]{0,60}") {
        for kind in Kind::ALL {
            let _ = parse(kind, &bytes);
            let _ = parse(kind, text.as_bytes());
        }
    }
}
