//! The inbound call result (呼入通话记录回调), from the vendor's later revisions: a call result with other ids and
//! some more fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PhoneLog, TaskResult, Unknown};

/// `data.data` of an inbound call result. It has no `jobFinished`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundResult {
    /// The inbound call.
    pub scene_instance: InboundInstance,
    /// What was found out in it; `callJobId` is null there, `sceneInstanceId` the inboundInstanceId.
    pub task_result: Option<Vec<TaskResult>>,
    /// What was said.
    pub phone_log: Option<PhoneLog>,
    /// 回调签名: see [`crate::sign`].
    pub sign: Option<String>,
    /// GMT格式日期: see [`crate::date_time`].
    pub date_time: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `sceneInstance` of an inbound call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundInstance {
    /// 呼入通话记录Id: the id of the inbound call.
    pub inbound_instance_id: Option<i64>,
    /// 公司ID.
    pub company_id: Option<i64>,
    /// 主叫用户ID.
    pub call_user_id: Option<i64>,
    /// 任务Id: the job that the call belongs to.
    pub call_job_id: Option<i64>,
    /// 客户Id.
    pub customer_id: Option<i64>,
    /// 客户手机号.
    pub customer_telephone: Option<String>,
    /// 客户名称.
    pub customer_name: Option<String>,
    /// 电话实例状态: [`crate::enums::CALL_STATUS`].
    pub status: Option<i64>,
    /// 通话状态: [`crate::enums::FINISH_STATUS`].
    pub finish_status: Option<i64>,
    /// 通话时长, in seconds.
    pub duration: Option<i64>,
    /// 通话轮次.
    pub chat_round: Option<i64>,
    /// 通话开始时间, `yyyy-MM-dd HH:mm:ss` in the company's zone.
    pub start_time: Option<String>,
    /// 通话结束时间, likewise.
    pub end_time: Option<String>,
    /// 被叫号码: the number that was called.
    pub callee_phone: Option<String>,
    /// 通话录音（包含AI和客户）: the whole recording.
    #[serde(alias = "luyunOssUrl")]
    pub luyin_oss_url: Option<String>,
    /// 通话录音（只包含客户）: the customer's side alone.
    pub user_luyin_oss_url: Option<String>,
    /// 通话记录携带的参数: JSON inside a string.
    pub properties: Option<String>,
    /// 话术名.
    pub handle_person: Option<String>,
    /// 主叫号码类型: a number without names.
    pub call_type: Option<i64>,
    /// 通话实例索引.
    pub call_index: Option<i64>,
    /// 是否已读: [`crate::enums::READ_STATUS`].
    pub read_status: Option<i64>,
    /// 电话任务名称.
    pub job_name: Option<String>,
    /// 话术机器人Id.
    #[serde(alias = "robotDef")]
    pub robot_def_id: Option<i64>,
    /// 话术场景Id.
    pub scene_def_id: Option<i64>,
    /// 话术场景录音Id.
    pub scene_record_id: Option<i64>,
    /// JSON inside a string; not in the seed's table.
    pub corp_name: Option<String>,
    /// 所属行业.
    pub industry: Option<String>,
    /// bug追踪结果.
    pub track_result: Option<String>,
    /// 缺陷类型.
    pub bug_type: Option<String>,
    /// 挂机人: [`crate::enums::HANG_UP`].
    pub hang_up: Option<i64>,
    /// 二次拨打时间: see [`super::NO_SECONDARY_CALL_TIME`].
    pub secondary_call_time: Option<String>,
    /// 二次拨打次数: at 0 there is no further call.
    pub secondary_call_times: Option<i64>,
    /// 通话费用, in 分 (a hundredth of a yuan).
    pub cost: Option<i64>,
    /// 是否回调完成: [`crate::enums::CALLBACKED`].
    pub callbacked: Option<i64>,
    /// 人工坐席Id.
    pub cs_staff_id: Option<i64>,
    /// 创建时间.
    pub gmt_create: Option<String>,
    /// 修改时间.
    pub gmt_modified: Option<String>,
    /// 转接状态: [`crate::enums::TRANSFER_STATUS`].
    pub transfer_status: Option<i64>,
    /// 转接信息; the contract gives it no type.
    pub transfer_info: Option<Value>,
    /// 客户等级; the contract gives it no type.
    pub user_level: Option<Value>,
    /// The parameters as an object.
    pub properties_map: Option<Unknown>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}
