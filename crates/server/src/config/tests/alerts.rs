//! The table `alerts`.

use super::*;

/// The channels that the default file shows, with secrets that need no environment.
fn example_channels() -> String {
    let (_, example) = DEFAULT_FILE.split_once("under [alerts].\n#\n").unwrap();
    let lines = example.lines().map(|line| line.trim_start_matches('#'));
    // Words between the tables.
    let lines = lines.filter(|line| line.trim().is_empty() || line.contains(['=', '[']));
    lines
        .map(|line| match line.trim().split(' ').next() {
            Some("url_env") => {
                "url = \"https://oapi.dingtalk.com/robot/send?access_token=hidden\"\n".to_owned()
            }
            Some("secret_env") => "secret = \"SEChidden\"\n".to_owned(),
            Some("password_file") => "password = \"hidden\"\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn the_channels_of_the_default_file_are_valid() {
    let file = format!(
        "[alerts]\nwindow = \"10s\"\ndisk_free_mib = 7\n{}",
        example_channels()
    );
    let config = load(&file, &[]).unwrap();
    let alerts = &config.alerts;
    assert_eq!(
        (alerts.window_ms, alerts.bounds.disk_free_least),
        (10_000, 7 << 20)
    );
    let [ops, mail] = alerts.channels.as_slice() else {
        panic!("{alerts:?}");
    };
    assert_eq!(
        (ops.destination.kind(), ops.companies.as_ref().map(BTreeSet::len)),
        ("dingtalk", Some(2))
    );
    assert_eq!(
        (mail.destination.kind(), mail.companies.as_ref()),
        ("email", None)
    );
    let crate::alerts::Destination::Email(email) = &mail.destination else {
        panic!("{mail:?}");
    };
    assert_eq!(Some(&email.server), alerts.mail.as_ref());
    let described = config.describe();
    assert_eq!(
        described.last().unwrap().value.to_string(),
        "(to ops (dingtalk), mail (email))"
    );
    assert!(!format!("{config:?}{described:?}").contains("hidden"));
    // The same in the environment, without the name of the table.
    let text = example_channels()
        .replace("[[alerts.channel]]", "[[channel]]")
        .replace("[alerts.mail]", "[mail]");
    let config = load("", &[("RINGBACK_ALERTS", &text)]).unwrap();
    assert_eq!(
        (&config.alerts.channels, &config.alerts.mail),
        (&alerts.channels, &alerts.mail)
    );
}

/// Loads a file that has one mistake, in `alerts`, which must say what it found and no value.
#[track_caller]
fn check_file(file: &str, expected: &str) {
    let mistakes = load(file, &[]).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    let found = mistakes[0].split("; allowed: ").next().unwrap();
    assert_eq!(found, format!("alerts (f:1): found {expected}"), "{file}");
    assert!(!mistakes[0].contains("hidden"), "{mistakes:?}");
}

#[track_caller]
fn check(channel: &str, expected: &str) {
    check_file(&format!("[[alerts.channel]]\n{channel}"), expected);
}

#[test]
fn mistakes_beside_the_channels_are_reported() {
    check_file(
        "[alerts]\nwindow = \"hidden\"",
        "window: a duration from 1s to 1h (found another text)",
    );
    check_file(
        "[alerts]\nwindow = \"2h\"\nrefused_least = 0\ndisk_free_mib = -1",
        "window: a duration from 1s to 1h (found a duration out of range); refused_least: an integer from 1 to \
         1000000 (found an integer out of range); disk_free_mib: an integer from 0 to 1048576 (found an integer out of range)",
    );
    let mistakes = load("alerts = 7", &[("RINGBACK_ALERTS", "channel = hidden")]).unwrap_err();
    assert!(
        mistakes[0].starts_with("alerts (f:1): found an integer; "),
        "{mistakes:?}"
    );
    assert!(
        mistakes[1].starts_with("RINGBACK_ALERTS: found a text that is no TOML; "),
        "{mistakes:?}"
    );
}

#[test]
fn every_mistake_in_a_channel_is_reported_and_no_value() {
    let robot = "name = \"ops\"\nkind = \"wecom\"\n";
    check(
        "",
        "channel 1: name: needed: 1 to 64 characters of a-z A-Z 0-9 . _ -; channel 1: kind: needed: webhook, \
         dingtalk, feishu, wecom, slack, email",
    );
    check(robot, "channel 1: url: needed: url, url_env or url_file");
    check(
        &format!("{robot}url = \"ftp://hidden\"\nlanguage = \"hidden\""),
        "channel 1: language: zh, en (found another text); channel 1: url: an http or https address without credentials and fragment",
    );
    check(
        &format!("{robot}url = \"https://hidden/\"\nurl_env = \"X\""),
        "channel 1: url: one of url, url_env and url_file; channel 1: url: needed: url, url_env or url_file",
    );
    check(
        &format!("{robot}url_env = \"RINGBACK_TEST_NOT_SET\""),
        "channel 1: url_env: the name of an environment variable that is set; channel 1: url: needed: url, url_env \
         or url_file",
    );
    check(
        "name = \"ops\"\nkind = \"webhook\"\nurl = \"https://a/\"\nsecret = \"hidden\"",
        "channel 1: secret: whsec_ and the Base64 of 24 to 64 bytes",
    );
    check(
        "name = \"m\"\nkind = \"email\"\nhost = \"h\"\nsecurity = \"plain\"\nusername = \"u\"\n\
         password = \"hidden\"\nfrom = \"hidden\"\nto = []",
        "channel 1: security: tls or starttls: a password is not sent in clear text; channel 1: from: a mail \
         address (found another text); channel 1: to: a list of mail addresses (found an empty list)",
    );
    check(
        "name = \"m\"\nkind = \"email\"\nto = [\"a@example.com\"]",
        "channel 1: host: needed: the mail server's name or address; channel 1: from: needed: a mail address",
    );
    check(
        "name = \"m\"\nkind = \"email\"\nport = 25\nto = [\"a@example.com\"]\n[alerts.mail]\nhost = \"h\"\n\
         from = \"a@example.com\"",
        "port: channel 1: unknown; known are name, kind, language, severity, companies, to",
    );
    check(
        "name = \"m\"\nkind = \"email\"\nhost = \"h\"\nfrom = \"a@example.com\"\nto = [\"a@example.com\"]\n\
         [alerts.mail]\nhost = \"h\"\nusername = \"hidden\"\nfrom = \"hidden\"",
        "mail: password: to be set together with username; mail: from: a mail address (found another text)",
    );
    check(
        &format!("{robot}url = \"https://a/\"\ncompanies = [7, \"hidden\"]"),
        "channel 1: companies: a list of companies' numbers (found another text as entry 2 of the list)",
    );
    let twice = format!("{robot}url = \"https://a/\"\n[[alerts.channel]]\n{robot}url = \"https://b/\"");
    check(&twice, "channel: names of their own");
}
