//! How the exchanges of a lab behave, byte for byte where that matters.

mod client;

use std::time::Duration;

use client::{connect, lab};
use vrfy_lab::{Ending, SinKind};

const ORDINARY: &str = r#"
    [[domain]]
    name = "ordinary.test"
    mailboxes = [
        { name = "ana" },
        { name = "postmaster" },
        { name = "full", rcpt = "full" },
    ]
"#;

#[tokio::test]
async fn an_ordinary_exchange_knows_some_users_and_refuses_others() {
    let lab = lab(ORDINARY).await;
    let mut client = connect(&lab, "mx.ordinary.test").await;
    assert_eq!(client.reply().await, "220 mx.ordinary.test ESMTP ready\r\n");
    assert_eq!(
        client.ask("EHLO probe.lab.test").await,
        "250-mx.ordinary.test greets probe.lab.test\r\n250-PIPELINING\r\n\
         250-SIZE 10485760\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
    );
    assert_eq!(
        client.ask("MAIL FROM:<>").await,
        "250 2.1.0 <> sender ok\r\n"
    );
    assert_eq!(
        client.ask("RCPT TO:<ana@ordinary.test>").await,
        "250 2.1.5 <ana@ordinary.test> recipient ok\r\n"
    );
    assert_eq!(
        client.ask("RCPT TO:<nobody@ordinary.test>").await,
        "550 5.1.1 <nobody@ordinary.test>: no such user here\r\n"
    );
    assert_eq!(
        client.ask("RCPT TO:<full@ordinary.test>").await,
        "452 4.2.2 <full@ordinary.test>: mailbox is full\r\n"
    );
    assert!(
        client
            .ask("RCPT TO:<Ana@ordinary.test>")
            .await
            .starts_with("550 ")
    );
    assert!(
        client
            .ask("RCPT TO:<POSTMASTER@Ordinary.Test>")
            .await
            .starts_with("250 ")
    );
    assert!(
        client
            .ask("RCPT TO:<ana@elsewhere.test>")
            .await
            .starts_with("554 5.7.1")
    );
    client.quit().await;

    let report = lab.stop().await;
    assert_eq!(report.sins, []);
    let session = &report.sessions[0];
    assert_eq!(session.ending, Ending::Quit);
    assert_eq!(session.commands[2], "RCPT TO:<ana@ordinary.test>");
    assert_eq!(session.recipients.len(), 6);
    assert_eq!(report.exchanges["mx.ordinary.test"].recipients, 6);
}

#[tokio::test]
async fn an_accept_all_exchange_takes_anybody() {
    let lab = lab("[[domain]]\nname = \"accept-all.test\"\nothers = \"accepts\"").await;
    let mut client = connect(&lab, "mx.accept-all.test").await;
    client.open().await;
    for local_part in ["ana", "no-such-user-4711", "\"a b\""] {
        let reply = client
            .ask(&format!("RCPT TO:<{local_part}@accept-all.test>"))
            .await;
        assert!(reply.starts_with("250 2.1.5"), "{reply}");
    }
    client.quit().await;
}

#[tokio::test]
async fn greylisting_lets_the_same_client_in_when_its_time_has_come() {
    let lab = lab(
        "[[domain]]\nname = \"greylist.test\"\nexchange.greylist_s = 0.6\n\
         mailboxes = [{ name = \"ana\" }]",
    )
    .await;
    let ana = "RCPT TO:<ana@greylist.test>";
    let mut client = connect(&lab, "mx.greylist.test").await;
    client.open().await;
    let put_off = "450 4.7.1 <ana@greylist.test>: greylisted, try again in 1 seconds\r\n";
    assert_eq!(client.ask(ana).await, put_off);
    assert_eq!(client.ask(ana).await, put_off);
    client.quit().await;

    tokio::time::sleep(Duration::from_millis(620)).await;
    let mut client = connect(&lab, "mx.greylist.test").await;
    client.open().await;
    assert!(client.ask(ana).await.starts_with("250 "));
    assert!(
        client
            .ask("RCPT TO:<nobody@greylist.test>")
            .await
            .starts_with("450 ")
    );
    assert!(client.ask("RSET").await.starts_with("250 "));
    assert!(
        client
            .ask("MAIL FROM:<other@x.test>")
            .await
            .starts_with("250 ")
    );
    assert!(
        client.ask(ana).await.starts_with("450 "),
        "another sender is another triplet"
    );
    client.quit().await;
}

#[tokio::test]
async fn a_client_that_leaves_without_quit_is_written_down() {
    let lab = lab(ORDINARY).await;
    let mut client = connect(&lab, "mx.ordinary.test").await;
    client.open().await;
    drop(client);
    let report = lab.stop().await;
    assert_eq!(report.sins.len(), 1);
    assert_eq!(report.sins[0].kind, SinKind::MissingQuit);
    assert_eq!(report.sessions[0].ending, Ending::ClosedByClient);
}

