//! JSON for people's eyes: indented, with the members in the order in which they came.

/// Indents a JSON text by two spaces per level. A text that is no JSON comes back as it is. Characters that could
/// steer a terminal are replaced in either case.
#[must_use]
pub fn pretty(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        indented(&text)
    } else {
        harmless(&text)
    }
}

/// Without control characters other than line ends.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            out.push(if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            });
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;
    use serde_json::Value;

    use super::*;

    #[test]
    fn members_keep_their_order_and_strings_their_text() {
        for (json, expected) in [
            (
                r#"{"b":1,"a":[2,{"x":null}]}"#,
                "{\n  \"b\": 1,\n  \"a\": [\n    2,\n    {\n      \"x\": null\n    }\n  ]\n}",
            ),
            (r#"{ "a" : [ ] , "b":{ } }"#, "{\n  \"a\": [],\n  \"b\": {}\n}"),
            (r#"["a\"]},:\\",1]"#, "[\n  \"a\\\"]},:\\\\\",\n  1\n]"),
            ("7", "7"),
        ] {
            assert_eq!(pretty(json.as_bytes()), expected);
        }
    }

    #[test]
    fn the_value_is_the_same() {
        for sample in [samples::CALL, samples::JOB, samples::CORRECTION] {
            let (before, after): (Value, Value) = (
                serde_json::from_str(sample).unwrap(),
                serde_json::from_str(&pretty(sample.as_bytes())).unwrap(),
            );
            assert_eq!(before, after);
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(pretty(b"no json\x1b[2J\n"), "no json\u{fffd}[2J\n");
        assert_eq!(pretty("\"\u{9b}2J\"".as_bytes()), "\"\u{fffd}2J\"");
        assert_eq!(pretty(b"\xff"), "\u{fffd}");
    }
}
