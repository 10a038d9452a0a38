//! The people who set companies and endpoints up, change them, and repair.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::{Preset, Schedule};
use ringback_core::company::Company;
use ringback_core::endpoint::{Breaker, ContentType, Endpoint, Order, Profile, RateLimit, Settings};
use ringback_core::id::DeliveryId;
use ringback_core::limits;
use ringback_core::store::Write;
use ringback_core::time::Millis;

use crate::random::Random;
use crate::robots::COMPANIES;

const HOUR_MS: u64 = 60 * 60 * 1000;

const NAMES: [&str; 4] = ["crm", "erp", "jobs", "old"];

/// What is set up before a run begins: the first company has a receiver that never acknowledges.
pub(crate) fn set_up(random: &mut Random) -> Vec<Write> {
    let mut writes = Vec::new();
    for company_id in [COMPANIES[0], COMPANIES[1]] {
        writes.push(company(random, company_id));
        for name in NAMES {
            if random.chance(700_000) {
                writes.push(endpoint(random, company_id, name));
            }
        }
    }
    writes
}

fn company(random: &mut Random, company_id: i64) -> Write {
    let mut company = Company::unconfigured(company_id);
    if random.chance(800_000) {
        company.callbacks = company.callbacks.with(Kind::Job);
    }
    Write::PutCompany(Box::new(company))
}

fn endpoint(random: &mut Random, company_id: i64, name: &str) -> Write {
    Write::PutEndpoint {
        company_id,
        name: name.to_owned(),
        settings: Box::new(settings(random, company_id, name)),
    }
}

/// Settings of a new endpoint. `erp` of every company sends without order, and `old` changes its mind.
fn settings(random: &mut Random, company_id: i64, name: &str) -> Settings {
    let all = random.chance(500_000);
    let callbacks = Kind::ALL
        .into_iter()
        .filter(|kind| all || (*kind == Kind::Job) == (name == "jobs"));
    Settings {
        url: format!("http://{name}.{company_id}.test/"),
        callbacks: callbacks.collect(),
        enabled: random.chance(900_000),
        ack_rule: random.pick(&AckRule::ALL),
        schedule: schedule(random),
        jitter: random.pick(&[0.0, 0.0, 0.3, 1.0]),
        timeout_ms: random.pick(&[1_000, 5_000, 15_000]),
        content_type: ContentType::Json,
        profile: Profile::V1,
        order: match name {
            "erp" => Order::None,
            "jobs" => Order::KeyHold,
            _ => Order::Key,
        },
        hold_quiet_ms: limits::HOLD_QUIET_MS,
        hold_limit_ms: random.pick(&[limits::HOLD_QUIET_MS, limits::HOLD_LIMIT_MS]),
        max_in_flight: random.pick(&[1, 2, 32]),
        rate_limit: random.chance(300_000).then(|| RateLimit {
            per_second: random.pick(&[0.5, 5.0, 100.0]),
            burst: random.pick(&[1, 20]),
        }),
        breaker: random.pick(&[Breaker::On, Breaker::On, Breaker::Off]),
        job_statuses: Settings::DEFAULT_JOB_STATUSES.to_vec(),
        headers: BTreeMap::new(),
        secrets: Vec::new(),
        tls_ca: None,
        credentials: None,
        client_certificate: None,
    }
}

fn schedule(random: &mut Random) -> Arc<Schedule> {
    if random.chance(300_000) {
        return Arc::new(Schedule::preset(random.pick(&Preset::ALL)));
    }
    let gaps = (0..random.within(0..=6)).map(|_| random.pick(&[500, 1_000, 5_000, 60_000, 600_000]));
    let gaps: Vec<u64> = gaps.collect();
    let max_age_ms = random.pick(&[10_000, 300_000, 3_600_000, 86_400_000]);
    Schedule::custom(gaps, max_age_ms).map_or_else(|_| Arc::default(), Arc::new)
}

/// Something that an operator does on a day like this.
pub(crate) fn act(
    random: &mut Random,
    now: Millis,
    endpoints: &[&Arc<Endpoint>],
    deliveries: &[DeliveryId],
) -> Write {
    let known = (!endpoints.is_empty()).then(|| endpoints[random.index(endpoints.len().max(1))]);
    let Some(known) = known.filter(|_| random.chance(900_000)) else {
        let company_id = random.pick(&COMPANIES[..2]);
        let name = random.pick(&NAMES);
        return endpoint(random, company_id, name);
    };
    match random.below(11) {
        0..=3 => change(known, |settings| settings.enabled = !settings.enabled),
        4 => {
            let other = settings(random, known.company_id, &known.name);
            change(known, |settings| {
                settings.max_in_flight = other.max_in_flight;
                settings.rate_limit = other.rate_limit;
                settings.breaker = other.breaker;
                settings.schedule = other.schedule;
                if known.name == "old" {
                    settings.order = match settings.order {
                        Order::None => Order::Key,
                        Order::Key | Order::KeyHold => Order::None,
                    };
                }
            })
        }
        5 => Write::DeleteEndpoint {
            company_id: known.company_id,
            name: known.name.clone(),
            cancel_open: random.chance(700_000),
        },
        6 => company(random, COMPANIES[2]),
        7 => Write::RetryNow {
            endpoint: known.id,
            cutoff: now,
            after: None,
        },
        8 => Write::Prune {
            before: Millis(now.0.saturating_sub_unsigned(random.pick(&[
                2 * HOUR_MS,
                12 * HOUR_MS,
                72 * HOUR_MS,
            ]))),
            after: None,
        },
        _ if deliveries.is_empty() => change(known, |settings| settings.enabled = true),
        _ => Write::Resend(deliveries[random.index(deliveries.len())]),
    }
}

/// Puts an endpoint as it is, with a change.
pub(crate) fn change(endpoint: &Endpoint, change: impl FnOnce(&mut Settings)) -> Write {
    let mut settings = endpoint.settings.clone();
    change(&mut settings);
    Write::PutEndpoint {
        company_id: endpoint.company_id,
        name: endpoint.name.clone(),
        settings: Box::new(settings),
    }
}
