//! The tables themselves.

use super::{Entry, Enumeration, Field, Name, Source, Value};

const fn name(zh: &'static str, en: &'static str) -> Name {
    Name { zh, en }
}

const fn of(object: &'static str, name: &'static str) -> Field {
    Field { object, name }
}

const fn number(number: i64, zh: &'static str, en: &'static str) -> Entry {
    Entry {
        value: Value::Number(number),
        name: name(zh, en),
        source: Source::Seed,
    }
}

const fn text(text: &'static str, zh: &'static str, en: &'static str) -> Entry {
    Entry {
        value: Value::Text(text),
        name: name(zh, en),
        source: Source::Seed,
    }
}

impl Entry {
    const fn later(self) -> Self {
        Self {
            source: Source::Later,
            ..self
        }
    }

    const fn v2(self) -> Self {
        Self {
            source: Source::V2,
            ..self
        }
    }
}

/// 电话实例状态
pub static CALL_STATUS: Enumeration = Enumeration {
    id: "call-status",
    title: name("电话实例状态", "call status"),
    fields: &[of("sceneInstance", "status")],
    entries: &[
        number(0, "未开始", "not started"),
        number(1, "进行中", "in progress"),
        number(2, "已完成", "completed"),
        number(3, "二次拨打调度中", "scheduled for redial"),
    ],
};

/// 通话状态: how the call ended. The names of 12, 23 and 25 are those that receivers of v2 use.
pub static FINISH_STATUS: Enumeration = Enumeration {
    id: "finish-status",
    title: name("通话状态", "how the call ended"),
    fields: &[of("sceneInstance", "finishStatus")],
    entries: &[
        number(0, "已接通", "answered"),
        number(1, "拒绝", "rejected"),
        number(2, "无法接通", "not reachable"),
        number(3, "主叫号码不可用", "caller number unavailable"),
        number(4, "空号", "no such number"),
        number(5, "关机", "switched off"),
        number(6, "占线", "busy"),
        number(7, "停机", "out of service"),
        number(8, "未接", "no answer"),
        number(9, "主叫欠费", "caller in arrears"),
        number(10, "呼损", "call lost"),
        number(11, "黑名单", "blacklisted"),
        number(12, "天盾拦截", "intercepted by Tiandun").v2(),
        number(22, "线路盲区", "outside the line's area").later(),
        number(23, "呼出拦截", "outgoing call intercepted").v2(),
        number(25, "无可用线路", "no line available").v2(),
    ],
};

/// 是否已读
pub static READ_STATUS: Enumeration = Enumeration {
    id: "read-status",
    title: name("是否已读", "whether it was read"),
    fields: &[of("sceneInstance", "readStatus")],
    entries: &[number(0, "未读", "unread"), number(1, "已读", "read")],
};

/// 挂机人
pub static HANG_UP: Enumeration = Enumeration {
    id: "hang-up",
    title: name("挂机人", "who hung up"),
    fields: &[of("sceneInstance", "hangUp")],
    entries: &[number(0, "AI", "AI"), number(1, "用户", "user")],
};

/// 是否回调完成
pub static CALLBACKED: Enumeration = Enumeration {
    id: "callbacked",
    title: name("是否回调完成", "whether the callback is done"),
    fields: &[of("sceneInstance", "callbacked")],
    entries: &[
        number(0, "未回调", "not called back"),
        number(1, "已回调", "called back"),
    ],
};

/// 转接状态, of inbound calls.
pub static TRANSFER_STATUS: Enumeration = Enumeration {
    id: "transfer-status",
    title: name("转接状态", "transfer status"),
    fields: &[of("sceneInstance", "transferStatus")],
    entries: &[
        number(0, "未转接", "none").later(),
        number(1, "转接成功", "succeeded").later(),
        number(2, "转接失败", "failed").later(),
    ],
};

