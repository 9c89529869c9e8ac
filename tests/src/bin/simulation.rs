//! `simulation --worlds N --first-seed S`: many worlds, the seeds that failed, and one last line
//! with the counts. `simulation --seed N --verbose`: one world, with everything that was said.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use vrfy_tests::simulation::{Simulator, World};

/// What was typed; everything has a default.
struct Args {
    worlds: u64,
    first_seed: u64,
    /// Only this world.
    seed: Option<u64>,
    /// Show the world, its dialogues and its records.
    verbose: bool,
    /// Every so many worlds, one is run a second time and compared; 0 for none.
    twice_every: u64,
    /// Failing worlds after which it stops.
    failures: u64,
}

const USAGE: &str = "simulation [--worlds N] [--first-seed S] [--twice-every N] [--failures N]\n\
                     simulation --seed N [--verbose]";

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self {
            worlds: 10_000,
            first_seed: 1,
            seed: None,
            verbose: false,
            twice_every: 10,
            failures: 10,
        };
        while let Some(word) = words.next() {
            if word == "--verbose" {
                args.verbose = true;
                continue;
            }
            let number = words.next().and_then(|number| number.parse().ok());
            let Some(number) = number else {
                return Err(format!("{word} wants a number\n{USAGE}"));
            };
            match word.as_str() {
                "--worlds" => args.worlds = number,
                "--first-seed" => args.first_seed = number,
                "--seed" => args.seed = Some(number),
                "--twice-every" => args.twice_every = number,
                "--failures" => args.failures = number,
                _ => return Err(format!("{word} is unknown\n{USAGE}")),
            }
        }
        Ok(args)
    }
}

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    if let (Some(seed), true) = (args.seed, args.verbose) {
        println!("{}", Simulator::new().observe(World::of_seed(seed)).story());
    }
    let (first, worlds) = match args.seed {
        Some(seed) => (seed, 1),
        None => (args.first_seed, args.worlds),
    };
    let began = now();
    let simulator = Simulator::new();
    let (mut mailboxes, mut sessions, mut failing) = (0, 0, Vec::new());
    let (mut done, mut lived) = (0, Duration::ZERO);
    for seed in first..first.saturating_add(worlds) {
        let twice = args.twice_every > 0 && seed.is_multiple_of(args.twice_every);
        let outcome = match twice {
            true => simulator.outcome_twice(seed),
            false => simulator.outcome(seed),
        };
        done += 1;
        mailboxes += outcome.mailboxes;
        sessions += outcome.sessions;
        lived += outcome.virtual_time;
        let failures = outcome.failures;
        if failures.is_empty() {
            continue;
        }
        for failure in failures.iter().take(5) {
            println!("seed {seed}: {}: {}", failure.check, failure.message);
        }
        println!("seed {seed}: again with: simulation --seed {seed} --verbose");
        failing.push(seed);
        if failing.len() as u64 >= args.failures {
            break;
        }
    }
    println!(
        "{} hours of their time passed in these worlds",
        lived.as_secs() / 3_600
    );
    println!(
        "long: simulation: {done} worlds, seeds {first}..={}, {mailboxes} mailboxes, \
         {sessions} sessions, {} failures, {:.0} s",
        first + done - 1,
        failing.len(),
        began.elapsed().as_secs_f64(),
    );
    ExitCode::from(u8::from(!failing.is_empty()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it took on this machine is what is to be told"
)]
fn now() -> Instant {
    Instant::now()
}
