//! Bearer tokens: what is kept of them, and what they allow.

use serde::{Deserialize, Serialize};

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Scope {
    /// Everything.
    Operator = 0,
    /// Handing over events, of one company or of all.
    Intake = 1,
    /// Its own company: reading its events and deliveries, sending them again, and its endpoints' settings.
    Tenant = 2,
    /// Reading, of one company or of all.
    ReadOnly = 3,
}

impl Scope {
    /// Every scope, by code.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Intake, Self::Tenant, Self::ReadOnly];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Intake => "intake",
            Self::Tenant => "tenant",
            Self::ReadOnly => "read-only",
        }
    }

    /// The scope with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether a token of this scope is for one company: `Some(true)` it must be, `Some(false)` it cannot be.
    #[must_use]
    pub const fn needs_company(self) -> Option<bool> {
        match self {
            Self::Operator => Some(false),
            Self::Tenant => Some(true),
            Self::Intake | Self::ReadOnly => None,
        }
    }

    /// Whether it allows this, for the companies that the token is for.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Operator => true,
            Self::Intake => matches!(permission, Permission::Intake),
            Self::Tenant => matches!(
                permission,
                Permission::Read | Permission::Repair | Permission::Endpoints
            ),
            Self::ReadOnly => matches!(permission, Permission::Read),
        }
    }
}

/// What a request needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Handing over events.
    Intake,
    /// Reading events, deliveries and settings.
    Read,
    /// Sending again.
    Repair,
    /// Changing and testing endpoints.
    Endpoints,
    /// Changing companies and tokens, and seeing what concerns all companies.
    Operate,
}

/// A bearer token: what is kept of it. Its text is shown once and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id, for listing and revoking.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// What it allows.
    pub scope: Scope,
    /// The company that it is for; `None` for all.
    pub company_id: Option<i64>,
    /// The wall clock when it was made, Unix milliseconds.
    pub created_wall_ms: i64,
    /// The wall clock from which it is refused, Unix milliseconds; `None` when it does not expire.
    pub expires_wall_ms: Option<i64>,
    /// The wall clock when it was last used, Unix milliseconds, a minute exact; `None` before its first use.
    pub last_used_wall_ms: Option<i64>,
    /// How many requests per second it may make; `None` for as many as the configuration says.
    pub rate_limit: Option<u32>,
}

impl Token {
    /// Whether it is refused at this moment because of its age.
    #[must_use]
    pub fn is_expired(&self, wall_ms: i64) -> bool {
        self.expires_wall_ms.is_some_and(|expires| expires <= wall_ms)
    }
}
