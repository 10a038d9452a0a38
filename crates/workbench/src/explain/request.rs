//! The raw request: as it went over the wire, or as a HAR file has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, raw.
    pub body: Vec<u8>,
}

/// Why something is no request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There is no empty line between headers and body.
    #[error("allowed is a raw HTTP request: a request line, headers, an empty line and the body")]
    NoHead,
    /// A HAR file without a POST that has a body.
    #[error("the HAR file has no request with a body")]
    NoRequest,
}

impl Request {
    /// A raw HTTP request, or a HAR file, of which the first request with a body counts. The request line may be missing.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(input: &[u8]) -> Result<Self, ParseError> {
        if input.first() == Some(&b'{')
            && let Ok(har) = serde_json::from_slice::<Value>(input)
        {
            return Self::of_har(&har);
        }
        let (head, body) = split(input).ok_or(ParseError::NoHead)?;
        let head = std::str::from_utf8(head).map_err(|_| ParseError::NoHead)?;
        let headers: Vec<_> = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        if headers.is_empty() {
            return Err(ParseError::NoHead);
        }
        Ok(Self {
            headers,
            body: body.to_vec(),
        })
    }

    fn of_har(har: &Value) -> Result<Self, ParseError> {
        let entries = har["log"]["entries"].as_array().into_iter().flatten();
        let request = entries
            .map(|entry| &entry["request"])
            .find(|request| request["postData"]["text"].is_string())
            .ok_or(ParseError::NoRequest)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let post = &request["postData"];
        let body = if post["encoding"] == "base64" {
            STANDARD
                .decode(text(&post["text"]))
                .map_err(|_| ParseError::NoRequest)?
        } else {
            text(&post["text"]).into_bytes()
        };
        let headers = request["headers"].as_array().into_iter().flatten();
        Ok(Self {
            headers: headers
                .map(|header| (text(&header["name"]), text(&header["value"])))
                .collect(),
            body,
        })
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Head and body, which an empty line parts.
fn split(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let find = |sep: &[u8]| {
        input
            .windows(sep.len())
            .position(|window| window == sep)
            .map(|at| (at, sep.len()))
    };
    let crlf = find(b"\r\n\r\n");
    let lf = find(b"\n\n");
    let (at, len) = [crlf, lf].into_iter().flatten().min()?;
    Some((&input[..at], &input[at + len..]))
}
