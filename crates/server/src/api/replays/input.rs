//! What a POST of a replay says.

use ringback_contract::kind::Kind;
use ringback_core::company::Kinds;
use ringback_core::delivery::{Outcome, State};
use ringback_core::limits;
use ringback_core::replay::{ReplayFilter, ReplaySpec};
use ringback_core::time::Millis;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::companies::kinds;
use super::super::fields::{Fields, Given};
use super::super::names::{KindName, OutcomeName, ReplayedName};
use super::super::paths::{ENDPOINT_NAME, is_endpoint_name};
use super::super::problem::{FieldError, Problem, TO_BEFORE_FROM, kind_of};
use super::super::search::{TIME, moment};
use super::super::time::Time;

/// A replay to make, or to foresee.
#[derive(ToSchema)]
#[schema(as = ReplaySettings, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what read takes")]
pub(crate) struct ReplayInput {
    /// What is sent once more.
    filter: FilterInput,
    /// Deliveries that go out per second, at most. Default: 100.
    #[schema(minimum = 1, maximum = 1000, example = 100)]
    per_second: Option<u32>,
    /// Send corrections and job events although a newer one of the same call or job was delivered to the endpoint. Default:
    /// false.
    include_outdated: Option<bool>,
    /// Send nothing, and say what would be sent. Default: false.
    dry_run: Option<bool>,
}

/// What a replay sends once more. Every condition that is given must hold.
#[derive(ToSchema)]
#[schema(as = ReplayFilter, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what read takes")]
pub(crate) struct FilterInput {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// The kinds. Default: all.
    #[schema(value_type = Option<Vec<KindName>>)]
    kinds: Option<Vec<String>>,
    /// The states of deliveries. Default: exhausted and parked.
    #[schema(value_type = Option<Vec<ReplayedName>>)]
    states: Option<Vec<String>>,
    /// The name of a delivery's endpoint.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// What became of a delivery's last send.
    #[schema(value_type = Option<OutcomeName>)]
    outcome: Option<String>,
    /// The call, with its corrections; or the inbound call.
    call_instance_id: Option<i64>,
    /// The job; or the job that a call belongs to.
    call_job_id: Option<i64>,
    /// Accepted at this time or later.
    from: Option<Time>,
    /// Accepted before this time.
    to: Option<Time>,
}

const MEMBERS: [&str; 4] = ["filter", "perSecond", "includeOutdated", "dryRun"];
const FILTER_MEMBERS: [&str; 9] = [
    "companyId",
    "kinds",
    "states",
    "endpoint",
    "outcome",
    "callInstanceId",
    "callJobId",
    "from",
    "to",
];

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) spec: ReplaySpec,
    pub(super) dry_run: bool,
}

/// Reads a body. Every mistake is told at once.
pub(super) fn read(body: &[u8]) -> Result<Asked, Problem> {
    let mut fields = Fields::of_body(body, &MEMBERS)?;
    let boolean = "true or false";
    let per_second = fields.take("perSecond", "an integer from 1 to 1000", |value| {
        let rate = u32::try_from(value.as_u64()?).ok()?;
        (1..=limits::REPLAY_PER_SECOND_MOST)
            .contains(&rate)
            .then_some(rate)
    });
    let include_outdated = fields.take("includeOutdated", boolean, Value::as_bool);
    let dry_run = fields.take("dryRun", boolean, Value::as_bool);
    let filter = match fields.take_or("filter", filter) {
        Given::Value(filter) => Some(filter),
        Given::Absent if fields.has_errors_in("filter") => None,
        Given::Absent | Given::Null => {
            let allowed = "an object with at least companyId";
            fields.note(FieldError::missing("filter", allowed));
            None
        }
    };
    fields.finish()?;
    let filter = filter.ok_or_else(|| Problem::invalid(vec![FieldError::missing("filter", "an object")]))?;
    Ok(Asked {
        spec: ReplaySpec {
            filter,
            per_second: per_second.or(limits::REPLAY_PER_SECOND),
            include_outdated: include_outdated.or(false),
        },
        dry_run: dry_run.or(false),
    })
}

fn filter(value: &Value, at: &str) -> Result<ReplayFilter, Vec<FieldError>> {
    let Some(mut fields) = Fields::of_value(value, at, &FILTER_MEMBERS) else {
        let allowed = "an object such as {\"companyId\": 151, \"states\": [\"exhausted\"]}";
        return Err(vec![FieldError::wrong(at, kind_of(value), allowed)]);
    };
    let company_id = fields.require("companyId", "an integer", Value::as_i64);
    let kinds = fields.take_or("kinds", kinds);
    let states = fields.take("states", STATES, states);
    let endpoint = fields.take("endpoint", ENDPOINT_NAME, |value| {
        let name = value.as_str().filter(|name| is_endpoint_name(name));
        name.map(str::to_owned)
    });
    let outcomes = Outcome::ALL.map(Outcome::name).join(", ");
    let outcome = fields.take("outcome", &outcomes, |value| {
        let name = value.as_str()?;
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    });
    let call_instance_id = fields.take("callInstanceId", "an integer", Value::as_i64);
    let call_job_id = fields.take("callJobId", "an integer", Value::as_i64);
    let mut time = |name| fields.take(name, TIME, |value| moment(value.as_str()?));
    let (from, to): (Given<Millis>, Given<Millis>) = (time("from"), time("to"));
    if to.value() < from.value() && to.value().is_some() {
        fields.note(FieldError::other(&format!("{at}.to"), TO_BEFORE_FROM));
    }
    let errors = fields.into_errors();
    let Some(company_id) = company_id.filter(|_| errors.is_empty()) else {
        return Err(errors);
    };
    let (states, unwanted) = states.or((vec![State::Exhausted, State::Parked], false));
    Ok(ReplayFilter {
        company_id,
        kinds: kinds.or(Kinds::from_iter(Kind::ALL)),
        states,
        unwanted,
        endpoint: endpoint.value(),
        outcome: outcome.value(),
        call_instance_id: call_instance_id.value(),
        call_job_id: call_job_id.value(),
        from: from.value(),
        to: to.value(),
    })
}

