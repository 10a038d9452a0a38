//! The audit log: who changed what, from where, when, and what it was before and after.
//!
//! An entry is written in the transaction of the change that it tells of ([`crate::store::Write::Audited`]), so that there
//! is none without the other. It never holds a secret, a payload or a phone number: whoever makes it takes them out.

use crate::id::AuditId;
use crate::limits::AUDIT_VALUE_BYTES;
use crate::time::Millis;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// A company was made or replaced.
    CompanyPut = 0,
    /// A company's settings were forgotten.
    CompanyDelete = 1,
    /// An endpoint was made or replaced.
    EndpointPut = 2,
    /// An endpoint was deleted.
    EndpointDelete = 3,
    /// An endpoint's signing secret was rotated.
    SecretRotate = 4,
    /// An endpoint's pending deliveries were made due.
    RetryNow = 5,
    /// A token was made.
    TokenMake = 6,
    /// A token was revoked.
    TokenRevoke = 7,
    /// A delivery was sent once more.
    Resend = 8,
    /// A replay was made.
    ReplayMake = 9,
    /// A replay was paused.
    ReplayPause = 10,
    /// A replay was resumed.
    ReplayResume = 11,
    /// A replay was cancelled.
    ReplayCancel = 12,
    /// A call's intent level was corrected.
    IntentCorrect = 13,
    /// A company's channel for alerts was made or replaced.
    AlertChannelPut = 14,
    /// A company's channel for alerts was deleted.
    AlertChannelDelete = 15,
    /// What is logged was changed.
    LogLevelPut = 16,
    /// The settings of all companies and endpoints were forgotten, since their key was lost.
    SettingsForget = 17,
}

impl Action {
    /// Every action, by code.
    pub const ALL: [Self; 18] = [
        Self::CompanyPut,
        Self::CompanyDelete,
        Self::EndpointPut,
        Self::EndpointDelete,
        Self::SecretRotate,
        Self::RetryNow,
        Self::TokenMake,
        Self::TokenRevoke,
        Self::Resend,
        Self::ReplayMake,
        Self::ReplayPause,
        Self::ReplayResume,
        Self::ReplayCancel,
        Self::IntentCorrect,
        Self::AlertChannelPut,
        Self::AlertChannelDelete,
        Self::LogLevelPut,
        Self::SettingsForget,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CompanyPut => "company-put",
            Self::CompanyDelete => "company-delete",
            Self::EndpointPut => "endpoint-put",
            Self::EndpointDelete => "endpoint-delete",
            Self::SecretRotate => "secret-rotate",
            Self::RetryNow => "retry-now",
            Self::TokenMake => "token-make",
            Self::TokenRevoke => "token-revoke",
            Self::Resend => "resend",
            Self::ReplayMake => "replay-make",
            Self::ReplayPause => "replay-pause",
            Self::ReplayResume => "replay-resume",
            Self::ReplayCancel => "replay-cancel",
            Self::IntentCorrect => "intent-correct",
            Self::AlertChannelPut => "alert-channel-put",
            Self::AlertChannelDelete => "alert-channel-delete",
            Self::LogLevelPut => "log-level-put",
            Self::SettingsForget => "settings-forget",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The action with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The token's id, or [`Actor::OPERATOR_TOKEN`], [`Actor::COMMAND_LINE`] or [`Actor::SERVICE`].
    pub id: String,
    /// The token's name when it was used; the id where there is no such token.
    pub name: String,
}

impl Actor {
    /// Whoever has the operator's token of the configuration.
    pub const OPERATOR_TOKEN: &str = "operator-token";
    /// Whoever calls the program on the store itself.
    pub const COMMAND_LINE: &str = "command-line";
    /// The service itself.
    pub const SERVICE: &str = "service";

    /// One that has no token in the store.
    #[must_use]
    pub fn named(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
        }
    }
}

/// An entry on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who did it.
    pub actor: Actor,
    /// The address that the request came from; `None` where there was no request.
    pub peer: Option<String>,
    /// The wall clock, Unix milliseconds.
    pub wall_ms: i64,
    /// What was done.
    pub action: Action,
    /// The company that it concerns; `None` for what concerns all.
    pub company_id: Option<i64>,
    /// What it was done to: a name, a number or an id. Empty for a replay to be made, whose id the store gives.
    pub object: String,
    /// How it was before, as redacted JSON; `None` where there was nothing, or where it is not known.
    pub before: Option<String>,
    /// How it is since, as redacted JSON; `None` where nothing is left.
    pub after: Option<String>,
}

impl Entry {
    /// A value that is kept: of one that is longer than [`AUDIT_VALUE_BYTES`] only its length.
    #[must_use]
    pub fn capped(json: String) -> String {
        if json.len() <= AUDIT_VALUE_BYTES {
            return json;
        }
        format!("{{\"tooLongBytes\":{}}}", json.len())
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id, which holds the engine time of its commit.
    pub id: AuditId,
    /// What it says.
    pub entry: Entry,
}

/// What to look for in the log. Every condition that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The company.
    pub company_id: Option<i64>,
    /// What was done.
    pub action: Option<Action>,
    /// The id of the actor.
    pub actor: Option<String>,
    /// Committed at this moment or later.
    pub from: Option<Millis>,
    /// Committed before this moment.
    pub to: Option<Millis>,
}

impl Filter {
    /// Whether it lets a record through.
    #[must_use]
    pub fn fits(&self, record: &Record) -> bool {
        let (entry, at) = (&record.entry, record.id.time());
        self.company_id.is_none_or(|id| entry.company_id == Some(id))
            && self.action.is_none_or(|action| entry.action == action)
            && self.actor.as_deref().is_none_or(|actor| entry.actor.id == actor)
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_known_by_code_and_by_name() {
        for (code, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(action as u8), code);
            assert_eq!(Action::from_code(action as u8), Some(action));
            assert_eq!(Action::from_name(action.name()), Some(action));
        }
        assert_eq!(Action::from_code(18), None);
        assert_eq!(Action::from_name(""), None);
    }

    #[test]
    fn of_a_value_that_is_too_long_only_its_length_is_kept() {
        let fits = "x".repeat(AUDIT_VALUE_BYTES);
        assert_eq!(Entry::capped(fits.clone()), fits);
        assert_eq!(Entry::capped(format!("{fits}x")), "{\"tooLongBytes\":8193}");
    }
}
