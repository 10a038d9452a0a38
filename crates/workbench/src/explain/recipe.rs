//! The recipes: the right one and those that code follows by mistake.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringback_contract::sign;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::Known;
use super::bodies;
use super::cause::Cause;
use crate::receiver::App;

/// What goes into a recipe.
pub(super) struct Given<'a> {
    id: &'a str,
    timestamp: &'a str,
    body: &'a [u8],
    keys: Vec<Key>,
}

/// A key, and what is wrong with it.
struct Key {
    bytes: Vec<u8>,
    causes: Vec<Cause>,
}

/// What a recipe has to give.
pub(super) enum Goal<'a> {
    /// One of the signatures of a header.
    Header(&'a str),
    /// What somebody has computed.
    Computed(&'a str),
}

impl<'a> Given<'a> {
    pub(super) fn new(id: &'a str, timestamp: &'a str, body: &'a [u8], known: &Known) -> Self {
        let mut keys = Vec::new();
        for secret in &known.secrets {
            keys.extend(keys_of(secret, None));
        }
        for secret in &known.other_secrets {
            keys.extend(keys_of(secret, Some(&Cause::OtherSecret)));
        }
        // The right ones first, so that the simplest explanation is found first.
        keys.sort_by_key(|key| key.causes.len());
        Self {
            id,
            timestamp,
            body,
            keys,
        }
    }
}

/// The keys that a secret's text becomes in code.
fn keys_of(secret: &str, because: Option<&Cause>) -> Vec<Key> {
    let key = |bytes: &[u8], cause: Option<Cause>| Key {
        bytes: bytes.to_vec(),
        causes: because.cloned().into_iter().chain(cause).collect(),
    };
    let trimmed = secret.trim();
    let encoded = trimmed.strip_prefix("whsec_").unwrap_or(trimmed);
    let decoded = STANDARD.decode(encoded).ok();
    let mut keys = Vec::new();
    if let Some(decoded) = decoded {
        let not_one = (!super::is_secret(trimmed)).then_some(Cause::SecretNotASecret);
        keys.push(key(&decoded, not_one));
    }
    keys.push(key(trimmed.as_bytes(), Some(Cause::SecretNotDecoded)));
    if encoded != trimmed {
        keys.push(key(encoded.as_bytes(), Some(Cause::SecretPrefixOnlyRemoved)));
    }
    for end in ["\n", "\r\n", " "] {
        for text in [trimmed, encoded] {
            keys.push(key(
                format!("{text}{end}").as_bytes(),
                Some(Cause::SecretWithSpace),
            ));
        }
    }
    keys
}

/// The first recipe that gives the signature, as what differs from the right one. `None` when none does.
pub(super) fn find(given: &Given<'_>, goal: &Goal<'_>) -> Option<Vec<Cause>> {
    let targets = targets(goal);
    // From the right recipe outwards: one mistake at a time, then two.
    let bodies = bodies::candidates(given.body);
    let hashes = [Hash::Sha256, Hash::Sha1, Hash::Sha512];
    for most in 0..=MISTAKES {
        for key in &given.keys {
            for (hash_cause, hash) in hashes.map(|hash| (hash.cause(), hash)) {
                let so_far = key.causes.len() + usize::from(hash_cause.is_some());
                if so_far > most {
                    continue;
                }
                let at_hand = [(None, given.body)];
                let changed = bodies.iter().map(|body| (Some(body), body.bytes.as_slice()));
                for (candidate, body) in at_hand.into_iter().chain(changed) {
                    let so_far = so_far + usize::from(candidate.is_some());
                    for (message_cause, message) in messages(given, body) {
                        if so_far + usize::from(message_cause.is_some()) != most {
                            continue;
                        }
                        let mac = hash.mac(&key.bytes, &message);
                        let Some(written) = targets.iter().find_map(|target| target.fits(&mac)) else {
                            continue;
                        };
                        let mut causes = key.causes.clone();
                        causes.extend(hash_cause.clone());
                        causes.extend(message_cause);
                        causes.extend(candidate.map(|candidate| candidate.cause(given.body)));
                        causes.extend(written);
                        return Some(causes);
                    }
                }
            }
        }
    }
    None
}

/// Mistakes that are looked for at once.
const MISTAKES: usize = 2;

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha1,
    Sha512,
}

impl Hash {
    fn cause(self) -> Option<Cause> {
        match self {
            Self::Sha256 => None,
            Self::Sha1 => Some(Cause::WrongHash { used: "SHA1" }),
            Self::Sha512 => Some(Cause::WrongHash { used: "SHA512" }),
        }
    }

    fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        macro_rules! mac {
            ($hash:ty) => {
                Hmac::<$hash>::new_from_slice(key).map_or_else(
                    |_| Vec::new(),
                    |mac| mac.chain_update(message).finalize().into_bytes().to_vec(),
                )
            };
        }
        match self {
            Self::Sha256 => mac!(Sha256),
            Self::Sha1 => mac!(Sha1),
            Self::Sha512 => mac!(Sha512),
        }
    }
}

