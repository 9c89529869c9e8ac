//! The policy cases once more, through the component: the same files that the default policy is
//! tested with natively, judged by the policy that is built into the program, in the sandbox, with
//! settings resolved as an operator's are.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test is test code; clippy knows only functions marked as tests"
)]

#[path = "../../policy-guest/tests/case/mod.rs"]
mod case;

use serde_json::{Value, json};
use vrfy::policy::{EngineOptions, GivenSetting, Policy, PolicyEngine, resolve};
use vrfy_proto::enhanced_code::EnhancedStatusCode;
use vrfy_proto::evidence::{
    Address, AddressProblem, Attempt, Budget, Cause, Clock, Decision, DecoyChoice, DecoyFinding,
    Ending, Evidence, Exchange, ExchangeChoice, Fact, Lookup, LookupOutcome, MailboxFacts, Reply,
    Setting, Tls, Verdict,
};
use vrfy_proto::stage::Stage;
use vrfy_tests::program::root;

use case::{Case, Said, SaidVerdict};

#[test]
fn the_component_decides_every_case_as_it_is_expected_to() {
    let engine = PolicyEngine::new(EngineOptions::default()).unwrap();
    let policy = Policy::built_in(&engine).unwrap();
    let cases = case::load(&root().join("tests/data/policies"));
    let mut wrong = String::new();
    for case in &cases {
        let said = match policy.decide(&evidence(case, settings(&policy, case))) {
            Ok(decision) => said(decision).to_string(),
            Err(fault) => fault.to_string(),
        };
        if said != case.expect {
            let Case { name, expect, .. } = case;
            wrong += &format!("{name}\n  expected {expect}\n  decided  {said}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(cases.len() > 50, "only {} cases were found", cases.len());
}

fn settings(policy: &Policy, case: &Case) -> Vec<Setting> {
    let given = case.settings.iter().map(|(key, value)| GivenSetting {
        key: key.clone(),
        value: value.clone(),
    });
    let given: Vec<GivenSetting> = given.collect();
    resolve(policy.manifest(), &given).unwrap()
}

fn evidence(case: &Case, settings: Vec<Setting>) -> Evidence {
    let (local_part, domain) = case.mailbox.rsplit_once('@').unwrap();
    let mailbox = MailboxFacts {
        wire: case.mailbox.clone(),
        local_part: local_part.to_owned(),
        domain: domain.to_owned(),
        unicode_domain: domain.to_owned(),
        needs_smtputf8: !local_part.is_ascii(),
    };
    let problem = case.problem.as_ref().map(|code| AddressProblem {
        code: code.clone(),
        message: String::new(),
        column: None,
    });
    let decoys = case.decoys.iter().map(|decoy| DecoyFinding {
        asked_ms: 0,
        exchange_name: decoy.exchange.clone(),
        attempt: None,
        reply: reply(&decoy.reply),
    });
    Evidence {
        address: Address {
            given: case.mailbox.clone(),
            mailbox: problem.map_or(Ok(mailbox), Err),
        },
        lookups: case.lookups.iter().map(lookup).collect(),
        attempts: case.attempts.iter().map(attempt).collect(),
        decoys: decoys.collect(),
        tags: case.tags.clone(),
        facts: case.facts.iter().map(fact).collect(),
        clock: Clock {
            now_ms: case.attempts.last().map_or(0, |last| last.around.after_ms),
            probe_started_ms: 0,
        },
        budget: Budget {
            rounds_left: case.rounds_left,
            deadline_ms: case.deadline_ms,
        },
        settings,
    }
}

/// A variant by its name in the contract; `held` is what it holds, if anything.
fn variant<T: serde::de::DeserializeOwned>(name: &str, held: Option<Value>) -> T {
    let value = held.map_or_else(|| json!(name), |held| json!({ name: held }));
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn lookup(lookup: &case::Lookup) -> Lookup {
    let words = lookup.words.join(" ");
    let (outcome, exchanges): (LookupOutcome, &[String]) = match lookup.outcome.as_str() {
        name @ ("special-use" | "other") => (variant(name, Some(words.into())), &[]),
        name => (variant(name, None), &lookup.words),
    };
    let exchange = |word: &String| {
        let (name, preference) = case::preference(word);
        Exchange {
            name: name.to_owned(),
            preference,
            addresses: vec!["192.0.2.1".to_owned()],
        }
    };
    Lookup {
        started_ms: 0,
        elapsed_ms: 0,
        outcome,
        exchanges: exchanges.iter().map(exchange).collect(),
        facts: lookup.facts.iter().map(fact).collect(),
    }
}

fn fact((name, value): &(String, String)) -> Fact {
    Fact::new(name, value)
}

fn attempt(attempt: &case::Attempt) -> Attempt {
    let around = &attempt.around;
    Attempt {
        round: attempt.round,
        started_ms: around.after_ms,
        elapsed_ms: 0,
        exchange: 0,
        exchange_name: attempt.exchange.clone(),
        remote_address: Some("192.0.2.1".to_owned()),
        local_address: "192.0.2.2".to_owned(),
        ehlo_name: "probe.example.org".to_owned(),
        reverse_path: match around.null_path {
            true => String::new(),
            false => "probe@example.org".to_owned(),
        },
        tls: around.tls.then(|| Tls {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            problems: Vec::new(),
        }),
        replies: attempt.replies.iter().map(reply).collect(),
        ending: ending(&attempt.ending, &attempt.detail),
        asked_before: around.asked_before,
        refused_before: around.refused_before,
        facts: attempt
            .facts
            .iter()
            .map(|(name, value)| Fact::new(name, value))
            .collect(),
    }
}

fn ending(name: &str, detail: &str) -> Ending {
    let failure = || match detail.split_once(' ') {
        Some((failure, held)) => json!({ failure: held }),
        None => json!(detail),
    };
    match name {
        "not-connected" => variant(name, Some(failure())),
        "completed" | "greeting-refused" | "ehlo-refused" => variant(name, None),
        _ => variant(name, Some(json!(detail))),
    }
}

fn reply(reply: &case::Reply) -> Reply {
    let enhanced = reply.enhanced;
    Reply {
        stage: Stage::from_name(&reply.stage).unwrap(),
        code: reply.code,
        enhanced: enhanced.map(|(class, subject, detail)| EnhancedStatusCode {
            class,
            subject,
            detail,
        }),
        text: reply.text.clone(),
        elapsed_ms: reply.elapsed_ms,
    }
}

fn said(decision: Decision) -> Said {
    match decision {
        Decision::Settle(verdict) => Said::Settle(said_verdict(verdict)),
        Decision::Probe(plan) => Said::Probe {
            reason: plan.reason,
            wait_ms: plan.wait_ms,
            exchange: match plan.exchange {
                ExchangeChoice::Planned => "planned",
                ExchangeChoice::Same => "same",
                ExchangeChoice::Next => "next",
            }
            .to_owned(),
            decoy: match plan.decoy {
                DecoyChoice::None => "none",
                DecoyChoice::IfUnknown => "if-unknown",
                DecoyChoice::Always => "always",
            }
            .to_owned(),
            hold_lane_ms: plan.hold_lane_ms,
            otherwise: said_verdict(plan.otherwise),
        },
    }
}

fn said_verdict(verdict: Verdict) -> SaidVerdict {
    let rule = verdict.facts.iter().find(|fact| fact.name == "rule");
    SaidVerdict {
        status: verdict.status.as_str().to_owned(),
        reason: verdict.reason,
        confidence: verdict.confidence,
        hold_lane_ms: verdict.hold_lane_ms,
        rule: rule.map(|fact| fact.value.clone()),
        facts: verdict
            .facts
            .iter()
            .map(|fact| (fact.name.clone(), fact.value.clone()))
            .collect(),
        because: verdict.because.into_iter().map(cause).collect(),
    }
}

fn cause(cause: Cause) -> String {
    match cause {
        Cause::Address => "address".to_owned(),
        Cause::Lookup(at) => format!("lookup {at}"),
        Cause::Attempt(at) => format!("attempt {at}"),
        Cause::Reply { attempt, reply } => format!("reply {attempt} {reply}"),
        Cause::Decoy(at) => format!("decoy {at}"),
        Cause::Tag(at) => format!("tag {at}"),
    }
}
