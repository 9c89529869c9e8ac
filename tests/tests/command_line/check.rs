//! `vrfy check`: answers for people and for programs, dialogues, settings, retries.

use std::time::Duration;

use serde_json::Value;
use vrfy_lab::Scenario;
use vrfy_proto::transcript::Transcript;
use vrfy_tests::program::{Run, root};

use crate::QUICK;

fn check(arguments: &[&str]) -> Run {
    Run::in_lab("first").args(["check"]).args(arguments)
}

/// The record of one address.
fn record(arguments: &[&str]) -> Value {
    let outcome = check(arguments).args(["--json"]).run().exits(0);
    let mut records = outcome.records();
    assert_eq!(records.len(), 1, "{outcome:#?}");
    records.remove(0)
}

#[test]
fn the_answer_for_a_person_names_the_reply_that_decided() {
    let outcome = check(&["nobody@ordinary.test"]).run().exits(0);
    let told = [
        "✗ nobody@ordinary.test is undeliverable\n",
        "  The server says that there is no such mailbox.\n",
        "  unknown-user, 97 percent sure\n",
        "  Asked     mx.ordinary.test, with RCPT TO\n",
        "  Reply     550 5.1.1 <nobody@ordinary.test>: no such user here\n",
        "  Code      5.1.1 is registered as: bad destination mailbox address\n",
        "  Attempts  1. mx.ordinary.test [127.",
        "  This is the word of the server that was asked",
        "  Policy default ",
    ];
    let mut rest = outcome.stdout.as_str();
    for line in told {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("no {line:?} in its place in {outcome:#?}"));
        rest = &rest[at + line.len()..];
    }
    assert_eq!(outcome.stderr, "");
    assert!(!outcome.stdout.contains('\x1b'), "{outcome:#?}");
}

#[test]
fn the_answer_of_a_decoy_is_told_once() {
    let outcome = check(&["ana@accept-all.test"]).run().exits(0);
    let told = outcome
        .stdout
        .matches("a recipient that cannot exist")
        .count();
    let told = told + outcome.stdout.matches("a made-up address").count();
    assert_eq!(told, 1, "{outcome:#?}");
}

/// Every kind of server, domain and mailbox of the shipped scenario.
#[test]
fn every_record_follows_the_schema_and_stands_in_the_place_of_its_argument() {
    let scenario = Scenario::load(root().join("examples/lab/first.toml")).unwrap();
    let known = scenario.addresses().iter();
    let addresses: Vec<&str> = known.map(|known| known.address.as_str()).collect();
    assert!(addresses.len() > 25);
    let outcome = check(&addresses).args(["--json", "--transcript"]).run();
    let outcome = outcome.exits(0);

    let schema = std::fs::read_to_string(root().join("docs/record.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let records = outcome.records();
    for record in &records {
        if let Err(error) = schema.validate(record) {
            panic!("{error} at {}\n{record:#}", error.instance_path());
        }
        let is_pending = record["status"] == "pending";
        assert_eq!(record.get("due").is_some(), is_pending, "{record:#}");
    }
    let answered: Vec<&str> = records
        .iter()
        .filter_map(|record| record["address"].as_str())
        .collect();
    assert_eq!(answered, addresses, "the order of the arguments");
}

#[test]
fn a_slow_server_does_not_change_the_order_of_the_answers() {
    let slow_first = ["ana@tarpit.test", "x", "ana@gone.test"];
    let outcome = check(&slow_first).run().exits(0);
    let heads = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with(['✓', '✗']));
    let asked: Vec<&str> = heads.filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(asked, slow_first, "{outcome:#?}");
}

#[test]
fn a_dialogue_reads_back_from_the_answer_and_from_the_record() {
    let outcome = check(&["ana@starttls.test", "--transcript"]).run().exits(0);
    let begin = outcome.stdout.find("mailbox: ").expect("a dialogue");
    let shown = Transcript::from_text(&outcome.stdout[begin..]).unwrap();

    let record = record(&["ana@starttls.test", "--transcript"]);
    let kept = record["transcripts"][0].as_str().unwrap();
    let kept = Transcript::from_text(kept).unwrap();
    for transcript in [shown, kept] {
        let text = transcript.to_text();
        for line in [
            "S: 220 ",
            "C: EHLO ",
            "C: STARTTLS",
            "C: RCPT TO:<ana@starttls.test>",
        ] {
            assert!(text.contains(line), "no {line:?} in {text}");
        }
        assert_eq!(text.matches("C: DATA").count(), 0);
    }
}

#[test]
fn a_setting_changes_what_the_policy_says() {
    let told = |setting| {
        let record = record(&["ana@accept-all.test", "--set", setting]);
        record["status"].as_str().map(str::to_owned)
    };
    assert_eq!(told("accept-all=risky").as_deref(), Some("risky"));
    assert_eq!(told("accept-all=unknown").as_deref(), Some("unknown"));
}

#[test]
fn who_does_not_wait_is_told_when_the_next_attempt_is_due() {
    let record = record(&["ana@greylist.test", "--retry", "never"]);
    assert_eq!(record["status"], "pending", "{record:#}");
    assert_eq!(record["reason"], "greylisted");
    assert!(
        record["due"].as_str() > record["started"].as_str(),
        "{record:#}"
    );
    assert_eq!(record["attempts"].as_array().map(Vec::len), Some(1));

    let told = check(&["ana@greylist.test"]).run().exits(0);
    let due = told
        .says("… ana@greylist.test is pending")
        .says("  Next      due 2");
    assert_eq!(due.stderr, "");
}

#[test]
fn who_waits_gets_the_answer_of_the_second_attempt() {
    let mut arguments = vec!["ana@greylist.test", "--retry", "wait"];
    arguments.extend(QUICK);
    let record = record(&arguments);
    assert_eq!(record["status"], "deliverable", "{record:#}");
    let attempts = record["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    let apart = |index: usize| attempts[index]["started_ms"].as_u64().unwrap();
    assert!(apart(1) - apart(0) >= 3_000, "{record:#}");
}

#[test]
fn retries_without_a_wait_are_made_at_once_and_noted_as_less_than_was_asked() {
    let run = check(&["ana@greylist.test", "--retry", "now", "--json"]);
    let outcome = run.args(["--set", "retry-delays=1h"]).run().exits(0);
    assert!(outcome.took < Duration::from_secs(20), "{outcome:#?}");
    let record = outcome.record("ana@greylist.test");
    assert!(
        record["attempts"].as_array().unwrap().len() > 1,
        "{record:#}"
    );
    let clamp = &record["clamps"][0];
    assert_eq!(clamp["wish"], "wait-ms", "{record:#}");
    assert_eq!(clamp["done"], "0");
    assert!(record.get("due").is_none(), "{record:#}");
}
