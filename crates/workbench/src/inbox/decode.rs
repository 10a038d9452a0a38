//! From the body of a request to the callback's JSON text: what senders wrap around it.
//!
//! Content types are not believed. Some senders call JSON `text/plain` or `application/x-www-form-urlencoded`; some
//! send a form, with the callback in a field, or with the whole of it as the name of one; some begin with a byte order
//! mark. All of that is read. What holds no JSON object is an error.

use bytes::Bytes;
use ringback_core::limits;
use serde_json::Value;
use url::form_urlencoded;

/// Names of fields that are looked at first.
const FIELDS: [&str; 7] = ["data", "body", "json", "callback", "param", "params", "content"];

const BOM: &str = "\u{feff}";

/// A callback's JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decoded {
    /// Its text, where it is not the body itself.
    pub(super) text: Option<Bytes>,
    /// What it says.
    pub(super) value: Value,
}

/// Why a body is no callback. It repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoCallback {
    #[error("the body is empty")]
    Empty,
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not JSON: line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    #[error("no field of the form holds a JSON object")]
    NoField,
    #[error("the body holds more than {} JSON values", limits::INBOX_BODY_VALUES)]
    TooManyValues,
}

/// Reads a body.
pub(super) fn decode(content_type: Option<&str>, body: &Bytes) -> Result<Decoded, NoCallback> {
    let text = std::str::from_utf8(body).map_err(|_| NoCallback::NotUtf8)?;
    let trimmed = text.strip_prefix(BOM).unwrap_or(text).trim();
    if trimmed.is_empty() {
        return Err(NoCallback::Empty);
    }
    if is_form(content_type) && !trimmed.starts_with(['{', '[']) {
        return form(trimmed);
    }
    // A name without a value: some clients write the `=` all the same.
    let json = if is_form(content_type) {
        trimmed.strip_suffix('=').unwrap_or(trimmed)
    } else {
        trimmed
    };
    let value = object(json)?;
    // White space around it is JSON, and is left as it came.
    let is_body = !text.starts_with(BOM) && json.len() == trimmed.len();
    Ok(Decoded {
        text: (!is_body).then(|| Bytes::copy_from_slice(json.as_bytes())),
        value,
    })
}

