//! What can be in a callback: each check changes the ordinary one in one respect.

use ringback_contract::date_time::DateTimeForm;

use super::super::check::{Check, Group, Need, Weight};
use super::super::judge;
use super::super::maker::Maker;
use super::super::script::Step;
use super::super::variants;
use super::super::words::Text;
use crate::shape::Shape;

/// A check that sends changed callbacks, all of which must be acknowledged.
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
        group: Group::Content,
        title,
        risk,
        remedy,
        weight: Weight::Finding,
        need: Need::Nothing,
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
        "unanswered",
        &[],
        text(
            "calls that nobody picked up, in every way a call can end",
            "未接通的通话：所有 finishStatus",
        ),
        text(
            "Who answers fail to calls that nobody picked up gets each of them eleven times: most of all traffic, and nothing gained.",
            "对未接通的通话返回 fail，每条都会收到 11 次：占去大部分流量，却毫无意义。",
        ),
        text(
            "Answer success to every call that you have stored or do not need; finishStatus says how it ended.",
            "只要已保存或不需要该通话，都返回 success；finishStatus 说明通话如何结束。",
        ),
        variants::unanswered,
    ),
    check(
        "job-statuses",
        &[],
        text("a job in every status", "任务的所有状态"),
        text(
            "The operator can have any job status sent. One that is refused is sent again until it is given up, and holds up the later ones of the job.",
            "运营方可以开通任意任务状态。被拒绝的状态会一直重发直到放弃，并阻塞该任务后续的状态。",
        ),
        text(
            "Answer success to statuses that you do not need as well.",
            "不需要的状态也请返回 success。",
        ),
        variants::job_statuses,
    ),
    check(
        "intent-levels",
        &[],
        text(
            "corrections to every level A to F, and to a long one",
            "修改为 A 至 F 及较长的等级",
        ),
        text(
            "A correction that is refused is lost for the CRM, and holds up everything later of its call.",
            "被拒绝的修改不会进入 CRM，并阻塞同一通话的后续事件。",
        ),
        text(
            "Keep resultValue as text: B in corrections, longer forms such as C级(很少) in calls.",
            "请将 resultValue 按文本保存：修改中为 B，通话中可能是“C级(很少)”等更长的形式。",
        ),
        variants::intent_levels,
    ),
    check(
        "unknown-numbers",
        &["unanswered", "job-statuses", "intent-levels"],
        text("numbers and levels that no table has", "枚举表中没有的数值和等级"),
        text(
            "The platform adds statuses (22 and 10 came later). On that day an enum that refuses them stops every such callback.",
            "平台会新增状态（22 和 10 就是后来加的）。届时严格的枚举会让这类回调全部失败。",
        ),
        text(
            "Store the number as it is and give it a name only where you know one.",
            "按原值保存数字，只在认识时才转换成名称。",
        ),
        |maker| variants::shaped(maker, &[Shape::UnknownNumbers]),
    ),
    check(
        "unknown-fields",
        &[],
        text(
            "fields that no table has, at every level",
            "各层出现文档中没有的字段",
        ),
        text(
            "The platform adds fields at any time. A strict parser then refuses every callback.",
            "平台随时会新增字段。严格的解析器届时会拒绝所有回调。",
        ),
        text(
            "Let the parser ignore what it does not know (Jackson: FAIL_ON_UNKNOWN_PROPERTIES off).",
            "让解析器忽略未知字段（Jackson 请关闭 FAIL_ON_UNKNOWN_PROPERTIES）。",
        ),
        |maker| variants::shaped(maker, &[Shape::UnknownFields]),
    ),
    Check {
        need: Need::V1,
        ..check(
            "nulls",
            &[],
            text("null wherever it may be", "凡可为 null 之处均为 null"),
            text(
                "Real calls have nulls where samples have values, labels and logs among them. A receiver that fails on them answers 500 now and then, and nobody knows why.",
                "真实通话中许多字段会是 null，包括标签和对话记录。处理不了 null 的接收方会偶发 500，且难以排查。",
            ),
            text(
                "Rely only on the ids and on a job's status; take everything else as optional.",
                "只依赖各 id 和任务状态，其余字段都视为可空。",
            ),
            |maker| variants::shaped(maker, &[Shape::Nulls, Shape::NullEntries]),
        )
    },
    check(
        "absent",
        &["nulls"],
        text("fields absent wherever they may be", "凡可缺省之处均缺省"),
        text(
            "A field can be missing instead of null. The callback is refused again and again.",
            "字段可能是缺失而不是 null，这样的回调会被反复拒绝。",
        ),
        text("Treat an absent field as null.", "将缺失的字段视同 null。"),
        |maker| variants::shaped(maker, &[Shape::Absent]),
    ),
    check(
        "large-ids",
        &[],
        text(
            "ids beyond 32 bits, and beyond 2^53",
            "超过 32 位及超过 2^53 的 id",
        ),
        text(
            "Ids beyond 2147483647 overflow an int, and real ones are there already; beyond 2^53 JavaScript rounds them, and two calls become one.",
            "超过 2147483647 的 id 会使 int 溢出（线上已出现）；超过 2^53 时 JavaScript 会取整，两通电话变成同一通。",
        ),
        text(
            "long and BIGINT for every id; in JavaScript read them as text or BigInt.",
            "所有 id 使用 long 和 BIGINT；JavaScript 中按字符串或 BigInt 读取。",
        ),
        variants::large_ids,
    ),
    check(
        "text",
        &[],
        text(
            "emoji, rare characters, quotes, line ends",
            "表情、生僻字、引号、换行",
        ),
        text(
            "Recognised speech and names hold any character. A three-byte utf8 column fails on them, and so does SQL put together from text.",
            "语音识别文本和姓名可能含任意字符。三字节 utf8 列会写入失败，拼接 SQL 也会出错。",
        ),
        text(
            "utf8mb4 in MySQL, parameters in every statement, UTF-8 when reading the body.",
            "MySQL 使用 utf8mb4，SQL 一律使用参数，请求体按 UTF-8 读取。",
        ),
        |maker| variants::shaped(maker, &[Shape::Text]),
    ),
    Check {
        need: Need::V1,
        ..check(
            "date-form",
            &[],
            text("dateTime in the platform's older form", "dateTime 为平台旧格式"),
            text(
                "dateTime comes as Thu, 24 Jan 2019 07:28:09 GMT or as Thu Oct 16 07:13:48 GMT 2014, as the company has it. Who parses only one refuses calls after a change of the setting.",
                "dateTime 可能是“Thu, 24 Jan 2019 07:28:09 GMT”或“Thu Oct 16 07:13:48 GMT 2014”，取决于企业设置。只支持一种，设置变更后就会拒绝通话。",
            ),
            text(
                "Use dateTime as text for sign only; take times from startTime and endTime.",
                "dateTime 只作为计算 sign 的文本使用，时间请取 startTime 和 endTime。",
            ),
            |maker| {
                variants::all_at_once(maker, |maker, kind| {
                    kind.is_stamped()
                        .then(|| maker.draft(kind).form(DateTimeForm::Seed))
                })
            },
        )
    },
    Check {
        need: Need::V1,
        ..check(
            "member-order",
            &[],
            text("members in another order", "字段顺序不同"),
            text(
                "The order of JSON members means nothing and changes with the platform's versions. Reading by place or by pattern breaks then.",
                "JSON 字段顺序没有意义，会随平台版本变化。按位置或正则读取届时会失效。",
            ),
            text(
                "Read the body with a JSON parser, by name.",
                "用 JSON 解析器按名称读取。",
            ),
            |maker| variants::shaped(maker, &[Shape::MemberOrder]),
        )
    },
    check(
        "long-conversation",
        &[],
        text(
            "a conversation of 300 turns, about 150 KB",
            "300 轮对话，约 150 KB",
        ),
        text(
            "Long calls are refused, commonly by a body limit of 100 KB in the framework, or by a log that is kept in a short column.",
            "长通话被拒绝，常见原因是框架 100 KB 的请求体上限，或对话记录列过短。",
        ),
        text(
            "Raise the body limit to 1 MiB and a little more in the framework (Express: json({limit: '2mb'})) and in the proxy; MEDIUMTEXT for logs.",
            "将框架（Express：json({limit: '2mb'})）和代理的请求体上限提高到 1 MiB 以上；对话记录用 MEDIUMTEXT。",
        ),
        |maker| variants::shaped(maker, &[Shape::Long]),
    ),
    check(
        "largest-body",
        &["long-conversation"],
        text(
            "a body of 1 MiB, the largest that comes",
            "1 MiB 的请求体（上限）",
        ),
        text(
            "The longest calls of all are refused, often by the proxy with 413, and never arrive.",
            "最长的通话被拒绝（常见为代理返回 413），永远无法送达。",
        ),
        text(
            "Allow bodies of 1 MiB and a little more everywhere on the way (nginx: client_max_body_size 2m).",
            "链路各处都放行 1 MiB 以上的请求体（nginx：client_max_body_size 2m）。",
        ),
        |maker| variants::shaped(maker, &[Shape::Longest]),
    ),
];
