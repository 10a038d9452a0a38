//! What the audit log tells of settings: what the API shows of them, and of a secret only whether it is set or changed.
//!
//! It begins from what the API shows, not from what is stored, so that a new secret stays out until somebody lets it in.

use ringback_core::alert::{Channel, Destination};
use ringback_core::company::Company;
use ringback_core::endpoint::{Endpoint, Settings};
use ringback_core::id::EndpointId;
use ringback_core::store::DeliveryRecord;
use ringback_core::token::Token;
use serde_json::{Value, json};
use url::Url;

use super::super::alert_channels::CompanyChannelView;
use super::super::companies::CompanyView;
use super::super::endpoints::EndpointView;
use super::super::time::Time;

/// How something was before, and how it is after.
pub(crate) type Change = (Option<Value>, Option<Value>);

/// Characters of an intent level that are kept.
const LEVEL_CHARACTERS: usize = 200;

/// A secret before and after: `set`, `changed` or null.
fn secret<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> (Value, Value) {
    let told = |is_set: bool, word: &str| {
        if is_set { Value::from(word) } else { Value::Null }
    };
    let is_changed = before.is_some() && before != after;
    let word = if is_changed { "changed" } else { "set" };
    (told(before.is_some(), "set"), told(after.is_some(), word))
}

/// A company.
pub(crate) fn company(before: Option<&Company>, after: Option<&Company>) -> Change {
    let app_secret = |company: Option<&Company>| company.and_then(|company| company.app_secret.clone());
    let (set, changed) = secret(app_secret(before).as_ref(), app_secret(after).as_ref());
    let show = |company: &Company, app_secret: Value| {
        let mut value = serde_json::to_value(CompanyView::of(company)).unwrap_or_default();
        if let Some(members) = value.as_object_mut() {
            for left_out in ["companyId", "unconfigured", "hasAppSecret"] {
                members.remove(left_out);
            }
            members.insert("appSecret".to_owned(), app_secret);
        }
        value
    };
    (
        before.map(|company| show(company, set)),
        after.map(|company| show(company, changed)),
    )
}

/// A company's channel for alerts.
pub(crate) fn alert_channel(before: Option<&Channel>, after: Option<&Channel>) -> Change {
    let show = |channel: &Channel, before: Option<&Channel>| {
        let mut value = serde_json::to_value(CompanyChannelView::of(0, channel)).unwrap_or_default();
        let told = |of: fn(&Destination) -> Option<&str>| {
            let before = before.and_then(|before| of(&before.destination));
            secret(before.as_ref(), of(&channel.destination).as_ref()).1
        };
        if let Some(members) = value.as_object_mut() {
            for left_out in ["companyId", "name", "hasSecret"] {
                members.remove(left_out);
            }
            members.insert("url".to_owned(), told(Destination::url));
            members.insert("secret".to_owned(), told(Destination::secret));
        }
        value
    };
    (
        before.map(|channel| show(channel, None)),
        after.map(|channel| show(channel, before)),
    )
}

/// An endpoint's settings.
pub(crate) fn endpoint(before: Option<&Settings>, after: Option<&Settings>) -> Change {
    (
        before.map(|settings| settings_of(settings, None)),
        after.map(|settings| settings_of(settings, before)),
    )
}

/// Settings, told apart from those before.
fn settings_of(settings: &Settings, before: Option<&Settings>) -> Value {
    let shown = EndpointView::of(&Endpoint {
        id: EndpointId(0),
        company_id: 0,
        name: String::new(),
        version: 0,
        settings: settings.clone(),
        deleted: false,
        sweeping: false,
    });
    let mut value = serde_json::to_value(shown).unwrap_or_default();
    let Some(members) = value.as_object_mut() else {
        return value;
    };
    for left_out in ["companyId", "name", "version", "hasSecret"] {
        members.remove(left_out);
    }
    let told = |of: &dyn Fn(&Settings) -> Option<String>| {
        secret(before.and_then(of).as_ref(), of(settings).as_ref()).1
    };
    let headers: serde_json::Map<String, Value> = settings
        .headers
        .keys()
        .map(|name| {
            (
                name.clone(),
                told(&|settings| settings.headers.get(name).cloned()),
            )
        })
        .collect();
    members.insert("url".to_owned(), address(&settings.url).into());
    members.insert("urlQuery".to_owned(), told(&|settings| query_of(&settings.url)));
    members.insert("headers".to_owned(), Value::Object(headers));
    members.insert(
        "secret".to_owned(),
        told(&|settings| settings.secrets.first().map(|first| first.secret.clone())),
    );
    members.insert("tlsCa".to_owned(), told(&|settings| settings.tls_ca.clone()));
    if let Some(Value::String(url)) = members
        .get_mut("credentials")
        .and_then(|credentials| credentials.get_mut("tokenUrl"))
    {
        *url = address(url);
    }
    members.insert(
        "credentialsSecret".to_owned(),
        told(&|settings| serde_json::to_string(settings.credentials.as_ref()?).ok()),
    );
    members.insert(
        "clientCertificateKey".to_owned(),
        told(&|settings| Some(settings.client_certificate.as_ref()?.key.clone())),
    );
    value
}

/// A URL without what may be a secret in it: its user, password, query and fragment.
fn address(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return String::new();
    };
    url.set_query(None);
    url.set_fragment(None);
    // They fail only on URLs that have no host, in which there can be neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// What [`address`] leaves out.
fn query_of(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let secrets = [
        parsed.username(),
        parsed.password().unwrap_or_default(),
        parsed.query().unwrap_or_default(),
        parsed.fragment().unwrap_or_default(),
    ];
    secrets
        .iter()
        .any(|part| !part.is_empty())
        .then(|| secrets.join("\n"))
}

/// A token.
pub(crate) fn token(token: &Token) -> Value {
    json!({
        "name": token.name,
        "scope": token.scope.name(),
        "companyId": token.company_id,
        "expiresAt": token.expires_wall_ms.map(Time),
        "rateLimit": token.rate_limit,
    })
}

/// A delivery that is sent once more.
pub(crate) fn delivery(record: &DeliveryRecord) -> Value {
    json!({
        "eventId": record.delivery.event_id,
        "endpoint": record.endpoint_name,
        "state": record.delivery.state.name(),
    })
}

/// The level that an intent correction sets.
pub(crate) fn correction(result_value: &str) -> Value {
    let level: String = result_value.chars().take(LEVEL_CHARACTERS).collect();
    json!({"resultValue": level})
}

#[cfg(test)]
mod tests;
