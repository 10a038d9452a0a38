//! What random histories are made of: few companies, endpoints, calls, contents and keys, so that things meet.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringback_contract::ack::AckRule;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::{Preset, Schedule};
use ringback_core::alert::{Channel, Destination, Severity};
use ringback_core::company::{Company, Kinds};
use ringback_core::credentials::Credentials;
use ringback_core::delivery::{Outcome, State};
use ringback_core::endpoint::{Breaker, ContentType, Order, RateLimit, Settings, SigningSecret};
use ringback_core::event::{IdempotencyKey, NewEvent, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::language::Language;
use ringback_core::replay::{ReplayChange, ReplayFilter, ReplaySpec};
use ringback_core::settle::Next;
use ringback_core::store::Write;
use ringback_core::time::Millis;
use ringback_core::token::{Scope, Token};

use super::reads::{self, Look};
use crate::lab::{COMPANY, at, event, settings};

/// A place in the walk over an endpoint's open deliveries.
pub(super) type Place = (OrderKey, DeliveryId);

pub(super) const COMPANIES: [i64; 3] = [COMPANY, COMPANY + 1, COMPANY + 2];
pub(super) const ENDPOINTS: [&str; 3] = ["a", "b", "c"];
pub(super) const CALLS: std::ops::Range<i64> = 1..5;

/// Writes of one commit, and what is read after it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) pass_ms: u64,
    pub(super) steps: Vec<Step>,
    pub(super) look: Option<Look>,
}

/// A write, or what becomes one at its place in a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Write),
    /// A send of a known delivery ended; unless `ahead` is 0 it is not the next one.
    Record {
        which: usize,
        ahead: i64,
        end: End,
    },
    Resend {
        which: usize,
    },
    /// The next step of one of the replays that were made.
    GoOn {
        which: usize,
        most: usize,
    },
    Change {
        which: usize,
        change: ReplayChange,
    },
    /// What is older than `age_ms`, from the beginning, or from a known event on.
    Prune {
        age_ms: u64,
        after: Option<usize>,
    },
    /// From where the last part stopped, or from the beginning.
    Sweep {
        endpoint: EndpointId,
        goes_on: bool,
    },
    /// From behind a known delivery, or from where the last part stopped.
    RetryNow {
        endpoint: EndpointId,
        later_ms: u64,
        after: Option<usize>,
    },
}

/// How a send ended, or that the maximum age did.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Acknowledged,
    Retry(Outcome, u64),
    Exhausted(Outcome),
    Age,
}

impl End {
    pub(super) fn of_send(self, now: Millis) -> Option<(Outcome, Next)> {
        match self {
            Self::Acknowledged => Some((Outcome::Acknowledged, Next::Delivered)),
            Self::Retry(outcome, ms) => Some((outcome, Next::Retry(now.plus(ms)))),
            Self::Exhausted(outcome) => Some((outcome, Next::Exhausted)),
            Self::Age => None,
        }
    }
}

