//! TLS for mail: encrypt with whoever is there, and write down what a strict client would object
//! to.
//!
//! Most exchanges have certificates that no browser would take, and mail is delivered to them all
//! the same (RFC 3207 section 4.1, RFC 7435 section 3). So a certificate never makes a handshake
//! fail: its faults are facts in the evidence.
//!
//! **Promises.** TLS 1.2 or 1.3 (RFC 8996). The server proves that it holds the key of the
//! certificate that it shows: the signatures of the handshake are verified like anywhere else.
//! Faults of the certificate are reported side by side, such as `expired` and `wrong-name`. The
//! name of the exchange is sent as SNI; for an address there is none. What a server sends beside
//! its text is bounded by [`TLS_OVERHEAD_MAX`].
//!
//! **Does not** look for DANE or MTA-STS records, check revocation, keep sessions for resumption,
//! or know a time limit: whoever waits for a handshake brings the limit, and drops it.
//!
//! Read next: `tls/problems.rs` (what is objected to), [`crate::drive`].

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use vrfy_proto::domain::AddressLiteral;
use vrfy_proto::transcript::TlsFacts;

use self::any_certificate::AnyCertificate;
use self::problems::{Judge, subject};

pub use self::metered::{Secured, TLS_OVERHEAD_MAX, TlsMeter};

mod any_certificate;
#[cfg(test)]
pub(crate) mod identity;
mod metered;
mod problems;

/// Characters of an error that are kept: what a library says is short, but it may quote the server.
const REASON_MAX: usize = 200;

/// Holds handshakes. Clones share what they need.
#[derive(Clone)]
pub struct TlsClient {
    connector: TlsConnector,
    judge: Arc<Judge>,
}

impl TlsClient {
    /// Trusts the authorities that Mozilla trusts. Trust decides what is noted, never whether a
    /// handshake succeeds.
    pub fn new() -> Self {
        Self::with_roots(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Trusts some authorities beside those that Mozilla trusts.
    pub fn with_extra_roots<'a>(
        extra: impl IntoIterator<Item = CertificateDer<'a>>,
    ) -> Result<Self, rustls::Error> {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for root in extra {
            roots.add(root)?;
        }
        Ok(Self::with_roots(roots))
    }

    fn with_roots(roots: RootCertStore) -> Self {
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        Self {
            connector: TlsConnector::from(Arc::new(config(provider))),
            judge: Arc::new(Judge { roots, algorithms }),
        }
    }

    /// Shakes hands over an open connection. `exchange` is a name or an address literal. Says in a
    /// few words why it failed; the connection is then of no further use. `meter` counts the octets
    /// of the server that are no text, for as long as the connection lasts.
    pub async fn handshake<S>(
        &self,
        stream: S,
        exchange: &str,
        meter: TlsMeter,
    ) -> Result<(Secured<S>, TlsFacts), String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = server_name(exchange);
        // An address is never sent as SNI, so a name that is none is kept to ourselves, too.
        let sent = name
            .clone()
            .unwrap_or_else(|| ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()));
        let shaken = metered::connect(&self.connector, sent, stream, meter).await;
        let stream = shaken.map_err(|error| reason(&error))?;
        let facts = self.facts(&stream, name.as_ref());
        Ok((stream, facts))
    }

    fn facts<S>(&self, stream: &Secured<S>, name: Option<&ServerName<'_>>) -> TlsFacts {
        let connection = stream.facts();
        let chain = connection.peer_certificates().unwrap_or_default();
        TlsFacts {
            version: connection
                .protocol_version()
                .map(version_name)
                .unwrap_or_default(),
            cipher: connection
                .negotiated_cipher_suite()
                .map(|suite| cipher_name(&format!("{:?}", suite.suite())))
                .unwrap_or_default(),
            problems: self.judge.problems(chain, name),
            subject: chain.first().and_then(|certificate| subject(certificate)),
        }
    }
}

impl Default for TlsClient {
    fn default() -> Self {
        Self::new()
    }
}

fn config(provider: Arc<CryptoProvider>) -> ClientConfig {
    let verifier = AnyCertificate {
        algorithms: provider.signature_verification_algorithms,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // An exchange is met again minutes later at the soonest: tickets would only take up memory.
    config.resumption = Resumption::disabled();
    config
}

/// The name that a certificate must be for; nothing for what can stand in no certificate.
fn server_name(exchange: &str) -> Option<ServerName<'static>> {
    if exchange.starts_with('[') {
        let address = AddressLiteral::parse(exchange).ok()?.ip()?;
        return Some(ServerName::IpAddress(address.into()));
    }
    ServerName::try_from(exchange.to_owned()).ok()
}

/// `TLSv1.3` for what rustls calls `TLSv1_3`.
fn version_name(version: ProtocolVersion) -> String {
    format!("{version:?}").replace('_', ".")
}

/// The name in the IANA registry; rustls marks the suites of TLS 1.3 with a `13` that is not in it.
fn cipher_name(name: &str) -> String {
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}

/// Why a handshake failed, in a few words.
fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "closed during the handshake".to_owned();
    }
    let printable = |character: char| match character.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => character,
    };
    let text = error.to_string();
    text.chars().take(REASON_MAX).map(printable).collect()
}

#[cfg(test)]
mod tests;
