//! What a PUT of an endpoint says about its credentials and its client certificate. A secret that is absent within them is
//! kept, where there is one of the same type and it would be sent to the same server, so that what a GET shows can be given
//! back.

use ringback_core::credentials::{ClientAuth, ClientCertificate, Credentials, OAuth2};
use ringback_core::limits::{CLIENT_CERTIFICATE_BYTES, CREDENTIAL_NAME_BYTES, CREDENTIAL_SECRET_BYTES};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::super::fields::{Fields, Given};
use super::super::super::problem::{FieldError, kind_of};
use super::origin;
use crate::outbound::URL_LIMIT;

pub(super) const CREDENTIALS: &str = "credentials";
pub(super) const CLIENT_CERTIFICATE: &str = "clientCertificate";

/// Credentials with secrets that may be absent.
#[derive(Debug)]
pub(super) enum CredentialsInput {
    Basic {
        username: String,
        password: Option<String>,
    },
    Bearer {
        token: Option<String>,
    },
    OAuth2 {
        /// Its secret is not filled in.
        settings: OAuth2,
        client_secret: Option<String>,
    },
}

/// A client certificate whose parts may be absent.
#[derive(Debug)]
pub(super) struct CertificateInput {
    certificate: Option<String>,
    key: Option<String>,
}

/// What goes into the Authorization header of every send. A secret that is absent is kept, where the type is that of
/// before, and `url` (and for a client secret `tokenUrl`) names the same scheme, host and port.
#[derive(ToSchema)]
#[schema(as = CredentialsSettings)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes what is read by hand")]
pub(crate) enum CredentialsSchema {
    /// A user name and a password.
    Basic {
        /// Without colon and control characters.
        #[schema(example = "ringback")]
        username: String,
        /// Never shown again.
        #[schema(write_only)]
        password: Option<String>,
    },
    /// A token that does not change by itself.
    Bearer {
        /// Visible ASCII characters. Never shown again.
        #[schema(write_only)]
        token: Option<String>,
    },
    /// OAuth 2.0 client credentials: tokens are fetched, and kept until shortly before they end.
    OAuth2 {
        /// The address that gives tokens: http or https, within the address policy.
        #[schema(example = "https://id.example.com/oauth/token")]
        #[serde(rename = "tokenUrl")]
        token_url: String,
        /// The client.
        #[schema(example = "ringback")]
        #[serde(rename = "clientId")]
        client_id: String,
        /// Its secret. Never shown again.
        #[schema(write_only)]
        #[serde(rename = "clientSecret")]
        client_secret: Option<String>,
        /// What is asked for, separated by spaces. Default: not sent.
        #[schema(example = "callbacks")]
        scope: Option<String>,
        /// For whom the token shall be. Default: not sent.
        audience: Option<String>,
        /// Where the client says who it is: in the header of the request for a token, or in its body. Default: basic.
        #[schema(value_type = Option<ClientAuthName>)]
        auth: Option<ClientAuth>,
    },
}

/// Where the client says who it is.
#[derive(ToSchema)]
#[schema(as = ClientAuth)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes the core's ClientAuth")]
pub(crate) enum ClientAuthName {
    /// In the Authorization header.
    Basic,
    /// In the body.
    Body,
}

/// The certificate that is shown where the receiver asks for one. What is absent is kept; the key only where `url` names the same
/// scheme, host and port.
#[derive(ToSchema)]
#[schema(as = ClientCertificateSettings, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what is read by hand")]
pub(crate) struct CertificateSchema {
    /// The certificate and those between it and its authority, PEM; the client's own first. Never shown again.
    #[schema(write_only)]
    certificate: Option<String>,
    /// Its private key, PEM, not encrypted. Never shown again.
    #[schema(write_only)]
    key: Option<String>,
    /// As a GET shows it; ignored.
    subject: Option<String>,
    /// As a GET shows it; ignored.
    expires_at: Option<String>,
}

