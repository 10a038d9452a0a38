//! Standard Webhooks signatures: HMAC-SHA256 over id, timestamp and raw body, for sender and receiver.
//!
//! The signed text is `{id}.{timestamp}.{body}`; a signature is `v1,` and its Base64; the header holds one or
//! more, separated by spaces, so that a secret can be rotated: while two are valid the sender signs with both,
//! and the receiver accepts whichever it knows. Source: the Standard Webhooks specification, version 1.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::headers;

/// The most signatures of one header that [`verify`] looks at: a stranger's header must not make it work long.
const SIGNATURES_MAX: usize = 16;

/// How far a sender's clock may be off, in seconds, unless the receiver decides otherwise.
pub const TOLERANCE_S: u64 = 5 * 60;

/// A signing secret: 24 to 64 bytes, written as `whsec_` and their Base64. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret {
    bytes: Vec<u8>,
}

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

impl Secret {
    /// A secret of these bytes.
    ///
    /// # Errors
    /// When there are fewer than 24 or more than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSecret> {
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidSecret::Length { found: bytes.len() });
        }
        Ok(Self {
            bytes: bytes.to_vec(),
        })
    }

    /// Reads `whsec_…`.
    ///
    /// # Errors
    /// When the prefix is missing, the rest is no Base64, or the length is out of bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        Self::from_bytes(&STANDARD.decode(encoded).map_err(|_| InvalidSecret::Base64)?)
    }

    /// Writes `whsec_…`: this is the secret itself, to be shown once and never logged.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.bytes))
    }

    /// One signature, `v1,…`. `timestamp_s` is the wall clock of the send, in seconds since 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        format!(
            "v1,{}",
            STANDARD.encode(self.mac(id, &timestamp_s.to_string(), body))
        )
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("an HMAC takes keys of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Eq for Secret {}

/// Why a text or some bytes are no signing secret. It never repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// The text does not begin with `whsec_`.
    #[error("is no signing secret: it must begin with whsec_")]
    Prefix,
    /// What follows the prefix is no Base64.
    #[error("is no signing secret: after whsec_ there must be Base64 with its padding")]
    Base64,
    /// Too few or too many bytes.
    #[error("is no signing secret: it has {found} bytes; allowed are 24 to 64")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
}

/// The value of `webhook-signature`: a signature by each secret, in their order, separated by spaces.
#[must_use]
pub fn signature_header(secrets: &[Secret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| secret.sign(id, timestamp_s, body))
        .collect();
    signatures.join(" ")
}

/// The three headers as a receiver found them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// The value of `webhook-id`.
    pub id: Option<&'a str>,
    /// The value of `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// The value of `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Checks that one of `secrets` signed `body` with these headers, no longer than `tolerance_s` before or after
/// `now_s` (seconds since 1970, wall clock). The body is the raw one, before any parsing. Signatures are
/// compared in constant time; those of other versions than `v1` are passed over.
///
/// # Errors
/// When a header is missing or unreadable, the time is off, or no signature fits.
pub fn verify(
    headers: &Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
    now_s: i64,
    tolerance_s: u64,
) -> Result<(), VerifyError> {
    let present = |value: Option<&str>, name| match value {
        Some(value) if !value.is_empty() => Ok(()),
        _ => Err(VerifyError::MissingHeader(name)),
    };
    present(headers.id, headers::WEBHOOK_ID)?;
    present(headers.timestamp, headers::WEBHOOK_TIMESTAMP)?;
    present(headers.signature, headers::WEBHOOK_SIGNATURE)?;
    let id = headers.id.unwrap_or_default();
    let timestamp = headers.timestamp.unwrap_or_default();
    let sent_s = read_timestamp(timestamp).ok_or(VerifyError::BadTimestamp)?;
    if sent_s.abs_diff(now_s) > tolerance_s {
        return Err(if sent_s < now_s {
            VerifyError::TooOld
        } else {
            VerifyError::TooNew
        });
    }
    let claimed = read_signatures(headers.signature.unwrap_or_default())?;
    // No early return, so that the time does not tell which secret or signature was near.
    let mut fits = subtle::Choice::from(0);
    for secret in secrets {
        let expected = secret.mac(id, timestamp, body);
        for signature in &claimed {
            fits |= expected.as_slice().ct_eq(signature);
        }
    }
    if bool::from(fits) {
        Ok(())
    } else {
        Err(VerifyError::NoMatchingSignature)
    }
}

/// Whole seconds in plain digits: what is signed is the text, so other ways to write the number are refused.
fn read_timestamp(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn read_signatures(header: &str) -> Result<Vec<Vec<u8>>, VerifyError> {
    let mut v1 = header
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"))
        .take(SIGNATURES_MAX)
        .peekable();
    if v1.peek().is_none() {
        return Err(VerifyError::NoKnownVersion);
    }
    Ok(v1.filter_map(|encoded| STANDARD.decode(encoded).ok()).collect())
}

/// Why a callback's signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header is missing or empty.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// The timestamp is not a plain number of seconds.
    #[error("the header webhook-timestamp is no whole number of seconds since 1970")]
    BadTimestamp,
    /// Signed longer ago than is tolerated: late, or a replayed request.
    #[error("webhook-timestamp is too old")]
    TooOld,
    /// Signed in the future: one of the two clocks is wrong.
    #[error("webhook-timestamp is in the future")]
    TooNew,
    /// The signature header has no `v1` signature.
    #[error("the header webhook-signature has no signature of version v1")]
    NoKnownVersion,
    /// None of the signatures is by one of the secrets: another secret, or a body that was changed on the way.
    #[error("no signature in webhook-signature fits: another secret, or the body was changed")]
    NoMatchingSignature,
}

#[cfg(test)]
mod tests;
