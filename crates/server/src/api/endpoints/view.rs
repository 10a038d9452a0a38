//! An endpoint as the API shows it. Secrets are never shown: of the signing secret only that there is one, of headers
//! only their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_contract::ack::AckRule;
use ringback_contract::duration;
use ringback_contract::schedule::Schedule;
use ringback_core::company::Kinds;
use ringback_core::credentials::{ClientAuth, ClientCertificate, Credentials};
use ringback_core::endpoint::{Breaker, ContentType, Endpoint, Order, Profile, RateLimit};
use ringback_core::store::OpenCount;
use ringback_core::token::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::caller::Caller;
use super::super::names::{
    AckRuleName, BreakerName, ContentTypeName, KindName, OrderName, ProfileName, ScheduleSchema,
};
use super::super::time::Time;
use super::input::{ClientAuthName, RateLimitSchema};
use crate::outbound::identity;

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
    /// Where callbacks are POSTed to. Whoever may not change endpoints sees of its query only that there is one, since it may
    /// hold a secret.
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
    /// What goes into the Authorization header of every send, without its secret.
    credentials: Option<CredentialsView>,
    /// The client certificate, without its key.
    client_certificate: Option<CertificateView>,
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

/// Credentials without their secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schema(as = Credentials)]
pub(crate) enum CredentialsView {
    /// A user name and a password.
    Basic {
        /// The user name.
        #[schema(example = "ringback")]
        username: String,
    },
    /// A token that does not change by itself.
    Bearer,
    /// OAuth 2.0 client credentials.
    OAuth2 {
        /// The address that gives tokens; its query is hidden as that of `url`.
        #[schema(example = "https://id.example.com/oauth/token")]
        #[serde(rename = "tokenUrl")]
        token_url: String,
        /// The client.
        #[schema(example = "ringback")]
        #[serde(rename = "clientId")]
        client_id: String,
        /// What is asked for.
        scope: Option<String>,
        /// For whom the token shall be.
        audience: Option<String>,
        /// Where the client says who it is.
        #[schema(value_type = ClientAuthName)]
        auth: ClientAuth,
    },
}

impl CredentialsView {
    fn of(credentials: &Credentials) -> Self {
        match credentials {
            Credentials::Basic { username, .. } => Self::Basic {
                username: username.clone(),
            },
            Credentials::Bearer { .. } => Self::Bearer,
            Credentials::OAuth2(oauth2) => Self::OAuth2 {
                token_url: oauth2.token_url.clone(),
                client_id: oauth2.client_id.clone(),
                scope: oauth2.scope.clone(),
                audience: oauth2.audience.clone(),
                auth: oauth2.auth,
            },
        }
    }
}

/// A client certificate without its key. Both are null where it cannot be read any more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientCertificate)]
pub(crate) struct CertificateView {
    /// Whose it is, in the form of RFC 4514.
    #[schema(example = "O=Example,CN=ringback")]
    subject: Option<String>,
    /// When it ends.
    expires_at: Option<Time>,
}

impl CertificateView {
    fn of(certificate: &ClientCertificate) -> Self {
        let described = identity::describe(&certificate.certificate);
        let expires_at = described.as_ref().map(|described| Time(described.expires_ms));
        Self {
            subject: described.map(|described| described.subject),
            expires_at,
        }
    }
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
            credentials: settings.credentials.as_ref().map(CredentialsView::of),
            client_certificate: settings.client_certificate.as_ref().map(CertificateView::of),
            open: None,
            secret: None,
            retry_now: None,
        }
    }

    /// As this caller may see it.
    pub(super) fn for_caller(mut self, caller: &Caller) -> Self {
        if !caller.scope().allows(Permission::Endpoints) {
            hide_query(&mut self.url);
            if let Some(CredentialsView::OAuth2 { token_url, .. }) = &mut self.credentials {
                hide_query(token_url);
            }
        }
        self
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

/// What stands for a query that is not shown.
const HIDDEN_QUERY: &str = "?…";

fn hide_query(url: &mut String) {
    if let Some(at) = url.find('?') {
        url.truncate(at);
        url.push_str(HIDDEN_QUERY);
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
