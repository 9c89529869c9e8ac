//! WebAssembly instructions that a decision takes, which are the same on every machine:
//! `cargo bench -p vrfy --bench instructions`, or with `-- POLICY.wasm ...` beside those of other
//! policies, with the ratio to the built-in one.

use std::path::PathBuf;

use vrfy::policy::{EngineOptions, Policy, PolicyEngine, measure::LiveInstance};

mod evidence;

fn main() {
    // cargo adds `--bench`.
    let files = std::env::args().skip(1).filter(|it| it != "--bench");
    let engine = PolicyEngine::new(EngineOptions {
        counting: true,
        ..EngineOptions::default()
    });
    let engine = engine.expect("an engine");
    let built_in = Policy::built_in(&engine).expect("it loads");
    let others: Vec<Policy> = files
        .map(|file| load(&engine, PathBuf::from(file)))
        .collect();
    for (name, evidence) in evidence::all(&built_in) {
        let own = count(&built_in, &evidence);
        print!("{name:36} {own:>9}");
        for policy in &others {
            let other = count(policy, &evidence);
            // Far below 2^52, so that nothing is lost.
            let ratio = own as f64 / other as f64;
            print!("  {other:>9} {ratio:>5.2}");
        }
        println!();
    }
}

fn load(engine: &PolicyEngine, file: PathBuf) -> Policy {
    let bytes = std::fs::read(&file).expect("a policy can be read");
    Policy::load(engine, &bytes, &file.to_string_lossy()).expect("a policy loads")
}

fn count(policy: &Policy, evidence: &vrfy_proto::evidence::Evidence) -> u64 {
    let mut live = LiveInstance::new(policy).expect("it starts");
    live.count(evidence).expect("it decides").1
}
