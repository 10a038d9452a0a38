//! The causes, what each means, and those that the request shows by itself.

use ringback_contract::headers;
use serde::Serialize;

use super::request::Request;

/// Why a signature is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "cause", rename_all_fields = "camelCase")]
pub enum Cause {
    /// A header is missing.
    HeaderMissing {
        /// Its name.
        header: &'static str,
    },
    /// The signature is under another name.
    HeaderRenamed {
        /// Under which.
        found: String,
    },
    /// The signature has no `v1,` before it.
    NoVersion,
    /// Signatures are parted by something else than spaces.
    WrongSeparator,
    /// The signature stands in quotes, or has white space around it.
    Quoted,
    /// A plus sign became a space: the header was decoded like a form.
    PlusBecameSpace,
    /// It is written in hexadecimal instead of Base64.
    Hex,
    /// It is in the URL's variant of Base64.
    UrlBase64,
    /// The padding of its Base64 is missing.
    NoPadding,
    /// The timestamp lies too far in the past.
    TooOld {
        /// By how much, in seconds.
        seconds: u64,
    },
    /// The timestamp lies in the future.
    InFuture {
        /// By how much, in seconds.
        seconds: u64,
    },
    /// The timestamp is no number of seconds.
    TimestampNotSeconds,
    /// The timestamp was used in milliseconds.
    Milliseconds,
    /// It was made with a secret that is no longer, or not here, valid.
    OtherSecret,
    /// A given secret is no `whsec_` secret.
    SecretNotASecret,
    /// The text of the secret was the key, with its prefix, instead of the bytes that it stands for.
    SecretNotDecoded,
    /// The text after `whsec_` was the key, instead of the bytes that it stands for.
    SecretPrefixOnlyRemoved,
    /// White space beside the secret became part of the key.
    SecretWithSpace,
    /// Another hash.
    WrongHash {
        /// Which.
        used: &'static str,
    },
    /// The message was put together otherwise.
    WrongMessage {
        /// How.
        used: &'static str,
    },
    /// The body is not the one that was signed.
    BodyChanged {
        /// How it was changed.
        how: &'static str,
        /// Where the body at hand first differs from the one that was signed, in bytes from 0.
        at: usize,
        /// What stands there in the body that was signed.
        signed: String,
        /// What stands there in the body at hand.
        found: String,
    },
    /// The members of the body are in alphabetical order, which they are not when ringback sends them.
    MembersSorted,
    /// The body is not UTF-8: it was written in another charset, such as GBK.
    NotUtf8,
    /// The body is no JSON.
    NotJson,
    /// Numbers beyond 2^53 end in zeros: they went through a floating-point number.
    NumbersRounded,
    /// The body is empty: something has read it before.
    BodyEmpty,
    /// No mistake that is known gives this signature: the secret is another endpoint's, or the body is another.
    WrongSecret,
    /// No mistake that is known gives what was computed.
    NoRecipe,
    /// `sign` is null or absent: signing is not switched on for the company.
    SignAbsent,
    /// `dateTime`, which `sign` covers, is absent.
    DateTimeAbsent,
    /// appKey and appSecret are swapped.
    AppSwapped,
    /// appKey or appSecret are those of another company.
    WrongApp,
}

