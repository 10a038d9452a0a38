//! The bodies that a benchmark sends: the seed's call sample without white space, each with a callInstanceId of its
//! own, since intake takes equal content for a repetition, and of one company or of several in turn.

use bytes::Bytes;
use ringback_contract::samples;
use serde::{Deserialize, Serialize};

/// The first callInstanceId. All have as many digits, so that all bodies have one length.
pub const FIRST_ID: u64 = 10_000_000_000;
/// The first number with one digit more.
const END_ID: u64 = 100_000_000_000;
const DIGITS: usize = 11;

/// What stands before the id, in the sample as in what arrives.
const ID_NAME: &[u8] = b"\"callInstanceId\":";
/// What stands before the company. The first one of the sample is that of the call.
const COMPANY_NAME: &[u8] = b"\"companyId\":";

/// The companies whose calls a load sends: consecutive numbers of equal length, taken in turn by the id of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Companies {
    /// The first companyId.
    pub first: u64,
    /// How many, at least one.
    pub count: u64,
}

impl Companies {
    /// The company of the seed's call sample.
    pub const SAMPLE: Self = Self { first: 1, count: 1 };

    /// The company of the call with this callInstanceId.
    #[must_use]
    pub const fn of(self, id: u64) -> u64 {
        self.first + id % self.count
    }

    /// All of them, in ascending order.
    pub fn ids(self) -> impl Iterator<Item = u64> {
        self.first..self.first + self.count
    }
}

/// A body with places for the company and the id.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    companies: Companies,
    company: Place,
    id: Place,
}

/// Where a number stands in a body.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    digits: usize,
}

impl Place {
    /// Makes a place of `digits` digits of the number behind `name`, at the end where there is none.
    fn make(bytes: &mut Vec<u8>, name: &[u8], digits: usize) -> Self {
        let at = find(bytes, name).map_or(bytes.len(), |at| at + name.len());
        let old = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        bytes.splice(at..at + old, std::iter::repeat_n(b'0', digits));
        Self { at, digits }
    }

    fn write(self, body: &mut [u8], number: u64) {
        let mut rest = number;
        for place in body[self.at..self.at + self.digits].iter_mut().rev() {
            // A digit is below ten.
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        debug_assert_eq!(rest, 0, "the number has at most {} digits", self.digits);
    }
}

impl Default for Template {
    /// The seed's call sample.
    fn default() -> Self {
        Self::new(Companies::SAMPLE)
    }
}

impl Template {
    /// The seed's call sample as a call of these companies in turn.
    #[must_use]
    pub fn new(companies: Companies) -> Self {
        let mut bytes = without_white_space(samples::CALL);
        // The id stands before the company, and keeps its place.
        let id = Place::make(&mut bytes, ID_NAME, DIGITS);
        let company = Place::make(&mut bytes, COMPANY_NAME, companies.first.to_string().len());
        Self {
            bytes,
            companies,
            company,
            id,
        }
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
        self.write_numbers(&mut body, id);
        body.into()
    }

    /// The ndjson body of `count` events with ids from `first_id` on.
    #[must_use]
    pub fn batch(&self, first_id: u64, count: u64) -> Bytes {
        let mut body = Vec::new();
        for id in first_id..first_id + count {
            let begin = body.len();
            body.extend_from_slice(&self.bytes);
            self.write_numbers(&mut body[begin..], id);
            body.push(b'\n');
        }
        body.into()
    }

    fn write_numbers(&self, body: &mut [u8], id: u64) {
        debug_assert!((FIRST_ID..END_ID).contains(&id), "all ids have {DIGITS} digits");
        self.id.write(body, id);
        self.company.write(body, self.companies.of(id));
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
    fn companies_take_turns() {
        let companies = Companies {
            first: 1001,
            count: 97,
        };
        let template = Template::new(companies);
        let mut seen: Vec<u64> = (FIRST_ID..FIRST_ID + 97)
            .map(|id| {
                let body: Value = serde_json::from_slice(&template.single(id)).unwrap();
                let scene = &body["data"]["data"]["sceneInstance"];
                assert_eq!(scene["callInstanceId"], id);
                assert_eq!(scene["companyId"], companies.of(id));
                companies.of(id)
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, companies.ids().collect::<Vec<_>>());
        assert_eq!(Companies::SAMPLE.ids().collect::<Vec<_>>(), [1]);
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
