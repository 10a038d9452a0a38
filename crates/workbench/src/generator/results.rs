//! What a call led to: the customer intent level (客户意向等级) and the customer labels (客户标签).

use ringback_contract::callback::{ResultLabel, TaskResult};
use ringback_contract::date_time;

use super::Call;
use super::conversation::Conversation;
use super::script;
use crate::prng::Prng;

/// An intent level with the texts that the platform shows for it.
#[derive(Debug)]
pub(super) struct Level {
    /// `resultValueAlias`.
    pub(super) alias: &'static str,
    /// `resultValue`.
    pub(super) value: &'static str,
    new: &'static str,
    desc: &'static str,
}

pub(super) const LEVELS: [Level; 6] = [
    Level {
        alias: "A",
        value: "A级(较强)",
        new: "A级(有明确意向)",
        desc: "肯定次数 >= 3次 或者 命中业务问题 >= 2次",
    },
    Level {
        alias: "B",
        value: "B级(一般)",
        new: "B级(可能有意向)",
        desc: "肯定次数 >= 1次 或者 命中业务问题 >= 1次",
    },
    Level {
        alias: "C",
        value: "C级(很少)",
        new: "C级(明确拒绝)",
        desc: "命中业务问题 <= 0次 并且 肯定次数 <= 0次",
    },
    Level {
        alias: "D",
        value: "D级(需要再跟进)",
        new: "D级(用户忙)",
        desc: "命中用户忙 >= 1次",
    },
    Level {
        alias: "E",
        value: "E级(未接通)",
        new: "E级(未接通)",
        desc: "通话状态 不等于 已接通",
    },
    Level {
        alias: "F",
        value: "F级(无效客户)",
        new: "F级(无效客户)",
        desc: "通话状态 属于 空号、停机、黑名单",
    },
];

/// The finishStatus of numbers that can never be reached: 空号, 停机, 黑名单.
const UNREACHABLE: [i64; 3] = [4, 7, 11];

/// The level of a call; `None` for the conversation of one that was not answered.
pub(super) fn level(finish_status: i64, conversation: Option<&Conversation>) -> &'static Level {
    let [a, b, c, d, e, f] = &LEVELS;
    match conversation {
        None if UNREACHABLE.contains(&finish_status) => f,
        None => e,
        Some(Conversation { busy: true, .. }) => d,
        Some(held) if held.agreed >= 3 || held.asked >= 2 => a,
        Some(held) if held.agreed + held.asked >= 1 => b,
        Some(_) => c,
    }
}

fn labels(level: &Level, conversation: Option<&Conversation>) -> Vec<ResultLabel> {
    let held = conversation;
    [
        (level.alias == "F", script::INVALID),
        (level.alias == "A", script::KEEN),
        (held.is_some_and(|held| held.asked_price), script::ASKS_PRICE),
        (held.is_some_and(|held| held.busy), script::CALL_BACK),
        (held.is_some_and(|held| held.owns), script::OWNS),
    ]
    .into_iter()
    .filter(|(applies, _)| *applies)
    .map(|(_, (key, value))| ResultLabel {
        key: Some(key),
        value: Some(value.to_owned()),
        ..ResultLabel::default()
    })
    .collect()
}

/// Both results of a call.
pub(super) fn results(
    prng: &mut Prng,
    call: &Call<'_>,
    level: &Level,
    conversation: Option<&Conversation>,
) -> Vec<TaskResult> {
    let analysed_at = date_time::format_local(call.start_ms + call.length_ms, call.zone);
    let id = prng.between(1_000_000_000, 3_000_000_000);
    let common = TaskResult {
        company_id: Some(call.company_id),
        call_job_id: call.job_id,
        scene_instance_id: Some(call.id),
        analyze_type: Some("DYNAMIC_ANALYZE_USER_LEVEL".to_owned()),
        gmt_create: Some(analysed_at.clone()),
        gmt_modified: Some(analysed_at),
        ..TaskResult::default()
    };
    let intent = TaskResult {
        scene_instance_result_id: Some(id),
        result_name: Some("客户意向等级".to_owned()),
        result_value: Some(level.value.to_owned()),
        artificial_result_value: Some(level.value.to_owned()),
        result_desc: Some(level.desc.to_owned()),
        extra: Some(format!(
            "{{\"hitUserLevelConfigExtraId\":{},\"hitUserLevelConfigId\":6}}",
            prng.between(300_000, 399_999)
        )),
        result_value_alias: Some(level.alias.to_owned()),
        result_value_new: Some(level.new.to_owned()),
        ..common.clone()
    };
    let labels = labels(level, conversation);
    let keys: Vec<i64> = labels.iter().filter_map(|label| label.key).collect();
    let tags = TaskResult {
        scene_instance_result_id: Some(id + 1),
        result_name: Some("客户标签".to_owned()),
        result_value: Some(serde_json::json!(keys).to_string()),
        result_value_alias: Some(String::new()),
        result_labels: Some(labels),
        result_value_new: Some(String::new()),
        ..common
    };
    vec![intent, tags]
}
