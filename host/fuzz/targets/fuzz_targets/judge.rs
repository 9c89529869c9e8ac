#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use vrfy::policy::{EngineOptions, Policy, PolicyEngine, PolicyLimits, resolve};
use vrfy_fuzz::judging;

static POLICY: OnceLock<Policy> = OnceLock::new();

fn load() -> Policy {
    let limits = PolicyLimits {
        // The machine may be busy; what an input may take is libFuzzer's to say.
        decision: Duration::from_secs(60),
        ..PolicyLimits::default()
    };
    let options = EngineOptions {
        limits,
        ..EngineOptions::default()
    };
    let engine = PolicyEngine::new(options).expect("this machine runs WebAssembly");
    Policy::built_in(&engine).expect("the built-in policy loads")
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let policy = POLICY.get_or_init(load);
    let settings = resolve(policy.manifest(), &[]).expect("defaults are allowed");
    let evidence = judging::evidence(input, settings);
    let decision = policy
        .decide(&evidence)
        .expect("the policy keeps its rules");
    judging::check_decision(&evidence, &decision);
    let again = policy
        .decide(&evidence)
        .expect("the policy keeps its rules");
    assert_eq!(again, decision);
});
