//! Who sent it: what must be refused, and what must not.

use ringback_contract::kind::Kind;

use super::super::check::{Check, Group, Need, Weight};
use super::super::judge;
use super::super::maker::Maker;
use super::super::script::{Send, Signing, Step};
use super::super::words::Text;

/// Older than any receiver should tolerate.
const OLD_S: i64 = -3_600;

const fn check(
    id: &'static str,
    after: &'static [&'static str],
    title: Text,
    risk: Text,
    remedy: Text,
    script: fn(&mut Maker) -> Vec<Step>,
) -> Check {
    Check {
        id,
        group: Group::Signature,
        title,
        risk,
        remedy,
        weight: Weight::Finding,
        need: Need::Secret,
        after,
        script: Some(script),
        judge: judge::expected,
    }
}

const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

pub(super) static CHECKS: &[Check] = &[
    check(
        "signature-wrong",
        &[],
        text(
            "signed with another secret, or over another body: refused",
            "用其他密钥签名或内容被篡改：应拒绝",
        ),
        text(
            "Whoever knows the address can put calls, levels and jobs into your system.",
            "任何知道地址的人都可以向您的系统写入通话、等级和任务。",
        ),
        text(
            "Compute the HMAC-SHA256 over webhook-id, webhook-timestamp and the raw body, compare in constant time, and answer 401 where no signature fits.",
            "对 webhook-id、webhook-timestamp 和原始请求体计算 HMAC-SHA256，用固定时间比较；无一匹配则返回 401。",
        ),
        |maker| {
            let mut steps = forged(maker, |send| {
                send.signing(Signing::WrongSecret)
                    .called("signed with another secret", "用其他密钥签名")
            });
            steps.extend(forged(maker, |send| {
                send.signing(Signing::OtherBody)
                    .called("signed over another body", "签名与内容不符")
            }));
            steps
        },
    ),
    check(
        "signature-missing",
        &["signature-wrong"],
        text("without a signature: refused", "没有签名：应拒绝"),
        text(
            "Leaving the header out is the simplest forgery of all.",
            "去掉签名头是最简单的伪造方式。",
        ),
        text(
            "Refuse a request without webhook-signature as one with a wrong one.",
            "缺少 webhook-signature 的请求应与签名错误一样拒绝。",
        ),
        |maker| {
            forged(maker, |send| {
                send.signing(Signing::Missing)
                    .called("without webhook-signature", "没有 webhook-signature")
            })
        },
    ),
    check(
        "replayed-request",
        &["signature-wrong"],
        text(
            "rightly signed an hour ago: refused",
            "一小时前的有效签名：应拒绝",
        ),
        text(
            "A request that somebody recorded can be sent to you again for ever.",
            "被截获的请求可以被无限次重放。",
        ),
        text(
            "Refuse a webhook-timestamp that is more than 5 minutes off. Real re-sends are signed anew.",
            "拒绝与当前时间相差超过 5 分钟的 webhook-timestamp。真正的重发会重新签名。",
        ),
        |maker| {
            forged(maker, |send| {
                send.skew_s(OLD_S).called("signed an hour ago", "一小时前签名")
            })
        },
    ),
    Check {
        weight: Weight::Warning,
        ..check(
            "future-request",
            &["signature-wrong"],
            text(
                "rightly signed for an hour ahead: refused",
                "一小时后的有效签名：应拒绝",
            ),
            text(
                "A request with a time in the future could be replayed until then.",
                "带有未来时间的请求在那之前都可以重放。",
            ),
            text(
                "Compare the difference of the two clocks in both directions.",
                "时间差应双向比较。",
            ),
            |maker| {
                forged(maker, |send| {
                    send.skew_s(-OLD_S)
                        .called("signed for an hour ahead", "签名时间在一小时后")
                })
            },
        )
    },
    check(
        "rotated-secret",
        &[],
        text(
            "two signatures, yours second: taken",
            "两个签名，您的在第二个：应接受",
        ),
        text(
            "While the operator rotates the secret each callback is signed with both. Who looks at the first signature only refuses everything for that time.",
            "轮换密钥期间，每条回调同时带有新旧两个签名。只看第一个签名，会在此期间拒绝所有回调。",
        ),
        text(
            "Split webhook-signature at spaces; one signature that fits is enough.",
            "按空格拆分 webhook-signature，任意一个匹配即可。",
        ),
        |maker| signed(maker, Signing::Rotated),
    ),
    check(
        "signature-version",
        &[],
        text(
            "a signature of another version first: taken",
            "前面有其他版本的签名：应接受",
        ),
        text(
            "Standard Webhooks has other versions, such as v1a. When one is sent beside v1, who does not skip it refuses everything.",
            "Standard Webhooks 还有 v1a 等版本。与 v1 并存时，不会跳过的接收方会拒绝所有回调。",
        ),
        text(
            "Skip signatures that do not begin with v1, and try the others.",
            "跳过不以 v1, 开头的签名，继续检查其余。",
        ),
        |maker| signed(maker, Signing::OtherVersionFirst),
    ),
    check(
        "raw-body",
        &[],
        text(
            "a body that a JSON library would write otherwise: taken",
            "JSON 库会写成另一种形式的请求体：应接受",
        ),
        text(
            "The signature covers the bytes as they came. Who parses and writes them again before the check refuses callbacks with escapes or large numbers, and only those.",
            "签名覆盖的是原始字节。先解析再序列化后验签，会拒绝（且仅拒绝）含转义或大数的回调。",
        ),
        text(
            "Keep the raw body and check over that (Express: the verify option; Spring: a byte[] parameter).",
            "保留原始请求体并据此验签（Express 用 verify 选项，Spring 用 byte[] 参数）。",
        ),
        raw_body,
    ),
    Check {
        need: Need::NoKeys,
        weight: Weight::Warning,
        // It says what the ordinary callbacks showed.
        script: None,
        judge: judge::unverified,
        ..check(
            "unverified",
            &[],
            text("who sent it is checked at all", "是否验证来源"),
            text(
                "Whoever knows the address can put calls, levels and jobs into your system.",
                "任何知道地址的人都可以向您的系统写入通话、等级和任务。",
            ),
            text(
                "Check webhook-signature with the secret that the operator gives you, and run this again with --secret.",
                "用运营方提供的密钥验证 webhook-signature，然后加 --secret 重新运行。",
            ),
            |_| Vec::new(),
        )
    },
    Check {
        need: Need::AppAlone,
        ..check(
            "sign-wrong",
            &[],
            text("a sign that does not fit: refused", "sign 不匹配：应拒绝"),
            text(
                "Whoever knows the address can put calls into your system.",
                "任何知道地址的人都可以向您的系统写入通话。",
            ),
            text(
                "Compare sign with Base64(HMAC-SHA1(appSecret, appKey + \"\\n\" + dateTime)); better, check webhook-signature, which covers the body too.",
                "将 sign 与 Base64(HMAC-SHA1(appSecret, appKey + \"\\n\" + dateTime)) 比较；更好的做法是验证覆盖请求体的 webhook-signature。",
            ),
            sign_wrong,
        )
    },
];

