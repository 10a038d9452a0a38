//! What calls have in common: their results, their log, and the correction of a result.

use serde::{Deserialize, Serialize};

use super::{Unknown, lenient};

/// One entry of `taskResult`, in the order of the sample's first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResult {
    /// 通话记录结果Id.
    pub scene_instance_result_id: Option<i64>,
    /// 公司Id.
    pub company_id: Option<i64>,
    /// 任务Id.
    pub call_job_id: Option<i64>,
    /// 通话记录Id（对应callInstanceId）.
    pub scene_instance_id: Option<i64>,
    /// 通话记录结果类型名, such as 客户意向等级 or 客户标签.
    pub result_name: Option<String>,
    /// 通话记录结果值.
    pub result_value: Option<String>,
    /// 通话结果人工标注值: what a person decided instead.
    pub artificial_result_value: Option<String>,
    /// 是否进行过人工标注修改: [`crate::enums::ARTIFICIAL_CHANGED`].
    #[serde(default, deserialize_with = "lenient::number_or_boolean")]
    pub artificial_changed: Option<i64>,
    /// 结果描述.
    pub result_desc: Option<String>,
    /// 额外信息: JSON inside a string.
    pub extra: Option<String>,
    /// 场景对应的结构化数据分析类型.
    pub analyze_type: Option<String>,
    /// 创建时间.
    pub gmt_create: Option<String>,
    /// 修改时间.
    pub gmt_modified: Option<String>,
    /// 分析结果别名: of a 客户意向等级 the level, [`crate::enums::INTENT_LEVEL`].
    pub result_value_alias: Option<String>,
    /// Of a 客户标签 the labels. Some receivers fail on null, so the default is an empty list.
    pub result_labels: Option<Vec<ResultLabel>>,
    /// 客户意向等级的表述（文案与crm对应）.
    pub result_value_new: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Default for TaskResult {
    fn default() -> Self {
        Self {
            scene_instance_result_id: None,
            company_id: None,
            call_job_id: None,
            scene_instance_id: None,
            result_name: None,
            result_value: None,
            artificial_result_value: None,
            artificial_changed: None,
            result_desc: None,
            extra: None,
            analyze_type: None,
            gmt_create: None,
            gmt_modified: None,
            result_value_alias: None,
            result_labels: Some(Vec::new()),
            result_value_new: None,
            unknown: Unknown::new(),
        }
    }
}

/// One label of a 客户标签.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultLabel {
    /// The label's number.
    pub key: Option<i64>,
    /// The label.
    pub value: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `phoneLog`: what was said, and its recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneLog {
    /// The turns of the conversation.
    pub phone_logs: Option<Vec<PhoneLogEntry>>,
    /// 通话记录录音.
    pub luyin_oss_url: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One turn of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneLogEntry {
    /// 通话记录日志Id.
    pub scene_instance_log_id: Option<i64>,
    /// 通话记录Id（对应callInstanceId）.
    pub scene_instance_id: Option<i64>,
    /// 公司Id.
    pub company_id: Option<i64>,
    /// 话术机器人Id.
    pub robot_def_id: Option<i64>,
    /// 对应决策Id.
    pub decision_id: Option<i64>,
    /// 说话人: [`crate::enums::SPEAKER`].
    pub speaker: Option<String>,
    /// 说话内容.
    pub content: Option<String>,
    /// 用户说话语义.
    pub user_mean: Option<String>,
    /// 用户说话语义详情: JSON inside a string.
    pub user_mean_detail: Option<String>,
    /// 是否是AI无法应答的问题.
    #[serde(default, deserialize_with = "lenient::boolean_or_bit")]
    pub ai_unknown: Option<bool>,
    /// 回答问题状态: [`crate::enums::ANSWER_STATUS`].
    pub answer_status: Option<i64>,
    /// 学习状态: [`crate::enums::STUDY_STATUS`].
    pub study_status: Option<i64>,
    /// 说话的开始时间, in milliseconds from the start of the call.
    pub start_time: Option<i64>,
    /// 说话的结束时间, likewise.
    pub end_time: Option<i64>,
    /// 创建时间.
    pub gmt_create: Option<String>,
    /// 修改时间.
    pub gmt_modified: Option<String>,
    /// 知识点ID.
    pub knowledge_base_id: Option<i64>,
    /// 通话记录纠错内容.
    pub correction_content: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `data.data` of an intent correction: one result, and no `sceneInstance`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CorrectionResult {
    /// Exactly one.
    pub task_result: Vec<Correction>,
}

/// A corrected result: exactly the four fields of the sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// 公司Id.
    pub company_id: Option<i64>,
    /// 通话记录Id（对应callInstanceId）: the call that is corrected.
    pub scene_instance_id: Option<i64>,
    /// 客户意向等级.
    pub result_name: Option<String>,
    /// The level that a person decided.
    pub result_value: Option<String>,
}
