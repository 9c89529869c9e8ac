//! What the attempts say together: who was heard, what was said again, and what contradicts.

use crate::accept_all::fingerprint;
use crate::contract::{Attempt, Evidence, Exchange, LookupOutcome, Reply, Stage};

/// So many rounds in the same words are a habit, not a moment.
const PERSISTED_ROUNDS: u32 = 3;
/// And so long, in milliseconds: most greylists that let anybody through do so within an hour.
const PERSISTED_MS: u64 = 3_600_000;

/// The last answer to RCPT of an attempt.
pub(crate) fn answer(attempt: &Attempt) -> Option<&Reply> {
    let mut replies = attempt.replies.iter().rev();
    replies.find(|reply| matches!(reply.stage, Stage::RcptTo))
}

/// The exchanges of the look-up in force that take mail for the domain by name.
fn exchanges(evidence: &Evidence) -> &[Exchange] {
    match evidence.lookups.last() {
        Some(lookup) if matches!(lookup.outcome, LookupOutcome::Exchanges) => &lookup.exchanges,
        _ => &[],
    }
}

/// The attempts at an exchange.
pub(crate) fn attempts_at<'a>(
    evidence: &'a Evidence,
    exchange: &'a str,
) -> impl Iterator<Item = &'a Attempt> {
    let attempts = evidence.attempts.iter();
    attempts.filter(move |attempt| attempt.exchange_name == exchange)
}

/// Whether the domain has an exchange that was not asked yet.
pub(crate) fn has_unasked_exchange(evidence: &Evidence) -> bool {
    let mut exchanges = exchanges(evidence).iter();
    exchanges.any(|exchange| attempts_at(evidence, &exchange.name).next().is_none())
}

/// Whether the domain has an exchange that never answered RCPT.
pub(crate) fn has_unheard_exchange(evidence: &Evidence) -> bool {
    let mut exchanges = exchanges(evidence).iter();
    exchanges.any(|exchange| is_unheard(evidence, exchange))
}

/// Whether the domain has an exchange that is preferred to this one and never answered RCPT.
pub(crate) fn has_unheard_better(evidence: &Evidence, name: &str) -> bool {
    let exchanges = exchanges(evidence);
    let own = exchanges.iter().find(|exchange| exchange.name == name);
    own.is_some_and(|own| {
        let mut better = exchanges.iter();
        better.any(|one| one.preference < own.preference && is_unheard(evidence, one))
    })
}

/// Whether one exchange is preferred to another.
pub(crate) fn is_better(evidence: &Evidence, name: &str, than: &str) -> bool {
    let preference = |name: &str| {
        let mut exchanges = exchanges(evidence).iter();
        exchanges
            .find(|exchange| exchange.name == name)
            .map(|found| found.preference)
    };
    matches!((preference(name), preference(than)), (Some(one), Some(other)) if one < other)
}

fn is_unheard(evidence: &Evidence, exchange: &Exchange) -> bool {
    attempts_at(evidence, &exchange.name).all(|attempt| answer(attempt).is_none())
}

/// Whether the answer of this attempt was given before, in the same words, round after round and
/// for long enough.
pub(crate) fn has_persisted(evidence: &Evidence, attempt: usize) -> bool {
    let newest = &evidence.attempts[attempt];
    let Some(reply) = answer(newest) else {
        return false;
    };
    if evidence.attempts.len() < PERSISTED_ROUNDS as usize {
        return false;
    }
    let words = fingerprint(&reply.text);
    let (mut rounds, mut round, mut since) = (0, 0, newest.started);
    for earlier in &evidence.attempts[..=attempt] {
        let alike = answer(earlier)
            .is_some_and(|other| other.code == reply.code && fingerprint(&other.text) == words);
        if alike && earlier.round != round {
            rounds += 1;
            round = earlier.round;
            since = since.min(earlier.started);
        }
    }
    rounds >= PERSISTED_ROUNDS && newest.started.saturating_sub(since) >= PERSISTED_MS
}

/// How many attempts before this one were put off at RCPT.
pub(crate) fn deferred_before(evidence: &Evidence, attempt: usize) -> usize {
    let before = evidence.attempts[..attempt].iter().filter_map(answer);
    before
        .filter(|reply| matches!(reply.code, Some(400..=499)))
        .count()
}
