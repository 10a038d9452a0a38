//! A page and its Chinese twin (`x.md`, `x.zh-CN.md`) say the same: the same headings in the same order, the same code, save
//! for the comments in it.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::markdown::{self, Block};

pub(super) const RULE: Rule = Rule {
    name: "readme-pair",
    about: "a page and its Chinese twin have the same headings and the same code",
    check,
};

const README: &str = "README.md";
const CHINESE: &str = ".zh-CN.md";

fn check(checkout: &Checkout, findings: &mut Findings) {
    if checkout.text(README).is_none() || checkout.text("README.zh-CN.md").is_none() {
        findings.error(README, "README.md and README.zh-CN.md must both be there");
    }
    for (path, text) in checkout.texts_ending(&[CHINESE]) {
        let twin = format!("{}.md", path.trim_end_matches(CHINESE));
        match checkout.text(&twin) {
            Some(english) => compare(&twin, english, path, text, findings),
            None => findings.error(path, format!("there is no `{twin}`")),
        }
    }
}

fn compare(english_path: &str, english: &str, path: &str, chinese: &str, findings: &mut Findings) {
    let (english, chinese) = (markdown::parse(english), markdown::parse(chinese));
    let levels: Vec<_> = english.headings.iter().map(|heading| heading.level).collect();
    let other: Vec<_> = chinese.headings.iter().map(|heading| heading.level).collect();
    if levels != other {
        findings.error(
            path,
            format!("has headings of the levels {other:?}, {english_path} has {levels:?}"),
        );
    }
    if english.blocks.len() != chinese.blocks.len() {
        findings.error(
            path,
            format!(
                "has {} code blocks, {english_path} has {}",
                chinese.blocks.len(),
                english.blocks.len()
            ),
        );
    }
    for (ours, theirs) in english.blocks.iter().zip(&chinese.blocks) {
        if ours.language != theirs.language || code(ours) != code(theirs) {
            findings.error(
                format!("{path}:{}", theirs.line),
                format!("the code differs from that at {english_path}:{}", ours.line),
            );
        }
    }
}

/// The lines of a block without comments, which each language has in its own words.
fn code<'a>(block: &Block<'a>) -> Vec<&'a str> {
    let before_comment = |line: &'a str| {
        let comment = [" #", " //"].iter().filter_map(|mark| line.find(mark)).min();
        line[..comment.unwrap_or(line.len())].trim_end()
    };
    let lines = block.lines.iter().copied();
    lines
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(before_comment)
        .collect()
}
