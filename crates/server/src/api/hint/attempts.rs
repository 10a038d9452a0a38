//! Hints for the sends of deliveries, from what the store keeps of them and the endpoint's settings as they are now: what is
//! to be done is done to those.

use std::collections::HashMap;
use std::sync::Arc;

use ringback_core::delivery::Attempt;
use ringback_core::endpoint::Endpoint;
use ringback_core::id::EndpointId;

use super::super::language::Language;
use super::{Facts, HintView, hint};
use crate::directory::Directory;
use crate::outbound::Detail;

/// What hints about the sends of a company's deliveries need.
#[derive(Debug)]
pub(crate) struct Hints {
    language: Language,
    endpoints: HashMap<EndpointId, Arc<Endpoint>>,
}

impl Hints {
    /// For an answer in this language.
    pub(crate) fn of(directory: &Directory, company_id: i64, language: Language) -> Self {
        let endpoints = directory.endpoints(company_id);
        Self {
            language,
            endpoints: endpoints
                .into_iter()
                .map(|endpoint| (endpoint.id, endpoint))
                .collect(),
        }
    }

    /// The hint for a send to this endpoint; `None` after an acknowledgement, and where the endpoint is gone.
    pub(crate) fn attempt(&self, endpoint: Option<EndpointId>, attempt: &Attempt) -> Option<HintView> {
        let settings = &self.endpoints.get(&endpoint?)?.settings;
        let detail = attempt.detail.as_deref().and_then(Detail::of_text);
        let facts = Facts {
            outcome: attempt.outcome,
            status: attempt.status,
            detail: detail.as_ref(),
            body: &attempt.body_start,
            encoding: None,
            location: None,
            is_https: settings.url.starts_with("https:"),
            ack_rule: settings.ack_rule,
            content_type: settings.content_type,
        };
        hint(&facts).map(|hint| HintView::of(&hint, self.language))
    }
}
