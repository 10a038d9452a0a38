//! Requests of commands to a running service's API.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use bytes::Bytes;
use http::{Method, StatusCode};
use ringback_workbench::client;
use serde_json::Value;

use crate::failure::Failure;

/// A service and the token for it. `Debug` is left out: it would show the token.
pub(crate) struct Api {
    base: String,
    address: SocketAddr,
    token: String,
}

/// What came back: the status, and the body as JSON (null where there is none) and as it came.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) bytes: Bytes,
}

impl Api {
    /// The API at `server`, `http://HOST` or `http://HOST:PORT`. A name is resolved once, here.
    pub(crate) fn new(server: &str, token: String) -> Result<Self, Failure> {
        let authority = server
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|rest| !rest.is_empty() && !rest.contains(['/', '@', '?']))
            .ok_or_else(|| {
                Failure::usage(["--server: allowed is http:// with a host, such as http://127.0.0.1:7700"])
            })?;
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = authority
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .ok_or_else(|| Failure::failed(format_args!("--server: the host of {server} cannot be found")))?;
        Ok(Self {
            base: format!("http://{address}"),
            address,
            token,
        })
    }

    /// Where it is, and the token for it: for who keeps connections of his own.
    pub(crate) fn into_parts(self) -> (SocketAddr, String) {
        (self.address, self.token)
    }

    /// One request. A body is JSON.
    pub(crate) async fn request(&self, method: Method, path: &str, body: String) -> Result<Answer, Failure> {
        let url = format!("{}{path}", self.base);
        let answer = client::once(
            method,
            &url,
            Some(&self.token),
            "application/json",
            Bytes::from(body),
        )
        .await
        .map_err(|error| Failure::caused(&error))?;
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok(Answer {
            status: answer.status,
            body,
            bytes: answer.body,
        })
    }

    /// A request that has to succeed: its body, or what the service says is wrong.
    pub(crate) async fn expect(&self, method: Method, path: &str, body: String) -> Result<Value, Failure> {
        let answer = self.request(method, path, body).await?;
        if answer.status.is_success() {
            Ok(answer.body)
        } else {
            Err(refused(&answer))
        }
    }
}

/// An answer that is no success: title and detail of the problem in a line, and a line for each mistake.
pub(crate) fn refused(answer: &Answer) -> Failure {
    let mut text = format!("the service answered {}", answer.status.as_u16());
    for member in ["title", "detail"] {
        if let Some(words) = answer.body[member].as_str() {
            text.push_str(": ");
            text.push_str(words.trim_end_matches('.'));
        }
    }
    let mut failure = Failure::failed(text);
    let mistakes = answer.body["errors"].as_array();
    // It came from the command line, where it has another name.
    let is_company = |mistake: &Value| {
        let detail = mistake["detail"].as_str().unwrap_or_default();
        mistake["field"] == "companyId" && detail.starts_with("is missing")
    };
    if mistakes.is_some_and(|mistakes| mistakes.len() == 1 && is_company(&mistakes[0])) {
        return Failure::usage([
            "--company is missing: allowed is the id of a company, such as --company 151",
        ]);
    }
    // A single one is in the detail.
    let mistakes = mistakes.filter(|mistakes| mistakes.len() > 1);
    for mistake in mistakes.into_iter().flatten() {
        let words = |member: &str| mistake[member].as_str().unwrap_or_default().to_owned();
        failure.add(format_args!("{}: {}", words("field"), words("detail")));
    }
    failure
}

/// The token from the option or the environment, or from the first line of the file.
pub(crate) fn token(text: Option<&str>, file: Option<&Path>) -> Result<String, Failure> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::failed(format_args!("{} cannot be read: {error}", path.display())))?;
        return Ok(text.trim().to_owned());
    }
    text.filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::usage([
                "a token is needed: --token, --token-file or the variable RINGBACK_OPERATOR_TOKEN",
            ])
        })
}
