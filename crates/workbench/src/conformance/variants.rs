//! The changed callbacks of the checks of content.

use ringback_contract::enums::{self, Enumeration, Source, Value};
use ringback_contract::kind::Kind;
use ringback_core::endpoint::Profile;
use ringback_core::limits::EVENT_BYTES;

use super::maker::{Draft, Maker, place};
use super::script::{Send, Step};
use crate::tree::Tree;

/// How long a long call's body is, about.
pub(crate) const LONG_BYTES: usize = 150 * 1024;
/// How long the largest body is, about: a turn of the conversation short of the limit.
pub(crate) const LARGEST_BYTES: usize = EVENT_BYTES - 1024;

/// Ids beyond 32 bits, and beyond what a double holds exactly.
const LARGE: [(i64, &str, &str); 2] = [
    (1 << 33, "beyond 32 bits", "超过 32 位"),
    ((1 << 53) + 1, "beyond 2^53", "超过 2^53"),
];

/// A name with what systems stumble over: characters outside the basic plane, quotes, what SQL and HTML take for their own.
const ODD_NAME: &str = "𠮷野😀 O'Brien \"<b>\" \\ %s; DROP--";
/// The same for what was said, with line ends and separators that JavaScript once took for line ends.
const ODD_TEXT: &str = "好的👍🏽\r\n第二行\t“引号” 'x' \\u0000 \u{2028}\u{200d}尾";

/// Changed callbacks of each kind, all under way at the same time.
pub(crate) fn all_at_once(
    maker: &mut Maker,
    make: impl FnMut(&mut Maker, Kind) -> Option<Draft>,
) -> Vec<Step> {
    together(maker.of_each(make))
}

/// All of them at the same time; no step where there are none.
pub(crate) fn together(sends: Vec<Send>) -> Vec<Step> {
    if sends.is_empty() {
        Vec::new()
    } else {
        vec![Step::Together(sends)]
    }
}

/// Those of the kinds that the receiver takes.
fn taken(maker: &Maker, kinds: &[Kind]) -> Vec<Kind> {
    let kinds = kinds.iter().copied();
    kinds.filter(|kind| maker.takes(*kind)).collect()
}

/// The numbers of an enumeration that come in this shape, with their names.
fn numbers(of: &Enumeration, profile: Profile) -> Vec<(i64, &'static str, &'static str)> {
    let comes = |source| profile == Profile::V2 || source != Source::V2;
    let known = of.entries.iter().filter(|entry| comes(entry.source));
    known
        .filter_map(|entry| match entry.value {
            Value::Number(number) => Some((number, entry.name.en, entry.name.zh)),
            Value::Text(_) => None,
        })
        .collect()
}

pub(crate) fn unanswered(maker: &mut Maker) -> Vec<Step> {
    let mut sends = Vec::new();
    for kind in taken(maker, &[Kind::Call, Kind::Inbound]) {
        for (status, en, zh) in numbers(&enums::FINISH_STATUS, maker.profile()) {
            if status == 0 {
                continue;
            }
            let draft = maker
                .draft(kind)
                .set("sceneInstance.finishStatus", status)
                .set("sceneInstance.duration", 0)
                .set("sceneInstance.chatRound", 0)
                .set("taskResult", Tree::List(Vec::new()))
                .set("phoneLog.phoneLogs", Tree::List(Vec::new()));
            let send = maker.send(&draft);
            let (kind_en, kind_zh) = (send.what.en.clone(), send.what.zh.clone());
            sends.push(send.called(
                format!("{kind_en}, finishStatus {status} ({en})"),
                format!("{kind_zh}，finishStatus {status}（{zh}）"),
            ));
        }
    }
    together(sends)
}

pub(crate) fn job_statuses(maker: &mut Maker) -> Vec<Step> {
    let mut sends = Vec::new();
    for kind in taken(maker, &[Kind::Job]) {
        for (status, en, zh) in numbers(&enums::JOB_STATUS, maker.profile()) {
            let draft = maker.draft(kind).set("status", status);
            let send = maker.send(&draft);
            sends.push(send.called(
                format!("job status {status} ({en})"),
                format!("任务状态 {status}（{zh}）"),
            ));
        }
    }
    together(sends)
}

pub(crate) fn intent_levels(maker: &mut Maker) -> Vec<Step> {
    let mut steps = Vec::new();
    for kind in taken(maker, &[Kind::Correction]) {
        for level in ["A", "B", "C", "D", "E", "F", "C级(很少)"] {
            let draft = maker.draft(kind).set("taskResult[0].resultValue", level);
            let send = maker.send(&draft);
            // In order, since they are all of one call.
            steps.push(Step::One(
                send.called(format!("a correction to {level}"), format!("修改为 {level}")),
            ));
        }
    }
    steps
}

