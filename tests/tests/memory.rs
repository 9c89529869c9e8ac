//! A hundred servers at once that send as much as they can, and a program that may not grow.
//!
//! Method: `ulimit -d` makes every allocation beyond it fail, which ends the program; what it needs
//! for a hundred sessions with good servers is three quarters of that, the pool of policy instances
//! above all.

use vrfy_tests::program::{Run, program};

/// KiB of data that the program may have.
const DATA_MAX: u32 = 200_000;

/// Probes a hundred mailboxes at as many exchanges in a hundred sessions; the statuses.
fn statuses(kind: &str) -> Vec<String> {
    let list: Vec<String> = (1..=100)
        .map(|number| format!("user{number}@d{number}.{kind}.test"))
        .collect();
    let line = format!("ulimit -d {DATA_MAX} && exec \"$0\" \"$@\"");
    let outcome = Run::plain()
        .args([
            "lab",
            "tests/data/lab/flood.toml",
            "--",
            "bash",
            "-c",
            &line,
        ])
        .args([program()])
        .args(["run", "-", "--format=jsonl", "--quiet", "--rounds=1"])
        .args(["--sessions=100"])
        .input(list.join("\n"))
        .run()
        .exits(0);
    let records = outcome.records();
    let statuses = records.iter().map(|record| {
        let status = record["status"].as_str();
        status.unwrap_or_default().to_owned()
    });
    statuses.collect()
}

#[test]
fn a_hundred_lines_of_gigabytes_do_not_fit_and_do_no_harm() {
    assert_eq!(statuses("flood"), vec!["unknown"; 100]);
}

#[test]
fn the_same_limit_is_enough_for_a_hundred_good_servers() {
    assert_eq!(statuses("calm"), vec!["deliverable"; 100]);
}
