//! The API of a running service.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;

use super::http::{self, Response};

/// A token that is long enough.
pub(crate) const TOKEN: &str = "a-token-for-tests-0123456789abcdef";

/// A service and the token for it.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    token: String,
}

impl Api {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            token: token.to_owned(),
        }
    }

    /// One request with a JSON body, or none where it is empty.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> io::Result<Response> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        http::request(self.address, method, path, &headers, body)
    }

    /// A request that has to be answered with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, method: &str, path: &str, body: &str) -> Value {
        let answer = self.request(method, path, body).expect("the service answers");
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.expect(200, "GET", path, "")
    }
}
