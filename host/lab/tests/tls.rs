//! STARTTLS with certificates good and bad, and handshakes that fail.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod client;

use std::sync::Arc;

use client::{Client, connect, lab};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vrfy_lab::{Ending, Lab, SinKind};

fn scenario(tls: &str) -> String {
    format!(
        "[[domain]]\nname = \"x.test\"\nexchange.tls = \"{tls}\"\n\
         mailboxes = [{{ name = \"ana\" }}]"
    )
}

/// A client that has got 220 to STARTTLS.
async fn before_handshake(lab: &Lab) -> Client {
    let mut client = connect(lab, "mx.x.test").await;
    client.reply().await;
    assert!(
        client
            .ask("EHLO probe.lab.test")
            .await
            .ends_with("250 STARTTLS\r\n")
    );
    assert!(client.ask("STARTTLS").await.starts_with("220 "));
    client
}

async fn handshake(lab: &Lab, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(lab.authority().unwrap().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("mx.x.test").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn ask(stream: &mut TlsStream<TcpStream>, line: &str) -> String {
    stream
        .write_all(format!("{line}\r\n").as_bytes())
        .await
        .unwrap();
    let mut octets = vec![0; 4096];
    let count = stream.read(&mut octets).await.unwrap();
    String::from_utf8_lossy(&octets[..count]).into_owned()
}

#[tokio::test]
async fn a_good_certificate_is_trusted_and_the_session_begins_anew() {
    let lab = lab(&scenario("good")).await;
    let client = before_handshake(&lab).await;
    let mut stream = handshake(&lab, client.stream).await.unwrap();
    assert!(
        ask(&mut stream, "MAIL FROM:<>").await.starts_with("503 "),
        "EHLO is due again"
    );
    let ehlo = ask(&mut stream, "EHLO probe.lab.test").await;
    assert!(
        ehlo.contains("PIPELINING") && !ehlo.contains("STARTTLS"),
        "{ehlo}"
    );
    assert!(ask(&mut stream, "MAIL FROM:<>").await.starts_with("250 "));
    assert!(
        ask(&mut stream, "RCPT TO:<ana@x.test>")
            .await
            .starts_with("250 2.1.5")
    );
    assert!(ask(&mut stream, "QUIT").await.starts_with("221 "));
    drop(stream);
    let report = lab.stop().await;
    assert_eq!(
        report.sessions[0].tls_server_name.as_deref(),
        Some("mx.x.test")
    );
    assert_eq!(report.sessions[0].ending, Ending::Quit);
    let kinds: Vec<_> = report.sins.iter().map(|sin| sin.kind).collect();
    assert_eq!(kinds, [SinKind::BadSequence]);
}

#[tokio::test]
async fn bad_certificates_are_bad_in_their_own_way() {
    for mode in ["expired", "self-signed", "wrong-name"] {
        let lab = lab(&scenario(mode)).await;
        let client = before_handshake(&lab).await;
        let error = handshake(&lab, client.stream).await.unwrap_err();
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<Error>());
        let Some(Error::InvalidCertificate(problem)) = cause else {
            panic!("{mode}: {error}");
        };
        let as_named = match mode {
            "expired" => matches!(problem, CertificateError::ExpiredContext { .. }),
            "self-signed" => matches!(problem, CertificateError::UnknownIssuer),
            _ => matches!(problem, CertificateError::NotValidForNameContext { .. }),
        };
        assert!(as_named, "{mode}: {problem:?}");
        let report = lab.stop().await;
        assert_eq!(report.sessions[0].ending, Ending::TlsFailed);
        assert_eq!(report.sins, [], "a client may refuse a certificate");
    }
}

#[tokio::test]
async fn a_broken_handshake_gets_octets_that_are_no_tls() {
    let lab = lab(&scenario("broken")).await;
    let client = before_handshake(&lab).await;
    let error = handshake(&lab, client.stream).await.unwrap_err();
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Error>());
    assert!(matches!(cause, Some(Error::InvalidMessage(_))), "{error}");
    assert_eq!(lab.stop().await.sessions[0].ending, Ending::TlsFailed);
}

#[tokio::test]
async fn a_stalled_handshake_never_ends_by_itself() {
    let lab = lab(&scenario("stalls")).await;
    let mut client = before_handshake(&lab).await;
    client.send("\x16\x03\x01").await;
    assert!(client.is_silent().await);
    drop(client);
    assert_eq!(lab.stop().await.sessions[0].ending, Ending::TlsFailed);
}

#[tokio::test]
async fn tls_can_be_offered_and_then_not_be_had() {
    let unavailable = "exchange.on.starttls = \"tls-unavailable\"";
    let lab = lab(&format!("{}\n{unavailable}", scenario("good"))).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    assert!(client.ask("STARTTLS").await.starts_with("454 4.7.0"));
    assert!(client.ask("MAIL FROM:<>").await.starts_with("250 "));
    client.quit().await;
}

#[tokio::test]
async fn an_exchange_can_require_tls() {
    let text = format!(
        "{}\nexchange.on.clear_mail = \"tls-required\"",
        scenario("good")
    );
    let lab = lab(&text).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    assert!(client.ask("MAIL FROM:<>").await.starts_with("530 5.7.0"));
    assert!(client.ask("STARTTLS").await.starts_with("220 "));
    let mut stream = handshake(&lab, client.stream).await.unwrap();
    ask(&mut stream, "EHLO probe.lab.test").await;
    assert!(ask(&mut stream, "MAIL FROM:<>").await.starts_with("250 "));
    ask(&mut stream, "QUIT").await;
}

#[tokio::test]
async fn clear_text_can_be_smuggled_in_behind_the_220() {
    let smuggled = "exchange.on.starttls = { raw = '220 go\\r\\n250 injected\\r\\n' }";
    let lab = lab(&format!("{}\n{smuggled}", scenario("good"))).await;
    let mut client = before_handshake(&lab).await;
    assert_eq!(client.reply().await, "250 injected\r\n");
    let mut stream = handshake(&lab, client.stream).await.unwrap();
    assert!(
        ask(&mut stream, "EHLO probe.lab.test")
            .await
            .starts_with("250-")
    );
}

#[tokio::test]
async fn what_is_offered_can_change_with_tls() {
    let offers = "exchange.offers = [\"PIPELINING\"]\nexchange.offers_after_tls = [\"SMTPUTF8\"]";
    let lab = lab(&format!("{}\n{offers}", scenario("good"))).await;
    let client = before_handshake(&lab).await;
    let mut stream = handshake(&lab, client.stream).await.unwrap();
    let ehlo = ask(&mut stream, "EHLO probe.lab.test").await;
    assert_eq!(
        ehlo,
        "250-mx.x.test greets probe.lab.test\r\n250 SMTPUTF8\r\n"
    );
}
