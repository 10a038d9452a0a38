//! The variable parts of paths.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use ringback_core::id::{DeliveryId, EventId, ReplayId};
use ringback_core::limits;

use super::problem::{FieldError, Problem, Type};

/// `{companyId}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompanyPath(pub(crate) i64);

/// `{companyId}` and `{name}`. The name may be none that an endpoint could have.
#[derive(Clone, Debug)]
pub(crate) struct EndpointPath {
    pub(crate) company_id: i64,
    pub(crate) name: String,
}

/// `{callInstanceId}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPath(pub(crate) i64);

/// `{eventId}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventPath(pub(crate) EventId);

/// `{deliveryId}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryPath(pub(crate) DeliveryId);

/// `{replayId}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplayPath(pub(crate) ReplayId);

/// `{tokenId}`
#[derive(Clone, Debug)]
pub(crate) struct TokenPath(pub(crate) String);

/// `{name}` of a channel for alerts.
#[derive(Clone, Debug)]
pub(crate) struct ChannelPath(pub(crate) String);

/// Whether an endpoint can have this name.
pub(crate) fn is_endpoint_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    // A name of points only would be a step in a path, which clients resolve before they send it.
    let steps = name.bytes().all(|byte| byte == b'.');
    (1..=limits::ENDPOINT_NAME).contains(&name.len()) && name.bytes().all(plain) && !steps
}

/// What [`is_endpoint_name`] asks for.
pub(crate) const ENDPOINT_NAME: &str =
    "1 to 64 characters of a-z, A-Z, 0-9, point, underscore and hyphen, not points alone";

struct Params(RawPathParams);

impl Params {
    async fn read<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        RawPathParams::from_request_parts(parts, state)
            .await
            .map(Self)
            .map_err(|_| {
                let error = FieldError::other("(path)", "is not UTF-8 after its escapes are undone");
                Problem::invalid(vec![error])
            })
    }

    fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(param, _)| *param == name)
            .map_or("", |(_, value)| value)
    }

    fn integer(&self, name: &str) -> Result<i64, Problem> {
        self.text(name)
            .parse()
            .map_err(|_| Problem::invalid(vec![FieldError::wrong(name, "another text", "an integer")]))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ChannelPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        Ok(Self(params.text("name").to_owned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CompanyPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Params::read(parts, state).await?.integer("companyId").map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EndpointPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        Ok(Self {
            company_id: params.integer("companyId")?,
            name: params.text("name").to_owned(),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CallPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Params::read(parts, state)
            .await?
            .integer("callInstanceId")
            .map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EventPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        params.text("eventId").parse().map(Self).map_err(|invalid| {
            let error = FieldError::other("eventId", format!("{invalid}"));
            Problem::about(Type::NoEvent, error)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        params.text("deliveryId").parse().map(Self).map_err(|invalid| {
            let error = FieldError::other("deliveryId", format!("{invalid}"));
            Problem::about(Type::NoDelivery, error)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReplayPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        params.text("replayId").parse().map(Self).map_err(|invalid| {
            let error = FieldError::other("replayId", format!("{invalid}"));
            Problem::about(Type::NoReplay, error)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TokenPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = Params::read(parts, state).await?;
        Ok(Self(params.text("tokenId").to_owned()))
    }
}
