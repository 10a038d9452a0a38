//! The platform's own `sign`: the vendor's published formula for request signatures,
//! `Base64(HMAC-SHA1(key = appSecret, message = appKey + "\n" + dateTime))`.
//!
//! The seed names a callback's `sign` but publishes no formula for it; the contract (section 2) reads the
//! formula of the vendor's open API over to the callback. It proves that the sender knows the secret, and
//! when; **it does not cover the body**. Receivers that want that check the Standard Webhooks headers:
//! [`crate::webhook`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::date_time::DateTimeForm;

/// How far a request's clock may be off, in either direction, in milliseconds (contract, section 6).
pub const TOLERANCE_MS: u64 = 3 * 60 * 1000;

/// The signature over `app_key` and `date_time`, the date as it is written on the wire.
#[must_use]
pub fn sign(app_key: &str, app_secret: &str, date_time: &str) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(app_secret.as_bytes()).expect("an HMAC takes keys of any length");
    mac.update(app_key.as_bytes());
    mac.update(b"\n");
    mac.update(date_time.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether `signature` is the one over `app_key` and `date_time`; compared in constant time.
#[must_use]
pub fn verify(app_key: &str, app_secret: &str, date_time: &str, signature: &str) -> bool {
    sign(app_key, app_secret, date_time)
        .as_bytes()
        .ct_eq(signature.as_bytes())
        .into()
}

/// Checks the headers `datetime` and `sign` of a request to the open API (contract, section 6). The caller
/// has found `app_secret` by the header `appkey`. `now_ms` is the wall clock, in milliseconds since 1970.
///
/// # Errors
/// When the date is no RFC 1123 date, the signature is wrong, or the date is more than three minutes from now.
pub fn check_request(
    app_key: &str,
    app_secret: &str,
    datetime: &str,
    sign: &str,
    now_ms: i64,
) -> Result<(), RequestProblem> {
    let moment = DateTimeForm::Rfc1123
        .parse(datetime)
        .ok_or(RequestProblem::UnreadableDatetime)?;
    if !verify(app_key, app_secret, datetime, sign) {
        return Err(RequestProblem::WrongSign);
    }
    if moment.abs_diff(now_ms) > TOLERANCE_MS {
        return Err(RequestProblem::TimeOff);
    }
    Ok(())
}

/// Why a signed request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// The date cannot be read.
    #[error("datetime: is no RFC 1123 date in GMT, such as Thu, 24 Jan 2019 07:28:09 GMT")]
    UnreadableDatetime,
    /// The signature is not the one of this key and date.
    #[error("sign: is not Base64(HMAC-SHA1(appSecret, appKey + \"\\n\" + datetime))")]
    WrongSign,
    /// The clocks are too far apart.
    #[error("datetime: is more than 3 min from the time of this server")]
    TimeOff,
}

impl RequestProblem {
    /// The code of the answer's envelope.
    #[must_use]
    pub const fn code(self) -> EnvelopeCode {
        match self {
            Self::UnreadableDatetime => EnvelopeCode::BadParameter,
            Self::WrongSign => EnvelopeCode::CheckFailed,
            Self::TimeOff => EnvelopeCode::TimeOff,
        }
    }
}

/// The codes in the envelope of the open API's answers (contract, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnvelopeCode {
    /// 200: done.
    Ok,
    /// 401: the signature does not fit, or the key is unknown.
    CheckFailed,
    /// 403: this key has no right to what it asks for.
    NoRight,
    /// 404: there is no such thing.
    NotFound,
    /// 408: the time is off by more than three minutes.
    TimeOff,
    /// 412: a parameter is missing or wrong.
    BadParameter,
    /// 500: the server failed.
    Failed,
}

impl EnvelopeCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::CheckFailed => 401,
            Self::NoRight => 403,
            Self::NotFound => 404,
            Self::TimeOff => 408,
            Self::BadParameter => 412,
            Self::Failed => 500,
        }
    }

    /// What it means, in Chinese: the beginning of `resultMsg`.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Ok => "成功",
            Self::CheckFailed => "签名校验失败",
            Self::NoRight => "无权限",
            Self::NotFound => "不存在",
            Self::TimeOff => "请求时间与服务器相差超过 3 分钟",
            Self::BadParameter => "参数错误",
            Self::Failed => "系统暂时不可用",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "demoAppKey0000001";
    const SECRET: &str = "demoAppSecret00000000000000001";

    /// The checked vectors of the contract's section 2.
    const VECTORS: [(&str, &str); 2] = [
        ("Thu, 13 Dec 2018 01:27:17 GMT", "grfMS/yODAZxsf97u4Oyd5rMXRo="),
        ("Thu, 24 Jan 2019 07:28:09 GMT", "D9OEuveeKNwwHfXKEFjcN9cpYrk="),
    ];

    #[test]
    fn checked_vectors() {
        for (date_time, signature) in VECTORS {
            assert_eq!(sign(KEY, SECRET, date_time), signature);
            assert!(verify(KEY, SECRET, date_time, signature));
            for wrong in [
                "",
                "grfM",
                &signature[1..],
                &signature.to_lowercase(),
                &format!("{signature} "),
            ] {
                assert!(!verify(KEY, SECRET, date_time, wrong), "{wrong:?}");
            }
            assert!(!verify("other", SECRET, date_time, signature));
            assert!(!verify(KEY, "other", date_time, signature));
        }
    }

    #[test]
    fn requests_have_three_minutes() {
        let (datetime, signature) = VECTORS[1];
        let at = DateTimeForm::Rfc1123.parse(datetime).unwrap();
        for (now_ms, datetime, signature, expected) in [
            (at, datetime, signature, Ok(())),
            (at + 180_000, datetime, signature, Ok(())),
            (at - 180_000, datetime, signature, Ok(())),
            (
                at + 180_001,
                datetime,
                signature,
                Err((RequestProblem::TimeOff, 408)),
            ),
            (
                at - 180_001,
                datetime,
                signature,
                Err((RequestProblem::TimeOff, 408)),
            ),
            (i64::MIN, datetime, signature, Err((RequestProblem::TimeOff, 408))),
            (at, datetime, "", Err((RequestProblem::WrongSign, 401))),
            (at + 180_001, datetime, "x", Err((RequestProblem::WrongSign, 401))),
            (at, VECTORS[0].0, signature, Err((RequestProblem::WrongSign, 401))),
            (at, "", signature, Err((RequestProblem::UnreadableDatetime, 412))),
            (
                at,
                "Thu Jan 24 07:28:09 GMT 2019",
                signature,
                Err((RequestProblem::UnreadableDatetime, 412)),
            ),
        ] {
            let found = check_request(KEY, SECRET, datetime, signature, now_ms);
            assert_eq!(
                found.map_err(|problem| (problem, problem.code().number())),
                expected
            );
        }
    }
}
