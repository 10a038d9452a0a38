//! Making and changing what the API takes by PUT: whole from a file, or member by member.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::api;
use crate::failure::Failure;
use crate::service::Service;

/// What is put.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Members {
    /// Members to set: name=value, where the value is JSON or else text; an empty value is null
    #[arg(value_name = "NAME=VALUE")]
    members: Vec<String>,
    /// A file with all settings as a JSON object, which replaces what there is; - is stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Members whose secret parts are never shown; a PUT without them keeps them.
const SECRET: [&str; 4] = ["appSecret", "secret", "credentials", "clientCertificate"];

/// Puts the settings at a path, which the API describes under the name `schema`. Members that are not given stay as they
/// are.
pub(crate) async fn put(
    service: &Service,
    path: &str,
    schema: &str,
    members: &Members,
) -> Result<Value, Failure> {
    let body = match &members.file {
        Some(file) => whole(file)?,
        None => changed(present(service, path, schema).await?, &members.members)?,
    };
    service.send(Method::PUT, path, &Value::Object(body)).await
}

/// The settings as they are, none where there is nothing yet: of what is shown, what a PUT takes.
pub(crate) async fn present(
    service: &Service,
    path: &str,
    schema: &str,
) -> Result<Map<String, Value>, Failure> {
    let answer = service.api()?.request(Method::GET, path, String::new()).await?;
    match (answer.status, answer.body) {
        (StatusCode::OK, Value::Object(present)) => {
            let document = ringback_server::api::document();
            let takes = &document["components"]["schemas"][schema]["properties"];
            let kept = |name: &str| !takes[name].is_null() && !SECRET.contains(&name);
            Ok(present.into_iter().filter(|(name, _)| kept(name)).collect())
        }
        (StatusCode::NOT_FOUND, _) => Ok(Map::new()),
        (status, body) => Err(api::refused(&api::Answer {
            status,
            body,
            bytes: answer.bytes,
        })),
    }
}

fn changed(mut present: Map<String, Value>, members: &[String]) -> Result<Map<String, Value>, Failure> {
    for member in members {
        let (name, value) = member
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::usage(["NAME=VALUE: allowed is a name, an equals sign and a value"]))?;
        let value = if value.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
        };
        present.insert(name.to_owned(), value);
    }
    Ok(present)
}

fn whole(file: &Path) -> Result<Map<String, Value>, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Failure::failed(format_args!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::failed(format_args!(
            "{}: allowed is a JSON object; line {}, column {}",
            file.display(),
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_json_or_text_and_the_others_stay() {
        for (member, name, value) in [
            ("enabled=false", "enabled", json!(false)),
            ("maxInFlight=8", "maxInFlight", json!(8)),
            ("schedule=seed-10", "schedule", json!("seed-10")),
            ("url=http://h/?a=b", "url", json!("http://h/?a=b")),
            ("headers={\"X-A\": \"b\"}", "headers", json!({"X-A": "b"})),
            ("tlsCa=", "tlsCa", Value::Null),
        ] {
            let Value::Object(present) = json!({"kept": 1, "url": "x"}) else {
                unreachable!()
            };
            let changed = changed(present, &[member.to_owned()]).unwrap();
            assert_eq!(
                (&changed[name], &changed["kept"]),
                (&value, &json!(1)),
                "{member}"
            );
        }
        for member in ["enabled", "=1"] {
            assert_eq!(changed(Map::new(), &[member.to_owned()]).unwrap_err().code, 2);
        }
    }
}
