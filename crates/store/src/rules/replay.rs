//! Making, changing and stepping replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_core::delivery::{Delivery, State};
use ringback_core::id::{EndpointId, ReplayId};
use ringback_core::limits::{REPLAY_ROWS, REPLAYS_KEPT, REPLAYS_OPEN};
use ringback_core::replay::{Replay, ReplayChange, ReplayCounts, ReplaySpec, ReplayState};
use ringback_core::store::{Refusal, Written};
use ringback_core::time::Millis;

use super::hold;
use super::resend;
use crate::replay::{Match, Verdict, candidates, matches, tally};
use crate::tables::Tables;

pub(super) fn make<T: Tables>(tables: &mut T, now: Millis, spec: &ReplaySpec) -> Result<Written, T::Error> {
    let configured = tables
        .company(spec.filter.company_id)
        .is_some_and(|company| company.configured);
    if !configured {
        return Ok(Written::Refused(Refusal::NoCompany));
    }
    if tables.open_replays()? >= REPLAYS_OPEN {
        return Ok(Written::Refused(Refusal::TooManyReplays));
    }
    tables.forget_replays(REPLAYS_KEPT)?;
    let replay = Replay {
        id: ReplayId(tables.next_id(now)),
        spec: Arc::new(spec.clone()),
        state: ReplayState::Running,
        counts: ReplayCounts::default(),
        cursor: 0,
        ended_at: None,
    };
    tables.put_replay(&replay)?;
    Ok(Written::Replay(replay))
}

pub(super) fn change<T: Tables>(
    tables: &mut T,
    now: Millis,
    id: ReplayId,
    change: ReplayChange,
) -> Result<Written, T::Error> {
    let Some(mut replay) = tables.replay(id)? else {
        return Ok(Written::Refused(Refusal::NoReplay));
    };
    if !replay.state.has_ended() {
        match change {
            ReplayChange::Pause => replay.state = ReplayState::Paused,
            ReplayChange::Resume => replay.state = ReplayState::Running,
            ReplayChange::Cancel => end(&mut replay, ReplayState::Cancelled, now),
        }
        tables.put_replay(&replay)?;
    }
    Ok(Written::Replay(replay))
}

fn end(replay: &mut Replay, state: ReplayState, now: Millis) {
    replay.state = state;
    replay.ended_at = Some(now);
}

pub(super) fn step<T: Tables>(
    tables: &mut T,
    now: Millis,
    id: ReplayId,
    most: usize,
) -> Result<Written, T::Error> {
    let Some(mut replay) = tables.replay(id)? else {
        return Ok(Written::Refused(Refusal::NoReplay));
    };
    let mut outgoing = Outgoing::default();
    if replay.state == ReplayState::Running {
        walk(tables, now, &mut replay, most, &mut outgoing)?;
        tables.put_replay(&replay)?;
    }
    Ok(Written::ReplayStepped {
        replay,
        made: outgoing.made,
        due: outgoing.due.into_iter().collect(),
        hold_check: outgoing.hold_check,
    })
}

/// What goes out because of a step.
#[derive(Debug, Default)]
struct Outgoing {
    made: u64,
    due: BTreeMap<EndpointId, Millis>,
    hold_check: Option<Millis>,
}

impl Outgoing {
    fn add(&mut self, deliveries: &[Delivery]) {
        self.made += deliveries.len() as u64;
        let began = hold::first_check(deliveries);
        self.hold_check = self.hold_check.into_iter().chain(began).min();
        for delivery in deliveries
            .iter()
            .filter(|delivery| delivery.state == State::Pending)
        {
            if let (Some(endpoint), Some(due)) = (delivery.endpoint, delivery.due) {
                let earliest = self.due.entry(endpoint).or_insert(due);
                *earliest = due.min(*earliest);
            }
        }
    }
}

fn walk<T: Tables>(
    tables: &mut T,
    now: Millis,
    replay: &mut Replay,
    most: usize,
    outgoing: &mut Outgoing,
) -> Result<(), T::Error> {
    let spec = Arc::clone(&replay.spec);
    let ids = candidates(tables, &spec.filter, replay.cursor, replay.id.0, REPLAY_ROWS)?;
    let mut looked_at = 0;
    for id in &ids {
        if outgoing.made >= most as u64 {
            break;
        }
        for found in matches(tables, &spec, *id)? {
            let sent = send(tables, now, &found)?;
            if let Ok(deliveries) = &sent {
                outgoing.add(deliveries);
            }
            let outcome = sent.map(|deliveries| deliveries.len());
            tally(&mut replay.counts, &found.verdict, outcome);
        }
        replay.cursor = *id;
        looked_at += 1;
    }
    replay.counts.looked_at += looked_at as u64;
    if looked_at == ids.len() && ids.len() < REPLAY_ROWS {
        end(replay, ReplayState::Done, now);
    }
    Ok(())
}

fn send<T: Tables>(
    tables: &mut T,
    now: Millis,
    found: &Match,
) -> Result<Result<Vec<Delivery>, Refusal>, T::Error> {
    match &found.verdict {
        Verdict::Outdated | Verdict::Resent | Verdict::ResentTooOften => Ok(Ok(Vec::new())),
        Verdict::Again(delivery) => resend::again(tables, now, Delivery::clone(delivery), &found.event),
        Verdict::First => resend::first(tables, now, &found.event),
    }
}
