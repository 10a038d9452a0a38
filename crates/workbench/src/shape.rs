//! What can be in a callback: changes of an ordinary one, each in one respect. Templates of `trigger`, and what
//! `conformance` tries.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use ringback_contract::enums::{self, Enumeration, Name, Source, Value};
use ringback_contract::kind::Kind;
use ringback_core::endpoint::Profile;
use ringback_core::limits::EVENT_BYTES;

use crate::sample::{Today, id_path, place, put};
use crate::tree::Tree;

/// How long a long call's body is, about.
const LONG_BYTES: usize = 150 * 1024;
/// How long the longest body is, about: a turn of the conversation short of the limit.
const LONGEST_BYTES: usize = EVENT_BYTES - 1024;
/// Bytes of a body besides its `data.data`, with room for what the service adds.
const AROUND_BYTES: usize = 400;

/// What is added to ids so that they have more than 32 bits.
pub const BEYOND_32_BITS: i64 = 1 << 33;
/// What is added to ids so that a double does not hold them exactly.
pub const BEYOND_A_DOUBLE: i64 = 1 << 53;

/// A name with what systems stumble over: characters outside the basic plane, quotes, what SQL and HTML take for their own.
const ODD_NAME: &str = "𠮷野😀 O'Brien \"<b>\" \\ %s; DROP--";
/// The same for what was said, with line ends and separators that JavaScript once took for line ends.
const ODD_TEXT: &str = "好的👍🏽\r\n第二行\t“引号” 'x' \\u0000 \u{2028}\u{200d}尾";

/// A change of an ordinary callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None.
    Ordinary,
    /// A call that ended so; where it was not answered, without a conversation.
    FinishStatus(i64),
    /// A job with this status.
    JobStatus(i64),
    /// A correction to this level.
    Level(&'static str),
    /// Numbers and levels that no table has.
    UnknownNumbers,
    /// Fields that no table has.
    UnknownFields,
    /// Null wherever that may be.
    Nulls,
    /// Results and turns of the conversation that are there, and all null inside.
    NullEntries,
    /// Absent wherever that may be.
    Absent,
    /// Ids that are so much larger.
    LargeIds(i64),
    /// Emoji, rare characters, quotes, line ends.
    Text,
    /// A conversation of 300 turns.
    Long,
    /// A body of nearly 1 MiB.
    Longest,
    /// Members in another order.
    MemberOrder,
}

impl Shape {
    /// Every shape that comes with this profile.
    #[must_use]
    pub fn all(profile: Profile) -> Vec<Self> {
        let mut all = vec![Self::Ordinary];
        all.extend(numbers(&enums::FINISH_STATUS, profile).map(|(number, _)| Self::FinishStatus(number)));
        all.extend(numbers(&enums::JOB_STATUS, profile).map(|(number, _)| Self::JobStatus(number)));
        all.extend(["A", "B", "C", "D", "E", "F"].map(Self::Level));
        all.extend([
            Self::UnknownNumbers,
            Self::UnknownFields,
            Self::Nulls,
            Self::NullEntries,
            Self::Absent,
            Self::LargeIds(BEYOND_32_BITS),
            Self::LargeIds(BEYOND_A_DOUBLE),
            Self::Text,
            Self::Long,
            Self::Longest,
            Self::MemberOrder,
        ]);
        all
    }

