//! What the numbers of a call mean.

use std::collections::BTreeMap;

use ringback_contract::enums::{self, Name};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A value of an enumeration, with its names.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct NamedValue {
    /// What stands in the call.
    #[schema(value_type = Value, example = json!(0))]
    value: Value,
    /// Its name in Chinese.
    #[schema(example = "已接通")]
    zh: &'static str,
    /// Its name in English.
    #[schema(example = "answered")]
    en: &'static str,
}

/// What the seed writes into `secondaryCallTime` where there is no second call.
const NO_SECOND_CALL: &str = "1970-01-01 09:00:00";

/// The names of everything in the call that is an enumeration's value, by its path.
pub(super) fn names(call: &str) -> Option<BTreeMap<String, NamedValue>> {
    let data: Value = serde_json::from_str(call).ok()?;
    let mut names = BTreeMap::new();
    name_members(
        "sceneInstance",
        "sceneInstance",
        &data["sceneInstance"],
        &mut names,
    );
    name_entries("taskResult", "taskResult", &data["taskResult"], &mut names);
    name_entries(
        "phoneLogs",
        "phoneLog.phoneLogs",
        &data["phoneLog"]["phoneLogs"],
        &mut names,
    );
    let second = &data["sceneInstance"]["secondaryCallTime"];
    if second.as_str() == Some(NO_SECOND_CALL) {
        let none = Name {
            zh: "无", en: "none"
        };
        names.insert("sceneInstance.secondaryCallTime".to_owned(), named(second, none));
    }
    Some(names)
}

fn name_entries(object: &str, path: &str, entries: &Value, names: &mut BTreeMap<String, NamedValue>) {
    for (at, entry) in entries.as_array().into_iter().flatten().enumerate() {
        name_members(object, &format!("{path}[{at}]"), entry, names);
    }
}

fn name_members(object: &str, path: &str, members: &Value, names: &mut BTreeMap<String, NamedValue>) {
    for (member, value) in members.as_object().into_iter().flatten() {
        let name = enums::of_field(object, member).and_then(|enumeration| match value {
            Value::Number(number) => enumeration.by_number(number.as_i64()?),
            Value::Bool(boolean) => enumeration.by_number((*boolean).into()),
            Value::String(text) => enumeration.by_text(text),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        });
        if let Some(name) = name {
            names.insert(format!("{path}.{member}"), named(value, name));
        }
    }
}

fn named(value: &Value, name: Name) -> NamedValue {
    NamedValue {
        value: value.clone(),
        zh: name.zh,
        en: name.en,
    }
}

/// The level that a stored correction sets.
pub(crate) fn result_value(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let value = body.pointer("/data/data/taskResult/0/resultValue")?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;

    use super::*;

    /// The `data.data` of the seed's call sample, without white space.
    fn sample() -> String {
        ringback_contract::intake::current_call(samples::CALL.as_bytes(), &[]).unwrap()
    }

    #[test]
    fn the_samples_numbers_have_names() {
        let names = names(&sample()).unwrap();
        for (path, zh) in [
            ("sceneInstance.status", "已完成"),
            ("sceneInstance.finishStatus", "已接通"),
            ("sceneInstance.hangUp", "用户"),
            ("sceneInstance.secondaryCallTime", "无"),
            ("phoneLog.phoneLogs[0].speaker", "机器人"),
            ("phoneLog.phoneLogs[1].answerStatus", "问题"),
        ] {
            assert_eq!(names.get(path).map(|name| name.zh), Some(zh), "{path}: {names:?}");
        }
        assert!(!names.contains_key("sceneInstance.callType"));
        assert_eq!(names["phoneLog.phoneLogs[0].aiUnknown"].value, Value::Bool(false));
    }

    #[test]
    fn the_level_of_a_correction() {
        assert_eq!(result_value(samples::CORRECTION.as_bytes()), Some("B".to_owned()));
        assert_eq!(
            result_value(samples::CALL.as_bytes()),
            Some("C级(很少)".to_owned())
        );
        assert_eq!(result_value(b"{}"), None);
    }
}
