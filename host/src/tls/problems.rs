//! What a strict client would object to in a certificate, in kebab-case.
//!
//! The library stops at the first fault; here the check goes on: dates are stepped over to see what
//! else there is, and the name is checked by itself.

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

/// Characters of a subject that are kept: anybody can write a certificate, and into it what he
/// likes.
const SUBJECT_MAX: usize = 256;

/// Dates that are stepped over: those of the server's certificate, and of two more on the way up.
const DATES_MAX: usize = 3;

/// Knows whom to trust.
pub(super) struct Judge {
    pub(super) roots: RootCertStore,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    /// The faults of the certificates that a server showed, its own first. Without a name, it could
    /// not have been the right one.
    pub(super) fn problems(
        &self,
        chain: &[CertificateDer<'_>],
        name: Option<&ServerName<'_>>,
    ) -> Vec<String> {
        self.problems_at(chain, name, UnixTime::now())
    }

    pub(super) fn problems_at(
        &self,
        chain: &[CertificateDer<'_>],
        name: Option<&ServerName<'_>>,
        now: UnixTime,
    ) -> Vec<String> {
        let Some((own, others)) = chain.split_first() else {
            return vec!["no-certificate".to_owned()];
        };
        let mut problems = Problems::default();
        let parsed = match ParsedCertificate::try_from(own) {
            Ok(parsed) => parsed,
            Err(error) => {
                problems.add_unreadable(own, &error, now);
                return problems.list;
            }
        };
        self.check_chain(&parsed, own, others, now, &mut problems);
        let is_right = name.is_some_and(|name| verify_server_name(&parsed, name).is_ok());
        if !is_right {
            problems.add("wrong-name");
        }
        problems.list
    }

    fn check_chain(
        &self,
        parsed: &ParsedCertificate<'_>,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        mut now: UnixTime,
        problems: &mut Problems,
    ) {
        for _ in 0..=DATES_MAX {
            let checked = verify_server_cert_signed_by_trust_anchor(
                parsed,
                &self.roots,
                others,
                now,
                self.algorithms.all,
            );
            let Err(error) = checked else {
                return;
            };
            match error {
                Error::InvalidCertificate(CertificateError::ExpiredContext {
                    not_after, ..
                }) => {
                    problems.add("expired");
                    now = not_after;
                }
                Error::InvalidCertificate(CertificateError::NotValidYetContext {
                    not_before,
                    ..
                }) => {
                    problems.add("not-yet-valid");
                    now = not_before;
                }
                other => {
                    problems.add_of_chain(&other, is_self_signed(own));
                    return;
                }
            }
        }
    }
}

/// The subject of a certificate, cut and without control characters.
pub(super) fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let text = certificate.subject().to_string();
    let printable = |character: char| match character.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => character,
    };
    let kept: String = text.chars().take(SUBJECT_MAX).map(printable).collect();
    (!kept.is_empty()).then_some(kept)
}

#[derive(Default)]
struct Problems {
    list: Vec<String>,
}

impl Problems {
    fn add(&mut self, problem: &str) {
        if !self.list.iter().any(|known| known == problem) {
            self.list.push(problem.to_owned());
        }
    }

    fn add_of_chain(&mut self, error: &Error, is_self_signed: bool) {
        if is_self_signed {
            self.add("self-signed");
        }
        let Error::InvalidCertificate(error) = error else {
            self.add("invalid");
            return;
        };
        match error {
            CertificateError::UnknownIssuer if is_self_signed => {}
            CertificateError::UnknownIssuer => self.add("unknown-issuer"),
            CertificateError::BadEncoding => self.add("bad-encoding"),
            CertificateError::BadSignature => self.add("bad-signature"),
            // The dates contradict each other, so that no time is right.
            CertificateError::Expired => self.add("expired"),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                self.add("wrong-purpose");
            }
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                self.add("unsupported-signature-algorithm");
            }
            // The rarer ones have no variant here; their name in the library is a good one.
            CertificateError::Other(other) => self.add(&kebab_case(&format!("{:?}", other.0))),
            _ => self.add("invalid"),
        }
    }

    /// For a certificate that the library does not even read, such as one of version 1: what can be
    /// said without it.
    fn add_unreadable(&mut self, own: &CertificateDer<'_>, error: &Error, now: UnixTime) {
        let Ok((_, certificate)) = X509Certificate::from_der(own) else {
            self.add_of_chain(error, false);
            return;
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let validity = certificate.validity();
        if now > validity.not_after.timestamp() {
            self.add("expired");
        }
        if now < validity.not_before.timestamp() {
            self.add("not-yet-valid");
        }
        if certificate.version() == X509Version::V3 {
            self.add_of_chain(error, is_self_signed(own));
            return;
        }
        if is_self_signed(own) {
            self.add("self-signed");
        }
        self.add("unsupported-version");
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, certificate)| {
        certificate.subject().as_raw() == certificate.issuer().as_raw()
    })
}

/// `CaUsedAsEndEntity` and what follows a name in brackets: `ca-used-as-end-entity`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
