//! Policies that misbehave: a file that is none is refused before anything is sent; a fault while
//! running is recorded, and is never a verdict about a mailbox.

use serde_json::Value;
use vrfy_tests::hostile::Hostile;
use vrfy_tests::program::{Outcome, Run};

/// Starts `vrfy` with a policy, in the lab.
fn with_policy(guest: Hostile, arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let policy = guest.write(folder.path()).unwrap();
    let run = Run::in_lab("first").args(arguments).args(["--policy"]);
    run.args([policy]).run()
}

const CHECK: [&str; 3] = ["check", "--json", "ana@ordinary.test"];

/// What each file that is no policy is told: the cause, and what to do about it.
const NO_POLICIES: [(Hostile, &str, &str); 8] = [
    (
        Hostile::ImportsWasi,
        "it imports wasi:clocks/wall-clock",
        "gets nothing from its host",
    ),
    (
        Hostile::CoreModule,
        "it is a core module",
        "wasm-tools component new",
    ),
    (
        Hostile::Truncated,
        "it is cut off",
        "copy or download it again",
    ),
    (
        Hostile::OtherWorld,
        "does not export vrfy:policy",
        "build it for the world",
    ),
    (
        Hostile::NotWasm,
        "it is not WebAssembly",
        "give the .wasm file",
    ),
    (Hostile::Empty, "it is empty", "build the policy again"),
    (Hostile::TrapsInDescribe, "trapped", "report this"),
    (
        Hostile::LoopsInDescribe,
        "did not answer within",
        "endless loop",
    ),
];

#[test]
fn a_file_that_is_no_policy_is_refused_with_cause_and_remedy() {
    for (guest, cause, remedy) in NO_POLICIES {
        let outcome = with_policy(guest, &CHECK).exits(4);
        assert_eq!(outcome.stdout, "", "{guest:?}");
        let file = format!("{guest:?}.wasm");
        for words in [cause, remedy, &file] {
            let times = outcome.stderr.matches(words).count();
            assert_eq!(times, 1, "{words:?} is there {times} times in {outcome:#?}");
        }
    }
}

/// How each guest that fails while it decides is recorded: the kind of fault, and its remedy.
const FAULTS: [(Hostile, &str, &str); 5] = [
    (Hostile::Loops, "did not answer within", "endless loop"),
    (Hostile::Traps, "it trapped", "report this"),
    (Hostile::GrowsMemory, "bytes of memory", "look for a leak"),
    (
        Hostile::OverflowsStack,
        "used up its stack",
        "recursion without end",
    ),
    (
        Hostile::ReturnsMegabytes,
        "it returned more than",
        "shorten its texts",
    ),
];

fn assert_fault(record: &Value, cause: &str, remedy: &str) {
    let message = record["fault"]["message"].as_str();
    let message = message.unwrap_or_else(|| panic!("no fault in {record:#}"));
    assert!(
        message.contains(cause) && message.contains(remedy),
        "{record:#}"
    );
    let digest = record["fault"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{record:#}");
}

#[test]
fn a_fault_is_recorded_and_the_rest_of_the_run_goes_on() {
    for (guest, cause, remedy) in FAULTS {
        let two = ["check", "--json", "ana@ordinary.test", "bob@full.test"];
        let outcome = with_policy(guest, &two).exits(0);
        let records = outcome.records();
        assert_eq!(records.len(), 2, "{outcome:#?}");
        for record in records {
            assert_eq!(record["status"], "unknown", "{guest:?}: {record:#}");
            assert_eq!(record["reason"], "policy-fault");
            assert_eq!(record["confidence"], 0);
            assert_fault(&record, cause, remedy);
        }
    }
}

#[test]
fn the_built_in_policy_takes_over_where_the_operator_wants_it() {
    let arguments = [&CHECK[..], &["--on-policy-fault", "built-in"]].concat();
    for (guest, cause, remedy) in FAULTS {
        let record = with_policy(guest, &arguments)
            .exits(0)
            .record("ana@ordinary.test");
        assert_eq!(record["status"], "deliverable", "{guest:?}: {record:#}");
        assert_eq!(
            record["policy"]["name"], "default",
            "the record names who judged"
        );
        assert_ne!(record["policy"]["digest"], record["fault"]["digest"]);
        assert_fault(&record, cause, remedy);
    }
}

#[test]
fn a_fault_ends_the_run_where_the_operator_wants_it() {
    let arguments = [&CHECK[..], &["--on-policy-fault", "stop"]].concat();
    let record = with_policy(Hostile::Traps, &arguments)
        .exits(6)
        .record("ana@ordinary.test");
    assert_fault(&record, "it trapped", "report this");

    let folder = tempfile::tempdir().unwrap();
    let policy = Hostile::Traps.write(folder.path()).unwrap();
    let run = Run::plain().args(["run", "-", "--on-policy-fault", "stop", "--policy"]);
    let outcome = run.args([policy]).input("x\ny\n").run().exits(6);
    let outcome = outcome
        .complains("stopped by a policy fault: ")
        .complains("it trapped");
    let _ = outcome.complains("later lines have no record");
}

#[test]
fn a_person_reads_cause_and_remedy_of_a_fault() {
    let outcome = with_policy(Hostile::Traps, &["check", "ana@ordinary.test"]).exits(0);
    let outcome = outcome.says("? ana@ordinary.test stays unknown");
    let _ = outcome.says("no policy judged this").says("  Fault     ");
}

#[test]
fn a_policy_file_is_shown_or_refused_by_vrfy_policy() {
    let folder = tempfile::tempdir().unwrap();
    let show = |guest: Hostile| {
        let file = guest.write(folder.path()).unwrap();
        Run::plain().args(["policy"]).args([file]).run()
    };
    let _ = show(Hostile::No).exits(0).says("Reasons");
    let refused = show(Hostile::CoreModule)
        .exits(4)
        .complains("it is a core module");
    assert!(!refused.stderr.contains("--policy"), "{refused:#?}");
    let missing = Run::plain().args(["policy", "no/such.wasm"]).run().exits(4);
    let _ = missing.complains("cannot read the policy no/such.wasm");
}
