//! The answers that a receiver can give: the right one, and the wrong ones that real receivers give.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ringback_contract::duration;

/// The longest delay that is accepted, in milliseconds.
const DELAY_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// One answer to a callback. Its text form is that of the command line and of the control surface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `success`, `fail` and all other named bodies, with status 200.
    Body(Body),
    /// A status with an empty body: `500`, `302`, `204`.
    Status(u16),
    /// `delay:5s` waits and then answers `success`; `delay:5s:fail` waits and then answers `fail`.
    Delay(Duration, Box<Answer>),
    /// `hang`: never answers. The connection stays open until the sender, or the receiver's stop, closes it.
    Hang,
    /// `reset`: the connection is reset before an answer.
    Reset,
    /// `close`: a head that promises more bytes than follow, then the end of the connection.
    Close,
}

/// A named body, sent with status 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// `success`: `success`.
    Success,
    /// `fail`: `fail`, the answer of receivers that could not use the callback.
    Fail,
    /// `unsuccessful`: contains the word, and is none.
    Unsuccessful,
    /// `success-true`: `{"success":true}`.
    SuccessTrue,
    /// `html`: a page with SUCCESS on it.
    Html,
    /// `bom`: a byte order mark, `success` and a line end: an acknowledgement.
    Bom,
    /// `quoted`: `"success"` with its quotes: an acknowledgement.
    Quoted,
    /// `result-msg`: a JSON envelope with code 200 and resultMsg `success`: an acknowledgement.
    ResultMsg,
    /// `result-msg-500`: the same with code 500: none.
    ResultMsg500,
    /// `code`: a JSON envelope with code 200 and another resultMsg: an acknowledgement under `success-or-code` only.
    Code,
    /// `empty`: nothing.
    Empty,
    /// `huge`: `success` and white space, one byte over the 64 KiB that are read of an answer.
    Huge,
}

/// One byte more than a sender reads.
const HUGE_BYTES: usize = ringback_contract::ack::BODY_LIMIT + 1;

impl Body {
    /// Every named body.
    pub const ALL: [Self; 12] = [
        Self::Success,
        Self::Fail,
        Self::Unsuccessful,
        Self::SuccessTrue,
        Self::Html,
        Self::Bom,
        Self::Quoted,
        Self::ResultMsg,
        Self::ResultMsg500,
        Self::Code,
        Self::Empty,
        Self::Huge,
    ];

    /// The name in the text form of an [`Answer`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Fail => "fail",
            Self::Unsuccessful => "unsuccessful",
            Self::SuccessTrue => "success-true",
            Self::Html => "html",
            Self::Bom => "bom",
            Self::Quoted => "quoted",
            Self::ResultMsg => "result-msg",
            Self::ResultMsg500 => "result-msg-500",
            Self::Code => "code",
            Self::Empty => "empty",
            Self::Huge => "huge",
        }
    }

    /// The bytes, without the white space that fills [`Body::Huge`] up.
    const fn text(self) -> &'static str {
        match self {
            Self::Success | Self::Huge => "success",
            Self::Fail => "fail",
            Self::Unsuccessful => "unsuccessful",
            Self::SuccessTrue => r#"{"success":true}"#,
            Self::Html => "<!DOCTYPE html><html><body><h1>SUCCESS</h1></body></html>",
            Self::Bom => "\u{feff}success\n",
            Self::Quoted => "\"success\"",
            Self::ResultMsg => r#"{"code":200,"resultMsg":"success"}"#,
            Self::ResultMsg500 => r#"{"code":500,"resultMsg":"success"}"#,
            Self::Code => r#"{"code":200,"resultMsg":"ok"}"#,
            Self::Empty => "",
        }
    }

    /// The `Content-Type` that such receivers send.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html;charset=utf-8",
            Self::SuccessTrue | Self::ResultMsg | Self::ResultMsg500 | Self::Code => {
                "application/json;charset=utf-8"
            }
            Self::Success
            | Self::Fail
            | Self::Unsuccessful
            | Self::Bom
            | Self::Quoted
            | Self::Empty
            | Self::Huge => "text/plain;charset=utf-8",
        }
    }

    /// The bytes that are sent.
    pub(super) fn bytes(self) -> bytes::Bytes {
        match self {
            Self::Huge => {
                let mut bytes = self.text().as_bytes().to_vec();
                bytes.resize(HUGE_BYTES, b' ');
                bytes.into()
            }
            named => bytes::Bytes::from_static(named.text().as_bytes()),
        }
    }
}

