//! The table `alerts`: bounds, the mail server, and channels. Every mistake is reported at once, by its channel and member; no value is
//! repeated.
//!
//! A secret (`url` of a robot, `secret`, `password`) can be in the file itself, in an environment variable (`url_env`), or
//! in the first line of a file (`url_file`).

use std::collections::BTreeSet;

use ringback_contract::webhook::Secret;
use ringback_core::alert::{self, Severity};
use ringback_core::limits;
use toml::de::DeTable;

use super::value::Value;
use crate::alerts::{
    AlertSettings, ChannelSettings, Destination, EmailSettings, Hidden, MailSecurity, MailServer, is_address,
};
use crate::api::{Language, is_endpoint_name};
use crate::outbound::{UrlProblem, policy};

/// Members of the table.
const MEMBERS: [&str; 5] = ["window", "refused_least", "disk_free_mib", "mail", "channel"];
/// Members of every channel.
const OF_CHANNELS: [&str; 5] = ["name", "kind", "language", "severity", "companies"];
const OF_WEBHOOKS: [&str; 6] = [
    "url",
    "url_env",
    "url_file",
    "secret",
    "secret_env",
    "secret_file",
];
const OF_ROBOTS_WITHOUT_SECRET: [&str; 3] = ["url", "url_env", "url_file"];
/// Members of the mail server, and of a channel that has one of its own.
const OF_MAIL_SERVERS: [&str; 8] = [
    "host",
    "port",
    "security",
    "username",
    "password",
    "password_env",
    "password_file",
    "from",
];
const TO: &str = "to";

/// Reads the table of the file, or the same as the text of an environment variable.
pub(super) fn read(value: &Value<'_>) -> Result<AlertSettings, String> {
    match value {
        Value::Table(table) => of_table(table),
        Value::Environment(text) => {
            let parsed = DeTable::parse(text).map_err(|_| "a text that is no TOML".to_owned())?;
            of_table(parsed.get_ref())
        }
        other => Err(other.kind()),
    }
}

/// What is said of it in one line.
pub(super) fn show(settings: &AlertSettings) -> String {
    let channels: Vec<String> = settings
        .channels
        .iter()
        .map(|channel| format!("{} ({})", channel.name, channel.destination.kind()))
        .collect();
    if channels.is_empty() {
        "no channel".to_owned()
    } else {
        format!("to {}", channels.join(", "))
    }
}

fn of_table(table: &DeTable<'_>) -> Result<AlertSettings, String> {
    let mut members = Members::new(table, String::new());
    members.only(&MEMBERS);
    let mut settings = AlertSettings::default();
    if let Some(ms) = members.take("window", "a duration from 1s to 1h", |value| {
        value.duration(limits::ALERT_WINDOW_MS_LEAST, limits::ALERT_WINDOW_MS_MOST)
    }) {
        settings.window_ms = ms;
    }
    if let Some(least) = members.take("refused_least", "an integer from 1 to 1000000", |value| {
        value.integer(1, 1_000_000)
    }) {
        settings.bounds.refused_least = least;
    }
    if let Some(mib) = members.take("disk_free_mib", "an integer from 0 to 1048576", |value| {
        value.integer(0, 1_048_576)
    }) {
        settings.bounds.disk_free_least = mib * 1024 * 1024;
    }
    match members.value("mail") {
        None => {}
        Some(Value::Table(table)) => {
            let mut of_mail = Members::new(table, "mail: ".to_owned());
            of_mail.only(&OF_MAIL_SERVERS);
            settings.mail = mail_server(&mut of_mail);
            members.mistakes.append(&mut of_mail.mistakes);
        }
        Some(_) => members.wrong("mail", "[alerts.mail]"),
    }
    let channels = match members.value("channel") {
        None => Vec::new(),
        Some(Value::List(channels)) => channels,
        Some(_) => {
            members.wrong("channel", "[[alerts.channel]]");
            Vec::new()
        }
    };
    if channels.len() > limits::ALERT_CHANNELS {
        members.wrong("channel", &format!("at most {} of them", limits::ALERT_CHANNELS));
    }
    let mut names = BTreeSet::new();
    for (at, value) in channels.iter().enumerate() {
        let Value::Table(table) = value else {
            members.wrong("channel", "[[alerts.channel]]");
            continue;
        };
        match channel(table, at + 1, settings.mail.as_ref()) {
            Ok(channel) if !names.insert(channel.name.clone()) => {
                members.wrong("channel", "names of their own");
            }
            Ok(channel) => settings.channels.push(channel),
            Err(mistakes) => members.mistakes.extend(mistakes),
        }
    }
    if members.mistakes.is_empty() {
        Ok(settings)
    } else {
        Err(members.mistakes.join("; "))
    }
}

