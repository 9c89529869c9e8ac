//! From plain case values to the contract's types, and back.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support: every test uses some of it, and panics say enough"
)]

use vrfy_policy_default::contract as wit;
use vrfy_policy_default::describe;

use crate::case::{Attempt, Case, Lookup, Reply, Said, SaidVerdict, milliseconds, preference};

/// The evidence of `case`.
pub fn evidence(case: &Case) -> wit::Evidence {
    let (local_part, domain) = case.mailbox.rsplit_once('@').unwrap();
    let mailbox = wit::Mailbox {
        wire: case.mailbox.clone(),
        local_part: local_part.into(),
        domain: domain.into(),
        unicode_domain: domain.into(),
        needs_smtputf8: !local_part.is_ascii(),
    };
    let problem = case.problem.as_ref().map(|code| wit::AddressProblem {
        code: code.clone(),
        message: String::new(),
        column: None,
    });
    wit::Evidence {
        address: wit::Address {
            given: case.mailbox.clone(),
            mailbox: problem.map_or(Ok(mailbox), Err),
        },
        lookups: case.lookups.iter().map(lookup).collect(),
        attempts: case.attempts.iter().map(attempt).collect(),
        decoys: case
            .decoys
            .iter()
            .map(|decoy| wit::DecoyFinding {
                asked: 0,
                exchange_name: decoy.exchange.clone(),
                attempt: None,
                reply: reply(&decoy.reply),
            })
            .collect(),
        tags: case.tags.clone(),
        facts: case.facts.iter().map(fact).collect(),
        clock: wit::Clock {
            now: case.attempts.last().map_or(0, |last| last.around.after_ms),
            probe_started: 0,
        },
        budget: wit::Budget {
            rounds_left: case.rounds_left,
            deadline: case.deadline_ms,
        },
        settings: settings(case),
    }
}

fn settings(case: &Case) -> Vec<wit::Setting> {
    let definitions = describe().settings;
    for (key, _) in &case.settings {
        assert!(
            definitions.iter().any(|d| d.key == *key),
            "{}: no setting {key}",
            case.name
        );
    }
    definitions
        .into_iter()
        .map(|definition| {
            let given = case.settings.iter().find(|(key, _)| *key == definition.key);
            let value = given.map(|(_, text)| value(&definition.kind, text));
            wit::Setting {
                key: definition.key,
                value: value.unwrap_or(definition.default),
            }
        })
        .collect()
}

fn value(kind: &wit::SettingKind, text: &str) -> wit::SettingValue {
    match kind {
        wit::SettingKind::Flag => wit::SettingValue::Flag(text.parse().unwrap()),
        wit::SettingKind::Integer(_) => wit::SettingValue::Integer(text.parse().unwrap()),
        wit::SettingKind::Duration(_) => wit::SettingValue::Duration(milliseconds(text)),
        wit::SettingKind::Durations(_) => {
            let items = text.split(',').filter(|item| !item.is_empty());
            wit::SettingValue::Durations(items.map(milliseconds).collect())
        }
        _ => wit::SettingValue::Text(text.into()),
    }
}

fn lookup(lookup: &Lookup) -> wit::Lookup {
    use wit::LookupOutcome as Outcome;
    let words = lookup.words.join(" ");
    let (outcome, exchanges) = match lookup.outcome.as_str() {
        "exchanges" => (Outcome::Exchanges, &lookup.words[..]),
        "implicit-mx" => (Outcome::ImplicitMx, &lookup.words[..]),
        "address-literal" => (Outcome::AddressLiteral, &lookup.words[..]),
        "null-mx" => (Outcome::NullMx, &[][..]),
        "special-use" => (Outcome::SpecialUse(words), &[][..]),
        "nx-domain" => (Outcome::NxDomain, &[][..]),
        "no-data" => (Outcome::NoData, &[][..]),
        "no-usable-exchange" => (Outcome::NoUsableExchange, &[][..]),
        "no-usable-exchange-now" => (Outcome::NoUsableExchangeNow, &[][..]),
        "serv-fail" => (Outcome::ServFail, &[][..]),
        "refused" => (Outcome::Refused, &[][..]),
        "timed-out" => (Outcome::TimedOut, &[][..]),
        "other" => (Outcome::Other(words), &[][..]),
        unknown => panic!("no such outcome: {unknown}"),
    };
    let exchange = |word: &String| {
        let (name, preference) = preference(word);
        wit::Exchange {
            name: name.into(),
            preference,
            addresses: vec!["192.0.2.1".into()],
        }
    };
    wit::Lookup {
        started: 0,
        elapsed_ms: 0,
        outcome,
        exchanges: exchanges.iter().map(exchange).collect(),
        facts: lookup.facts.iter().map(fact).collect(),
    }
}

fn fact((name, value): &(String, String)) -> wit::Fact {
    wit::Fact {
        name: name.clone(),
        value: value.clone(),
    }
}

