//! One bad row never stops a list, and says what is wrong with it.

use serde_json::Value;
use vrfy_tests::program::{Outcome, Run};

fn run(input: impl Into<Vec<u8>>, arguments: &[&str]) -> Outcome {
    let run = Run::in_lab("first").args(["run", "-", "--quiet"]);
    run.args(arguments).input(input).run().exits(0)
}

fn of_line(outcome: &Outcome, line: u64) -> Value {
    let mut records = outcome.records().into_iter();
    let found = records.find(|record| record["input"]["line"] == line);
    found.unwrap_or_else(|| panic!("no record of line {line} in {outcome:#?}"))
}

/// The row of this line gave no address, for this reason and in these words.
fn assert_bad_row(outcome: &Outcome, line: u64, problem: &str, words: &str) {
    let record = of_line(outcome, line);
    assert_eq!(record["status"], "unknown", "{record:#}");
    assert_eq!(record["reason"], "input-invalid", "{record:#}");
    assert_eq!(record["facts"][0]["value"], problem, "{record:#}");
    let message = record["facts"][1]["value"].as_str().unwrap();
    assert!(message.contains(words), "no {words:?} in {record:#}");
}

/// The row of this line is an address that breaks the grammar.
fn assert_bad_address(outcome: &Outcome, line: u64, words: &str) {
    let record = of_line(outcome, line);
    assert_eq!(record["status"], "undeliverable", "{record:#}");
    assert_eq!(record["reason"], "address-invalid", "{record:#}");
    assert_eq!(record["attempts"], Value::Array(Vec::new()));
    let text = record["because"][0]["text"].as_str().unwrap();
    assert!(text.contains(words), "no {words:?} in {record:#}");
}

fn assert_deliverable(outcome: &Outcome, line: u64) {
    let record = of_line(outcome, line);
    assert_eq!(record["status"], "deliverable", "{record:#}");
}

#[test]
fn bad_lines_of_a_plain_list_have_their_records_and_the_good_ones_theirs() {
    let mut list = b"jos\xe9@ordinary.test\n".to_vec();
    list.extend(vec![b'a'; 10 * 1024 * 1024]);
    list.extend(b"\nana@ordinary.test\nana@ordinary.test\0\n");
    list.extend(b"ana@ordinary.test\rRCPT TO:<bob@ordinary.test>\n");
    list.extend("no-domain\n@ordinary.test\nana@@ordinary.test\nana@ordinary..test\n".bytes());
    list.extend(format!("{}@ordinary.test\nana@ordinary.test", "a".repeat(65)).bytes());
    let outcome = run(list, &[]);
    assert_eq!(outcome.records().len(), 11);
    assert_bad_row(&outcome, 1, "invalid-utf8", "line 1, column 4");
    assert_bad_row(&outcome, 2, "line-too-long", "10485760 octets");
    assert_deliverable(&outcome, 3);
    assert_bad_address(&outcome, 4, "control character");
    assert_bad_address(&outcome, 5, "control character");
    for line in 6..=9 {
        assert_bad_address(&outcome, line, "");
    }
    assert_bad_address(&outcome, 10, "64");
    assert_deliverable(&outcome, 11);
    assert!(
        outcome.stdout.len() < 100_000,
        "a bad row is shown by its beginning"
    );
}

#[test]
fn a_line_end_inside_an_address_is_never_sent() {
    let list = "{\"address\":\"ana@ordinary.test\\r\\nRCPT TO:<bob@ordinary.test>\"}\n\
                {\"address\":\"\\\"a\\u0000b\\\"@ordinary.test\"}\n";
    let outcome = run(list, &["--input-format", "jsonl", "--transcript"]);
    assert_bad_address(&outcome, 1, "control character");
    assert_bad_address(&outcome, 2, "control character");
    assert!(!outcome.stdout.contains("C: RCPT"), "{outcome:#?}");
}

#[test]
fn bad_lines_of_json_lines_have_their_records_and_the_good_ones_theirs() {
    let list = "{\"email\":\"ana@ordinary.test\"}\n{\"email\":\n[1]\n{\"mail\":\"x\"}\n\
                {\"email\":7}\n{\"email\":\"ana@ordinary.test\"} x\n\
                {\"email\":\"ana@ordinary.test\"}";
    let outcome = run(list, &[]);
    assert_eq!(outcome.records().len(), 7);
    assert_bad_row(&outcome, 2, "json-malformed", "line 2, column");
    assert_bad_row(&outcome, 3, "json-not-an-object", "one object a line");
    assert_bad_row(&outcome, 4, "json-field-missing", "--column");
    assert_bad_row(&outcome, 5, "json-field-not-text", "as a string");
    assert_bad_row(&outcome, 6, "json-malformed", "line 6, column");
    assert_deliverable(&outcome, 1);
    assert_deliverable(&outcome, 7);
}

#[test]
fn bad_records_of_csv_have_their_records_and_the_good_ones_theirs() {
    let list = "email,name\nana@ordinary.test\nana@ordinary.test,Ana,7\n\
                \"ana\"@ordinary.test,Ana\nana@ordinary.test,\"A\nB\"\n";
    let outcome = run(list, &[]);
    assert_eq!(outcome.records().len(), 4);
    assert_bad_row(
        &outcome,
        2,
        "csv-field-count",
        "1 fields where the header has 2",
    );
    assert_bad_row(&outcome, 3, "csv-field-count", "3 fields");
    assert_bad_row(&outcome, 4, "csv-text-after-quote", "line 4");
    assert_deliverable(&outcome, 5);
    assert_eq!(of_line(&outcome, 5)["input"]["columns"]["name"], "A\nB");
}

#[test]
fn a_table_tells_what_is_wrong_with_a_bad_row() {
    let outcome = run("email,name\nana@ordinary.test\n", &["--format", "table"]);
    let _ = outcome
        .says("input-invalid")
        .says("line 2: 1 fields where the header");
}