    /// Its name, for `--template`.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Ordinary => "ordinary".into(),
            Self::FinishStatus(number) => format!("finish-status-{number}").into(),
            Self::JobStatus(number) => format!("job-status-{number}").into(),
            Self::Level(level) => format!("level-{level}").into(),
            Self::UnknownNumbers => "unknown-numbers".into(),
            Self::UnknownFields => "unknown-fields".into(),
            Self::Nulls => "nulls".into(),
            Self::NullEntries => "null-entries".into(),
            Self::Absent => "absent".into(),
            Self::LargeIds(BEYOND_32_BITS) => "ids-beyond-32-bits".into(),
            Self::LargeIds(_) => "ids-beyond-2-53".into(),
            Self::Text => "text".into(),
            Self::Long => "long".into(),
            Self::Longest => "longest".into(),
            Self::MemberOrder => "member-order".into(),
        }
    }

    /// What it is, in English and Chinese.
    #[must_use]
    pub fn title(self) -> (Cow<'static, str>, Cow<'static, str>) {
        let named = |of: &Enumeration, number| of.by_number(number).unwrap_or(Name { zh: "", en: "" });
        let (en, zh) = match self {
            Self::FinishStatus(number) => {
                let name = named(&enums::FINISH_STATUS, number);
                return (name.en.into(), name.zh.into());
            }
            Self::JobStatus(number) => {
                let name = named(&enums::JOB_STATUS, number);
                return (name.en.into(), name.zh.into());
            }
            Self::Level(level) => return (format!("to {level}").into(), format!("修改为 {level}").into()),
            Self::Ordinary => (
                "the sample, with ids and dates of its own",
                "样例，id 和日期为新值",
            ),
            Self::UnknownNumbers => ("numbers and levels that no table has", "枚举表中没有的数值和等级"),
            Self::UnknownFields => ("fields that no table has", "文档中没有的字段"),
            Self::Nulls => ("null wherever that may be", "凡可为 null 之处均为 null"),
            Self::NullEntries => (
                "a result and a turn with nothing but nulls",
                "结果和对话记录内全为 null",
            ),
            Self::Absent => ("absent wherever that may be", "凡可缺失之处均缺失"),
            Self::LargeIds(BEYOND_32_BITS) => ("ids beyond 32 bits", "超过 32 位的 id"),
            Self::LargeIds(_) => ("ids beyond 2^53", "超过 2^53 的 id"),
            Self::Text => (
                "emoji, rare characters, quotes, line ends",
                "表情、生僻字、引号、换行",
            ),
            Self::Long => ("a conversation of 300 turns", "300 轮对话"),
            Self::Longest => ("a body of nearly 1 MiB", "接近 1 MiB 的正文"),
            Self::MemberOrder => ("members in another order", "字段顺序不同"),
        };
        (en.into(), zh.into())
    }

    /// The kinds that can be so.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        let some = Today {
            company_id: 1,
            zone: TimeZone::UTC,
            wall_ms: 0,
        };
        let fits = move |kind: &Kind| self.apply(*kind, some.of_kind(*kind, 1)).is_some();
        Kind::ALL.into_iter().filter(fits)
    }

    /// The `data.data` changed so; `None` where callbacks of the kind cannot be.
    #[must_use]
    pub fn apply(self, kind: Kind, mut data: Tree) -> Option<Tree> {
        let is_call = matches!(kind, Kind::Call | Kind::Inbound);
        match self {
            Self::Ordinary => {}
            Self::FinishStatus(number) if is_call => finish(&mut data, number),
            Self::JobStatus(number) if kind == Kind::Job => put(&mut data, "status", number.into()),
            Self::Level(level) if kind == Kind::Correction => {
                put(&mut data, "taskResult[0].resultValue", level.into());
            }
            Self::UnknownNumbers => unknown_numbers(kind, &mut data),
            Self::UnknownFields if kind != Kind::Correction => unknown_fields(kind, &mut data),
            Self::Nulls => without(kind, &mut data, |value| *value = Tree::Null)?,
            Self::NullEntries if is_call => null_entries(&mut data),
            Self::Absent => absent(kind, &mut data)?,
            Self::LargeIds(more) => large_ids(kind, &mut data, more)?,
            Self::Text if kind != Kind::Correction => odd_text(kind, &mut data),
            Self::Long if is_call => lengthen(&mut data, LONG_BYTES),
            Self::Longest if is_call => lengthen(&mut data, LONGEST_BYTES),
            // A correction is built with its four fields in the order of the sample.
            Self::MemberOrder if kind != Kind::Correction => reverse(&mut data),
            Self::FinishStatus(_)
            | Self::JobStatus(_)
            | Self::Level(_)
            | Self::UnknownFields
            | Self::NullEntries
            | Self::Text
            | Self::Long
            | Self::Longest
            | Self::MemberOrder => return None,
        }
        Some(data)
    }
}

/// The numbers of an enumeration that come in this profile, with their names.
pub fn numbers(of: &Enumeration, profile: Profile) -> impl Iterator<Item = (i64, Name)> {
    let comes = move |source| profile == Profile::V2 || source != Source::V2;
    of.entries.iter().filter_map(move |entry| match entry.value {
        Value::Number(number) if comes(entry.source) => Some((number, entry.name)),
        Value::Number(_) | Value::Text(_) => None,
    })
}

