//! What a scenario file may say, and how its mistakes are told.

use vrfy_lab::{Expectation, Lab, Scenario, ScenarioError};

fn mistake(text: &str) -> String {
    Scenario::parse(text).expect_err(text).to_string()
}

#[test]
fn mistakes_are_told_with_their_place_and_what_is_allowed() {
    let cases = [
        (
            "[[domain]]\nname = \"x.test\"\nexchange.greylist = 3",
            "line 3, column 10: unknown field `greylist`, expected one of `name`, `on`, `limit`",
        ),
        (
            "[[domian]]",
            "line 1, column 3: unknown field `domian`, expected one of `lab`, `domain`",
        ),
        (
            "[[domain]]\nname = \"x.test\"\nexchange.on.rcpt = \"acepts\"",
            "line 3, column 20: unknown answer \"acepts\"",
        ),
        (
            "[[host]]\nname = \"x.test\"\ndns = \"serfail\"",
            "line 3, column 7: unknown variant `serfail`, expected one of `nxdomain`, `no-data`",
        ),
        (
            "[[host]]\nname = \"x.test\"\ndns = { ns = \"servfail\" }",
            "line 3, column 9: unknown variant `ns`, expected one of `mx`, `a`",
        ),
        (
            "[[domain]]\nname = \"x.test\"\nmx = [\"10 gone.test\"]",
            "line 3, column 7: gone.test is not defined: add an [[exchange]] or a [[host]]",
        ),
        (
            "[[domain]]\nname = \"x.test\"\nmx = [\"x1 .\"]",
            "line 3, column 7: the preference \"x1\"",
        ),
        (
            "[[domain]]\nname = \"b\u{fc}cher.test\"",
            "line 2, column 8: \"b\u{fc}cher.test\" is no host",
        ),
        (
            "[[domain]]\nname = \"x.test\"\n[[domain]]\nname = \"X.test\"",
            "line 4, column 8: x.test is defined twice",
        ),
        (
            "[[domain]]\nname = \"x.test\"\nmailboxes = [{ name = \"a\" }, { name = \"a\" }]",
            "line 3, column 39: this mailbox is listed twice",
        ),
        (
            "[[domain]]\nname = \"x.test\"\nmx = [\"0 .\"]\nexchange.greylist_s = 3",
            "line 2, column 8: exchange is never used: no mx entry names mx.x.test",
        ),
        (
            "[[exchange]]\nname = \"a.test\"\ngreylist_s = -1",
            "line 2, column 8: greylist_s = -1: write seconds from 0 to 86400",
        ),
        ("[[domain]]\nname = ", "line 2, column 8: "),
    ];
    for (text, told) in cases {
        let mistake = mistake(text);
        assert!(mistake.starts_with(told), "{text}\n{mistake}");
    }
}

#[test]
fn only_one_exchange_can_have_the_ipv6_loopback() {
    let text = "[[exchange]]\nname = \"a.test\"\nlisten = \"ipv6\"\n\
                [[exchange]]\nname = \"b.test\"\nlisten = \"both\"";
    assert!(mistake(text).contains("only one exchange can listen on ::1"));
}

#[test]
fn a_file_that_is_not_there_or_is_a_directory_is_named() {
    let error = Scenario::load("no-such-scenario.toml").expect_err("it is not there");
    assert!(
        error
            .to_string()
            .starts_with("cannot read the scenario no-such-scenario.toml: ")
    );
    assert!(matches!(
        Scenario::load("."),
        Err(ScenarioError::Read { .. })
    ));
}

#[test]
fn addresses_come_in_the_order_of_the_file_with_what_is_expected() {
    let scenario = Scenario::parse(
        r#"
        [[domain]]
        name = "b.test"
        about = "all of b"
        mailboxes = [
            { name = "two", expect = "risky", about = "just two" },
            { name = '"a b"', expect = "deliverable" },
        ]
        [[domain]]
        name = "a.test"
        mailboxes = [{ name = "one", rcpt = "unknown" }]
        "#,
    )
    .expect("it is a scenario");
    let known: Vec<_> = scenario
        .addresses()
        .iter()
        .map(|known| (known.address.as_str(), known.expect, known.about.as_str()))
        .collect();
    assert_eq!(
        known,
        [
            ("two@b.test", Some(Expectation::Risky), "just two"),
            ("\"a b\"@b.test", Some(Expectation::Deliverable), "all of b"),
            ("one@a.test", None, ""),
        ]
    );
}

#[test]
fn bulk_deals_mailboxes_out_to_domains_and_domains_to_exchanges() {
    let scenario = Scenario::parse(
        r#"
        [[bulk]]
        domains = 4
        mailboxes = 10
        domains_per_exchange = 2
        mix = [
            { rcpt = "accepts", expect = "deliverable" },
            { rcpt = "unknown", expect = "undeliverable" },
        ]
        "#,
    )
    .expect("it is a scenario");
    let all = scenario.addresses();
    assert_eq!(all.len(), 10);
    assert_eq!(all[0].address, "user1@d1.load.test");
    assert_eq!(all[5].address, "user6@d2.load.test");
    assert_eq!(all[9].address, "user10@d2.load.test");
    assert_eq!(all[0].expect, Some(Expectation::Deliverable));
    assert_eq!(
        all[4].expect,
        Some(Expectation::Undeliverable),
        "the same domain, next round"
    );
}

#[test]
fn bulk_has_limits() {
    let told = mistake("[[bulk]]\ndomains = 0\nmailboxes = 1");
    assert!(
        told.starts_with("line 2, column 11: domains and domains_per_exchange"),
        "{told}"
    );
    let told = mistake("[[bulk]]\ndomains = 20_000\nmailboxes = 1");
    assert!(
        told.starts_with("line 2, column 11: more than 10000 exchanges"),
        "{told}"
    );
    let told = mistake("[[bulk]]\ndomains = 1\nmailboxes = 2_000_000");
    assert!(
        told.starts_with("line 3, column 13: more than 1000000 mailboxes"),
        "{told}"
    );
}

#[tokio::test]
async fn exchange_addresses_are_the_same_on_every_run() {
    let text = "[[domain]]\nname = \"a.test\"\n[[exchange]]\nname = \"z.test\"";
    let scenario = Scenario::parse(text).expect("it is a scenario");
    let lab = Lab::start(scenario).await.expect("loopback has room");
    let of = |name| lab.exchange_addresses(name).expect("it exists")[0].to_string();
    assert_eq!(of("z.test"), "127.77.0.1", "[[exchange]] tables come first");
    assert_eq!(of("mx.a.test"), "127.77.0.2");
}
