//! The bodies that a benchmark sends: the seed's call sample without white space, each with a callInstanceId of its
//! own, since intake takes equal content for a repetition.

use bytes::Bytes;
use ringback_contract::samples;

/// The first callInstanceId. All have as many digits, so that all bodies have one length.
pub const FIRST_ID: u64 = 10_000_000_000;
/// The first number with one digit more.
const END_ID: u64 = 100_000_000_000;
const DIGITS: usize = 11;

/// What stands before the id, in the sample as in what arrives.
const ID_NAME: &[u8] = b"\"callInstanceId\":";

/// A body with a place for the id.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    id_at: usize,
}

impl Default for Template {
    /// The seed's call sample.
    fn default() -> Self {
        Self::of(samples::CALL)
    }
}

impl Template {
    /// A template of a callback that has a callInstanceId. One that has none gets its digits at the end, and is
    /// refused by whatever it is sent to.
    fn of(callback: &str) -> Self {
        let mut bytes = without_white_space(callback);
        let id_at = find(&bytes, ID_NAME).map_or(bytes.len(), |at| at + ID_NAME.len());
        let digits = bytes[id_at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        bytes.splice(id_at..id_at + digits, [b'0'; DIGITS]);
        Self { bytes, id_at }
    }

    /// The length of one body, in bytes.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The body of one event.
    #[must_use]
    pub fn single(&self, id: u64) -> Bytes {
        let mut body = self.bytes.clone();
        self.write_id(&mut body, id);
        body.into()
    }

    /// The ndjson body of `count` events with ids from `first_id` on.
    #[must_use]
    pub fn batch(&self, first_id: u64, count: u64) -> Bytes {
        let mut body = Vec::new();
        for id in first_id..first_id + count {
            let begin = body.len();
            body.extend_from_slice(&self.bytes);
            self.write_id(&mut body[begin..], id);
            body.push(b'\n');
        }
        body.into()
    }

    fn write_id(&self, body: &mut [u8], id: u64) {
        debug_assert!((FIRST_ID..END_ID).contains(&id), "all ids have {DIGITS} digits");
        let mut rest = id;
        for place in body[self.id_at..self.id_at + DIGITS].iter_mut().rev() {
            // A digit is below ten.
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }
}

/// The callInstanceId in a callback's body, without parsing it.
#[must_use]
pub fn find_id(body: &[u8]) -> Option<u64> {
    let digits = &body[find(body, ID_NAME)? + ID_NAME.len()..];
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// JSON without the white space between its tokens.
fn without_white_space(json: &str) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    json.bytes()
        .filter(|byte| {
            let kept = in_string || !byte.is_ascii_whitespace();
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ => {}
            }
            kept
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_body_is_the_sample_with_another_id() {
        let template = Template::default();
        let mut sample: Value = serde_json::from_str(samples::CALL).unwrap();
        for id in [FIRST_ID, 12_345_678_901, END_ID - 1] {
            let body = template.single(id);
            sample["data"]["data"]["sceneInstance"]["callInstanceId"] = id.into();
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), sample);
            assert_eq!(body.len(), template.body_bytes());
            assert_eq!(find_id(&body), Some(id));
        }
        assert!(
            (3_000..4_000).contains(&template.body_bytes()),
            "{}",
            template.body_bytes()
        );
    }

    #[test]
    fn a_batch_has_a_line_per_event() {
        let template = Template::default();
        let batch = template.batch(FIRST_ID + 5, 3);
        let lines: Vec<_> = batch.split(|byte| *byte == b'\n').map(find_id).collect();
        assert_eq!(
            lines,
            [Some(FIRST_ID + 5), Some(FIRST_ID + 6), Some(FIRST_ID + 7), None]
        );
    }

    #[test]
    fn white_space_in_strings_stays() {
        for (json, expected) in [
            ("{ \"a b\" : [1 ,\n2]\t}", "{\"a b\":[1,2]}"),
            (
                r#"{"a": "x \" y", "b": "\\" , "c": " "}"#,
                r#"{"a":"x \" y","b":"\\","c":" "}"#,
            ),
        ] {
            assert_eq!(without_white_space(json), expected.as_bytes());
        }
    }

    #[test]
    fn bodies_without_an_id() {
        for body in ["", "{}", "\"callInstanceId\":", "\"callInstanceId\":\"1\""] {
            assert_eq!(find_id(body.as_bytes()), None);
        }
    }
}