/// One exchange with these lines in its `exchange` table, and two mailboxes.
async fn lab_with(settings: &str) -> vrfy_lab::Lab {
    lab(&format!(
        "[[domain]]\nname = \"x.test\"\nmailboxes = [{{ name = \"ana\" }}, {{ name = \"bob\" }}]\n\
         {settings}"
    ))
    .await
}

const ANA: &str = "RCPT TO:<ana@x.test>";
const BOB: &str = "RCPT TO:<bob@x.test>";
const NOBODY: &str = "RCPT TO:<nobody@x.test>";

#[tokio::test]
async fn every_named_answer_is_said_at_rcpt() {
    let named = [
        ("accepts", "250 2.1.5 "),
        (
            "blocked",
            "550 5.7.1 Service unavailable; client [127.0.0.1] is on our blocklist\r\n",
        ),
        ("disabled", "550 5.2.1 "),
        ("forwards", "251 2.1.5 "),
        ("full", "452 4.2.2 "),
        ("full-for-good", "552 5.2.2 "),
        ("local-error", "451 4.3.0 "),
        (
            "moved",
            "551 5.1.6 User not local; please try <new.ana@x.test>\r\n",
        ),
        ("rate-limited", "451 4.7.1 "),
        (
            "relay-denied",
            "554 5.7.1 <ana@x.test>: Relay access denied\r\n",
        ),
        ("soft-unknown", "450 4.1.1 "),
        ("tls-required", "530 5.7.0 "),
        ("too-many", "452 4.5.3 "),
        ("unknown", "550 5.1.1 "),
        ("unverified", "252 2.1.5 "),
    ];
    for (name, beginning) in named {
        let lab = lab_with(&format!("exchange.on.rcpt = \"{name}\"")).await;
        let mut client = connect(&lab, "mx.x.test").await;
        client.open().await;
        let reply = client.ask(ANA).await;
        assert!(reply.starts_with(beginning), "{name}: {reply}");
        client.quit().await;
    }
}

#[tokio::test]
async fn an_exchange_that_blocks_us_says_so_in_its_greeting_and_waits_for_quit() {
    let lab = lab_with("exchange.on.greeting = \"no-service\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    assert_eq!(
        client.reply().await,
        "554 5.7.1 mx.x.test: no SMTP service for [127.0.0.1]\r\n"
    );
    client.quit().await;
    assert_eq!(lab.stop().await.sins, []);
}

