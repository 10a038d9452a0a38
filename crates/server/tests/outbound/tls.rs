//! TLS: whom the client trusts, and what it says when it does not.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use ringback_core::credentials::ClientCertificate;
use ringback_server::outbound::Outcome::{Acknowledged, Unreachable};
use ringback_server::outbound::{Exchange, TargetSettings};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::rig::{Peer, Rig, SUCCESS, gist, settle};

/// An authority of the test's own.
pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    // Each has a name of its own, or one would be taken for a forgery of the other.
    let name = format!("{:x?}", &key.public_key_raw()[1..9]);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, key).unwrap()
}

/// A receiver's side with a certificate for these names, valid in 2026, that speaks these protocols.
pub(crate) fn acceptor(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    protocols: &[&str],
) -> TlsAcceptor {
    acceptor_for(authority, names, protocols, None)
}

/// The same, that asks for a certificate by this authority where one is given.
fn acceptor_for(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    protocols: &[&str],
    clients: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> TlsAcceptor {
    let mut params =
        CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(2025, 12, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    let key = KeyPair::generate().unwrap();
    acceptor_with(
        &params.signed_by(&key, authority).unwrap(),
        &key,
        protocols,
        clients,
    )
}

/// The same with this certificate.
fn acceptor_with(
    certificate: &Certificate,
    key: &KeyPair,
    protocols: &[&str],
    clients: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = clients.map(|clients| {
        let mut roots = RootCertStore::empty();
        roots.add(clients.der().clone()).unwrap();
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap()
    });
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match verifier {
        Some(verifier) => config.with_client_cert_verifier(verifier),
        None => config.with_no_client_auth(),
    };
    let mut config = config
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// One send over TLS to 127.0.0.1. The receiver answers if the handshake succeeds.
async fn exchange(rig: &Rig, acceptor: &TlsAcceptor, tls_ca: Option<&str>) -> Exchange {
    let url = format!("https://{}/callback", rig.address);
    let target = rig
        .outbound
        .target(TargetSettings {
            tls_ca,
            ..TargetSettings::new(&url)
        })
        .unwrap();
    let posting = rig.post(&target);
    let peer = rig.accept().await;
    if let Ok(stream) = acceptor.accept(peer.stream).await {
        let mut peer = Peer { stream };
        if posting.is_finished() {
            return posting.await.unwrap();
        }
        peer.answer(SUCCESS).await;
        // A second one on the same connection.
        assert_eq!(posting.await.unwrap().outcome, Acknowledged);
        let posting = rig.post(&target);
        peer.answer(SUCCESS).await;
        return posting.await.unwrap();
    }
    posting.await.unwrap()
}

#[tokio::test]
async fn an_authority_of_the_endpoint_or_of_the_installation_is_trusted() {
    let authority = authority();
    let pem = authority.pem();
    let acceptor = acceptor(&authority, &["127.0.0.1"], &["http/1.1"]);
    let rig = Rig::new().await;
    assert_eq!(
        gist(&exchange(&rig, &acceptor, Some(&pem)).await),
        (Acknowledged, Some(200), None)
    );
    let rig = Rig::with(|options| options.tls_ca = Some(pem.clone())).await;
    assert_eq!(
        gist(&exchange(&rig, &acceptor, None).await),
        (Acknowledged, Some(200), None)
    );
    // Both at once: an endpoint's own authorities come on top.
    let other = self::authority().pem();
    assert_eq!(
        gist(&exchange(&rig, &acceptor, Some(&other)).await),
        (Acknowledged, Some(200), None)
    );
}

#[tokio::test]
async fn a_receiver_without_protocol_negotiation_is_fine() {
    let authority = authority();
    let acceptor = acceptor(&authority, &["127.0.0.1"], &[]);
    let rig = Rig::new().await;
    let exchange = exchange(&rig, &acceptor, Some(&authority.pem())).await;
    assert_eq!(gist(&exchange), (Acknowledged, Some(200), None));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_says_why() {
    let authority = authority();
    let pem = authority.pem();
    let year = 365 * 86_400_000;
    for (names, trusted, step_ms, detail) in [
        (&["127.0.0.1"][..], false, 0, "tls-unknown-issuer"),
        (&["127.0.0.2", "receiver.example"], true, 0, "tls-name-mismatch"),
        (&["127.0.0.1"], true, year, "tls-expired"),
        (&["127.0.0.1"], true, -year, "tls-not-yet-valid"),
    ] {
        let rig = Rig::new().await;
        rig.clock.step_wall(step_ms);
        let acceptor = acceptor(&authority, names, &["http/1.1"]);
        let exchange = exchange(&rig, &acceptor, trusted.then_some(&*pem)).await;
        assert_eq!(gist(&exchange), (Unreachable, None, Some(detail)), "{names:?}");
    }
}

#[tokio::test]
async fn an_authority_that_is_shown_as_a_server_is_told_apart() {
    for (is_ca, trusted, expected) in [
        (true, true, (Unreachable, None, Some("tls-authority-as-server"))),
        (true, false, (Unreachable, None, Some("tls-authority-as-server"))),
        (false, true, (Acknowledged, Some(200), None)),
        (false, false, (Unreachable, None, Some("tls-unknown-issuer"))),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        } else {
            params.is_ca = IsCa::ExplicitNoCa;
        }
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        let acceptor = acceptor_with(&certificate, &key, &["http/1.1"], None);
        let rig = Rig::new().await;
        let exchange = exchange(&rig, &acceptor, trusted.then_some(&*pem)).await;
        assert_eq!(gist(&exchange), expected, "{is_ca} {trusted}");
    }
}

#[tokio::test]
async fn a_receiver_that_speaks_only_another_protocol_is_told_apart() {
    let authority = authority();
    let acceptor = acceptor(&authority, &["127.0.0.1"], &["h2"]);
    let rig = Rig::new().await;
    let exchange = exchange(&rig, &acceptor, Some(&authority.pem())).await;
    assert_eq!(gist(&exchange), (Unreachable, None, Some("tls-handshake")));
}

#[tokio::test]
async fn a_handshake_that_fails_on_the_wire_says_how() {
    for (bytes, reset, detail) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", false, "not-tls"),
        ("", false, "closed"),
        ("", true, "reset"),
        // An alert: handshake_failure.
        ("\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{28}", false, "tls-handshake"),
    ] {
        let rig = Rig::new().await;
        let url = format!("https://{}/", rig.address);
        let posting = rig.post(&rig.outbound.target(TargetSettings::new(&url)).unwrap());
        let mut peer = rig.accept().await;
        settle().await;
        // All of the client's greeting is read, so that closing does not break the connection.
        peer.stream.readable().await.unwrap();
        peer.stream.try_read(&mut [0; 4096]).unwrap();
        peer.write(bytes).await;
        if reset {
            peer.reset();
        } else {
            drop(peer);
        }
        assert_eq!(
            gist(&posting.await.unwrap()),
            (Unreachable, None, Some(detail)),
            "{bytes:?}"
        );
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_no_http() {
    let authority = authority();
    let acceptor = acceptor(&authority, &["127.0.0.1"], &["http/1.1"]);
    let rig = Rig::new().await;
    let posting = rig.post(&rig.target());
    let peer = rig.accept().await;
    assert!(acceptor.accept(peer.stream).await.is_err());
    let exchange = posting.await.unwrap();
    assert_eq!(exchange.outcome, Unreachable);
    assert!(
        matches!(gist(&exchange).2, Some("protocol" | "reset")),
        "{exchange:?}"
    );
}

/// A client certificate by this authority, with the authority's behind it.
fn client_certificate(authority: &CertifiedIssuer<'static, KeyPair>) -> ClientCertificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority).unwrap();
    ClientCertificate {
        certificate: format!("{}{}", certificate.pem(), authority.pem()),
        key: key.serialize_pem(),
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_gets_it() {
    let (authority, clients, strangers) = (authority(), authority(), authority());
    let ca = authority.pem();
    let known = client_certificate(&clients);
    let unknown = client_certificate(&strangers);
    for (certificate, expected) in [
        (Some(&known), (Acknowledged, Some(200), None)),
        (
            Some(&unknown),
            (Unreachable, None, Some("tls-client-certificate")),
        ),
        (None, (Unreachable, None, Some("tls-client-certificate"))),
    ] {
        let rig = Rig::new().await;
        let acceptor = acceptor_for(&authority, &["127.0.0.1"], &["http/1.1"], Some(&clients));
        let url = format!("https://{}/", rig.address);
        let settings = TargetSettings {
            tls_ca: Some(&ca),
            client_certificate: certificate,
            ..TargetSettings::new(&url)
        };
        let posting = rig.post(&rig.outbound.target(settings).unwrap());
        let peer = rig.accept().await;
        if let Ok(stream) = acceptor.accept(peer.stream).await {
            Peer { stream }.answer(SUCCESS).await;
        }
        assert_eq!(gist(&posting.await.unwrap()), expected);
    }
}
