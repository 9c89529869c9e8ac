//! Runs the policy cases in `tests/data/policies` against the default policy, natively.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod case;
mod native;

use std::path::Path;

use vrfy_policy_default::contract::{Decision, Evidence, Fact, Verdict};
use vrfy_policy_default::{decide, describe};

fn cases() -> Vec<case::Case> {
    case::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/policies"))
}

#[test]
fn every_case_leads_to_the_decision_that_it_expects() {
    let mut wrong = String::new();
    for case in cases() {
        let said = native::said(&decide(&native::evidence(&case))).to_string();
        if said != case.expect {
            wrong += &format!(
                "{}\n  expected {}\n  decided  {said}\n",
                case.name, case.expect
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_decision_keeps_the_rules_of_the_contract() {
    let reasons = describe().reasons;
    let mut names: Vec<String> = Vec::new();
    for case in cases() {
        assert!(!names.contains(&case.name), "{} is there twice", case.name);
        names.push(case.name.clone());
        let said = native::said(&decide(&native::evidence(&case)));
        let verdict = match &said {
            case::Said::Settle(verdict) => verdict,
            case::Said::Probe {
                reason, otherwise, ..
            } => {
                assert!(
                    reasons.iter().any(|r| r.name == *reason),
                    "{}: {reason}",
                    case.name
                );
                otherwise
            }
        };
        assert!(
            reasons.iter().any(|r| r.name == verdict.reason),
            "{}",
            case.name
        );
        assert!((1..=8).contains(&verdict.because.len()), "{}", case.name);
        assert!(verdict.confidence <= 100, "{}", case.name);
        assert_eq!(
            verdict.confidence == 0,
            verdict.status == "unknown",
            "{}",
            case.name
        );
    }
}

/// The verdict of a decision, or the one that its plan falls back on.
fn verdict(decision: &mut Decision) -> &mut Verdict {
    match decision {
        Decision::Settle(verdict) => verdict,
        Decision::Probe(plan) => &mut plan.otherwise,
    }
}

/// The evidence with the fact that asks for an explanation.
fn with_explain(case: &case::Case) -> Evidence {
    let mut evidence = native::evidence(case);
    evidence.facts.push(Fact {
        name: "explain".into(),
        value: "true".into(),
    });
    evidence
}

#[test]
fn an_explanation_adds_facts_and_changes_nothing_else() {
    let explaining = ["rule-source", "matched", "alternative", "decoy-says"];
    let mut seen = Vec::new();
    for case in cases() {
        let plain = decide(&native::evidence(&case));
        let mut explained = decide(&with_explain(&case));
        let facts = &mut verdict(&mut explained).facts;
        assert!(facts.len() <= 32, "{}", case.name);
        facts.retain(|fact| {
            assert!(fact.value.len() <= 1_024, "{}", case.name);
            let is_one = explaining.contains(&fact.name.as_str());
            seen.extend(is_one.then(|| fact.name.clone()));
            !is_one
        });
        assert_eq!(explained, plain, "{}", case.name);
    }
    for name in explaining {
        assert!(seen.iter().any(|one| one == name), "{name} is never given");
    }
}

#[test]
fn every_rule_that_decided_tells_its_source() {
    for case in cases() {
        let mut explained = decide(&with_explain(&case));
        let facts = &verdict(&mut explained).facts;
        let has = |name: &str| facts.iter().any(|fact| fact.name == name);
        assert_eq!(has("rule"), has("rule-source"), "{}", case.name);
        let rule = facts.iter().find(|fact| fact.name == "rule");
        for beaten in facts.iter().filter(|fact| fact.name == "alternative") {
            let (id, reason) = beaten.value.split_once(' ').unwrap();
            assert!(rule.is_some_and(|rule| rule.value != id), "{}", case.name);
            let mut reasons = describe().reasons.into_iter();
            assert!(reasons.any(|one| one.name == reason), "{}", beaten.value);
        }
    }
}

#[test]
fn the_same_evidence_leads_to_the_same_decision() {
    for case in cases() {
        let evidence = native::evidence(&case);
        assert_eq!(decide(&evidence), decide(&evidence), "{}", case.name);
    }
}