fn channel(
    table: &DeTable<'_>,
    number: usize,
    mail: Option<&MailServer>,
) -> Result<ChannelSettings, Vec<String>> {
    let mut members = Members::new(table, format!("channel {number}: "));
    let name = members.require("name", "1 to 64 characters of a-z A-Z 0-9 . _ -", |value| {
        value.text(|text| is_endpoint_name(text).then(|| text.to_owned()))
    });
    let language = members.take("language", "zh, en", |value| value.text(Language::from_tag));
    let least = members.take("severity", "warning, critical", |value| {
        value.text(|text| Severity::ALL.into_iter().find(|severity| severity.name() == text))
    });
    let companies = members.take("companies", "a list of companies' numbers", companies);
    let kinds = alert::Destination::KINDS;
    let kind = members.require("kind", &kinds.join(", "), |value| {
        value.text(|text| kinds.into_iter().find(|kind| *kind == text))
    });
    let destination = kind.and_then(|kind| destination(&mut members, kind, mail));
    match (members.mistakes.is_empty(), name, destination) {
        (true, Some(name), Some(destination)) => Ok(ChannelSettings {
            name,
            language: language.unwrap_or_default(),
            least: least.unwrap_or(Severity::Warning),
            companies,
            destination,
        }),
        _ => Err(members.mistakes),
    }
}

fn companies(value: &Value<'_>) -> Result<BTreeSet<i64>, String> {
    let Value::List(entries) = value else {
        return Err(value.kind());
    };
    entries
        .iter()
        .enumerate()
        .map(|(at, entry)| match entry {
            Value::Integer(Some(number)) => Ok(*number),
            _ => Err(format!("{} as entry {} of the list", entry.kind(), at + 1)),
        })
        .collect()
}

fn destination(members: &mut Members<'_>, kind: &str, mail: Option<&MailServer>) -> Option<Destination> {
    if kind == "email" {
        return email(members, mail).map(Box::new).map(Destination::Email);
    }
    let own: &[&str] = match kind {
        "webhook" | "dingtalk" | "feishu" => &OF_WEBHOOKS,
        _ => &OF_ROBOTS_WITHOUT_SECRET,
    };
    let known: Vec<&str> = OF_CHANNELS.iter().chain(own).copied().collect();
    members.only(&known);
    let url = members.secret("url");
    if let Some(url) = &url
        && !is_url(url.expose())
    {
        members.wrong("url", "an http or https address without credentials and fragment");
    } else if url.is_none() {
        members.wrong("url", "needed: url, url_env or url_file");
    }
    let secret = if own == OF_WEBHOOKS {
        members.secret("secret")
    } else {
        None
    };
    let url = url?;
    Some(match kind {
        "webhook" => {
            if secret
                .as_ref()
                .is_some_and(|secret| Secret::parse(secret.expose()).is_err())
            {
                members.wrong("secret", "whsec_ and the Base64 of 24 to 64 bytes");
            }
            Destination::Webhook { url, secret }
        }
        "dingtalk" => Destination::DingTalk { url, secret },
        "feishu" => Destination::Feishu { url, secret },
        "wecom" => Destination::WeCom { url },
        _ => Destination::Slack { url },
    })
}

/// Mail through the server of `[alerts.mail]`, or through one of its own: that is there where a host is.
fn email(members: &mut Members<'_>, mail: Option<&MailServer>) -> Option<EmailSettings> {
    let shared = mail.filter(|_| members.value("host").is_none());
    let own: &[&str] = if shared.is_some() { &[] } else { &OF_MAIL_SERVERS };
    let known: Vec<&str> = OF_CHANNELS.iter().chain(own).chain([&TO]).copied().collect();
    members.only(&known);
    let server = match shared {
        Some(shared) => Some(shared.clone()),
        None => mail_server(members),
    };
    let to = members.require(TO, "a list of mail addresses", |value| {
        let to = value.list(address)?;
        if to.is_empty() {
            return Err("an empty list".to_owned());
        }
        Ok(to)
    });
    Some(EmailSettings {
        server: server?,
        to: to?,
    })
}

fn address(text: &str) -> Option<String> {
    is_address(text).then(|| text.to_owned())
}

