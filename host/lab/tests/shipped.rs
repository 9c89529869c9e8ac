//! The scenarios that ship: they parse, start, say what they are, and fit their address lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vrfy_lab::{Expectation, Lab, Scenario};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn load(name: &str) -> Scenario {
    let path = examples().join("lab").join(name);
    Scenario::load(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn every_scenario_starts_and_begins_with_what_it_is() {
    let folder = std::fs::read_dir(examples().join("lab")).expect("the folder is there");
    let mut names = BTreeSet::new();
    for entry in folder {
        let name = entry.expect("it can be read").file_name();
        let name = name.to_str().expect("it is text").to_owned();
        let text = std::fs::read_to_string(examples().join("lab").join(&name)).expect("text");
        assert!(
            text.starts_with("# ") && text.contains("vrfy lab examples/lab/"),
            "{name}"
        );
        let lab = Lab::start(load(&name)).await.expect("loopback has room");
        assert!(!lab.addresses().is_empty(), "{name}");
        lab.stop().await;
        names.insert(name);
    }
    assert_eq!(names.len(), 7, "{names:?}");
}

#[test]
fn the_address_list_names_the_first_scenario_in_its_order() {
    let text = std::fs::read_to_string(examples().join("addresses.txt")).expect("it is there");
    let listed: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let scenario = load("first.toml");
    let known: Vec<&str> = scenario
        .addresses()
        .iter()
        .map(|known| known.address.as_str())
        .collect();
    assert_eq!(listed, known);
    for known in scenario.addresses() {
        assert!(
            known.expect.is_some() && !known.about.is_empty(),
            "{}",
            known.address
        );
    }
}

#[test]
fn the_load_scenario_has_two_thousand_addresses_at_five_hundred_domains() {
    let scenario = load("load.toml");
    let domains: BTreeSet<&str> = scenario
        .addresses()
        .iter()
        .filter_map(|known| known.address.split('@').nth(1))
        .collect();
    assert_eq!(scenario.addresses().len(), 2_000);
    assert_eq!(domains.len(), 500);
    assert_eq!(
        scenario.addresses()[1_999].address,
        "user2000@d500.load.test"
    );
    let missing = scenario
        .addresses()
        .iter()
        .filter(|known| known.expect == Some(Expectation::Undeliverable));
    assert_eq!(missing.count(), 500);
}

#[tokio::test]
async fn a_lab_can_be_started_many_times_at_once_and_again() {
    for _ in 0..3 {
        let first = Lab::start(load("first.toml"))
            .await
            .expect("loopback has room");
        let second = Lab::start(load("first.toml"))
            .await
            .expect("loopback has room");
        assert_ne!(first.port(), second.port());
        first.stop().await;
        second.stop().await;
    }
}
