//! What the lab holds against a client, and what it excuses.

mod client;

use client::{connect, lab};
use vrfy_lab::{Report, SinKind};

const DOMAIN: &str = "[[domain]]\nname = \"x.test\"\nmailboxes = [{ name = \"ana\" }]\n";

/// Says these lines in one session, waiting for every reply, then QUIT.
async fn sins_of(settings: &str, lines: &[&str]) -> Vec<SinKind> {
    let lab = lab(&format!("{DOMAIN}{settings}")).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    for line in lines {
        client.ask(line).await;
    }
    client.quit().await;
    kinds(lab.stop().await)
}

fn kinds(report: Report) -> Vec<SinKind> {
    report.sins.into_iter().map(|sin| sin.kind).collect()
}

#[tokio::test]
async fn a_probe_by_the_book_has_no_sins() {
    let lines = [
        "EHLO probe.lab.test",
        "MAIL FROM:<>",
        "RCPT TO:<ana@x.test>",
        "RSET",
        "MAIL FROM:<me@y.test>",
        "RCPT TO:<nobody@x.test>",
    ];
    assert_eq!(sins_of("", &lines).await, []);
}

#[tokio::test]
async fn data_and_the_other_forbidden_commands_are_refused_and_written_down() {
    let lab = lab(DOMAIN).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    client.ask("RCPT TO:<ana@x.test>").await;
    assert_eq!(
        client.ask("DATA").await,
        "554 5.5.1 This exchange takes no message\r\n"
    );
    for line in ["VRFY ana", "EXPN list", "AUTH PLAIN", "BDAT 4 LAST", "HELP"] {
        assert!(client.ask(line).await.starts_with("554 "), "{line}");
    }
    client.quit().await;
    let report = lab.stop().await;
    assert_eq!(report.sins[0].line, "DATA");
    assert_eq!(kinds(report), [SinKind::ForbiddenCommand; 6]);
}

#[tokio::test]
async fn speaking_before_the_greeting_is_noticed() {
    let lab = lab(&format!(
        "{DOMAIN}exchange.on.greeting = {{ say = \"220 late\", delay_ms = 300 }}"
    ))
    .await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.send("EHLO early.test\r\n").await;
    client.reply().await;
    client.reply().await;
    client.quit().await;
    assert_eq!(kinds(lab.stop().await), [SinKind::SpokeBeforeGreeting]);
}

#[tokio::test]
async fn a_greeting_in_two_parts_shows_who_waits_for_all_of_it() {
    let say = "{ say = [\"220-wait\", \"220 for it\"], line_pause_ms = 300 }";
    let greeting = format!("exchange.on.greeting = {say}");
    let lab = lab(&format!("{DOMAIN}{greeting}")).await;
    let mut client = connect(&lab, "mx.x.test").await;
    assert_eq!(client.line().await, "220-wait\r\n");
    client.send("QUIT\r\n").await;
    assert_eq!(client.line().await, "220 for it\r\n");
    client.reply().await;
    drop(client);
    assert_eq!(kinds(lab.stop().await), [SinKind::SpokeBeforeGreeting]);
}

#[tokio::test]
async fn a_group_obeys_what_was_offered() {
    let lab = lab(&format!("{DOMAIN}exchange.offers = [\"8BITMIME\"]")).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    client
        .send("MAIL FROM:<>\r\nRCPT TO:<ana@x.test>\r\n")
        .await;
    client.reply().await;
    client.reply().await;
    client.quit().await;
    assert_eq!(kinds(lab.stop().await), [SinKind::SpokeBeforeReply]);
}

#[tokio::test]
async fn some_commands_have_to_be_the_last_of_a_group() {
    let lab = lab(DOMAIN).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    client.send("NOOP\r\nMAIL FROM:<>\r\n").await;
    client.reply().await;
    client.reply().await;
    client.quit().await;
    assert_eq!(kinds(lab.stop().await), [SinKind::NotLastInGroup]);
}

#[tokio::test]
async fn the_grammar_is_strict() {
    let ehlo = "EHLO probe.lab.test";
    let cases: [(&[&str], SinKind); 9] = [
        (&[ehlo, "MAIL FROM: <>"], SinKind::BadSyntax),
        (
            &[ehlo, "MAIL FROM:<>", "RCPT TO:ana@x.test"],
            SinKind::BadSyntax,
        ),
        (&["EHLO"], SinKind::BadSyntax),
        (&["HELLO"], SinKind::BadSyntax),
        (&["MAIL FROM:<>"], SinKind::BadSequence),
        (
            &[ehlo, "MAIL FROM:<>", "MAIL FROM:<>"],
            SinKind::BadSequence,
        ),
        (&[ehlo, "RCPT TO:<ana@x.test>"], SinKind::BadSequence),
        (&[ehlo, "STARTTLS"], SinKind::NotOffered),
        (&[ehlo, "MAIL FROM:<> RET=HDRS"], SinKind::NotOffered),
    ];
    for (lines, kind) in cases {
        assert_eq!(sins_of("", lines).await, [kind], "{lines:?}");
    }
}

#[tokio::test]
async fn lines_end_in_crlf_and_hold_no_nul() {
    for line in ["NOOP\n", "NOOP\0\r\n", "NO\rOP x\r\n"] {
        let lab = lab(DOMAIN).await;
        let mut client = connect(&lab, "mx.x.test").await;
        client.reply().await;
        client.send(line).await;
        client.reply().await;
        client.quit().await;
        assert_eq!(kinds(lab.stop().await)[0], SinKind::BadLine, "{line:?}");
    }
}

#[tokio::test]
async fn a_line_without_an_end_ends_the_session() {
    let lab = lab(DOMAIN).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.send(&"A".repeat(10_000)).await;
    assert_eq!(
        client.rest().await,
        b"421 4.5.2 mx.x.test line too long\r\n"
    );
    drop(client);
    assert_eq!(kinds(lab.stop().await), [SinKind::BadLine]);
}

#[tokio::test]
async fn leaving_without_quit_is_excused_after_a_fault_of_the_exchange() {
    let excuses = [
        "exchange.on.rcpt = \"busy\"",
        "exchange.on.rcpt = [\"550-no\", \"250 yes\"]",
        "exchange.on.rcpt = \"HTTP\"",
        "exchange.on.rcpt = \"silence\"",
    ];
    for settings in excuses {
        let settings = settings.replace("\"HTTP\"", "{ raw = 'HTTP/1.1 400 Bad Request\\r\\n' }");
        let lab = lab(&format!("{DOMAIN}{settings}")).await;
        let mut client = connect(&lab, "mx.x.test").await;
        client.open().await;
        client.send("RCPT TO:<ana@x.test>\r\n").await;
        client.is_silent().await;
        drop(client);
        assert_eq!(kinds(lab.stop().await), [], "{settings}");
    }
}
