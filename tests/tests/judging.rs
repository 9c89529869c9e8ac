//! What a hostile server did, through the edge of the policy runtime: every seed of the fuzzing
//! target `judge`, whole, cut short and changed, becomes evidence that the built-in policy decides
//! without a fault, and within the contract.

use vrfy::policy::{EngineOptions, Policy, PolicyEngine, resolve};
use vrfy_fuzz::{JUDGE, judging, seeds};
use vrfy_proto::evidence::Setting;

/// Every so many bytes a seed is cut and changed; a prime, so that all places of a line come up.
const STEP: usize = 13;

/// Bytes that make another reply, another line or another mark of a session.
const CHANGES: [u8; 4] = [0xff, b'4', b'\n', 0];

#[test]
fn evidence_of_any_server_is_decided_without_a_fault() {
    let engine = PolicyEngine::new(EngineOptions::default()).unwrap();
    let policy = Policy::built_in(&engine).unwrap();
    let settings = resolve(policy.manifest(), &[]).unwrap();
    let mut decided = 0;
    for (name, seed) in seeds::of(JUDGE)
        .into_iter()
        .chain(seeds::regressions(JUDGE))
    {
        decide(&policy, &settings, &name, &seed);
        for at in (0..seed.len()).step_by(STEP) {
            decide(&policy, &settings, &name, &seed[..at]);
            let mut changed = seed.clone();
            changed[at] = CHANGES[at / STEP % CHANGES.len()];
            decide(&policy, &settings, &name, &changed);
            decided += 2;
        }
    }
    assert!(decided > 1000, "only {decided} pieces of evidence");
}

fn decide(policy: &Policy, settings: &[Setting], name: &str, input: &[u8]) {
    let evidence = judging::evidence(input, settings.to_vec());
    match policy.decide(&evidence) {
        Ok(decision) => judging::check_decision(&evidence, &decision),
        Err(fault) => panic!("{name}, {}: {fault}", input.escape_ascii()),
    }
}
