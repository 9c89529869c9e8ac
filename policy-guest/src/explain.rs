//! What a verdict tells of itself where the evidence has the fact `explain`: where the rule that
//! decided comes from, which words of the reply it knows, which rules it beat, and what the decoy's
//! answer was taken for.
//!
//! Promises: only facts are added, after the decision, so that it is the same with and without
//! them; where nobody asks, nothing is done.

use crate::accept_all::{Decoy, Refusal};
use crate::contract::{Cause, Decision, Evidence, Fact, Reply, Verdict};
use crate::rules::{self, Rule};
use crate::verdict::fact;

/// Rules that are told as beaten. Those behind the eighth are general ones that hold for every
/// reply of their class.
const ALTERNATIVES_MAX: usize = 8;

/// Words that are told as matched; the first is enough to understand a rule, and a reply may hold
/// dozens.
const MATCHED_MAX: usize = 4;

/// Bytes of a fact's value, by the contract.
const VALUE_BYTES_MAX: usize = 1_024;

/// What the rules rest on that are not in the table: they look beyond the reply's own words.
const IN_CONTEXT: [(&str, &str); 4] = [
    (
        "reverse-path-named",
        "the text names our reverse path and not the mailbox, so it speaks about our sender",
    ),
    (
        "our-address-named",
        "the text names our own IP address, as servers do where they refuse us, and says nothing \
         plain about the mailbox",
    ),
    (
        "asked-before",
        "RFC 5321 section 4.5.3.1.10; the same was accepted before in this session, so it is the \
         session that is over",
    ),
    (
        "forward-path",
        "RFC 5321 section 3.4: 551 names the mailbox to which the mail should go",
    ),
];

/// Whether the evidence asks for an explanation.
pub(crate) fn is_wanted(evidence: &Evidence) -> bool {
    let mut facts = evidence.facts.iter();
    facts.any(|fact| fact.name == "explain" && fact.value == "true")
}

/// Adds the explaining facts to the verdict, or to the one that a plan falls back on.
pub(crate) fn add(evidence: &Evidence, decision: &mut Decision) {
    let verdict = match decision {
        Decision::Settle(verdict) => verdict,
        Decision::Probe(plan) => &mut plan.otherwise,
    };
    let Some((reply, exchange)) = decisive(evidence, verdict) else {
        return;
    };
    let decided = verdict.facts.iter().find(|fact| fact.name == "rule");
    let decided = decided.map(|fact| fact.value.clone());
    if let Some(decided) = decided {
        add_rules(&mut verdict.facts, reply, exchange, &decided);
    }
    if let Some(says) = decoy_says(evidence, verdict, reply, exchange) {
        verdict.facts.push(fact("decoy-says", says));
    }
}

/// The reply that decided, and the exchange that gave it.
fn decisive<'a>(evidence: &'a Evidence, verdict: &Verdict) -> Option<(&'a Reply, &'a str)> {
    let Some(Cause::Reply(place)) = verdict.because.first() else {
        return None;
    };
    let attempt = evidence
        .attempts
        .get(usize::try_from(place.attempt).ok()?)?;
    let reply = attempt.replies.get(usize::try_from(place.reply).ok()?)?;
    Some((reply, &attempt.exchange_name))
}

/// The rule's source and words, and the rules that it beat.
fn add_rules(facts: &mut Vec<Fact>, reply: &Reply, exchange: &str, decided: &str) {
    let in_context = IN_CONTEXT.iter().find(|(rule, _)| *rule == decided);
    facts.extend(in_context.map(|(_, source)| fact("rule-source", source)));
    let holding = || rules::holding(reply, exchange);
    if let Some(rule) = holding().find(|rule| rule.id == decided) {
        facts.push(fact("rule-source", cut(rule.source)));
        let words = rule.words_in(&reply.text).into_iter();
        facts.extend(words.take(MATCHED_MAX).map(|words| Fact {
            name: "matched".to_owned(),
            value: words,
        }));
    }
    let beaten = holding().filter(|rule| rule.id != decided);
    facts.extend(beaten.take(ALTERNATIVES_MAX).map(alternative));
}

fn alternative(rule: &Rule) -> Fact {
    let mut value = String::with_capacity(64);
    value.push_str(rule.id);
    value.push(' ');
    value.push_str(rule.reason.name());
    Fact {
        name: "alternative".to_owned(),
        value,
    }
}

/// What the decoy's answer was taken for.
fn decoy_says(
    evidence: &Evidence,
    verdict: &Verdict,
    reply: &Reply,
    exchange: &str,
) -> Option<&'static str> {
    let decoy = Decoy::of(evidence, exchange);
    let is_named = verdict
        .because
        .iter()
        .any(|cause| matches!(cause, Cause::Decoy(_)));
    match decoy {
        Decoy::None => None,
        Decoy::Accepted(_) => Some("accepts-all"),
        _ if is_named && decoy.is_like(reply, evidence) => Some("alike"),
        Decoy::Elsewhere(_) => Some("elsewhere"),
        Decoy::Refused(_) => decoy.refusal(evidence).map(|refusal| match refusal {
            Refusal::Recipient(_) => "tells-apart",
            Refusal::Form => "form",
            Refusal::Undecided(_) => "undecided",
        }),
    }
}

/// As much of a text as a fact may hold.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_BYTES_MAX)]
}
