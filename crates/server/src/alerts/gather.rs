//! The facts of one round: from the store by index, at most [`limits::ALERT_ENDPOINTS`] endpoints in reads of
//! [`limits::ALERT_PAGE`]; from the driver's notes; from counters.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ringback_core::alert::{CertificateEnd, CertificateUse, EndpointFacts, Facts, Oldest, ServiceFacts};
use ringback_core::delivery::Outcome;
use ringback_core::endpoint::{Endpoint, Settings};
use ringback_core::id::EndpointId;
use ringback_core::limits;
use ringback_core::time::Millis;

use super::{Alerts, lock};
use crate::outbound::identity;
use crate::telemetry::metrics::Refused;
use crate::watch::Watched;

/// Counters as the last round read them, and how far it came.
#[derive(Debug, Default)]
pub(super) struct Totals {
    unavailable: u64,
    invalid: u64,
    /// Deliveries exhausted, by endpoint.
    exhausted: HashMap<EndpointId, u64>,
    /// Events parked, by company.
    parked: HashMap<i64, u64>,
    /// The last endpoint that was looked up.
    reached: Option<EndpointId>,
    /// What the certificates of endpoints say, by the version of their settings: reading them takes longer than asking.
    certificates: HashMap<EndpointId, (i64, Option<CertificateEnd>)>,
}

/// An endpoint to look at.
#[derive(Clone, Debug)]
struct Candidate {
    company_id: i64,
    name: String,
    live: bool,
    certificate: Option<CertificateEnd>,
}

/// The certificate in an endpoint's settings that ends first. A chain is as good as the first of it to end; of authorities the
/// last counts, since a new one is put beside the old one before that ends.
fn certificate(settings: &Settings) -> Option<CertificateEnd> {
    let end = |used_as, ends: Option<i64>| {
        ends.map(|ends| CertificateEnd {
            ends: Millis(ends),
            used_as,
        })
    };
    let client = settings.client_certificate.as_ref();
    let client = client.and_then(|client| identity::ends(&client.certificate).min());
    let authority = settings.tls_ca.as_deref();
    let authority = authority.and_then(|pem| identity::ends(pem).max());
    let both = [
        end(CertificateUse::Client, client),
        end(CertificateUse::Authority, authority),
    ];
    both.into_iter().flatten().min()
}

impl Alerts {
    /// The facts; `None` while the service shuts down.
    pub(super) async fn gather(&self) -> Option<Facts> {
        let candidates = self.candidates();
        let oldest = self.oldest(&candidates).await;
        let watched = self.service.watched().await?;
        let endpoints = match oldest {
            Some(oldest) => self.endpoints(candidates, &oldest, &watched),
            // Nothing can be said about endpoints while the store cannot be read.
            None => Vec::new(),
        };
        let parked = {
            let mut totals = lock(&self.totals);
            let before = std::mem::replace(&mut totals.parked, watched.parked.clone());
            let new = watched.parked.iter().map(|(company_id, count)| {
                let known = before.get(company_id).copied().unwrap_or_default();
                (*company_id, count.saturating_sub(known))
            });
            new.filter(|(_, count)| *count > 0).collect()
        };
        Some(Facts {
            endpoints,
            parked,
            service: self.service_facts(),
        })
    }

    /// The endpoints of this round: all of them, or as many as it may look up, in turns; and always those with open alerts.
    fn candidates(&self) -> BTreeMap<EndpointId, Candidate> {
        let mut all: Vec<_> = self.service.directory().all_endpoints();
        all.sort_by_key(|endpoint| endpoint.id);
        let reached = lock(&self.totals).reached;
        let from = all.partition_point(|endpoint| reached.is_some_and(|reached| endpoint.id <= reached));
        all.rotate_left(from);
        let alerted: BTreeMap<EndpointId, Candidate> = self
            .service
            .board()
            .open()
            .filter_map(|alert| {
                let candidate = Candidate {
                    company_id: alert.company_id?,
                    name: alert.endpoint.as_ref()?.name.clone(),
                    live: false,
                    certificate: None,
                };
                Some((alert.endpoint.as_ref()?.id, candidate))
            })
            .collect();
        let certificates = self.certificates(&all);
        let mut candidates = alerted;
        let mut turns = 0;
        for endpoint in &all {
            let candidate = Candidate {
                company_id: endpoint.company_id,
                name: endpoint.name.clone(),
                live: endpoint.settings.enabled,
                certificate: certificates.get(&endpoint.id).copied(),
            };
            if let Some(known) = candidates.get_mut(&endpoint.id) {
                *known = candidate;
            } else if turns < limits::ALERT_ENDPOINTS {
                turns += 1;
                lock(&self.totals).reached = Some(endpoint.id);
                candidates.insert(endpoint.id, candidate);
            }
        }
        candidates
    }

