//! The open and the recent alerts, and when something is said about them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rules::{self, Verdict};
use super::{
    Alert, Bounds, Condition, Ending, EndpointFacts, Facts, Named, Notice, Occasion, ServiceFacts, Severity,
};
use crate::id::EndpointId;
use crate::limits;
use crate::time::Millis;

/// What an alert is about: there is at most one open alert of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is wrong.
    pub condition: Condition,
    /// The company; `None` for the whole service.
    pub company_id: Option<i64>,
    /// The endpoint.
    pub endpoint: Option<EndpointId>,
}

#[derive(Clone, Debug)]
struct Open {
    alert: Alert,
    /// Since when its condition has not held.
    clear_since: Option<Millis>,
}

/// The open alerts and the newest that have ended.
#[derive(Clone, Debug, Default)]
pub struct Board {
    open: BTreeMap<Key, Open>,
    /// The oldest first.
    ended: VecDeque<Alert>,
    last_id: i64,
    /// Alerts whose stored form is behind.
    dirty: BTreeSet<i64>,
    /// Those that the process before did not finish telling.
    untold: BTreeSet<i64>,
    /// Sends that had ended, and when that number was last seen to grow or nothing waited.
    progress: Option<(u64, Millis)>,
    /// Alerts that were not opened because [`limits::ALERTS_OPEN`] are.
    overflowed: u64,
}

impl Board {
    /// The alerts that a store kept. What was not told is told in the first round.
    #[must_use]
    pub fn load(alerts: Vec<Alert>) -> Self {
        let mut board = Self::default();
        for alert in alerts {
            board.last_id = board.last_id.max(alert.id);
            if !alert.told && alert.noticed.is_some() {
                board.untold.insert(alert.id);
            }
            if alert.ended.is_some() {
                board.ended.push_back(alert);
            } else {
                let open = Open {
                    alert,
                    clear_since: None,
                };
                board.open.insert(open.alert.key(), open);
            }
        }
        board
            .ended
            .make_contiguous()
            .sort_by_key(|alert| (alert.ended.map(|(at, _)| at), alert.id));
        board.trim();
        board
    }

