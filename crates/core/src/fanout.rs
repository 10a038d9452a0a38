//! Which deliveries an event gets (delivery rules, *Parked, unwanted*). Every store applies these functions inside its
//! intake transaction.

use ringback_contract::kind::Kind;

use crate::company::Company;
use crate::endpoint::Endpoint;

/// One delivery to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target<'a> {
    /// Where it goes; `None` for a delivery without endpoint.
    pub endpoint: Option<&'a Endpoint>,
    /// Whether it begins parked.
    pub parked: bool,
}

/// The deliveries of an event. An empty answer means *unwanted*: stored, without deliveries.
///
/// `company` is `None`, or not configured, for a company that nobody has configured: its events are parked, whatever
/// their kind. `endpoints` are the company's that are not deleted, in the order of their names.
#[must_use]
pub fn targets<'a>(
    kind: Kind,
    job_status: Option<i64>,
    company: Option<&Company>,
    endpoints: &'a [impl AsRef<Endpoint>],
) -> Vec<Target<'a>> {
    let homeless = Target {
        endpoint: None,
        parked: true,
    };
    let Some(company) = company.filter(|company| company.configured) else {
        return vec![homeless];
    };
    if !company.callbacks.has(kind) {
        return Vec::new();
    }
    if !endpoints
        .iter()
        .any(|endpoint| endpoint.as_ref().settings.callbacks.has(kind))
    {
        return vec![homeless];
    }
    fitting(kind, job_status, endpoints)
        .map(|endpoint| Target {
            endpoint: Some(endpoint),
            parked: !endpoint.settings.enabled,
        })
        .collect()
}

/// The endpoints that want an event of this kind and status, in the order given.
pub fn fitting(
    kind: Kind,
    job_status: Option<i64>,
    endpoints: &[impl AsRef<Endpoint>],
) -> impl Iterator<Item = &Endpoint> {
    endpoints
        .iter()
        .map(AsRef::as_ref)
        .filter(move |endpoint| endpoint.settings.wants(kind, job_status))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::endpoint::testing::endpoint;

    /// `endpoints` are (name, kinds, enabled); `expected` lists (name, parked), `-` for no endpoint.
    fn check(
        kind: Kind,
        job_status: Option<i64>,
        company: Option<&[Kind]>,
        endpoints: &[(&str, &[Kind], bool)],
        expected: &[(&str, bool)],
    ) {
        let company = company.map(|kinds| Company {
            configured: true,
            callbacks: kinds.iter().copied().collect(),
            ..Company::unconfigured(1)
        });
        let endpoints: Vec<Arc<Endpoint>> = endpoints
            .iter()
            .map(|(name, kinds, enabled)| {
                let mut endpoint = endpoint(1, 1, name);
                endpoint.settings.callbacks = kinds.iter().copied().collect();
                endpoint.settings.enabled = *enabled;
                Arc::new(endpoint)
            })
            .collect();
        let found: Vec<(&str, bool)> = targets(kind, job_status, company.as_ref(), &endpoints)
            .iter()
            .map(|target| {
                (
                    target.endpoint.map_or("-", |endpoint| endpoint.name.as_str()),
                    target.parked,
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    const CALL: &[Kind] = &[Kind::Call];
    const JOB: &[Kind] = &[Kind::Job];
    const BOTH: &[Kind] = &[Kind::Call, Kind::Job];

    #[test]
    fn every_fitting_endpoint_gets_one() {
        check(
            Kind::Call,
            None,
            Some(CALL),
            &[("a", CALL, true), ("b", BOTH, true), ("c", JOB, true)],
            &[("a", false), ("b", false)],
        );
    }

    #[test]
    fn a_disabled_endpoint_parks() {
        check(
            Kind::Call,
            None,
            Some(CALL),
            &[("a", CALL, false), ("b", CALL, true)],
            &[("a", true), ("b", false)],
        );
    }

    #[test]
    fn a_kind_in_no_endpoint_is_parked_without_one() {
        check(Kind::Call, None, Some(CALL), &[], &[("-", true)]);
        check(Kind::Call, None, Some(CALL), &[("a", JOB, true)], &[("-", true)]);
        check(
            Kind::Job,
            Some(2),
            Some(BOTH),
            &[("a", CALL, true)],
            &[("-", true)],
        );
    }

    #[test]
    fn a_kind_that_is_off_is_unwanted() {
        check(Kind::Job, Some(2), Some(CALL), &[("a", BOTH, true)], &[]);
        check(Kind::Correction, None, Some(CALL), &[], &[]);
    }

    #[test]
    fn a_status_that_no_endpoint_wants_is_unwanted() {
        for (status, expected) in [
            (1, &[][..]),
            (3, &[]),
            (2, &[("a", false)]),
            (4, &[("a", false)]),
            (10, &[("a", false)]),
        ] {
            check(Kind::Job, Some(status), Some(BOTH), &[("a", JOB, true)], expected);
        }
    }

    #[test]
    fn an_unknown_company_parks_every_kind() {
        for kind in Kind::ALL {
            check(kind, Some(2), None, &[], &[("-", true)]);
        }
    }
}
