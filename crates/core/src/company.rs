//! A company: the tenant whose callbacks are delivered.

use ringback_contract::date_time::DateTimeForm;
use ringback_contract::kind::Kind;
use serde::{Deserialize, Serialize};

use crate::alert::Channel;

/// A set of callback kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// Call, correction and inbound: what a company has on until it says otherwise (delivery rules, *Parked, unwanted*).
    pub const COMPANY_DEFAULT: Self = Self(0b0111);

    const fn bit(kind: Kind) -> u8 {
        match kind {
            Kind::Call => 1,
            Kind::Correction => 2,
            Kind::Inbound => 4,
            Kind::Job => 8,
        }
    }

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn has(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// The set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | Self::bit(kind))
    }

    /// The kinds in the set, in the order of [`Kind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::default(), Self::with)
    }
}

impl Serialize for Kinds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Kind>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// A company's settings. They act when an event is accepted; an accepted event keeps what it was rendered with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// The platform's number of the company.
    pub company_id: i64,
    /// A name for people.
    pub name: Option<String>,
    /// False for a company that is only known from its events: nobody has configured it yet.
    pub configured: bool,
    /// The callback kinds that are on.
    pub callbacks: Kinds,
    /// The key that names the company in signatures.
    pub app_key: Option<String>,
    /// The secret of the body's `sign`.
    pub app_secret: Option<String>,
    /// Whether `sign` is computed.
    pub sign: bool,
    /// The form of `dateTime`.
    pub date_time_form: DateTimeForm,
    /// The channels on which it is told of its own alerts, by name; at most
    /// [`crate::limits::ALERT_CHANNELS_PER_COMPANY`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_channels: Vec<Channel>,
}

impl Company {
    /// A company that is known only by its number.
    #[must_use]
    pub const fn unconfigured(company_id: i64) -> Self {
        Self {
            company_id,
            name: None,
            configured: false,
            callbacks: Kinds::COMPANY_DEFAULT,
            app_key: None,
            app_secret: None,
            sign: false,
            date_time_form: DateTimeForm::Rfc1123,
            alert_channels: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Company {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Company")
            .field("company_id", &self.company_id)
            .field("configured", &self.configured)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}