impl Answer {
    /// `success`.
    pub const SUCCESS: Self = Self::Body(Body::Success);
    /// `fail`.
    pub const FAIL: Self = Self::Body(Body::Fail);
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(body) => f.write_str(body.name()),
            Self::Status(status) => write!(f, "{status}"),
            Self::Delay(delay, then) => {
                let ms = u64::try_from(delay.as_millis()).unwrap_or(DELAY_MAX_MS);
                write!(f, "delay:{}:{then}", duration::format(ms))
            }
            Self::Hang => f.write_str("hang"),
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
        }
    }
}

/// Why a text is no answer, or no plan of answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    /// Not one of the names.
    #[error(
        "answer: {0:?} is none; allowed are success, fail, a status from 200 to 599, delay:5s, delay:5s:fail, hang, \
         reset, close, and the bodies unsuccessful, success-true, html, bom, quoted, result-msg, result-msg-500, \
         code, empty, huge"
    )]
    Unknown(String),
    /// The time after `delay:` cannot be read, or is longer than a day.
    #[error("answer: the delay {0:?} is none; write 500ms, 5s or 2m, at most 24h")]
    Delay(String),
    /// The number after `*` cannot be read, or is zero.
    #[error("answer: {0:?} is no number of times; write fail*3 with a number from 1 to 1000000")]
    Times(String),
    /// Nothing was given, or more than a plan holds.
    #[error("answer: a plan has 1 to 64 answers, separated by commas")]
    Length,
}

/// Texts are repeated in errors, since they were typed in by hand, but not endlessly.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

impl FromStr for Answer {
    type Err = InvalidAnswer;

    fn from_str(text: &str) -> Result<Self, InvalidAnswer> {
        let unknown = || InvalidAnswer::Unknown(shown(text));
        if let Some(rest) = text.strip_prefix("delay:") {
            let (delay, then) = rest.split_once(':').unwrap_or((rest, "success"));
            let ms = duration::parse(delay)
                .ok()
                .filter(|ms| *ms <= DELAY_MAX_MS)
                .ok_or_else(|| InvalidAnswer::Delay(shown(delay)))?;
            // A delay within a delay would say nothing that one cannot.
            return match then.parse()? {
                Self::Delay(..) => Err(unknown()),
                then => Ok(Self::Delay(Duration::from_millis(ms), Box::new(then))),
            };
        }
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let status: u16 = text.parse().map_err(|_| unknown())?;
            return if (200..600).contains(&status) {
                Ok(Self::Status(status))
            } else {
                Err(unknown())
            };
        }
        match text {
            "hang" => Ok(Self::Hang),
            "reset" => Ok(Self::Reset),
            "close" => Ok(Self::Close),
            name => Body::ALL
                .into_iter()
                .find(|body| body.name() == name)
                .map(Self::Body)
                .ok_or_else(unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_survives_its_text() {
        let delayed = Answer::Delay(Duration::from_millis(1500), Box::new(Answer::Status(503)));
        let named = Body::ALL.into_iter().map(Answer::Body);
        let others = [
            Answer::Status(200),
            Answer::Status(599),
            delayed,
            Answer::Hang,
            Answer::Reset,
            Answer::Close,
        ];
        for answer in named.chain(others) {
            assert_eq!(answer.to_string().parse(), Ok(answer));
        }
        assert_eq!(
            "delay:2s".parse(),
            Ok(Answer::Delay(Duration::from_secs(2), Box::new(Answer::SUCCESS)))
        );
    }

    #[test]
    fn what_is_no_answer() {
        for text in [
            "",
            "Success",
            "199",
            "600",
            "20",
            "2000",
            "delay",
            "delay:2s:delay:2s",
            "delay:2s:",
            "success ",
        ] {
            assert_eq!(
                text.parse::<Answer>(),
                Err(InvalidAnswer::Unknown(match text {
                    "delay:2s:" => String::new(),
                    other => other.to_owned(),
                }))
            );
        }
        for delay in ["2", "25h", "-1s", ""] {
            let text = format!("delay:{delay}:fail");
            assert_eq!(
                text.parse::<Answer>(),
                Err(InvalidAnswer::Delay(delay.to_owned()))
            );
        }
    }
}
