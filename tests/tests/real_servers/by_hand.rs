//! Asking without vrfy: what the servers answer is known before vrfy says a word.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vrfy_tests::servers::catalogue::{Early, Manner, Tls};
use vrfy_tests::servers::dialogue::{Dialogue, SENDER};
use vrfy_tests::servers::{EARLY_HAND, Servers};

use crate::matrix::Case;

/// How long a refusal for now may last: Postfix waits 6 s for those whom it asks itself.
const LATER_MAX: Duration = Duration::from_secs(20);
/// How often it is asked again meanwhile.
const PERIOD: Duration = Duration::from_millis(250);

/// What was seen by hand.
pub(crate) struct Seen {
    /// The reply in clear: what the matrix has.
    pub(crate) first: String,
    /// The reply that vrfy must get too: after STARTTLS where that works.
    pub(crate) decisive: String,
    /// Whether one has to come back for the last word.
    pub(crate) comes_back: bool,
}

/// Asks by hand and compares with the matrix.
pub(crate) fn check(servers: &Servers, case: &Case) -> Result<Seen> {
    if !servers.runs(case.server) {
        return Ok(Seen {
            first: String::new(),
            decisive: String::new(),
            comes_back: false,
        });
    }
    if case.domain.manner == Manner::Hurried {
        // The hand has but one finger: it would meet itself where connections are limited.
        let first = ask_patiently(servers, case)?;
        let decisive = first.clone();
        let comes_back = false;
        return Ok(Seen {
            first,
            decisive,
            comes_back,
        });
    }
    let first = ask(servers, case)?;
    ensure!(
        first.starts_with(case.reply),
        "expected {:?}, got {first:?}",
        case.reply
    );
    let mut decisive = first.clone();
    let mut comes_back = false;
    let listener = case.server.listener(case.domain.listener);
    match (case.final_reply, listener.tls) {
        (Some(expected), Tls::Works) if is_about_tls(&first) => {
            decisive = ask_after_start_tls(servers, case)?;
            ensure!(
                decisive.starts_with(expected),
                "expected {expected:?} after STARTTLS, got {decisive:?}"
            );
        }
        (Some(expected), _) => {
            check_later(servers, case, expected)?;
            comes_back = true;
        }
        (None, Tls::Broken) => {
            let after_tls = ask_after_start_tls(servers, case);
            ensure!(after_tls.is_err(), "STARTTLS works: {after_tls:?}");
        }
        (None, _) => {}
    }
    if !case.reply.starts_with("554") || listener.tls != Tls::Absent {
        check_offer(servers, case, listener.tls != Tls::Absent)?;
    }
    if listener.early == Early::Refused {
        check_early_talker(servers, case)?;
    }
    Ok(Seen {
        first,
        decisive,
        comes_back,
    })
}

/// Courier says 400 for 530.
fn is_about_tls(reply: &str) -> bool {
    reply.contains("STARTTLS") || reply.starts_with("530")
}

fn ask(servers: &Servers, case: &Case) -> Result<String> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener)?;
    if !dialogue.greeting().starts_with("220") {
        return Ok(dialogue.greeting().to_owned());
    }
    dialogue.ask_recipient(sender(case), &case.address_by_hand())
}

/// Asks until the server has a connection to spare.
fn ask_patiently(servers: &Servers, case: &Case) -> Result<String> {
    let deadline = Instant::now() + LATER_MAX;
    loop {
        match ask(servers, case) {
            Ok(reply) if reply.starts_with(case.reply) => return Ok(reply),
            other if Instant::now() > deadline => {
                anyhow::bail!("expected {:?} in the end, got {other:?}", case.reply)
            }
            _ => std::thread::sleep(PERIOD),
        }
    }
}

fn sender(case: &Case) -> &'static str {
    match case.domain.manner {
        Manner::NullSender => "",
        Manner::Usual | Manner::Hurried => SENDER,
    }
}

fn ask_after_start_tls(servers: &Servers, case: &Case) -> Result<String> {
    let mut dialogue = servers.tls_dialogue(case.server, case.domain.listener)?;
    dialogue.ask_recipient(sender(case), &case.address_by_hand())
}

fn check_offer(servers: &Servers, case: &Case, expected: bool) -> Result<()> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener)?;
    let hello = dialogue.ask("ehlo probe.example.test")?;
    let offered = hello.lines().any(|line| line.get(4..) == Some("STARTTLS"));
    ensure!(offered == expected, "wrong extensions: {hello}");
    Ok(())
}

/// Whoever was told to come back gets a lasting answer in the end.
fn check_later(servers: &Servers, case: &Case, expected: &str) -> Result<()> {
    let deadline = Instant::now() + LATER_MAX;
    loop {
        let reply = ask(servers, case)?;
        if reply.starts_with(expected) {
            return Ok(());
        }
        ensure!(
            reply.starts_with(case.reply),
            "expected {expected:?} in the end, got {reply:?}"
        );
        ensure!(Instant::now() < deadline, "still so: {reply:?}");
        std::thread::sleep(PERIOD);
    }
}

/// Shows that the trap is set which vrfy does not step into.
fn check_early_talker(servers: &Servers, case: &Case) -> Result<()> {
    let address = servers.address(case.server, case.domain.listener);
    let rest = [
        format!("mail from:<{SENDER}>"),
        format!("rcpt to:<{}>", case.address_by_hand()),
        "quit".to_owned(),
    ];
    let said = Dialogue::early(EARLY_HAND, address, &rest)?;
    let refused = said.lines().any(|line| line.starts_with('5'));
    ensure!(refused, "who talks early is not refused: {said}");
    Ok(())
}
