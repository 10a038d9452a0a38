//! The client certificate of an endpoint: read from PEM, checked to be whole, and described without its key.

use std::sync::Arc;

use ringback_core::credentials::ClientCertificate;
use ringback_core::limits::CLIENT_CERTIFICATE_BYTES;
use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The PEM label of a key that cannot be used without a password.
const ENCRYPTED: &str = "BEGIN ENCRYPTED PRIVATE KEY";

/// Why a certificate and a key cannot be a client certificate. Neither is ever shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityProblem {
    /// The certificate or the key is longer than [`CLIENT_CERTIFICATE_BYTES`].
    #[error("longer than {CLIENT_CERTIFICATE_BYTES} bytes")]
    TooLong(Part),
    /// Nothing in the chain is a certificate.
    #[error("no certificate found: a PEM text with CERTIFICATE sections is needed, the client's own first")]
    NoCertificate,
    /// A section that is not well-formed; they are counted from 1.
    #[error("section {0} is not well-formed PEM")]
    Pem(usize),
    /// A certificate that cannot be read; they are counted from 1.
    #[error("certificate {0} cannot be read")]
    Certificate(usize),
    /// Nothing in the key's text is a key.
    #[error("no private key found: a PEM text with a PRIVATE KEY section is needed")]
    NoKey,
    /// The key needs a password.
    #[error("the key is encrypted; it must be given without a password")]
    Encrypted,
    /// A kind of key that cannot sign in TLS.
    #[error(
        "the key is of no kind that can be used: RSA of 2048 bits or more, ECDSA P-256 or P-384, Ed25519"
    )]
    KeyKind,
    /// The key is another's.
    #[error("the key does not belong to the first certificate")]
    Mismatch,
}

/// The two parts of a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The chain of certificates.
    Certificate,
    /// The key.
    Key,
}

impl IdentityProblem {
    /// Which part must be changed.
    #[must_use]
    pub const fn part(self) -> Part {
        match self {
            Self::TooLong(part) => part,
            Self::NoCertificate | Self::Pem(_) | Self::Certificate(_) => Part::Certificate,
            Self::NoKey | Self::Encrypted | Self::KeyKind | Self::Mismatch => Part::Key,
        }
    }
}

/// What may be shown of a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Whose it is, in the form of RFC 4514.
    pub subject: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// What may be shown of the first certificate in a PEM text; `None` where it cannot be read.
#[must_use]
pub fn describe(pem: &str) -> Option<Described> {
    let der = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?.ok()?;
    let certificate = Certificate::from_der(&der).ok()?;
    Some(Described {
        subject: certificate.tbs_certificate().subject().to_string(),
        expires_ms: end(&certificate)?,
    })
}

/// When a certificate ends, in milliseconds since 1970.
fn end(certificate: &Certificate) -> Option<i64> {
    let until = certificate.tbs_certificate().validity().not_after;
    i64::try_from(until.to_unix_duration().as_millis()).ok()
}

/// When each certificate in a PEM text ends, in milliseconds since 1970; those that cannot be read are passed over.
pub fn ends(pem: &str) -> impl Iterator<Item = i64> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .filter_map(|der| end(&Certificate::from_der(&der.ok()?).ok()?))
}

/// Reads a client certificate and checks that its key is its own.
pub(super) fn read(
    given: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, IdentityProblem> {
    let chain = chain(&given.certificate)?;
    let key = key(&given.key)?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| IdentityProblem::KeyKind)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Unknown: the provider cannot tell; the receiver will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok(Arc::new(SingleCertAndKey::from(certified)))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityProblem::Mismatch),
        Err(_) => Err(IdentityProblem::Certificate(1)),
    }
}

fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, IdentityProblem> {
    if text.len() > CLIENT_CERTIFICATE_BYTES {
        return Err(IdentityProblem::TooLong(Part::Certificate));
    }
    let mut chain = Vec::new();
    for (at, certificate) in (1..).zip(CertificateDer::pem_slice_iter(text.as_bytes())) {
        let certificate = certificate.map_err(|_| IdentityProblem::Pem(at))?;
        Certificate::from_der(&certificate).map_err(|_| IdentityProblem::Certificate(at))?;
        chain.push(certificate);
    }
    if chain.is_empty() {
        return Err(IdentityProblem::NoCertificate);
    }
    Ok(chain)
}

fn key(text: &str) -> Result<PrivateKeyDer<'static>, IdentityProblem> {
    if text.len() > CLIENT_CERTIFICATE_BYTES {
        return Err(IdentityProblem::TooLong(Part::Key));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|problem| match problem {
        pem::Error::NoItemsFound if text.contains(ENCRYPTED) => IdentityProblem::Encrypted,
        _ => IdentityProblem::NoKey,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate() -> ClientCertificate {
        let mut params = CertificateParams::new([]).unwrap();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "ringback");
        name.push(DnType::OrganizationName, "百应");
        params.distinguished_name = name;
        params.not_after = date_time_ymd(2027, 1, 31);
        let key = KeyPair::generate().unwrap();
        ClientCertificate {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    #[track_caller]
    fn check(given: &ClientCertificate, expected: Option<IdentityProblem>) {
        let read = read(given, &rustls::crypto::ring::default_provider());
        assert_eq!(read.err(), expected);
    }

    #[test]
    fn a_certificate_and_its_key_are_one() {
        let good = certificate();
        check(&good, None);
        let with = |certificate: &str, key: &str| ClientCertificate {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        // A chain: the client's own is the first.
        let other = certificate();
        let chain = format!("{}{}", good.certificate, other.certificate);
        check(&with(&chain, &good.key), None);
        check(&with(&chain, &other.key), Some(IdentityProblem::Mismatch));
        check(
            &with(&good.certificate, &other.key),
            Some(IdentityProblem::Mismatch),
        );
        check(&with("", &good.key), Some(IdentityProblem::NoCertificate));
        check(&with(&good.key, &good.key), Some(IdentityProblem::NoCertificate));
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        check(&with(broken, &good.key), Some(IdentityProblem::Pem(1)));
        let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let odd = format!("{}{odd}", good.certificate);
        check(&with(&odd, &good.key), Some(IdentityProblem::Certificate(2)));
        check(&with(&good.certificate, ""), Some(IdentityProblem::NoKey));
        check(
            &with(&good.certificate, &good.certificate),
            Some(IdentityProblem::NoKey),
        );
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        check(
            &with(&good.certificate, encrypted),
            Some(IdentityProblem::Encrypted),
        );
        let unknown = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        check(&with(&good.certificate, unknown), Some(IdentityProblem::KeyKind));
        let long = " ".repeat(CLIENT_CERTIFICATE_BYTES + 1);
        check(
            &with(&long, &good.key),
            Some(IdentityProblem::TooLong(Part::Certificate)),
        );
        check(
            &with(&good.certificate, &long),
            Some(IdentityProblem::TooLong(Part::Key)),
        );
    }

    #[test]
    fn subject_and_end_are_shown() {
        let described = describe(&certificate().certificate).unwrap();
        assert_eq!(
            described,
            Described {
                subject: "O=百应,CN=ringback".to_owned(),
                // 2027-01-31T00:00:00Z
                expires_ms: 1_801_353_600_000,
            }
        );
        assert_eq!(describe("nothing"), None);
    }
}