/// Reads the member `credentials`.
pub(super) fn read(value: &Value, field: &str) -> Result<CredentialsInput, Vec<FieldError>> {
    const TYPES: &str = "basic, bearer, oauth2";
    let wrong = |found: &str| {
        let allowed = "an object whose type is basic, bearer or oauth2, or null";
        vec![FieldError::wrong(field, found, allowed)]
    };
    let kind = value
        .as_object()
        .ok_or_else(|| wrong(kind_of(value)))?
        .get("type");
    let names: &[&str] = match kind {
        Some(Value::String(kind)) if kind == "basic" => &["type", "username", "password"],
        Some(Value::String(kind)) if kind == "bearer" => &["type", "token"],
        Some(Value::String(kind)) if kind == "oauth2" => &[
            "type",
            "tokenUrl",
            "clientId",
            "clientSecret",
            "scope",
            "audience",
            "auth",
        ],
        None => {
            let field = format!("{field}.type");
            return Err(vec![FieldError::missing(&field, TYPES)]);
        }
        Some(other) => {
            let field = format!("{field}.type");
            return Err(vec![FieldError::wrong(&field, kind_of(other), TYPES)]);
        }
    };
    let mut fields = Fields::of_value(value, field, names).ok_or_else(|| wrong(kind_of(value)))?;
    let input = match names {
        ["type", "username", ..] => CredentialsInput::Basic {
            username: fields
                .require("username", NAME, |value| text(value, CREDENTIAL_NAME_BYTES, true))
                .unwrap_or_default(),
            password: secret(&mut fields, "password"),
        },
        ["type", "token"] => CredentialsInput::Bearer {
            token: secret(&mut fields, "token"),
        },
        _ => oauth2(&mut fields),
    };
    let errors = fields.into_errors();
    if errors.is_empty() { Ok(input) } else { Err(errors) }
}

const NAME: &str = "a text of up to 1024 bytes";
const SECRET: &str = "a text of up to 8 KiB";
const PEM: &str = "a text of up to 64 KiB in PEM";

fn oauth2(fields: &mut Fields) -> CredentialsInput {
    let mut required = |name: &str, allowed: &str, most| {
        let value = fields.require(name, allowed, |value| text(value, most, false));
        value.unwrap_or_default()
    };
    let token_url = required("tokenUrl", "an http or https URL", URL_LIMIT);
    let client_id = required("clientId", NAME, CREDENTIAL_NAME_BYTES);
    let mut optional = |name| {
        let value = fields.take(name, NAME, |value| text(value, CREDENTIAL_NAME_BYTES, false));
        value.value()
    };
    let (scope, audience) = (optional("scope"), optional("audience"));
    let auth = fields.take("auth", "basic, body", |value| match value.as_str()? {
        "basic" => Some(ClientAuth::Basic),
        "body" => Some(ClientAuth::Body),
        _ => None,
    });
    CredentialsInput::OAuth2 {
        client_secret: secret(fields, "clientSecret"),
        settings: OAuth2 {
            token_url,
            client_id,
            client_secret: String::new(),
            scope,
            audience,
            auth: auth.or(ClientAuth::default()),
        },
    }
}

/// A text within a number of bytes.
fn text(value: &Value, most: usize, may_be_empty: bool) -> Option<String> {
    let text = value.as_str()?;
    (text.len() <= most && (may_be_empty || !text.is_empty())).then(|| text.to_owned())
}

/// A secret; null is as good as absent, since a secret cannot be removed alone.
fn secret(fields: &mut Fields, name: &str) -> Option<String> {
    let given = fields.take(name, SECRET, |value| text(value, CREDENTIAL_SECRET_BYTES, false));
    given.value()
}

/// Reads the member `clientCertificate`.
pub(super) fn read_certificate(value: &Value, field: &str) -> Result<CertificateInput, Vec<FieldError>> {
    let names = ["certificate", "key", "subject", "expiresAt"];
    let Some(mut fields) = Fields::of_value(value, field, &names) else {
        let allowed = "an object with certificate and key, or null";
        return Err(vec![FieldError::wrong(field, kind_of(value), allowed)]);
    };
    let mut pem = |name| {
        let given = fields.take(name, PEM, |value| text(value, CLIENT_CERTIFICATE_BYTES, false));
        given.value()
    };
    let input = CertificateInput {
        certificate: pem("certificate"),
        key: pem("key"),
    };
    let errors = fields.into_errors();
    if errors.is_empty() { Ok(input) } else { Err(errors) }
}