/// The name of events that nobody wanted, beside the states of deliveries.
pub(super) const UNWANTED: &str = "unwanted";
/// The states that can be replayed; what is pending is on its way.
pub(super) const REPLAYED: [State; 4] = [
    State::Delivered,
    State::Exhausted,
    State::Parked,
    State::Cancelled,
];
const STATES: &str = "a list of delivered, exhausted, parked, cancelled, unwanted";

fn states(value: &Value) -> Option<(Vec<State>, bool)> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let names = list.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    let known = |name: &str| name == UNWANTED || REPLAYED.iter().any(|state| state.name() == name);
    let states = REPLAYED.into_iter().filter(|state| names.contains(&state.name()));
    names
        .iter()
        .all(|name| known(name))
        .then(|| (states.collect(), names.contains(&UNWANTED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_most_that_can_be_asked() {
        let least = read(br#"{"filter": {"companyId": 151}}"#).unwrap();
        let filter = ReplayFilter {
            company_id: 151,
            kinds: Kinds::from_iter(Kind::ALL),
            states: vec![State::Exhausted, State::Parked],
            unwanted: false,
            endpoint: None,
            outcome: None,
            call_instance_id: None,
            call_job_id: None,
            from: None,
            to: None,
        };
        let spec = ReplaySpec {
            filter,
            per_second: 100,
            include_outdated: false,
        };
        assert_eq!(least, Asked { spec, dry_run: false });
        let most = read(
            br#"{"filter": {"companyId": 151, "kinds": ["job"], "states": ["unwanted", "cancelled", "delivered"],
                "endpoint": "erp", "outcome": "timed-out", "callInstanceId": 1, "callJobId": 2,
                "from": "2019-01-12T08:10:11Z", "to": "2019-01-12T16:10:12+08:00"},
                "perSecond": 1000, "includeOutdated": true, "dryRun": true}"#,
        )
        .unwrap();
        let filter = ReplayFilter {
            company_id: 151,
            kinds: Kinds::from_iter([Kind::Job]),
            states: vec![State::Delivered, State::Cancelled],
            unwanted: true,
            endpoint: Some("erp".to_owned()),
            outcome: Some(Outcome::TimedOut),
            call_instance_id: Some(1),
            call_job_id: Some(2),
            from: Some(Millis(1_547_280_611_000)),
            to: Some(Millis(1_547_280_612_000)),
        };
        let spec = ReplaySpec {
            filter,
            per_second: 1000,
            include_outdated: true,
        };
        assert_eq!(most, Asked { spec, dry_run: true });
    }

    #[test]
    fn every_mistake_is_told_with_its_path() {
        for (body, expected) in [
            (
                "{}",
                &["filter: is missing; there must be an object with at least companyId"][..],
            ),
            (
                r#"{"filter": null}"#,
                &["filter: is missing; there must be an object with at least companyId"],
            ),
            (
                r#"{"filter": 151}"#,
                &[
                    r#"filter: is a number; allowed is an object such as {"companyId": 151, "states": ["exhausted"]}"#,
                ],
            ),
            (
                r#"{"filter": {}, "dryRun": 1, "perSecond": 0}"#,
                &[
                    "perSecond: is a number out of range; allowed is an integer from 1 to 1000",
                    "dryRun: is a number; allowed is true or false",
                    "filter.companyId: is missing; there must be an integer",
                ],
            ),
            (
                r#"{"filter": {"companyId": 1, "states": ["pending"], "kinds": "call", "from": "today"}}"#,
                &[
                    "filter.kinds: is a string; allowed is a list of call, correction, inbound, job",
                    "filter.states: is an array; allowed is a list of delivered, exhausted, parked, cancelled, unwanted",
                    "filter.from: is a string; allowed is a time such as 2026-01-12T08:10:11Z or 2026-01-12T16:10:11+08:00",
                ],
            ),
            (
                r#"{"filter": {"companyId": 1, "states": []}}"#,
                &[
                    "filter.states: is an array; allowed is a list of delivered, exhausted, parked, cancelled, unwanted",
                ],
            ),
        ] {
            let problem = read(body.as_bytes()).unwrap_err();
            let found: Vec<String> = problem
                .errors
                .iter()
                .map(|error| format!("{}: {}", error.field, error.detail))
                .collect();
            assert_eq!(found, expected, "{body}");
        }
    }
}
