//! The page of reasons.

use std::fmt::Write;

use vrfy_policy_default::contract::{Manifest, ReasonDefinition, Status};
use vrfy_policy_default::{advice, study};

use crate::parse::Knowledge;

const HEAD: &str = "\
# Reasons

Every verdict has a reason, by one of these names. They are the published registry: a policy of
your own should use them where they fit, and may add others ([wit/policy.wit](../wit/policy.wit),
`reason-definition`). `vrfy policy` shows those of any policy.

*Status* is what the reason usually leads to; settings and other evidence can change it.
*Confidence* is that of the plain case, in percent: how often such a verdict should be right. A
status of `unknown` claims nothing and has none. *About* says whom the reason speaks about. Only
what is about the mailbox or its domain can make an address deliverable or undeliverable.

| about | what that is |
|---|---|
| `mailbox` | the mailbox, or the address as it is written |
| `domain` | its domain, in DNS or in the words of the server |
| `us` | our address, sender, reputation or settings: another client might get another answer |
| `load` | what the server can or will do for now: ask later |
| `dialogue` | how the asking went: nothing was said that counts |

This page is made from [policy-guest/src/reasons.rs](../policy-guest/src/reasons.rs) and
[policy-guest/rules.toml](../policy-guest/rules.toml), and a test holds it to them.
";

const GROUPS: [(&str, &str); 5] = [
    ("mailbox", "About the mailbox"),
    ("domain", "About its domain"),
    ("us", "About us"),
    ("load", "About what the server can or will do for now"),
    ("dialogue", "About how the asking went"),
];

pub(crate) fn render(manifest: &Manifest, knowledge: &Knowledge) -> String {
    let mut out = HEAD.to_owned();
    let mut told = 0;
    for (about, heading) in GROUPS {
        let all = manifest.reasons.iter().filter(|one| one.about == about);
        write!(out, "\n## {heading}\n\n").unwrap();
        out += "| reason | status | confidence | what it says | what to do | rules |\n";
        out += "|---|---|---|---|---|---|\n";
        for reason in all {
            row(&mut out, reason, knowledge);
            told += 1;
        }
    }
    assert_eq!(
        told,
        manifest.reasons.len(),
        "a reason is about nothing published"
    );
    out
}

fn row(out: &mut String, reason: &ReasonDefinition, knowledge: &Knowledge) {
    let status = match reason.status {
        Status::Deliverable => "deliverable",
        Status::Undeliverable => "undeliverable",
        Status::Risky => "risky",
        Status::Unknown => "unknown",
    };
    let (_, _, confidence) = study::reasons()
        .find(|(name, ..)| *name == reason.name)
        .unwrap();
    let confidence = if confidence == 0 {
        String::new()
    } else {
        confidence.to_string()
    };
    let (_, advice) = advice().find(|(name, _)| *name == reason.name).unwrap();
    let rules = knowledge
        .rules
        .iter()
        .filter(|rule| rule.reason == reason.name)
        .count();
    let rules = if rules == 0 {
        String::new()
    } else {
        rules.to_string()
    };
    let ReasonDefinition { name, summary, .. } = reason;
    writeln!(
        out,
        "| `{name}` | {status} | {confidence} | {summary} | {advice} | {rules} |"
    )
    .unwrap();
}
