//! Mail: one message over one SMTP connection, to an address that the address policy admits.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::settings::{EmailSettings, MailSecurity};
use crate::outbound::Outbound;

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Mail<'a> {
    pub(crate) subject: &'a str,
    pub(crate) text: &'a str,
    /// The wall clock, Unix milliseconds.
    pub(crate) wall_ms: i64,
}

/// Sends a message, without a limit of time: the caller sets one.
///
/// # Errors
/// What kept it from being taken, in one line; nothing in it is a secret.
pub(crate) async fn send(
    outbound: &Outbound,
    tls_ca: Option<&str>,
    settings: &EmailSettings,
    mail: Mail<'_>,
) -> Result<(), String> {
    let message = message(settings, &mail)?;
    let server = &settings.server;
    let tcp = outbound
        .mail_connection(&server.host, server.port)
        .await
        .map_err(|detail| detail.to_string())?;
    let hello = ClientId::Domain("ringback".to_owned());
    let mut connection = match server.security {
        MailSecurity::Tls => {
            let stream = encrypt(outbound, &server.host, tcp).await?;
            connect(Box::new(stream), &hello).await?
        }
        MailSecurity::StartTls => {
            let mut connection = connect(Box::new(tcp), &hello).await?;
            let parameters = parameters(&server.host, tls_ca)?;
            // A server that does not offer it is an error, never a reason to go on in clear text.
            connection.starttls(parameters, &hello).await.map_err(told)?;
            connection
        }
        MailSecurity::Plain => connect(Box::new(tcp), &hello).await?,
    };
    if let (Some(username), Some(password), true) = (
        &server.username,
        &server.password,
        server.security != MailSecurity::Plain,
    ) {
        let credentials = Credentials::new(username.clone(), password.expose().to_owned());
        connection
            .auth(DEFAULT_MECHANISMS, &credentials)
            .await
            .map_err(told)?;
    }
    let sent = connection.send(message.envelope(), &message.formatted()).await;
    sent.map_err(told)?;
    // It was taken; how the server likes the farewell changes nothing.
    let _ = connection.quit().await;
    Ok(())
}

/// Whether a text is an address that mail can be sent from and to.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

fn message(settings: &EmailSettings, mail: &Mail<'_>) -> Result<lettre::Message, String> {
    let address = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|_| "from or to is not an address".to_owned())
    };
    let since_1970 = Duration::from_millis(u64::try_from(mail.wall_ms).unwrap_or_default());
    let mut builder: MessageBuilder = lettre::Message::builder()
        .from(address(&settings.server.from)?)
        .date(SystemTime::UNIX_EPOCH + since_1970)
        .subject(mail.subject);
    for to in &settings.to {
        builder = builder.to(address(to)?);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.to_owned())
        .map_err(|_| "the message could not be put together".to_owned())
}

async fn connect(stream: Box<dyn AsyncTokioStream>, hello: &ClientId) -> Result<AsyncSmtpConnection, String> {
    AsyncSmtpConnection::connect_with_transport(stream, hello)
        .await
        .map_err(told)
}

async fn encrypt(outbound: &Outbound, host: &str, tcp: TcpStream) -> Result<Encrypted, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "the host is no name for TLS".to_owned())?;
    let connector = TlsConnector::from(outbound.mail_tls());
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Encrypted(stream)),
        Err(_) => Err("the TLS handshake with the mail server failed".to_owned()),
    }
}

fn parameters(host: &str, tls_ca: Option<&str>) -> Result<TlsParameters, String> {
    let unusable = |_| "TLS cannot be set up with the authorities of the installation".to_owned();
    let mut builder =
        TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(pem) = tls_ca {
        builder = builder.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(unusable)?);
    }
    builder.build_rustls().map_err(unusable)
}

/// What went wrong, by its kind: the server's own words may repeat what was sent to it.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn told(error: SmtpError) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server answered {code}");
    }
    if error.is_tls() {
        "the TLS handshake with the mail server failed"
    } else if error.is_client() {
        "the mail server does not offer what the settings ask for (STARTTLS, or a way to log in)"
    } else if error.is_timeout() {
        "the mail server did not answer in time"
    } else {
        "the connection to the mail server broke, or what it answered was not SMTP"
    }
    .to_owned()
}

/// A connection that was encrypted from its first byte.
struct Encrypted(TlsStream<TcpStream>);

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted(…)")
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
