//! What has to be verified before a callback is taken in.

use std::fmt;
use std::str::FromStr;

use crate::receiver::{Check, Verification, Verifier};

/// What has to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// `none`: the verdict is kept, and refuses nothing.
    None,
    /// `all`: no check for which there is a secret has failed. Corrections and jobs have no `sign`: with only an appKey
    /// they cannot be checked, and pass.
    All,
    /// `any`: one check has succeeded, whatever the other one says.
    Any,
    /// `webhook`: the signature headers verify, whatever `sign` says.
    Webhook,
    /// `sign`: `sign` verifies where the kind has one, whatever the signature headers say.
    Sign,
}

impl Require {
    const ALL: [Self; 5] = [Self::None, Self::All, Self::Any, Self::Webhook, Self::Sign];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::Any => "any",
            Self::Webhook => "webhook",
            Self::Sign => "sign",
        }
    }

    /// Why a callback does not have what is required; `None` where it has.
    #[must_use]
    pub fn missing(self, verification: &Verification) -> Option<String> {
        let why = |check: &Check| match check {
            Check::Failed(why) => Some(why.clone()),
            Check::NotChecked | Check::Verified => None,
        };
        match self {
            Self::None => None,
            Self::All => verification.problem().map(str::to_owned),
            Self::Any if [&verification.webhook, &verification.sign].contains(&&Check::Verified) => None,
            Self::Any => Some(
                verification
                    .problem()
                    .map_or_else(|| "nothing in it can be verified".to_owned(), str::to_owned),
            ),
            Self::Webhook => why(&verification.webhook),
            Self::Sign => why(&verification.sign),
        }
    }

    /// Why a callback does not have what is required whatever its body says, by the headers' verdict alone; `None` where
    /// the body has to be read.
    #[must_use]
    pub fn missing_unread(self, webhook: &Check, verifier: &Verifier) -> Option<String> {
        let decided = match self {
            Self::All | Self::Webhook => true,
            Self::Any => verifier.apps.is_empty() && *webhook != Check::Verified,
            Self::None | Self::Sign => false,
        };
        match webhook {
            Check::Failed(why) if decided => Some(why.clone()),
            _ => None,
        }
    }

    /// What the verifier has to know for this to make sense; `None` where it knows it.
    #[must_use]
    pub fn lacks(self, verifier: &Verifier) -> Option<&'static str> {
        let (secret, app) = (!verifier.secrets.is_empty(), !verifier.apps.is_empty());
        match self {
            Self::None | Self::All => None,
            Self::Any => (!secret && !app).then_some("--require any needs a --secret or an --app"),
            Self::Webhook => (!secret).then_some("--require webhook needs a --secret"),
            Self::Sign => (!app).then_some("--require sign needs an --app"),
        }
    }
}

impl fmt::Display for Require {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names nothing that can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("allowed are none, all, any, webhook, sign")]
pub struct InvalidRequire;

impl FromStr for Require {
    type Err = InvalidRequire;

    fn from_str(text: &str) -> Result<Self, InvalidRequire> {
        Self::ALL
            .into_iter()
            .find(|require| require.name() == text)
            .ok_or(InvalidRequire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused() {
        let failed = |why: &str| Check::Failed(why.to_owned());
        for (webhook, sign, refused_by) in [
            (Check::Verified, Check::Verified, &[][..]),
            (Check::Verified, Check::NotChecked, &[]),
            (Check::NotChecked, Check::NotChecked, &[Require::Any]),
            (
                failed("w"),
                Check::NotChecked,
                &[Require::All, Require::Any, Require::Webhook],
            ),
            (failed("w"), Check::Verified, &[Require::All, Require::Webhook]),
            (Check::Verified, failed("s"), &[Require::All, Require::Sign]),
            (
                failed("w"),
                failed("s"),
                &[Require::All, Require::Any, Require::Webhook, Require::Sign],
            ),
        ] {
            let verification = Verification { webhook, sign };
            for require in Require::ALL {
                assert_eq!(require.to_string().parse(), Ok(require));
                let missing = require.missing(&verification);
                assert_eq!(
                    missing.is_some(),
                    refused_by.contains(&require),
                    "{require} {verification:?}"
                );
            }
        }
        let apps = Verifier {
            apps: vec![crate::receiver::App {
                key: "key".to_owned(),
                secret: "secret".to_owned(),
            }],
            ..Verifier::default()
        };
        let refused_unread = |webhook: &Check, verifier: &Verifier| {
            Require::ALL
                .into_iter()
                .filter(|require| require.missing_unread(webhook, verifier).is_some())
                .collect::<Vec<_>>()
        };
        for (webhook, verifier, expected) in [
            (Check::Verified, &apps, &[][..]),
            (Check::NotChecked, &apps, &[]),
            (failed("w"), &apps, &[Require::All, Require::Webhook]),
            (
                failed("w"),
                &Verifier::default(),
                &[Require::All, Require::Any, Require::Webhook],
            ),
        ] {
            assert_eq!(refused_unread(&webhook, verifier), expected, "{webhook:?}");
        }
        assert_eq!("both".parse::<Require>(), Err(InvalidRequire));
    }
}
