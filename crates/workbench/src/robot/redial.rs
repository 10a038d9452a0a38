//! The rules by which a customer is called again (contract, section 7).

/// How calls end after which a customer can be called again: 无法接通, 主叫号码不可用, 关机, 占线, 停机, 主叫欠费, 呼损.
const REDIALLED: [i64; 7] = [2, 3, 5, 6, 7, 9, 10];

/// The most redials of a rule.
const TIMES: i64 = 5;
/// The longest interval of a rule, in minutes.
const MINUTES: i64 = 120;

/// A rule: after calls that end so, so many redials, each after so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedialRule {
    finish_status: i64,
    times: i64,
    interval_ms: i64,
}

impl RedialRule {
    /// A rule for calls that end with this finishStatus.
    ///
    /// # Errors
    /// What is wrong: the member, as the API calls it, and what is allowed.
    pub fn new(
        phone_status: i64,
        times: i64,
        interval_min: i64,
    ) -> Result<Self, (&'static str, &'static str)> {
        if !REDIALLED.contains(&phone_status) {
            return Err(("phoneStatus", "2, 3, 5, 6, 7, 9 or 10"));
        }
        if !(1..=TIMES).contains(&times) {
            return Err(("times", "an integer from 1 to 5"));
        }
        if !(0..=MINUTES).contains(&interval_min) {
            return Err(("interval", "an integer from 0 to 120"));
        }
        Ok(Self {
            finish_status: phone_status,
            times,
            interval_ms: interval_min * 60 * 1000,
        })
    }
}

/// The rules of a job; the first one for a finishStatus counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedialRules(Vec<RedialRule>);

impl RedialRules {
    /// These rules.
    #[must_use]
    pub const fn new(rules: Vec<RedialRule>) -> Self {
        Self(rules)
    }

    /// After how many milliseconds a customer is called again whose call ended so and who was called again so often
    /// already, and how often he can be called at most from then on; `None` if that is all.
    #[must_use]
    pub fn next(&self, finish_status: i64, redials: i64) -> Option<(i64, i64)> {
        let rule = self.0.iter().find(|rule| rule.finish_status == finish_status)?;
        (redials < rule.times).then_some((rule.interval_ms, rule.times - redials))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_for_what_can_be_mended_by_calling_again() {
        for finish_status in -1..=25 {
            let is_redialled = [2, 3, 5, 6, 7, 9, 10].contains(&finish_status);
            assert_eq!(
                RedialRule::new(finish_status, 1, 0).is_ok(),
                is_redialled,
                "{finish_status}"
            );
        }
        for (times, minutes, expected) in [
            (1, 0, None),
            (5, 120, None),
            (0, 1, Some("times")),
            (6, 1, Some("times")),
            (1, -1, Some("interval")),
            (1, 121, Some("interval")),
        ] {
            let found = RedialRule::new(6, times, minutes).err().map(|(member, _)| member);
            assert_eq!(found, expected, "{times} {minutes}");
        }
    }

    #[test]
    fn a_customer_is_called_again_so_often_and_after_so_long() {
        let rules = RedialRules::new(vec![
            RedialRule::new(6, 2, 10).unwrap(),
            RedialRule::new(5, 1, 0).unwrap(),
            RedialRule::new(6, 5, 1).unwrap(),
        ]);
        for (finish_status, redials, expected) in [
            (6, 0, Some((600_000, 2))),
            (6, 1, Some((600_000, 1))),
            (6, 2, None),
            (5, 0, Some((0, 1))),
            (5, 1, None),
            (0, 0, None),
            (2, 0, None),
        ] {
            assert_eq!(
                rules.next(finish_status, redials),
                expected,
                "{finish_status} {redials}"
            );
        }
        assert_eq!(RedialRules::default().next(6, 0), None);
    }
}
