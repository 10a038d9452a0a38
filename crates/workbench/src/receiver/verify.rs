//! Whether a callback comes from who it says: the Standard Webhooks headers, and the platform's own `sign`.

use http::HeaderMap;
use ringback_contract::kind::Kind;
use ringback_contract::webhook::{self, Secret};
use ringback_contract::{headers, sign};
use serde::Serialize;

use super::identify::Identity;

/// A company's key and secret for `sign`. `Debug` does not show the secret.
#[derive(Clone)]
pub struct App {
    /// appKey.
    pub key: String,
    /// appSecret.
    pub secret: String,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result", content = "why")]
pub enum Check {
    /// There was nothing to check with, or nothing to check.
    NotChecked,
    /// It fits.
    Verified,
    /// It does not, with the reason.
    Failed(String),
}

/// What both checks found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The Standard Webhooks headers, which cover the body.
    pub webhook: Check,
    /// The `sign` of calls and inbound calls, which does not cover the body.
    pub sign: Check,
}

impl Verification {
    /// Why the callback is not to be trusted; `None` where no check failed.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        [&self.webhook, &self.sign]
            .into_iter()
            .find_map(|check| match check {
                Check::Failed(why) => Some(why.as_str()),
                Check::NotChecked | Check::Verified => None,
            })
    }

    /// Whether at least one check was made, and none failed.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.problem().is_none() && [&self.webhook, &self.sign].contains(&&Check::Verified)
    }
}

/// What to check with. Empty lists check nothing.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    /// The Standard Webhooks secrets that are known here; one that fits is enough.
    pub secrets: Vec<Secret>,
    /// The companies' keys for `sign`; one that fits is enough.
    pub apps: Vec<App>,
}

impl Verifier {
    /// Checks a callback. `now_s` is the wall clock in seconds since 1970.
    #[must_use]
    pub fn verify(&self, head: &HeaderMap, body: &[u8], identity: &Identity, now_s: i64) -> Verification {
        Verification {
            webhook: self.verify_webhook(head, body, now_s),
            sign: self.verify_sign(identity),
        }
    }

    /// The first of the two checks, which covers the raw body and need not read it.
    #[must_use]
    pub fn verify_webhook(&self, head: &HeaderMap, body: &[u8], now_s: i64) -> Check {
        if self.secrets.is_empty() {
            return Check::NotChecked;
        }
        let value = |name: &str| head.get(name).and_then(|value| value.to_str().ok());
        let found = webhook::Headers {
            id: value(headers::WEBHOOK_ID),
            timestamp: value(headers::WEBHOOK_TIMESTAMP),
            signature: value(headers::WEBHOOK_SIGNATURE),
        };
        match webhook::verify(&found, body, &self.secrets, now_s, webhook::TOLERANCE_S) {
            Ok(()) => Check::Verified,
            Err(problem) => Check::Failed(problem.to_string()),
        }
    }

