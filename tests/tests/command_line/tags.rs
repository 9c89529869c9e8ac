//! What lists say about an address is told, and changes neither what is asked nor the verdict.

use std::fs;

use serde_json::{Value, json};
use vrfy_lab::Report;
use vrfy_tests::program::{Outcome, Run};

use crate::watched::run_watched;

/// A provider of throw-away mailboxes that is on the built-in list, and a domain of one's own.
const SCENARIO: &str = r#"
[[domain]]
name = "mailinator.com"
mailboxes = [{ name = "ana" }]

[[domain]]
name = "served.test"
mailboxes = [{ name = "ana" }, { name = "info" }]

[[domain]]
name = "yaoo.com"
exchange.greylist_s = 2
mailboxes = [{ name = "ana" }]
"#;

fn check(arguments: &[&str]) -> (Outcome, Report) {
    run_watched(SCENARIO, |run| run.args(["check"]).args(arguments))
}

fn fact<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    let facts = record["facts"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["name"] == name)?;
    fact["value"].as_str()
}

#[test]
fn tags_are_recorded_and_decide_nothing() {
    let (outcome, report) = check(&[
        "--json",
        "ana@served.test",
        "info@served.test",
        "support@served.test",
        "ana@a.mailinator.com",
        "ana@mailinator.com",
        "bob@mailinator.com",
    ]);
    let outcome = outcome.exits(0);
    for (address, status, tags) in [
        ("ana@served.test", "deliverable", json!([])),
        ("info@served.test", "deliverable", json!(["role-account"])),
        // Peers call this one risky, because it is a role.
        (
            "support@served.test",
            "undeliverable",
            json!(["role-account"]),
        ),
        (
            "ana@a.mailinator.com",
            "undeliverable",
            json!(["disposable-domain"]),
        ),
        (
            "ana@mailinator.com",
            "deliverable",
            json!(["disposable-domain"]),
        ),
        (
            "bob@mailinator.com",
            "undeliverable",
            json!(["disposable-domain"]),
        ),
    ] {
        let record = outcome.record(address);
        assert_eq!(record["status"], status, "{record:#}");
        assert_eq!(record["tags"], tags, "{record:#}");
    }
    let asked: Vec<&str> = report.recipients().collect();
    assert!(asked.contains(&"support@served.test"), "{asked:?}");
    assert!(asked.contains(&"bob@mailinator.com"), "{asked:?}");
}

#[test]
fn a_mistyped_provider_is_asked_as_it_is_and_noted() {
    let meant = "Ana.B@gmail.com";
    let (outcome, report) = check(&["--json", "Ana.B@gmial.com"]);
    let record = outcome.exits(0).record("Ana.B@gmial.com");
    assert_eq!(record["reason"], "no-domain", "{record:#}");
    assert_eq!(fact(&record, "did-you-mean"), Some(meant), "{record:#}");
    let names: Vec<String> = report
        .questions
        .iter()
        .map(|one| format!("{one:?}"))
        .collect();
    assert!(
        names.iter().all(|name| !name.contains("gmail.com")),
        "{names:?}"
    );

    // One that is to be asked again has the note too.
    let (outcome, _) = check(&["--json", "ana@yaoo.com"]);
    let record = outcome.exits(0).record("ana@yaoo.com");
    assert_eq!(record["status"], "pending", "{record:#}");
    let meant = Some("ana@yahoo.com");
    assert_eq!(fact(&record, "did-you-mean"), meant, "{record:#}");

    let (outcome, _) = check(&["Ana.B@gmial.com"]);
    let _ = outcome.exits(0).says("did-you-mean: Ana.B@gmail.com");
    let (outcome, _) = check(&["info@mailinator.com"]);
    let _ = outcome.exits(0).says("disposable domain, role account");
}

