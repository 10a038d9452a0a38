//! Which answer each callback gets: a list of answers that can be changed while the receiver runs.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;

use super::answer::{Answer, InvalidAnswer, shown};

/// How many steps a plan may have.
const STEPS_MAX: usize = 64;
/// How many times a step may be repeated.
const TIMES_MAX: u32 = 1_000_000;
/// How many events the sends are counted of. Beyond it the oldest is forgotten and is counted from the
/// `ringback-send` header alone.
const EVENTS_MAX: usize = 65_536;

/// A list of answers. The first send of an event gets the first, the second the second, and so on; the last answer
/// is that of all further sends. Its text form separates answers by commas and repeats with `*`:
/// `fail*3,success` fails the first three sends of each event and then acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    answer: Answer,
    times: u32,
}

impl Default for Plan {
    /// Always `success`.
    fn default() -> Self {
        Self::always(Answer::SUCCESS)
    }
}

impl Plan {
    /// The same answer to every send.
    #[must_use]
    pub fn always(answer: Answer) -> Self {
        Self {
            steps: vec![Step { answer, times: 1 }],
        }
    }

    /// The answer to the send with this number, counted from 1.
    #[must_use]
    pub fn answer(&self, send: u32) -> &Answer {
        let mut before: u32 = 0;
        for step in &self.steps {
            before = before.saturating_add(step.times);
            if send <= before {
                return &step.answer;
            }
        }
        self.steps.last().map_or(&Answer::SUCCESS, |step| &step.answer)
    }

    /// Whether every send gets the same answer, so that sends need not be counted.
    const fn is_constant(&self) -> bool {
        self.steps.len() == 1
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Step { answer, times }) in self.steps.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match times {
                1 => write!(f, "{comma}{answer}")?,
                times => write!(f, "{comma}{answer}*{times}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = InvalidAnswer;

    fn from_str(text: &str) -> Result<Self, InvalidAnswer> {
        let steps = text
            .split(',')
            .take(STEPS_MAX + 1)
            .map(|part| {
                let (answer, times) = part.trim().split_once('*').unwrap_or((part.trim(), "1"));
                let times = times
                    .parse()
                    .ok()
                    .filter(|times| (1..=TIMES_MAX).contains(times))
                    .ok_or_else(|| InvalidAnswer::Times(shown(times)))?;
                Ok(Step {
                    answer: answer.parse()?,
                    times,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if steps.len() > STEPS_MAX {
            Err(InvalidAnswer::Length)
        } else {
            Ok(Self { steps })
        }
    }
}

/// A plan in force, with the sends it has seen of each event.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    plan: Plan,
    sends: HashMap<String, u32>,
    oldest_first: VecDeque<String>,
}

impl Planner {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            ..Self::default()
        }
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Puts another plan in force. It counts the sends of each event anew.
    pub(crate) fn replace(&mut self, plan: Plan) {
        *self = Self::new(plan);
    }

    /// The answer to a send of `event` that calls itself number `send`. A resent event begins at 1 again, and a
    /// sender that is not ringback has no number: so the sends seen here count where they are more.
    pub(crate) fn answer(&mut self, event: &str, send: Option<u32>) -> Answer {
        if self.plan.is_constant() {
            return self.plan.answer(1).clone();
        }
        let seen = match self.sends.get_mut(event) {
            Some(seen) => {
                *seen = seen.saturating_add(1);
                *seen
            }
            None => {
                self.remember(event);
                1
            }
        };
        self.plan.answer(seen.max(send.unwrap_or(1))).clone()
    }

    fn remember(&mut self, event: &str) {
        if self.oldest_first.len() >= EVENTS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.sends.remove(&oldest);
        }
        self.oldest_first.push_back(event.to_owned());
        self.sends.insert(event.to_owned(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds (event, number in the header) and compares the answers given.
    #[track_caller]
    fn check(plan: &str, sends: &[(&str, Option<u32>, &str)]) {
        let mut planner = Planner::new(plan.parse().unwrap());
        for (event, send, expected) in sends {
            assert_eq!(
                planner.answer(event, *send).to_string(),
                *expected,
                "{plan}: {event} {send:?}"
            );
        }
    }

    #[test]
    fn each_event_goes_through_the_plan_by_itself() {
        check("success", &[("a", None, "success"), ("a", Some(7), "success")]);
        check(
            "fail*2,500,success",
            &[
                ("a", Some(1), "fail"),
                ("b", Some(1), "fail"),
                ("a", Some(2), "fail"),
                ("a", Some(3), "500"),
                ("b", None, "fail"),
                ("a", Some(4), "success"),
                ("a", Some(5), "success"),
                ("b", None, "500"),
            ],
        );
    }

    #[test]
    fn the_larger_of_header_and_count_decides() {
        check(
            "fail*2,success",
            &[
                ("a", Some(3), "success"),
                ("b", Some(1), "fail"),
                ("b", Some(1), "fail"),
            ],
        );
        check(
            "fail,success",
            &[("a", Some(1), "fail"), ("a", Some(1), "success")],
        );
    }

    #[test]
    fn memory_does_not_grow_with_the_events() {
        let mut planner = Planner::new("fail,success".parse().unwrap());
        for event in 0..EVENTS_MAX + 10 {
            planner.answer(&event.to_string(), None);
        }
        assert_eq!(
            (planner.sends.len(), planner.oldest_first.len()),
            (EVENTS_MAX, EVENTS_MAX)
        );
        assert_eq!(planner.answer("3", None), Answer::FAIL);
        assert_eq!(planner.answer("3", None), Answer::SUCCESS);
    }

    #[test]
    fn texts() {
        for (text, canonical) in [
            ("success", "success"),
            (" fail*3 , success", "fail*3,success"),
            ("delay:1s:fail*2,reset", "delay:1s:fail*2,reset"),
            ("fail*1", "fail"),
        ] {
            assert_eq!(text.parse::<Plan>().unwrap().to_string(), canonical);
        }
        for (text, problem) in [
            ("", InvalidAnswer::Unknown(String::new())),
            ("fail,,success", InvalidAnswer::Unknown(String::new())),
            ("fail*0", InvalidAnswer::Times("0".into())),
            ("fail*x,success", InvalidAnswer::Times("x".into())),
            ("fail*1000001", InvalidAnswer::Times("1000001".into())),
            (&vec!["fail"; 65].join(","), InvalidAnswer::Length),
        ] {
            assert_eq!(text.parse::<Plan>(), Err(problem), "{text}");
        }
    }
}
