//! Who is on an exclusion list is not asked: not looked up, or not connected to.

use std::fs;

use serde_json::Value;
use vrfy_lab::Report;
use vrfy_tests::program::{Outcome, Run};

use crate::watched::run_watched;

/// Exchanges are numbered in the order of the file: mx.keepout.test has 127.77.0.1.
const SCENARIO: &str = r#"
[[exchange]]
name = "mx.keepout.test"

[[exchange]]
name = "mx.spare.test"

[[domain]]
name = "served.test"
mx = ["10 mx.keepout.test"]
mailboxes = [{ name = "ana" }, { name = "bob" }]

[[domain]]
name = "spare.test"
mx = ["10 mx.keepout.test", "20 mx.spare.test"]
mailboxes = [{ name = "ana" }]

[[domain]]
name = "alias.test"
cname = "served.test"
"#;

/// Checks these addresses with this list.
fn check(list: &str, addresses: &[&str]) -> (Outcome, Report) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("optout.txt");
    fs::write(&file, list).unwrap();
    run_watched(SCENARIO, |run| {
        let run = run.args(["check", "--json", "--exclude"]).args([&file]);
        run.args(addresses)
    })
}

/// The entry that the record tells of, and its line.
fn told(record: &Value) -> String {
    let facts = record["facts"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["name"] == "excluded");
    let value = fact.unwrap()["value"].as_str().unwrap();
    let (entry, place) = value.split_once(" (").unwrap();
    let (file, line) = place.rsplit_once(" line ").unwrap();
    assert!(file.ends_with("optout.txt"), "{value}");
    format!("{entry}, line {}", line.trim_end_matches(')'))
}

fn asked(report: &Report, exchange: &str) -> u64 {
    report.exchanges[exchange].sessions
}

#[test]
fn an_excluded_mailbox_or_domain_is_neither_looked_up_nor_connected_to() {
    let hash = "8e43ca37701228e74983efdbd0cff5c16b3b1e5d4e29a7c05626d4d25a018e11";
    let list = format!("Ana@SERVED.test # by letter\n.spare.test\nsha256:{hash}\n127.77.0.0/16\n");
    let addresses = [
        "ana@served.test",
        "ana@spare.test",
        "ana@example.com",
        "ana@[127.77.0.2]",
    ];
    let (outcome, report) = check(&list, &addresses);
    let outcome = outcome.exits(0);
    let entries = [
        "ana@served.test, line 1",
        ".spare.test, line 2",
        "ana@example.com, line 3",
        "127.77.0.0/16, line 4",
    ];
    for (address, entry) in addresses.iter().zip(entries) {
        let record = outcome.record(address);
        assert_eq!(record["status"], "unknown", "{record:#}");
        assert_eq!(record["reason"], "excluded", "{record:#}");
        assert_eq!(told(&record), entry, "{record:#}");
        assert_eq!(record["lookups"], Value::Array(Vec::new()), "{record:#}");
        assert_eq!(record["attempts"], Value::Array(Vec::new()), "{record:#}");
    }
    assert!(report.questions.is_empty(), "{:?}", report.questions);
    assert!(report.sessions.is_empty(), "{:?}", report.sessions);
}

#[test]
fn an_alias_of_an_excluded_domain_is_looked_up_and_not_connected_to() {
    let (outcome, report) = check("served.test", &["ana@alias.test"]);
    let record = outcome.exits(0).record("ana@alias.test");
    assert_eq!(record["reason"], "excluded", "{record:#}");
    assert_eq!(told(&record), "alias served.test: served.test, line 1");
    assert!(report.sessions.is_empty());
}

#[test]
fn others_beside_an_excluded_mailbox_are_asked() {
    let (outcome, report) = check("ana@served.test", &["ana@served.test", "bob@served.test"]);
    let outcome = outcome.exits(0);
    assert_eq!(outcome.record("ana@served.test")["reason"], "excluded");
    assert_eq!(outcome.record("bob@served.test")["status"], "deliverable");
    assert!(
        report
            .recipients()
            .all(|recipient| recipient != "ana@served.test")
    );
}

#[test]
fn an_excluded_exchange_is_not_connected_to_and_the_next_one_is() {
    for list in [
        "mx:.keepout.test",
        "mx:mx.keepout.test",
        "127.77.0.1",
        "::ffff:127.77.0.0/127",
    ] {
        let (outcome, report) = check(list, &["ana@served.test", "ana@spare.test"]);
        let outcome = outcome.exits(0);
        let record = outcome.record("ana@served.test");
        assert_eq!(record["reason"], "excluded", "{list}: {record:#}");
        assert!(told(&record).starts_with("mx.keepout.test"), "{record:#}");
        assert_eq!(record["because"][0]["cause"]["lookup"], 0, "{record:#}");
        let record = outcome.record("ana@spare.test");
        assert_eq!(record["status"], "deliverable", "{list}: {record:#}");
        let facts = record["lookups"][0]["facts"].to_string();
        assert!(
            facts.contains("mx.keepout.test") && facts.contains("excluded"),
            "{facts}"
        );
        assert_eq!(asked(&report, "mx.keepout.test"), 0);
        assert_eq!(asked(&report, "mx.spare.test"), 1);
    }
}

#[test]
fn with_a_broken_list_nothing_is_sent() {
    let (outcome, report) = check("example.com\n*.served.test\n", &["ana@spare.test"]);
    let outcome = outcome.exits(2).complains("optout.txt line 2: ");
    let _ = outcome.complains("without a *");
    assert!(report.questions.is_empty() && report.sessions.is_empty());
    let missing = Run::plain().args(["check", "ana@x.invalid", "--exclude", "missing.txt"]);
    let _ = missing.run().exits(2).complains("missing.txt");
}

#[test]
fn a_job_adds_to_the_lists_of_the_machine_and_cannot_do_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let [first, second, own] = [
        write("first.txt", "ana@served.test"),
        write("second.txt", "spare.test"),
        write("own.txt", "bob@served.test"),
    ];
    let (outcome, report) = run_watched(SCENARIO, |run| {
        let run = run.env("VRFY_EXCLUDE", &format!("{first}:{second}"));
        let run = run.args(["check", "--json", "--exclude", &own]);
        run.args(["ana@served.test", "bob@served.test", "ana@spare.test"])
    });
    for record in outcome.exits(0).records() {
        assert_eq!(record["reason"], "excluded", "{record:#}");
    }
    assert!(report.questions.is_empty());
}

/// A world in which /etc is empty but for the list; it needs no more than a user namespace.
const OWN_ETC: &str = "mount -t tmpfs none /etc && mkdir /etc/vrfy && \
    echo .served.test >/etc/vrfy/exclusions && \
    exec \"$0\" check --json --resolver 127.0.0.1:53 ana@served.test";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "CI says by a variable that nothing may be skipped"
)]
fn the_list_of_the_machine_needs_no_argument() {
    let can = std::process::Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "mount",
            "-t",
            "tmpfs",
            "none",
            "/etc",
        ])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must be able to mount in a namespace"
        );
        eprintln!("skipped: no namespaces for users here");
        return;
    }
    let program = vrfy_tests::program::program();
    let shell = ["--user", "--map-root-user", "--mount", "sh", "-c", OWN_ETC];
    let outcome = Run::of("unshare").args(shell).args([&program]).run();
    let record = outcome.exits(0).record("ana@served.test");
    assert_eq!(record["reason"], "excluded", "{record:#}");
    assert!(
        record["facts"]
            .to_string()
            .contains("/etc/vrfy/exclusions line 1"),
        "{record:#}"
    );
}