    /// The certificates in the settings of endpoints that end first.
    fn certificates(&self, endpoints: &[Arc<Endpoint>]) -> HashMap<EndpointId, CertificateEnd> {
        let mut totals = lock(&self.totals);
        let known = std::mem::take(&mut totals.certificates);
        let with_some = endpoints.iter().filter(|endpoint| {
            endpoint.settings.client_certificate.is_some() || endpoint.settings.tls_ca.is_some()
        });
        for endpoint in with_some {
            let read = match known.get(&endpoint.id) {
                Some((version, end)) if *version == endpoint.version => *end,
                _ => certificate(&endpoint.settings),
            };
            totals.certificates.insert(endpoint.id, (endpoint.version, read));
        }
        let ends = totals.certificates.iter();
        ends.filter_map(|(id, (_, end))| Some((*id, (*end)?))).collect()
    }

    /// The oldest pending deliveries of those that are live; `None` when the store cannot be read.
    async fn oldest(
        &self,
        candidates: &BTreeMap<EndpointId, Candidate>,
    ) -> Option<HashMap<EndpointId, Option<Oldest>>> {
        let live: Vec<EndpointId> = candidates
            .iter()
            .filter(|(_, candidate)| candidate.live)
            .map(|(id, _)| *id)
            .collect();
        let mut oldest = HashMap::with_capacity(live.len());
        for page in live.chunks(limits::ALERT_PAGE) {
            let (now, asked) = (self.service.time().now(), page.to_vec());
            let found = self
                .service
                .read(move |reader| reader.oldest(now, &asked))
                .await
                .ok()?;
            oldest.extend(page.iter().copied().zip(found));
        }
        Some(oldest)
    }

    fn service_facts(&self) -> ServiceFacts {
        let metrics = &self.metrics;
        let refused = |reasons: &[Refused]| -> u64 {
            reasons.iter().map(|reason| metrics.refused(*reason).get()).sum()
        };
        let unavailable = refused(&[Refused::Unavailable, Refused::DiskNearlyFull]);
        let invalid = refused(&[
            Refused::Invalid,
            Refused::TooLarge,
            Refused::ContentType,
            Refused::Conflict,
            // Of these the token is known; anybody can send a wrong one.
            Refused::Forbidden,
            Refused::RateLimited,
        ]);
        let (refused_unavailable, refused_invalid) = {
            let mut totals = lock(&self.totals);
            let since = (
                unavailable.saturating_sub(totals.unavailable),
                invalid.saturating_sub(totals.invalid),
            );
            (totals.unavailable, totals.invalid) = (unavailable, invalid);
            since
        };
        let condition = self.service.condition();
        ServiceFacts {
            refused_unavailable,
            refused_invalid,
            free_bytes: condition.free_bytes,
            disk_low: condition.disk_low,
            store_fault: condition.fault,
            queued: condition.queued as u64,
            sends: Outcome::ALL
                .iter()
                .map(|outcome| metrics.sends(*outcome).get())
                .sum(),
        }
    }

    fn endpoints(
        &self,
        candidates: BTreeMap<EndpointId, Candidate>,
        oldest: &HashMap<EndpointId, Option<Oldest>>,
        watched: &Watched,
    ) -> Vec<EndpointFacts> {
        let mut totals = lock(&self.totals);
        let facts = candidates.into_iter().map(|(id, candidate)| {
            let seen = watched.endpoints.get(&id).copied().unwrap_or_default();
            let before = totals.exhausted.insert(id, seen.exhausted).unwrap_or_default();
            EndpointFacts {
                id,
                company_id: candidate.company_id,
                name: candidate.name,
                live: candidate.live,
                oldest: oldest.get(&id).copied().flatten(),
                unacknowledged_since: seen.unacknowledged_since,
                answered_at: seen.answered_at,
                acknowledged_at: seen.acknowledged_at,
                breaker_open: watched.open_breakers.contains(&id),
                exhausted: seen.exhausted.saturating_sub(before),
                certificate: candidate.certificate,
            }
        });
        facts.collect()
    }
}
