//! An alert that tells of nothing, for tests of channels: it shows what a real one looks like.

use ringback_core::alert::{Alert, Condition, Detail, Named, Notice, Occasion, Severity};
use ringback_core::id::EndpointId;
use ringback_core::time::Millis;

use super::Said;

/// The endpoint that the sample tells of.
const ENDPOINT: &str = "sample";

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Half of the maximum age of a delivery to an endpoint of this company has passed.
pub(super) fn said(company_id: i64, now: Millis) -> Said {
    let alert = Alert {
        id: 0,
        condition: Condition::EndpointFailing,
        company_id: Some(company_id),
        endpoint: Some(Named {
            id: EndpointId(0),
            name: ENDPOINT.to_owned(),
        }),
        severity: Severity::Warning,
        level: 0,
        since: now,
        count: 0,
        uncounted: 0,
        detail: Detail::Failing {
            percent: Some(50),
            oldest_ms: Some(12 * HOUR_MS),
            max_age_ms: Some(24 * HOUR_MS),
            unacknowledged_ms: Some(12 * HOUR_MS),
        },
        notices: 1,
        noticed: Some(now),
        told: false,
        ended: None,
    };
    Said {
        notice: Notice {
            occasion: Occasion::Opened,
            alert,
        },
        pending: Some(3),
    }
}
