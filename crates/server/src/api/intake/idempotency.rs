//! The header `Idempotency-Key`.

use axum::http::{HeaderMap, HeaderName};
use ringback_core::limits::IDEMPOTENCY_KEY_BYTES;

use super::super::problem::FieldError;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const FIELD: &str = "Idempotency-Key";

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, FieldError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(FieldError::other(FIELD, "is given twice; allowed is once"));
    }
    let is_key = (1..=IDEMPOTENCY_KEY_BYTES).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if is_key => Ok(Some(key.to_owned())),
        _ => Err(FieldError::wrong(
            FIELD,
            "another text",
            "1 to 255 visible ASCII characters",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn keys() {
        let long = "k".repeat(IDEMPOTENCY_KEY_BYTES);
        let too_long = "k".repeat(IDEMPOTENCY_KEY_BYTES + 1);
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["a"], Ok(Some("a"))),
            (&["call-1/{7}~"], Ok(Some("call-1/{7}~"))),
            (&[&*long], Ok(Some(&*long))),
            (&[&*too_long], Err(())),
            (&[""], Err(())),
            (&["a b"], Err(())),
            (&["键"], Err(())),
            (&["a", "a"], Err(())),
        ] as [(&[&str], Result<Option<&str>, ()>); 9]
        {
            let headers = values
                .iter()
                .map(|value| (HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap()))
                .collect::<HeaderMap>();
            let found = key(&headers);
            assert_eq!(
                found.as_ref().map(|key| key.as_deref()).map_err(|_| ()),
                expected,
                "{values:?}"
            );
        }
    }
}
