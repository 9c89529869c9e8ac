//! The whole way, in the lab: every address of the shipped scenarios is probed by the program, and
//! the verdict is the one that the scenario calls right.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test is test code; clippy knows only functions marked as tests"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use vrfy_lab::{Expectation, Scenario};
use vrfy_tests::program::{Run, root};

/// The lab's servers want to be asked again after two seconds, not after minutes as real ones do.
const QUICK: [&str; 4] = [
    "--set=retry-delays=3s,3s",
    "--set=retry-least=3s",
    "--set=lane-hold-busy=3s",
    "--give-up-after=15s",
];

/// Runs all addresses of a scenario and gives their records by address.
fn records_of(scenario: &str, more: &[&str]) -> BTreeMap<String, Value> {
    let list: Vec<String> = expectations(scenario).into_keys().collect();
    let run = Run::in_lab(scenario)
        .args(["run", "-", "--format", "jsonl", "--quiet"])
        .args(QUICK)
        .args(more)
        .input(list.join("\n"));
    let outcome = run.run().exits(0);
    let records = outcome.records();
    assert_eq!(records.len(), list.len(), "every address has one record");
    let keyed = records
        .into_iter()
        .map(|record| (record["address"].as_str().unwrap().to_owned(), record));
    keyed.collect()
}

fn expectations(scenario: &str) -> BTreeMap<String, Option<Expectation>> {
    let path = root().join(format!("examples/lab/{scenario}.toml"));
    let scenario = Scenario::load(path).unwrap();
    let known = scenario.addresses().iter();
    known
        .map(|known| (known.address.clone(), known.expect))
        .collect()
}

/// Compares the verdicts with what the scenario expects, and shows all differences at once.
fn assert_as_expected(scenario: &str, records: &BTreeMap<String, Value>) {
    let wrong: Vec<String> = expectations(scenario)
        .into_iter()
        .filter_map(|(address, expected)| Some((address, expected?.to_string())))
        .filter(|(address, expected)| records[address]["status"] != expected.as_str())
        .map(|(address, expected)| {
            let record = &records[&address];
            let (status, reason) = (&record["status"], &record["reason"]);
            format!("{address}: {expected} expected, {status} ({reason}) found\n{record:#}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_server_gets_the_verdict_that_is_right_for_it() {
    let records = records_of("first", &[]);
    assert_as_expected("first", &records);
}

#[test]
fn tls_of_every_quality_is_recorded_and_stops_nobody() {
    let records = records_of("tls", &["--timeout", "3s"]);
    assert_as_expected("tls", &records);
}

#[test]
fn hostile_servers_and_hostile_dns_end_in_a_record_within_their_limits() {
    let records = records_of("hostile", &["--timeout", "2s", "--rounds", "1"]);
    assert_as_expected("hostile", &records);
}
