//! An endpoint as the API shows it. Secrets are never shown: of the signing secret only that there is one, of headers
//! only their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_contract::ack::AckRule;
use ringback_contract::duration;
use ringback_contract::schedule::Schedule;
use ringback_core::company::Kinds;
use ringback_core::endpoint::{Breaker, ContentType, Endpoint, Order, Profile, RateLimit};
use ringback_core::store::OpenCount;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::names::{
    AckRuleName, BreakerName, ContentTypeName, KindName, OrderName, ProfileName, ScheduleSchema,
};
use super::super::time::Time;
use super::input::RateLimitSchema;

/// Counting of open deliveries stops here.
pub(super) const COUNT_MOST: usize = 10_000;

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// Its name, unique within the company.
    #[schema(example = "erp")]
    name: String,
    /// Rises with every change.
    version: i64,
    /// Where callbacks are POSTed to.
    #[schema(example = "https://crm.example.com/callback")]
    url: String,
    /// The kinds that go there.
    #[schema(value_type = Vec<KindName>)]
    callbacks: Kinds,
    /// A disabled endpoint parks what is meant for it.
    enabled: bool,
    /// When an answer counts as an acknowledgement.
    #[schema(value_type = AckRuleName)]
    ack_rule: AckRule,
    /// When a failed send is repeated.
    #[schema(value_type = ScheduleSchema)]
    schedule: Arc<Schedule>,
    /// The fraction of a gap that may be added to it.
    jitter: f64,
    /// The limit of a whole exchange.
    #[schema(example = "15s")]
    timeout: String,
    /// The content type.
    #[schema(value_type = ContentTypeName)]
    content_type: ContentType,
    /// The shape of the body.
    #[schema(value_type = ProfileName)]
    profile: Profile,
    /// Whether events of one key wait for each other.
    #[schema(value_type = OrderName)]
    order: Order,
    /// With order key-hold: how long no call of the job may have been accepted before its status 2 or 6 goes.
    #[schema(example = "5s")]
    hold_quiet: String,
    /// With order key-hold: how long a job's status 2 or 6 waits for the job's calls at most.
    #[schema(example = "10m")]
    hold_limit: String,
    /// Sends that may be in flight at once.
    max_in_flight: u32,
    /// A bound on the rate of sends.
    #[schema(value_type = Option<RateLimitSchema>)]
    rate_limit: Option<RateLimit>,
    /// Whether failures in a row pause the endpoint.
    #[schema(value_type = BreakerName)]
    breaker: Breaker,
    /// The job statuses that are sent.
    job_statuses: Vec<i64>,
    /// The names of the headers that are added; their values are not shown. Given back in a PUT, a null keeps the value.
    #[schema(example = json!({"Authorization": null}))]
    headers: BTreeMap<String, Option<String>>,
    /// Whether there is a signing secret. It is never shown.
    has_secret: bool,
    /// When a secret that was rotated stops to sign beside the new one; null when none does.
    #[serde(rename = "previousSecretUntil")]
    previous_secret_until: Option<Time>,
    /// The private certificate authority, PEM.
    tls_ca: Option<String>,
    /// How many deliveries are open; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<OpenView>,
    /// The signing secret, once: in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Where pending deliveries can be made due now: in the answer to a change of the URL or of credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/companies/151/endpoints/erp/retry-now")]
    retry_now: Option<String>,
}

/// How many deliveries are open.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenDeliveries)]
pub(crate) struct OpenView {
    /// Pending; at most 10000 are counted.
    pending: usize,
    /// Parked; at most 10000 are counted.
    parked: usize,
    /// Whether there are more than were counted.
    more: bool,
}

impl OpenView {
    pub(super) const fn of(count: OpenCount) -> Self {
        Self {
            pending: count.pending,
            parked: count.parked,
            more: count.pending >= COUNT_MOST || count.parked >= COUNT_MOST,
        }
    }
}

impl EndpointView {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let settings = &endpoint.settings;
        Self {
            company_id: endpoint.company_id,
            name: endpoint.name.clone(),
            version: endpoint.version,
            url: settings.url.clone(),
            callbacks: settings.callbacks,
            enabled: settings.enabled,
            ack_rule: settings.ack_rule,
            schedule: Arc::clone(&settings.schedule),
            jitter: settings.jitter,
            timeout: duration::format(u64::from(settings.timeout_ms)),
            content_type: settings.content_type,
            profile: settings.profile,
            order: settings.order,
            hold_quiet: duration::format(settings.hold_quiet_ms),
            hold_limit: duration::format(settings.hold_limit_ms),
            max_in_flight: settings.max_in_flight,
            rate_limit: settings.rate_limit,
            breaker: settings.breaker,
            job_statuses: settings.job_statuses.clone(),
            headers: settings.headers.keys().map(|name| (name.clone(), None)).collect(),
            has_secret: !settings.secrets.is_empty(),
            previous_secret_until: settings
                .secrets
                .iter()
                .filter_map(|secret| secret.until)
                .max()
                .map(|until| Time(until.0)),
            tls_ca: settings.tls_ca.clone(),
            open: None,
            secret: None,
            retry_now: None,
        }
    }

    pub(super) const fn with_open(mut self, count: OpenCount) -> Self {
        self.open = Some(OpenView::of(count));
        self
    }

    pub(super) fn with_secret(mut self, secret: Option<String>) -> Self {
        self.secret = secret;
        self
    }

    pub(super) fn offering_retry_now(mut self) -> Self {
        self.retry_now = Some(format!(
            "/v1/companies/{}/endpoints/{}/retry-now",
            self.company_id, self.name
        ));
        self
    }
}

/// A company's endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointList {
    /// By name; a company has at most 100.
    pub(super) items: Vec<EndpointView>,
    /// Always null: there is one page.
    pub(super) next_cursor: Option<String>,
}
