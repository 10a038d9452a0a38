//! Every check, in the order in which they run and are reported.

mod basics;
mod content;
mod order;
mod repetition;
mod signature;

use super::check::Check;

/// Every check. The ordinary callback of each kind comes first, since without it nothing else says anything; the burst
/// comes last, since it leaves a receiver with work to do.
pub fn all() -> impl Iterator<Item = &'static Check> + Clone {
    [
        basics::KINDS,
        basics::ANSWERS,
        repetition::CHECKS,
        order::CHECKS,
        content::CHECKS,
        signature::CHECKS,
        basics::LOAD,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::check::Group;
    use super::*;

    #[test]
    fn names_are_unique_and_what_comes_before_comes_before() {
        let mut before = BTreeSet::new();
        for check in all() {
            for earlier in check.after {
                assert!(before.contains(earlier), "{}: {earlier}", check.id);
            }
            assert!(before.insert(check.id), "{} is there twice", check.id);
        }
        let groups: Vec<Group> = all().map(|check| check.group).collect();
        assert!(groups.is_sorted_by_key(|group| Group::ALL.iter().position(|other| other == group)));
    }

    #[test]
    fn every_check_says_what_goes_wrong_and_how_to_mend_it() {
        for check in all() {
            for text in [check.title, check.risk, check.remedy] {
                assert!(!text.en.is_empty() && !text.zh.is_empty(), "{}", check.id);
                assert!(
                    text.zh.chars().any(|c| c > '\u{3000}'),
                    "{}: {}",
                    check.id,
                    text.zh
                );
            }
            for text in [check.risk, check.remedy] {
                assert!(text.en.ends_with('.') && text.zh.ends_with('。'), "{}", check.id);
            }
        }
    }
}
