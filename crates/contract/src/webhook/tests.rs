//! Signing and verifying, with rotation.

use super::*;

fn secret(seed: u8) -> Secret {
    Secret::from_bytes(&[seed; 32]).unwrap()
}

const NOW_S: i64 = 1_614_265_330;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY: &[u8] = br#"{"test": 2432232314}"#;

/// The example that implementations of Standard Webhooks share.
#[test]
fn the_shared_vector() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signature = secret.sign(ID, NOW_S, BODY);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn secrets_are_read_and_written_and_not_shown() {
    let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let secret = Secret::parse(text).unwrap();
    assert_eq!(secret.to_text(), text);
    assert_eq!(
        Secret::from_bytes(&STANDARD.decode(&text[6..]).unwrap()).unwrap(),
        secret
    );
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    for (bytes, allowed) in [(23, false), (24, true), (64, true), (65, false)] {
        assert_eq!(
            Secret::from_bytes(&vec![1; bytes]).is_ok(),
            allowed,
            "{bytes} bytes"
        );
    }
    for (text, error) in [
        ("", InvalidSecret::Prefix),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", InvalidSecret::Prefix),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", InvalidSecret::Prefix),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", InvalidSecret::Base64),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ", InvalidSecret::Base64),
        ("whsec_", InvalidSecret::Length { found: 0 }),
        ("whsec_c2hvcnQ=", InvalidSecret::Length { found: 5 }),
    ] {
        assert_eq!(Secret::parse(text).unwrap_err(), error, "{text:?}");
    }
}

#[test]
fn a_rotated_secret_is_accepted_on_both_sides() {
    let (old, new, other) = (secret(1), secret(2), secret(3));
    let both = signature_header(&[new.clone(), old.clone()], ID, NOW_S, BODY);
    assert_eq!(
        both,
        format!("{} {}", new.sign(ID, NOW_S, BODY), old.sign(ID, NOW_S, BODY))
    );
    let timestamp = NOW_S.to_string();
    let headers = |signature| Headers {
        id: Some(ID),
        timestamp: Some(&timestamp),
        signature: Some(signature),
    };
    let only_old = signature_header(std::slice::from_ref(&old), ID, NOW_S, BODY);
    for (signature, secrets, fits) in [
        (&both, vec![old.clone()], true),
        (&both, vec![new.clone()], true),
        (&both, vec![other.clone()], false),
        (&both, vec![], false),
        (&only_old, vec![new.clone(), old.clone()], true),
        (&only_old, vec![new], false),
    ] {
        let found = verify(&headers(signature), BODY, &secrets, NOW_S, TOLERANCE_S);
        let expected = if fits {
            Ok(())
        } else {
            Err(VerifyError::NoMatchingSignature)
        };
        assert_eq!(found, expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_wrong_is_told() {
    let secrets = [secret(1)];
    let good = secrets[0].sign(ID, NOW_S, BODY);
    let timestamp = NOW_S.to_string();
    let headers = Headers {
        id: Some(ID),
        timestamp: Some(&timestamp),
        signature: Some(&good),
    };
    let with_strangers = format!("v2,AAAA {good} v1a,AAAA");
    let check = |headers: &Headers<'_>, body: &[u8], now_s| verify(headers, body, &secrets, now_s, 300);
    let missing = |name| Err(VerifyError::MissingHeader(name));
    let no_match = Err(VerifyError::NoMatchingSignature);
    for (headers, expected) in [
        (headers, Ok(())),
        (
            Headers {
                signature: Some(&with_strangers),
                ..headers
            },
            Ok(()),
        ),
        (Headers { id: None, ..headers }, missing("webhook-id")),
        (
            Headers {
                id: Some(""),
                ..headers
            },
            missing("webhook-id"),
        ),
        (
            Headers {
                timestamp: None,
                ..headers
            },
            missing("webhook-timestamp"),
        ),
        (
            Headers {
                signature: None,
                ..headers
            },
            missing("webhook-signature"),
        ),
        (
            Headers {
                timestamp: Some("soon"),
                ..headers
            },
            Err(VerifyError::BadTimestamp),
        ),
        (
            Headers {
                timestamp: Some("+1614265330"),
                ..headers
            },
            Err(VerifyError::BadTimestamp),
        ),
        (
            Headers {
                timestamp: Some("01614265330"),
                ..headers
            },
            Err(VerifyError::BadTimestamp),
        ),
        (
            Headers {
                timestamp: Some("1614265330.0"),
                ..headers
            },
            Err(VerifyError::BadTimestamp),
        ),
        (
            Headers {
                timestamp: Some("99999999999999999999"),
                ..headers
            },
            Err(VerifyError::BadTimestamp),
        ),
        (
            Headers {
                timestamp: Some("1614265331"),
                ..headers
            },
            no_match,
        ),
        (
            Headers {
                id: Some("msg_other"),
                ..headers
            },
            no_match,
        ),
        (
            Headers {
                signature: Some(&good[3..]),
                ..headers
            },
            Err(VerifyError::NoKnownVersion),
        ),
        (
            Headers {
                signature: Some("v1,"),
                ..headers
            },
            no_match,
        ),
        (
            Headers {
                signature: Some("v1,!!"),
                ..headers
            },
            no_match,
        ),
        (
            Headers {
                signature: Some(&good[..good.len() - 4]),
                ..headers
            },
            no_match,
        ),
    ] {
        assert_eq!(check(&headers, BODY, NOW_S), expected, "{headers:?}");
    }
    assert_eq!(check(&headers, b"{}", NOW_S), no_match);
    for (now_s, expected) in [
        (NOW_S + 300, Ok(())),
        (NOW_S - 300, Ok(())),
        (NOW_S + 301, Err(VerifyError::TooOld)),
        (NOW_S - 301, Err(VerifyError::TooNew)),
    ] {
        assert_eq!(check(&headers, BODY, now_s), expected);
    }
}

#[test]
fn a_flood_of_signatures_is_cut() {
    let secrets = [secret(1)];
    let flood = format!(
        "{}{}",
        "v1,AAAA ".repeat(SIGNATURES_MAX),
        secrets[0].sign(ID, NOW_S, BODY)
    );
    let timestamp = NOW_S.to_string();
    let headers = Headers {
        id: Some(ID),
        timestamp: Some(&timestamp),
        signature: Some(&flood),
    };
    assert_eq!(
        verify(&headers, BODY, &secrets, NOW_S, 300),
        Err(VerifyError::NoMatchingSignature)
    );
}
