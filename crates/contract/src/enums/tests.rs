//! The tables against the seed's words.

use super::*;

/// The entries as one line, for comparing whole tables.
fn line(enumeration: &Enumeration) -> String {
    let entries = enumeration.entries.iter().map(|entry| {
        let value = match entry.value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.to_owned(),
        };
        let mark = match entry.source {
            Source::Seed => "",
            Source::Later => "+",
            Source::V2 => "*",
        };
        format!("{value}{mark} {}", entry.name.zh)
    });
    entries.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_seeds_numbers_have_the_seeds_words() {
    for (enumeration, expected) in [
        (&CALL_STATUS, "0 未开始, 1 进行中, 2 已完成, 3 二次拨打调度中"),
        (
            &FINISH_STATUS,
            "0 已接通, 1 拒绝, 2 无法接通, 3 主叫号码不可用, 4 空号, 5 关机, 6 占线, 7 停机, 8 未接, 9 主叫欠费, \
             10 呼损, 11 黑名单, 12* 天盾拦截, 22+ 线路盲区, 23* 呼出拦截, 25* 无可用线路",
        ),
        (&READ_STATUS, "0 未读, 1 已读"),
        (&HANG_UP, "0 AI, 1 用户"),
        (&CALLBACKED, "0 未回调, 1 已回调"),
        (&TRANSFER_STATUS, "0+ 未转接, 1+ 转接成功, 2+ 转接失败"),
        (&ARTIFICIAL_CHANGED, "0 没有, 1 有"),
        (&INTENT_LEVEL, "A A级, B B级, C C级, D D级, E E级, F F级"),
        (&SPEAKER, "ME 用户, AI 机器人"),
        (&AI_UNKNOWN, "0 否, 1 是"),
        (&ANSWER_STATUS, "0 分支, 1 问题, 2+ 忽略"),
        (&STUDY_STATUS, "0 未学习, 1 已学习"),
        (&JOB_TYPE, "1 定时, 2 手动"),
        (
            &JOB_STATUS,
            "0 未开始, 1 进行中, 2 已完成, 3 调度中, 4 手动暂停, 5 自动暂停, 6 已终止, 7 排队中, 8 AI到期, \
             9 账户欠费, 10+ 短信欠费",
        ),
        (&JOB_CALL_TYPE, "0 手机号, 1 固话, 2 无主叫"),
        (&SMS_TYPE, "0 否, 1 是"),
    ] {
        assert_eq!(line(enumeration), expected, "{}", enumeration.id);
    }
}

#[test]
fn what_is_not_listed_has_no_name() {
    assert_eq!(FINISH_STATUS.by_number(13), None);
    assert_eq!(FINISH_STATUS.by_number(-1), None);
    assert_eq!(FINISH_STATUS.by_text("0"), None);
    assert_eq!(INTENT_LEVEL.by_text("G"), None);
    assert_eq!(INTENT_LEVEL.by_text(""), None);
    assert_eq!(
        JOB_STATUS.by_number(9).map(|name| name.en),
        Some("account in arrears")
    );
    assert_eq!(SPEAKER.by_text("ME").map(|name| name.zh), Some("用户"));
}

#[test]
fn every_table_is_listed_once_and_has_a_field() {
    for enumeration in ALL {
        assert_eq!(ALL.iter().filter(|other| other.id == enumeration.id).count(), 1);
        for field in enumeration.fields {
            assert_eq!(of_field(field.object, field.name), Some(enumeration));
        }
        for entry in enumeration.entries {
            assert_eq!(
                enumeration
                    .entries
                    .iter()
                    .filter(|other| other.value == entry.value)
                    .count(),
                1
            );
            assert!(!entry.name.zh.is_empty() && !entry.name.en.is_empty());
        }
    }
    assert_eq!(
        of_field("sceneInstance", "callType"),
        None,
        "a call's callType has no names"
    );
    assert_eq!(of_field("job", "callType"), Some(&JOB_CALL_TYPE));
}

#[test]
fn the_job_statuses_called_back_by_default_have_names() {
    let names: Vec<_> = JOB_STATUSES_CALLED_BACK
        .into_iter()
        .filter_map(|status| JOB_STATUS.by_number(status))
        .map(|name| name.zh)
        .collect();
    assert_eq!(names, ["已完成", "手动暂停", "自动暂停", "账户欠费", "短信欠费"]);
}
