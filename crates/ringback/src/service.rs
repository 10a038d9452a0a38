//! The arguments of every command that asks a running service, and the shapes of what it prints.

use std::path::PathBuf;

use http::Method;
use serde_json::Value;

use crate::api::{self, Api};
use crate::failure::Failure;
use crate::output;

/// Where the service is, and how to be let in.
#[derive(clap::Args)]
pub(crate) struct Service {
    /// The service
    #[arg(
        long,
        value_name = "URL",
        env = "RINGBACK_SERVER",
        default_value = "http://127.0.0.1:7700"
    )]
    pub(crate) server: String,
    /// A token that is valid
    #[arg(
        long,
        value_name = "TOKEN",
        env = "RINGBACK_OPERATOR_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// A file with such a token; it wins over the environment
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Service {
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        Api::new(
            &self.server,
            api::token(self.token.as_deref(), self.token_file.as_deref())?,
        )
    }

    /// Gets something.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.api()?.expect(Method::GET, path, String::new()).await
    }

    /// Gets something and prints it: with `--json` as it came, since the order and the numbers of an event's body say what was
    /// sent; otherwise as `show` says it.
    pub(crate) async fn show(
        &self,
        path: &str,
        show: impl FnOnce(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let answer = self.api()?.request(Method::GET, path, String::new()).await?;
        if !answer.status.is_success() {
            return Err(api::refused(&answer));
        }
        if self.json {
            let text = String::from_utf8_lossy(&answer.bytes);
            output::data(format_args!("{}\n", text.trim_end()))
        } else {
            show(&answer.body)
        }
    }

    /// Asks for something that takes no body.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Result<Value, Failure> {
        self.api()?.expect(method, path, String::new()).await
    }

    /// Sends a body.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        self.api()?.expect(method, path, body.to_string()).await
    }

    /// Prints an answer: as JSON where that was asked for, otherwise as `show` says it.
    pub(crate) fn print(
        &self,
        answer: &Value,
        show: impl FnOnce(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json {
            output::json(answer)
        } else {
            show(answer)
        }
    }

    /// The items of a list, from its first page on, until `most` or the list's end; with `--json` each is a line. Tells
    /// whether there is more.
    pub(crate) async fn pages(
        &self,
        path: &str,
        query: &str,
        most: usize,
    ) -> Result<(Vec<Value>, bool), Failure> {
        let api = self.api()?;
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let limit = (most - items.len()).clamp(1, PAGE);
            let mut url = format!("{path}?limit={limit}");
            if !query.is_empty() {
                url.push('&');
                url.push_str(query);
            }
            if let Some(cursor) = &cursor {
                url.push_str("&cursor=");
                url.push_str(cursor);
            }
            let mut page = api.expect(Method::GET, &url, String::new()).await?;
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok((items, cursor.is_some()));
            }
        }
    }
}

/// Items per request: the API's limit.
const PAGE: usize = 500;

/// Prints a list: rows for people, or a JSON line per item.
pub(crate) fn list(
    service: &Service,
    items: &[Value],
    more: bool,
    header: &[&str],
    row: impl Fn(&Value) -> Vec<String>,
) -> Result<(), Failure> {
    if service.json {
        for item in items {
            output::json(item)?;
        }
    } else if items.is_empty() {
        output::note("nothing found");
    } else {
        output::table(header, items.iter().map(row))?;
    }
    if more {
        output::note(format_args!("there is more: --limit is {}", items.len()));
    }
    Ok(())
}

/// A member as people read it: text as it is, nothing as a hyphen.
pub(crate) fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    }
}

/// Every member of an object, a line each; what is an object itself stays JSON.
pub(crate) fn members(value: &Value) -> Result<(), Failure> {
    let Value::Object(object) = value else {
        return output::json(value);
    };
    let width = object.keys().map(String::len).max().unwrap_or_default();
    // Further lines of a value stand under its first, so that none of them looks like another member.
    let indent = format!("\n{:width$}  ", "");
    for name in object.keys() {
        let value = text(value, name).replace('\n', &indent);
        output::line(format_args!("{name:<width$}  {value}"))?;
    }
    Ok(())
}

/// A name or an id as a part of a path; what a path could not hold is refused.
pub(crate) fn part<'a>(what: &str, text: &'a str) -> Result<&'a str, Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(Failure::usage([format!(
            "{what}: allowed are a-z, A-Z, 0-9, point, underscore and hyphen"
        )]))
    }
}
