//! `vrfy run`: lists of every format in, records of every format out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use vrfy_tests::program::{Outcome, Run};

/// A folder with one file.
fn folder_with(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn run(arguments: &[&str]) -> Run {
    Run::in_lab("first")
        .args(["run", "--quiet"])
        .args(arguments)
}

/// Addresses and statuses.
fn told(outcome: &Outcome) -> BTreeSet<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let records = outcome.records().into_iter();
    records
        .map(|record| (text(&record["address"]), text(&record["status"])))
        .collect()
}

fn expected() -> BTreeSet<(String, String)> {
    let known = [
        ("ana@ordinary.test", "deliverable"),
        ("nobody@ordinary.test", "undeliverable"),
    ];
    known
        .map(|(address, status)| (address.to_owned(), status.to_owned()))
        .into()
}

const CSV: &str = "name,mail,note\nAna,ana@ordinary.test,\"a, b\"\nNo,nobody@ordinary.test,\n";

const JSON_LINES: &str = "\
{\"name\":\"Ana\",\"mail\":\"ana@ordinary.test\",\"tags\":[1,2]}
{\"name\":\"No\",\"mail\":\"nobody@ordinary.test\",\"note\":null}
";

#[test]
fn plain_lines_come_from_a_file_or_from_standard_input() {
    let text = "# people\nana@ordinary.test\n\n  nobody@ordinary.test\r\n";
    let (_folder, list) = folder_with("list.txt", text);
    assert_eq!(told(&run(&[&list]).run().exits(0)), expected());
    assert_eq!(told(&run(&["-"]).input(text).run().exits(0)), expected());
}

#[test]
fn the_column_of_a_csv_list_has_a_name_or_a_number() {
    let (_folder, list) = folder_with("list.csv", CSV);
    for column in ["mail", "2"] {
        let outcome = run(&[&list, "--column", column]).run().exits(0);
        assert_eq!(told(&outcome), expected(), "column {column}");
    }
    let piped = run(&["-", "--input-format", "csv", "--column", "mail"]).input(CSV);
    assert_eq!(told(&piped.run().exits(0)), expected());
}

#[test]
fn other_columns_are_carried_into_json_lines() {
    let (_folder, list) = folder_with("list.csv", CSV);
    let outcome = run(&[&list, "--column", "mail"]).run().exits(0);
    let input = &outcome.record("ana@ordinary.test")["input"];
    assert_eq!(input["line"], 2);
    assert_eq!(input["columns"]["name"], "Ana");
    assert_eq!(input["columns"]["note"], "a, b");

    let outcome = run(&["-", "--column", "mail"])
        .input(JSON_LINES)
        .run()
        .exits(0);
    assert_eq!(told(&outcome), expected());
    let input = &outcome.record("ana@ordinary.test")["input"];
    assert_eq!(input["columns"]["tags"], serde_json::json!([1, 2]));
}

#[test]
fn other_columns_are_carried_into_csv() {
    let (_folder, list) = folder_with("list.csv", CSV);
    let outcome = run(&[&list, "--column", "mail", "--format", "csv"])
        .run()
        .exits(0);
    let header = outcome.stdout.lines().next().unwrap();
    assert!(
        header.starts_with("\"address\",\"status\",\"reason\","),
        "{outcome:#?}"
    );
    assert!(header.ends_with(",\"name\",\"note\""), "{outcome:#?}");
    let ana = outcome.stdout.lines().find(|line| line.contains("\"ana@"));
    assert!(ana.unwrap().ends_with(",\"Ana\",\"a, b\""), "{outcome:#?}");

    let format = ["-", "--column", "mail", "--format", "csv"];
    let outcome = run(&format).input(JSON_LINES).run().exits(0);
    let ana = outcome.stdout.lines().find(|line| line.contains("\"ana@"));
    assert!(ana.unwrap().contains("\"\"tags\"\":[1,2]"), "{outcome:#?}");
}

/// A table is for eyes: it tells the answer, and leaves the columns of the list to the list.
#[test]
fn a_table_has_a_line_for_each_address() {
    let outcome = run(&["-", "--column", "mail", "--format", "table"]).input(JSON_LINES);
    let outcome = outcome
        .run()
        .exits(0)
        .says("✓ deliverable    ana@ordinary.test");
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome:#?}");
    let _ = outcome
        .says("✗ undeliverable  nobody@ordinary.test")
        .says("550 5.1.1");
}

#[test]
fn no_cell_of_csv_output_starts_a_formula() {
    let list = "address,=name\nana@ordinary.test,=1+1\n@SUM(A1),+1\n=cmd|' /C calc'!A0,-1\n";
    let outcome = run(&["-", "--format", "csv"]).input(list).run().exits(0);
    assert!(outcome.stdout.contains("\"'=1+1\""), "{outcome:#?}");
    for cell in outcome
        .stdout
        .split("\",\"")
        .flat_map(|part| part.split("\"\n\""))
    {
        let cell = cell.trim_start_matches('"');
        assert!(
            !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
            "{cell:?}: {outcome:#?}"
        );
    }
}

#[test]
fn an_output_file_is_not_replaced_without_force() {
    let (_folder, file) = folder_with("verdicts.jsonl", "hours of work\n");
    let to_file = |more: &[&str]| run(&["-", "--output", &file]).args(more).input("x\n").run();
    let kept = to_file(&[]).exits(3);
    assert_eq!(
        kept.stderr.matches("exists already").count(),
        1,
        "{kept:#?}"
    );
    assert!(kept.stderr.contains("--force"), "{kept:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "hours of work\n");

    let replaced = to_file(&["--force"]).exits(0);
    assert_eq!(replaced.stdout, "");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("{\"address\":\"x\",") && text.ends_with("}\n"),
        "{text}"
    );
}

#[test]
fn the_list_is_never_replaced_by_its_records() {
    let (folder, list) = folder_with("list.txt", "x\n");
    let link = folder.path().join("link.txt");
    fs::hard_link(&list, &link).unwrap();
    for output in [list.as_str(), link.to_str().unwrap()] {
        let run = Run::plain().args(["run", &list, "--force", "--output", output]);
        let _ = run.run().exits(3).complains("is the list itself");
        assert_eq!(fs::read_to_string(&list).unwrap(), "x\n");
    }
}

#[test]
fn an_output_file_that_cannot_be_created_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let missing = Path::new(folder).join("no/such.jsonl");
    for file in [folder, missing.to_str().unwrap()] {
        let run = Run::plain().args(["run", "-", "--force", "--output", file]);
        let outcome = run.input("x\n").run().exits(3);
        let told = format!("cannot create `{file}`");
        assert_eq!(outcome.stderr.matches(&told).count(), 1, "{outcome:#?}");
        assert_eq!(
            outcome.stderr.matches("os error").count(),
            1,
            "{outcome:#?}"
        );
    }
}

