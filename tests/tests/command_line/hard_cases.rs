//! The hard cases of `docs/hard-cases.md` in the lab: each is judged as `examples/hard-cases.csv`
//! says, live and again from what was saved, and is explained.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;
use vrfy_lab::Scenario;
use vrfy_tests::program::{Run, root};

use crate::QUICK;

/// What the policy is to conclude about an address.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    status: String,
    reason: String,
    rule: String,
    reverse_path: String,
}

/// The rows of the list; no cell of it has quotes or commas in it.
fn expected() -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(root().join("examples/hard-cases.csv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let [address, status, reason, rule, reverse_path] = <[String; 5]>::try_from(cells).unwrap();
        let expected = Expected {
            status,
            reason,
            rule,
            reverse_path,
        };
        (address, expected)
    });
    rows.collect()
}

fn concluded(record: &Value, reverse_path: &str) -> Expected {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Expected {
        status: text(&record["status"]),
        reason: text(&record["reason"]),
        rule: fact(record, "rule").unwrap_or_default(),
        reverse_path: reverse_path.to_owned(),
    }
}

fn fact(record: &Value, name: &str) -> Option<String> {
    let mut facts = record["facts"].as_array().unwrap().iter();
    let fact = facts.find(|fact| fact["name"] == name)?;
    fact["value"].as_str().map(str::to_owned)
}

/// Probes every address of the list, as whom it says.
fn probed(expected: &BTreeMap<String, Expected>) -> Vec<Value> {
    let paths: BTreeSet<&String> = expected.values().map(|one| &one.reverse_path).collect();
    let mut records = Vec::new();
    for path in paths {
        let of_path = expected.iter().filter(|(_, one)| one.reverse_path == *path);
        let run = Run::in_lab("hard-cases").args(["check", "--json", "--transcript"]);
        let run = run.args(["--retry=wait", "--timeout=rcpt=2s"]).args(QUICK);
        let run = run.args(["--set=lane-hold-blocked=3s", "--mail-from", path]);
        let run = run.args(of_path.map(|(address, _)| address)).run();
        records.extend(run.exits(0).records());
    }
    records
}

#[test]
fn every_hard_case_is_judged_right_live_and_again_and_is_explained() {
    let expected = expected();
    let records = probed(&expected);
    assert_eq!(records.len(), expected.len());
    let folder = tempfile::tempdir().unwrap();
    let mut saved: Vec<PathBuf> = Vec::new();
    for record in &records {
        let address = record["address"].as_str().unwrap();
        let expected = &expected[address];
        let live = concluded(record, &expected.reverse_path);
        assert_eq!(live, *expected, "{address}: {record:#}");
        let dialogues = record["transcripts"].as_array().unwrap().iter();
        let dialogues: Vec<&str> = dialogues.filter_map(Value::as_str).collect();
        saved.push(folder.path().join(address));
        std::fs::write(saved.last().unwrap(), dialogues.join("\n")).unwrap();
    }
    let explain = |forms: &[&str]| {
        let run = Run::plain().args(["explain"]).args(forms).args(&QUICK[..3]);
        run.args(&saved).run().exits(0)
    };
    let again = explain(&["--json"]).records();
    assert_eq!(again.len(), records.len());
    for (live, again) in records.iter().zip(&again) {
        let address = live["address"].as_str().unwrap();
        let expected = &expected[address];
        let judged = concluded(again, &expected.reverse_path);
        assert_eq!(judged, *expected, "{address}: {again:#}");
        assert_eq!(again["confidence"], live["confidence"], "{address}");
        let is_sourced = fact(again, "rule-source").is_some();
        assert_eq!(is_sourced, !expected.rule.is_empty(), "{again:#}");
    }
    let told = explain(&[]).stdout;
    for label in ["  Why\n", "  Evidence  ", "  Decided   ", "  Next      "] {
        assert_eq!(told.matches(label).count(), records.len(), "{label}");
    }
    let ruled = expected.values().filter(|one| !one.rule.is_empty());
    assert_eq!(told.matches("  Source    ").count(), ruled.count());
}

#[test]
fn the_scenario_the_list_and_the_page_speak_of_the_same_cases() {
    let scenario = Scenario::load(root().join("examples/lab/hard-cases.toml")).unwrap();
    let expected = expected();
    let page = std::fs::read_to_string(root().join("docs/hard-cases.md")).unwrap();
    let ids = page.lines().filter_map(|line| {
        let id = line.strip_prefix("| `")?.split('`').next()?;
        Some(id.replace('.', "-"))
    });
    let ids: BTreeSet<String> = ids.collect();
    let known = scenario.addresses();
    assert_eq!(known.len(), expected.len());
    for known in known {
        let status = known.expect.map(|status| status.to_string());
        assert_eq!(status, Some(expected[&known.address].status.clone()));
        let case = known.address.strip_prefix("ana@").unwrap();
        let case = case.strip_suffix(".test").unwrap();
        let is_language = known.about == format!("A refusal in {}.", title(case));
        assert!(is_language || ids.contains(case), "{case} is no hard case");
    }
}

/// `german` as a name of a language.
fn title(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}