pub(crate) fn unknown_numbers(maker: &mut Maker) -> Vec<Step> {
    all_at_once(maker, |maker, kind| {
        let draft = maker.draft(kind);
        Some(match kind {
            Kind::Call | Kind::Inbound => draft
                .set("sceneInstance.status", 8)
                .set("sceneInstance.finishStatus", 99)
                .set("sceneInstance.hangUp", 7)
                .set("sceneInstance.callType", 9)
                .set("taskResult[0].resultValueAlias", "Z")
                .set("taskResult[0].resultValue", "Z级(新)")
                .set("phoneLog.phoneLogs[0].speaker", "AGENT")
                .set("phoneLog.phoneLogs[1].answerStatus", 9),
            Kind::Correction => draft.set("taskResult[0].resultValue", "Z"),
            Kind::Job => draft.set("status", 77).set("jobType", 9).set("callType", 9),
        })
    })
}

pub(crate) fn unknown_fields(maker: &mut Maker) -> Vec<Step> {
    let object = || Tree::Object(vec![("new".into(), Tree::List(vec![1.into(), Tree::Null]))]);
    all_at_once(maker, |maker, kind| {
        let paths: &[&str] = match kind {
            Kind::Call | Kind::Inbound => &[
                "newObject",
                "sceneInstance.newField",
                "taskResult[0].newField",
                "phoneLog.newField",
                "phoneLog.phoneLogs[0].newField",
            ],
            Kind::Job => &["newField"],
            // It has exactly the four fields of its sample.
            Kind::Correction => return None,
        };
        let draft = maker.draft(kind);
        Some(paths.iter().fold(draft, |draft, path| draft.set(path, object())))
    })
}

/// What must be there: it is neither null nor absent.
const fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Call => &["companyId", "callInstanceId"],
        Kind::Inbound => &["companyId", "inboundInstanceId"],
        Kind::Job => &["companyId", "callJobId", "status"],
        Kind::Correction => &[],
    }
}

pub(crate) fn nulls(maker: &mut Maker) -> Vec<Step> {
    let mut sends = maker.of_each(|maker, kind| {
        let mut draft = less(maker.draft(kind), Less::Null)?;
        if kind != Kind::Job {
            // Their own members are null in the first one, and they themselves in the second.
            draft.data = with_empty_entries(draft.data);
        }
        Some(draft)
    });
    sends.extend(maker.of_each(|maker, kind| match kind {
        Kind::Call | Kind::Inbound => less(maker.draft(kind), Less::Null),
        Kind::Correction | Kind::Job => None,
    }));
    together(sends)
}

pub(crate) fn absent(maker: &mut Maker) -> Vec<Step> {
    all_at_once(maker, |maker, kind| less(maker.draft(kind), Less::Absent))
}

/// How there is less in a callback.
#[derive(Clone, Copy, PartialEq)]
enum Less {
    Null,
    Absent,
}

/// The same without all that need not be there. A correction needs all it has.
fn less(mut draft: Draft, less: Less) -> Option<Draft> {
    let object = match draft.kind {
        Kind::Correction => return None,
        Kind::Job => &mut draft.data,
        Kind::Call | Kind::Inbound => {
            let Tree::Object(members) = &mut draft.data else {
                return None;
            };
            without(members, &["sceneInstance"], less);
            &mut members.first_mut()?.1
        }
    };
    let Tree::Object(members) = object else {
        return None;
    };
    without(members, required(draft.kind), less);
    Some(draft)
}

fn without(members: &mut Vec<(String, Tree)>, kept: &[&str], less: Less) {
    match less {
        Less::Absent => members.retain(|(name, _)| kept.contains(&name.as_str())),
        Less::Null => {
            for (name, value) in members {
                if !kept.contains(&name.as_str()) {
                    *value = Tree::Null;
                }
            }
        }
    }
}

