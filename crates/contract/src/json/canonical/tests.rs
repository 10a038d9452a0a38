//! The form against a model of it, and its order of names.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Node, Object};
use super::*;

/// The canonical form, written down as plainly as can be.
fn model(object: &Object<'_>, but: &[&str]) -> Vec<u8> {
    let mut members: Vec<(String, &Node<'_>)> = object
        .members
        .iter()
        .map(|member| (member.name.as_str().to_owned(), &member.value))
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .collect();
    members.sort_by_key(|(name, _)| (name.len(), name.clone()));
    let mut form = vec![b'{'];
    form.extend(length(members.len()));
    for (name, value) in members {
        form.extend(with_length(name.as_bytes()));
        form.extend(model_value(value));
    }
    form
}

fn model_value(node: &Node<'_>) -> Vec<u8> {
    match node {
        Node::Null => vec![b'n'],
        Node::Boolean(true) => vec![b't'],
        Node::Boolean(false) => vec![b'f'],
        Node::Number(text) => model_number(text),
        Node::Text(text) => [vec![b'"'], with_length(text.as_str().as_bytes())].concat(),
        Node::Array(entries) => {
            let mut form = vec![b'['];
            form.extend(length(entries.len()));
            form.extend(entries.iter().flat_map(model_value));
            form
        }
        Node::Object(object) => model(object, &[]),
    }
}

fn length(mut length: usize) -> Vec<u8> {
    let mut form = Vec::new();
    while length >= 128 {
        form.push(u8::try_from(length % 128).unwrap() | 0x80);
        length /= 128;
    }
    form.push(u8::try_from(length).unwrap());
    form
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [length(bytes.len()), bytes.to_vec()].concat()
}

/// Numbers of the tests have exponents that fit an `i128`.
fn model_number(text: &str) -> Vec<u8> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("+", text), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return vec![b'0'];
    }
    let cut = digits.len() - digits.trim_end_matches('0').len();
    let power = exponent.parse::<i128>().unwrap() + cut as i128 - fraction.len() as i128;
    let power = with_length(power.to_string().as_bytes());
    [
        sign.as_bytes().to_vec(),
        power,
        with_length(significant.as_bytes()),
    ]
    .concat()
}

#[track_caller]
fn check(text: &str) {
    let but = ["sign", "dateTime"];
    let document = Document::read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    let tree = document
        .object(Document::ALL)
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    let expected: [u8; 32] = Sha256::digest(model(&tree, &but)).into();
    assert_eq!(digest(&document, Document::ALL, &but), Ok(expected), "{text}");
}

#[test]
fn it_is_the_model_around_the_sizes_of_its_buffers() {
    for length in (0..40).chain([126, 127, 128, 1020, 1021, 1022, 1023, 1024, 1025, 5000]) {
        let text = "x".repeat(length);
        for escape in ["", "\\n", "\\\"\\\\", "\\u0041", "\\b\\f\\r\\t\\/"] {
            check(&format!(
                r#"{{"{text}":1,"a":"{text}{escape}{text}","b":"{escape}"}}"#
            ));
        }
    }
    let members: Vec<String> = (0..300)
        .map(|number| format!("\"{:x}\":{number}", number * 7 % 300))
        .collect();
    check(&format!("{{{}}}", members.join(",")));
    for zeros in 0..30 {
        check(&format!("{{\"a\":-12{}}}", "0".repeat(zeros)));
    }
}

/// Strings with their quotes, escaped in all ways.
fn strings() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9 ./:_-]{1,12}",
        "[\u{4e00}-\u{4e20}😀]{1,3}",
        r#"\\["\\/bfnrt]"#,
        r"\\u00[0-9a-fA-F]{2}",
        Just(r"\ud83d\ude00".to_owned()),
    ];
    vec(piece, 0..8).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,4})?",
        strings(),
    ];
    let value = leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|entries| format!("[{}]", entries.join(", "))),
            objects(inner),
        ]
    });
    objects(value)
}

/// Names that are the same, decoded, get numbers until they differ.
fn objects(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let name = prop_oneof![
        strings(),
        Just("\"sign\"".to_owned()),
        Just("\"dateTime\"".to_owned())
    ];
    vec((name, value), 0..10).prop_map(|members| {
        let mut seen = std::collections::HashSet::new();
        let members: Vec<String> = members
            .into_iter()
            .enumerate()
            .map(|(number, (mut name, value))| {
                while !seen.insert(serde_json::from_str::<String>(&name).unwrap()) {
                    name = format!("\"{number}{}", &name[1..]);
                }
                format!("{name} : {value}")
            })
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn it_is_the_model(text in documents()) {
        check(&text);
    }

    #[test]
    fn beginnings_are_in_the_order_of_names(one in "[ab\u{0}é]{0,9}", other in "[ab\u{0}é]{0,9}", long: bool) {
        let lengthen = |name: String| if long { format!("{name}{}", "x".repeat(65_530)) } else { name };
        let (one, other) = (lengthen(one), lengthen(other));
        let by_beginning = start_of(one.as_bytes()).cmp(&start_of(other.as_bytes()));
        let expected = shortlex(one.as_bytes(), other.as_bytes());
        prop_assert_eq!(by_beginning.then(expected), expected);
    }
}
