//! Addresses and names that lead nowhere: what is not public is not connected to, what is reserved
//! is not looked up.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::{fs, path::Path};

use serde_json::Value;
use vrfy_tests::program::{Run, program};

/// A domain whose exchanges all lie where a probe must not go.
const INWARD: &str = r#"
[[domain]]
name = "inward.test"
mx = ["10 loopback.inward.test", "20 private.inward.test", "30 metadata.inward.test",
      "40 mapped.inward.test"]
mailboxes = [{ name = "ana", expect = "unknown" }]

[[host]]
name = "loopback.inward.test"
addresses = ["127.0.0.1"]

[[host]]
name = "private.inward.test"
addresses = ["10.0.0.1"]

[[host]]
name = "metadata.inward.test"
addresses = ["169.254.169.254"]

[[host]]
name = "mapped.inward.test"
addresses = ["::ffff:10.0.0.1"]
"#;

fn check_inward(scenario: &Path, port: u16, allowed: &str) -> Value {
    let run = Run::plain().args([Path::new("lab"), scenario]);
    let run = run.args(["--"]).args([program()]);
    let port = format!("--port={port}");
    let check = ["check", "ana@inward.test", "--json", "--timeout=1s", &port];
    let outcome = run.args(check).args(["--allow-special", allowed]).run();
    outcome.exits(0).record("ana@inward.test")
}

#[test]
fn an_exchange_that_is_not_public_is_named_with_its_block_and_not_connected_to() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("inward.toml");
    fs::write(&scenario, INWARD).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();

    let record = check_inward(&scenario, port, "192.0.2.0/24");
    assert_eq!(record["status"], "unknown", "{record:#}");
    assert_eq!(record["reason"], "no-public-exchange");
    let attempts = record["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 4, "{record:#}");
    let blocks = ["127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "10.0.0.0/8"];
    for (attempt, block) in attempts.iter().zip(blocks) {
        let ending = attempt["ending"].to_string();
        assert!(
            ending.contains("not-public") && ending.contains(block),
            "{attempt:#}"
        );
        assert!(
            attempt["replies"].as_array().unwrap().is_empty(),
            "{attempt:#}"
        );
    }
    let nobody = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock), "nobody came");

    // Allowed, the same exchange is connected to: the listener would have noticed before.
    check_inward(&scenario, port, "127.0.0.1");
    listener.accept().expect("somebody came");
}

#[test]
fn a_reserved_name_is_settled_without_a_look_up() {
    let addresses = [
        "ana@x.invalid",
        "ana@shop.example",
        "ana@x.test",
        "ana@localhost",
    ];
    let run = Run::plain().args(["check", "--json"]).args(addresses);
    for record in run.run().exits(0).records() {
        assert_eq!(record["status"], "undeliverable", "{record:#}");
        assert_eq!(record["reason"], "special-use-domain");
        let outcome = record["lookups"][0]["outcome"].to_string();
        assert!(outcome.contains("special-use"), "{record:#}");
        assert_eq!(record["attempts"], Value::Array(Vec::new()));
    }
}

#[test]
fn with_a_resolver_reserved_names_are_looked_up() {
    let run = Run::in_lab("first").args(["check", "--json", "ana@ordinary.test"]);
    let record = run.run().exits(0).record("ana@ordinary.test");
    assert_eq!(record["lookups"][0]["outcome"], "exchanges", "{record:#}");
}

/// A domain that is an alias of another.
const ALIAS: &str = r#"
[[domain]]
name = "alias.test"
cname = "real.test"
mailboxes = [{ name = "Ana" }]

[[domain]]
name = "real.test"
mailboxes = [{ name = "Ana" }]
"#;

#[test]
fn an_alias_is_followed_and_the_mailbox_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("alias.toml");
    fs::write(&scenario, ALIAS).unwrap();
    let run = Run::plain().args([Path::new("lab"), &scenario]);
    let run = run.args(["--"]).args([program()]);
    let run = run.args(["check", "Ana@alias.test", "--transcript"]);
    let outcome = run.run().exits(0).says("C: RCPT TO:<Ana@alias.test>");
    let _ = outcome.says("mx.real.test");
}
