//! The v2 objects as data: which members there are, in which order, and what each is made of.

use crate::kind::Kind;

/// An object of v2.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its members, in their order.
    pub(super) fields: &'static [Field],
    /// Members of v1 that v2 does not have.
    pub(super) left_out: &'static [&'static str],
    /// Whether members that are in neither list follow.
    pub(super) keeps_unknown: bool,
}

/// A member of v2.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// The member of v1 that it is made of. Where that has nothing, one of v2's own name is taken.
    pub(super) from: &'static str,
    pub(super) how: How,
}

/// How a member is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// As it is, nulls aside.
    Copied,
    /// A boolean as 0 or 1.
    Bit,
    /// An object of this shape.
    Shaped(&'static Shape),
    /// An array of objects of this shape.
    Each(&'static Shape),
    /// An object that may be inside a string.
    Unquoted,
    /// An array of objects of this shape that may be inside a string.
    UnquotedEach(&'static Shape),
    /// The array of this name inside the object, with entries of this shape.
    Inner(&'static str, &'static Shape),
    /// As it is, or where the intake has nothing, the recording that `phoneLog` tells.
    Recording,
    /// As it is, or where the intake has nothing, what `corpName` tells.
    CalledTimes,
    /// The level's letter, if it is a 客户意向等级.
    Level,
    /// As it is, or where a job's status is final, its `gmtModified`.
    EndTime,
}

const fn made(name: &'static str, from: &'static str, how: How) -> Field {
    Field { name, from, how }
}

const fn copied(name: &'static str) -> Field {
    made(name, name, How::Copied)
}

const fn slim(fields: &'static [Field]) -> Shape {
    Shape {
        fields,
        left_out: &[],
        keeps_unknown: false,
    }
}

/// The `data.data` of a kind.
pub(super) const fn of(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Call | Kind::Inbound => &CALL,
        Kind::Correction => &CORRECTION,
        Kind::Job => &JOB,
    }
}

static CALL: Shape = Shape {
    fields: &[
        made("callInstance", "sceneInstance", How::Shaped(&CALL_INSTANCE)),
        made("taskResult", "taskResult", How::Each(&TASK_RESULT)),
        made("phoneLogs", "phoneLog", How::Inner("phoneLogs", &PHONE_LOG)),
        copied("callRepeat"),
        copied("jobPhoneInfos"),
    ],
    left_out: &["jobFinished", "sign", "dateTime"],
    keeps_unknown: true,
};

static CALL_INSTANCE: Shape = Shape {
    fields: &[
        copied("callInstanceId"),
        copied("inboundInstanceId"),
        copied("companyId"),
        copied("callUserId"),
        copied("callJobId"),
        copied("customerId"),
        copied("customerTelephone"),
        copied("customerName"),
        made("callInstanceStatus", "status", How::Copied),
        copied("finishStatus"),
        copied("duration"),
        copied("chatRound"),
        copied("startTime"),
        copied("endTime"),
        copied("callerPhone"),
        copied("calleePhone"),
        made("luyinOssUrl", "luyinOssUrl", How::Recording),
        copied("userLuyinOssUrl"),
        made("properties", "properties", How::Unquoted),
        copied("callType"),
        copied("jobName"),
        copied("robotDefId"),
        copied("robotDefName"),
        copied("hangUp"),
        made("calledTimes", "calledTimes", How::CalledTimes),
        made("collectProperties", "collectProperties", How::Unquoted),
        copied("transferred"),
        copied("transferStatus"),
        copied("transferInfo"),
        copied("userLevel"),
        copied("propertiesMap"),
    ],
    left_out: &[
        "handlePerson",
        "callIndex",
        "readStatus",
        "sceneDefId",
        "sceneRecordId",
        "corpName",
        "industry",
        "trackResult",
        "bugType",
        "secondaryCallTime",
        "secondaryCallTimes",
        "cost",
        "callbacked",
        "csStaffId",
        "gmtCreate",
        "gmtModified",
    ],
    keeps_unknown: true,
};

static TASK_RESULT: Shape = slim(&[
    copied("resultName"),
    made("resultValue", "resultValue", How::Level),
    copied("resultDesc"),
    copied("resultLabels"),
]);

static PHONE_LOG: Shape = Shape {
    fields: &[
        copied("sceneInstanceLogId"),
        copied("sceneInstanceId"),
        copied("companyId"),
        copied("robotDefId"),
        copied("decisionId"),
        copied("speaker"),
        copied("content"),
        copied("userMean"),
        made("userMeanDetail", "userMeanDetail", How::UnquotedEach(&USER_MEAN)),
        made("aiUnknown", "aiUnknown", How::Bit),
        copied("answerStatus"),
        copied("studyStatus"),
        copied("startTime"),
        copied("endTime"),
        copied("knowledgeBaseId"),
        copied("correctionContent"),
    ],
    left_out: &["gmtCreate", "gmtModified"],
    keeps_unknown: true,
};

static USER_MEAN: Shape = slim(&[copied("answer"), copied("score")]);

static CORRECTION: Shape = slim(&[made("taskResult", "taskResult", How::Each(&CORRECTED))]);

static CORRECTED: Shape = slim(&[
    copied("companyId"),
    copied("sceneInstanceId"),
    copied("resultName"),
    made("resultValue", "resultValue", How::Level),
]);

static JOB: Shape = slim(&[
    copied("companyId"),
    copied("callJobId"),
    made("callJobStatus", "status", How::Copied),
    copied("jobName"),
    made("updateTime", "gmtModified", How::Copied),
    made("endTime", "endTime", How::EndTime),
]);