#[tokio::test]
async fn a_busy_exchange_closes_after_421_and_wants_no_quit() {
    let lab = lab_with("exchange.on.greeting = \"busy\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    let all = client.rest().await;
    assert_eq!(all, b"421 4.3.2 mx.x.test too busy, come back later\r\n");
    drop(client);
    let report = lab.stop().await;
    assert_eq!(report.sins, []);
    assert_eq!(report.sessions[0].ending, Ending::ClosedByExchange);
}

#[tokio::test]
async fn the_sender_can_be_refused_and_the_null_sender_alone() {
    let lab = lab_with("exchange.on.mail = \"sender-refused\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    let reply = client.ask("MAIL FROM:<me@y.test>").await;
    assert_eq!(reply, "550 5.1.8 <me@y.test>: Sender address rejected\r\n");
    assert!(client.ask(ANA).await.starts_with("503 5.5.1"));
    client.quit().await;
    assert_eq!(
        lab.stop().await.sins,
        [],
        "RCPT in the same group as a refused MAIL is no sin"
    );

    let lab = lab_with("exchange.on.null_sender = \"null-sender-refused\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    assert!(client.ask("MAIL FROM:<>").await.starts_with("550 5.7.1"));
    assert!(
        client
            .ask("MAIL FROM:<me@y.test>")
            .await
            .starts_with("250 ")
    );
    client.quit().await;
}

#[tokio::test]
async fn a_transaction_has_room_for_so_many_recipients() {
    let lab = lab_with("exchange.limit.recipients = 1").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(client.ask(ANA).await.starts_with("250 "));
    assert!(client.ask(BOB).await.starts_with("452 4.5.3"));
    client.ask("RSET").await;
    client.ask("MAIL FROM:<>").await;
    assert!(client.ask(BOB).await.starts_with("250 "));
    client.quit().await;
}

#[tokio::test]
async fn a_rate_limit_counts_over_sessions_and_ends_with_its_window() {
    let lab = lab_with("exchange.limit = { rate_after = 2, rate_window_s = 0.6 }").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(client.ask(ANA).await.starts_with("250 "));
    client.quit().await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(client.ask(BOB).await.starts_with("250 "));
    let reply = client.ask(ANA).await;
    assert!(
        reply.starts_with("421 4.7.0 mx.x.test too many recipients"),
        "{reply}"
    );
    assert!(reply.contains("try again in 1 seconds"), "{reply}");
    assert!(client.rest().await.is_empty());
    tokio::time::sleep(Duration::from_millis(620)).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(client.ask(ANA).await.starts_with("250 "));
    client.quit().await;
}

#[tokio::test]
async fn a_harvester_is_thrown_out_after_so_many_refused_recipients() {
    let lab = lab_with("exchange.limit.refused = 1").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(client.ask(NOBODY).await.starts_with("550 "));
    assert!(client.ask(ANA).await.starts_with("421 4.7.0"));
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn more_sessions_at_once_than_allowed_are_turned_away() {
    let lab = lab_with("exchange.limit.sessions = 1").await;
    let mut first = connect(&lab, "mx.x.test").await;
    first.open().await;
    let mut second = connect(&lab, "mx.x.test").await;
    assert!(second.reply().await.starts_with("421 4.7.0"));
    first.quit().await;
    drop(second);
    let report = lab.stop().await;
    assert_eq!(report.exchanges["mx.x.test"].open_at_once_max, 2);
    assert_eq!(report.exchanges["mx.x.test"].sessions, 2);
}

#[tokio::test]
async fn an_old_server_knows_only_helo_and_offers_nothing() {
    let lab = lab_with("exchange.on.ehlo = \"not-implemented\"").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    assert!(client.ask("EHLO probe.lab.test").await.starts_with("502 "));
    assert_eq!(client.ask("HELO probe.lab.test").await, "250 mx.x.test\r\n");
    client.ask("MAIL FROM:<>").await;
    client.send(&format!("{ANA}\r\n{BOB}\r\n")).await;
    assert!(client.reply().await.starts_with("250 "));
    assert!(client.reply().await.starts_with("250 "));
    client.quit().await;
    let sins = lab.stop().await.sins;
    assert_eq!(sins.len(), 1);
    assert_eq!(sins[0].kind, SinKind::SpokeBeforeReply);
    assert_eq!(sins[0].line, "RCPT TO:<bob@x.test>\r\n");
}

#[tokio::test]
async fn a_group_of_commands_is_answered_in_order_where_pipelining_is_offered() {
    let lab = lab_with("").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    client
        .send(&format!(
            "MAIL FROM:<>\r\n{ANA}\r\n{NOBODY}\r\nRSET\r\nQUIT\r\n"
        ))
        .await;
    for code in [
        "250 2.1.0",
        "250 2.1.5",
        "550 5.1.1",
        "250 2.0.0",
        "221 2.0.0",
    ] {
        let reply = client.reply().await;
        assert!(reply.starts_with(code), "{code}: {reply}");
    }
    drop(client);
    assert_eq!(lab.stop().await.sins, []);
}

#[tokio::test]
async fn sequences_change_with_every_question_and_over_sessions() {
    let lab = lab(
        "[[domain]]\nname = \"x.test\"\nmailboxes = [{ name = \"ana\", \
         rcpt = { sequence = [\"450 4.3.0 not now\", \"451 4.3.0 still not\", \"accepts\"] } }]",
    )
    .await;
    for code in ["450", "451", "250", "250"] {
        let mut client = connect(&lab, "mx.x.test").await;
        client.open().await;
        let reply = client.ask(ANA).await;
        assert!(reply.starts_with(code), "{code}: {reply}");
        client.quit().await;
    }
}

#[tokio::test]
async fn smtputf8_is_for_those_who_were_offered_it() {
    let text = |offers: &str| {
        format!(
            "[[domain]]\nname = \"x.test\"\nexchange.offers = [{offers}]\n\
             mailboxes = [{{ name = \"jos\u{e9}\" }}]"
        )
    };
    let jose = "RCPT TO:<jos\u{e9}@x.test>";
    let with = lab(&text("\"SMTPUTF8\"")).await;
    let mut client = connect(&with, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    assert!(
        client
            .ask("MAIL FROM:<> SMTPUTF8")
            .await
            .starts_with("250 ")
    );
    assert!(client.ask(jose).await.starts_with("250 "));
    client.quit().await;
    assert_eq!(with.stop().await.sins, []);

    let without = lab(&text("\"PIPELINING\"")).await;
    let mut client = connect(&without, "mx.x.test").await;
    client.reply().await;
    client.ask("EHLO probe.lab.test").await;
    assert!(
        client
            .ask("MAIL FROM:<> SMTPUTF8")
            .await
            .starts_with("555 ")
    );
    assert!(client.ask("MAIL FROM:<>").await.starts_with("250 "));
    assert!(client.ask(jose).await.starts_with("553 5.6.7"));
    client.quit().await;
    let kinds: Vec<_> = without
        .stop()
        .await
        .sins
        .into_iter()
        .map(|sin| sin.kind)
        .collect();
    assert_eq!(kinds, [SinKind::NotOffered, SinKind::NotOffered]);
}

#[tokio::test]
async fn replies_can_have_many_lines_everywhere() {
    let lab = lab_with(
        "exchange.on.greeting = [\"220-{host} ESMTP\", \"220 no spam please\"]\n\
         exchange.on.rcpt = [\"550-5.1.1 <{recipient}>\", \
         \"550-5.1.1 is not\", \"550 5.1.1 here\"]",
    )
    .await;
    let mut client = connect(&lab, "mx.x.test").await;
    assert_eq!(
        client.reply().await,
        "220-mx.x.test ESMTP\r\n220 no spam please\r\n"
    );
    client.ask("EHLO probe.lab.test").await;
    client.ask("MAIL FROM:<>").await;
    let reply = client.ask(ANA).await;
    assert_eq!(
        reply,
        "550-5.1.1 <ana@x.test>\r\n550-5.1.1 is not\r\n550 5.1.1 here\r\n"
    );
    client.quit().await;
}

#[tokio::test]
async fn several_exchanges_share_a_port_and_the_dead_one_refuses() {
    let lab = lab(r#"
        [[domain]]
        name = "several.test"
        mx = ["10 dead.test", "20 backup.test"]
        mailboxes = [{ name = "ana" }]
        [[exchange]]
        name = "dead.test"
        listen = "dead"
        [[exchange]]
        name = "backup.test"
        on.rcpt = "accepts"
        "#)
    .await;
    assert_eq!(lab.exchange_addresses("dead.test"), Some(&[][..]));
    let dead = tokio::net::TcpStream::connect(("127.77.0.1", lab.port())).await;
    assert_eq!(
        dead.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    let mut client = connect(&lab, "backup.test").await;
    client.open().await;
    assert!(
        client
            .ask("RCPT TO:<nobody@several.test>")
            .await
            .starts_with("250 ")
    );
    client.quit().await;
    assert_eq!(lab.stop().await.exchanges["dead.test"].sessions, 0);
}

#[tokio::test]
async fn latency_is_paid_for_every_reply_and_jitter_repeats_with_its_seed() {
    let lab = lab_with("exchange.latency_ms = 40").await;
    let begun = tokio::time::Instant::now();
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    client.ask(ANA).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(4 * 40),
        "greeting, EHLO, MAIL and RCPT"
    );
}

#[tokio::test]
async fn an_address_literal_of_the_exchange_reaches_its_mailboxes() {
    let lab = lab_with("").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    assert!(
        client
            .ask("RCPT TO:<ana@[127.77.0.1]>")
            .await
            .starts_with("250 ")
    );
    assert!(
        client
            .ask("RCPT TO:<ana@[127.77.0.9]>")
            .await
            .starts_with("554 ")
    );
    client.quit().await;
}

#[tokio::test]
async fn an_exchange_on_ipv6_loopback_is_announced_and_listens() {
    let lab = lab_with("exchange.listen = \"both\"").await;
    assert_eq!(lab.special_ranges(), ["127.0.0.0/8", "::1/128"]);
    let mut client = client::connect_to(&lab, "::1".parse().unwrap()).await;
    client.open().await;
    assert!(
        client
            .ask("RCPT TO:<ana@[IPv6:::1]>")
            .await
            .starts_with("250 ")
    );
    client.quit().await;
}

#[tokio::test]
async fn a_command_in_many_segments_is_one_command() {
    let lab = lab_with("").await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.open().await;
    client.stream.set_nodelay(true).unwrap();
    for octet in "RCPT TO:<ana@x.test>\r\n".chars() {
        client.send(&octet.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert!(client.reply().await.starts_with("250 2.1.5"));
    client.quit().await;
    assert_eq!(lab.stop().await.sessions[0].recipients, ["ana@x.test"]);
}

#[tokio::test]
async fn an_answer_to_ehlo_decides_what_is_offered() {
    let text = "exchange.on.ehlo = { sequence = [\"450 4.3.0 later\", \
                [\"250-x\", \"250 SMTPUTF8\"]] }";
    let lab = lab_with(text).await;
    let mut client = connect(&lab, "mx.x.test").await;
    client.reply().await;
    assert!(client.ask("EHLO probe.lab.test").await.starts_with("450 "));
    assert!(client.ask("EHLO probe.lab.test").await.starts_with("250-x"));
    assert!(
        client
            .ask("MAIL FROM:<> SMTPUTF8")
            .await
            .starts_with("250 ")
    );
    client.quit().await;
    assert_eq!(lab.stop().await.sins, []);
}
