//! `sign` and `dateTime`: where they go and what they say.

use super::*;
use crate::samples;
use crate::sign;

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

/// Renders a call whose `sceneInstance` has these members and whose end is this text; gives the end.
fn rendered_end(members: &str, end: &str, stamp: &Stamp<'_>) -> String {
    let input = format!(r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":151{members}}}{end}}}"#);
    let body = String::from_utf8(parse_text(Kind::Call, &input).unwrap().render(stamp)).unwrap();
    let data = data_of(&body);
    data[data.find('}').unwrap() + 1..data.len() - 1].to_owned()
}

#[test]
fn date_time_is_the_best_that_is_known() {
    let zone = shanghai();
    let stamp = Stamp {
        zone: &zone,
        ..stamp(DateTimeForm::Rfc1123)
    };
    let end = r#","endTime":"2019-01-12 16:10:11""#;
    let start = r#","startTime":"2019-01-12 16:09:32""#;
    let accepted = "Thu, 24 Jan 2019 07:28:09 GMT";
    for (members, date_time, expected) in [
        (
            end,
            r#""Thu Oct 16 07:13:48 GMT 2014""#,
            "Thu, 16 Oct 2014 07:13:48 GMT",
        ),
        (
            end,
            r#""Thu, 16 Oct 2014 07:13:48 GMT""#,
            "Thu, 16 Oct 2014 07:13:48 GMT",
        ),
        (end, "null", "Sat, 12 Jan 2019 08:10:11 GMT"),
        (end, r#""""#, "Sat, 12 Jan 2019 08:10:11 GMT"),
        (end, r#""2019-01-24 07:28:09""#, "Sat, 12 Jan 2019 08:10:11 GMT"),
        (
            &format!(r#"{start},"duration":35"#),
            "null",
            "Sat, 12 Jan 2019 08:10:07 GMT",
        ),
        (
            &format!(r#"{start},"duration":35{end}"#),
            "null",
            "Sat, 12 Jan 2019 08:10:11 GMT",
        ),
        (
            &format!(r#"{start},"duration":0,"endTime":null"#),
            "null",
            "Sat, 12 Jan 2019 08:09:32 GMT",
        ),
        (
            &format!(r#"{start},"duration":35,"endTime":"later""#),
            "null",
            "Sat, 12 Jan 2019 08:10:07 GMT",
        ),
        (start, "null", accepted),
        (&format!(r#"{start},"duration":null"#), "null", accepted),
        (&format!(r#"{start},"duration":-1"#), "null", accepted),
        (
            &format!(r#"{start},"duration":9223372036854775807"#),
            "null",
            accepted,
        ),
        (r#","duration":35"#, "null", accepted),
        ("", "null", accepted),
    ] {
        let found = rendered_end(
            members,
            &format!(r#","sign":null,"dateTime":{date_time}"#),
            &stamp,
        );
        assert_eq!(
            found,
            format!(r#","sign":null,"dateTime":"{expected}""#),
            "{members} {date_time}"
        );
    }
}

#[test]
fn stamps_are_changed_in_place_or_appended() {
    const D: &str = r#""dateTime":"Thu, 24 Jan 2019 07:28:09 GMT""#;
    let stamp = stamp(DateTimeForm::Rfc1123);
    for (end, expected) in [
        (r#","sign":"x","dateTime":null"#, format!(r#","sign":null,{D}"#)),
        (r#","dateTime":null,"sign":"x""#, format!(r#",{D},"sign":null"#)),
        (
            r#","sign":"x","a":1,"dateTime":null,"b":2"#,
            format!(r#","sign":null,"a":1,{D},"b":2"#),
        ),
        ("", format!(r#","sign":null,{D}"#)),
        (r#","b":2"#, format!(r#","b":2,"sign":null,{D}"#)),
        (r#","dateTime":null,"b":2"#, format!(r#",{D},"b":2,"sign":null"#)),
        (r#","sign":{"a":[]},"b":2"#, format!(r#","sign":null,"b":2,{D}"#)),
        (r#","s\u0069gn":"x""#, format!(r#","s\u0069gn":null,{D}"#)),
    ] {
        assert_eq!(rendered_end("", end, &stamp), expected, "{end}");
    }
    let inside = r#","sign":"kept","dateTime":7"#;
    let input = call(&inside[1..]);
    let body = render(&parse_text(Kind::Call, &input).unwrap());
    assert!(body.contains(inside), "only the first level is stamped: {body}");
}

#[test]
fn sign_is_over_the_date_as_it_is_written() {
    let keys = Signing {
        app_key: "demoAppKey0000001",
        app_secret: "demoAppSecret00000000000000001",
    };
    let rfc1123 = Stamp {
        signing: Some(keys),
        ..stamp(DateTimeForm::Rfc1123)
    };
    assert_eq!(
        rendered_end("", "", &rfc1123),
        r#","sign":"D9OEuveeKNwwHfXKEFjcN9cpYrk=","dateTime":"Thu, 24 Jan 2019 07:28:09 GMT""#
    );
    let seed = Stamp {
        form: DateTimeForm::Seed,
        ..rfc1123
    };
    let expected = sign::sign(keys.app_key, keys.app_secret, "Thu Jan 24 07:28:09 GMT 2019");
    assert!(rendered_end("", "", &seed).contains(&expected));
    assert!(!format!("{seed:?}").contains("Secret0"));
}

#[test]
fn jobs_and_corrections_are_not_stamped() {
    let keys = Signing {
        app_key: "k",
        app_secret: "s",
    };
    let signed = Stamp {
        signing: Some(keys),
        ..stamp(DateTimeForm::Rfc1123)
    };
    for (kind, sample) in [(Kind::Job, samples::JOB), (Kind::Correction, samples::CORRECTION)] {
        let body = parse_text(kind, sample).unwrap().render(&signed);
        assert_eq!(String::from_utf8(body).unwrap(), minified(sample));
    }
    let job = r#"{"companyId":1,"callJobId":2,"status":3,"sign":"x","dateTime":7}"#;
    assert_eq!(data_of(&render(&parse_text(Kind::Job, job).unwrap())), job);
}