/// With a result and a turn of the conversation that say nothing.
fn with_empty_entries(mut data: Tree) -> Tree {
    let nulls = |names: &[&str]| {
        Tree::Object(
            names
                .iter()
                .map(|name| ((*name).to_owned(), Tree::Null))
                .collect(),
        )
    };
    let result = nulls(&[
        "sceneInstanceResultId",
        "companyId",
        "callJobId",
        "sceneInstanceId",
        "resultName",
        "resultValue",
        "artificialChanged",
        "resultValueAlias",
        "resultLabels",
    ]);
    let turn = nulls(&[
        "sceneInstanceLogId",
        "speaker",
        "content",
        "userMean",
        "userMeanDetail",
        "aiUnknown",
        "startTime",
        "endTime",
    ]);
    let log = Tree::Object(vec![
        ("phoneLogs".to_owned(), Tree::List(vec![turn])),
        ("luyinOssUrl".to_owned(), Tree::Null),
    ]);
    for (path, value) in [("taskResult", Tree::List(vec![result])), ("phoneLog", log)] {
        if data.get(&place(path)).is_some() {
            // Both are members of the first level, so that there is always a place for them.
            let _ = data.set(&place(path), value);
        }
    }
    data
}

pub(crate) fn large_ids(maker: &mut Maker) -> Vec<Step> {
    let mut steps = Vec::new();
    for (above, en, zh) in LARGE {
        let id = above + maker.id();
        // Ids that do not differ when they are rounded would hide what is looked for.
        let id = id | 1;
        let sends = maker.of_each(|maker, kind| {
            let draft = maker.draft_of(kind, id);
            Some(match kind {
                Kind::Call | Kind::Inbound => draft
                    .set("sceneInstance.callUserId", id + 2)
                    .set("sceneInstance.customerId", id + 4)
                    .set("sceneInstance.callJobId", id + 6)
                    .set("taskResult[0].sceneInstanceResultId", id + 8)
                    .set("phoneLog.phoneLogs[0].sceneInstanceLogId", id + 10),
                Kind::Job => draft.set("userId", id + 2),
                Kind::Correction => draft,
            })
        });
        // One after another, since the correction is one of the call.
        steps.extend(sends.into_iter().map(|send| {
            let (kind_en, kind_zh) = (send.what.en.clone(), send.what.zh.clone());
            Step::One(send.called(format!("{kind_en}, ids {en}"), format!("{kind_zh}，id {zh}")))
        }));
    }
    steps
}

pub(crate) fn texts(maker: &mut Maker) -> Vec<Step> {
    all_at_once(maker, |maker, kind| {
        let draft = maker.draft(kind);
        Some(match kind {
            Kind::Call | Kind::Inbound => draft
                .set("sceneInstance.customerName", ODD_NAME)
                .set("sceneInstance.jobName", ODD_NAME)
                .set("taskResult[0].resultDesc", ODD_TEXT)
                .set("phoneLog.phoneLogs[1].content", ODD_TEXT),
            Kind::Job => draft.set("jobName", ODD_NAME).set("remark", ODD_TEXT),
            Kind::Correction => return None,
        })
    })
}

pub(crate) fn reversed(maker: &mut Maker) -> Vec<Step> {
    all_at_once(maker, |maker, kind| {
        let mut draft = maker.draft(kind);
        reverse(&mut draft.data);
        // A correction is built with its four fields in the order of the sample.
        (kind != Kind::Correction).then_some(draft)
    })
}

fn reverse(tree: &mut Tree) {
    match tree {
        Tree::Object(members) => {
            members.reverse();
            members.iter_mut().for_each(|(_, value)| reverse(value));
        }
        Tree::List(items) => items.iter_mut().for_each(reverse),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
    }
}

/// A call with a conversation that makes its body about so long.
pub(crate) fn long(maker: &mut Maker, bytes: usize) -> Vec<Step> {
    all_at_once(maker, |maker, kind| match kind {
        Kind::Call | Kind::Inbound => Some(lengthened(maker.draft(kind), bytes)),
        Kind::Correction | Kind::Job => None,
    })
}

/// Bytes of a body besides its `data.data`, with room for what the service adds.
const AROUND_BYTES: usize = 400;

fn lengthened(mut draft: Draft, bytes: usize) -> Draft {
    let turns = place("phoneLog.phoneLogs");
    let Some(Tree::List(sample)) = draft.data.get(&turns).cloned() else {
        return draft;
    };
    let have = draft.data.write().len() + AROUND_BYTES;
    let pair: usize = sample.iter().map(|turn| turn.write().len() + 1).sum();
    let pairs = bytes.saturating_sub(have) / pair.max(1);
    let mut all = sample.clone();
    for _ in 0..pairs {
        all.extend(sample.iter().cloned());
    }
    // The place was found above.
    let _ = draft.data.set(&turns, Tree::List(all));
    draft
}
