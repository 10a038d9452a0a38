//! The credentials of an endpoint in the form in which a send needs them.

use http::HeaderValue;
use ringback_core::credentials::Credentials;

use super::policy::UrlProblem;
use super::token;

/// Why credentials cannot be used. No value is ever shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsProblem {
    /// A colon would end the user name; control characters have no place in it.
    #[error("must have no colon and no control characters")]
    Username,
    /// Control characters.
    #[error("must have no control characters")]
    Password,
    /// Not a token of RFC 6750, which is the value of a header.
    #[error("must be visible ASCII characters without spaces")]
    Token,
    /// The address that gives tokens.
    #[error("{0}")]
    TokenUrl(UrlProblem),
    /// The address that gives tokens is longer than [`super::URL_LIMIT`].
    #[error("longer than {} bytes", super::URL_LIMIT)]
    TokenUrlTooLong,
}

impl CredentialsProblem {
    /// The field of the endpoint's settings that must be changed.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Username => "credentials.username",
            Self::Password => "credentials.password",
            Self::Token => "credentials.token",
            Self::TokenUrl(_) | Self::TokenUrlTooLong => "credentials.tokenUrl",
        }
    }
}

/// The `Authorization` header of every send; `None` where it needs a token that has to be fetched.
///
/// # Errors
/// [`CredentialsProblem`] names the first part that cannot be sent.
pub(super) fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, CredentialsProblem> {
    match credentials {
        Credentials::Basic { username, password } => {
            if username.chars().any(|c| c == ':' || c.is_control()) {
                return Err(CredentialsProblem::Username);
            }
            if password.chars().any(char::is_control) {
                return Err(CredentialsProblem::Password);
            }
            Ok(Some(token::basic(username, password)))
        }
        Credentials::Bearer { token } => {
            let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
            let value = HeaderValue::try_from(format!("Bearer {token}"));
            let mut value = value.ok().filter(|_| is_plain).ok_or(CredentialsProblem::Token)?;
            value.set_sensitive(true);
            Ok(Some(value))
        }
        Credentials::OAuth2(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(credentials: &Credentials, expected: Result<Option<&str>, CredentialsProblem>) {
        let found = authorization(credentials);
        let found = found.map(|value| {
            value.map(|value| {
                assert!(value.is_sensitive());
                value.to_str().unwrap().to_owned()
            })
        });
        assert_eq!(found, expected.map(|value| value.map(str::to_owned)));
    }

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic {
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    fn bearer(token: &str) -> Credentials {
        Credentials::Bearer {
            token: token.to_owned(),
        }
    }

    /// The first two are the examples of RFC 7617, sections 2 and 2.1.
    #[test]
    fn basic_and_bearer_become_a_header() {
        check(
            &basic("Aladdin", "open sesame"),
            Ok(Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        );
        check(&basic("test", "123£"), Ok(Some("Basic dGVzdDoxMjPCow==")));
        check(&basic("", "a:b"), Ok(Some("Basic OmE6Yg==")));
        check(&bearer("mF_9.B5f-4.1JqM"), Ok(Some("Bearer mF_9.B5f-4.1JqM")));
    }

    #[test]
    fn what_no_header_can_hold_is_refused() {
        check(&basic("a:b", "c"), Err(CredentialsProblem::Username));
        check(&basic("a\n", "c"), Err(CredentialsProblem::Username));
        check(&basic("a", "c\r\nHost: d"), Err(CredentialsProblem::Password));
        for token in ["", "a b", "a\n", "令牌"] {
            check(&bearer(token), Err(CredentialsProblem::Token));
        }
    }
}