    /// The open alerts.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values().map(|open| &open.alert)
    }

    /// The alerts that have ended, the newest first; at most [`limits::ALERTS_KEPT`].
    pub fn ended(&self) -> impl Iterator<Item = &Alert> {
        self.ended.iter().rev()
    }

    /// Endpoints with open alerts.
    #[must_use]
    pub fn endpoints(&self) -> BTreeSet<EndpointId> {
        self.open.keys().filter_map(|key| key.endpoint).collect()
    }

    /// Alerts that were not opened because too many are.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Every channel is done with the last notices of these alerts.
    pub fn told(&mut self, ids: &BTreeSet<i64>) {
        let open = self.open.values_mut().map(|open| &mut open.alert);
        for alert in open.chain(self.ended.iter_mut()) {
            if !alert.told && ids.contains(&alert.id) {
                alert.told = true;
                self.dirty.insert(alert.id);
            }
        }
    }

    /// At most `most` alerts whose stored form is behind, as they are now. Those that could not be stored have to be
    /// given back to [`Board::unstored`].
    pub fn take_changed(&mut self, most: usize) -> Vec<Alert> {
        let ids: Vec<i64> = self.dirty.iter().take(most).copied().collect();
        for id in &ids {
            self.dirty.remove(id);
        }
        let ids: BTreeSet<i64> = ids.into_iter().collect();
        self.open()
            .chain(self.ended.iter())
            .filter(|alert| ids.contains(&alert.id))
            .cloned()
            .collect()
    }

    /// These could not be stored.
    pub fn unstored(&mut self, alerts: &[Alert]) {
        self.dirty.extend(alerts.iter().map(|alert| alert.id));
    }

    /// Takes in the facts of a round; what has to be told.
    pub fn round(&mut self, now: Millis, facts: &Facts, bounds: &Bounds) -> Vec<Notice> {
        let mut notices = self.resume();
        for endpoint in &facts.endpoints {
            self.endpoint(now, endpoint, &mut notices);
        }
        self.parked(now, &facts.parked, &mut notices);
        self.service(now, &facts.service, bounds, &mut notices);
        notices
    }

    /// What the process before did not finish telling.
    fn resume(&mut self) -> Vec<Notice> {
        let untold = std::mem::take(&mut self.untold);
        self.open()
            .chain(self.ended.iter())
            .filter(|alert| untold.contains(&alert.id))
            .map(|alert| Notice {
                occasion: match (alert.ended, alert.notices) {
                    (Some(_), _) => Occasion::Ended,
                    (None, 0 | 1) => Occasion::Opened,
                    (None, _) => Occasion::Lasts,
                },
                alert: alert.clone(),
            })
            .collect()
    }

    fn endpoint(&mut self, now: Millis, facts: &EndpointFacts, notices: &mut Vec<Notice>) {
        let key = |condition| Key {
            condition,
            company_id: Some(facts.company_id),
            endpoint: Some(facts.id),
        };
        let named = || {
            Some(Named {
                id: facts.id,
                name: facts.name.clone(),
            })
        };
        let failing = key(Condition::EndpointFailing);
        let verdict = rules::failing(facts, self.alert(&failing), now);
        notices.extend(self.judge(now, failing, verdict, named));
        let breaker = key(Condition::BreakerOpen);
        let verdict = rules::breaker(facts, self.alert(&breaker));
        notices.extend(self.judge(now, breaker, verdict, named));
        let certificate = key(Condition::CertificateEnding);
        let verdict = rules::certificate(facts, self.alert(&certificate), now);
        notices.extend(self.judge(now, certificate, verdict, named));
        let verdict = rules::counted(facts.exhausted, Severity::Critical);
        notices.extend(self.judge(now, key(Condition::DeliveriesExhausted), verdict, named));
    }

    fn parked(&mut self, now: Millis, parked: &[(i64, u64)], notices: &mut Vec<Notice>) {
        let key = |company_id| Key {
            condition: Condition::ParkedGrowing,
            company_id: Some(company_id),
            endpoint: None,
        };
        let mut counts: BTreeMap<Key, u64> = self
            .open
            .keys()
            .filter(|key| key.condition == Condition::ParkedGrowing)
            .map(|key| (*key, 0))
            .collect();
        for (company_id, count) in parked {
            *counts.entry(key(*company_id)).or_default() += count;
        }
        for (key, count) in counts {
            let verdict = rules::counted(count, Severity::Warning);
            notices.extend(self.judge(now, key, verdict, || None));
        }
    }

    fn service(&mut self, now: Millis, facts: &ServiceFacts, bounds: &Bounds, notices: &mut Vec<Notice>) {
        let stalled_ms = self.stalled(now, facts);
        for (condition, verdict) in [
            (Condition::IntakeRefused, rules::refused(facts, bounds)),
            (Condition::DiskNearlyFull, rules::disk(facts, bounds)),
            (Condition::StoreFailed, rules::store(facts)),
            (Condition::SendsStopped, rules::stopped(facts, stalled_ms)),
        ] {
            let key = Key {
                condition,
                company_id: None,
                endpoint: None,
            };
            notices.extend(self.judge(now, key, verdict, || None));
        }
    }

    /// For how long something has waited while no send ended.
    fn stalled(&mut self, now: Millis, facts: &ServiceFacts) -> u64 {
        let (_, since) = self
            .progress
            .filter(|(sends, _)| *sends == facts.sends && facts.queued > 0)
            .unwrap_or((facts.sends, now));
        self.progress = Some((facts.sends, since));
        now.since(since)
    }

    fn alert(&self, key: &Key) -> Option<&Alert> {
        self.open.get(key).map(|open| &open.alert)
    }

    /// What a verdict does to the alert of its key; what has to be told.
    fn judge(
        &mut self,
        now: Millis,
        key: Key,
        verdict: Verdict,
        endpoint: impl Fn() -> Option<Named>,
    ) -> Option<Notice> {
        let is_full = self.open.len() >= limits::ALERTS_OPEN;
        let notice = match (self.open.get_mut(&key), verdict) {
            (None, Verdict::Over(_) | Verdict::Unknown) => None,
            (None, Verdict::Holds { .. }) if is_full => {
                self.overflowed += 1;
                None
            }
            (
                None,
                Verdict::Holds {
                    level,
                    severity,
                    new,
                    detail,
                },
            ) => {
                self.last_id += 1;
                let alert = Alert {
                    id: self.last_id,
                    condition: key.condition,
                    company_id: key.company_id,
                    endpoint: endpoint(),
                    severity,
                    level,
                    since: now,
                    count: new,
                    uncounted: new,
                    detail,
                    notices: 0,
                    noticed: None,
                    told: false,
                    ended: None,
                };
                let mut open = Open {
                    alert,
                    clear_since: None,
                };
                let notice = open.tell(now, Occasion::Opened);
                self.open.insert(key, open);
                Some(notice)
            }
            (Some(open), verdict) => open.judge(now, verdict),
        }?;
        self.dirty.insert(notice.alert.id);
        if notice.alert.ended.is_some()
            && let Some(open) = self.open.remove(&key)
        {
            self.ended.push_back(open.alert);
            self.trim();
        }
        let worth_telling = notice
            .alert
            .ended
            .is_none_or(|(_, ending)| ending != Ending::Quiet);
        worth_telling.then_some(notice)
    }

    fn trim(&mut self) {
        while self.ended.len() > limits::ALERTS_KEPT {
            self.ended.pop_front();
        }
    }
}

