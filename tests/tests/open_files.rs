//! Few open files: a session that our own machine refuses must not look like trouble at the
//! exchange.

use vrfy_tests::program::{Outcome, Run};

fn run(limit: &str, sessions: u32) -> Outcome {
    let sessions = format!("--sessions={sessions}");
    Run::under_limit(limit)
        .args(["run", "-", "--quiet", "--format=jsonl", &sessions])
        .input("ana@shop.invalid")
        .run()
        .exits(0)
}

#[test]
fn a_run_raises_the_limit_to_what_its_sessions_need() {
    let outcome = run("-S -n 64", 200);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.records().len(), 1);
}

#[test]
fn where_the_limit_cannot_be_raised_the_run_is_smaller_and_says_so() {
    let outcome = run("-n 64", 200);
    assert_eq!(outcome.records().len(), 1);
    let outcome = outcome.complains("allows 16 sessions at once, not 200");
    let _ = outcome.complains("raise it to 648 (ulimit -Hn");
}

#[test]
fn a_lab_without_enough_files_names_the_remedy() {
    let outcome = Run::under_limit("-n 256")
        .args(["lab", "examples/lab/load.toml", "--", "true"])
        .run();
    let _ = outcome.exits(5).complains("raise `ulimit -n`");
}
