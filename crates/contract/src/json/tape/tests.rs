//! The tape against `serde_json`, and what its tokens say.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::samples;

#[track_caller]
fn check(text: &str) {
    let expected = serde_json::from_str::<&RawValue>(text);
    match (read(text), expected) {
        (None, Err(_)) => {}
        (Some(Tape { tokens, is_compact }), Ok(raw)) => {
            let first = tokens[0];
            assert_eq!(&text[first.start as usize..first.end as usize], raw.get());
            assert_eq!(first.next as usize, tokens.len(), "{text:?}");
            assert_eq!(
                is_compact,
                without_white_space(raw.get()) == raw.get(),
                "{text:?}"
            );
        }
        (found, expected) => panic!("{text:?}: {found:?}, {expected:?}"),
    }
}

/// The JSON text without white space outside of strings.
fn without_white_space(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|c| {
            let keeps = in_string || !c.is_ascii_whitespace();
            (in_string, escaped) = match c {
                '"' if !escaped => (!in_string, false),
                '\\' => (in_string, !escaped),
                _ => (in_string, false),
            };
            keeps
        })
        .collect()
}

#[test]
fn it_takes_what_serde_json_takes() {
    for text in [
        "",
        " ",
        "1",
        "-",
        "-0",
        "00",
        "01",
        "-01",
        "1.",
        ".1",
        "1.0",
        "1e",
        "1e+",
        "1E-7",
        "1e400",
        "0x1",
        "+1",
        "nul",
        "null",
        "nulll",
        "true false",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\u12345\"",
        "\"\u{7f}\u{80}\"",
        "\"\t\"",
        "\"\u{1f}\"",
        "[",
        "[]",
        "[ ]",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2",
        "]",
        "{",
        "{}",
        "{ }",
        "{,}",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "[1}",
        "{\"a\" : [ {} , [ ] ] }",
        "\u{feff}1",
        "1\u{a0}",
        "\u{b}1",
        "{}{}",
        "1,",
        "NaN",
    ] {
        check(text);
    }
    check(&"[".repeat(20_000));
    check(&format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    for length in 0..40 {
        for special in ["\"", "\\", "\\n", "\u{1f}", "\n", "é", "\u{ffff}"] {
            check(&format!("\"{}{special}{}\"", "x".repeat(length), "é".repeat(9)));
        }
    }
}

#[test]
fn tokens_know_what_is_inside_them() {
    let text = r#" {"a": [1, "b\n", -0.5, "\u0041\n"], "c": {}} "#;
    let found: Vec<_> = read(text)
        .unwrap()
        .tokens
        .iter()
        .map(|token| {
            let text = &text[token.start as usize..token.end as usize];
            (token.kind, text, token.next, token.count)
        })
        .collect();
    let expected = [
        (Kind::Object, text.trim(), 9, 2),
        (Kind::Plain, r#""a""#, 2, 0),
        (Kind::Array, r#"[1, "b\n", -0.5, "\u0041\n"]"#, 7, 4),
        (Kind::Integer, "1", 4, 0),
        (Kind::Escaped, r#""b\n""#, 5, 1),
        (Kind::Number, "-0.5", 6, 0),
        (Kind::Unicode, r#""\u0041\n""#, 7, 2),
        (Kind::Plain, r#""c""#, 8, 0),
        (Kind::Object, "{}", 9, 0),
    ];
    assert_eq!(found, expected);
}

/// A sample with some of its characters replaced or cut out: most are no JSON any more, by a little.
fn nearly_json() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        prop::option::of("[\\[\\]{}:,\"\\\\a0-9e.+ \\-\t\u{0}-\u{20}é]"),
    );
    (
        prop::sample::select(vec![samples::JOB, samples::CORRECTION]),
        prop::collection::vec(change, 0..3),
    )
        .prop_map(|(sample, changes)| {
            let mut chars: Vec<String> = sample.chars().map(String::from).collect();
            for (place, by) in changes {
                let place = place.index(chars.len());
                chars[place] = by.unwrap_or_default();
            }
            chars.concat()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn it_judges_as_serde_json_does(text in nearly_json(), free in "[\\[\\]{}:,\"\\\\a0-9e.+ \\-]{0,30}") {
        check(&text);
        check(&free);
    }
}