impl Open {
    /// What a verdict does to an open alert.
    fn judge(&mut self, now: Millis, verdict: Verdict) -> Option<Notice> {
        let alert = &mut self.alert;
        match verdict {
            Verdict::Holds {
                level,
                severity,
                new,
                detail,
            } => {
                self.clear_since = None;
                alert.count = alert.count.saturating_add(new);
                alert.uncounted = alert.uncounted.saturating_add(new);
                alert.detail = detail;
                if level > alert.level {
                    alert.level = level;
                    alert.severity = alert.severity.max(severity);
                    return Some(self.tell(now, Occasion::Worse));
                }
            }
            Verdict::Over(ending) => {
                let clear_since = *self.clear_since.get_or_insert(now);
                let patience = match ending {
                    Ending::Quiet => limits::ALERT_QUIET_MS,
                    Ending::Removed => 0,
                    Ending::Recovered | Ending::NothingPending => limits::ALERT_CLEAR_MS,
                };
                if now.since(clear_since) >= patience {
                    self.alert.ended = Some((now, ending));
                    return Some(self.tell(now, Occasion::Ended));
                }
            }
            Verdict::Unknown => {}
        }
        let alert = &self.alert;
        let repeats = &limits::ALERT_REPEATS_MS;
        let at = usize::try_from(alert.notices.saturating_sub(1)).unwrap_or(usize::MAX);
        let gap = repeats[at.min(repeats.len() - 1)];
        let is_time = alert.noticed.is_none_or(|noticed| now.since(noticed) >= gap);
        let is_news = if alert.condition.counts() {
            alert.uncounted > 0
        } else {
            alert.condition.repeats()
        };
        // What seems over is not told again before that is certain.
        let holds = self.clear_since.is_none() || alert.condition.counts();
        (is_time && is_news && holds).then(|| self.tell(now, Occasion::Lasts))
    }

    fn tell(&mut self, now: Millis, occasion: Occasion) -> Notice {
        let alert = &mut self.alert;
        alert.notices = alert.notices.saturating_add(1);
        alert.noticed = Some(now);
        // Nobody is told of a quiet end.
        alert.told = matches!(alert.ended, Some((_, Ending::Quiet)));
        let notice = Notice {
            occasion,
            alert: alert.clone(),
        };
        alert.uncounted = 0;
        notice
    }
}