/// One forged callback: of the first kind that the receiver takes.
fn forged(maker: &mut Maker, forge: fn(Send) -> Send) -> Vec<Step> {
    let first = maker.kinds().first().copied();
    let send = first.map(|kind| {
        let draft = maker.draft(kind);
        maker.send(&draft)
    });
    let forged = send.map(|send| Step::One(forge(send.forged())));
    forged.into_iter().collect()
}

/// A callback of each kind that is signed unusually and rightly.
fn signed(maker: &mut Maker, signing: Signing) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| Some(maker.draft(kind)));
    sends
        .into_iter()
        .map(|send| Step::One(send.signing(signing)))
        .collect()
}

fn raw_body(maker: &mut Maker) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| {
        let draft = maker.draft(kind);
        match kind {
            Kind::Call | Kind::Inbound => Some(
                draft
                    .set("sceneInstance.customerName", "张三/李四")
                    .set("sceneInstance.customerId", (1 << 53) + 1)
                    .written("张三/李四", r"\u5f20\u4E09\/李四"),
            ),
            Kind::Job => Some(
                draft
                    .set("remark", "张三/李四")
                    .written("张三/李四", r"\u5f20\u4E09\/李四"),
            ),
            Kind::Correction => None,
        }
    });
    sends.into_iter().map(Step::One).collect()
}

fn sign_wrong(maker: &mut Maker) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| kind.is_stamped().then(|| maker.draft(kind)));
    sends
        .into_iter()
        .filter_map(|send| {
            let wrong = with_other_sign(&send.body)?;
            Some(Step::One(Send { body: wrong, ..send }.forged()))
        })
        .collect()
}

/// The same body with another `sign`.
fn with_other_sign(body: &bytes::Bytes) -> Option<bytes::Bytes> {
    const BEFORE: &str = "\"sign\":\"";
    let text = std::str::from_utf8(body).ok()?;
    let at = text.find(BEFORE)? + BEFORE.len();
    let (before, after) = text.split_at(at);
    let mut after = after.to_owned();
    let first = if after.starts_with('A') { "B" } else { "A" };
    after.replace_range(..1, first);
    Some(format!("{before}{after}").into())
}
