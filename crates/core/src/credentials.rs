//! How ringback shows a receiver who it is, beside the signature: the credentials of an endpoint, and its client
//! certificate. The serialised form is that of the store; the API shows none of the secrets. No value of these types
//! shows a secret in its debug output.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What goes into the `Authorization` header of every send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Credentials {
    /// A user name and a password (RFC 7617).
    Basic {
        /// The user name; it has no colon.
        username: String,
        /// The password.
        password: String,
    },
    /// A token that does not change by itself (RFC 6750).
    Bearer {
        /// The token.
        token: String,
    },
    /// Tokens that are fetched with the client's own credentials (RFC 6749, section 4.4).
    OAuth2(OAuth2),
}

/// OAuth 2.0 client credentials: where the tokens come from, and what is said there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2 {
    /// The address that gives tokens: http or https.
    pub token_url: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What is asked for, separated by spaces.
    pub scope: Option<String>,
    /// For whom the token shall be; some servers ask for it.
    pub audience: Option<String>,
    /// Where the client says who it is.
    #[serde(default)]
    pub auth: ClientAuth,
}

/// Where a client's id and secret stand in the request for a token (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// In its `Authorization` header.
    #[default]
    Basic,
    /// In its body.
    Body,
}

/// The certificate that ringback shows where a receiver asks for one, with its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// The certificate and those between it and its authority: PEM.
    pub certificate: String,
    /// Its private key: PEM, not encrypted.
    pub key: String,
}

impl Credentials {
    /// The name of the type in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::Bearer { .. } => "bearer",
            Self::OAuth2(_) => "oauth2",
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.name()).finish()
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2")
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oauth2() -> OAuth2 {
        OAuth2 {
            token_url: "https://id.example/token".to_owned(),
            client_id: "hidden-id".to_owned(),
            client_secret: "hidden".to_owned(),
            scope: None,
            audience: None,
            auth: ClientAuth::Body,
        }
    }

    #[test]
    fn the_stored_form_is_read_back() {
        for (credentials, stored) in [
            (
                Credentials::Basic {
                    username: "u".to_owned(),
                    password: "p".to_owned(),
                },
                r#"{"type":"basic","username":"u","password":"p"}"#,
            ),
            (
                Credentials::Bearer {
                    token: "t".to_owned(),
                },
                r#"{"type":"bearer","token":"t"}"#,
            ),
            (
                Credentials::OAuth2(oauth2()),
                r#"{"type":"oauth2","tokenUrl":"https://id.example/token","clientId":"hidden-id","clientSecret":"hidden","scope":null,"audience":null,"auth":"body"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&credentials).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Credentials>(stored).unwrap(), credentials);
        }
    }

    #[test]
    fn no_secret_shows() {
        let basic = Credentials::Basic {
            username: "hidden".to_owned(),
            password: "hidden".to_owned(),
        };
        let certificate = ClientCertificate {
            certificate: "hidden".to_owned(),
            key: "hidden".to_owned(),
        };
        let shown = format!(
            "{basic:?} {:?} {:?} {certificate:?}",
            oauth2(),
            Credentials::OAuth2(oauth2())
        );
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