fn set_all(data: &mut Tree, values: impl IntoIterator<Item = (&'static str, Tree)>) {
    for (path, value) in values {
        put(data, path, value);
    }
}

fn finish(data: &mut Tree, status: i64) {
    put(data, "sceneInstance.finishStatus", status.into());
    if status != 0 {
        set_all(
            data,
            [
                ("sceneInstance.duration", 0.into()),
                ("sceneInstance.chatRound", 0.into()),
                ("taskResult", Tree::List(Vec::new())),
                ("phoneLog.phoneLogs", Tree::List(Vec::new())),
            ],
        );
    }
}

fn unknown_numbers(kind: Kind, data: &mut Tree) {
    match kind {
        Kind::Call | Kind::Inbound => set_all(
            data,
            [
                ("sceneInstance.status", 8.into()),
                ("sceneInstance.finishStatus", 99.into()),
                ("sceneInstance.hangUp", 7.into()),
                ("sceneInstance.callType", 9.into()),
                ("taskResult[0].resultValueAlias", "Z".into()),
                ("taskResult[0].resultValue", "Z级(新)".into()),
                ("phoneLog.phoneLogs[0].speaker", "AGENT".into()),
                ("phoneLog.phoneLogs[1].answerStatus", 9.into()),
            ],
        ),
        Kind::Correction => put(data, "taskResult[0].resultValue", "Z".into()),
        Kind::Job => set_all(
            data,
            [
                ("status", 77.into()),
                ("jobType", 9.into()),
                ("callType", 9.into()),
            ],
        ),
    }
}

fn unknown_fields(kind: Kind, data: &mut Tree) {
    let object = || Tree::Object(vec![("new".to_owned(), Tree::List(vec![1.into(), Tree::Null]))]);
    let paths: &[&'static str] = match kind {
        Kind::Call | Kind::Inbound => &[
            "newObject",
            "sceneInstance.newField",
            "taskResult[0].newField",
            "phoneLog.newField",
            "phoneLog.phoneLogs[0].newField",
        ],
        Kind::Job => &["newField"],
        // It has exactly the four fields of its sample.
        Kind::Correction => &[],
    };
    set_all(data, paths.iter().map(|path| (*path, object())));
}

/// What must be there: it is neither null nor absent.
fn is_required(kind: Kind, name: &str) -> bool {
    let names: &[&str] = match kind {
        Kind::Call => &["companyId", "callInstanceId"],
        Kind::Inbound => &["companyId", "inboundInstanceId"],
        Kind::Job => &["companyId", "callJobId", "status"],
        Kind::Correction => &[],
    };
    names.contains(&name)
}

/// Changes each value that need not be there. A correction needs all it has.
fn without(kind: Kind, data: &mut Tree, change: fn(&mut Tree)) -> Option<()> {
    let Tree::Object(members) = data else { return None };
    match kind {
        Kind::Correction => return None,
        Kind::Job => change_all(members, |name| is_required(kind, name), change),
        Kind::Call | Kind::Inbound => {
            change_all(members, |name| name == "sceneInstance", change);
            let scene = members.iter_mut().find(|(name, _)| name == "sceneInstance");
            let (_, Tree::Object(scene)) = scene? else {
                return None;
            };
            change_all(scene, |name| is_required(kind, name), change);
        }
    }
    Some(())
}

fn change_all(members: &mut [(String, Tree)], is_kept: impl Fn(&str) -> bool, change: fn(&mut Tree)) {
    let others = members.iter_mut().filter(|(name, _)| !is_kept(name));
    others.for_each(|(_, value)| change(value));
}

fn absent(kind: Kind, data: &mut Tree) -> Option<()> {
    without(kind, data, |value| *value = Tree::Null)?;
    remove_nulls(data);
    Some(())
}

/// Removes the members that are null, in the object and in those that are members of it.
fn remove_nulls(data: &mut Tree) {
    if let Tree::Object(members) = data {
        members.retain(|(_, value)| *value != Tree::Null);
        members.iter_mut().for_each(|(_, value)| remove_nulls(value));
    }
}

fn null_entries(data: &mut Tree) {
    let nulls = |names: &[&str]| {
        let members = names.iter().map(|name| ((*name).to_owned(), Tree::Null));
        Tree::List(vec![Tree::Object(members.collect())])
    };
    let results = nulls(&[
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
    let turns = nulls(&[
        "sceneInstanceLogId",
        "speaker",
        "content",
        "userMean",
        "userMeanDetail",
        "aiUnknown",
        "startTime",
        "endTime",
    ]);
    set_all(
        data,
        [
            ("taskResult", results),
            ("phoneLog.phoneLogs", turns),
            ("phoneLog.luyinOssUrl", Tree::Null),
        ],
    );
}

fn large_ids(kind: Kind, data: &mut Tree, more: i64) -> Option<()> {
    let Some(Tree::Number(id)) = data.get(&place(id_path(kind))) else {
        return None;
    };
    // Odd ones: a rounded id shows beyond 2^53.
    let id = id.as_i64()?.checked_add(more)? | 1;
    put(data, id_path(kind), id.into());
    match kind {
        Kind::Call | Kind::Inbound => set_all(
            data,
            [
                ("sceneInstance.callUserId", (id + 2).into()),
                ("sceneInstance.customerId", (id + 4).into()),
                ("sceneInstance.callJobId", (id + 6).into()),
                ("taskResult[0].sceneInstanceId", id.into()),
                ("taskResult[0].sceneInstanceResultId", (id + 8).into()),
                ("phoneLog.phoneLogs[0].sceneInstanceId", id.into()),
                ("phoneLog.phoneLogs[0].sceneInstanceLogId", (id + 10).into()),
            ],
        ),
        Kind::Job => put(data, "userId", (id + 2).into()),
        Kind::Correction => {}
    }
    Some(())
}

fn odd_text(kind: Kind, data: &mut Tree) {
    let paths: &[(&'static str, &str)] = match kind {
        Kind::Call | Kind::Inbound => &[
            ("sceneInstance.customerName", ODD_NAME),
            ("sceneInstance.jobName", ODD_NAME),
            ("taskResult[0].resultDesc", ODD_TEXT),
            ("phoneLog.phoneLogs[1].content", ODD_TEXT),
        ],
        Kind::Job => &[("jobName", ODD_NAME), ("remark", ODD_TEXT)],
        Kind::Correction => &[],
    };
    set_all(data, paths.iter().map(|(path, text)| (*path, (*text).into())));
}

/// Repeats the turns of the conversation until the body is about so long.
fn lengthen(data: &mut Tree, bytes: usize) {
    let turns = place("phoneLog.phoneLogs");
    let Some(Tree::List(some)) = data.get(&turns).cloned() else {
        return;
    };
    let have = data.write().len() + AROUND_BYTES;
    let pair: usize = some.iter().map(|turn| turn.write().len() + 1).sum();
    let more = bytes.saturating_sub(have) / pair.max(1);
    let all = std::iter::repeat_n(&some, more + 1).flatten().cloned();
    put(data, "phoneLog.phoneLogs", Tree::List(all.collect()));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringback_contract::date_time::DateTimeForm;
    use ringback_contract::intake::Stamp;

    use super::*;
    use crate::sample::{enveloped, render};

    fn ordinary(kind: Kind) -> Tree {
        let today = Today {
            company_id: 1,
            zone: TimeZone::UTC,
            wall_ms: 1_790_000_000_000,
        };
        today.of_kind(kind, 7)
    }

    #[test]
    fn every_shape_is_one_that_the_service_takes_in_and_no_longer_than_it_may_be() {
        let stamp = Stamp {
            accepted_ms: 0,
            zone: &TimeZone::UTC,
            form: DateTimeForm::Rfc1123,
            signing: None,
        };
        for profile in [Profile::V1, Profile::V2] {
            for (shape, kind) in Shape::all(profile)
                .into_iter()
                .flat_map(|shape| Kind::ALL.map(|kind| (shape, kind)))
            {
                let Some(data) = shape.apply(kind, ordinary(kind)) else {
                    continue;
                };
                let body = render(kind, &enveloped(kind, &data.write()), &stamp, profile);
                let body = body.unwrap_or_else(|error| panic!("{shape:?} {kind}: {error}"));
                assert!(body.len() <= EVENT_BYTES, "{shape:?} {kind}: {}", body.len());
                // What the samples are.
                let same = [
                    Shape::Ordinary,
                    Shape::FinishStatus(0),
                    Shape::JobStatus(2),
                    Shape::Level("B"),
                ];
                assert_eq!(same.contains(&shape), data == ordinary(kind), "{shape:?} {kind}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_every_kind_has_some() {
        let all = Shape::all(Profile::V2);
        let names: BTreeSet<_> = all.iter().map(|shape| shape.name()).collect();
        assert_eq!(names.len(), all.len());
        for (kind, count) in [
            (Kind::Call, 28),
            (Kind::Inbound, 28),
            (Kind::Correction, 10),
            (Kind::Job, 20),
        ] {
            let fitting = all.iter().filter(|shape| shape.kinds().any(|fits| fits == kind));
            assert_eq!(fitting.count(), count, "{kind}");
        }
    }

    #[test]
    fn what_is_left_out_is_what_may_be() {
        for (kind, shape, json) in [
            (
                Kind::Call,
                Shape::Absent,
                r#"{"sceneInstance":{"callInstanceId":7,"companyId":1}}"#,
            ),
            (
                Kind::Job,
                Shape::Absent,
                r#"{"callJobId":7,"companyId":1,"status":2}"#,
            ),
        ] {
            assert_eq!(shape.apply(kind, ordinary(kind)).unwrap().write(), json);
        }
        let nulls = Shape::Nulls
            .apply(Kind::Inbound, ordinary(Kind::Inbound))
            .unwrap();
        assert_eq!(nulls.get(&place("phoneLog")), Some(&Tree::Null));
        assert_eq!(
            nulls.get(&place("sceneInstance.inboundInstanceId")),
            Some(&7.into())
        );
        assert_eq!(nulls.get(&place("sceneInstance.calleePhone")), Some(&Tree::Null));
    }
}