pub(super) fn batch(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Batch> {
    let pass_ms = prop_oneof![Just(0), 1u64..1000, 60_000u64..600_000];
    let steps = prop::collection::vec(step, 1..=8);
    let look = option::weighted(0.04, reads::look());
    (pass_ms, steps, look).prop_map(|(pass_ms, steps, look)| Batch { pass_ms, steps, look })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let company = || select(&COMPANIES[..]);
    let name = || select(&ENDPOINTS[..]).prop_map(str::to_owned);
    let token = || (0..3).prop_map(|i| format!("tok_{i}"));
    prop_oneof![
        12 => new_event(company()).prop_map(|event| Write::Accept(Box::new(event))).prop_map(Step::Write),
        10 => record(),
        3 => any::<usize>().prop_map(|which| Step::Resend { which }),
        2 => put_company(company()).prop_map(Step::Write),
        1 => company().prop_map(Write::DeleteCompany).prop_map(Step::Write),
        4 => put_endpoint(company(), name()).prop_map(Step::Write),
        1 => delete_endpoint(company(), name()).prop_map(Step::Write),
        1 => sweep(1..9),
        2 => retry_now(1..9),
        3 => Just(Step::Write(Write::CheckHolds)),
        2 => replay_spec(company()).prop_map(|spec| Step::Write(Write::MakeReplay(Box::new(spec)))),
        4 => (any::<usize>(), 1usize..6).prop_map(|(which, most)| Step::GoOn { which, most }),
        1 => (any::<usize>(), replay_change()).prop_map(|(which, change)| Step::Change { which, change }),
        2 => prune(),
        1 => (token(), "[a-z]{0,3}").prop_map(|(id, name)| Step::Write(add_token(id, name))),
        1 => token().prop_map(Write::RevokeToken).prop_map(Step::Write),
    ]
}

/// Steps of a history about the first endpoint of the first company.
pub(super) fn step_of_long_sweep() -> impl Strategy<Value = Step> {
    let name = || Just("a".to_owned());
    prop_oneof![
        3 => new_event(Just(COMPANY)).prop_map(|event| Write::Accept(Box::new(event))).prop_map(Step::Write),
        6 => record(),
        3 => any::<usize>().prop_map(|which| Step::Resend { which }),
        4 => put_endpoint(Just(COMPANY), name()).prop_map(Step::Write),
        1 => delete_endpoint(Just(COMPANY), name()).prop_map(Step::Write),
        6 => sweep(1..3),
        2 => retry_now(1..3),
        1 => Just(Step::Write(Write::CheckHolds)),
    ]
}

fn replay_change() -> impl Strategy<Value = ReplayChange> {
    select(
        &[
            ReplayChange::Pause,
            ReplayChange::Resume,
            ReplayChange::Resume,
            ReplayChange::Cancel,
        ][..],
    )
}

pub(super) fn replay_spec(company_id: impl Strategy<Value = i64>) -> impl Strategy<Value = ReplaySpec> {
    let states = vec![
        State::Delivered,
        State::Exhausted,
        State::Parked,
        State::Cancelled,
    ];
    let time = || option::weighted(0.2, (0i64..9_000_000).prop_map(at));
    let of_events = (company_id, most_kinds(), time(), time());
    let ids = (option::weighted(0.2, CALLS), option::weighted(0.2, 1i64..4));
    let of_deliveries = (
        prop_oneof![
            subsequence(vec![State::Exhausted, State::Parked], 1..=2),
            subsequence(states, 0..=4),
        ],
        any::<bool>(),
        option::weighted(0.2, select(&ENDPOINTS[..]).prop_map(str::to_owned)),
        option::weighted(0.1, select(&Outcome::ALL[..])),
    );
    (of_events, ids, of_deliveries, any::<bool>()).prop_map(
        |(
            (company_id, kinds, from, to),
            (call_instance_id, call_job_id),
            (states, unwanted, endpoint, outcome),
            include_outdated,
        )| ReplaySpec {
            filter: ReplayFilter {
                company_id,
                kinds,
                states,
                unwanted,
                endpoint,
                outcome,
                call_instance_id,
                call_job_id,
                from,
                to,
            },
            per_second: 10,
            include_outdated,
        },
    )
}

fn new_event(company_id: impl Strategy<Value = i64>) -> impl Strategy<Value = NewEvent> {
    let content = select(&["x", "y", "zz"][..]);
    let job = (option::of(1i64..4), select(&[1, 2, 5][..]));
    let key = (select(&["/v1/calls", "/v1/jobs"][..]), 0..3).prop_map(|(route, key)| IdempotencyKey {
        route,
        key: format!("key {key}"),
    });
    let others = (job, option::of(0i64..3), option::weighted(0.3, key));
    (company_id, select(&Kind::ALL[..]), CALLS, content, others).prop_map(
        |(company_id, kind, entity_id, content, ((job, status), phone_hash, idempotency))| NewEvent {
            company_id,
            call_job_id: job.filter(|_| kind != Kind::Job),
            job_status: (kind == Kind::Job).then_some(status),
            phone_hash,
            idempotency,
            ..event(kind, entity_id, content)
        },
    )
}

fn record() -> impl Strategy<Value = Step> {
    let outcome = || select(&Outcome::ALL[1..]);
    let end = prop_oneof![
        3 => Just(End::Acknowledged),
        4 => (outcome(), 500u64..900_000).prop_map(|(outcome, ms)| End::Retry(outcome, ms)),
        2 => outcome().prop_map(End::Exhausted),
        1 => Just(End::Age),
    ];
    let ahead = prop_oneof![8 => Just(0), 1 => Just(-1), 1 => Just(1)];
    (any::<usize>(), ahead, end).prop_map(|(which, ahead, end)| Step::Record { which, ahead, end })
}

fn put_company(company_id: impl Strategy<Value = i64>) -> impl Strategy<Value = Write> {
    let texts = (
        option::of("[a-z百应]{0,3}"),
        option::of("[a-z]{3}"),
        option::of("[a-z]{3}"),
    );
    let form = select(&DateTimeForm::ALL[..]);
    let channels = proptest::collection::vec("[a-z]{1,3}", 0..2);
    (company_id, most_kinds(), texts, any::<bool>(), form, channels).prop_map(
        |(company_id, callbacks, (name, app_key, app_secret), sign, date_time_form, channels)| {
            let channel = |name: String| Channel {
                name,
                language: Language::English,
                severity: Severity::Warning,
                destination: Destination::Slack {
                    url: "https://hooks.slack.com/services/T0/B0/x".to_owned(),
                },
            };
            Write::PutCompany(Box::new(Company {
                company_id,
                name,
                configured: true,
                callbacks,
                app_key,
                app_secret,
                sign,
                date_time_form,
                alert_channels: channels.into_iter().map(channel).collect(),
            }))
        },
    )
}

fn put_endpoint(
    company_id: impl Strategy<Value = i64>,
    name: impl Strategy<Value = String>,
) -> impl Strategy<Value = Write> {
    (company_id, name, any_settings()).prop_map(|(company_id, name, settings)| Write::PutEndpoint {
        company_id,
        name,
        settings: Box::new(settings),
    })
}

fn delete_endpoint(
    company_id: impl Strategy<Value = i64>,
    name: impl Strategy<Value = String>,
) -> impl Strategy<Value = Write> {
    (company_id, name, any::<bool>()).prop_map(|(company_id, name, cancel_open)| Write::DeleteEndpoint {
        company_id,
        name,
        cancel_open,
    })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let acts = (
        prop::bool::weighted(0.7),
        select(&[Order::Key, Order::KeyHold, Order::None][..]),
        most_kinds(),
        schedule(),
        subsequence(vec![1, 2, 5], 0..=3),
        (0u64..100_000, 1_000u64..900_000),
    );
    let kept = (
        select(&AckRule::ALL[..]),
        0u32..100,
        select(&[ContentType::Json, ContentType::Text][..]),
        select(&[Breaker::On, Breaker::Off][..]),
        option::of(1u32..50),
        prop::collection::vec((1i64..90_000, any::<bool>()), 0..3),
    );
    (acts, kept).prop_map(
        |(
            (enabled, order, callbacks, schedule, job_statuses, (hold_quiet_ms, hold_limit_ms)),
            (ack_rule, hundredths, content_type, breaker, tenths, secrets),
        )| Settings {
            enabled,
            order,
            hold_quiet_ms,
            hold_limit_ms,
            callbacks,
            schedule: Arc::new(schedule),
            job_statuses,
            ack_rule,
            jitter: f64::from(hundredths) / 100.0,
            content_type,
            breaker,
            rate_limit: tenths.map(|tenths| RateLimit {
                per_second: f64::from(tenths) / 10.0,
                burst: tenths,
            }),
            headers: BTreeMap::from([("x-nr".to_owned(), hundredths.to_string())]),
            tls_ca: tenths.map(|tenths| format!("PEM {tenths}")),
            credentials: tenths.map(|tenths| Credentials::Bearer {
                token: format!("token {tenths}"),
            }),
            secrets: secrets.into_iter().map(secret).collect(),
            ..settings()
        },
    )
}

fn secret((ms, rotated): (i64, bool)) -> SigningSecret {
    SigningSecret {
        secret: format!("whsec_{ms}"),
        until: rotated.then(|| at(ms)),
    }
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let gaps = prop::collection::vec(500u64..90_000, 0..4);
    prop_oneof![
        select(&Preset::ALL[..]).prop_map(Schedule::preset),
        (gaps, 1u64..9_000_000).prop_map(|(gaps, max_age)| Schedule::custom(gaps, max_age).unwrap()),
    ]
}

fn most_kinds() -> impl Strategy<Value = Kinds> {
    prop_oneof![
        Just(Kind::ALL.into_iter().collect()),
        subsequence(Kind::ALL.to_vec(), 0..=Kind::ALL.len()).prop_map(Kinds::from_iter),
    ]
}

fn sweep(numbers: std::ops::Range<i64>) -> impl Strategy<Value = Step> {
    (numbers, prop::bool::weighted(0.8)).prop_map(|(number, goes_on)| Step::Sweep {
        endpoint: EndpointId(number),
        goes_on,
    })
}

fn retry_now(numbers: std::ops::Range<i64>) -> impl Strategy<Value = Step> {
    (numbers, 0u64..60_000, option::of(any::<usize>())).prop_map(|(number, later_ms, after)| Step::RetryNow {
        endpoint: EndpointId(number),
        later_ms,
        after,
    })
}

fn prune() -> impl Strategy<Value = Step> {
    let age_ms = prop_oneof![Just(0), 1_000u64..4_000_000];
    (age_ms, option::weighted(0.2, any::<usize>())).prop_map(|(age_ms, after)| Step::Prune { age_ms, after })
}

fn add_token(id: String, name: String) -> Write {
    let mut hash = [9; 32];
    hash[..name.len()].copy_from_slice(name.as_bytes());
    Write::AddToken(Box::new(Token {
        id,
        name,
        hash,
        scope: Scope::Tenant,
        company_id: Some(1),
        created_wall_ms: 1_547_280_572_000,
        expires_wall_ms: Some(1_547_280_573_000),
        last_used_wall_ms: None,
        rate_limit: None,
    }))
}
