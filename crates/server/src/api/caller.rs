//! Who sent a request, and what that allows.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use ringback_core::audit::Actor;
use ringback_core::token::{Permission, Scope};

use super::problem::{Problem, Type};
use crate::directory::KnownToken;
use crate::rate::Rate;

/// Who sent a request. The gate makes it, and handlers ask it about companies.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `None` for the operator's token of the configuration.
    token: Option<Arc<KnownToken>>,
    /// Where the request came from.
    peer: Option<IpAddr>,
}

/// The address at the other end of the connection that a request came by: that of a proxy, where there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Caller {
    pub(crate) const fn operator() -> Self {
        Self {
            token: None,
            peer: None,
        }
    }

    pub(crate) const fn of(token: Arc<KnownToken>) -> Self {
        Self {
            token: Some(token),
            peer: None,
        }
    }

    /// The same, from this address.
    pub(crate) fn at(self, peer: Option<Peer>) -> Self {
        let peer = peer.map(|peer| peer.0);
        Self { peer, ..self }
    }

    /// Who it is, for the audit log.
    pub(crate) fn actor(&self) -> Actor {
        self.token.as_ref().map_or_else(
            || Actor::named(Actor::OPERATOR_TOKEN),
            |known| Actor {
                id: known.token.id.clone(),
                name: known.token.name.clone(),
            },
        )
    }

    /// Where the request came from, for the audit log.
    pub(crate) fn peer(&self) -> Option<String> {
        self.peer.map(|peer| peer.to_canonical().to_string())
    }

    pub(crate) fn scope(&self) -> Scope {
        self.token
            .as_ref()
            .map_or(Scope::Operator, |known| known.token.scope)
    }

    /// The company that the token is for; `None` for all.
    pub(crate) fn company_id(&self) -> Option<i64> {
        self.token.as_ref()?.token.company_id
    }

    /// The requests per second that the token itself allows, and what it has used of them; `None` for the operator's token of
    /// the configuration.
    pub(crate) fn own_rate(&self) -> Option<(Option<u32>, &Rate)> {
        let known = self.token.as_ref()?;
        Some((known.token.rate_limit, &known.rate))
    }

    /// Whether the token's scope allows it.
    pub(crate) fn check(&self, permission: Permission) -> Result<(), Problem> {
        if self.scope().allows(permission) {
            return Ok(());
        }
        let allowing: Vec<_> = Scope::ALL
            .into_iter()
            .filter(|scope| scope.allows(permission))
            .map(Scope::name)
            .collect();
        let detail = format!(
            "the token has the scope {}; this takes {}",
            self.scope().name(),
            allowing.join(" or ")
        );
        Err(Problem::new(Type::Forbidden, detail))
    }

    /// Whether the token is for this company.
    pub(crate) fn sees(&self, company_id: i64) -> bool {
        self.company_id().is_none_or(|own| own == company_id)
    }

    /// As [`Caller::sees`], with the problem for the answer.
    pub(crate) fn check_company(&self, company_id: i64) -> Result<(), Problem> {
        match self.company_id() {
            Some(own) if own != company_id => Err(Problem::new(
                Type::Forbidden,
                format!("the token is for company {own} only"),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The company that a search is about: a token for one company searches that one.
    pub(crate) fn within(&self, asked: Option<i64>) -> Result<Option<i64>, Problem> {
        if let Some(company_id) = asked {
            self.check_company(company_id)?;
        }
        Ok(asked.or_else(|| self.company_id()))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(Type::Internal, "the request did not pass the gate"))
    }
}

/// Whether a request of this method may do something at this route: that needs a permission. All methods of a route are
/// listed or none is, and where GET is HEAD is.
pub(crate) fn takes(method: &Method, route: &str) -> bool {
    let methods = [Method::GET, Method::PUT, Method::POST, Method::DELETE];
    let is_listed = |method: &Method| permission(method, route).is_some();
    method == Method::HEAD || is_listed(method) || !methods.iter().any(is_listed)
}

/// What a route takes; `None` for a route or method that is not listed here, which is left to the operator.
pub(crate) fn permission(method: &Method, route: &str) -> Option<Permission> {
    use Permission::{Endpoints, Intake, Operate, Read, Repair};
    let permission = match (route, method.as_str()) {
        ("/v1/companies" | "/v1/companies/{companyId}", "GET" | "HEAD") => Read,
        ("/v1/companies/{companyId}", "PUT" | "DELETE") => Operate,
        (
            "/v1/companies/{companyId}/endpoints" | "/v1/companies/{companyId}/endpoints/{name}",
            "GET" | "HEAD",
        ) => Read,
        ("/v1/companies/{companyId}/endpoints/{name}", "PUT" | "DELETE") => Endpoints,
        (
            "/v1/companies/{companyId}/alert-channels" | "/v1/companies/{companyId}/alert-channels/{name}",
            "GET" | "HEAD",
        ) => Read,
        ("/v1/companies/{companyId}/alert-channels/{name}", "PUT" | "DELETE")
        | ("/v1/companies/{companyId}/alert-channels/{name}/test", "POST") => Endpoints,
        (
            "/v1/companies/{companyId}/endpoints/{name}/test"
            | "/v1/companies/{companyId}/endpoints/{name}/secret/rotate",
            "POST",
        ) => Endpoints,
        ("/v1/companies/{companyId}/endpoints/{name}/retry-now", "POST") => Repair,
        ("/v1/calls" | "/v1/inbound-calls" | "/v1/jobs", "POST") => Intake,
        ("/v1/calls/{callInstanceId}/intent", "PUT") => Intake,
        ("/v1/calls/{callInstanceId}", "GET" | "HEAD") => Read,
        (
            "/v1/events" | "/v1/events/{eventId}" | "/v1/deliveries" | "/v1/deliveries/{deliveryId}",
            "GET" | "HEAD",
        ) => Read,
        ("/v1/reconciliation", "GET" | "HEAD") => Read,
        ("/v1/deliveries/{deliveryId}/resend", "POST") => Repair,
        ("/v1/replays" | "/v1/replays/{replayId}", "GET" | "HEAD") => Read,
        ("/v1/replays" | "/v1/replays/{replayId}/pause" | "/v1/replays/{replayId}/resume", "POST")
        | ("/v1/replays/{replayId}", "DELETE") => Repair,
        ("/v1/tokens", "GET" | "HEAD" | "POST") | ("/v1/tokens/{tokenId}", "DELETE") => Operate,
        ("/v1/audit", "GET" | "HEAD") => Read,
        ("/v1/alerts", "GET" | "HEAD") => Read,
        ("/v1/alert-channels", "GET" | "HEAD") | ("/v1/alert-channels/{name}/test", "POST") => Operate,
        ("/v1/log-level", "GET" | "HEAD" | "PUT") => Operate,
        ("/metrics", "GET" | "HEAD") => Read,
        _ => return None,
    };
    Some(permission)
}

#[cfg(test)]
mod tests {
    use ringback_core::token::Token;

    use super::*;

    fn caller(scope: Scope, company_id: Option<i64>) -> Caller {
        Caller::of(Arc::new(KnownToken::new(Token {
            id: String::new(),
            name: String::new(),
            hash: [0; 32],
            scope,
            company_id,
            created_wall_ms: 0,
            expires_wall_ms: None,
            last_used_wall_ms: None,
            rate_limit: None,
        })))
    }

    #[test]
    fn scopes_allow_what_they_say() {
        use Permission::{Endpoints, Intake, Operate, Read, Repair};
        for (scope, allowed) in [
            (Scope::Operator, &[Intake, Read, Repair, Endpoints, Operate][..]),
            (Scope::Intake, &[Intake]),
            (Scope::Tenant, &[Read, Repair, Endpoints]),
            (Scope::ReadOnly, &[Read]),
        ] {
            for permission in [Intake, Read, Repair, Endpoints, Operate] {
                let found = caller(scope, None).check(permission);
                assert_eq!(
                    found.is_ok(),
                    allowed.contains(&permission),
                    "{scope:?} {permission:?}"
                );
            }
        }
        let refused = caller(Scope::ReadOnly, None).check(Repair).unwrap_err();
        assert_eq!(refused.kind, Type::Forbidden);
    }

    #[test]
    fn a_token_for_one_company_searches_that_one() {
        for (own, asked, expected) in [
            (None, None, Some(None)),
            (None, Some(1), Some(Some(1))),
            (Some(1), None, Some(Some(1))),
            (Some(1), Some(1), Some(Some(1))),
            (Some(1), Some(2), None),
        ] {
            let found = caller(Scope::ReadOnly, own).within(asked);
            assert_eq!(found.ok(), expected, "{own:?} {asked:?}");
        }
    }

    #[test]
    fn every_operation_says_what_it_takes() {
        use super::super::gate::OPEN;
        let document = serde_json::to_value(super::super::document()).unwrap();
        let mut seen = 0;
        for (route, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let found = permission(&method, route);
                assert_eq!(
                    found.is_none(),
                    OPEN.contains(&route.as_str()),
                    "{method} {route}"
                );
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
