//! Exchanges that break the protocol on purpose: what they send, octet by octet.

mod client;

use std::time::Duration;

use client::{Client, connect, lab};
use tokio::io::AsyncReadExt;
use vrfy_lab::Ending;

/// A client in an open transaction, and the lab around it.
async fn in_transaction(settings: &str) -> (vrfy_lab::Lab, Client) {
    let lab = lab(&format!("[[domain]]\nname = \"x.test\"\n{settings}")).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    client.send("RCPT TO:<ana@x.test>\r\n").await;
    (lab, client)
}

async fn answer_to_rcpt(answer: &str) -> Vec<u8> {
    let (_lab, mut client) = in_transaction(&format!("exchange.on.rcpt = {answer}")).await;
    client.rest().await
}

#[tokio::test]
async fn garbage_goes_out_octet_by_octet() {
    let cases: [(&str, &[u8]); 4] = [
        (
            r"{ raw = '250 \x1b[31m\x07\0\xff ok\r\n', then = 'close' }",
            b"250 \x1b[31m\x07\0\xff ok\r\n",
        ),
        (
            r#"{ say = ["550-5.1.1 no", "250 2.1.5 yes"], then = 'close' }"#,
            b"550-5.1.1 no\r\n250 2.1.5 yes\r\n",
        ),
        (r"{ raw = '25', then = 'close' }", b"25"),
        (r"{ raw = '250-ok\r\n', then = 'close' }", b"250-ok\r\n"),
    ];
    for (answer, octets) in cases {
        assert_eq!(answer_to_rcpt(answer).await, octets, "{answer}");
    }
}

#[tokio::test]
async fn a_reply_of_ten_thousand_lines_has_ten_thousand_lines() {
    let all = answer_to_rcpt("{ say = \"250-more\", repeat = 10_000, then = \"close\" }").await;
    assert_eq!(all.len(), 10_000 * "250-more\r\n".len());
    assert!(all.ends_with(b"250-more\r\n"));
}

#[tokio::test]
async fn an_endless_reply_outlasts_the_reader() {
    for answer in [
        "{ say = \"250-more\", repeat = \"endless\" }",
        "{ raw = 'x', repeat = 'endless' }",
    ] {
        let settings = format!("exchange.on.rcpt = {answer}");
        let (lab, mut client) = in_transaction(&settings).await;
        let mut octets = vec![0; 4 << 20];
        client.stream.read_exact(&mut octets).await.unwrap();
        drop(client);
        let report = lab.stop().await;
        assert_eq!(
            report.sessions[0].ending,
            Ending::ClosedByClient,
            "{answer}"
        );
        assert_eq!(report.sins, []);
    }
}

#[tokio::test]
async fn the_connection_can_be_dropped_at_every_stage() {
    let stages = ["greeting", "ehlo", "mail", "rcpt", "rset", "quit"];
    let lines = [
        "",
        "EHLO me.test",
        "MAIL FROM:<>",
        "RCPT TO:<ana@x.test>",
        "RSET",
        "QUIT",
    ];
    for (at, stage) in stages.iter().enumerate() {
        let text = format!("[[domain]]\nname = \"x.test\"\nexchange.on.{stage} = \"closes\"");
        let lab = lab(&text).await;
        let mut client = connect(&lab, "mx.x.test").await;
        for line in &lines[..at] {
            if !line.is_empty() {
                client.send(&format!("{line}\r\n")).await;
            }
            assert_ne!(client.reply().await, "", "{stage}: {line}");
        }
        if at > 0 {
            client.send(&format!("{}\r\n", lines[at])).await;
        }
        assert_eq!(client.rest().await, b"", "{stage}");
        drop(client);
        assert_eq!(lab.stop().await.sins, [], "{stage}");
    }
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (_lab, mut client) = in_transaction("exchange.on.rcpt = \"resets\"").await;
    let error = client.stream.read(&mut [0; 100]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_exchange_can_accept_and_never_greet() {
    let lab = lab("[[domain]]\nname = \"x.test\"\nexchange.on.greeting = \"silence\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    assert!(client.is_silent().await);
    client.send("EHLO me.test\r\n").await;
    assert!(client.is_silent().await);
    drop(client);
    let report = lab.stop().await;
    assert_eq!(report.sins, []);
    assert_eq!(report.sessions[0].ending, Ending::ClosedByClient);
}

#[tokio::test]
async fn replies_can_come_before_their_commands() {
    let greeting =
        "exchange.on.greeting = { raw = '220 x\\r\\n250 x\\r\\n250 ok\\r\\n250 ok\\r\\n' }";
    let lab = lab(&format!("[[domain]]\nname = \"x.test\"\n{greeting}")).await;
    let mut client = connect(&lab, "mx.x.test").await;
    for reply in ["220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n"] {
        assert_eq!(client.reply().await, reply);
    }
    client.quit().await;
}

#[tokio::test]
async fn a_tarpit_lets_one_octet_through_at_a_time() {
    let lab = lab("[[domain]]\nname = \"x.test\"\nexchange.trickle_ms = 10").await;
    let mut client = connect(&lab, "mx.x.test").await;
    let begun = tokio::time::Instant::now();
    client.reply().await;
    assert!(
        begun.elapsed() >= Duration::from_millis(10 * 25),
        "the greeting has 29 octets"
    );
}

#[tokio::test]
async fn a_delay_can_be_of_one_answer_only() {
    let settings = "exchange.on.rcpt = { say = \"accepts\", delay_ms = 150 }";
    let begun = tokio::time::Instant::now();
    let (_lab, mut client) = in_transaction(settings).await;
    assert!(client.reply().await.starts_with("250 "));
    assert!(begun.elapsed() >= Duration::from_millis(150));
}
