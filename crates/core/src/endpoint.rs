//! An endpoint: one address of a company's receiver, with the settings of its deliveries.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::ack::AckRule;
use ringback_contract::intake::Invalid;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::{Preset, Schedule};
use ringback_contract::v2;
use serde::{Deserialize, Serialize};

use crate::company::Kinds;
use crate::credentials::{ClientCertificate, Credentials};
use crate::id::EndpointId;
use crate::limits;
use crate::time::Millis;

/// The `Content-Type` of the sends to an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentType {
    /// `application/json;charset=utf-8`
    #[default]
    Json,
    /// `text/plain;charset=utf-8`, for receivers that answer 415 to JSON.
    Text,
}

/// The shape of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The seed's shape.
    #[default]
    V1,
    /// The later, slim shape ([`ringback_contract::v2`]).
    V2,
}

impl Profile {
    /// The ack rule that goes with it unless another is set (contract, section 4).
    #[must_use]
    pub const fn ack_rule(self) -> AckRule {
        match self {
            Self::V1 => AckRule::Success,
            Self::V2 => AckRule::SuccessOrCode,
        }
    }

    /// The schedule that goes with it unless another is set (contract, section 4).
    #[must_use]
    pub const fn schedule(self) -> Preset {
        match self {
            Self::V1 => Preset::Seed,
            Self::V2 => Preset::V2,
        }
    }
}

/// A profile with the version of its serializer: what is fixed when a delivery is made or gets its endpoint, so that every
/// send of it has the same bytes, whatever later versions write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FixedProfile {
    /// The stored body itself.
    #[default]
    V1,
    /// What this version makes of the stored body.
    V2(v2::Version),
}

impl From<Profile> for FixedProfile {
    /// With the newest version of its serializer.
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::V1 => Self::V1,
            Profile::V2 => Self::V2(v2::Version::LATEST),
        }
    }
}

impl FixedProfile {
    /// The profile alone.
    #[must_use]
    pub const fn profile(self) -> Profile {
        match self {
            Self::V1 => Profile::V1,
            Self::V2(_) => Profile::V2,
        }
    }

    /// The body that is sent, made of the stored v1 body. Of v1 nothing is copied.
    ///
    /// # Errors
    /// When the stored body is not one that ringback rendered.
    pub fn render(self, v1_body: &Bytes) -> Result<Bytes, Invalid> {
        match self {
            Self::V1 => Ok(v1_body.clone()),
            Self::V2(version) => v2::render(version, v1_body).map(Bytes::from),
        }
    }
}

/// Whether events of one call, or of one job, wait for each other, and a job's final status for the job's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Nothing waits.
    None,
    /// Events of one key go out in the order in which they were accepted.
    #[default]
    Key,
    /// The same, and a job's final status waits for the calls of the job (see [`crate::hold`]).
    KeyHold,
}

/// Whether a run of failures pauses an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Breaker {
    /// It does, by the delivery rules.
    #[default]
    On,
    /// It never does.
    Off,
}

/// A bound on the rate of sends to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Sends per second in the long run.
    pub per_second: f64,
    /// Sends that may go at once after a pause.
    pub burst: u32,
}

/// A signing secret of an endpoint; while one is rotated there are several.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningSecret {
    /// The secret's text, `whsec_…`.
    pub secret: String,
    /// Engine time after which it no longer signs; `None` for the current one.
    pub until: Option<Millis>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningSecret")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// The settings of an endpoint. The schedule and the profile act on deliveries when they are made or get their
/// endpoint; everything else is read at each send. The serialised form is the API's, secrets aside.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where it POSTs to: http or https.
    pub url: String,
    /// The kinds that go there.
    pub callbacks: Kinds,
    /// A disabled endpoint parks what is meant for it.
    pub enabled: bool,
    /// When an answer counts as an acknowledgement.
    pub ack_rule: AckRule,
    /// When a failed send is repeated.
    pub schedule: Arc<Schedule>,
    /// The fraction of a gap, 0–1, that may be added to it at random.
    pub jitter: f64,
    /// The limit of a whole exchange, in milliseconds.
    pub timeout_ms: u32,
    /// The `Content-Type`.
    pub content_type: ContentType,
    /// The shape of the body.
    pub profile: Profile,
    /// Whether events of one key wait for each other.
    pub order: Order,
    /// With [`Order::KeyHold`]: how long no call of a job may have been accepted before its final status goes. It is read
    /// at each check of a hold.
    pub hold_quiet_ms: u64,
    /// With [`Order::KeyHold`]: how long a job's final status is held at most. It is fixed when the hold begins.
    pub hold_limit_ms: u64,
    /// Sends that may be in flight at once.
    pub max_in_flight: u32,
    /// A bound on the rate of sends.
    pub rate_limit: Option<RateLimit>,
    /// Whether failures in a row pause the endpoint.
    pub breaker: Breaker,
    /// The job statuses that are sent, where `callbacks` has jobs.
    pub job_statuses: Vec<i64>,
    /// Headers added to every send.
    pub headers: BTreeMap<String, String>,
    /// The Standard Webhooks secrets, the current one first.
    pub secrets: Vec<SigningSecret>,
    /// A private certificate authority, PEM.
    pub tls_ca: Option<String>,
    /// What goes into `Authorization`. Rows of before there were credentials have none.
    #[serde(default)]
    pub credentials: Option<Credentials>,
    /// The certificate that is shown where the receiver asks for one. Rows of before have none.
    #[serde(default)]
    pub client_certificate: Option<ClientCertificate>,
}

