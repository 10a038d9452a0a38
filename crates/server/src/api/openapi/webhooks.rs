//! The callbacks, as `webhooks` of the OpenAPI document. Their schemas follow from the seed's samples and from the
//! enumerations, so that they cannot tell anything else than what is sent.

use ringback_contract::enums::{self, Enumeration};
use ringback_contract::kind::Kind;
use ringback_contract::{headers, samples, v2};
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required, ResponseBuilder, ResponsesBuilder};

/// The callbacks, by the name of their kind.
pub(super) fn all() -> Paths {
    Kind::ALL
        .into_iter()
        .fold(PathsBuilder::new(), |paths, kind| {
            paths.path(kind.name(), PathItem::new(HttpMethod::Post, operation(kind)))
        })
        .build()
}

fn operation(kind: Kind) -> OperationBuilder {
    let description = match kind {
        Kind::Call => "A call has finished.",
        Kind::Correction => {
            "A person changed the customer intent level (客户意向等级) of a call. It has the `dataType` of a call result, but \
             no `sceneInstance`."
        }
        Kind::Inbound => {
            "An inbound call has finished. A call result with `inboundInstanceId` for `callInstanceId` and `calleePhone` for \
             `callerPhone`, and with `transferStatus`, `transferInfo`, `userLevel` and `propertiesMap`."
        }
        Kind::Job => "A job has a new status.",
    };
    let sample = sample(kind);
    let later = in_v2(&sample);
    let shapes = OneOfBuilder::new()
        .item(schema("", "", &sample))
        .item(schema("", "", &later))
        .description(Some("By the profile of the endpoint: v1, or v2."));
    let example = |value: Value| ExampleBuilder::new().value(Some(value)).build();
    let content = ContentBuilder::new()
        .schema(Some(shapes))
        .examples_from_iter([("v1", example(sample)), ("v2", example(later))])
        .build();
    let body = RequestBodyBuilder::new()
        .description(Some(
            "The same bytes on every send. Fields may be null or absent, and there may be further ones. An endpoint with profile \
             v2 gets the later, slim shape, which has no nulls.",
        ))
        .content("application/json", content)
        .required(Some(Required::True))
        .build();
    let acknowledged = ResponseBuilder::new()
        .description(
            "Acknowledged by the endpoint's ack rule: by default the body is the text `success`, or a JSON object whose \
             `resultMsg` is. Everything else is sent again by the schedule.",
        )
        .content(
            "text/plain",
            ContentBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .example(Some("success".into()))
                .build(),
        );
    let operation = OperationBuilder::new()
        .operation_id(Some(format!("on{}", capitalised(kind.name()))))
        .summary(Some(format!("{} ({})", kind.zh(), kind.en())))
        .description(Some(description))
        .securities(Some([]))
        .request_body(Some(body))
        .responses(ResponsesBuilder::new().response("200", acknowledged).build());
    HEADERS
        .into_iter()
        .fold(operation, |operation, (name, description)| {
            operation.parameter(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Header)
                    .required(Required::True)
                    .description(Some(description))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                    .build(),
            )
        })
}

const HEADERS: [(&str, &str); 4] = [
    (
        headers::WEBHOOK_ID,
        "The id of the event, the same on every send and resend. Ids sort by acceptance: what sorts before the newest of its \
         call or job may be dropped.",
    ),
    (
        headers::WEBHOOK_TIMESTAMP,
        "The time of this send, in seconds since 1970.",
    ),
    (
        headers::WEBHOOK_SIGNATURE,
        "Standard Webhooks signatures over id, timestamp and the raw body, separated by spaces; several while a secret is \
         rotated.",
    ),
    (
        headers::RINGBACK_SEND,
        "Which send of the delivery this is, from 1.",
    ),
];

