//! Each cause made on purpose, and found.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback_contract::webhook::Secret;
use serde_json::json;
use sha1::Sha1;
use sha2::Sha256;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "evt_1mzj8k2v00400";
const NOW: i64 = 1_790_000_000;
const BODY: &str =
    r#"{"code":200,"data":{"name":"张三/李","id":9007199254740993,"at":"a/b"},"resultMsg":"成功"}"#;

fn known() -> Known {
    Known {
        secrets: vec![SECRET.to_owned()],
        other_secrets: vec![OTHER.to_owned()],
        now_s: NOW,
        ..Known::default()
    }
}

fn request(signature: &str, body: &[u8]) -> Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        headers: vec![
            header("webhook-id", ID),
            header("webhook-timestamp", &NOW.to_string()),
            header("webhook-signature", signature),
        ],
        body: body.to_vec(),
    }
}

/// As ringback signs.
fn signed(body: &[u8]) -> String {
    Secret::parse(SECRET).unwrap().sign(ID, NOW, body)
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

fn key() -> Vec<u8> {
    STANDARD.decode(&SECRET["whsec_".len()..]).unwrap()
}

fn right_message() -> String {
    format!("{ID}.{NOW}.{BODY}")
}

#[track_caller]
fn check(request: &Request, known: &Known, expected: &[Cause]) {
    let findings = explain(request, known);
    let finding = findings.last().unwrap();
    assert_eq!(finding.causes, expected);
    assert_eq!(finding.verifies, expected.is_empty());
    for cause in &finding.causes {
        let text = cause.text();
        assert!(!text.contains(SECRET) && !text.contains("MfKQ9r8G"), "{text}");
    }
}

#[test]
fn a_right_request_verifies() {
    check(&request(&signed(BODY.as_bytes()), BODY.as_bytes()), &known(), &[]);
    // While a secret is rotated there are two.
    let old = Secret::parse(OTHER).unwrap().sign(ID, NOW, BODY.as_bytes());
    let both = format!("{old} {}", signed(BODY.as_bytes()));
    check(&request(&both, BODY.as_bytes()), &known(), &[]);
}

#[test]
fn what_is_wrong_with_the_header_is_told() {
    let right = signed(BODY.as_bytes());
    let bare = right.strip_prefix("v1,").unwrap();
    let result = mac(&key(), &right_message());
    let hex: String = result.iter().map(|byte| format!("{byte:02x}")).collect();
    let plus = (0..)
        .map(|n| format!("{BODY}{}", " ".repeat(n)))
        .find(|body| signed(body.as_bytes()).contains('+'))
        .unwrap();
    for (signature, body, cause) in [
        (bare.to_owned(), BODY, Cause::NoVersion),
        (format!("\"{right}\""), BODY, Cause::Quoted),
        (format!("v1,{hex}"), BODY, Cause::Hex),
        (
            format!("v1,{}", STANDARD_NO_PAD.encode(&result)),
            BODY,
            Cause::NoPadding,
        ),
        (format!("v1,xyz;{right}"), BODY, Cause::WrongSeparator),
        (
            signed(plus.as_bytes()).replace('+', " "),
            plus.as_str(),
            Cause::PlusBecameSpace,
        ),
    ] {
        check(&request(&signature, body.as_bytes()), &known(), &[cause]);
    }
    let (body, result) = (0..)
        .map(|n| format!("{BODY}{}", " ".repeat(n)))
        .map(|body| (body.clone(), mac(&key(), &format!("{ID}.{NOW}.{body}"))))
        .find(|(_, result)| STANDARD.encode(result) != URL_SAFE.encode(result))
        .unwrap();
    let url = format!("v1,{}", URL_SAFE.encode(result));
    check(&request(&url, body.as_bytes()), &known(), &[Cause::UrlBase64]);
}

#[test]
fn missing_and_renamed_headers_are_told() {
    let right = request(&signed(BODY.as_bytes()), BODY.as_bytes());
    for (nth, header) in ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .into_iter()
        .enumerate()
    {
        let mut request = right.clone();
        request.headers.remove(nth);
        check(&request, &known(), &[Cause::HeaderMissing { header }]);
    }
    let mut renamed = right;
    renamed.headers[2].0 = "X-Svix-Signature".to_owned();
    let found = "X-Svix-Signature".to_owned();
    check(&renamed, &known(), &[Cause::HeaderRenamed { found }]);
}

#[test]
fn what_is_wrong_with_the_time_is_told() {
    let right = request(&signed(BODY.as_bytes()), BODY.as_bytes());
    for (now_s, expected) in [
        (NOW + 300, vec![]),
        (NOW + 301, vec![Cause::TooOld { seconds: 301 }]),
        (NOW - 400, vec![Cause::InFuture { seconds: 400 }]),
    ] {
        let known = Known { now_s, ..known() };
        check(&right, &known, &expected);
    }
    let mut request = right;
    request.headers[1].1 = "2026-11-23T00:00:00Z".to_owned();
    check(
        &request,
        &known(),
        &[Cause::WrongSecret, Cause::TimestampNotSeconds],
    );
}

#[test]
fn what_is_wrong_with_the_secret_is_told() {
    let body = BODY.as_bytes();
    let other = Secret::parse(OTHER).unwrap().sign(ID, NOW, body);
    check(&request(&other, body), &known(), &[Cause::OtherSecret]);
    let unknown = Secret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    check(
        &request(&unknown.sign(ID, NOW, body), body),
        &known(),
        &[Cause::WrongSecret],
    );
    let short = Known {
        secrets: vec!["whsec_c2hvcnQ=".to_owned()],
        ..known()
    };
    let by_short = format!("v1,{}", STANDARD.encode(mac(b"short", &right_message())));
    check(&request(&by_short, body), &short, &[Cause::SecretNotASecret]);
    let none = Known {
        secrets: vec!["abc".to_owned()],
        ..known()
    };
    check(&request(&by_short, body), &none, &[Cause::SecretNotASecret]);
}

/// What the receiver's own code computes, and why that is another signature.
#[test]
fn what_a_receiver_computes_is_explained() {
    let body = BODY.as_bytes();
    let message = right_message();
    let sha1 = Hmac::<Sha1>::new_from_slice(&key())
        .unwrap()
        .chain_update(&message);
    let wrong = |used| Cause::WrongMessage { used };
    for (result, cause) in [
        (mac(SECRET.as_bytes(), &message), Cause::SecretNotDecoded),
        (
            mac(&SECRET.as_bytes()[6..], &message),
            Cause::SecretPrefixOnlyRemoved,
        ),
        (
            mac(format!("{SECRET}\n").as_bytes(), &message),
            Cause::SecretWithSpace,
        ),
        (
            sha1.finalize().into_bytes().to_vec(),
            Cause::WrongHash { used: "SHA1" },
        ),
        (mac(&key(), BODY), wrong("the body alone")),
        (
            mac(&key(), &format!("{NOW}.{BODY}")),
            wrong("the timestamp, a point and the body, without the id"),
        ),
        (
            mac(&key(), &format!("{ID}.{BODY}")),
            wrong("the id, a point and the body, without the timestamp"),
        ),
        (
            mac(&key(), &format!("{NOW}.{ID}.{BODY}")),
            wrong("the timestamp before the id"),
        ),
        (
            mac(&key(), &format!("{ID}{NOW}{BODY}")),
            wrong("put together without points"),
        ),
        (
            mac(&key(), &format!("{ID}\n{NOW}\n{BODY}")),
            wrong("put together with line ends instead of points"),
        ),
        (mac(&key(), &format!("{ID}.{NOW}000.{BODY}")), Cause::Milliseconds),
        (mac(b"something else", &message), Cause::NoRecipe),
    ] {
        let known = Known {
            computed: Some(STANDARD.encode(result)),
            ..known()
        };
        check(&request(&signed(body), body), &known, &[cause]);
    }
    // Two mistakes at once.
    let known = Known {
        computed: Some(STANDARD.encode(mac(SECRET.as_bytes(), BODY))),
        ..known()
    };
    let both = [Cause::SecretNotDecoded, wrong("the body alone")];
    check(&request(&signed(body), body), &known, &both);
}

#[test]
fn a_changed_body_is_undone_and_its_first_difference_shown() {
    let ascii = r#"{"code":200,"data":{"name":"\u5f20\u4e09/\u674e","id":9007199254740993,"at":"a/b"},"resultMsg":"\u6210\u529f"}"#;
    let spaced = r#"{"code": 200, "data": {"name": "张三/李", "id": 9007199254740993, "at": "a/b"}, "resultMsg": "成功"}"#;
    let latin: String = BODY.bytes().map(char::from).collect();
    for (found, how, at) in [
        (format!("{BODY}\n"), "a line end was added", BODY.len()),
        (format!("\u{feff}{BODY}"), "a byte order mark was added", 0),
        (
            ascii.to_owned(),
            "it was parsed and written again, with \\u escapes",
            28,
        ),
        (
            spaced.to_owned(),
            "it was parsed and written again, with spaces or line ends between its parts",
            8,
        ),
        (
            BODY.replace('/', "\\/"),
            "it was parsed and written again, with escaped slashes",
            34,
        ),
        (
            latin,
            "it was read as ISO 8859-1 and written as UTF-8 (wrong charset)",
            28,
        ),
        (
            BODY.replace('"', "%22").replace('{', "%7B") + "=",
            "it was URL-encoded",
            0,
        ),
    ] {
        let findings = explain(&request(&signed(BODY.as_bytes()), found.as_bytes()), &known());
        let [
            Cause::BodyChanged {
                how: told, at: place, ..
            },
        ] = &findings[0].causes[..]
        else {
            panic!("{how}: {findings:?}")
        };
        assert_eq!((*told, *place), (how, at));
    }
    let ended = format!("{BODY}\n");
    let findings = explain(&request(&signed(ended.as_bytes()), BODY.as_bytes()), &known());
    assert!(
        findings[0].causes[0].text().contains("a line end was cut off"),
        "{findings:?}"
    );
}

#[test]
fn what_cannot_be_undone_is_suspected() {
    let sorted = r#"{"code":200,"data":{"at":"a/b","id":9007199254740993,"name":"张三/李"}}"#;
    let rounded = BODY.replace("9007199254740993", "90071992547409900");
    for (body, cause) in [
        (sorted.as_bytes(), Cause::MembersSorted),
        (rounded.as_bytes(), Cause::NumbersRounded),
        (b"".as_slice(), Cause::BodyEmpty),
        (b"{\"name\":\"\xd5\xc5\xc8\xfd\"}", Cause::NotUtf8),
        (&BODY.as_bytes()[..40], Cause::NotJson),
        (b"{\"code\":200", Cause::NotJson),
        (b"{\"resultMsg\":1,\"code\":200}", Cause::WrongSecret),
    ] {
        check(&request(&signed(BODY.as_bytes()), body), &known(), &[cause]);
    }
}

#[test]
fn the_sign_of_the_body_is_explained() {
    let (key, secret, at) = (
        "demoAppKey0000001",
        "demoAppSecret00000000000000001",
        "Thu, 13 Dec 2018 01:27:17 GMT",
    );
    let sha1 = |key: &str, message: &str| {
        let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
        STANDARD.encode(mac.chain_update(message).finalize().into_bytes())
    };
    let known = Known {
        app: Some(App {
            key: key.to_owned(),
            secret: secret.to_owned(),
        }),
        ..Known::default()
    };
    let wrong = |used| Cause::WrongMessage { used };
    let sha256 = STANDARD.encode(mac(secret.as_bytes(), &format!("{key}\n{at}")));
    for (sign, expected) in [
        (json!("grfMS/yODAZxsf97u4Oyd5rMXRo="), vec![]),
        (
            json!(sha1(key, &format!("{secret}\n{at}"))),
            vec![Cause::AppSwapped],
        ),
        (
            json!(sha1(secret, &format!("{key}{at}"))),
            vec![wrong("appKey and dateTime without a line end between")],
        ),
        (
            json!(sha1(secret, &format!("{key}\\n{at}"))),
            vec![wrong("appKey, a backslash and an n, and dateTime")],
        ),
        (
            json!(sha1(secret, &format!("{at}\n{key}"))),
            vec![wrong("dateTime before appKey")],
        ),
        (json!(sha256), vec![Cause::WrongHash { used: "SHA256" }]),
        (json!("AAAA"), vec![Cause::WrongApp]),
        (json!(null), vec![Cause::SignAbsent]),
    ] {
        let body = json!({"code": 200, "data": {"data": {"sign": sign, "dateTime": at}}}).to_string();
        check(&request("", body.as_bytes()), &known, &expected);
    }
    check(
        &request("", br#"{"data":{"data":{"sign":"x"}}}"#),
        &known,
        &[Cause::DateTimeAbsent],
    );
    check(&request("", b"no"), &known, &[Cause::NotJson]);
}

#[test]
fn requests_are_read_raw_and_from_har_files() {
    let raw = b"POST /callback HTTP/1.1\r\nHost: a\r\nwebhook-id:  x \r\n\r\n{\"a\":\n\n1}";
    let parsed = Request::parse(raw).unwrap();
    assert_eq!(parsed.header("Webhook-Id"), Some("x"));
    assert_eq!(parsed.body, b"{\"a\":\n\n1}");
    let har = json!({"log": {"entries": [
        {"request": {"method": "GET", "headers": []}},
        {"request": {"headers": [{"name": "webhook-id", "value": "y"}], "postData": {"text": "eyJ9", "encoding": "base64"}}},
    ]}});
    let parsed = Request::parse(har.to_string().as_bytes()).unwrap();
    assert_eq!(
        (parsed.header("webhook-id"), &parsed.body[..]),
        (Some("y"), &b"{\"}"[..])
    );
    assert_eq!(Request::parse(b"{\"log\":{}}"), Err(ParseError::NoRequest));
    for none in [&b""[..], b"{}x", b"no headers\n\nbody"] {
        assert_eq!(Request::parse(none), Err(ParseError::NoHead));
    }
}
