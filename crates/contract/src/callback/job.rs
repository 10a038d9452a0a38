//! The job status (任务状态回调).

use serde::{Deserialize, Serialize};

use super::Unknown;

/// `data.data` of a job status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobInfo {
    /// 外呼任务Id: the id of the job.
    pub call_job_id: Option<i64>,
    /// 公司id.
    pub company_id: Option<i64>,
    /// 任务名称.
    pub job_name: Option<String>,
    /// 任务类型: [`crate::enums::JOB_TYPE`].
    pub job_type: Option<i64>,
    /// 任务开始时间, `yyyy-MM-dd`.
    pub start_date: Option<String>,
    /// 任务结束时间, `yyyy-MM-dd`.
    pub end_date: Option<String>,
    /// 可拨打起始时间, `HH:mm:ss`.
    pub working_start_time: Option<String>,
    /// 可拨打结束时间, `HH:mm:ss`.
    pub working_end_time: Option<String>,
    /// 午休起始时间, `HH:mm:ss`.
    pub break_start_time: Option<String>,
    /// 午休结束时间, `HH:mm:ss`.
    pub break_end_time: Option<String>,
    /// 状态: [`crate::enums::JOB_STATUS`].
    pub status: Option<i64>,
    /// 主叫号码类型: [`crate::enums::JOB_CALL_TYPE`].
    pub call_type: Option<i64>,
    /// 关联的机器人id.
    pub robot_def_id: Option<i64>,
    /// 场景id.
    pub scene_def_id: Option<i64>,
    /// 关联的录音id.
    pub scene_record_id: Option<i64>,
    /// 备注.
    pub remark: Option<String>,
    /// 是否发送挂机短信: [`crate::enums::SMS_TYPE`].
    pub sms_type: Option<i64>,
    /// 发送挂机短信条件: JSON inside a string.
    pub sms_condition: Option<String>,
    /// 发送挂机短信的模板.
    pub sms_template_id: Option<String>,
    /// 创建人id.
    pub user_id: Option<i64>,
    /// 创建人名称.
    pub user_name: Option<String>,
    /// 任务执行IP.
    pub ip: Option<String>,
    /// 任务执行主机.
    pub host_name: Option<String>,
    /// 锁版本号.
    pub version: Option<i64>,
    /// 二次启动job的时间, `HH:mm:ss`.
    pub secondary_start_time: Option<String>,
    /// job是否已经删除.
    pub job_is_delete: Option<bool>,
    /// 创建时间.
    pub gmt_create: Option<String>,
    /// 修改时间.
    pub gmt_modified: Option<String>,
    /// What is not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}