/// The messages that code puts together, the right one first.
fn messages(given: &Given<'_>, body: &[u8]) -> Vec<(Option<Cause>, Vec<u8>)> {
    let (id, timestamp) = (given.id.as_bytes(), given.timestamp.as_bytes());
    let ms = format!("{}000", given.timestamp);
    let wrong = |used| Some(Cause::WrongMessage { used });
    vec![
        (None, [id, b".", timestamp, b".", body].concat()),
        (wrong("the body alone"), body.to_vec()),
        (
            wrong("the timestamp, a point and the body, without the id"),
            [timestamp, b".", body].concat(),
        ),
        (
            wrong("the id, a point and the body, without the timestamp"),
            [id, b".", body].concat(),
        ),
        (
            wrong("the timestamp before the id"),
            [timestamp, b".", id, b".", body].concat(),
        ),
        (
            wrong("put together without points"),
            [id, timestamp, body].concat(),
        ),
        (
            wrong("put together with line ends instead of points"),
            [id, b"\n", timestamp, b"\n", body].concat(),
        ),
        (
            Some(Cause::Milliseconds),
            [id, b".", ms.as_bytes(), b".", body].concat(),
        ),
    ]
}

/// A signature to be met, and what is wrong with how it is written.
struct Target {
    text: String,
    causes: Vec<Cause>,
}

impl Target {
    /// Whether this result is written here, and what is wrong with how.
    fn fits(&self, mac: &[u8]) -> Option<Vec<Cause>> {
        let hex = || mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let written = if self.text == STANDARD.encode(mac) {
            None
        } else if self.text == STANDARD_NO_PAD.encode(mac) {
            Some(Cause::NoPadding)
        } else if self.text == URL_SAFE.encode(mac) || self.text == URL_SAFE_NO_PAD.encode(mac) {
            Some(Cause::UrlBase64)
        } else if self.text.eq_ignore_ascii_case(&hex()) {
            Some(Cause::Hex)
        } else {
            return None;
        };
        Some(self.causes.iter().cloned().chain(written).collect())
    }
}

fn targets(goal: &Goal<'_>) -> Vec<Target> {
    let (text, is_header) = match goal {
        Goal::Header(text) => (*text, true),
        Goal::Computed(text) => (*text, false),
    };
    let mut causes = Vec::new();
    let trimmed = text.trim().trim_matches(['"', '\'']);
    if trimmed != text {
        causes.push(Cause::Quoted);
    }
    let mut targets = Vec::new();
    let mut add = |text: &str, more: Option<Cause>| {
        let version = text.strip_prefix("v1,");
        let no_version = (is_header && version.is_none()).then_some(Cause::NoVersion);
        targets.push(Target {
            text: version.unwrap_or(text).to_owned(),
            causes: causes.iter().cloned().chain(no_version).chain(more).collect(),
        });
    };
    for part in trimmed.split(' ') {
        add(part, None);
    }
    if trimmed.contains(' ') {
        add(&trimmed.replace(' ', "+"), Some(Cause::PlusBecameSpace));
    }
    if is_header {
        for part in trimmed.split([';', ' ']).flat_map(|part| part.split(",v1,")) {
            if part != trimmed {
                add(part, Some(Cause::WrongSeparator));
            }
        }
    }
    // The simplest explanation first.
    targets.sort_by_key(|target| target.causes.len());
    targets
}

/// Why `sign` is not `Base64(HMAC-SHA1(appSecret, appKey + "\n" + dateTime))`.
pub(super) fn find_sign(app: &App, date_time: &str, found: &str) -> Vec<Cause> {
    if sign::verify(&app.secret, &app.key, date_time, found) {
        return vec![Cause::AppSwapped];
    }
    let targets = targets(&Goal::Computed(found));
    let (key, secret) = (app.key.as_str(), app.secret.as_str());
    let wrong = |used| Some(Cause::WrongMessage { used });
    for (cause, message) in [
        (None, format!("{key}\n{date_time}")),
        (
            wrong("appKey and dateTime without a line end between"),
            format!("{key}{date_time}"),
        ),
        (
            wrong("appKey, a backslash and an n, and dateTime"),
            format!("{key}\\n{date_time}"),
        ),
        (
            wrong("appKey and dateTime with CR LF between"),
            format!("{key}\r\n{date_time}"),
        ),
        (wrong("dateTime before appKey"), format!("{date_time}\n{key}")),
        (wrong("dateTime alone"), date_time.to_owned()),
    ] {
        for hash in [Hash::Sha1, Hash::Sha256] {
            let mac = hash.mac(secret.as_bytes(), message.as_bytes());
            if let Some(written) = targets.iter().find_map(|target| target.fits(&mac)) {
                let other = matches!(hash, Hash::Sha256).then_some(Cause::WrongHash { used: "SHA256" });
                return cause.into_iter().chain(other).chain(written).collect();
            }
        }
    }
    vec![Cause::WrongApp]
}
