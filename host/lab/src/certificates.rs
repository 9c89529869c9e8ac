//! The lab's own certificate authority, made anew at every start, and what STARTTLS leads to.
//!
//! Good, expired, self-signed and misnamed certificates are all real ones; the two modes without
//! a certificate break or stall the handshake.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::schema::TlsMode;

/// The name in a `wrong-name` certificate.
const WRONG_NAME: &str = "somebody.else.test";

/// What an exchange does once it has said 220 to STARTTLS.
#[derive(Clone)]
pub(crate) enum Handshake {
    Real(TlsAcceptor),
    /// Sends octets that are no TLS record and closes.
    Broken,
    /// Never answers.
    Stalls,
}

/// Signs the certificates of one lab.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate could not be made: a fault of the lab, not of the scenario.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Keys or signatures.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The TLS library does not take it.
    #[error("cannot use a certificate: {0}")]
    Use(#[from] rustls::Error),
}

impl Authority {
    pub(crate) fn new() -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "vrfy lab authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// The certificate that signs the good ones.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    pub(crate) fn handshake(
        &self,
        mode: TlsMode,
        host: &str,
    ) -> Result<Option<Handshake>, CertificateError> {
        match mode {
            TlsMode::Off => Ok(None),
            TlsMode::Broken => Ok(Some(Handshake::Broken)),
            TlsMode::Stalls => Ok(Some(Handshake::Stalls)),
            TlsMode::Good | TlsMode::Expired | TlsMode::SelfSigned | TlsMode::WrongName => self
                .acceptor(mode, host)
                .map(|real| Some(Handshake::Real(real))),
        }
    }

    fn acceptor(&self, mode: TlsMode, host: &str) -> Result<TlsAcceptor, CertificateError> {
        let name = if mode == TlsMode::WrongName {
            WRONG_NAME
        } else {
            host
        };
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        if mode == TlsMode::Expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = if mode == TlsMode::SelfSigned {
            params.self_signed(&key)?
        } else {
            params.signed_by(&key, &self.issuer)?
        };
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
