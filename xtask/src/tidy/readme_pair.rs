//! README.md and README.zh-CN.md say the same: the same headings in the same order, the same code, save for the
//! comments in it.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::markdown::{self, Block};

pub(super) const RULE: Rule = Rule {
    name: "readme-pair",
    about: "the English and the Chinese README have the same headings and the same code",
    check,
};

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";

fn check(checkout: &Checkout, findings: &mut Findings) {
    let (Some(english), Some(chinese)) = (checkout.text(ENGLISH), checkout.text(CHINESE)) else {
        return findings.error(ENGLISH, format!("{ENGLISH} and {CHINESE} must both be there"));
    };
    let (english, chinese) = (markdown::parse(english), markdown::parse(chinese));
    let levels: Vec<_> = english.headings.iter().map(|heading| heading.level).collect();
    let other: Vec<_> = chinese.headings.iter().map(|heading| heading.level).collect();
    if levels != other {
        findings.error(
            CHINESE,
            format!("has headings of the levels {other:?}, {ENGLISH} has {levels:?}"),
        );
    }
    if english.blocks.len() != chinese.blocks.len() {
        findings.error(
            CHINESE,
            format!(
                "has {} code blocks, {ENGLISH} has {}",
                chinese.blocks.len(),
                english.blocks.len()
            ),
        );
    }
    for (ours, theirs) in english.blocks.iter().zip(&chinese.blocks) {
        if ours.language != theirs.language || code(ours) != code(theirs) {
            findings.error(
                format!("{CHINESE}:{}", theirs.line),
                format!("the code differs from that at {ENGLISH}:{}", ours.line),
            );
        }
    }
}

fn code<'a>(block: &Block<'a>) -> Vec<&'a str> {
    let lines = block.lines.iter().copied();
    lines.filter(|line| !line.trim_start().starts_with('#')).collect()
}
