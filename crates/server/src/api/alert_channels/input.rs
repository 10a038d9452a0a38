//! Reads what a PUT says of a company's channel for alerts, and gathers every mistake.

use ringback_contract::webhook::Secret;
use ringback_core::alert::{Channel, Destination, Severity};
use ringback_core::limits::{ALERT_RECIPIENTS, ALERT_SECRET_BYTES, ALERT_URL_BYTES};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::fields::{Fields, Given, text};
use super::super::language::Language;
use super::super::problem::{FieldError, Problem};
use crate::alerts::is_address;
use crate::outbound::{Outbound, TargetSettings};

/// The settings of a company's channel for alerts. A PUT replaces all of them but `url` and `secret`, which are kept where
/// they are absent and `kind` is the same.
#[derive(Debug, ToSchema)]
#[schema(as = CompanyAlertChannelSettings, rename_all = "camelCase")]
pub(crate) struct ChannelInput {
    /// `webhook`, `dingtalk`, `feishu`, `wecom`, `slack`, or `email` where the operator has set a mail server for it.
    #[schema(value_type = String, example = "dingtalk")]
    kind: Option<&'static str>,
    /// The address of the robot or of the program, http or https, as for endpoints; needed by all but `email`. Never shown
    /// again.
    #[schema(value_type = Option<String>, write_only)]
    url: Given<String>,
    /// What messages are signed with: of `webhook` (`whsec_` and the Base64 of 24 to 64 bytes), `dingtalk` and `feishu`.
    /// Absent: kept; null: removed. Never shown again.
    #[schema(value_type = Option<String>, write_only)]
    secret: Given<String>,
    /// Whom mail goes to, 1 to 10 addresses; needed by `email`.
    #[schema(value_type = Option<Vec<String>>)]
    to: Given<Vec<String>>,
    /// The language of the messages: `zh` or `en`. Default: en.
    #[schema(value_type = Option<String>, example = "zh")]
    language: Given<Language>,
    /// The mildest alerts that it gets: `warning` or `critical`. Default: warning.
    #[schema(value_type = Option<String>, example = "warning")]
    severity: Given<Severity>,
}

const MEMBERS: [&str; 6] = ["kind", "url", "secret", "to", "language", "severity"];

/// Reads a PUT's body and applies it to the channel as it is.
pub(super) fn apply(
    body: &[u8],
    name: &str,
    present: Option<&Channel>,
    can_mail: bool,
    outbound: &Outbound,
) -> Result<Channel, Problem> {
    let mut fields = Fields::of_body(body, &MEMBERS)?;
    let mut input = ChannelInput::read(&mut fields);
    let (language, severity) = (
        input.language.or(Language::default()),
        input.severity.or(Severity::Warning),
    );
    let kind = input.kind.unwrap_or_default();
    let present = present
        .map(|present| &present.destination)
        .filter(|destination| destination.kind() == kind);
    input.url = keep(input.url, present.and_then(Destination::url));
    input.secret = keep(input.secret, present.and_then(Destination::secret));
    let destination = match kind {
        "" => None,
        "email" => input.email(can_mail, &mut fields),
        kind => input.post(kind, outbound, &mut fields),
    };
    fields.finish()?;
    let destination = destination.ok_or_else(|| {
        // Every way to none has noted why.
        Problem::invalid(vec![FieldError::missing("kind", KINDS)])
    })?;
    Ok(Channel {
        name: name.to_owned(),
        language,
        severity,
        destination,
    })
}

const KINDS: &str = "webhook, dingtalk, feishu, wecom, slack or email";
const URL: &str = "an http or https URL of at most 2048 bytes";
const TO: &str = "a list of 1 to 10 mail addresses";

/// What is absent stays as it is.
fn keep(given: Given<String>, present: Option<&str>) -> Given<String> {
    match (given, present) {
        (Given::Absent, Some(present)) => Given::Value(present.to_owned()),
        (given, _) => given,
    }
}

impl ChannelInput {
    fn read(fields: &mut Fields) -> Self {
        Self {
            kind: fields.require("kind", KINDS, |value| {
                let name = value.as_str()?;
                Destination::KINDS.into_iter().find(|kind| *kind == name)
            }),
            url: fields.take("url", URL, |value| {
                text(value, ALERT_URL_BYTES).filter(|url| url.len() <= ALERT_URL_BYTES)
            }),
            secret: fields.take("secret", "a text of at most 1024 bytes", |value| {
                text(value, ALERT_SECRET_BYTES).filter(|secret| secret.len() <= ALERT_SECRET_BYTES)
            }),
            to: fields.take("to", TO, recipients),
            language: fields.take("language", "zh or en", |value| {
                Language::from_tag(value.as_str()?)
            }),
            severity: fields.take("severity", "warning or critical", |value| {
                let name = value.as_str()?;
                Severity::ALL.into_iter().find(|severity| severity.name() == name)
            }),
        }
    }

    fn email(self, can_mail: bool, fields: &mut Fields) -> Option<Destination> {
        for (name, given) in [("url", &self.url), ("secret", &self.secret)] {
            refuse(name, given, "email", fields);
        }
        if !can_mail {
            let detail = "is email, but the operator has set no mail server for it (alerts.mail)";
            fields.note(FieldError::other("kind", detail));
        }
        let to = self.to.value();
        if to.is_none() && !fields.is_wrong("to") {
            fields.note(FieldError::missing("to", TO));
        }
        Some(Destination::Email { to: to? })
    }

    fn post(self, kind: &str, outbound: &Outbound, fields: &mut Fields) -> Option<Destination> {
        refuse("to", &self.to, kind, fields);
        let url = self.url.value();
        match &url {
            None if !fields.is_wrong("url") => fields.note(FieldError::missing("url", URL)),
            None => {}
            Some(url) => {
                if let Err(problem) = outbound.check(TargetSettings::new(url)) {
                    let words = problem.to_string();
                    fields.note(FieldError::other("url", words.trim_start_matches("url: ")));
                }
            }
        }
        if matches!(kind, "wecom" | "slack") {
            refuse("secret", &self.secret, kind, fields);
        }
        let secret = self.secret.value();
        if kind == "webhook"
            && secret
                .as_ref()
                .is_some_and(|secret| Secret::parse(secret).is_err())
        {
            let allowed = "whsec_ and the Base64 of 24 to 64 bytes";
            fields.note(FieldError::wrong("secret", "another text", allowed));
        }
        let url = url?;
        Some(match kind {
            "webhook" => Destination::Webhook { url, secret },
            "dingtalk" => Destination::DingTalk { url, secret },
            "feishu" => Destination::Feishu { url, secret },
            "wecom" => Destination::WeCom { url },
            _ => Destination::Slack { url },
        })
    }
}

/// A member that channels of this kind do not have.
fn refuse<T>(name: &str, given: &Given<T>, kind: &str, fields: &mut Fields) {
    if matches!(given, Given::Value(_)) {
        let detail = format!("is nothing that a channel of the kind {kind} has");
        fields.note(FieldError::other(name, detail));
    }
}

fn recipients(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array()?;
    let addresses: Option<Vec<String>> = list
        .iter()
        .map(|address| {
            let address = address.as_str()?;
            (address.len() <= ADDRESS_BYTES && is_address(address)).then(|| address.to_owned())
        })
        .collect();
    addresses.filter(|to| (1..=ALERT_RECIPIENTS).contains(&to.len()))
}

/// The longest mail address, with the name before it.
const ADDRESS_BYTES: usize = 320;

#[cfg(test)]
mod tests;
