//! Ctrl-C, closed pipes: whatever ends a run early, what was finished is whole, and what was not
//! begun is told.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use vrfy_tests::program::{Outcome, Run};

/// More addresses than are taken up at once, at a server that is slow to answer.
fn long_list() -> String {
    let line = |number: u32| format!("user{number}@tarpit.test\n");
    "x\n".to_owned() + &(0..9_000).map(line).collect::<String>()
}

/// Every line is a whole record, the records are those of the first lines of the list, each once,
/// and where they end is told.
fn assert_whole(text: &str, outcome: &Outcome) -> Vec<Value> {
    assert!(text.ends_with("}\n"), "no half line at the end");
    let parse = |line: &str| serde_json::from_str::<Value>(line).expect("a whole record");
    let records: Vec<Value> = text.lines().map(parse).collect();
    let number = |record: &Value| record["input"]["line"].as_u64();
    let mut lines: Vec<u64> = records.iter().filter_map(number).collect();
    lines.sort_unstable();
    let count = lines.len() as u64;
    assert_eq!(
        lines,
        (1..=count).collect::<Vec<u64>>(),
        "the first lines, each once"
    );
    let told = format!("as far as line {count};");
    assert!(
        outcome.stderr.contains(&told),
        "no {told:?} in {}",
        outcome.stderr
    );
    records
}

#[test]
fn ctrl_c_leaves_whole_records_and_tells_how_far_the_list_was_taken_up() {
    let run = Run::in_lab("first").args(["run", "-", "--quiet"]);
    let running = run.input(long_list()).start();
    running.wait_for("\n");
    running.interrupt();
    let outcome = running.end().exits(130).complains("stopping: ");
    let records = assert_whole(&outcome.stdout, &outcome);
    assert!(records.len() < 9_001, "the list was not at its end");
    let open = records
        .iter()
        .filter(|record| record["status"] != "undeliverable");
    for record in open {
        assert!(
            record["status"] == "pending" || record["reason"] == "interrupted",
            "{record:#}"
        );
    }
}

#[test]
fn ctrl_c_keeps_finished_records_in_the_output_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verdicts.jsonl");
    let run = Run::in_lab("first").args(["run", "-", "--quiet", "--output"]);
    let run = run
        .args([&file])
        .input("ana@ordinary.test\nana@greylist.test\n");
    let running = run.input_stays_open().start();
    let finished = || fs::read_to_string(&file).is_ok_and(|text| text.contains("deliverable"));
    running.wait_until(finished);
    running.interrupt();
    let outcome = running.end().exits(130);
    assert!(outcome.took < Duration::from_secs(10), "{outcome:#?}");
    let text = fs::read_to_string(&file).unwrap();
    let records = assert_whole(&text, &outcome);
    assert_eq!(records[0]["status"], "deliverable", "finished before");
    assert_eq!(records[1]["status"], "pending", "{:#}", records[1]);
}

/// The schedule of the policy stays in force: asking at once would be greylisted again.
#[test]
fn an_interrupted_wait_is_recorded_with_the_time_that_the_policy_set() {
    let run = Run::in_lab("first").args(["check", "--retry", "wait", "--json"]);
    let run = run.args([
        "--set",
        "retry-least=30m",
        "ana@tarpit.test",
        "ana@greylist.test",
    ]);
    let running = run.start();
    // The other one was asked long before the slow server has answered.
    running.wait_for("}\n");
    running.interrupt();
    let record = running.end().exits(130).record("ana@greylist.test");
    assert_eq!(record["status"], "pending", "{record:#}");
    let minute = |field: &str| -> i32 {
        let time = record[field].as_str().unwrap();
        let [hours, minutes] =
            [&time[11..13], &time[14..16]].map(|two| two.parse::<i32>().unwrap());
        hours * 60 + minutes
    };
    let wait = (minute("due") - minute("started")).rem_euclid(24 * 60);
    assert!((29..=31).contains(&wait), "half an hour: {record:#}");
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let list: String = (0..20_000).map(|number| format!("row{number}\n")).collect();
    let line = "\"$0\" run - | head -1; echo \"${PIPESTATUS[0]}\"";
    let outcome = Run::shell("first", line).input(list).run().exits(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{outcome:#?}");
    serde_json::from_str::<Value>(lines[0]).expect("a whole record");
    assert_eq!(lines[1], "0", "{outcome:#?}");
    assert!(!outcome.stderr.contains("roken pipe"), "{outcome:#?}");
    assert!(!outcome.stderr.contains("vrfy: "), "{outcome:#?}");
}

#[test]
fn messages_that_nobody_reads_stop_nothing() {
    let line = "\"$0\" run - 2>&1 >/dev/full | true; echo \"${PIPESTATUS[0]}\"; \
                \"$0\" run - <<<x 2>&1 >/dev/null | true; echo \"${PIPESTATUS[0]}\"";
    let outcome = Run::shell("first", line).input("x\n").run().exits(0);
    assert_eq!(outcome.stdout, "1\n0\n", "{outcome:#?}");
}

#[test]
fn a_full_disk_ends_the_run_and_is_told() {
    let run = Run::plain().args(["run", "-", "--quiet", "--output", "/dev/full"]);
    let outcome = run.input("x\n").run().exits(1);
    assert_eq!(
        outcome.stderr.matches("cannot write a record").count(),
        1,
        "{outcome:#?}"
    );
    assert_eq!(
        outcome.stderr.matches("os error").count(),
        1,
        "{outcome:#?}"
    );
}