#[test]
fn own_lists_add_to_the_built_in_ones_or_take_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let customers = format!(
        "customer={}",
        file("customers.txt", "served.test\n!info@served.test\n")
    );
    let roles = format!("role-account={}", file("roles.txt", "ana@\n!info@\n"));
    let own = ["--json", "--tag", &customers, "--tag", &roles];
    let addresses = ["ana@served.test", "info@served.test", "sales@served.test"];
    let (outcome, _) = check(&[&own[..], &addresses].concat());
    let outcome = outcome.exits(0);
    let both = json!(["customer", "role-account"]);
    for (address, tags) in addresses.iter().zip([&both, &json!([]), &both]) {
        assert_eq!(outcome.record(address)["tags"], *tags, "{address}");
    }
    let own = [
        "--no-built-in-tags",
        "--json",
        "--tag",
        &roles,
        "ana@served.test",
    ];
    let (outcome, _) = check(&[&own[..], &["sales@served.test", "ana@gmial.com"]].concat());
    let outcome = outcome.exits(0);
    assert_eq!(
        outcome.record("ana@served.test")["tags"],
        json!(["role-account"])
    );
    assert_eq!(outcome.record("sales@served.test")["tags"], json!([]));
    assert_eq!(fact(&outcome.record("ana@gmial.com"), "did-you-mean"), None);
}

#[test]
fn with_a_broken_list_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.txt");
    fs::write(&path, "served.test\n*.served.test\n").unwrap();
    let list = format!("customer={}", path.display());
    let (outcome, report) = check(&["ana@served.test", "--tag", &list]);
    let _ = outcome
        .exits(2)
        .complains("own.txt line 2: ")
        .complains("without a *");
    assert!(report.questions.is_empty() && report.sessions.is_empty());
    fs::write(&path, b"served.test\n\xff\n").unwrap();
    let (outcome, _) = check(&["ana@served.test", "--tag", &list]);
    let _ = outcome
        .exits(2)
        .complains("own.txt line 2: it is not UTF-8");
    for (argument, complaint) in [("customer=missing.txt", "missing.txt"), ("x", "NAME=FILE")] {
        let run = Run::plain().args(["check", "ana@x.invalid", "--tag", argument]);
        let _ = run.run().exits(2).complains(complaint);
    }
}

#[test]
fn a_spreadsheet_has_tags_and_suggestions() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    fs::write(&list, "info@served.test\nana@gmil.com\n").unwrap();
    let list = list.display().to_string();
    let (outcome, _) = run_watched(SCENARIO, |run| run.args(["run", &list, "--format", "csv"]));
    let outcome = outcome.exits(0).says(r#""tags","did_you_mean""#);
    let row = |address: &str, rest: &str| {
        let begin = format!("\"{address}\",");
        let mut rows = outcome.stdout.lines();
        let row = rows.find(|row| row.starts_with(&begin)).unwrap();
        assert!(row.contains(rest), "{row}");
    };
    row("ana@gmil.com", r#","","ana@gmail.com","default""#);
    row("info@served.test", r#","role-account","","default""#);
}

#[test]
fn caution_is_the_operators_and_is_explained_from_the_record() {
    let cautious = ["--json", "--set", "disposable=risky"];
    let addresses = ["ana@mailinator.com", "bob@mailinator.com", "ana@gmil.com"];
    let (outcome, _) = check(&[&cautious[..], &addresses].concat());
    let outcome = outcome.exits(0);
    let record = outcome.record("ana@mailinator.com");
    assert_eq!(record["reason"], "disposable-domain", "{record:#}");
    assert_eq!(
        record["because"][0]["cause"],
        json!({"tag": 0}),
        "{record:#}"
    );
    let record = outcome.record("bob@mailinator.com");
    assert_eq!(record["status"], "undeliverable", "{record:#}");

    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.jsonl");
    fs::write(&saved, &outcome.stdout).unwrap();
    let explain = ["explain", "--json", "--set", "disposable=risky"];
    let explained = Run::plain().args(explain).args([&saved]).run().exits(0);
    for address in addresses {
        let [before, after] = [outcome.record(address), explained.record(address)];
        for field in ["status", "reason", "confidence", "tags"] {
            assert_eq!(before[field], after[field], "{address} {field}");
        }
    }
    let again = explained.record("ana@gmil.com");
    assert_eq!(fact(&again, "did-you-mean"), Some("ana@gmail.com"));
}
