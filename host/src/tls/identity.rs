//! Certificates for the tests, good ones and bad ones, and servers that show them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

use super::*;

/// The exchange that the good certificates are for.
pub(crate) const EXCHANGE: &str = "mx.example.test";

/// Signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    /// A client that trusts this authority.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::with_extra_roots([self.issuer.der().clone()]).unwrap()
    }

    pub(crate) fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::new(&certificate, &key)
    }
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Vec<u8>,
}

impl Identity {
    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Self {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }

    pub(crate) fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(&params.self_signed(&key).unwrap(), &key)
    }

    /// A server that shows this certificate. Unlike a careful server it does not check whether the
    /// key belongs to it.
    pub(crate) fn acceptor(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
        let provider = ring::default_provider();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shown = CertifiedKey::new(vec![self.certificate.clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Always(Arc::new(shown))));
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

pub(crate) fn expired(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    params
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
