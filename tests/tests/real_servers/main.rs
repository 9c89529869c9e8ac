//! The matrix: what real mail servers answer for each kind of mailbox and with each of their own
//! settings, asked by hand and by vrfy, and what vrfy makes of it.
//!
//! `cargo test` asks the fast part: Postfix, Exim and OpenSMTPD, some ten seconds. With the word
//! `--long` every server is asked, and the last line tells how many; `make test-long` does so. A
//! word without a dash selects the cases of both parts whose name contains it.
//!
//! A server that is not installed counts as skipped. Where `CI` is set that is a failure, but for
//! those that [`Need::Optional`] names: `tests/src/servers/catalogue` decides which.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the root of a program: it reads the environment and waits for real servers"
)]

mod by_hand;
mod by_vrfy;
mod matrix;
mod page;

use std::process::ExitCode;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use anyhow::{Result, anyhow};
use vrfy_tests::servers::Servers;
use vrfy_tests::servers::catalogue::{Manner, Need, SERVERS, Server};
use vrfy_tests::servers::root::Root;

use self::by_vrfy::Records;
use self::matrix::Case;

/// What a case came to.
enum Outcome {
    Passed { reply: String, verdict: String },
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
    let is_long = arguments.iter().any(|argument| argument == "--long");
    let is_asked = |case: &Case| match filters.is_empty() {
        true => is_long || !case.is_long,
        false => filters
            .iter()
            .any(|filter| case.name().contains(filter.as_str())),
    };
    let mut cases = matrix::cases()?;
    page::check(&cases)?;
    cases.retain(is_asked);
    if arguments.iter().any(|argument| argument == "--list") {
        cases
            .iter()
            .for_each(|case| println!("{}: test", case.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let begin = Instant::now();
    let outcomes = outcomes(&cases)?;
    let tally = report(&cases, &outcomes);
    if is_long {
        println!(
            "long: real servers: {}, {} s",
            tally.line(),
            begin.elapsed().as_secs()
        );
    }
    match tally.is_good() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

fn outcomes(cases: &[Case]) -> Result<Vec<Outcome>> {
    let root = match Root::open()? {
        Ok(root) => root,
        Err(absent) => {
            println!("real servers: {absent}");
            return Ok(cases.iter().map(|_| Outcome::Skipped).collect());
        }
    };
    let is_asked = |server: &&Server| cases.iter().any(|case| case.server.name == server.name);
    let asked: Vec<&'static Server> = SERVERS.iter().filter(is_asked).collect();
    let servers = &Servers::start(root, &asked)?;
    // Side by side, for greylisting is mostly waiting.
    Ok(std::thread::scope(|scope| {
        let ask = |(server, manner): (&'static Server, Manner)| {
            let thread = scope.spawn(move || by_vrfy::ask(servers, server, manner, cases));
            (server, manner, thread)
        };
        let asked = asked
            .into_iter()
            .flat_map(|server| Manner::ALL.map(|manner| (server, manner)));
        let records: Vec<_> = asked.map(ask).collect();
        let check = |case| scope.spawn(move || by_hand::check(servers, case));
        let replies: Vec<_> = cases.iter().map(check).collect();

        let join = |(server, manner, thread): (_, _, ScopedJoinHandle<'_, _>)| {
            (
                server,
                manner,
                thread.join().expect("asking does not panic"),
            )
        };
        let records: Vec<(&Server, Manner, Result<Records>)> =
            records.into_iter().map(join).collect();
        let outcome = |(case, reply): (&Case, Result<by_hand::Seen>)| {
            let records = records.iter().find(|(server, manner, _)| {
                server.name == case.server.name && *manner == case.domain.manner
            });
            let (_, _, records) = records.expect("every server was asked in every manner");
            outcome(servers, case, reply, records)
        };
        let replies = replies.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("asking panicked")))
        });
        cases.iter().zip(replies).map(outcome).collect()
    }))
}

fn outcome(
    servers: &Servers,
    case: &Case,
    by_hand: Result<by_hand::Seen>,
    records: &Result<Records>,
) -> Outcome {
    if !servers.runs(case.server) {
        return Outcome::Skipped;
    }
    let failed = |why| Outcome::Failed {
        why: format!("{why}\n{}", servers.log(case.server)),
    };
    let (seen, records) = match (by_hand, records) {
        (Ok(seen), Ok(records)) => (seen, records),
        (Err(error), _) => return failed(format!("by hand: {error:#}")),
        (_, Err(error)) => return failed(format!("by vrfy: {error:#}")),
    };
    match records.check(case, &seen) {
        Ok(verdict) => Outcome::Passed {
            reply: seen.first,
            verdict,
        },
        Err(error) => failed(format!("by vrfy: {error:#}")),
    }
}

/// What all cases came to.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// The servers that were asked.
    servers: Vec<&'static str>,
    /// The servers that are not there.
    absent: Vec<&'static str>,
    /// Whether one of those must be there.
    is_incomplete: bool,
}

impl Tally {
    fn count(&mut self, case: &Case, outcome: &Outcome) {
        let (number, names) = match outcome {
            Outcome::Passed { .. } => (&mut self.passed, &mut self.servers),
            Outcome::Failed { .. } => (&mut self.failed, &mut self.servers),
            Outcome::Skipped => {
                let is_ci = std::env::var_os("CI").is_some();
                self.is_incomplete |= is_ci && case.server.need == Need::Required;
                (&mut self.skipped, &mut self.absent)
            }
        };
        *number += 1;
        if !names.contains(&case.server.name) {
            names.push(case.server.name);
        }
    }

    fn is_good(&self) -> bool {
        self.failed == 0 && !self.is_incomplete
    }

    fn word(&self) -> &'static str {
        if self.is_good() { "ok" } else { "FAILED" }
    }

    fn line(&self) -> String {
        let cases = self.passed + self.failed;
        let which = match self.absent.is_empty() {
            true => String::new(),
            false => format!(" ({} not installed)", self.absent.join(", ")),
        };
        format!(
            "{} servers, {cases} cases, {} skipped{which}, {} failures, {}",
            self.servers.len(),
            self.skipped,
            self.failed,
            self.word()
        )
    }
}

fn report(cases: &[Case], outcomes: &[Outcome]) -> Tally {
    let mut tally = Tally::default();
    println!("{:<10} {:<26} {:<28} reply", "server", "kind", "verdict");
    for (case, outcome) in cases.iter().zip(outcomes) {
        tally.count(case, outcome);
        let (verdict, reply) = match outcome {
            Outcome::Passed { reply, verdict } => (verdict.as_str(), reply.replace('\n', " / ")),
            Outcome::Failed { .. } => ("FAILED", "see below".to_owned()),
            Outcome::Skipped => ("skipped", "not installed".to_owned()),
        };
        println!(
            "{:<10} {:<26} {verdict:<28} {reply}",
            case.server.name, case.kind
        );
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
    for name in &tally.absent {
        println!("{name} is not installed: `make setup-long` installs what can be");
    }
    if tally.is_incomplete {
        println!("in CI a server of Debian that is missing is a failure");
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; {} skipped",
        tally.word(),
        tally.passed,
        tally.failed,
        tally.skipped
    );
    tally
}
