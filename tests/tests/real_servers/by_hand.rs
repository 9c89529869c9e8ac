//! Asking without vrfy: what the servers answer is known before vrfy says a word.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vrfy_tests::servers::catalogue::{Domain, Server};
use vrfy_tests::servers::{GREYLIST_DELAY_S, Servers};

use crate::matrix::Case;

/// What was seen by hand.
pub(crate) struct Seen {
    /// The reply in clear: what the matrix has.
    pub(crate) first: String,
    /// The reply that vrfy must get too: after STARTTLS where that works.
    pub(crate) decisive: String,
}

/// Asks by hand and compares with the matrix.
pub(crate) fn check(servers: &Servers, case: &Case) -> Result<Seen> {
    if !servers.runs(case.server) {
        return Ok(Seen {
            first: String::new(),
            decisive: String::new(),
        });
    }
    let first = ask(servers, case)?;
    ensure!(
        first.starts_with(case.reply),
        "expected {:?}, got {first:?}",
        case.reply
    );
    let mut decisive = first.clone();
    match case.domain {
        Domain::TlsOnly | Domain::TlsBroken => {
            let after_tls = ask_after_start_tls(servers, case);
            ensure!(
                after_tls.is_ok() == tls_works(case),
                "after STARTTLS: {after_tls:?}"
            );
            decisive = after_tls.unwrap_or(decisive);
        }
        Domain::Greylisted => check_end_of_greylisting(servers, case)?,
        Domain::Plain => check_extension(servers, case, Offer::Absent)?,
        Domain::Exists if tls_works(case) => check_extension(servers, case, Offer::Present)?,
        _ => {}
    }
    Ok(Seen { first, decisive })
}

/// Debian's OpenSMTPD fails every handshake: see its configuration.
pub(crate) fn tls_works(case: &Case) -> bool {
    case.server != Server::OpenSmtpd
}

fn ask(servers: &Servers, case: &Case) -> Result<String> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener())?;
    if !dialogue.greeting().starts_with("220") {
        return Ok(dialogue.greeting().to_owned());
    }
    dialogue.ask_recipient(&case.address())
}

fn ask_after_start_tls(servers: &Servers, case: &Case) -> Result<String> {
    let mut dialogue = servers.tls_dialogue(case.server, case.domain.listener())?;
    let reply = dialogue.ask_recipient(&case.address())?;
    ensure!(reply.starts_with("250"), "refused: {reply:?}");
    Ok(reply)
}

#[derive(PartialEq, Eq)]
enum Offer {
    Present,
    Absent,
}

fn check_extension(servers: &Servers, case: &Case, expected: Offer) -> Result<()> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener())?;
    let hello = dialogue.ask("ehlo probe.example.test")?;
    let offered = hello.lines().any(|line| line.get(4..) == Some("STARTTLS"));
    ensure!(
        offered == (expected == Offer::Present),
        "wrong extensions: {hello}"
    );
    Ok(())
}

/// After the delay the same triplet gets its real answer.
fn check_end_of_greylisting(servers: &Servers, case: &Case) -> Result<()> {
    /// How often it is asked again meanwhile.
    const PERIOD: Duration = Duration::from_millis(250);
    let deadline = Instant::now() + Duration::from_secs(u64::from(3 * GREYLIST_DELAY_S));
    let expected = if case.local_part == "ana" {
        "250"
    } else {
        "550"
    };
    loop {
        let reply = ask(servers, case)?;
        if reply.starts_with(expected) {
            return Ok(());
        }
        ensure!(
            reply.starts_with('4'),
            "expected {expected} in the end, got {reply:?}"
        );
        ensure!(Instant::now() < deadline, "still greylisted: {reply:?}");
        std::thread::sleep(PERIOD);
    }
}
