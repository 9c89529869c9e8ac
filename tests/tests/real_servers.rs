//! The matrix: what Postfix, Exim and OpenSMTPD answer for each kind of mailbox.
//!
//! Without the servers every case counts as skipped; where `CI` is set a skip is a failure. An
//! argument without a dash selects the cases whose name contains it, as with any other test.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the root of a program: it reads the environment and waits for real servers"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use vrfy_tests::servers::catalogue::{Domain, Server};
use vrfy_tests::servers::root::Root;
use vrfy_tests::servers::{GREYLIST_DELAY_S, Servers};

/// One cell of the matrix.
struct Case {
    server: Server,
    kind: &'static str,
    local_part: &'static str,
    domain: Domain,
    /// How the reply begins that decides: to RCPT, or to what the server refuses before.
    reply: &'static str,
}

impl Case {
    fn address(&self) -> String {
        format!("{}@{}", self.local_part, self.domain.name(self.server))
    }

    fn name(&self) -> String {
        format!("{}::{}", self.server.name(), self.kind)
    }
}

/// One case a line, columns separated by bars.
const MATRIX: &str = include_str!("../data/real-servers.txt");

fn cases() -> Result<Vec<Case>> {
    let lines = MATRIX
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| case_of(line).with_context(|| format!("bad line: {line}")))
        .collect()
}

fn case_of(line: &'static str) -> Result<Case> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [server, kind, mailbox, reply] = columns[..] else {
        bail!("expected four columns");
    };
    let (local_part, label) = mailbox.split_once('@').context("no mailbox")?;
    let server = Server::ALL
        .into_iter()
        .find(|candidate| candidate.name() == server);
    let server = server.context("no such server")?;
    let domain = Domain::of(server).find(|domain| domain.label() == label);
    let domain = domain.context("this server has no such domain")?;
    Ok(Case {
        server,
        kind,
        local_part,
        domain,
        reply,
    })
}

/// What a case came to.
enum Outcome {
    Passed { reply: String },
    Failed { why: String },
    Skipped,
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("real servers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let filters: Vec<&String> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut cases = cases()?;
    cases.retain(|case| {
        filters.is_empty()
            || filters
                .iter()
                .any(|filter| case.name().contains(filter.as_str()))
    });
    if arguments.iter().any(|argument| argument == "--list") {
        cases
            .iter()
            .for_each(|case| println!("{}: test", case.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let outcomes = outcomes(&cases)?;
    Ok(report(&cases, &outcomes))
}

fn outcomes(cases: &[Case]) -> Result<Vec<Outcome>> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let root = match Root::open()? {
        Ok(root) => root,
        Err(absent) => {
            println!("real servers: {absent}");
            return Ok(cases.iter().map(|_| Outcome::Skipped).collect());
        }
    };
    let servers = Servers::start(root)?;
    // Side by side, for greylisting is mostly waiting.
    Ok(std::thread::scope(|scope| {
        let servers = &servers;
        let start = |case| scope.spawn(move || outcome(servers, case));
        let running: Vec<_> = cases.iter().map(start).collect();
        running
            .into_iter()
            .map(|case| case.join().expect("a check does not panic"))
            .collect()
    }))
}

fn outcome(servers: &Servers, case: &Case) -> Outcome {
    if !servers.runs(case.server) {
        return Outcome::Skipped;
    }
    match check(servers, case) {
        Ok(reply) => Outcome::Passed { reply },
        Err(error) => Outcome::Failed {
            why: format!("{error:#}\n{}", servers.log(case.server)),
        },
    }
}

/// Asks by hand and compares the reply that decides.
fn check(servers: &Servers, case: &Case) -> Result<String> {
    let listener = case.domain.listener();
    let reply = ask(servers, case)?;
    ensure!(
        reply.starts_with(case.reply),
        "expected {:?}, got {reply:?}",
        case.reply
    );
    let tls_works = case.server != Server::OpenSmtpd;
    match case.domain {
        Domain::TlsOnly | Domain::TlsBroken => {
            let mut dialogue = servers.tls_dialogue(case.server, listener)?;
            let reply = dialogue.ask_recipient(&case.address());
            let accepted = reply.as_ref().is_ok_and(|reply| reply.starts_with("250"));
            ensure!(
                accepted == tls_works,
                "wrong answer after STARTTLS: {reply:?}"
            );
        }
        Domain::Greylisted => check_end_of_greylisting(servers, case)?,
        Domain::Plain => check_extension(servers, case, Offer::Absent)?,
        Domain::Exists if tls_works => check_extension(servers, case, Offer::Present)?,
        _ => {}
    }
    Ok(reply)
}

fn ask(servers: &Servers, case: &Case) -> Result<String> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener())?;
    if !dialogue.greeting().starts_with("220") {
        return Ok(dialogue.greeting().to_owned());
    }
    dialogue.ask_recipient(&case.address())
}

#[derive(PartialEq, Eq)]
enum Offer {
    Present,
    Absent,
}

fn check_extension(servers: &Servers, case: &Case, expected: Offer) -> Result<()> {
    let mut dialogue = servers.dialogue(case.server, case.domain.listener())?;
    let hello = dialogue.ask("ehlo probe.example.test")?;
    let offered = hello.lines().any(|line| &line[4..] == "STARTTLS");
    ensure!(
        offered == (expected == Offer::Present),
        "wrong extensions: {hello}"
    );
    Ok(())
}

/// After the delay the same triplet gets its real answer.
fn check_end_of_greylisting(servers: &Servers, case: &Case) -> Result<()> {
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
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn report(cases: &[Case], outcomes: &[Outcome]) -> ExitCode {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    println!("{:<10} {:<30} reply", "server", "kind");
    for (case, outcome) in cases.iter().zip(outcomes) {
        let reply = match outcome {
            Outcome::Passed { reply } => {
                passed += 1;
                reply.replace('\n', " / ")
            }
            Outcome::Failed { .. } => {
                failed += 1;
                "FAILED, see below".to_owned()
            }
            Outcome::Skipped => {
                skipped += 1;
                "skipped: not installed".to_owned()
            }
        };
        println!("{:<10} {:<30} {reply}", case.server.name(), case.kind);
    }
    println!(
        "not applicable to opensmtpd: greylisting (it cannot ask postgrey), a STARTTLS that works \
         (Debian's OpenSMTPD fails every handshake)"
    );
    for (case, outcome) in cases.iter().zip(outcomes) {
        if let Outcome::Failed { why } = outcome {
            println!("---- {}\n{why}", case.name());
        }
    }
    let skip_is_failure = skipped > 0 && std::env::var_os("CI").is_some();
    if skip_is_failure {
        println!("in CI a skipped case is a failure: run `tests/tools/install-servers.sh`");
    }
    let good = failed == 0 && !skip_is_failure;
    let word = if good { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; {skipped} skipped");
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