fn mail_server(members: &mut Members<'_>) -> Option<MailServer> {
    let host = members.require("host", "the mail server's name or address", |value| {
        value.text(|text| (!text.is_empty() && text.len() <= 253).then(|| text.to_owned()))
    });
    let security = members.take("security", "tls, starttls, plain", |value| {
        value.text(|text| {
            MailSecurity::ALL
                .into_iter()
                .find(|security| security.name() == text)
        })
    });
    let security = security.unwrap_or(MailSecurity::StartTls);
    let port = members.take("port", "an integer from 1 to 65535", |value| {
        // It fits: the bound is the largest of 16 bits.
        Ok(u16::try_from(value.integer(1, 65_535)?).unwrap_or(u16::MAX))
    });
    let username = members.take("username", "a text", |value| {
        value.text(|text| Some(text.to_owned()))
    });
    let password = members.secret("password");
    if username.is_some() != password.is_some() {
        members.wrong("password", "to be set together with username");
    }
    if password.is_some() && security == MailSecurity::Plain {
        members.wrong(
            "security",
            "tls or starttls: a password is not sent in clear text",
        );
    }
    let from = members.require("from", "a mail address", |value| value.text(address));
    Some(MailServer {
        host: host?,
        port: port.unwrap_or(security.port()),
        security,
        username,
        password,
        from: from?,
    })
}

fn is_url(text: &str) -> bool {
    let checked: Result<(), UrlProblem> = url::Url::parse(text)
        .map_err(|_| UrlProblem::NotAUrl)
        .and_then(|url| policy::check_form(&url));
    checked.is_ok()
}

/// The members of one table, and what is wrong with them.
struct Members<'a> {
    table: &'a DeTable<'a>,
    place: String,
    mistakes: Vec<String>,
}

impl<'a> Members<'a> {
    const fn new(table: &'a DeTable<'a>, place: String) -> Self {
        Self {
            table,
            place,
            mistakes: Vec::new(),
        }
    }

    fn value(&self, name: &str) -> Option<Value<'a>> {
        self.table.get(name).map(|value| Value::of_file(value.get_ref()))
    }

    fn wrong(&mut self, name: &str, allowed: &str) {
        self.mistakes.push(format!("{}{name}: {allowed}", self.place));
    }

    /// Members that are not among these are mistakes.
    fn only(&mut self, known: &[&str]) {
        for (name, _) in self.table {
            let name = name.get_ref().as_ref();
            if !known.contains(&name) {
                let mistake = format!("{}unknown; known are {}", self.place, known.join(", "));
                // A name that is far too long may be anything.
                let name: String = name.chars().take(40).collect();
                self.mistakes.push(format!("{name}: {mistake}"));
            }
        }
    }

    fn take<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value<'a>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(name)?;
        match read(&value) {
            Ok(read) => Some(read),
            Err(found) => {
                self.wrong(name, &format!("{allowed} (found {found})"));
                None
            }
        }
    }

    fn require<T>(
        &mut self,
        name: &str,
        allowed: &str,
        read: impl FnOnce(&Value<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if self.value(name).is_none() {
            self.wrong(name, &format!("needed: {allowed}"));
            return None;
        }
        self.take(name, allowed, read)
    }

    /// A secret: itself, from an environment variable, or from the first line of a file.
    fn secret(&mut self, name: &str) -> Option<Hidden> {
        let text = |value: &Value<'a>| value.text(|text| Some(text.to_owned()));
        let (of_env, of_file) = (format!("{name}_env"), format!("{name}_file"));
        let given = [name, &of_env, &of_file]
            .iter()
            .filter(|name| self.value(name).is_some())
            .count();
        if given > 1 {
            self.wrong(name, &format!("one of {name}, {of_env} and {of_file}"));
            return None;
        }
        if let Some(variable) = self.take(&of_env, "the name of an environment variable", text) {
            let found = std::env::var(&variable).ok().filter(|found| !found.is_empty());
            if found.is_none() {
                self.wrong(&of_env, "the name of an environment variable that is set");
            }
            return found.map(Hidden::new);
        }
        if let Some(path) = self.take(&of_file, "the path of a readable file", text) {
            let found = std::fs::read_to_string(path).ok();
            let line = found
                .as_deref()
                .and_then(|text| text.lines().next())
                .map(str::trim)
                .filter(|line| !line.is_empty());
            if line.is_none() {
                self.wrong(&of_file, "the path of a readable file");
            }
            return line.map(str::to_owned).map(Hidden::new);
        }
        self.take(name, "a text", text).map(Hidden::new)
    }
}
