//! The golden file of the API's description.

use std::collections::BTreeSet;
use std::path::Path;

use ringback_contract::samples;

use super::*;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

#[test]
fn the_document_is_the_golden_file() {
    let text = text();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden().parent().unwrap()).unwrap();
        std::fs::write(golden(), &text).unwrap();
    }
    let expected = std::fs::read_to_string(golden()).unwrap_or_default();
    assert!(
        text == expected,
        "docs/openapi.json is not what the code says; UPDATE_GOLDEN=1 with this test rewrites it"
    );
}

/// Every `$ref` in the document, with where it stands.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "$ref" {
                    found.insert(value.as_str().unwrap().to_owned());
                }
                references(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let defined: BTreeSet<String> = schemas
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    assert_eq!(found, defined);
}

/// The names of every object's members in the document.
fn members<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            let properties = object.get("properties").and_then(Value::as_object);
            found.extend(
                properties
                    .into_iter()
                    .flat_map(|it| it.keys().map(String::as_str)),
            );
            object.values().for_each(|value| members(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A name of Rust's that nobody renamed would describe a member that there is not.
#[test]
fn members_are_named_as_in_json() {
    let document = document();
    let mut found = BTreeSet::new();
    members(&document["components"], &mut found);
    let odd: Vec<_> = found.iter().filter(|name| name.contains('_')).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn every_operation_is_described() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            assert!(operation["tags"][0].is_string(), "{place} has no tag");
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id), "{place} has the operationId of another operation");
            for name in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                let name = name.strip_suffix('}').unwrap();
                let described = operation["parameters"].as_array().unwrap().iter();
                let described = described
                    .filter(|p| p["name"] == name && p["in"] == "path")
                    .count();
                assert_eq!(described, 1, "{place} does not describe {name}");
            }
        }
    }
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_member_of_a_schema_is_described() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let parts = schema["allOf"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![schema.clone()]);
        for part in parts {
            for (member, value) in part["properties"].as_object().into_iter().flatten() {
                let description = [
                    &value["description"],
                    &value["oneOf"][0]["description"],
                    &value["$ref"],
                ];
                let is_described = description.iter().any(|text| text.is_string());
                assert!(is_described, "{name}.{member}");
            }
        }
    }
}

#[test]
fn the_callbacks_are_the_samples() {
    let document = document();
    let webhooks = document["webhooks"].as_object().unwrap();
    assert_eq!(
        webhooks.keys().collect::<Vec<_>>(),
        ["call", "correction", "inbound", "job"]
    );
    let content = |kind: &str| webhooks[kind]["post"]["requestBody"]["content"]["application/json"].clone();
    for (kind, v1, v2) in [
        ("call", samples::CALL, samples::V2_CALL),
        ("correction", samples::CORRECTION, samples::V2_CORRECTION),
        ("job", samples::JOB, samples::V2_JOB),
    ] {
        for (profile, sample) in [("v1", v1), ("v2", v2)] {
            let sample: Value = serde_json::from_str(sample).unwrap();
            assert_eq!(
                content(kind)["examples"][profile]["value"],
                sample,
                "{kind} {profile}"
            );
        }
    }
    let data = |kind: &str, shape: usize| {
        let shape = &content(kind)["schema"]["oneOf"][shape];
        shape["properties"]["data"]["properties"]["data"]["properties"].clone()
    };
    let scene = &data("inbound", 0)["sceneInstance"];
    assert!(scene["properties"]["inboundInstanceId"].is_object());
    assert!(scene["properties"]["callInstanceId"].is_null());
    let status = scene["properties"]["finishStatus"]["description"]
        .as_str()
        .unwrap();
    assert!(status.contains("0 已接通 ("), "{status}");
    for (shape, name) in [(0, "status"), (1, "callJobStatus")] {
        let described = data("job", shape)[name]["description"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(described.contains("4 手动暂停 ("), "{name}");
    }
}

#[test]
fn the_routes_that_are_counted_are_those_that_there_are() {
    let document = document();
    let routes: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(routes, BTreeSet::from(crate::api::ROUTES));
}
