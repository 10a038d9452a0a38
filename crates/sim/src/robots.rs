//! The robots that hand in events, and repeat what was not answered until it is.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::event::{IdempotencyKey, NewEvent};
use ringback_core::id::EventId;
use ringback_core::store::Written;

use crate::random::Random;
use crate::{Broken, broken};

/// The companies of a run; the last is known to nobody.
pub(crate) const COMPANIES: [i64; 3] = [1, 243, 9];

/// One request of a robot, perhaps repeated.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) event: NewEvent,
    /// The event that it made, durably, whether anybody was told or not.
    pub(crate) made: Option<EventId>,
    /// The event that the robot was told.
    pub(crate) answered: Option<EventId>,
    /// The robot will not ask again.
    pub(crate) given_up: bool,
}

/// A request that no other is like.
pub(crate) fn intake(random: &mut Random, nth: usize, wall_ms: i64) -> Intake {
    let kind = random.pick(&Kind::ALL);
    let nth_id = i64::try_from(nth).unwrap_or_default();
    // Without a key of its own, a repetition is recognised only while it is the newest of its id.
    let keyed = random.chance(600_000);
    let entity_id = if keyed {
        random.within(1..=8)
    } else {
        1_000_000 + nth_id
    };
    let bytes = if random.chance(20_000) {
        600_000
    } else {
        random.index(3_000)
    };
    let mut body = format!("{{\"nth\":{nth},\"text\":\"").into_bytes();
    body.resize(body.len() + bytes, b'x');
    body.extend_from_slice(b"\"}");
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&nth.to_be_bytes());
    Intake {
        event: NewEvent {
            company_id: random.pick(&[1, 1, 1, 243, 243, 9]),
            kind,
            entity_id,
            call_job_id: Some(random.within(1..=4)),
            job_status: (kind == Kind::Job).then(|| random.pick(&[1, 2, 4, 5, 6, 9])),
            phone_hash: None,
            digest,
            body: Bytes::from(body),
            accepted_wall_ms: wall_ms,
            idempotency: keyed.then(|| IdempotencyKey {
                route: "/v1/calls",
                key: format!("key-{nth}"),
            }),
        },
        made: None,
        answered: None,
        given_up: false,
    }
}

impl Intake {
    /// A commit with this request is durable. Answers the event, if it is a new one.
    ///
    /// # Errors
    /// A repetition made another event.
    pub(crate) fn applied(&mut self, written: &Written) -> Result<Option<EventId>, Broken> {
        match (written, self.made) {
            (Written::Accepted(accepted), None) if !accepted.replayed => {
                self.made = Some(accepted.event_id);
                Ok(self.made)
            }
            (Written::Accepted(accepted), Some(made)) if accepted.replayed && accepted.event_id == made => {
                Ok(None)
            }
            _ => broken(format!("one request, first {:?}, then {written:?}", self.made)),
        }
    }

    /// The robot is answered.
    pub(crate) fn answer(&mut self, written: &Written) -> Result<(), Broken> {
        let Written::Accepted(accepted) = written else {
            return broken(format!("a request was answered with {written:?}"));
        };
        if self.made != Some(accepted.event_id) {
            return broken(format!("answered {} before it was durable", accepted.event_id));
        }
        self.answered = Some(accepted.event_id);
        Ok(())
    }
}
