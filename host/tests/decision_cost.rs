//! What decisions of the built-in policy may cost, in WebAssembly instructions: the same on every
//! machine, unlike their time. `cargo bench -p vrfy --bench instructions` prints the figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use vrfy::policy::{EngineOptions, Policy, PolicyEngine, measure::LiveInstance};

#[path = "../benches/evidence/mod.rs"]
mod evidence;

/// Instructions of the first policy that was built in, call by call. It knew 92 rules.
const FIRST: [(&str, u64); 6] = [
    ("the first call, nothing asked yet", 4_947),
    ("refused as unknown, in four lines", 84_873),
    ("accepted beside a decoy", 85_528),
    ("blocked, in words of many lines", 128_445),
    ("greylisted for the fourth time", 86_250),
    ("unknown user in Russian", 58_807),
];

/// A decision may cost so many times what it cost then: knowledge of replies may grow, and a list
/// of millions must not wait for it.
const TIMES_MAX: u64 = 2;

#[test]
fn a_decision_costs_at_most_twice_what_it_cost_first() {
    let engine = PolicyEngine::new(EngineOptions {
        counting: true,
        ..EngineOptions::default()
    });
    let policy = Policy::built_in(&engine.unwrap()).unwrap();
    let all = evidence::all(&policy);
    assert_eq!(all.len(), FIRST.len());
    for ((name, evidence), (first_name, first)) in all.iter().zip(FIRST) {
        assert_eq!(*name, first_name);
        let count = || {
            let mut live = LiveInstance::new(&policy).unwrap();
            live.count(evidence).unwrap().1
        };
        let instructions = count();
        assert_eq!(count(), instructions, "{name}: the same every time");
        assert!(
            instructions <= first * TIMES_MAX,
            "{name}: {instructions} instructions, {first} at first"
        );
    }
}
