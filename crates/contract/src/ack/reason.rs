//! Why an answer is no acknowledgement, as a closed list with a sentence in English and in Chinese: what an
//! integrator sees when he tries his receiver.

use std::fmt;

/// The reason why an answer does not acknowledge. The first three make the send *refused*, the others *not
/// acknowledged*: see [`AckFailure::is_refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckFailure {
    /// A 3xx status: redirects are not followed.
    Redirect {
        /// The status.
        status: u16,
    },
    /// Status 415: the receiver does not take the content type.
    UnsupportedMediaType,
    /// Any other status than 2xx.
    Refused {
        /// The status.
        status: u16,
    },
    /// 2xx with an empty body.
    EmptyBody,
    /// The body is longer than is read.
    BodyTooLong,
    /// The body is an HTML page.
    Html,
    /// The body says `fail`.
    Fail,
    /// The body is a text other than `success`.
    OtherText,
    /// The body begins like a JSON object but cannot be read as one beyond doubt.
    OddJson,
    /// A JSON object with `"success": true` but no `resultMsg`.
    JsonSuccessMember,
    /// A JSON object without `resultMsg`.
    JsonWithoutResultMsg,
    /// A JSON object whose `resultMsg` is not `success`.
    JsonOtherResultMsg,
    /// A JSON object whose `resultMsg` is `success` and whose `code` is not 200.
    JsonOtherCode,
}

impl AckFailure {
    /// Whether the status alone was the reason: the outcome is then *refused*, else *not acknowledged*.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Redirect { .. } | Self::UnsupportedMediaType | Self::Refused { .. }
        )
    }

    /// The reason as a name for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redirect { .. } => "redirect",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Refused { .. } => "refused",
            Self::EmptyBody => "empty-body",
            Self::BodyTooLong => "body-too-long",
            Self::Html => "html",
            Self::Fail => "fail",
            Self::OtherText => "other-text",
            Self::OddJson => "odd-json",
            Self::JsonSuccessMember => "json-success-member",
            Self::JsonWithoutResultMsg => "json-without-result-msg",
            Self::JsonOtherResultMsg => "json-other-result-msg",
            Self::JsonOtherCode => "json-other-code",
        }
    }

    /// The reason as a sentence, with what to do about it.
    #[must_use]
    pub fn en(self) -> String {
        match self {
            Self::Redirect { status } => format!(
                "The status is {status}: redirects are not followed. Configure the address that answers itself."
            ),
            Self::UnsupportedMediaType => "The status is 415: the receiver does not take this content type. \
                Let it take application/json, or set the endpoint's contentType to text."
                .to_owned(),
            Self::Refused { status } => format!("The status is {status}. Only a 2xx status can acknowledge."),
            other => other.en_of_body().to_owned(),
        }
    }

    /// The reason as a Chinese sentence, with what to do about it.
    #[must_use]
    pub fn zh(self) -> String {
        match self {
            Self::Redirect { status } => {
                format!("返回状态码 {status}：不跟随重定向，请配置直接应答的回调地址。")
            }
            Self::UnsupportedMediaType => "返回状态码 415：接收方不支持该内容类型。请支持 application/json，\
                或将该地址的 contentType 设为 text。"
                .to_owned(),
            Self::Refused { status } => format!("返回状态码 {status}：只有 2xx 状态码才能确认回调。"),
            other => other.zh_of_body().to_owned(),
        }
    }

    const fn en_of_body(self) -> &'static str {
        match self {
            Self::Redirect { .. } | Self::UnsupportedMediaType | Self::Refused { .. } => {
                "The status is not 2xx. Only a 2xx status can acknowledge."
            }
            Self::EmptyBody => "The body is empty. Answer with the text success.",
            Self::BodyTooLong => "The body is longer than 64 KiB. Answer with the text success alone.",
            Self::Html => {
                "The body is an HTML page, perhaps of a login or a proxy. Answer with the text success."
            }
            Self::Fail => "The body is fail: the receiver asks for the callback to be sent again.",
            Self::OtherText => "The body is a text other than success. Answer with exactly success.",
            Self::OddJson => "The body begins like a JSON object but is not one, or names a member twice.",
            Self::JsonSuccessMember => {
                "The body is a JSON object with success: true, which does not count. \
                 Answer with the text success, or with {\"code\":200,\"resultMsg\":\"success\"}."
            }
            Self::JsonWithoutResultMsg => {
                "The body is a JSON object without resultMsg. \
                 Answer with the text success, or with {\"code\":200,\"resultMsg\":\"success\"}."
            }
            Self::JsonOtherResultMsg => "The body is a JSON object whose resultMsg is not success.",
            Self::JsonOtherCode => {
                "The body is a JSON object whose resultMsg is success, but whose code is not 200."
            }
        }
    }

    const fn zh_of_body(self) -> &'static str {
        match self {
            Self::Redirect { .. } | Self::UnsupportedMediaType | Self::Refused { .. } => {
                "返回状态码不是 2xx：只有 2xx 状态码才能确认回调。"
            }
            Self::EmptyBody => "返回体为空：请返回字符串 success。",
            Self::BodyTooLong => "返回体超过 64 KiB：请只返回字符串 success。",
            Self::Html => "返回体是 HTML 页面（可能来自登录页或代理）：请返回字符串 success。",
            Self::Fail => "返回体是 fail：接收方要求重新发送。",
            Self::OtherText => "返回体是 success 以外的文本：请只返回 success。",
            Self::OddJson => "返回体像 JSON 对象，但无法解析，或有重复的字段。",
            Self::JsonSuccessMember => {
                "返回体是带有 success: true 的 JSON 对象，这不算确认：\
                 请返回字符串 success，或 {\"code\":200,\"resultMsg\":\"success\"}。"
            }
            Self::JsonWithoutResultMsg => {
                "返回体是没有 resultMsg 的 JSON 对象：\
                 请返回字符串 success，或 {\"code\":200,\"resultMsg\":\"success\"}。"
            }
            Self::JsonOtherResultMsg => "返回体是 JSON 对象，但 resultMsg 不是 success。",
            Self::JsonOtherCode => "返回体是 JSON 对象，resultMsg 是 success，但 code 不是 200。",
        }
    }
}

impl fmt::Display for AckFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

/// The reason for a trimmed body that is neither `success` nor like a JSON object.
pub(super) fn of_text(body: &[u8]) -> AckFailure {
    let unquoted = match body {
        [b'"', inner @ .., b'"'] => inner.trim_ascii(),
        _ => body,
    };
    let begins_like = |tag: &[u8]| {
        unquoted
            .get(..tag.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(tag))
    };
    if unquoted.is_empty() {
        AckFailure::EmptyBody
    } else if begins_like(b"<!doctype html") || begins_like(b"<html") {
        AckFailure::Html
    } else if unquoted.eq_ignore_ascii_case(b"fail") {
        AckFailure::Fail
    } else {
        AckFailure::OtherText
    }
}