#[test]
fn a_list_that_cannot_be_read_is_named_with_the_remedy() {
    let (_folder, csv) = folder_with("list.csv", CSV);
    let (_empty_folder, empty) = folder_with("empty.csv", "");
    let (_array_folder, array) = folder_with("list.json", "[{\"mail\":\"x\"}]");
    let (_wide_folder, wide) = folder_with("list.txt", "x");
    fs::write(&wide, b"\xff\xfea\0n\0a\0").unwrap();
    let columns = "1 \"name\", 2 \"mail\", 3 \"note\"";
    let cases: [(&[&str], &[&str]); 7] = [
        (
            &[&csv, "--column", "nope"],
            &["no column \"nope\"", columns],
        ),
        (&[&csv], &["--column", columns]),
        (&["tests"], &["tests is a directory"]),
        (&["no/such.txt"], &["no/such.txt does not exist"]),
        (&[&empty], &["is empty"]),
        (&[&array], &["JSON array", "jq -c"]),
        (&[&wide], &["text in UTF-16", "iconv"]),
    ];
    for (arguments, words) in cases {
        let outcome = Run::plain().args(["run"]).args(arguments).run().exits(3);
        assert_eq!(outcome.stdout, "");
        for word in words {
            let times = outcome.stderr.matches(word).count();
            assert_eq!(times, 1, "{word:?} is there {times} times in {outcome:#?}");
        }
    }
}

#[test]
fn a_list_without_rows_is_a_success_without_records() {
    for list in ["", "\n\n# nobody\n"] {
        let outcome = Run::plain().args(["run", "-"]).input(list).run().exits(0);
        assert_eq!(outcome.stdout, "");
        let _ = outcome.complains("0 addresses");
    }
}

#[test]
fn progress_counts_verdicts_on_standard_error_unless_told_to_be_quiet() {
    let run = || Run::in_lab("first").args(["run", "-"]);
    let list = "ana@ordinary.test\nnobody@ordinary.test\nana@accept-all.test\nx\n";
    let outcome = run()
        .input(list)
        .run()
        .exits(0)
        .complains("4 addresses in ");
    for (status, count) in [("✓ deliverable", 1), ("✗ undeliverable", 2), ("! risky", 1)] {
        let line = outcome.stderr.lines().find(|line| line.contains(status));
        let told = line.and_then(|line| line.split_whitespace().last()?.parse().ok());
        assert_eq!(told, Some(count), "{status} in {outcome:#?}");
    }
    let quiet = run().args(["--quiet"]).input(list).run().exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.records().len(), 4);
}

#[test]
fn an_address_that_stands_there_twice_is_asked_once_and_answered_twice() {
    let list = "ana@tarpit.test\nana@tarpit.test\nana@TARPIT.test\n";
    let outcome = run(&["-"]).input(list).run().exits(0);
    let mut records = outcome.records();
    records.sort_by_key(|record| record["input"]["line"].as_u64());
    let lines: Vec<_> = records
        .iter()
        .map(|record| &record["input"]["line"])
        .collect();
    assert_eq!(lines, [1, 2, 3]);
    assert_eq!(records[2]["address"], "ana@TARPIT.test", "as it was given");
    for record in &records {
        assert_eq!(
            record["attempts"], records[0]["attempts"],
            "one and the same attempt"
        );
    }
}
