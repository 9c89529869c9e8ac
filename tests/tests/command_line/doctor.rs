//! `vrfy doctor` in the lab: everything in order, then each fault by itself.
//!
//! Method: a fault is asserted with its outcome, what was seen, and what to do; and whatever else
//! was examined must not have failed, so that a fault is found where it is and nowhere else.

use serde_json::Value;
use vrfy_tests::program::{Outcome, Run, root};

/// An examination, as JSON.
fn examine(args: &[&str]) -> (Value, Outcome) {
    examine_in("doctor", args)
}

fn examine_in(scenario: &str, args: &[&str]) -> (Value, Outcome) {
    let outcome = Run::in_lab(scenario)
        .args(["doctor", "--json"])
        .args(args)
        .run();
    let document = serde_json::from_str(&outcome.stdout);
    let document = document.unwrap_or_else(|error| panic!("{error}\n{outcome:#?}"));
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    (document, outcome)
}

const SCHEMA: &str = include_str!("../../../docs/doctor.schema.json");

fn findings(document: &Value) -> Vec<&Value> {
    let host = document["host"].as_array().unwrap().iter();
    let egresses = document["egresses"].as_array().unwrap().iter();
    let of_egresses = egresses.flat_map(|egress| egress["checks"].as_array().unwrap());
    host.chain(of_egresses).collect()
}

/// The checks that came out like this.
fn with_outcome<'a>(document: &'a Value, outcome: &str) -> Vec<&'a str> {
    let findings = findings(document).into_iter();
    let found = findings.filter(|finding| finding["outcome"] == outcome);
    found
        .map(|finding| finding["check"].as_str().unwrap())
        .collect()
}

/// The finding of a check, after asserting its outcome and a part of what was seen.
fn expect<'a>(document: &'a Value, check: &str, outcome: &str, seen: &str) -> &'a Value {
    let findings = findings(document);
    let finding = findings.iter().find(|finding| finding["check"] == check);
    let finding = finding.unwrap_or_else(|| panic!("no {check} in {document:#}"));
    assert_eq!(finding["outcome"], outcome, "{finding:#}");
    let text = finding["seen"].as_str().unwrap();
    assert!(text.contains(seen), "no {seen:?} in {finding:#}");
    assert!(!finding["why"].as_str().unwrap().is_empty(), "{finding:#}");
    let is_trouble = ["warning", "failed", "unknown"].contains(&outcome);
    assert!(!is_trouble || finding["do"].is_string(), "{finding:#}");
    finding
}

/// A fault in one place: nothing but these checks fails, and the exit code says whether any does.
fn only(document: &Value, outcome: Outcome, failed: &[&str]) {
    assert_eq!(with_outcome(document, "failed"), failed, "{document:#}");
    assert_eq!(document["failed"], failed.len());
    let _ = outcome.exits(if failed.is_empty() { 0 } else { 7 });
}

#[test]
fn a_healthy_egress_is_in_order() {
    let (document, outcome) = examine(&["--mail-from", "probe@lab.test", "--dnsbl", "bl.test"]);
    for trouble in ["failed", "warning", "unknown", "skipped"] {
        assert_eq!(
            with_outcome(&document, trouble),
            Vec::<&str>::new(),
            "{document:#}"
        );
    }
    expect(
        &document,
        "reverse-dns",
        "ok",
        "127.0.0.1 is probe.lab.test",
    );
    expect(
        &document,
        "spf-sender",
        "ok",
        "\"ip4:127.0.0.0/8\" of lab.test matches",
    );
    expect(
        &document,
        "postmaster",
        "ok",
        "250 2.1.5 <postmaster@lab.test>",
    );
    expect(&document, "port-25", "ok", "mx.lab.test");
    only(&document, outcome, &[]);
}

#[test]
fn the_null_path_is_answered_for_by_the_ehlo_name() {
    let (document, outcome) = examine(&["--dnsbl", "bl.test"]);
    assert_eq!(
        with_outcome(&document, "skipped"),
        ["sender-mailbox", "spf-sender"]
    );
    expect(&document, "postmaster", "ok", "<postmaster@probe.lab.test>");
    only(&document, outcome, &[]);
}

