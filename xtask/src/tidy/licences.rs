//! Every package that is built has a licence that `deny.toml` allows.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "licences",
    about: "every package has a licence that deny.toml allows",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    let policy = match Policy::of(checkout) {
        Ok(policy) => policy,
        Err(error) => return findings.error("deny.toml", error),
    };
    for package in &checkout.graph().outside {
        let allowed = |licence: &str| {
            let exceptions = policy.exceptions.iter().filter(|(name, _)| *name == package.name);
            let mut all = policy
                .licences
                .iter()
                .chain(exceptions.flat_map(|(_, licences)| licences));
            all.any(|allowed| allowed == licence)
        };
        let place = format!("{} {}", package.name, package.version);
        match package
            .licence
            .as_deref()
            .map(|licence| (licence, satisfied(licence, &allowed)))
        {
            None => findings.error(place, "names no licence"),
            Some((licence, None)) => findings.error(place, format!("cannot read the licence `{licence}`")),
            Some((licence, Some(false))) => {
                findings.error(place, format!("deny.toml does not allow the licence `{licence}`"));
            }
            Some((_, Some(true))) => {}
        }
    }
}

/// Whether an SPDX expression can be met with the allowed licences alone; `None` where it is no such expression. The
/// old form with slashes counts as a choice.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let (answer, rest) = any_of(&words, allowed)?;
    rest.is_empty().then_some(answer)
}

type Parsed<'a, 'w> = Option<(bool, &'a [&'w str])>;

fn any_of<'a, 'w>(words: &'a [&'w str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'w> {
    let (mut answer, mut rest) = all_of(words, allowed)?;
    while let [word, behind @ ..] = rest
        && *word == "OR"
    {
        let (next, behind) = all_of(behind, allowed)?;
        answer |= next;
        rest = behind;
    }
    Some((answer, rest))
}

fn all_of<'a, 'w>(words: &'a [&'w str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'w> {
    let (mut answer, mut rest) = one(words, allowed)?;
    while let [word, behind @ ..] = rest
        && *word == "AND"
    {
        let (next, behind) = one(behind, allowed)?;
        answer &= next;
        rest = behind;
    }
    Some((answer, rest))
}

fn one<'a, 'w>(words: &'a [&'w str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'w> {
    match words {
        [open, inside @ ..] if *open == "(" => match any_of(inside, allowed)? {
            (answer, [close, rest @ ..]) if *close == ")" => Some((answer, rest)),
            _ => None,
        },
        [word, ..] if matches!(*word, ")" | "AND" | "OR" | "WITH") => None,
        [licence, with, exception, rest @ ..] if *with == "WITH" => {
            Some((allowed(&format!("{licence} WITH {exception}")), rest))
        }
        [licence, rest @ ..] => Some((allowed(licence), rest)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn expressions_are_read_as_spdx_says() {
        let allowed = |licence: &str| matches!(licence, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception");
        for (expression, answer) in [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("MIT/Apache-2.0", Some(true)),
            ("MIT AND GPL-3.0-only", Some(false)),
            ("MIT AND ISC", Some(true)),
            // AND binds tighter than OR.
            ("GPL-3.0-only AND GPL-3.0-only OR MIT", Some(true)),
            ("GPL-3.0-only AND (GPL-3.0-only OR MIT)", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Apache-2.0", Some(false)),
            ("", None),
            ("(MIT", None),
            ("MIT MIT", None),
            ("MIT OR", None),
        ] {
            assert_eq!(satisfied(expression, &allowed), answer, "{expression}");
        }
    }
}
