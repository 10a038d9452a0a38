//! The ordinary callback of each kind, the form and time of answers, the wire and the burst.

use ringback_contract::kind::Kind;

use super::super::check::{Check, Group, Need, Weight};
use super::super::judge;
use super::super::maker::Maker;
use super::super::script::{Step, Way};
use super::super::variants;
use super::super::words::Text;

/// The check of a kind's ordinary callback.
const fn kind(id: &'static str, title: Text, script: fn(&mut Maker) -> Vec<Step>) -> Check {
    Check {
        id,
        group: Group::Kinds,
        title,
        risk: Text {
            en: "Nothing of this kind arrives: every callback is sent again until its schedule is over, and then given up.",
            zh: "此类回调全部无法送达：每条都会一直重发，直到次数用尽后放弃。",
        },
        remedy: Text {
            en: "Store the callback and answer status 200 with the body success. If this address is not meant for the kind, leave it out with --kinds, and have the operator send it elsewhere.",
            zh: "先落库，再返回状态码 200 和字符串 success。如果该地址不接收此类回调，请用 --kinds 排除，并让运营方另行配置地址。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(script),
        judge: judge::ordinary,
    }
}

pub(super) static KINDS: &[Check] = &[
    Check {
        id: "reachable",
        group: Group::Kinds,
        title: Text {
            en: "the address can be connected to",
            zh: "地址可以连接",
        },
        risk: Text {
            en: "Nothing arrives. After ten failures in a row sending is paused and tried at most once a minute.",
            zh: "任何回调都无法送达。连续十次失败后会暂停发送，最多每分钟试一次。",
        },
        remedy: Text {
            en: "Start the receiver, and let ringback's address through firewalls and white lists. With https the certificate must be complete, current and for this name.",
            zh: "请启动接收方，并在防火墙和白名单中放行 ringback 的地址。使用 https 时证书须完整、有效且与域名一致。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: None,
        judge: judge::reachable,
    },
    kind(
        "call",
        Text {
            en: "an ordinary call result",
            zh: "普通的通话记录回调",
        },
        ordinary_call,
    ),
    kind(
        "correction",
        Text {
            en: "a correction of the intent level of a known call",
            zh: "对已知通话的客户意向等级修改",
        },
        |maker| ordinary(maker, Kind::Correction),
    ),
    kind(
        "inbound",
        Text {
            en: "an ordinary inbound call result",
            zh: "普通的呼入通话记录回调",
        },
        |maker| ordinary(maker, Kind::Inbound),
    ),
    kind(
        "job",
        Text {
            en: "a completed job",
            zh: "任务完成回调",
        },
        |maker| ordinary(maker, Kind::Job),
    ),
];

fn ordinary_call(maker: &mut Maker) -> Vec<Step> {
    if !maker.takes(Kind::Call) {
        return Vec::new();
    }
    let draft = maker.draft(Kind::Call);
    maker.remember_call(draft.entity_id);
    vec![Step::One(maker.send(&draft))]
}

fn ordinary(maker: &mut Maker, kind: Kind) -> Vec<Step> {
    if !maker.takes(kind) {
        return Vec::new();
    }
    let draft = maker.draft(kind);
    vec![Step::One(maker.send(&draft))]
}

pub(super) static ANSWERS: &[Check] = &[
    Check {
        id: "answer-encoding",
        group: Group::Answers,
        title: Text {
            en: "the answer is not compressed",
            zh: "应答未压缩",
        },
        risk: Text {
            en: "A compressed success is not read as success: every callback is sent again and in the end given up.",
            zh: "压缩后的 success 不会被识别为 success：每条回调都会重发，最终放弃。",
        },
        remedy: Text {
            en: "Switch compression off for this path, in the application and in the proxy before it: the request says Accept-Encoding: identity.",
            zh: "请在应用和前置代理中对该路径关闭压缩：请求头已声明 Accept-Encoding: identity。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: None,
        judge: judge::uncompressed,
    },
    Check {
        id: "answer-time",
        group: Group::Answers,
        title: Text {
            en: "the answer comes in time",
            zh: "及时应答",
        },
        risk: Text {
            en: "An answer after the time-out (15 s unless the operator changed it) is never read: the callback was processed and is sent again all the same. Slow answers also keep others waiting.",
            zh: "超时（默认 15 秒）之后的应答不会被读取：回调已处理却仍会重发。应答慢还会拖住后面的回调。",
        },
        remedy: Text {
            en: "Store the callback, answer, and do everything else afterwards: in a queue, a thread or a job.",
            zh: "先落库并立即应答，其余处理放到队列、线程或定时任务中异步完成。",
        },
        weight: Weight::Warning,
        need: Need::Nothing,
        after: &[],
        script: None,
        judge: judge::in_time,
    },
    Check {
        id: "answer-form",
        group: Group::Answers,
        title: Text {
            en: "success is answered bare",
            zh: "应答为纯 success",
        },
        risk: Text {
            en: "It counts here, since a byte order mark, white space, quotes and letter case around success are taken off. Another sender, or a check in between, may compare the seven bytes and send again.",
            zh: "此处能够识别（会去掉 BOM、空白、引号并忽略大小写）。但其他发送方或中间环节可能严格比较这 7 个字节，从而重发。",
        },
        remedy: Text {
            en: "Answer exactly the seven bytes success as text/plain: no BOM, no line end, and not through a JSON serializer.",
            zh: "请以 text/plain 返回恰好 7 个字节的 success：不带 BOM、不带换行，也不要经过 JSON 序列化。",
        },
        weight: Weight::Warning,
        need: Need::BodyMatters,
        after: &[],
        script: None,
        judge: judge::plain_form,
    },
    Check {
        id: "keep-alive",
        group: Group::Answers,
        title: Text {
            en: "connections can be used again",
            zh: "连接可复用",
        },
        risk: Text {
            en: "Every callback needs a connection of its own, with TLS a handshake too: slower under load, and ports run out earlier.",
            zh: "每条回调都要新建连接（HTTPS 还要握手）：高峰期更慢，也更容易耗尽端口。",
        },
        remedy: Text {
            en: "Answer as HTTP/1.1 with a content-length and without Connection: close, and keep idle connections for at least 5 s.",
            zh: "请使用 HTTP/1.1 应答，带 content-length，不要返回 Connection: close，空闲连接至少保持 5 秒。",
        },
        weight: Weight::Warning,
        need: Need::Nothing,
        after: &[],
        script: None,
        judge: judge::kept_alive,
    },
    Check {
        id: "stored",
        group: Group::Answers,
        title: Text {
            en: "what was acknowledged is in the journal",
            zh: "已确认的回调都在处理记录中",
        },
        risk: Text {
            en: "What was acknowledged is not sent again. If it is not stored by then it is lost.",
            zh: "已确认的回调不会再发送；如果此时尚未落库，就永久丢失了。",
        },
        remedy: Text {
            en: "Commit the callback to disk before answering success, and answer a 5xx where that fails.",
            zh: "请在返回 success 之前提交落库；落库失败时返回 5xx。",
        },
        weight: Weight::Finding,
        need: Need::Journal,
        after: &[],
        script: None,
        judge: judge::stored,
    },
];

pub(super) static LOAD: &[Check] = &[
    Check {
        id: "slow-request",
        group: Group::Load,
        title: Text {
            en: "the body arrives slowly, in pieces",
            zh: "请求体分片缓慢到达",
        },
        risk: Text {
            en: "Over a slow line a body comes in several packets. Who reads only the first one sees broken JSON, and refuses callbacks by chance.",
            zh: "网络慢时请求体会分多个数据包到达。只读第一个包就会得到残缺的 JSON，偶发地拒绝回调。",
        },
        remedy: Text {
            en: "Read the body until content-length bytes are there, and give it at least as long as the sender's time-out.",
            zh: "请按 content-length 读满请求体，读取超时不短于发送方的超时。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(slow_request),
        judge: judge::expected,
    },
    Check {
        id: "burst",
        group: Group::Load,
        title: Text {
            en: "many callbacks at once",
            zh: "大量并发回调",
        },
        risk: Text {
            en: "When a job runs, calls end by the thousand. What is refused is sent again later and adds to the load; ten refusals in a row pause all sending to you.",
            zh: "任务运行时会有成千上万通电话同时结束。被拒绝的回调之后还会重发，负载更重；连续十次失败会暂停对您的发送。",
        },
        remedy: Text {
            en: "Keep the request short: one insert, then the answer. Give the connection pool room for 32 requests at once, or have the operator set maxInFlight or a rate limit.",
            zh: "请求内只做一次插入就应答。连接池至少支持 32 个并发请求，或请运营方设置 maxInFlight 或限速。",
        },
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(|maker| {
            if maker.kinds().is_empty() {
                Vec::new()
            } else {
                vec![Step::Burst]
            }
        }),
        judge: judge::burst,
    },
];

fn slow_request(maker: &mut Maker) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| Some(maker.draft(kind)));
    variants::together(sends.into_iter().map(|send| send.way(Way::Slowly)).collect())
}