/// Source address, EHLO name, the check that is at fault, its outcome and what was seen.
const FAULTS_OF_AN_ADDRESS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "127.0.1.1",
        "e1.lab.test",
        "reverse-dns",
        "failed",
        "no PTR record: no such name (NXDOMAIN)",
    ),
    (
        "127.0.1.2",
        "e2.lab.test",
        "forward-confirmed",
        "failed",
        "lead back to 127.0.1.2: 127.0.9.2",
    ),
    (
        "127.0.1.2",
        "e2.lab.test",
        "ehlo-address",
        "warning",
        "127.0.9.2, not 127.0.1.2",
    ),
    (
        "127.0.1.3",
        "e3.lab.test",
        "reverse-name",
        "warning",
        "127-0-1-3.dyn.provider.test holds",
    ),
    (
        "127.0.1.3",
        "e3.lab.test",
        "ehlo-reverse",
        "warning",
        "EHLO says e3.lab.test",
    ),
    (
        "127.0.1.4",
        "e4.lab.test",
        "reverse-dns",
        "unknown",
        "SERVFAIL",
    ),
    (
        "127.0.1.5",
        "gone.lab.test",
        "ehlo-resolves",
        "failed",
        "no address: no such name",
    ),
    (
        "127.0.1.5",
        "alias.lab.test",
        "ehlo-alias",
        "warning",
        "an alias of e5.lab.test",
    ),
    (
        "127.0.1.5",
        "[127.0.1.5]",
        "ehlo-name",
        "warning",
        "literal [127.0.1.5]",
    ),
    (
        "127.0.1.6",
        "e6.lab.test",
        "reverse-dns",
        "warning",
        "has 2 names",
    ),
    (
        "127.0.1.9",
        "e9.lab.test",
        "blocklist",
        "failed",
        "127.0.0.4, \"https://bl.test/why",
    ),
];

#[test]
fn faults_of_an_address_are_found_where_they_are() {
    for (bind, helo, check, outcome, seen) in FAULTS_OF_AN_ADDRESS {
        let args = [
            "--bind",
            bind,
            "--helo",
            helo,
            "--mail-from",
            "probe@lab.test",
        ];
        let (document, run) = examine(&[&args[..], &["--dnsbl", "bl.test"]].concat());
        expect(&document, check, outcome, seen);
        assert_eq!(document["egresses"][0]["address"], *bind);
        let failed: Vec<&str> = FAULTS_OF_AN_ADDRESS
            .iter()
            .filter(|fault| (fault.0, fault.1, fault.3) == (*bind, *helo, "failed"))
            .map(|fault| fault.2)
            .collect();
        only(&document, run, &failed);
    }
}

/// The domain of the sender, the check that is at fault, its outcome and what was seen.
const FAULTS_OF_A_SENDER: &[(&str, &str, &str, &str)] = &[
    (
        "no-mail.test",
        "sender-domain",
        "failed",
        "neither MX nor address",
    ),
    ("null-mx.test", "sender-domain", "failed", "null MX"),
    ("gone.test", "sender-domain", "failed", "NXDOMAIN"),
    (
        "nobody.test",
        "sender-mailbox",
        "failed",
        "550 5.1.1 <probe@nobody.test>",
    ),
    (
        "nobody.test",
        "postmaster",
        "failed",
        "550 5.1.1 <postmaster@nobody.test>",
    ),
    (
        "nobody.test",
        "abuse",
        "warning",
        "550 5.1.1 <abuse@nobody.test>",
    ),
    (
        "later.test",
        "postmaster",
        "unknown",
        "puts <postmaster@later.test> off: 45",
    ),
    ("dns-fails.test", "sender-domain", "unknown", "SERVFAIL"),
    ("dns-fails.test", "spf-sender", "unknown", "temperror"),
    (
        "spf-fail.test",
        "spf-sender",
        "failed",
        "fail: \"-all\" of spf-fail.test matches",
    ),
    (
        "spf-softfail.test",
        "spf-sender",
        "warning",
        "softfail: \"~all\"",
    ),
    (
        "spf-none.test",
        "spf-sender",
        "warning",
        "none: spf-none.test has no SPF record",
    ),
    (
        "spf-two.test",
        "spf-sender",
        "failed",
        "permerror: spf-two.test has 2 SPF records",
    ),
    (
        "spf-circle.test",
        "spf-sender",
        "failed",
        "permerror: more than 10 terms ask DNS",
    ),
    (
        "spf-broken.test",
        "spf-sender",
        "failed",
        "\"ipv4:127.0.0.1\": no such mechanism",
    ),
    (
        "refused.test",
        "port-25",
        "failed",
        "refused, by the exchange or by somebody",
    ),
    (
        "silent.test",
        "port-25",
        "failed",
        "silence, as where a provider blocks the port",
    ),
    (
        "mute.test",
        "port-25",
        "failed",
        "connected, but no greeting",
    ),
    (
        "redirected-a.test",
        "port-25-direct",
        "note",
        "greets as relay.provider.test",
    ),
];

