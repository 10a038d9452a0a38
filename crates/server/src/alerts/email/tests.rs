//! Mail to a mail server of a few lines on loopback: in clear text, with TLS, with STARTTLS, and refused.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::settings::MailServer;
use super::*;
use crate::alerts::Hidden;
use crate::clock::test::TestClock;
use crate::outbound::{AddressPolicy, Options};
use crate::tasks;

/// What the server does.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    tls_at_once: bool,
    offers_starttls: bool,
    refuses_login: bool,
    refuses_recipient: bool,
}

/// What a client said, line by line, without the lines that begin with `Date`, `Message-ID` and `MIME-Version`.
type Said = Vec<String>;

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

struct Server {
    port: u16,
    ca: String,
    said: tokio::task::JoinHandle<Said>,
}

async fn server(manner: Manner) -> Server {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = tasks::spawn("mail server", async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut said = Said::new();
        if manner.tls_at_once {
            let stream: Box<dyn Both> = Box::new(acceptor.accept(stream).await.unwrap());
            talk(stream, manner, true, true, &mut said).await;
        } else if let Some(stream) = talk(Box::new(stream), manner, false, true, &mut said).await {
            let stream: Box<dyn Both> = Box::new(acceptor.accept(stream).await.unwrap());
            talk(stream, manner, true, false, &mut said).await;
        }
        said
    });
    Server {
        port,
        ca: cert.pem(),
        said,
    }
}

/// Talks until the client goes, or until it wants TLS: then the stream comes back.
async fn talk(
    stream: Box<dyn Both>,
    manner: Manner,
    encrypted: bool,
    greet: bool,
    said: &mut Said,
) -> Option<Box<dyn Both>> {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    }
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let varies = ["Date:", "Message-ID:", "MIME-Version:", "AUTH PLAIN "];
        match varies.iter().find(|start| line.starts_with(**start)) {
            Some(start) => said.push((*start).to_owned()),
            None => said.push(line.clone()),
        }
        if in_message {
            in_message = line != ".";
            if !in_message {
                stream.write_all(b"250 taken\r\n").await.unwrap();
            }
            continue;
        }
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" if manner.offers_starttls && !encrypted => "250-mail.example\r\n250 STARTTLS\r\n",
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n",
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n").await.unwrap();
                return Some(stream.into_inner());
            }
            "AUTH" if manner.refuses_login => "535 no such account as ringback\r\n",
            "AUTH" => "235 welcome\r\n",
            "RCPT" if manner.refuses_recipient => "550 nobody here\r\n",
            "DATA" => {
                in_message = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn settings(security: MailSecurity, port: u16) -> EmailSettings {
    let has_login = security != MailSecurity::Plain;
    EmailSettings {
        server: MailServer {
            host: "127.0.0.1".to_owned(),
            port,
            security,
            username: has_login.then(|| "ringback".to_owned()),
            password: has_login.then(|| Hidden::new("hidden".to_owned())),
            from: "ringback <ringback@example.com>".to_owned(),
        },
        to: vec!["oncall@example.com".to_owned(), "boss@example.com".to_owned()],
    }
}

/// Sends one mail; what came of it, and what the server heard.
async fn mail(manner: Manner, security: MailSecurity, trusted: bool) -> (Result<(), String>, Said) {
    let server = server(manner).await;
    let ca = trusted.then_some(server.ca);
    let outbound = Outbound::new(Options {
        policy: AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]),
        tls_ca: ca.clone(),
        ..Options::new(Arc::new(TestClock::new()))
    })
    .unwrap();
    let mail = Mail {
        subject: "[ringback] 1 条告警",
        text: "公司 151\nerp",
        wall_ms: 1_790_000_000_000,
    };
    let sent = send(&outbound, ca.as_deref(), &settings(security, server.port), mail).await;
    (sent, server.said.await.unwrap_or_default())
}

const MESSAGE: [&str; 14] = [
    "MAIL FROM:<ringback@example.com>",
    "RCPT TO:<oncall@example.com>",
    "RCPT TO:<boss@example.com>",
    "DATA",
    "From: ringback <ringback@example.com>",
    "Date:",
    "Subject: [ringback] 1 =?utf-8?b?5p2h5ZGK6K2m?=",
    "To: oncall@example.com, boss@example.com",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: base64",
    "",
    "5YWs5Y+4IDE1MQ0KZXJw",
    ".",
    "QUIT",
];

#[track_caller]
fn check(found: &(Result<(), String>, Said), before: &[&str]) {
    assert_eq!(found.0, Ok(()));
    let expected: Vec<&str> = before.iter().chain(&MESSAGE).copied().collect();
    assert_eq!(found.1, expected);
}

#[tokio::test]
async fn a_mail_in_clear_text() {
    check(
        &mail(Manner::default(), MailSecurity::Plain, false).await,
        &["EHLO ringback"],
    );
}

#[tokio::test]
async fn a_mail_over_tls_with_a_login() {
    let manner = Manner {
        tls_at_once: true,
        ..Manner::default()
    };
    check(
        &mail(manner, MailSecurity::Tls, true).await,
        &["EHLO ringback", "AUTH PLAIN "],
    );
}

#[tokio::test]
async fn a_mail_after_starttls_with_a_login() {
    let manner = Manner {
        offers_starttls: true,
        ..Manner::default()
    };
    check(
        &mail(manner, MailSecurity::StartTls, true).await,
        &["EHLO ringback", "STARTTLS", "EHLO ringback", "AUTH PLAIN "],
    );
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_clear_text() {
    let (sent, said) = mail(Manner::default(), MailSecurity::StartTls, true).await;
    let problem = sent.unwrap_err();
    assert!(problem.contains("does not offer"), "{problem}");
    assert_eq!(said, ["EHLO ringback"]);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for (security, manner) in [
        (
            MailSecurity::Tls,
            Manner {
                tls_at_once: true,
                ..Manner::default()
            },
        ),
        (
            MailSecurity::StartTls,
            Manner {
                offers_starttls: true,
                ..Manner::default()
            },
        ),
    ] {
        let (sent, said) = mail(manner, security, false).await;
        assert!(sent.is_err(), "{security:?}");
        assert!(!said.iter().any(|line| line.starts_with("MAIL")), "{said:?}");
    }
}

#[tokio::test]
async fn refusals_are_told_by_their_code_alone() {
    let tls = Manner {
        tls_at_once: true,
        ..Manner::default()
    };
    for (manner, expected) in [
        (
            Manner {
                refuses_login: true,
                ..tls
            },
            "the mail server answered 535",
        ),
        (
            Manner {
                refuses_recipient: true,
                ..tls
            },
            "the mail server answered 550",
        ),
    ] {
        let (sent, _) = mail(manner, MailSecurity::Tls, true).await;
        assert_eq!(sent, Err(expected.to_owned()));
    }
}

#[tokio::test]
async fn the_address_policy_holds_for_mail() {
    let outbound = Outbound::new(Options {
        policy: AddressPolicy::new(Vec::new()),
        ..Options::new(Arc::new(TestClock::new()))
    })
    .unwrap();
    let mail = Mail {
        subject: "",
        text: "",
        wall_ms: 0,
    };
    let sent = send(&outbound, None, &settings(MailSecurity::Plain, 9), mail).await;
    assert_eq!(
        sent.unwrap_err(),
        "the host has a loopback address; RINGBACK_OUTBOUND_ALLOW can admit it"
    );
}
