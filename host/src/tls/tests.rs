//! Handshakes over a pipe in memory, with certificates of every kind.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, date_time_ymd};
use rustls::SupportedProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::identity::{Authority, EXCHANGE, Identity, expired, params};
use super::*;

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// What the client makes of it, and the name that the server was asked for.
async fn shake(
    client: &TlsClient,
    server: &Identity,
    exchange: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> (Result<TlsFacts, String>, Option<String>) {
    let (near, far) = duplex(64 * 1024);
    let acceptor = server.acceptor(versions);
    let serving = tokio::spawn(async move {
        let stream = acceptor.accept(far).await.ok()?;
        stream.get_ref().1.server_name().map(str::to_owned)
    });
    let shaken = client.handshake(near, exchange, TlsMeter::default()).await;
    let name = match &shaken {
        Ok(_) => serving.await.unwrap(),
        Err(_) => None,
    };
    (shaken.map(|(_, facts)| facts), name)
}

async fn problems(client: &TlsClient, server: &Identity) -> Vec<String> {
    let (facts, _) = shake(client, server, EXCHANGE, BOTH).await;
    facts.unwrap().problems
}

#[tokio::test]
async fn a_certificate_without_fault_has_no_problems() {
    let authority = Authority::new();
    let server = authority.sign(params(EXCHANGE));
    let (facts, sni) = shake(&authority.client(), &server, EXCHANGE, BOTH).await;
    let facts = facts.unwrap();
    assert_eq!(facts.problems, [""; 0]);
    assert_eq!(facts.version, "TLSv1.3");
    assert!(facts.cipher.starts_with("TLS_AES_"), "{}", facts.cipher);
    assert_eq!(facts.subject.as_deref(), Some("CN=mx.example.test"));
    assert_eq!(sni.as_deref(), Some(EXCHANGE));
}

#[tokio::test]
async fn tls_1_2_is_good_enough() {
    let authority = Authority::new();
    let server = authority.sign(params(EXCHANGE));
    let (facts, _) = shake(&authority.client(), &server, EXCHANGE, &[&TLS12]).await;
    let facts = facts.unwrap();
    assert_eq!(facts.version, "TLSv1.2");
    assert!(
        facts.cipher.starts_with("TLS_ECDHE_ECDSA_WITH_"),
        "{}",
        facts.cipher
    );
    assert_eq!(facts.problems, [""; 0]);
}

#[tokio::test]
async fn faults_of_a_certificate_are_facts_side_by_side() {
    let authority = Authority::new();
    let (trusting, strange) = (authority.client(), TlsClient::new());
    let mut future = params(EXCHANGE);
    future.not_before = date_time_ymd(2999, 1, 1);
    future.not_after = date_time_ymd(3000, 1, 1);
    let mut for_itself = params(EXCHANGE);
    for_itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for (client, server, expected) in [
        (&strange, authority.sign(params(EXCHANGE)), "unknown-issuer"),
        (
            &strange,
            Identity::self_signed(params(EXCHANGE)),
            "self-signed",
        ),
        (
            &strange,
            Identity::self_signed(for_itself),
            "self-signed ca-used-as-end-entity",
        ),
        (
            &trusting,
            authority.sign(params("other.test")),
            "wrong-name",
        ),
        (&trusting, authority.sign(expired(EXCHANGE)), "expired"),
        (
            &trusting,
            authority.sign(expired("other.test")),
            "expired wrong-name",
        ),
        (&trusting, authority.sign(future), "not-yet-valid"),
        (
            &strange,
            Identity::self_signed(expired("other.test")),
            "expired self-signed wrong-name",
        ),
        (
            &strange,
            authority.sign(expired("other.test")),
            "expired unknown-issuer wrong-name",
        ),
    ] {
        assert_eq!(problems(client, &server).await.join(" "), expected);
    }
}

#[tokio::test]
async fn a_signature_by_another_authority_of_the_same_name_is_bad() {
    let server = Authority::new().sign(params(EXCHANGE));
    let impostor = Authority::new().client();
    assert_eq!(problems(&impostor, &server).await, ["bad-signature"]);
}

#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_fails_the_handshake() {
    let authority = Authority::new();
    let stolen = Identity {
        key: authority.sign(params(EXCHANGE)).key,
        ..authority.sign(params(EXCHANGE))
    };
    for versions in [&[&TLS13], &[&TLS12]] {
        let (facts, _) = shake(&authority.client(), &stolen, EXCHANGE, versions).await;
        let reason = facts.unwrap_err();
        assert!(reason.contains("invalid peer certificate"), "{reason}");
    }
}

