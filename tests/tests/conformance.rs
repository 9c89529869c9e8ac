//! Every rule of the standards that binds a probe is shown by a test, or is an exception with its
//! reason.
//!
//! Goal: `docs/conformance.md` says what is held and by what, and cannot drift from the tests.
//! Method: the rules stand in `tests/data/conformance`, a file for each section; each names its
//! tests, which must exist, and the page must be what is rendered from the files. `VRFY_BLESS=1`
//! rewrites the page.
//!
//! What it does not do: judge whether a test shows its rule. That is for who reads the diff.

#[path = "conformance/page.rs"]
mod page;
#[path = "conformance/proof.rs"]
mod proof;
#[path = "conformance/section.rs"]
mod section;

use std::collections::BTreeSet;
use std::fs;

use section::{Section, sections};
use vrfy_tests::program::root;

const PAGE: &str = "docs/conformance.md";

#[test]
fn every_rule_is_there_once_and_in_its_place() {
    for section in sections() {
        let Section { letter, rules, .. } = &section;
        let expected: Vec<String> = (1..=*rules)
            .map(|number| format!("{letter}{number}"))
            .collect();
        let found: Vec<&str> = section.rule.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(found, expected, "{}", section.title);
    }
    let letters: String = sections().iter().map(|section| section.letter).collect();
    assert_eq!(letters, "ADCRETMPQLGKNV");
}

#[test]
fn every_rule_is_shown_by_tests_or_excepted_with_a_reason() {
    let mut wrong = Vec::new();
    for rule in sections().iter().flat_map(|section| &section.rule) {
        let distinct: BTreeSet<&String> = rule.tests.iter().collect();
        if distinct.len() != rule.tests.len() {
            wrong.push(format!("{} names a test twice", rule.id));
        }
        if rule.tests.is_empty() && rule.exception.is_none() {
            wrong.push(format!("{} has neither a test nor a reason", rule.id));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_named_test_exists() {
    let mut wrong = Vec::new();
    for rule in sections().iter().flat_map(|section| &section.rule) {
        for test in &rule.tests {
            if let Err(why) = proof::check(test) {
                wrong.push(format!("{}: {test}: {why}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no arguments to be blessed with"
)]
fn the_page_is_what_the_rules_say() {
    let path = root().join(PAGE);
    let expected = page::render(&sections());
    if std::env::var_os("VRFY_BLESS").is_some() {
        fs::write(&path, &expected).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).expect("the page is in the tree");
    let difference = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(
        found == expected,
        "{PAGE} is not what tests/data/conformance says; run `make bless`: {difference:#?}"
    );
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    for (reference, why) in [
        ("tests/tests/conformance.rs::no_such_test", "no such test"),
        ("tests/tests/conformance.rs::PAGE", "no such test"),
        ("tests/tests/conformance/proof.rs::check", "no such test"),
        ("tests/tests/nowhere.rs::x", "no such file"),
        ("tests/data/policies/temporary.toml::x", "no such case"),
        ("host/proto/tests/data/transcripts/x.smtp", "no such file"),
        ("README.md", "neither a test nor a dialogue"),
    ] {
        assert_eq!(proof::check(reference), Err(why), "{reference}");
    }
    let itself = "tests/tests/conformance.rs::a_test_that_is_not_there_is_noticed";
    assert_eq!(proof::check(itself), Ok(()));
}
