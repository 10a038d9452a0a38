//! The fields of the callbacks as data: which names there are, and what each may hold on intake.
//!
//! The type is the seed's table's, or where the contract's section 3 decides otherwise, that of its column
//! *On the wire*. A field that is in no table here is unknown, and kept as it came. The order is the samples'.

/// What a field may hold, besides null.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    /// A number written as an integer that fits 64 bits.
    Integer,
    /// A string. Dates are strings, passed on as they came.
    Text,
    /// A boolean.
    Boolean,
    /// A boolean; the numbers 0 and 1 are accepted and become one.
    BooleanOrBit,
    /// An integer; a boolean is accepted and becomes 0 or 1.
    IntegerOrBoolean,
    /// An object of any members.
    AnyObject,
    /// An object of these fields.
    Object(&'static [Field]),
    /// An array of objects of these fields.
    Objects(&'static [Field]),
}

/// One field: its name on the wire, and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) holds: Type,
    /// Another name by which the field is accepted on intake.
    pub(crate) alias: Option<Alias>,
}

/// Another name of a field, and its real one with quotes, to be put in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    pub(crate) name: &'static str,
    pub(crate) real_quoted: &'static str,
}

const fn field(name: &'static str, holds: Type) -> Field {
    Field {
        name,
        holds,
        alias: None,
    }
}

const fn integer(name: &'static str) -> Field {
    field(name, Type::Integer)
}

const fn text(name: &'static str) -> Field {
    field(name, Type::Text)
}

impl Field {
    const fn or(self, alias: &'static str, real_quoted: &'static str) -> Self {
        Self {
            alias: Some(Alias {
                name: alias,
                real_quoted,
            }),
            ..self
        }
    }
}

/// `data.data` of a call result or an inbound call result. `sign` is missing because it is ignored.
pub(crate) const CALL: &[Field] = &[
    field("sceneInstance", Type::Object(SCENE_INSTANCE)),
    field("taskResult", Type::Objects(TASK_RESULT)),
    field("phoneLog", Type::Object(PHONE_LOG)),
    field("jobFinished", Type::Boolean),
    text("dateTime"),
];

/// `sceneInstance` of calls, with the fields that inbound calls have instead or besides [later]. Of those the
/// contract gives no type for `transferInfo` and `userLevel`: they are passed on unchecked.
const SCENE_INSTANCE: &[Field] = &[
    integer("callInstanceId"),
    integer("inboundInstanceId"),
    integer("companyId"),
    integer("callUserId"),
    integer("callJobId"),
    integer("customerId"),
    text("customerTelephone"),
    text("customerName"),
    integer("status"),
    integer("finishStatus"),
    integer("duration"),
    integer("chatRound"),
    text("startTime"),
    text("endTime"),
    text("callerPhone"),
    text("calleePhone"),
    text("luyinOssUrl").or("luyunOssUrl", r#""luyinOssUrl""#),
    text("userLuyinOssUrl"),
    text("properties"),
    text("handlePerson"),
    integer("callType"),
    integer("callIndex"),
    integer("readStatus"),
    text("jobName"),
    integer("robotDefId").or("robotDef", r#""robotDefId""#),
    integer("sceneDefId"),
    integer("sceneRecordId"),
    text("corpName"),
    text("industry"),
    text("trackResult"),
    text("bugType"),
    integer("hangUp"),
    text("secondaryCallTime"),
    integer("secondaryCallTimes"),
    integer("cost"),
    integer("callbacked"),
    integer("csStaffId"),
    text("gmtCreate"),
    text("gmtModified"),
    integer("transferStatus"),
    field("propertiesMap", Type::AnyObject),
];

const TASK_RESULT: &[Field] = &[
    integer("sceneInstanceResultId"),
    integer("companyId"),
    integer("callJobId"),
    integer("sceneInstanceId"),
    text("resultName"),
    text("resultValue"),
    text("artificialResultValue"),
    field("artificialChanged", Type::IntegerOrBoolean),
    text("resultDesc"),
    text("extra"),
    text("analyzeType"),
    text("gmtCreate"),
    text("gmtModified"),
    text("resultValueAlias"),
    field("resultLabels", Type::Objects(RESULT_LABEL)),
    text("resultValueNew"),
];

const RESULT_LABEL: &[Field] = &[integer("key"), text("value")];

const PHONE_LOG: &[Field] = &[
    field("phoneLogs", Type::Objects(PHONE_LOG_ENTRY)),
    text("luyinOssUrl"),
];

const PHONE_LOG_ENTRY: &[Field] = &[
    integer("sceneInstanceLogId"),
    integer("sceneInstanceId"),
    integer("companyId"),
    integer("robotDefId"),
    integer("decisionId"),
    text("speaker"),
    text("content"),
    text("userMean"),
    text("userMeanDetail"),
    field("aiUnknown", Type::BooleanOrBit),
    integer("answerStatus"),
    integer("studyStatus"),
    integer("startTime"),
    integer("endTime"),
    text("gmtCreate"),
    text("gmtModified"),
    integer("knowledgeBaseId"),
    text("correctionContent"),
];

/// `data.data` of a job status.
pub(crate) const JOB: &[Field] = &[
    integer("callJobId"),
    integer("companyId"),
    text("jobName"),
    integer("jobType"),
    text("startDate"),
    text("endDate"),
    text("workingStartTime"),
    text("workingEndTime"),
    text("breakStartTime"),
    text("breakEndTime"),
    integer("status"),
    integer("callType"),
    integer("robotDefId"),
    integer("sceneDefId"),
    integer("sceneRecordId"),
    text("remark"),
    integer("smsType"),
    text("smsCondition"),
    text("smsTemplateId"),
    integer("userId"),
    text("userName"),
    text("ip"),
    text("hostName"),
    integer("version"),
    text("secondaryStartTime"),
    field("jobIsDelete", Type::Boolean),
    text("gmtCreate"),
    text("gmtModified"),
];
