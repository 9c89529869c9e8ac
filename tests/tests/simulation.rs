//! Simulated worlds: the fast part. `tests/src/bin/simulation.rs` runs as many as wanted.

use vrfy_tests::simulation::{Simulator, World, checks, mutants};

/// Worlds that are run every time; chosen by nobody, so that they hold a bit of everything.
const SEEDS: std::ops::Range<u64> = 1..301;

/// Seeds that failed once, each with what it showed.
const REGRESSIONS: &str = include_str!("../data/simulation/regressions.txt");

fn regressions() -> Vec<u64> {
    let lines = REGRESSIONS.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first_word = |line: &str| line.split(' ').next().and_then(|word| word.parse().ok());
    lines
        .map(|line| first_word(line).unwrap_or_else(|| panic!("no seed: {line:?}")))
        .collect()
}

fn hold_in(seeds: impl Iterator<Item = u64>) {
    let simulator = Simulator::new();
    let mut told = Vec::new();
    for seed in seeds {
        for failure in simulator.outcome(seed).failures {
            told.push(format!(
                "seed {seed}: {}: {}",
                failure.check, failure.message
            ));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_promises_hold_in_worlds_of_all_kinds() {
    hold_in(SEEDS);
}

#[test]
fn the_promises_hold_in_worlds_that_broke_them_once() {
    hold_in(regressions().into_iter());
}

#[test]
fn a_seed_is_a_world() {
    let simulator = Simulator::new();
    for seed in SEEDS.take(60) {
        let failures = simulator.outcome_twice(seed).failures;
        assert!(failures.is_empty(), "seed {seed}: {failures:?}");
    }
}

#[test]
fn every_check_notices_its_fault() {
    let simulator = Simulator::new();
    for (fault, check, put_in) in mutants::FAULTS {
        assert!(
            checks::CHECKS.iter().any(|(name, _)| name == check),
            "{check}"
        );
        let found = SEEDS.clone().find_map(|seed| {
            let mut observed = simulator.observe(World::of_seed(seed));
            put_in(&mut observed).then(|| (seed, checks::all(&observed)))
        });
        let (seed, failures) = found.unwrap_or_else(|| panic!("{fault}: no world to put it into"));
        let is_noticed = failures.iter().any(|failure| failure.check == *check);
        assert!(
            is_noticed,
            "{fault} (seed {seed}) is not noticed by {check:?}: {failures:?}"
        );
    }
}

#[test]
fn every_check_has_a_fault() {
    for (check, _) in checks::CHECKS {
        let is_tried = mutants::FAULTS.iter().any(|(_, name, _)| name == check);
        assert!(is_tried, "nothing shows that {check:?} can fail");
    }
}

#[test]
fn the_worlds_are_not_all_alike() {
    let simulator = Simulator::new();
    let outcomes: Vec<_> = SEEDS.map(|seed| simulator.outcome(seed)).collect();
    let sessions: usize = outcomes.iter().map(|outcome| outcome.sessions).sum();
    let quiet = outcomes
        .iter()
        .filter(|outcome| outcome.sessions == 0)
        .count();
    assert!(sessions > 3 * outcomes.len(), "{sessions} sessions");
    assert!(
        quiet < outcomes.len() / 4,
        "{quiet} worlds without a session"
    );
}
