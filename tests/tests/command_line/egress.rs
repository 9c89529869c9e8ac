//! Who asks: source addresses, EHLO names and reverse paths, as the servers see them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use vrfy_lab::Report;
use vrfy_tests::program::{Outcome, Run};

use crate::watched::run_watched;

/// Every address of 127.0.0.0/8 is this machine's, so an egress can be any of them.
const EGRESSES: &str = r#"
[[egress]]
name = "blue"
source-v4 = "127.0.0.2"
helo = "blue.lab.test"
mail-from = "probe@blue.lab.test"

[[egress]]
name = "green"
source-v4 = "127.0.0.3"
mail-from = "probe@green.lab.test"

[[egress]]
name = "red"
source-v4 = "127.0.0.4"
source-v6 = "::1"
helo-v4 = "red4.lab.test"
helo-v6 = "red6.lab.test"
"#;

/// So many domains with an exchange each, that behave like this.
fn domains(count: usize, exchange: &str) -> String {
    let domain = |n: usize| {
        format!(
            "[[domain]]\nname = \"d{n}.test\"\n{exchange}\nmailboxes = [{{ name = \"ana\" }}]\n"
        )
    };
    (1..=count).map(domain).collect()
}

fn check(egresses: &str, scenario: &str, args: &[&str]) -> (Outcome, Report) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("egress.toml");
    fs::write(&file, egresses).unwrap();
    run_watched(scenario, |run| {
        let run = run.args(["check", "--json", "--egress"]).args([&file]);
        run.args(args)
    })
}

fn addresses(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("ana@d{n}.test")).collect()
}

fn egress_of(attempt: &Value) -> &str {
    let facts = attempt["facts"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["name"] == "egress");
    fact.unwrap()["value"].as_str().unwrap()
}

/// What the records say of the sessions, and what the servers saw of them: client, EHLO and MAIL.
fn both_sides(outcome: &Outcome, report: &Report) -> [BTreeSet<[String; 3]>; 2] {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = outcome.records();
    let attempts = records
        .iter()
        .flat_map(|record| record["attempts"].as_array().unwrap());
    let told = attempts.map(|attempt| {
        let [address, name, path] =
            ["local_address", "ehlo_name", "reverse_path"].map(|field| text(&attempt[field]));
        [
            address,
            format!("EHLO {name}"),
            format!("MAIL FROM:<{path}>"),
        ]
    });
    let seen = report.sessions.iter().map(|session| {
        let command = |verb: &str| {
            let mut commands = session.commands.iter();
            commands
                .find(|line| line.starts_with(verb))
                .unwrap()
                .clone()
        };
        [session.client.to_string(), command("EHLO"), command("MAIL")]
    });
    [told.collect(), seen.collect()]
}

#[test]
fn the_address_bound_and_the_names_given_are_those_that_the_record_tells() {
    let all = addresses(12);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let (outcome, report) = check(EGRESSES, &domains(12, ""), &all);
    let outcome = outcome.exits(0);
    let [told, seen] = both_sides(&outcome, &report);
    assert_eq!(told, seen);
    let expected = [
        [
            "127.0.0.2",
            "EHLO blue.lab.test",
            "MAIL FROM:<probe@blue.lab.test>",
        ],
        [
            "127.0.0.3",
            "EHLO [127.0.0.3]",
            "MAIL FROM:<probe@green.lab.test>",
        ],
        ["127.0.0.4", "EHLO red4.lab.test", "MAIL FROM:<>"],
    ];
    let expected: BTreeSet<[String; 3]> = expected
        .into_iter()
        .map(|line| line.map(str::to_owned))
        .collect();
    assert_eq!(told, expected);
    for record in outcome.records() {
        let attempt = &record["attempts"][0];
        let source = match egress_of(attempt) {
            "blue" => "127.0.0.2",
            "green" => "127.0.0.3",
            _ => "127.0.0.4",
        };
        assert_eq!(attempt["local_address"], source, "{record:#}");
    }
    assert!(report.sins.is_empty(), "{:?}", report.sins);
}

#[test]
fn a_bound_address_is_the_one_that_the_server_sees() {
    let (outcome, report) = run_watched(&domains(1, ""), |run| {
        run.args(["check", "--json", "ana@d1.test", "--bind", "127.0.0.2"])
    });
    let [told, seen] = both_sides(&outcome.exits(0), &report);
    assert_eq!(told, seen);
    assert_eq!(report.sessions[0].client.to_string(), "127.0.0.2");
}

#[test]
fn without_a_name_the_literal_of_the_source_is_given_in_both_families() {
    let scenario = domains(1, "exchange.listen = \"both\"");
    for (source, line) in [
        ("127.0.0.7", "EHLO [127.0.0.7]"),
        ("::1", "EHLO [IPv6:::1]"),
    ] {
        let (outcome, report) = run_watched(&scenario, |run| {
            let run = run.env("VRFY_HELO", "");
            run.args(["check", "--json", "ana@d1.test", "--bind", source])
        });
        let record = outcome.exits(0).record("ana@d1.test");
        assert_eq!(record["status"], "deliverable", "{record:#}");
        assert_eq!(report.sessions[0].commands[0], line);
        assert_eq!(report.sessions[0].client.to_string(), source);
    }
}

