//! A reply in a dialogue of its own, and the verdict on it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests of the policy, which use some of it"
)]

use std::fmt;

use vrfy_policy_default::contract as wit;
use vrfy_policy_default::{decide, describe};

use crate::corpus::{Class, Row, Stage};

/// The final verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub status: &'static str,
    pub reason: String,
    pub confidence: u8,
    /// The rule that decided; empty where none did.
    pub rule: String,
}

impl Judged {
    /// What the verdict takes the reply for. "No such user" in a temporary code is named and not
    /// condemned, but it is found.
    pub fn class(&self) -> Class {
        match (self.status, self.reason.as_str()) {
            ("undeliverable", _) | (_, "unknown-user-temporary") => Class::NotExists,
            ("unknown", _) => Class::Nothing,
            _ => Class::Exists,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}%", self.status, self.reason, self.confidence)?;
        match self.rule.is_empty() {
            true => Ok(()),
            false => write!(f, " by {}", self.rule),
        }
    }
}

/// The verdict when this reply is all that is known and nothing can be asked again.
pub fn judge(row: &Row) -> Judged {
    let verdict = match decide(&evidence(row)) {
        wit::Decision::Settle(verdict) => verdict,
        // No round is left, so the host would record this.
        wit::Decision::Probe(plan) => plan.otherwise,
    };
    let rule = verdict.facts.into_iter().find(|fact| fact.name == "rule");
    Judged {
        status: match verdict.status {
            wit::Status::Deliverable => "deliverable",
            wit::Status::Undeliverable => "undeliverable",
            wit::Status::Risky => "risky",
            wit::Status::Unknown => "unknown",
        },
        reason: verdict.reason,
        confidence: verdict.confidence,
        rule: rule.map(|fact| fact.value).unwrap_or_default(),
    }
}

/// The evidence of a probe that was answered with this reply and nothing else of interest.
pub fn evidence(row: &Row) -> wit::Evidence {
    let exchange = row.exchange.as_deref().unwrap_or("mx.example.com");
    let domain = "example.com";
    let settings = describe().settings.into_iter();
    wit::Evidence {
        address: wit::Address {
            given: MAILBOX.into(),
            mailbox: Ok(wit::Mailbox {
                wire: MAILBOX.into(),
                local_part: "ana".into(),
                domain: domain.into(),
                unicode_domain: domain.into(),
                needs_smtputf8: false,
            }),
        },
        lookups: vec![wit::Lookup {
            started: 0,
            elapsed_ms: 0,
            outcome: wit::LookupOutcome::Exchanges,
            exchanges: vec![wit::Exchange {
                name: exchange.into(),
                preference: 10,
                addresses: vec!["192.0.2.1".into()],
            }],
            facts: Vec::new(),
        }],
        attempts: vec![attempt(exchange, replies(row))],
        decoys: Vec::new(),
        tags: Vec::new(),
        facts: Vec::new(),
        clock: wit::Clock {
            now: 0,
            probe_started: 0,
        },
        budget: wit::Budget {
            rounds_left: 0,
            deadline: None,
        },
        settings: settings
            .map(|setting| wit::Setting {
                key: setting.key,
                value: setting.default,
            })
            .collect(),
    }
}

/// Who is asked about in every dialogue.
pub const MAILBOX: &str = "ana@example.com";

fn attempt(exchange: &str, replies: Vec<wit::Reply>) -> wit::Attempt {
    wit::Attempt {
        round: 1,
        started: 0,
        elapsed_ms: 0,
        exchange: 0,
        exchange_name: exchange.into(),
        remote_address: Some("192.0.2.1".into()),
        local_address: "192.0.2.2".into(),
        ehlo_name: "probe.example.org".into(),
        reverse_path: "probe@example.org".into(),
        tls: None,
        replies,
        ending: wit::Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: Vec::new(),
    }
}

/// The usual replies before the one of the row, and that one.
fn replies(row: &Row) -> Vec<wit::Reply> {
    let stage = match row.stage {
        Stage::Banner => wit::Stage::Greeting,
        Stage::Ehlo => wit::Stage::Ehlo,
        Stage::Mail => wit::Stage::MailFrom,
        Stage::Rcpt | Stage::Data | Stage::Unknown => wit::Stage::RcptTo,
    };
    let usual = [
        (wit::Stage::Greeting, 220, "ready"),
        (wit::Stage::Ehlo, 250, "hello"),
        (wit::Stage::MailFrom, 250, "ok"),
    ];
    let before = usual.into_iter().take_while(|(earlier, ..)| {
        std::mem::discriminant(earlier) != std::mem::discriminant(&stage)
    });
    let mut replies: Vec<wit::Reply> = before
        .map(|(stage, code, text)| reply(stage, code, None, text.into()))
        .collect();
    let enhanced = row.leading_code();
    let enhanced = enhanced.map(|(class, subject, detail)| wit::EnhancedStatusCode {
        class,
        subject,
        detail,
    });
    replies.push(reply(stage, row.code, enhanced, row.words()));
    replies
}

fn reply(
    stage: wit::Stage,
    code: u16,
    enhanced: Option<wit::EnhancedStatusCode>,
    text: String,
) -> wit::Reply {
    wit::Reply {
        stage,
        code: Some(code),
        enhanced,
        text,
        elapsed_ms: 20,
    }
}