fn is_form(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|content_type| content_type.split(';').next())
        .is_some_and(|name| {
            name.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

fn object(json: &str) -> Result<Value, NoCallback> {
    if values_at_most(json) > limits::INBOX_BODY_VALUES {
        return Err(NoCallback::TooManyValues);
    }
    match serde_json::from_str(json) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(NoCallback::NotAnObject),
        Err(error) => Err(NoCallback::NotJson {
            line: error.line(),
            column: error.column(),
        }),
    }
}

/// How many values a JSON text can hold at most: each but the first stands behind a bracket or a comma. It counts before
/// anything is read, since reading takes the memory.
fn values_at_most(json: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' | b',' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// The callback in a form: the field of a usual name, else the first one that holds a JSON object; or the name of a
/// field without a value.
fn form(text: &str) -> Result<Decoded, NoCallback> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let rank = |name: &str| {
        FIELDS
            .iter()
            .position(|known| *known == name)
            .unwrap_or(FIELDS.len())
    };
    let mut candidates: Vec<(usize, &str)> = fields
        .iter()
        .map(|(name, value)| {
            if value.is_empty() {
                (FIELDS.len(), name)
            } else {
                (rank(name), value)
            }
        })
        .map(|(rank, json)| (rank, json.strip_prefix(BOM).unwrap_or(json).trim()))
        .collect();
    candidates.sort_by_key(|(rank, _)| *rank);
    let (json, value) = candidates
        .into_iter()
        .find_map(|(_, json)| Some((json, object(json).ok()?)))
        .ok_or(NoCallback::NoField)?;
    // The envelope's members were fields of their own: this one is its `data`.
    if value
        .get("dataType")
        .or_else(|| value.get("callbackType"))
        .is_some()
    {
        let text = format!(r#"{{"data":{json}}}"#);
        let value = object(&text)?;
        return Ok(Decoded {
            text: Some(text.into()),
            value,
        });
    }
    Ok(Decoded {
        text: Some(Bytes::copy_from_slice(json.as_bytes())),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded;charset=utf-8";

    /// The text that is found, or the error in words.
    #[track_caller]
    fn check(content_type: Option<&str>, body: &[u8], expected: Result<&str, &str>) {
        let body = Bytes::copy_from_slice(body);
        let found = decode(content_type, &body).map(|decoded| {
            let text = decoded.text.unwrap_or_else(|| body.clone());
            assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), decoded.value);
            String::from_utf8(text.to_vec()).unwrap()
        });
        assert_eq!(
            found.as_deref().map_err(ToString::to_string),
            expected.map_err(str::to_owned),
            "{content_type:?} {body:?}"
        );
    }

    #[test]
    fn json_under_any_name() {
        for content_type in [
            None,
            Some("application/json;charset=utf-8"),
            Some("text/plain"),
            Some(FORM),
        ] {
            check(content_type, br#"{"a":1}"#, Ok(r#"{"a":1}"#));
            check(content_type, b" {}\n", Ok(" {}\n"));
            check(
                content_type,
                "\u{feff}\r\n {\"a\":\"好\"} \n".as_bytes(),
                Ok(r#"{"a":"好"}"#),
            );
        }
        check(Some(FORM), br#"{"a":"b=c"}="#, Ok(r#"{"a":"b=c"}"#));
        check(Some(FORM), br#"{"a":"1+1&b=%41"}"#, Ok(r#"{"a":"1+1&b=%41"}"#));
    }

    #[test]
    fn forms() {
        for (body, json) in [
            ("data=%7B%22a%22%3A1%7D", r#"{"a":1}"#),
            ("x=%7B%22b%22%3A2%7D&data=%7B%22a%22%3A1%7D", r#"{"a":1}"#),
            ("code=200&payload=%7B%22a%22%3A%22+%22%7D", r#"{"a":" "}"#),
            ("%7B%22a%22%3A1%7D", r#"{"a":1}"#),
            ("%7B%22a%22%3A1%7D=", r#"{"a":1}"#),
            (
                "code=200&data=%7B%22dataType%22%3A%22X%22%2C%22data%22%3A%7B%7D%7D&resultMsg=ok",
                r#"{"data":{"dataType":"X","data":{}}}"#,
            ),
            (
                "data=%EF%BB%BF%7B%22callbackType%22%3A1%7D",
                r#"{"data":{"callbackType":1}}"#,
            ),
        ] {
            check(Some(FORM), body.as_bytes(), Ok(json));
        }
    }

    #[test]
    fn values_are_counted_before_they_are_read() {
        for (json, most) in [
            ("{}", 2),
            (r#"{"a":1,"b":[2,{"c":null}]}"#, 6),
            (r#"{"a":"{[,\",[","b":"\\"}"#, 3),
        ] {
            assert_eq!(values_at_most(json), most, "{json}");
        }
        let of = |values: usize| format!(r#"{{"a":[{}0]}}"#, "0,".repeat(values - 3));
        assert!(decode(None, &of(limits::INBOX_BODY_VALUES).into()).is_ok());
        let too_many = of(limits::INBOX_BODY_VALUES + 1);
        check(
            None,
            too_many.as_bytes(),
            Err("the body holds more than 100000 JSON values"),
        );
        check(
            Some(FORM),
            format!("data={too_many}").as_bytes(),
            Err("no field of the form holds a JSON object"),
        );
    }

    #[test]
    fn what_is_no_callback() {
        for (content_type, body, why) in [
            (None, &b""[..], "the body is empty"),
            (None, b"\xef\xbb\xbf \n", "the body is empty"),
            (None, b"\xff\xfe{", "the body is not UTF-8"),
            (None, b"{\"a\":1", "the body is not JSON: line 1, column 6"),
            (None, b"{\"a\":1}{", "the body is not JSON: line 1, column 8"),
            (None, b"[1]", "the body is JSON, but not an object"),
            (None, b"data=%7B%7D", "the body is not JSON: line 1, column 1"),
            (Some(FORM), b"a=1&b=2", "no field of the form holds a JSON object"),
            (
                Some(FORM),
                b"data=%7B",
                "no field of the form holds a JSON object",
            ),
            (Some(FORM), b"[1]", "the body is JSON, but not an object"),
        ] {
            check(content_type, body, Err(why));
        }
    }
}