fn attempt(attempt: &Attempt) -> wit::Attempt {
    let around = &attempt.around;
    wit::Attempt {
        round: attempt.round,
        started: around.after_ms,
        elapsed_ms: 0,
        exchange: 0,
        exchange_name: attempt.exchange.clone(),
        remote_address: Some("192.0.2.1".into()),
        local_address: "192.0.2.2".into(),
        ehlo_name: "probe.example.org".into(),
        reverse_path: match around.null_path {
            true => String::new(),
            false => "probe@example.org".into(),
        },
        tls: around.tls.then(|| wit::Tls {
            version: "TLSv1.3".into(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
            problems: Vec::new(),
        }),
        replies: attempt.replies.iter().map(reply).collect(),
        ending: ending(&attempt.ending, &attempt.detail),
        asked_before: around.asked_before,
        refused_before: around.refused_before,
        facts: attempt
            .facts
            .iter()
            .map(|(name, value)| wit::Fact {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
    }
}

fn ending(name: &str, detail: &str) -> wit::Ending {
    use wit::{ConnectFailure, Ending};
    let words = || detail.to_owned();
    match name {
        "completed" => Ending::Completed,
        "not-connected" => Ending::NotConnected(match detail.split_once(' ') {
            Some(("not-public", block)) => ConnectFailure::NotPublic(block.into()),
            Some(("other", why)) => ConnectFailure::Other(why.into()),
            _ => match detail {
                "refused" => ConnectFailure::Refused,
                "timed-out" => ConnectFailure::TimedOut,
                "unreachable" => ConnectFailure::Unreachable,
                _ => panic!("no such failure: {detail}"),
            },
        }),
        "closed" => Ending::Closed(stage(detail)),
        "timed-out" => Ending::TimedOut(stage(detail)),
        "service-closing" => Ending::ServiceClosing(stage(detail)),
        "greeting-refused" => Ending::GreetingRefused,
        "ehlo-refused" => Ending::EhloRefused,
        "tls-failed" => Ending::TlsFailed(words()),
        "violation" => Ending::Violation(words()),
        "limit-reached" => Ending::LimitReached(words()),
        "not-asked" => Ending::NotAsked(words()),
        "other" => Ending::Other(words()),
        _ => panic!("no such ending: {name}"),
    }
}

fn stage(name: &str) -> wit::Stage {
    use wit::Stage;
    match name {
        "connect" => Stage::Connect,
        "greeting" => Stage::Greeting,
        "ehlo" => Stage::Ehlo,
        "helo" => Stage::Helo,
        "start-tls" => Stage::StartTls,
        "ehlo-after-tls" => Stage::EhloAfterTls,
        "mail-from" => Stage::MailFrom,
        "rcpt-to" => Stage::RcptTo,
        "rset" => Stage::Rset,
        "quit" => Stage::Quit,
        _ => panic!("no such stage: {name}"),
    }
}

fn reply(reply: &Reply) -> wit::Reply {
    wit::Reply {
        stage: stage(&reply.stage),
        code: reply.code,
        enhanced: reply
            .enhanced
            .map(|(class, subject, detail)| wit::EnhancedStatusCode {
                class,
                subject,
                detail,
            }),
        text: reply.text.clone(),
        elapsed_ms: reply.elapsed_ms,
    }
}

/// The decision in plain words.
pub fn said(decision: &wit::Decision) -> Said {
    match decision {
        wit::Decision::Settle(verdict) => Said::Settle(said_verdict(verdict)),
        wit::Decision::Probe(plan) => Said::Probe {
            reason: plan.reason.clone(),
            wait_ms: plan.wait_ms,
            exchange: match plan.exchange {
                wit::ExchangeChoice::Planned => "planned",
                wit::ExchangeChoice::Same => "same",
                wit::ExchangeChoice::Next => "next",
            }
            .into(),
            decoy: match plan.decoy {
                wit::DecoyChoice::None => "none",
                wit::DecoyChoice::IfUnknown => "if-unknown",
                wit::DecoyChoice::Always => "always",
            }
            .into(),
            hold_lane_ms: plan.hold_lane_ms,
            otherwise: said_verdict(&plan.otherwise),
        },
    }
}

fn said_verdict(verdict: &wit::Verdict) -> SaidVerdict {
    SaidVerdict {
        status: match verdict.status {
            wit::Status::Deliverable => "deliverable",
            wit::Status::Undeliverable => "undeliverable",
            wit::Status::Risky => "risky",
            wit::Status::Unknown => "unknown",
        }
        .into(),
        reason: verdict.reason.clone(),
        confidence: verdict.confidence,
        hold_lane_ms: verdict.hold_lane_ms,
        rule: verdict
            .facts
            .iter()
            .find(|f| f.name == "rule")
            .map(|fact| fact.value.clone()),
        facts: verdict
            .facts
            .iter()
            .map(|fact| (fact.name.clone(), fact.value.clone()))
            .collect(),
        because: verdict.because.iter().map(cause).collect(),
    }
}

fn cause(cause: &wit::Cause) -> String {
    match cause {
        wit::Cause::Address => "address".into(),
        wit::Cause::Lookup(at) => format!("lookup {at}"),
        wit::Cause::Attempt(at) => format!("attempt {at}"),
        wit::Cause::Reply(at) => format!("reply {} {}", at.attempt, at.reply),
        wit::Cause::Decoy(at) => format!("decoy {at}"),
        wit::Cause::Tag(at) => format!("tag {at}"),
    }
}
