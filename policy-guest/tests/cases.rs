//! Runs the policy cases in `tests/data/policies` against the default policy, natively.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod case;
mod native;

use std::path::Path;

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

#[test]
fn the_same_evidence_leads_to_the_same_decision() {
    for case in cases() {
        let evidence = native::evidence(&case);
        assert_eq!(decide(&evidence), decide(&evidence), "{}", case.name);
    }
}
