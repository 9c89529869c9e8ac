//! Hostile servers in random mixes, against the executor of the program.
//!
//! Goal: whatever several exchanges do, at whatever step, what `vrfy_tests::hostile_servers::mix`
//! checks holds. Method: a mix is a seed, on a clock that only moves when everybody waits. Without
//! arguments it plays a few hundred mixes; `--long` plays many more. Where a mix fails, its seed is
//! told; `--first SEED --mixes 1` plays it again.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the root of a program: it reads its arguments and says how long it took"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use vrfy_tests::hostile_servers::catalogue;
use vrfy_tests::hostile_servers::mix::{Certificates, Tally, play};
use vrfy_tests::hostile_servers::row;

/// Mixes of a test run, and of a long run.
const MIXES: u64 = 300;
const MIXES_LONG: u64 = 20_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_long = arguments.iter().any(|argument| argument == "--long");
    let number = |name: &str, otherwise: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        let value = at.and_then(|at| arguments.get(at + 1));
        value.map_or(otherwise, |value| {
            value.parse().expect("a number follows the option")
        })
    };
    let first = number("--first", 1);
    let mixes = number("--mixes", if is_long { MIXES_LONG } else { MIXES });
    let began = Instant::now();
    let behaviours = if is_long { one_by_one() } else { Some(0) };
    let (tally, failed) = many(first, mixes);
    for seed in &failed {
        eprintln!(
            "hostile mixes: seed {seed} failed; again: \
             cargo test --workspace --test hostile_mixes -- --first {seed} --mixes 1"
        );
    }
    let last = first + mixes.max(1) - 1;
    let failures = failed.len() + usize::from(behaviours.is_none());
    let (behaviours, took) = (behaviours.unwrap_or(0), began.elapsed().as_secs());
    if is_long {
        println!(
            "long: hostile servers: {behaviours} behaviours, {mixes} mixes, \
             seeds {first}..={last}, {} sessions, {} mailboxes answered, {failures} failures, \
             {took} s",
            tally.sessions, tally.answered
        );
    } else {
        println!(
            "test {mixes} mixes of hostile servers, {} sessions ... done",
            tally.sessions
        );
    }
    match failures {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// All mixes, those that fail by their seed.
fn many(first: u64, mixes: u64) -> (Tally, Vec<u64>) {
    let certificates = Certificates::new();
    let (mut sum, mut failed) = (Tally::default(), Vec::new());
    for seed in first..first + mixes {
        let one = || paused(play(seed, &certificates));
        match catch_unwind(AssertUnwindSafe(one)) {
            Ok(tally) => {
                sum.sessions += tally.sessions;
                sum.answered += tally.answered;
            }
            Err(_) => failed.push(seed),
        }
    }
    (sum, failed)
}

/// How many behaviours were played, or nothing where one failed.
fn one_by_one() -> Option<usize> {
    let behaviours = catalogue::all();
    for behaviour in &behaviours {
        let one = || paused(row::play(behaviour));
        catch_unwind(AssertUnwindSafe(one)).ok()?;
    }
    Some(behaviours.len())
}

fn paused<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime can be made")
        .block_on(what)
}
