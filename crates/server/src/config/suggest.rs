//! Finds the name that was probably meant.

/// Edits that still count as a slip of the pen.
const EDITS_MOST: usize = 2;

/// The name nearest to `text`, if it takes at most two edits to get there.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (edits(text, name), name))
        .filter(|(edits, name)| *edits <= EDITS_MOST && *edits < name.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// The number of characters to insert, delete or replace to make `b` of `a` (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a_char) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b_char) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a_char != *b_char);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = ["listen", "store", "log", "log_format"];
        for (text, expected) in [
            ("lisen", Some("listen")),
            ("listening", None),
            ("stor", Some("store")),
            ("logs", Some("log")),
            ("log-format", Some("log_format")),
            ("token", None),
            ("", None),
            ("url", None),
        ] {
            assert_eq!(nearest(text, names.into_iter()), expected, "{text}");
        }
    }
}
