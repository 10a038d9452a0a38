//! TLS to receivers: which authorities are trusted, and what a failed handshake means.

use std::sync::Arc;
use std::time::Duration;

use ringback_core::credentials::ClientCertificate;
use rustls::client::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::{AlertDescription, CertificateError, RootCertStore};
// By the name of its package.
use webpki as rustls_webpki;

use super::exchange::TlsFault;
use super::identity;
use super::target::TargetProblem;
use crate::clock::Clock;

/// How long a PEM text with certificates may be, in bytes.
pub const CA_LIMIT: usize = 256 * 1024;

/// Why a PEM text cannot be used as a list of authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaProblem {
    /// Nothing in it is a certificate.
    #[error("no certificate found: a PEM text with CERTIFICATE sections is needed")]
    Empty,
    /// A section that is not well-formed; they are counted from 1.
    #[error("section {0} is not well-formed PEM")]
    Pem(usize),
    /// A certificate that cannot be an authority's; they are counted from 1.
    #[error("certificate {0} cannot be read as an authority's")]
    Certificate(usize),
    /// Longer than [`CA_LIMIT`].
    #[error("longer than {CA_LIMIT} bytes")]
    TooLong,
}

/// Whom to trust: the public authorities, those of the installation, and the clock by which certificates expire.
#[derive(Debug)]
pub(super) struct Trust {
    roots: RootCertStore,
    shared: Arc<ClientConfig>,
    time: Arc<WallTime>,
}

impl Trust {
    /// The public authorities and those in `ca`, a PEM text.
    pub(super) fn new(ca: Option<&str>, clock: Arc<dyn Clock>) -> Result<Self, CaProblem> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(ca) = ca {
            add(&mut roots, ca)?;
        }
        let time = Arc::new(WallTime(clock));
        let shared = config(roots.clone(), None, &time);
        Ok(Self { roots, shared, time })
    }

    /// The same trust for what is not HTTP: nothing is said about protocols.
    pub(super) fn without_protocols(&self) -> Arc<ClientConfig> {
        let mut config = (*self.shared).clone();
        config.alpn_protocols.clear();
        Arc::new(config)
    }

    /// The settings for a target with authorities or a certificate of its own, or those that all others share.
    pub(super) fn config(
        &self,
        ca: Option<&str>,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Arc<ClientConfig>, TargetProblem> {
        if ca.is_none() && certificate.is_none() {
            return Ok(Arc::clone(&self.shared));
        }
        let mut roots = self.roots.clone();
        if let Some(ca) = ca {
            add(&mut roots, ca).map_err(TargetProblem::TlsCa)?;
        }
        let provider = self.shared.crypto_provider();
        let identity = certificate
            .map(|certificate| identity::read(certificate, provider))
            .transpose()
            .map_err(TargetProblem::ClientCertificate)?;
        Ok(config(roots, identity, &self.time))
    }
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), CaProblem> {
    if pem.len() > CA_LIMIT {
        return Err(CaProblem::TooLong);
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        count += 1;
        let certificate = certificate.map_err(|_| CaProblem::Pem(count))?;
        roots
            .add(certificate)
            .map_err(|_| CaProblem::Certificate(count))?;
    }
    if count == 0 { Err(CaProblem::Empty) } else { Ok(()) }
}

fn config(
    roots: RootCertStore,
    identity: Option<Arc<SingleCertAndKey>>,
    time: &Arc<WallTime>,
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::clone(time) as Arc<dyn TimeProvider>)
        .with_safe_default_protocol_versions()
        .expect("the provider that is compiled in has ciphers for the default versions")
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => config.with_client_cert_resolver(identity),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The wall clock, as rustls asks for it.
#[derive(Debug)]
struct WallTime(Arc<dyn Clock>);

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since_1970 = u64::try_from(self.0.wall_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(since_1970)))
    }
}

/// What a failed handshake means.
pub(super) fn fault(error: &rustls::Error) -> TlsFault {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_fault(error),
        rustls::Error::NoCertificatesPresented | rustls::Error::UnsupportedNameType => TlsFault::Certificate,
        rustls::Error::InvalidMessage(_) => TlsFault::NotTls,
        rustls::Error::AlertReceived(alert) if is_about_certificate(*alert) => TlsFault::ClientCertificate,
        // The variants are many, and rustls may add to them; to the reader of a timeline they are one.
        _ => TlsFault::Handshake,
    }
}

/// Alerts about certificates that a client receives are about its own.
const fn is_about_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

fn certificate_fault(error: &CertificateError) -> TlsFault {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::NameMismatch
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        // rustls has no variant of its own for what its verifier tells here.
        CertificateError::Other(other)
            if other.0.downcast_ref() == Some(&rustls_webpki::Error::CaUsedAsEndEntity) =>
        {
            TlsFault::AuthorityAsServer
        }
        _ => TlsFault::Certificate,
    }
}