impl Cause {
    /// What happened and what to do, in a sentence or two.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::HeaderMissing { header } => format!("The header {header} is missing. A proxy or gateway before the receiver may remove headers that it does not know; let it pass webhook-*."),
            Self::HeaderRenamed { found } => format!("The signature is in the header {found}. ringback sends it as webhook-signature; something on the way, or the test, has renamed it."),
            Self::NoVersion => "The signature has no \"v1,\" before it. The header is a list of VERSION,SIGNATURE parted by spaces; compare what comes after \"v1,\" of each.".to_owned(),
            Self::WrongSeparator => "The signatures are parted by a comma or semicolon. ringback parts them by spaces; a gateway may have joined header lines.".to_owned(),
            Self::Quoted => "The signature stands in quotes or has white space around it. Trim the header's value, and log values without adding quotes.".to_owned(),
            Self::PlusBecameSpace => "A \"+\" in the signature became a space: the header's value was decoded like a form. Headers are not URL-encoded; take them as they are.".to_owned(),
            Self::Hex => "It is written in hexadecimal. Standard Webhooks writes signatures in Base64.".to_owned(),
            Self::UrlBase64 => "It is written in the URL's variant of Base64 (\"-\" and \"_\"). Use the standard alphabet (\"+\" and \"/\").".to_owned(),
            Self::NoPadding => "Its Base64 has no padding (\"=\"). Use Base64 with padding, or compare the decoded bytes.".to_owned(),
            Self::TooOld { seconds } => format!("webhook-timestamp lies {seconds} s in the past; 300 s are tolerated. Either the receiver's clock is fast (check NTP), or an old request was replayed: this is what the timestamp is for."),
            Self::InFuture { seconds } => format!("webhook-timestamp lies {seconds} s in the future; 300 s are tolerated. The receiver's clock is slow: check NTP."),
            Self::TimestampNotSeconds => "webhook-timestamp is no whole number of seconds since 1970.".to_owned(),
            Self::Milliseconds => "The timestamp went into the message in milliseconds. Use the header's text as it is: seconds.".to_owned(),
            Self::OtherSecret => "It was made with one of the other secrets given: an older one, or another endpoint's. Give the receiver the endpoint's present secret; while a secret is rotated, accept both.".to_owned(),
            Self::SecretNotASecret => "A secret given is no signing secret: that is \"whsec_\" and the Base64 of 24 to 64 bytes. Was a part lost in copying, or the appSecret taken instead?".to_owned(),
            Self::SecretNotDecoded => "The text of the secret was used as the key. The key is the bytes that the Base64 after \"whsec_\" stands for: remove the prefix and decode.".to_owned(),
            Self::SecretPrefixOnlyRemoved => "The text after \"whsec_\" was used as the key without decoding it. The key is the bytes that this Base64 stands for.".to_owned(),
            Self::SecretWithSpace => "A space or line end beside the secret became part of the key. Trim what is read from a file or variable.".to_owned(),
            Self::WrongHash { used } => format!("HMAC-{used} was used. It is HMAC-SHA256."),
            Self::WrongMessage { used } => format!("The message was {used}. It is the id, a point, the timestamp, a point and the raw body: webhook-id.webhook-timestamp.body."),
            Self::BodyChanged { how, at, signed, found } => format!("The body is not the one that was signed: {how}. The first difference is at byte {at}: signed was {signed:?}, found is {found:?}. Verify the raw bytes before anything parses them, and parse afterwards."),
            Self::MembersSorted => "Suspicious: the members of the body are in alphabetical order. ringback sends them in another one; the body was probably parsed and written again. Verify the raw bytes.".to_owned(),
            Self::NotUtf8 => "Suspicious: the body is not UTF-8. ringback sends UTF-8; a program may have written it in its own charset, such as GBK. Verify the raw bytes.".to_owned(),
            Self::NotJson => "Suspicious: the body is no JSON. A part may be missing, or it was taken from a log that changes it.".to_owned(),
            Self::NumbersRounded => "Suspicious: a number beyond 2^53 ends in zeros. Ids have 64 bits; JavaScript and others round them when they parse. Verify the raw bytes, and read ids as text or 64-bit integers.".to_owned(),
            Self::BodyEmpty => "Suspicious: the body is empty. A framework or middleware has read it before: keep the raw body first.".to_owned(),
            Self::WrongSecret => "The request is well formed, and none of the known mistakes gives its signature. The secret is another endpoint's or an older one (give it as a further secret to make sure), or the body was changed in a way that cannot be undone.".to_owned(),
            Self::NoRecipe => "None of the known mistakes gives what was computed. Compare step by step: the key's bytes, the message, its length.".to_owned(),
            Self::SignAbsent => "sign is null or absent: signing is not switched on for the company (PUT /v1/companies/{companyId} with \"sign\": true), or this kind has none: corrections and jobs are not signed.".to_owned(),
            Self::DateTimeAbsent => "dateTime is null or absent. sign covers appKey and dateTime.".to_owned(),
            Self::AppSwapped => "appKey and appSecret are swapped. The key of the HMAC is appSecret; appKey is in the message.".to_owned(),
            Self::WrongApp => "None of the known mistakes gives this sign: appKey or appSecret are another company's, or dateTime was changed. It is Base64(HMAC-SHA1(appSecret, appKey + \"\\n\" + dateTime)) with dateTime exactly as in the body.".to_owned(),
        }
    }
}

/// The header under which a signature stands that should be `webhook-signature`.
pub(super) fn renamed(request: &Request) -> Option<(&str, &str)> {
    if request.header(headers::WEBHOOK_SIGNATURE).is_some() {
        return None;
    }
    request
        .headers
        .iter()
        .find(|(name, _)| name.to_ascii_lowercase().ends_with("signature"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// What is wrong with the headers alone.
pub(super) fn of_headers(request: &Request) -> Vec<Cause> {
    let mut causes = Vec::new();
    for header in [
        headers::WEBHOOK_ID,
        headers::WEBHOOK_TIMESTAMP,
        headers::WEBHOOK_SIGNATURE,
    ] {
        if request.header(header).is_some() {
            continue;
        }
        causes.push(
            match renamed(request).filter(|_| header == headers::WEBHOOK_SIGNATURE) {
                Some((found, _)) => Cause::HeaderRenamed {
                    found: found.to_owned(),
                },
                None => Cause::HeaderMissing { header },
            },
        );
    }
    causes
}

/// Whether the timestamp is near enough.
pub(super) fn of_time(timestamp: &str, now_s: i64, tolerance_s: u64) -> Option<Cause> {
    let Ok(sent) = timestamp.trim().parse::<i64>() else {
        return Some(Cause::TimestampNotSeconds);
    };
    let seconds = now_s.abs_diff(sent);
    if seconds <= tolerance_s {
        None
    } else if sent < now_s {
        Some(Cause::TooOld { seconds })
    } else {
        Some(Cause::InFuture { seconds })
    }
}

/// What is suspicious about a body whose signature no recipe gives.
pub(super) fn suspicions(request: &Request) -> Vec<Cause> {
    if request.body.is_empty() {
        return vec![Cause::BodyEmpty];
    }
    let Ok(text) = std::str::from_utf8(&request.body) else {
        return vec![Cause::NotUtf8];
    };
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return vec![Cause::NotJson];
    }
    let mut causes = Vec::new();
    if super::bodies::is_sorted(text) {
        causes.push(Cause::MembersSorted);
    }
    if super::bodies::has_rounded(text) {
        causes.push(Cause::NumbersRounded);
    }
    if causes.is_empty() {
        causes.push(Cause::WrongSecret);
    }
    causes
}
