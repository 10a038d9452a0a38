//! Wrong answers on purpose: by a plan, for the next callbacks, or for one event. They are kept in memory only.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringback_core::limits;

use crate::receiver::plan::Planner;
use crate::receiver::{Answer, Plan};

/// The same answer a number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) answer: Answer,
    pub(super) times: u32,
}

/// The answers in force.
#[derive(Debug)]
pub(super) struct Faults {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    planner: Planner,
    next: Option<Fault>,
    /// By webhook-id, the oldest first.
    events: VecDeque<(String, Fault)>,
}

/// What is in force, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InForce {
    pub(super) plan: Plan,
    pub(super) next: Option<Fault>,
    pub(super) events: Vec<(String, Fault)>,
}

impl Faults {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            state: Mutex::new(State {
                planner: Planner::new(plan),
                next: None,
                events: VecDeque::new(),
            }),
        }
    }

    /// The answer to a callback: what was prepared for its event, else what was prepared for whichever comes next, else
    /// the plan's. `event` is its webhook-id, or what stands for it where it has none.
    pub(super) fn answer(&self, event: &str, send: Option<u32>) -> Answer {
        let mut state = self.state();
        if let Some(place) = state.events.iter().position(|(id, _)| id == event) {
            let fault = &mut state.events[place].1;
            fault.times -= 1;
            let (answer, spent) = (fault.answer.clone(), fault.times == 0);
            if spent {
                state.events.remove(place);
            }
            return answer;
        }
        if let Some(fault) = &mut state.next {
            fault.times -= 1;
            let (answer, spent) = (fault.answer.clone(), fault.times == 0);
            if spent {
                state.next = None;
            }
            return answer;
        }
        state.planner.answer(event, send)
    }

    /// Puts another plan in force.
    pub(super) fn plan(&self, plan: Plan) {
        self.state().planner.replace(plan);
    }

    /// Prepares the answer to the next callbacks; none where it is `None` or no times.
    pub(super) fn next(&self, fault: Option<Fault>) {
        self.state().next = fault.filter(|fault| fault.times > 0);
    }

    /// Prepares the answer to the next sends of an event; takes it back where it is `None` or no times.
    pub(super) fn event(&self, event: &str, fault: Option<Fault>) {
        let mut state = self.state();
        state.events.retain(|(id, _)| id != event);
        let Some(fault) = fault.filter(|fault| fault.times > 0) else {
            return;
        };
        if state.events.len() >= limits::INBOX_FAULTS {
            state.events.pop_front();
        }
        state.events.push_back((event.to_owned(), fault));
    }

    pub(super) fn in_force(&self) -> InForce {
        let state = self.state();
        InForce {
            plan: state.planner.plan().clone(),
            next: state.next.clone(),
            events: state.events.iter().cloned().collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(answer: &str, times: u32) -> Option<Fault> {
        Some(Fault {
            answer: answer.parse().unwrap(),
            times,
        })
    }

    #[test]
    fn an_event_goes_before_the_next_ones_and_both_before_the_plan() {
        let faults = Faults::new("fail,success".parse().unwrap());
        faults.next(fault("500", 2));
        faults.event("a", fault("302", 1));
        let answers: Vec<_> = ["a", "a", "b", "b", "b", "a"]
            .into_iter()
            .map(|event| faults.answer(event, None).to_string())
            .collect();
        assert_eq!(answers, ["302", "500", "500", "fail", "success", "fail"]);
        assert_eq!(faults.in_force().next, None);
    }

    #[test]
    fn they_can_be_taken_back_and_are_bounded() {
        let faults = Faults::new(Plan::default());
        faults.next(fault("500", 2));
        faults.next(None);
        faults.event("a", fault("500", 7));
        faults.event("a", fault("500", 0));
        assert_eq!(faults.answer("a", None), Answer::SUCCESS);
        for event in 0..=limits::INBOX_FAULTS {
            faults.event(&event.to_string(), fault("500", 1));
        }
        assert_eq!(faults.in_force().events.len(), limits::INBOX_FAULTS);
        assert_eq!(faults.answer("0", None), Answer::SUCCESS);
    }
}
