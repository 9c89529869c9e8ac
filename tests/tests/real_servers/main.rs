//! The matrix: what Postfix, Exim and OpenSMTPD answer for each kind of mailbox, asked by hand and
//! by vrfy, and what vrfy makes of it.
//!
//! Without the servers every case counts as skipped; where `CI` is set a skip is a failure. An
//! argument without a dash selects the cases whose name contains it, as with any other test.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the root of a program: it reads the environment and waits for real servers"
)]

mod by_hand;
mod by_vrfy;
mod matrix;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use vrfy_tests::servers::Servers;
use vrfy_tests::servers::catalogue::Server;
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
    let mut cases = matrix::cases()?;
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
    let root = match Root::open()? {
        Ok(root) => root,
        Err(absent) => {
            println!("real servers: {absent}");
            return Ok(cases.iter().map(|_| Outcome::Skipped).collect());
        }
    };
    let servers = Servers::start(root)?;
    let servers = &servers;
    // Side by side, for greylisting is mostly waiting.
    Ok(std::thread::scope(|scope| {
        let ask = |server| scope.spawn(move || by_vrfy::ask(servers, server, cases));
        let records = Server::ALL.map(|server| (server, ask(server)));
        let check = |case| scope.spawn(move || by_hand::check(servers, case));
        let replies: Vec<_> = cases.iter().map(check).collect();

        let records =
            records.map(|(server, thread)| (server, thread.join().expect("asking does not panic")));
        let outcome = |(case, reply): (&Case, Result<by_hand::Seen>)| {
            let records = records.iter().find(|(server, _)| *server == case.server);
            let (_, records) = records.expect("every server was asked");
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

fn report(cases: &[Case], outcomes: &[Outcome]) -> ExitCode {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    println!("{:<10} {:<26} {:<28} reply", "server", "kind", "verdict");
    for (case, outcome) in cases.iter().zip(outcomes) {
        let (verdict, reply) = match outcome {
            Outcome::Passed { reply, verdict } => {
                passed += 1;
                (verdict.as_str(), reply.replace('\n', " / "))
            }
            Outcome::Failed { .. } => {
                failed += 1;
                ("FAILED", "see below".to_owned())
            }
            Outcome::Skipped => {
                skipped += 1;
                ("skipped", "not installed".to_owned())
            }
        };
        println!(
            "{:<10} {:<26} {verdict:<28} {reply}",
            case.server.name(),
            case.kind
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