#[test]
fn faults_of_a_sender_are_found_where_they_are() {
    for (domain, check, outcome, seen) in FAULTS_OF_A_SENDER {
        let sender = format!("probe@{domain}");
        let (document, run) =
            examine(&["--bind=127.0.0.1", "--mail-from", &sender, "--timeout=1s"]);
        expect(&document, check, outcome, seen);
        let failed: Vec<&str> = FAULTS_OF_A_SENDER
            .iter()
            .filter(|fault| (fault.0, fault.2) == (*domain, "failed"))
            .map(|fault| fault.1)
            .collect();
        // A domain that is not there has no SPF record either, which is a warning.
        only(&document, run, &failed);
    }
}

#[test]
fn a_list_that_cannot_be_asked_does_not_make_an_address_clean() {
    for (zone, seen) in [
        ("refusing-bl.test", "refuses to answer us: 127.255.255.254"),
        ("ended-bl.test", "does not list its test entry"),
        ("failing-bl.test", "SERVFAIL"),
        ("gone-bl.test", "does not list its test entry"),
    ] {
        let args = ["--mail-from", "probe@lab.test", "--dnsbl", zone];
        let (document, run) = examine(&args);
        expect(&document, "blocklist", "unknown", seen);
        only(&document, run, &[]);
    }
    // From another address than the test's own, a list of everybody gives itself away.
    let elsewhere = ["--bind", "127.0.1.5", "--helo", "e5.lab.test"];
    let rest = [
        "--mail-from",
        "probe@lab.test",
        "--dnsbl",
        "bl.test,everybody-bl.test",
    ];
    let (document, run) = examine(&[elsewhere, rest].concat());
    let lists = findings(&document).into_iter();
    let lists: Vec<&Value> = lists
        .filter(|finding| finding["check"] == "blocklist")
        .collect();
    assert_eq!(lists[0]["outcome"], "ok", "{lists:#?}");
    assert_eq!(lists[1]["outcome"], "unknown", "{lists:#?}");
    assert!(
        lists[1]["seen"]
            .as_str()
            .unwrap()
            .contains("lists everybody"),
        "{lists:#?}"
    );
    only(&document, run, &[]);
}

#[test]
fn one_greeting_for_two_destinations_is_a_redirection() {
    let args = [
        "--mail-from",
        "probe@redirected-a.test",
        "--target",
        "redirected-b.test",
    ];
    let (document, run) = examine(&args);
    expect(
        &document,
        "port-25-direct",
        "warning",
        "both greet as relay.provider.test",
    );
    only(&document, run, &[]);
}

#[test]
fn a_target_shows_that_port_25_is_open_where_the_own_exchange_is_shut() {
    let args = ["--mail-from", "probe@refused.test", "--target", "lab.test"];
    let (document, run) = examine(&args);
    expect(&document, "port-25", "ok", "220 mx.lab.test");
    only(&document, run, &[]);
}

#[test]
fn a_resolver_that_invents_addresses_is_found() {
    let (document, run) = examine_in("doctor-resolver", &["--mail-from", "probe@lab.test"]);
    expect(
        &document,
        "resolver-honest",
        "failed",
        "which does not exist",
    );
    only(&document, run, &["resolver-honest"]);
}

#[test]
fn a_resolver_that_does_not_answer_is_told_from_one_that_fails() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = nobody.local_addr().unwrap().to_string();
    let (document, run) = examine(&["--bind=127.0.0.1", "--resolver", &silent, "--timeout=1s"]);
    expect(&document, "resolver-answers", "failed", "no answer in time");
    expect(
        &document,
        "reverse-dns",
        "unknown",
        "did not answer in time",
    );
    only(&document, run, &["resolver-answers", "resolver-tcp"]);
}

