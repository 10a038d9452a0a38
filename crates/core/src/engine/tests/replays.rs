//! The engine takes the steps of running replays at their pace, and reads what they made.

use super::rig::{Answer, Rig, SECOND, T0, answer};
use crate::delivery::Outcome;
use crate::engine::Input;
use crate::id::{EndpointId, ReplayId};

const ACK: Answer = answer(0, Outcome::Acknowledged);
const REPLAY: ReplayId = ReplayId(9);

#[test]
fn a_replay_is_stepped_at_its_rate_until_it_stops() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.handle(Input::Replay(REPLAY, Some(2)));
    for second in 0..3 {
        rig.run(60 * SECOND, |_| ACK);
        rig.handle(Input::ReplayStepped {
            replay: REPLAY,
            made: 2,
            due: Vec::new(),
        });
        assert_eq!(rig.replay_steps.last(), Some(&(second * SECOND, REPLAY, 1)));
    }
    rig.handle(Input::Replay(REPLAY, None));
    assert_eq!(rig.engine.next_wake(), None);
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.replay_steps.len(), 3);
}

#[test]
fn what_a_step_made_is_read_and_sent() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.handle(Input::Replay(REPLAY, Some(1)));
    rig.pump();
    let row = rig.row(1, 7);
    rig.commit_row(row);
    rig.untold.clear();
    rig.handle(Input::ReplayStepped {
        replay: REPLAY,
        made: 1,
        due: vec![(EndpointId(1), T0)],
    });
    rig.handle(Input::Replay(REPLAY, None));
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.starts(1), [0]);
    rig.assert_idle();
}