    /// The second of the two checks.
    #[must_use]
    pub fn verify_sign(&self, identity: &Identity) -> Check {
        if self.apps.is_empty() || !identity.kind.is_some_and(Kind::is_stamped) {
            return Check::NotChecked;
        }
        let Some(found) = &identity.sign else {
            return Check::Failed("sign is null: signing is not switched on for the company".to_owned());
        };
        let Some(date_time) = &identity.date_time else {
            return Check::Failed("dateTime is missing, and sign covers it".to_owned());
        };
        if self
            .apps
            .iter()
            .any(|app| sign::verify(&app.key, &app.secret, date_time, found))
        {
            Check::Verified
        } else {
            Check::Failed("sign does not fit dateTime and the given appKey and appSecret".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "demoAppKey0000001";
    const SECRET: &str = "demoAppSecret00000000000000001";
    const DATE_TIME: &str = "Thu, 24 Jan 2019 07:28:09 GMT";
    const SIGN: &str = "D9OEuveeKNwwHfXKEFjcN9cpYrk=";
    const NOW_S: i64 = 1_700_000_000;

    fn secret(fill: u8) -> Secret {
        Secret::from_bytes(&[fill; 24]).unwrap()
    }

    fn verifier(secrets: &[u8], app_secrets: &[&str]) -> Verifier {
        Verifier {
            secrets: secrets.iter().copied().map(secret).collect(),
            apps: app_secrets
                .iter()
                .map(|secret| App {
                    key: KEY.to_owned(),
                    secret: (*secret).to_owned(),
                })
                .collect(),
        }
    }

    fn signed_by(fill: u8, timestamp_s: i64, body: &[u8]) -> HeaderMap {
        let mut head = HeaderMap::new();
        head.insert(headers::WEBHOOK_ID, "evt_1".parse().unwrap());
        head.insert(
            headers::WEBHOOK_TIMESTAMP,
            timestamp_s.to_string().parse().unwrap(),
        );
        let signature = secret(fill).sign("evt_1", timestamp_s, body);
        head.insert(headers::WEBHOOK_SIGNATURE, signature.parse().unwrap());
        head
    }

    #[test]
    fn webhook_headers() {
        let signed = signed_by(1, NOW_S, b"body");
        for (secrets, head, expected) in [
            (&[][..], &signed, None),
            (&[1], &signed, Some(Ok(()))),
            (&[2, 1], &signed, Some(Ok(()))),
            (&[2], &signed, Some(Err("no signature in webhook-signature fits"))),
            (
                &[1],
                &signed_by(1, NOW_S, b"other"),
                Some(Err("no signature in webhook-signature fits")),
            ),
            (
                &[1],
                &signed_by(1, NOW_S - 301, b"body"),
                Some(Err("webhook-timestamp is too old")),
            ),
            (
                &[1],
                &HeaderMap::new(),
                Some(Err("the header webhook-id is missing")),
            ),
        ] {
            let found = verifier(secrets, &[]).verify(head, b"body", &Identity::default(), NOW_S);
            assert_eq!(found.sign, Check::NotChecked);
            match expected {
                None => assert_eq!(found.webhook, Check::NotChecked),
                Some(Ok(())) => assert!(found.is_verified(), "{found:?}"),
                Some(Err(why)) => assert!(found.problem().unwrap().starts_with(why), "{found:?}"),
            }
        }
    }

    #[test]
    fn sign_of_calls() {
        let call = |kind, sign: Option<&str>, date_time: Option<&str>| Identity {
            kind,
            sign: sign.map(str::to_owned),
            date_time: date_time.map(str::to_owned),
            ..Identity::default()
        };
        let fits = call(Some(Kind::Call), Some(SIGN), Some(DATE_TIME));
        for (app_secrets, identity, expected) in [
            (&[][..], &fits, None),
            (&[SECRET], &fits, Some(Ok(()))),
            (&["other", SECRET], &fits, Some(Ok(()))),
            (&["other"], &fits, Some(Err("sign does not fit"))),
            (
                &[SECRET],
                &call(Some(Kind::Inbound), None, Some(DATE_TIME)),
                Some(Err("sign is null")),
            ),
            (
                &[SECRET],
                &call(Some(Kind::Call), Some(SIGN), None),
                Some(Err("dateTime is missing")),
            ),
            (&[SECRET], &call(Some(Kind::Job), None, None), None),
            (&[SECRET], &call(None, None, None), None),
        ] {
            let found = verifier(&[], app_secrets).verify(&HeaderMap::new(), b"", identity, NOW_S);
            match expected {
                None => assert_eq!(found.sign, Check::NotChecked),
                Some(Ok(())) => assert_eq!(found.sign, Check::Verified),
                Some(Err(why)) => assert!(found.problem().unwrap().starts_with(why), "{found:?}"),
            }
        }
    }

    #[test]
    fn no_secret_is_shown() {
        assert!(!format!("{:?}", verifier(&[7], &[SECRET])).contains(SECRET));
    }
}