fn sample(kind: Kind) -> Value {
    let text = match kind {
        Kind::Call | Kind::Inbound => samples::CALL,
        Kind::Correction => samples::CORRECTION,
        Kind::Job => samples::JOB,
    };
    let mut sample: Value = serde_json::from_str(text).unwrap_or_default();
    if kind == Kind::Inbound {
        make_inbound(&mut sample);
    }
    sample
}

/// The sample in the shape of v2. Its members are sorted here, not when they are sent.
fn in_v2(sample: &Value) -> Value {
    let body = v2::render(v2::Version::LATEST, sample.to_string().as_bytes());
    body.ok()
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default()
}

/// Makes an inbound call result of the call sample, by the contract's section 1.
fn make_inbound(sample: &mut Value) {
    sample["data"]["dataType"] = Kind::Inbound.data_type().into();
    let data = &mut sample["data"]["data"];
    if let Some(data) = data.as_object_mut() {
        data.remove("jobFinished");
    }
    if let Some(scene) = data["sceneInstance"].as_object_mut() {
        for (from, to) in [
            ("callInstanceId", "inboundInstanceId"),
            ("callerPhone", "calleePhone"),
        ] {
            if let Some(value) = scene.remove(from) {
                scene.insert(to.to_owned(), value);
            }
        }
        scene.insert("transferStatus".to_owned(), 0.into());
        scene.insert("transferInfo".to_owned(), Value::Null);
        scene.insert("userLevel".to_owned(), Value::Null);
        scene.insert("propertiesMap".to_owned(), Value::Object(serde_json::Map::new()));
    }
    for entry in data["taskResult"].as_array_mut().into_iter().flatten() {
        entry["callJobId"] = Value::Null;
    }
}

/// The schema of a value of the sample. `object` is what the enumerations call the object that has the member `name`.
fn schema(object: &str, name: &str, value: &Value) -> RefOr<Schema> {
    match value {
        Value::Object(members) => {
            let inner = object_name(name);
            members
                .iter()
                .fold(ObjectBuilder::new(), |object, (member, value)| {
                    object.property(member, schema(inner, member, value))
                })
                .into()
        }
        Value::Array(entries) => {
            let items = entries.first().map_or_else(
                || ObjectBuilder::new().schema_type(SchemaType::AnyValue).into(),
                |first| schema(object, name, first),
            );
            ArrayBuilder::new().items(items).into()
        }
        Value::Null => scalar(object, name, SchemaType::AnyValue),
        Value::Bool(_) => scalar(object, name, nullable(Type::Boolean)),
        Value::Number(_) => scalar(object, name, nullable(Type::Integer)),
        Value::String(_) => scalar(object, name, nullable(Type::String)),
    }
}

fn nullable(of: Type) -> SchemaType {
    SchemaType::Array(vec![of, Type::Null])
}

fn scalar(object: &str, name: &str, schema_type: SchemaType) -> RefOr<Schema> {
    let plain = ObjectBuilder::new().schema_type(schema_type);
    match enums::of_field(object, field_name(name)) {
        Some(enumeration) => plain.description(Some(described(enumeration))).into(),
        None => plain.into(),
    }
}

/// `通话状态 (call finish status): 0 已接通 (answered), …`
fn described(enumeration: &Enumeration) -> String {
    let entries: Vec<String> = enumeration
        .entries
        .iter()
        .map(|entry| {
            let value = match entry.value {
                enums::Value::Number(number) => number.to_string(),
                enums::Value::Text(text) => text.to_owned(),
            };
            format!("{value} {} ({})", entry.name.zh, entry.name.en)
        })
        .collect();
    let title = enumeration.title;
    format!("{} ({}): {}", title.zh, title.en, entries.join(", "))
}

/// The enumerations' name of the object in a member: a job's members lie in `data` itself.
fn object_name(member: &str) -> &str {
    match member {
        "data" => "job",
        "callInstance" => "sceneInstance",
        other => other,
    }
}

/// The enumerations' name of a member.
fn field_name(member: &str) -> &str {
    match member {
        "callInstanceStatus" | "callJobStatus" => "status",
        other => other,
    }
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}