/// The greylister of the lab knows a client by its address, the reverse path and the recipient.
#[test]
fn a_greylisted_mailbox_is_asked_again_from_the_same_egress() {
    let all = addresses(6);
    let mut args: Vec<&str> = all.iter().map(String::as_str).collect();
    args.extend([
        "--retry=wait",
        "--set=retry-delays=3s,3s",
        "--set=retry-least=3s",
    ]);
    let (outcome, report) = check(EGRESSES, &domains(6, "exchange.greylist_s = 2"), &args);
    let outcome = outcome.exits(0);
    let mut used = BTreeSet::new();
    for record in outcome.records() {
        assert_eq!(record["status"], "deliverable", "{record:#}");
        let attempts = record["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2, "{record:#}");
        for field in ["local_address", "ehlo_name", "reverse_path"] {
            assert_eq!(attempts[0][field], attempts[1][field], "{record:#}");
        }
        assert_eq!(egress_of(&attempts[0]), egress_of(&attempts[1]));
        used.insert(egress_of(&attempts[0]).to_owned());
    }
    assert!(used.len() > 1, "{used:?}");
    let mut decoys: Vec<&str> = report
        .recipients()
        .filter(|one| !one.starts_with("ana@"))
        .collect();
    decoys.sort_unstable();
    decoys.dedup();
    assert_eq!(
        decoys.len(),
        6,
        "one decoy a domain, in both rounds: {decoys:?}"
    );
}

#[test]
fn an_exchange_of_a_family_without_a_source_is_recorded_as_such() {
    let scenario = domains(1, "exchange.listen = \"ipv6\"");
    let blue = EGRESSES
        .split("[[egress]]\nname = \"green\"")
        .next()
        .unwrap();
    let (outcome, report) = check(blue, &scenario, &["ana@d1.test"]);
    let record = outcome.exits(0).record("ana@d1.test");
    assert_eq!(record["status"], "unknown", "{record:#}");
    assert_eq!(record["reason"], "no-source-address", "{record:#}");
    let ending = record["attempts"][0]["ending"].to_string();
    assert!(
        ending.contains("not-asked") && ending.contains("no-source-address"),
        "{ending}"
    );
    assert!(report.sessions.is_empty());
    // With one egress that has the family, the domain gets that one.
    let (outcome, report) = check(EGRESSES, &scenario, &["ana@d1.test"]);
    let record = outcome.exits(0).record("ana@d1.test");
    assert_eq!(record["status"], "deliverable", "{record:#}");
    assert_eq!(egress_of(&record["attempts"][0]), "red");
    assert_eq!(report.sessions[0].commands[0], "EHLO red6.lab.test");
}

#[test]
fn a_source_that_this_machine_does_not_have_is_noticed_before_anything_is_sent() {
    let foreign = EGRESSES.replace("127.0.0.3", "192.0.2.3");
    let (outcome, report) = check(&foreign, &domains(1, ""), &["ana@d1.test"]);
    let message = "cannot use the source address 192.0.2.3 of the egress \"green\"";
    let _ = outcome.exits(5).complains(message);
    assert!(report.questions.is_empty() && report.sessions.is_empty());
    let run = Run::plain().args(["check", "ana@x.invalid", "--bind", "192.0.2.3"]);
    let _ = run
        .run()
        .exits(5)
        .complains("cannot use the source address 192.0.2.3: ");
}

#[test]
fn a_broken_egress_file_is_told_with_line_and_column() {
    let broken = EGRESSES.replace("helo = \"blue.lab.test\"", "helo = \"localhost\"");
    let (outcome, report) = check(&broken, &domains(1, ""), &["ana@d1.test"]);
    let outcome = outcome.exits(2).complains("--egress: ");
    let _ = outcome.complains("egress.toml line 5, column 8: the EHLO name \"localhost\"");
    assert!(report.questions.is_empty() && report.sessions.is_empty());
}

#[test]
fn an_egress_file_and_a_single_egress_exclude_each_other() {
    for argument in ["--helo=probe.lab.test", "--mail-from=", "--bind=127.0.0.2"] {
        let run = Run::plain().args(["check", "ana@x.invalid", "--egress", "examples/egress.toml"]);
        let outcome = run.args([argument]).run().exits(2);
        let _ = outcome.complains("--egress <FILE>' cannot be used with '--");
    }
}

#[test]
fn a_prefix_of_nat64_has_a_length_of_the_standard() {
    let run = Run::plain().args(["check", "ana@x.invalid", "--nat64"]);
    let outcome = run.args(["2001:db8:64::/95"]).run().exits(2);
    let _ = outcome.complains("its length is 32, 40, 48, 56, 64 or 96");
    let run = Run::plain().args(["check", "ana@x.invalid", "--nat64"]);
    let _ = run.args(["2001:db8:64::/96"]).run().exits(0);
}

#[test]
fn a_name_that_is_reserved_is_not_ours_to_give() {
    for (arguments, message) in [
        (
            ["--helo", "probe.example.com"],
            "the EHLO name probe.example.com is reserved",
        ),
        (
            ["--helo", "probe.test"],
            "the EHLO name probe.test is reserved for testing",
        ),
        (
            ["--mail-from", "probe@example.org"],
            "the domain of the reverse path example.org is reserved",
        ),
    ] {
        let run = Run::plain()
            .args(["check", "ana@x.invalid"])
            .args(arguments);
        let _ = run.run().exits(2).complains(message);
    }
}