impl Settings {
    /// The job statuses sent by default: completed, manual pause, auto pause, arrears (contract, section 1).
    pub const DEFAULT_JOB_STATUSES: [i64; 5] = [2, 4, 5, 9, 10];
    /// The limit of an exchange by default, in milliseconds.
    pub const DEFAULT_TIMEOUT_MS: u32 = 15_000;
    /// Sends in flight by default.
    pub const DEFAULT_MAX_IN_FLIGHT: u32 = 32;

    /// The defaults, for an endpoint at this address; without a secret.
    #[must_use]
    pub fn at(url: String) -> Self {
        let profile = Profile::default();
        Self {
            url,
            callbacks: Kinds::COMPANY_DEFAULT,
            enabled: true,
            ack_rule: profile.ack_rule(),
            schedule: Arc::new(Schedule::preset(profile.schedule())),
            jitter: 0.0,
            timeout_ms: Self::DEFAULT_TIMEOUT_MS,
            content_type: ContentType::default(),
            profile,
            order: Order::default(),
            hold_quiet_ms: limits::HOLD_QUIET_MS,
            hold_limit_ms: limits::HOLD_LIMIT_MS,
            max_in_flight: Self::DEFAULT_MAX_IN_FLIGHT,
            rate_limit: None,
            breaker: Breaker::default(),
            job_statuses: Self::DEFAULT_JOB_STATUSES.to_vec(),
            headers: BTreeMap::new(),
            secrets: Vec::new(),
            tls_ca: None,
            credentials: None,
            client_certificate: None,
        }
    }

    /// Whether an event of this kind (and, for a job, of this status) goes to the endpoint.
    #[must_use]
    pub fn wants(&self, kind: Kind, job_status: Option<i64>) -> bool {
        self.callbacks.has(kind)
            && (kind != Kind::Job || job_status.is_some_and(|status| self.job_statuses.contains(&status)))
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("callbacks", &self.callbacks)
            .field("enabled", &self.enabled)
            .field("schedule", &self.schedule)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// An endpoint as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its number; never used again.
    pub id: EndpointId,
    /// The company it belongs to.
    pub company_id: i64,
    /// Its name, unique within the company.
    pub name: String,
    /// Rises with every change.
    pub version: i64,
    /// Its settings.
    pub settings: Settings,
    /// Deleted: kept for the history of its deliveries only.
    pub deleted: bool,
    /// Whether its deliveries still have to be swept after it was enabled, disabled or deleted
    /// (see [`crate::store::Write::Sweep`]).
    pub sweeping: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an earlier version stored has none of the members that came later.
    #[test]
    fn settings_of_before_are_read() {
        let settings = testing::endpoint(1, 1, "erp").settings;
        let mut stored = serde_json::to_value(&settings).unwrap();
        for later in ["credentials", "clientCertificate"] {
            stored.as_object_mut().unwrap().remove(later).unwrap();
        }
        assert!(serde_json::from_value::<Settings>(stored).unwrap() == settings);
    }
}

/// Endpoints for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn endpoint(id: i64, company_id: i64, name: &str) -> Endpoint {
        Endpoint {
            id: EndpointId(id),
            company_id,
            name: name.to_owned(),
            version: 1,
            settings: Settings {
                url: "http://127.0.0.1:1/".to_owned(),
                callbacks: Kind::ALL.into_iter().collect(),
                enabled: true,
                ack_rule: AckRule::Success,
                schedule: Arc::default(),
                jitter: 0.0,
                timeout_ms: 15_000,
                content_type: ContentType::Json,
                profile: Profile::V1,
                order: Order::Key,
                hold_quiet_ms: limits::HOLD_QUIET_MS,
                hold_limit_ms: limits::HOLD_LIMIT_MS,
                max_in_flight: 32,
                rate_limit: None,
                breaker: Breaker::On,
                job_statuses: Settings::DEFAULT_JOB_STATUSES.to_vec(),
                headers: BTreeMap::new(),
                secrets: Vec::new(),
                tls_ca: None,
                credentials: None,
                client_certificate: None,
            },
            deleted: false,
            sweeping: false,
        }
    }
}
