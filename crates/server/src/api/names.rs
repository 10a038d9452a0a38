//! The enumerations of the API as OpenAPI schemas, from the lists that the code itself uses.

use std::borrow::Cow;

use ringback_contract::ack::AckRule;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::Preset;
use ringback_contract::wire::ContentType;
use ringback_core::audit::Action;
use ringback_core::delivery::{Outcome, State};
use ringback_core::replay::ReplayState;
use ringback_core::token::Scope;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// A schema of strings with these names.
macro_rules! named {
    ($name:ident, $title:literal, $description:literal, $values:expr) => {
        #[doc = $description]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some($values))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($title)
            }
        }
    };
}

named!(
    KindName,
    "Kind",
    "The kind of a callback: call result, intent correction, inbound call result, job status.",
    Kind::ALL.map(Kind::name)
);
named!(
    ActionName,
    "AuditAction",
    "What was done.",
    Action::ALL.map(Action::name)
);
named!(
    StateName,
    "State",
    "The state of a delivery. The settled ones (delivered, exhausted, cancelled) never change.",
    State::ALL.map(State::name)
);
named!(
    OutcomeName,
    "Outcome",
    "What became of a send: acknowledged; 2xx but not acknowledged; another status; no answer; too late; not allowed by \
     the address policy.",
    Outcome::ALL.map(Outcome::name)
);
named!(
    ScopeName,
    "Scope",
    "What a token allows: everything; handing over events; reading, repairing and the endpoints of its own company; \
     reading.",
    Scope::ALL.map(Scope::name)
);
named!(
    AckRuleName,
    "AckRule",
    "When an answer acknowledges: `success`, the body is `success` or an object whose `resultMsg` is; `success-or-code`, \
     or an object whose `code` is 200; `status`, any 2xx.",
    AckRule::ALL.map(AckRule::name)
);
named!(
    DateTimeFormName,
    "DateTimeForm",
    "The form of `dateTime`: `Thu, 24 Jan 2019 07:28:09 GMT` or `Thu Oct 16 07:13:48 GMT 2014`.",
    DateTimeForm::ALL.map(DateTimeForm::name)
);
named!(
    ContentTypeName,
    "ContentType",
    "`application/json;charset=utf-8`, or `text/plain;charset=utf-8` for receivers that answer 415 to the first.",
    ContentType::ALL.map(ContentType::name)
);
named!(
    ProfileName,
    "Profile",
    "The shape of the body: the seed's (`v1`), or the later, slim one without nulls (`v2`).",
    ["v1", "v2"]
);
named!(
    OrderName,
    "Order",
    "`key`: events of one call, and of one job, go out in the order in which they were accepted. `key-hold`: the same, and \
     a job's status 2 or 6 waits for the job's calls. `none`: nothing waits.",
    ["none", "key", "key-hold"]
);
named!(
    WaitingName,
    "WaitingReason",
    "`order`: an earlier event of the same call or job is still open at this endpoint. `hold`: a job's final status waits \
     for the job's calls. What is due may be behind the endpoint's `breaker`, `rate-limit` or `in-flight` limit, or behind \
     what all endpoints together may have under way (`load`).",
    ["order", "hold", "breaker", "rate-limit", "in-flight", "load"]
);
named!(
    ReplayedName,
    "ReplayedState",
    "What can be sent once more: deliveries in a state but pending, and `unwanted` events, which have no deliveries.",
    ["delivered", "exhausted", "parked", "cancelled", "unwanted"]
);
named!(
    ReplayStateName,
    "ReplayState",
    "How a replay stands. Done and cancelled never change.",
    ReplayState::ALL.map(ReplayState::name)
);
named!(
    BreakerName,
    "Breaker",
    "Whether a run of unreachable, timed-out or 5xx sends pauses the endpoint.",
    ["on", "off"]
);
named!(
    PresetName,
    "SchedulePreset",
    "A published schedule.",
    Preset::ALL.map(Preset::name)
);

/// The schedule of an endpoint: a preset's name, or gaps and a maximum age.
pub(crate) struct ScheduleSchema;

impl PartialSchema for ScheduleSchema {
    fn schema() -> RefOr<Schema> {
        let duration = |description: &str| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(description))
        };
        let custom = ObjectBuilder::new()
            .property(
                "gaps",
                ArrayBuilder::new()
                    .items(duration("500ms to 24h"))
                    .max_items(Some(100)),
            )
            .property("maxAge", duration("1ms to 720h"))
            .required("gaps")
            .required("maxAge")
            .examples([serde_json::json!({"gaps": ["1s", "2s"], "maxAge": "24h"})]);
        OneOfBuilder::new()
            .item(Ref::from_schema_name(PresetName::name()))
            .item(custom)
            .description(Some(
                "When a failed send is repeated: the gaps after each, counted from its end, and the age at which a delivery \
                 ends. A preset, or a list of up to 100 gaps.",
            ))
            .into()
    }
}

impl ToSchema for ScheduleSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Schedule")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PresetName::name().into_owned(), PresetName::schema()));
    }
}
