//! Digests of many documents, pinned: they are stored, so no change of the code may change one. The pins were written by
//! the code of 2026-11-23, before the digest was taken from the tape.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::*;

/// Documents whose digests make one pin.
const IN_A_PIN: u64 = 64;

/// Of each pin the first eight bytes of the SHA-256 over the digests of its documents.
const PINS: &[&str] = &[
    "2454d47b366401aa",
    "2de1fb6c24332285",
    "7890b570c14bfa45",
    "628cc387d5fe6719",
    "9a63b8a40feb79ae",
    "f9451117832780da",
    "ffc9cbc677ad472f",
    "0224b042cbc60048",
    "78f538004fd731bf",
    "0cfbc3fa18ef5483",
    "838d7a5ce4a127e7",
    "f4d7f5c0805d9d1e",
    "e49f759d69bb31b1",
    "036ae9c68b8a7b94",
    "9659e66cb2f8f879",
    "e06e4b5bb133cbcc",
    "92f2d48a20fedfed",
    "3a8bcd2c11df32d3",
    "1963466377dc426a",
    "3b2e481da51ab424",
    "2b96554b0acc7163",
    "853d1cd4fe6777cc",
    "58ff03974bc03f18",
    "da842e9d12c76dbc",
    "0785852fb7635627",
    "002381909d31b793",
    "cb6b6b053dba0b19",
    "72acecdb3258bc48",
    "ba0797f217e939a1",
    "4266b67619f27eae",
    "898fef4cef98bc28",
    "342b4ddb1cea66a4",
];

/// A source of choices that is the same for ever (xorshift).
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn of<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        let count = u64::try_from(choices.len()).unwrap();
        choices[usize::try_from(self.below(count)).unwrap()]
    }
}

const WHITE: &[&str] = &["", "", "", " ", "\n\t", "\r\n  "];
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "7",
    "-7",
    "10",
    "1200",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999990",
    "1.0",
    "0.0",
    "12.50",
    "-0.125e2",
    "1e3",
    "1E-3",
    "1e400",
    "100e-2",
    "0.001e-5",
    "0e9",
    "123456789012345678901234567890.120",
    "1e99999999999999999999999999999999999999999",
];
const PIECES: &[&str] = &[
    "",
    "x",
    "137xxxxxxxx",
    "2019-01-12 16:10:11",
    "张三",
    "C级(很少)",
    "😀",
    "\\\"a\\\":1,",
    "\\u5f20\\/",
    "\\ud83d\\ude00",
    "\\u0041",
    "a\\tb\\n\\r",
    "\\\\",
    "\\b\\f",
    "\u{7f}",
    "https://oss-cn-hangzhou.example.com/RobotPhone/11/xxx.wav",
    "a text that is longer than the sixteen bytes which are copied at once, and longer than the hundred and twenty-seven bytes that one byte of length tells",
];
/// Names of the tables, their aliases left out where the real ones are, and free ones; some differ in their end alone.
const NAMES: &[&str] = &[
    "callJobId",
    "customerTelephone",
    "customerName",
    "status",
    "duration",
    "startTime",
    "endTime",
    "luyunOssUrl",
    "robotDef",
    "properties",
    "propertiesMap",
    "readStatus",
    "gmtCreate",
    "a",
    "b",
    "aa",
    "ab",
    "\\u0062b",
    "resultName",
    "resultDesc",
    "resultLast",
    "resultLabelsOfIt1",
    "resultLabelsOfIt2",
    "中文",
    "中交",
    "a\\nb",
    "zz\\\"",
    "sign",
    "dateTime",
    "",
];

fn string(choices: &mut Choices) -> String {
    let pieces: String = (0..choices.below(4)).map(|_| choices.of(PIECES)).collect();
    format!("\"{pieces}\"")
}

fn value(choices: &mut Choices, depth: u64) -> String {
    match choices.below(if depth > 3 { 7 } else { 11 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => "false".to_owned(),
        3 | 4 => choices.of(NUMBERS).to_owned(),
        5 | 6 => string(choices),
        7 | 8 => {
            let entries: Vec<String> = (0..choices.below(5)).map(|_| value(choices, depth + 1)).collect();
            format!("[{}]", entries.join(&format!("{},", choices.of(WHITE))))
        }
        _ => object(choices, depth + 1, &[]),
    }
}

/// An object of these members and some free ones.
fn object(choices: &mut Choices, depth: u64, fixed: &[(&'static str, String)]) -> String {
    let mut members: Vec<(&str, String)> = fixed.to_vec();
    for _ in 0..choices.below(12) {
        let name = choices.of(NAMES);
        if members.iter().all(|(known, _)| *known != name) {
            let is_free = depth > 1 || !["sign", "dateTime"].contains(&name);
            members.push((
                name,
                if is_free {
                    value(choices, depth)
                } else {
                    string(choices)
                },
            ));
        }
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| {
            let white = choices.of(WHITE);
            format!("{white}\"{name}\":{white}{value}")
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A call or a job. What a table would refuse stands where no table looks: in `free`.
fn document(choices: &mut Choices) -> (Kind, String) {
    let free = object(choices, 2, &[]);
    let id = choices.below(u64::MAX >> 12);
    if choices.below(4) == 0 {
        let remark = string(choices);
        let input =
            format!(r#"{{"free":{free},"callJobId":{id}, "companyId":7,"status":2,"remark":{remark}}}"#);
        return (Kind::Job, input);
    }
    let scene = format!(
        r#"{{"callInstanceId":{id},"companyId":151,"{}":{},"customerName":{},"zz":{}}}"#,
        choices.of(&["luyunOssUrl", "luyinOssUrl"]),
        string(choices),
        string(choices),
        value(choices, 2),
    );
    let results: Vec<String> = (0..choices.below(3))
        .map(|_| {
            let changed = choices.of(&["null", "true", "false", "0", "1"]);
            let inner = value(choices, 2);
            format!(r#"{{"resultName":"客户意向等级", "artificialChanged":{changed},"free":{inner}}}"#)
        })
        .collect();
    let logs: Vec<String> = (0..choices.below(3))
        .map(|_| {
            let unknown = choices.of(&["null", "true", "false", "0", "1"]);
            format!(
                r#"{{"speaker":"AI","aiUnknown":{unknown},"content":{}}}"#,
                string(choices)
            )
        })
        .collect();
    let data = format!(
        r#"{{"sceneInstance":{scene},"taskResult":[{}],"phoneLog":{{"phoneLogs":[{}]}},"free":{free},"sign":null}}"#,
        results.join(","),
        logs.join(", "),
    );
    if choices.below(2) == 0 {
        return (Kind::Call, data);
    }
    (
        Kind::Call,
        format!(
            r#"{{"code":200,"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{data}}},"resultMsg":"成功"}}"#
        ),
    )
}

#[test]
fn digests_of_many_documents_are_pinned() {
    let mut choices = Choices(88_172_645_463_325_252);
    let mut found = Vec::new();
    for _ in 0..PINS.len() {
        let mut all = Sha256::new();
        for _ in 0..IN_A_PIN {
            let (kind, input) = document(&mut choices);
            let intake = parse_text(kind, &input).unwrap_or_else(|e| panic!("{input}: {e}"));
            all.update(intake.digest());
        }
        found.push(all.finalize()[..8].iter().fold(String::new(), |mut pin, byte| {
            let _ = write!(pin, "{byte:02x}");
            pin
        }));
    }
    assert_eq!(found, PINS);
}
