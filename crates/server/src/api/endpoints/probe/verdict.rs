//! What a test's outcome means, and what to do about it, in English or Chinese.

use ringback_contract::ack::AckRule;
use ringback_core::delivery::Outcome;

use super::super::super::language::Language;
use crate::outbound::Exchange;

/// One sentence: would a callback arrive?
pub(super) fn verdict(exchange: &Exchange, language: Language) -> String {
    let status = exchange
        .status
        .map_or_else(|| "?".to_owned(), |status| status.to_string());
    let detail = exchange.detail.as_ref();
    // What the client explains, it explains in English.
    let because = detail.map_or_else(String::new, |detail| format!(": {detail}"));
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

/// What to do, where a callback would not arrive. An answer that does not acknowledge is judged by the ack rule itself.
pub(super) fn hint(exchange: &Exchange, ack_rule: AckRule, language: Language) -> Option<String> {
    let judged = exchange
        .status
        .and_then(|status| ack_rule.judge(status, Some(&exchange.body_start)).err());
    let texts = match (exchange.outcome, exchange.status) {
        (Outcome::Acknowledged, _) => return None,
        (Outcome::Refused, Some(401 | 403)) => (
            "Add the header that the receiver asks for to the endpoint's headers.",
            "请在该地址的 headers 中添加接收方要求的请求头。",
        ),
        (Outcome::Refused, Some(404 | 405)) => (
            "Check the path of the URL, and that the receiver takes POST there.",
            "请检查 URL 路径，并确认接收方在该路径接受 POST。",
        ),
        (Outcome::NotAcknowledged | Outcome::Refused, _) => {
            return judged.map(|failure| match language {
                Language::English => failure.en(),
                Language::Chinese => failure.zh(),
            });
        }
        (Outcome::Unreachable, _) => (
            "Check host and port of the URL, and that a firewall lets this machine through.",
            "请检查 URL 的主机和端口，并确认防火墙允许本机访问。",
        ),
        (Outcome::TimedOut, _) => (
            "Let the receiver answer first and work then, or raise the endpoint's timeout.",
            "请让接收方先应答再处理，或调大该地址的 timeout。",
        ),
        (Outcome::Blocked, _) => (
            "If the address is meant, add its range to RINGBACK_OUTBOUND_ALLOW (outbound_allow in the file).",
            "如确需访问该地址，请将其网段加入 RINGBACK_OUTBOUND_ALLOW（配置文件中为 outbound_allow）。",
        ),
    };
    let (english, chinese) = texts;
    Some(match language {
        Language::English => english.to_owned(),
        Language::Chinese => chinese.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::outbound::Detail;

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
    fn every_failure_has_a_verdict_and_a_hint() {
        for (outcome, status) in [
            (Outcome::Acknowledged, Some(200)),
            (Outcome::NotAcknowledged, Some(200)),
            (Outcome::Refused, Some(302)),
            (Outcome::Refused, Some(401)),
            (Outcome::Refused, Some(404)),
            (Outcome::Refused, Some(415)),
            (Outcome::Refused, Some(500)),
            (Outcome::Unreachable, None),
            (Outcome::TimedOut, None),
            (Outcome::Blocked, None),
        ] {
            let exchange = exchange(outcome, status, "fail", None);
            for (language, end) in [(Language::English, '.'), (Language::Chinese, '。')] {
                let verdict = verdict(&exchange, language);
                assert!(verdict.ends_with(end), "{verdict}");
                let hint = hint(&exchange, AckRule::Success, language);
                assert_eq!(hint.is_none(), outcome == Outcome::Acknowledged);
                assert!(
                    hint.is_none_or(|hint| hint.ends_with(end)),
                    "{outcome:?} {status:?}"
                );
            }
        }
    }

    #[test]
    fn a_verdict_says_why() {
        let unreachable = exchange(Outcome::Unreachable, None, "", Some(Detail::ConnectRefused));
        assert_eq!(
            verdict(&unreachable, Language::English),
            "The receiver cannot be reached: nothing listens at the address: connection refused."
        );
    }

    /// The contract's own words for an answer that does not acknowledge.
    #[test]
    fn an_answer_is_judged_by_the_ack_rule() {
        for (body, rule, expected) in [
            ("fail", AckRule::Success, "fail"),
            ("", AckRule::Success, "empty"),
            ("{\"success\":true}", AckRule::Success, "resultMsg"),
        ] {
            let exchange = exchange(Outcome::NotAcknowledged, Some(200), body, None);
            let hint = hint(&exchange, rule, Language::English).unwrap();
            assert!(hint.contains(expected), "{hint}");
        }
    }
}