/// 是否进行过人工标注修改
pub static ARTIFICIAL_CHANGED: Enumeration = Enumeration {
    id: "artificial-changed",
    title: name("是否进行过人工标注修改", "whether a person changed it"),
    fields: &[of("taskResult", "artificialChanged")],
    entries: &[number(0, "没有", "no"), number(1, "有", "yes")],
};

/// 意向级别: the alias of a 客户意向等级 result. What a level stands for is each company's own rule.
pub static INTENT_LEVEL: Enumeration = Enumeration {
    id: "intent-level",
    title: name("客户意向等级", "customer intent level"),
    fields: &[of("taskResult", "resultValueAlias")],
    entries: &[
        text("A", "A级", "level A"),
        text("B", "B级", "level B"),
        text("C", "C级", "level C"),
        text("D", "D级", "level D"),
        text("E", "E级", "level E"),
        text("F", "F级", "level F"),
    ],
};

/// 说话人
pub static SPEAKER: Enumeration = Enumeration {
    id: "speaker",
    title: name("说话人", "speaker"),
    fields: &[of("phoneLogs", "speaker")],
    entries: &[text("ME", "用户", "user"), text("AI", "机器人", "robot")],
};

/// 是否是AI无法应答的问题: a boolean on the wire.
pub static AI_UNKNOWN: Enumeration = Enumeration {
    id: "ai-unknown",
    title: name("是否是AI无法应答的问题", "whether the AI could not answer"),
    fields: &[of("phoneLogs", "aiUnknown")],
    entries: &[number(0, "否", "no"), number(1, "是", "yes")],
};

/// 回答问题状态
pub static ANSWER_STATUS: Enumeration = Enumeration {
    id: "answer-status",
    title: name("回答问题状态", "answer status"),
    fields: &[of("phoneLogs", "answerStatus")],
    entries: &[
        number(0, "分支", "branch"),
        number(1, "问题", "question"),
        number(2, "忽略", "ignored").later(),
    ],
};

/// 学习状态
pub static STUDY_STATUS: Enumeration = Enumeration {
    id: "study-status",
    title: name("学习状态", "study status"),
    fields: &[of("phoneLogs", "studyStatus")],
    entries: &[number(0, "未学习", "not studied"), number(1, "已学习", "studied")],
};

/// 任务类型
pub static JOB_TYPE: Enumeration = Enumeration {
    id: "job-type",
    title: name("任务类型", "job type"),
    fields: &[of("job", "jobType")],
    entries: &[number(1, "定时", "timed"), number(2, "手动", "manual")],
};

/// 任务状态. Status 9 is 账户欠费 in the seed's table and 线路欠费 in its prose: one status.
pub static JOB_STATUS: Enumeration = Enumeration {
    id: "job-status",
    title: name("任务状态", "job status"),
    fields: &[of("job", "status")],
    entries: &[
        number(0, "未开始", "not started"),
        number(1, "进行中", "in progress"),
        number(2, "已完成", "completed"),
        number(3, "调度中", "being scheduled"),
        number(4, "手动暂停", "paused by hand"),
        number(5, "自动暂停", "paused automatically"),
        number(6, "已终止", "terminated"),
        number(7, "排队中", "queued"),
        number(8, "AI到期", "AI expired"),
        number(9, "账户欠费", "account in arrears"),
        number(10, "短信欠费", "text messages in arrears").later(),
    ],
};

/// 主叫号码类型, of jobs: a call's `callType` has no names.
pub static JOB_CALL_TYPE: Enumeration = Enumeration {
    id: "job-call-type",
    title: name("主叫号码类型", "type of the caller's number"),
    fields: &[of("job", "callType")],
    entries: &[
        number(0, "手机号", "mobile"),
        number(1, "固话", "landline"),
        number(2, "无主叫", "no caller"),
    ],
};

/// 是否发送挂机短信
pub static SMS_TYPE: Enumeration = Enumeration {
    id: "sms-type",
    title: name("是否发送挂机短信", "whether a text message follows the call"),
    fields: &[of("job", "smsType")],
    entries: &[number(0, "否", "no"), number(1, "是", "yes")],
};
