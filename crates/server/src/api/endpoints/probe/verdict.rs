//! What a test's outcome means, in one sentence of English or Chinese.

use ringback_core::delivery::Outcome;

use super::super::super::language::Language;
use crate::outbound::{Detail, Exchange};

/// One sentence: would a callback arrive?
pub(super) fn verdict(exchange: &Exchange, language: Language) -> String {
    let status = exchange
        .status
        .map_or_else(|| "?".to_owned(), |status| status.to_string());
    let detail = exchange.detail.as_ref();
    // What the client explains, it explains in English.
    let because = detail.map_or_else(String::new, |detail| format!(": {detail}"));
    if let Some(token @ Detail::Token(_)) = detail {
        return match language {
            Language::English => format!("Nothing was sent: {token}."),
            Language::Chinese => format!("回调没有发出：{token}。"),
        };
    }
    match (exchange.outcome, language) {
        (Outcome::Acknowledged, Language::English) => {
            format!("The receiver acknowledged with status {status}: callbacks arrive.")
        }
        (Outcome::Acknowledged, Language::Chinese) => {
            format!("接收方已确认（状态码 {status}）：回调可以送达。")
        }
        (Outcome::NotAcknowledged, Language::English) => format!(
            "The receiver answered with status {status}, but not with what acknowledges: a callback would be sent again."
        ),
        (Outcome::NotAcknowledged, Language::Chinese) => {
            format!("接收方返回状态码 {status}，但应答内容不表示成功：回调会被重发。")
        }
        (Outcome::Refused, Language::English) => {
            format!("The receiver refused with status {status}: a callback would be sent again.")
        }
        (Outcome::Refused, Language::Chinese) => format!("接收方拒绝（状态码 {status}）：回调会被重发。"),
        (Outcome::Unreachable, Language::English) => format!("The receiver cannot be reached{because}."),
        (Outcome::Unreachable, Language::Chinese) => format!("无法连接接收方{because}。"),
        (Outcome::TimedOut, Language::English) => format!("The receiver did not answer in time{because}."),
        (Outcome::TimedOut, Language::Chinese) => format!("接收方应答超时{because}。"),
        (Outcome::Blocked, Language::English) => {
            format!("The address policy does not allow this address{because}.")
        }
        (Outcome::Blocked, Language::Chinese) => format!("地址策略不允许访问该地址{because}。"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::outbound::TokenFault;

    fn exchange(
        outcome: Outcome,
        status: Option<u16>,
        body: &'static str,
        detail: Option<Detail>,
    ) -> Exchange {
        Exchange {
            outcome,
            status,
            address: None,
            started_wall_ms: 0,
            duration_ms: 1,
            body_start: Bytes::from_static(body.as_bytes()),
            retry_after: None,
            detail,
        }
    }

    #[test]
    fn every_outcome_has_a_verdict() {
        for (outcome, status) in [
            (Outcome::Acknowledged, Some(200)),
            (Outcome::NotAcknowledged, Some(200)),
            (Outcome::Refused, Some(302)),
            (Outcome::Unreachable, None),
            (Outcome::TimedOut, None),
            (Outcome::Blocked, None),
        ] {
            let exchange = exchange(outcome, status, "fail", None);
            for (language, end) in [(Language::English, '.'), (Language::Chinese, '。')] {
                let verdict = verdict(&exchange, language);
                assert!(verdict.ends_with(end), "{verdict}");
            }
        }
    }

    #[test]
    fn a_verdict_says_why() {
        for (outcome, detail, expected) in [
            (
                Outcome::Unreachable,
                Detail::ConnectRefused,
                "The receiver cannot be reached: nothing listens at the address: connection refused.",
            ),
            (
                Outcome::Refused,
                Detail::Token(TokenFault::Refused {
                    status: 401,
                    code: Some("invalid_client"),
                }),
                "Nothing was sent: no access token from the token address: it answered with status 401, invalid_client.",
            ),
        ] {
            let exchange = exchange(outcome, None, "", Some(detail));
            assert_eq!(verdict(&exchange, Language::English), expected);
        }
    }
}
