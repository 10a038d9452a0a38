//! The forms in which the chat robots and the generic webhook take a message, by their vendors' documentation, and what
//! their answers mean.
//!
//! - DingTalk: `{"msgtype":"text",…}`; with a secret the query has `timestamp` (milliseconds) and `sign`, the Base64 of
//!   HMAC-SHA256 with the secret over `timestamp`, a line break and the secret. `errcode` 0 is success.
//! - Feishu: `{"msg_type":"text",…}`; with a secret the body has `timestamp` (seconds) and `sign`, the Base64 of HMAC-SHA256
//!   over nothing, with `timestamp`, a line break and the secret as its key. `code` 0 is success.
//! - WeCom: `{"msgtype":"text",…}`. `errcode` 0 is success.
//! - Slack: `{"text":…}`, in which `&`, `<` and `>` are escaped. The status decides.
//! - Webhook: `{"type":"ringback.alerts","timestamp":…,"data":…}` with the headers of the Standard Webhooks. The status
//!   decides.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::settings::{Destination, Hidden};
use super::text::Words;
use super::view::AlertView;
use super::{Content, Said};
use crate::api::Time;

/// What is posted, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) url: String,
    pub(crate) body: String,
}

/// The vendor's form of a message at this moment of the wall clock; `None` for mail.
pub(crate) fn post(
    destination: &Destination,
    content: &Content,
    words: &Words,
    wall_ms: i64,
) -> Option<Post> {
    let text = content.text(words, destination.text_bytes());
    let plain = |url: &Hidden, body: &Value| Post {
        url: url.expose().to_owned(),
        body: body.to_string(),
    };
    Some(match destination {
        Destination::Webhook { url, .. } => plain(url, &webhook(content, words, &text, wall_ms)),
        Destination::DingTalk { url, secret } => {
            let body = json!({ "msgtype": "text", "text": { "content": text } });
            let url = match secret {
                Some(secret) => dingtalk_url(url.expose(), secret.expose(), wall_ms),
                None => url.expose().to_owned(),
            };
            Post {
                url,
                body: body.to_string(),
            }
        }
        Destination::Feishu { url, secret } => {
            let mut body = json!({ "msg_type": "text", "content": { "text": text } });
            if let Some(secret) = secret {
                let timestamp = wall_ms.div_euclid(1_000).to_string();
                body["sign"] = feishu_sign(secret.expose(), &timestamp).into();
                body["timestamp"] = timestamp.into();
            }
            plain(url, &body)
        }
        Destination::WeCom { url } => plain(url, &json!({ "msgtype": "text", "text": { "content": text } })),
        Destination::Slack { url } => plain(url, &json!({ "text": slack_text(&text) })),
        Destination::Email(_) => return None,
    })
}

/// What keeps an answer with a 2xx status from being a success: the robots answer 200 and say in the body that they
/// refuse.
pub(crate) fn refusal(destination: &Destination, body: &[u8]) -> Option<String> {
    let (code, message) = match destination {
        Destination::DingTalk { .. } | Destination::WeCom { .. } => ("errcode", "errmsg"),
        Destination::Feishu { .. } => ("code", "msg"),
        Destination::Webhook { .. } | Destination::Slack { .. } | Destination::Email(_) => return None,
    };
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Some("the answer is no JSON: it is not the robot's".to_owned());
    };
    // Feishu answers a success of the older form with StatusCode beside code.
    let found = answer.get(code).or_else(|| answer.get("StatusCode"));
    match found.and_then(Value::as_i64) {
        Some(0) => None,
        Some(found) => {
            let words: String = answer[message]
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect();
            Some(format!("the robot answered {code} {found}: {words}"))
        }
        None => Some(format!("the answer has no {code}: it is not the robot's")),
    }
}

fn webhook(content: &Content, words: &Words, text: &str, wall_ms: i64) -> Value {
    let alert = |said: &Said| {
        let view = serde_json::to_value(AlertView::of(&said.notice.alert, words)).unwrap_or_default();
        let mut view = view;
        view["occasion"] = said.notice.occasion.name().into();
        view["pending"] = said.pending.into();
        view
    };
    let (kind, alerts) = match content {
        Content::Alerts(said) => ("ringback.alerts", said.iter().map(alert).collect()),
        Content::Test(_, sample) => ("ringback.test", vec![alert(sample)]),
    };
    json!({
        "type": kind,
        "timestamp": Time(wall_ms).to_string(),
        "data": { "alerts": alerts, "text": text },
    })
}

fn dingtalk_url(url: &str, secret: &str, wall_ms: i64) -> String {
    let sign = hmac_sha256(secret.as_bytes(), format!("{wall_ms}\n{secret}").as_bytes());
    // The URL was read when it was taken in.
    let Ok(mut signed) = Url::parse(url) else {
        return url.to_owned();
    };
    signed
        .query_pairs_mut()
        .append_pair("timestamp", &wall_ms.to_string())
        .append_pair("sign", &sign);
    signed.into()
}

fn feishu_sign(secret: &str, timestamp: &str) -> String {
    hmac_sha256(format!("{timestamp}\n{secret}").as_bytes(), b"")
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Slack reads `&`, `<` and `>` as its own marks.
fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