#[tokio::test]
async fn a_certificate_of_version_1_is_taken_from_who_holds_its_key() {
    let authority = Authority::new();
    let mut server = Identity::self_signed(expired(EXCHANGE));
    server.certificate = as_version_1(&server.certificate);
    for versions in [&[&TLS13], &[&TLS12]] {
        let (facts, _) = shake(&TlsClient::new(), &server, EXCHANGE, versions).await;
        let facts = facts.unwrap();
        assert_eq!(
            facts.problems,
            ["expired", "self-signed", "unsupported-version"]
        );
        assert_eq!(facts.subject.as_deref(), Some("CN=mx.example.test"));

        let stolen = Identity {
            certificate: server.certificate.clone(),
            key: authority.sign(params(EXCHANGE)).key,
        };
        let (facts, _) = shake(&TlsClient::new(), &stolen, EXCHANGE, versions).await;
        assert!(facts.is_err());
    }
}

#[tokio::test]
async fn an_address_literal_is_not_sent_but_checked() {
    let authority = Authority::new();
    let client = authority.client();
    for (literal, address, expected) in [
        ("[192.0.2.1]", "192.0.2.1", ""),
        ("[IPv6:2001:db8::1]", "2001:db8::1", ""),
        ("[192.0.2.1]", "192.0.2.2", "wrong-name"),
    ] {
        let server = authority.sign(params(address));
        let (facts, sni) = shake(&client, &server, literal, BOTH).await;
        assert_eq!(facts.unwrap().problems.join(" "), expected);
        assert_eq!(sni, None);
    }
}

#[tokio::test]
async fn a_name_that_no_certificate_can_hold_is_a_wrong_name_without_sni() {
    let authority = Authority::new();
    let server = authority.sign(params(EXCHANGE));
    let (facts, sni) = shake(&authority.client(), &server, "not a name", BOTH).await;
    assert_eq!(facts.unwrap().problems, ["wrong-name"]);
    assert_eq!(sni, None);
}

#[tokio::test]
async fn what_a_certificate_says_about_itself_is_cut_and_harmless() {
    let mut hostile = params(EXCHANGE);
    let subject = format!("\u{1b}[2J\r\nS: 250 ok\r\n{}", "x".repeat(5000));
    hostile.distinguished_name.push(DnType::CommonName, subject);
    let server = Identity::self_signed(hostile);
    let (facts, _) = shake(&TlsClient::new(), &server, EXCHANGE, BOTH).await;
    let subject = facts.unwrap().subject.unwrap();
    assert!(!subject.chars().any(char::is_control), "{subject:?}");
    assert!(subject.chars().count() <= 256);
}

#[tokio::test]
async fn a_certificate_beyond_the_limit_of_the_library_fails_the_handshake() {
    let names: Vec<String> = (0..20_000)
        .map(|number| format!("name-{number}.test"))
        .collect();
    let server = Identity::self_signed(CertificateParams::new(names).unwrap());
    let (facts, _) = shake(&TlsClient::new(), &server, EXCHANGE, BOTH).await;
    let reason = facts.unwrap_err();
    assert!(reason.contains("HandshakePayloadTooLarge"), "{reason}");
}

async fn answered_by<F>(serve: impl FnOnce(DuplexStream) -> F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(serve(far));
    let shaken = TlsClient::new()
        .handshake(near, EXCHANGE, TlsMeter::default())
        .await;
    shaken.map(|(_, facts)| facts).unwrap_err()
}

#[tokio::test]
async fn what_is_no_handshake_is_said_in_a_few_words() {
    let garbage = answered_by(|mut far| async move {
        far.write_all(b"500 what is this?\r\n").await.unwrap();
        let _ = far.read_to_end(&mut Vec::new()).await;
    });
    let reason = garbage.await;
    assert!(reason.contains("corrupt message"), "{reason}");

    let closed = answered_by(|mut far| async move {
        far.read_u8().await.unwrap();
    });
    let expected = "closed during the handshake";
    assert_eq!(closed.await, expected);
}

#[test]
fn names_are_those_of_the_iana_registry() {
    assert_eq!(version_name(ProtocolVersion::TLSv1_2), "TLSv1.2");
    assert_eq!(
        cipher_name("TLS13_AES_128_GCM_SHA256"),
        "TLS_AES_128_GCM_SHA256"
    );
}

/// Leaves out the version and the extensions, which certificates of version 1 do not have. The
/// signature is then wrong, which nobody can see: there is no issuer to check it against.
fn as_version_1(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    let (_, outer, _) = element(certificate);
    let (signed, signature) = {
        let (_, _, rest) = element(outer);
        outer.split_at(outer.len() - rest.len())
    };
    let (_, mut fields, _) = element(signed);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (tag, _, rest) = element(fields);
        if !matches!(tag, 0xa0 | 0xa3) {
            kept.extend(&fields[..fields.len() - rest.len()]);
        }
        fields = rest;
    }
    let mut outer = sequence(&kept);
    outer.extend(signature);
    CertificateDer::from(sequence(&outer))
}

/// Tag, content and what follows of the first DER element.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, start) = match der[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(der[2]), 3),
        0x82 => (usize::from(u16::from_be_bytes([der[2], der[3]])), 4),
        other => panic!("a length of {other:#x} is not needed here"),
    };
    let (content, rest) = der[start..].split_at(length);
    (der[0], content, rest)
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], length.as_slice(), content].concat()
}
