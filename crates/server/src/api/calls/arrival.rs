//! Did it arrive? One plain sentence per endpoint, in Chinese or English.
//!
//! A call is judged with its corrections: an endpoint has it when it has acknowledged all of them. Where a delivery was
//! sent again, the one that arrived counts, else the newest.

use ringback_contract::kind::Kind;
use ringback_core::delivery::State;
use ringback_core::store::{DeliveryRecord, EventRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::sentence::{Speaker, Subject};

/// Whether an endpoint has a call.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Arrival {
    /// The endpoint's name; null for what no endpoint takes.
    #[schema(example = "erp")]
    endpoint: Option<String>,
    /// Whether it has acknowledged the call and its corrections.
    arrived: bool,
    /// One sentence that says so, or why not, and what happens next.
    #[schema(example = "erp has the call: it arrived at 2026-01-12 16:10:12 +08:00, with send 1.")]
    sentence: String,
}

/// Whether every endpoint that an event goes to has acknowledged it. Cancelled deliveries do not count; an event without
/// deliveries was not called back.
pub(super) fn is_callbacked(deliveries: &[DeliveryRecord]) -> bool {
    let mut standing = endpoints(deliveries.iter())
        .into_iter()
        .filter_map(|endpoint| standing(deliveries, endpoint))
        .filter(|record| record.delivery.state != State::Cancelled)
        .peekable();
    standing.peek().is_some() && standing.all(|record| record.delivery.state == State::Delivered)
}

/// For each endpoint whether it has these events, which are a call and its corrections, the oldest first.
pub(super) fn arrivals(events: &[&EventRecord], speaker: Speaker<'_>) -> Vec<Arrival> {
    let endpoints = endpoints(events.iter().flat_map(|event| &event.deliveries));
    if endpoints.is_empty() {
        return vec![Arrival {
            endpoint: None,
            arrived: false,
            sentence: speaker.unwanted(subject_of(events), None),
        }];
    }
    endpoints
        .into_iter()
        .map(|endpoint| {
            let standing: Vec<(Kind, &DeliveryRecord)> = events
                .iter()
                .filter_map(|event| Some((event.event.kind, standing(&event.deliveries, endpoint)?)))
                .collect();
            arrival(endpoint, subject_of(events), &standing, speaker)
        })
        .collect()
}

fn arrival(
    endpoint: Option<&str>,
    subject: Subject,
    standing: &[(Kind, &DeliveryRecord)],
    speaker: Speaker<'_>,
) -> Arrival {
    let missing = standing
        .iter()
        .find(|(_, record)| record.delivery.state != State::Delivered);
    let sentence = match (missing, standing.last()) {
        (Some((kind, record)), _) => speaker.missing(endpoint, Subject::of(*kind), record),
        (None, Some((_, last))) => speaker.arrived(endpoint.unwrap_or_default(), subject, last),
        (None, None) => speaker.unwanted(subject, None),
    };
    Arrival {
        endpoint: endpoint.map(str::to_owned),
        arrived: missing.is_none() && !standing.is_empty(),
        sentence,
    }
}

/// The endpoints of some deliveries, in the order in which they first come.
fn endpoints<'a>(deliveries: impl Iterator<Item = &'a DeliveryRecord>) -> Vec<Option<&'a str>> {
    let mut endpoints = Vec::new();
    for record in deliveries {
        let name = record.endpoint_name.as_deref();
        if !endpoints.contains(&name) {
            endpoints.push(name);
        }
    }
    endpoints
}

/// The delivery by which an event stands at an endpoint: the one that arrived, else the newest that was not cancelled, else
/// the newest.
fn standing<'a>(deliveries: &'a [DeliveryRecord], endpoint: Option<&str>) -> Option<&'a DeliveryRecord> {
    let of_endpoint = || {
        deliveries
            .iter()
            .filter(|record| record.endpoint_name.as_deref() == endpoint)
    };
    of_endpoint()
        .find(|record| record.delivery.state == State::Delivered)
        .or_else(|| of_endpoint().rfind(|record| record.delivery.state != State::Cancelled))
        .or_else(|| of_endpoint().next_back())
}

/// What the sentences about some events are about.
fn subject_of(events: &[&EventRecord]) -> Subject {
    let call = events
        .iter()
        .map(|event| event.event.kind)
        .find(|kind| *kind != Kind::Correction);
    match (call, events.len()) {
        (Some(kind), 1) => Subject::of(kind),
        (Some(_), _) => Subject::CallAndCorrections,
        (None, _) => Subject::Correction,
    }
}

#[cfg(test)]
mod tests;