/// A secret that follows from what is given and what there is, unless that would be sent elsewhere: then `moved` names the
/// member that leads there.
fn kept(
    given: Option<String>,
    present: Option<&String>,
    moved: Option<&str>,
    (field, allowed): (&str, &str),
    fields: &mut Fields,
) -> String {
    match (given, present, moved) {
        (Some(given), _, _) => return given,
        (None, Some(present), None) => return present.clone(),
        (None, Some(_), Some(address)) => fields.note(origin::again(field, address)),
        (None, None, _) => fields.note(FieldError::missing(field, allowed)),
    }
    String::new()
}

const PASSWORD: (&str, &str) = ("credentials.password", SECRET);
const TOKEN: (&str, &str) = ("credentials.token", SECRET);
const CLIENT_SECRET: (&str, &str) = ("credentials.clientSecret", SECRET);
const CERTIFICATE: (&str, &str) = ("clientCertificate.certificate", PEM);
const KEY: (&str, &str) = ("clientCertificate.key", PEM);

/// The credentials that follow from what is given and what there is; `has_moved` says that `url` leads elsewhere.
pub(super) fn credentials(
    given: Given<CredentialsInput>,
    present: Option<&Credentials>,
    has_moved: bool,
    fields: &mut Fields,
) -> Option<Credentials> {
    let moved = has_moved.then_some("url");
    let given = match given {
        Given::Absent => {
            let secret = present.filter(|_| has_moved).map(|present| match present {
                Credentials::Basic { .. } => PASSWORD,
                Credentials::Bearer { .. } => TOKEN,
                Credentials::OAuth2(_) => CLIENT_SECRET,
            });
            if let Some((field, _)) = secret {
                fields.note(origin::again(field, "url"));
            }
            return present.cloned();
        }
        Given::Null => return None,
        Given::Value(given) => given,
    };
    Some(match given {
        CredentialsInput::Basic { username, password } => {
            let present = match present {
                Some(Credentials::Basic { password, .. }) => Some(password),
                Some(Credentials::Bearer { .. } | Credentials::OAuth2(_)) | None => None,
            };
            let password = kept(password, present, moved, PASSWORD, fields);
            Credentials::Basic { username, password }
        }
        CredentialsInput::Bearer { token } => {
            let present = match present {
                Some(Credentials::Bearer { token }) => Some(token),
                Some(Credentials::Basic { .. } | Credentials::OAuth2(_)) | None => None,
            };
            let token = kept(token, present, moved, TOKEN, fields);
            Credentials::Bearer { token }
        }
        CredentialsInput::OAuth2 {
            settings,
            client_secret,
        } => {
            let present = match present {
                Some(Credentials::OAuth2(present)) => Some(present),
                Some(Credentials::Basic { .. } | Credentials::Bearer { .. }) | None => None,
            };
            // The secret goes to the token address, and the tokens that it gives to the endpoint.
            let moved = moved.or_else(|| {
                let before = &present?.token_url;
                origin::differs(before, &settings.token_url).then_some("tokenUrl")
            });
            let present = present.map(|present| &present.client_secret);
            let client_secret = kept(client_secret, present, moved, CLIENT_SECRET, fields);
            Credentials::OAuth2(OAuth2 {
                client_secret,
                ..settings
            })
        }
    })
}

/// The client certificate that follows from what is given and what there is; `has_moved` says that `url` leads elsewhere.
pub(super) fn certificate(
    given: Given<CertificateInput>,
    present: Option<&ClientCertificate>,
    has_moved: bool,
    fields: &mut Fields,
) -> Option<ClientCertificate> {
    let moved = has_moved.then_some("url");
    let CertificateInput { certificate, key } = match given {
        Given::Absent => {
            if present.is_some() && has_moved {
                fields.note(origin::again(KEY.0, "url"));
            }
            return present.cloned();
        }
        Given::Null => return None,
        Given::Value(given) => given,
    };
    let before = fields.mistakes();
    let present_key = present.map(|present| &present.key);
    let present = present.map(|present| &present.certificate);
    let made = ClientCertificate {
        // It is no secret.
        certificate: kept(certificate, present, None, CERTIFICATE, fields),
        key: kept(key, present_key, moved, KEY, fields),
    };
    (fields.mistakes() == before).then_some(made)
}

#[cfg(test)]
mod tests;
