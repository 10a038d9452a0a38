//! What each field of each table may hold.

use super::super::fields::{CALL, Field, JOB, Type};
use super::*;

/// The path and the holds of every field of a table, with the text around a value that leads there.
fn every_field(
    table: &[Field],
    before: &str,
    after: &str,
    path: &str,
    out: &mut Vec<(String, String, String, Type)>,
) {
    for field in table {
        let before = format!(r#"{before}"{}":"#, field.name);
        let path = if path.is_empty() {
            field.name.to_owned()
        } else {
            format!("{path}.{}", field.name)
        };
        match field.holds {
            Type::Object(inner) => {
                every_field(inner, &format!("{before}{{"), &format!("}}{after}"), &path, out);
            }
            Type::Objects(inner) => every_field(
                inner,
                &format!("{before}[{{}},{{"),
                &format!("}}]{after}"),
                &format!("{path}[1]"),
                out,
            ),
            Type::Integer
            | Type::Text
            | Type::Boolean
            | Type::BooleanOrBit
            | Type::IntegerOrBoolean
            | Type::AnyObject => {}
        }
        out.push((path, before, after.to_owned(), field.holds));
    }
}

/// Each field of each table takes null and its type, and refuses every other.
#[test]
fn every_field_has_a_type() {
    let values = [
        ("null", "null"),
        ("true", "boolean"),
        ("1", "bit"),
        ("-7", "integer"),
        ("1.5", "number"),
        ("9223372036854775808", "number"),
        (r#""x""#, "text"),
        (r#""12""#, "text"),
        ("[]", "array"),
        ("[null]", "other array"),
        ("[1]", "other array"),
        ("{}", "object"),
    ];
    let required = ["companyId", "callJobId", "status"];
    let mut fields = Vec::new();
    every_field(CALL, "", "", "", &mut fields);
    let calls = fields.len();
    every_field(JOB, "", "", "", &mut fields);
    assert!(fields.len() > 100);
    for (place, (path, before, after, holds)) in fields.into_iter().enumerate() {
        let is_job = place >= calls;
        if (is_job && required.contains(&path.as_str())) || path == "sceneInstance" {
            continue;
        }
        let scene = r#""callInstanceId":7,"companyId":151"#;
        for (value, kind) in values {
            let input = if is_job {
                format!(r#"{{"companyId":1,"callJobId":2,"status":3,{before}{value}{after}}}"#)
            } else if path == "sceneInstance.callInstanceId" || path == "sceneInstance.companyId" {
                continue;
            } else if let Some(rest) = before.strip_prefix(r#""sceneInstance":{"#) {
                format!(r#"{{"sceneInstance":{{{scene},{rest}{value}{after}}}"#)
            } else {
                format!(r#"{{"sceneInstance":{{{scene}}},{before}{value}{after}}}"#)
            };
            let allowed = match holds {
                Type::Integer => ["null", "bit", "integer"].contains(&kind),
                Type::Text => ["null", "text"].contains(&kind),
                Type::Boolean => ["null", "boolean"].contains(&kind),
                Type::BooleanOrBit => ["null", "boolean", "bit"].contains(&kind),
                Type::IntegerOrBoolean => ["null", "boolean", "bit", "integer"].contains(&kind),
                Type::AnyObject | Type::Object(_) => ["null", "object"].contains(&kind),
                Type::Objects(_) => ["null", "array"].contains(&kind),
            };
            let found = parse_text(if is_job { Kind::Job } else { Kind::Call }, &input);
            match found {
                Ok(_) => assert!(allowed, "{path} takes {value}"),
                Err(invalid) => {
                    assert!(!allowed, "{path} refuses {value}: {invalid}");
                    assert!(invalid.field.starts_with(&path), "{path}: {invalid}");
                }
            }
        }
    }
}