#[test]
fn a_private_address_is_skipped_unless_the_public_one_is_said() {
    let plain = [
        "--mail-from",
        "probe@lab.test",
        "--dnsbl",
        "bl.test",
        "--allow-special",
    ];
    let (document, _) = examine(&[&plain[..], &["127.77.0.0/16"]].concat());
    expect(
        &document,
        "source-address",
        "warning",
        "is not public: Loopback",
    );
    expect(&document, "reverse-dns", "skipped", "--public-address");
    expect(&document, "spf-sender", "skipped", "--public-address");
    expect(&document, "blocklist", "skipped", "--public-address");
    let said = [
        "127.77.0.0/16,127.0.1.0/24",
        "--public-address",
        "127.0.1.9",
    ];
    let (document, _) = examine(&[&plain[..], &said].concat());
    expect(
        &document,
        "source-address",
        "ok",
        "127.0.1.9 outside as was said",
    );
    expect(&document, "reverse-dns", "ok", "e9.lab.test");
    expect(&document, "blocklist", "failed", "127.0.0.4");
}

#[test]
fn every_egress_of_a_file_is_examined_with_its_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("egress.toml");
    let text = r#"
        [[egress]]
        name = "good"
        source-v4 = "127.0.0.1"
        helo = "probe.lab.test"
        mail-from = "probe@lab.test"
        [[egress]]
        name = "nameless"
        source-v4 = "127.0.1.1"
        helo = "e1.lab.test"
        mail-from = "probe@spf-softfail.test"
    "#;
    std::fs::write(&file, text).unwrap();
    let (document, run) = examine(&["--egress", file.to_str().unwrap()]);
    let egresses = document["egresses"].as_array().unwrap();
    let names: Vec<&str> = egresses
        .iter()
        .map(|one| one["egress"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["good", "nameless"]);
    assert_eq!(egresses[0]["ehlo_name"], "probe.lab.test");
    assert_eq!(egresses[1]["address"], "127.0.1.1");
    assert_eq!(with_outcome(&document, "warning"), ["spf-sender"]);
    only(&document, run, &["reverse-dns"]);
}

#[test]
fn nobody_who_is_excluded_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("exclusions");
    std::fs::write(&list, "lab.test\nrefused.test\n").unwrap();
    let args = [
        "--mail-from",
        "probe@lab.test",
        "--target",
        "refused.test",
        "--exclude",
    ];
    let (document, run) = examine(&[&args[..], &[list.to_str().unwrap()]].concat());
    for check in ["sender-mailbox", "postmaster", "abuse"] {
        expect(&document, check, "skipped", "excluded by lab.test");
    }
    expect(
        &document,
        "port-25",
        "skipped",
        "name a domain with --target",
    );
    only(&document, run, &[]);
}

#[test]
fn people_read_a_line_a_check_with_what_to_do() {
    let args = ["doctor", "--bind", "127.0.1.1", "--helo", "e1.lab.test"];
    let run = Run::in_lab("doctor")
        .args(args)
        .args(["--mail-from", "probe@lab.test"]);
    let outcome = run.run().exits(7);
    let outcome = outcome
        .says("From 127.0.1.1, EHLO e1.lab.test, MAIL FROM:<probe@lab.test>")
        .says("  failed   reverse-dns        127.0.1.1 has no PTR record")
        .says("saw: question, 1.1.0.127.in-addr.arpa PTR")
        .says("RFC 1912 section 2.1")
        .says("ask whoever gave you the address to set its PTR record")
        .says("  ok       postmaster ")
        .says("\n1 failed, ");
    let (_, of_egress) = outcome.stdout.split_once("\nFrom ").unwrap();
    assert_eq!(of_egress.matches("do: ").count(), 1, "{outcome:#?}");
}

#[test]
fn what_cannot_be_asked_is_an_error_of_the_command_line() {
    for (args, part) in [
        (["--dnsbl", "not a zone"], "not a zone"),
        (["--target", "@"], "--target"),
        (["--helo", "localhost"], "--helo"),
        (["--mail-from", "nobody"], "--mail-from"),
    ] {
        let run = Run::plain().args(["doctor"]).args(args).run();
        let _ = run.exits(2).complains(part);
    }
}

#[test]
fn the_page_has_the_table_of_the_source() {
    let page = std::fs::read_to_string(root().join("docs/doctor.md")).unwrap();
    let rows: Vec<String> = vrfy::doctor::CATALOGUE
        .iter()
        .map(|entry| {
            let vrfy::doctor::Entry {
                name,
                title,
                why,
                remedy,
                ..
            } = entry;
            format!("| `{name}` | {title} | {why} | {remedy} |")
        })
        .collect();
    let known: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let known: Vec<&str> = known
        .into_iter()
        .filter(|line| line.matches('|').count() == 5)
        .collect();
    let (rows, known) = (rows.join("\n"), known.join("\n"));
    assert_eq!(
        known, rows,
        "docs/doctor.md should have these rows:\n{rows}"
    );
}
