//! The decision: address first, then the look-up, then the dialogue (`dialogue.rs`).

use crate::contract::{
    Cause, Decision, DecoyChoice, Evidence, ExchangeChoice, Fact, LookupOutcome, Plan, Verdict,
};
use crate::dialogue;
use crate::explain;
use crate::reasons::Reason;
use crate::retry::{Again, Wait, again};
use crate::settings::Settings;
use crate::tags;
use crate::verdict;

/// Decides what to do about the mailbox of `evidence`, and explains it where that is wanted.
pub fn decide(evidence: &Evidence) -> Decision {
    let mut decision = conclude(evidence);
    if explain::is_wanted(evidence) {
        explain::add(evidence, &mut decision);
    }
    decision
}

fn conclude(evidence: &Evidence) -> Decision {
    let settings = Settings::of(evidence);
    let mut decision = judge(evidence, &settings);
    tags::note(&mut decision, evidence, &settings);
    decision
}

fn judge(evidence: &Evidence, settings: &Settings<'_>) -> Decision {
    if evidence.address.mailbox.is_err() {
        let verdict = verdict::plain(Reason::AddressInvalid, vec![Cause::Address]);
        return Decision::Settle(verdict);
    }
    if let Some(excluded) = verdict::excluded(&evidence.facts) {
        return Decision::Settle(excluded_by(excluded, Cause::Address));
    }
    let Some(lookup) = evidence.lookups.last() else {
        return first_attempt(settings);
    };
    let last = verdict::index(evidence.lookups.len() - 1);
    let reason = match lookup.outcome {
        LookupOutcome::Exchanges | LookupOutcome::ImplicitMx | LookupOutcome::AddressLiteral => {
            return match evidence.attempts.is_empty() {
                true => first_attempt(settings),
                false => dialogue::decide(evidence, settings),
            };
        }
        LookupOutcome::NullMx => Reason::NoMailDomain,
        LookupOutcome::NxDomain => Reason::NoDomain,
        LookupOutcome::NoData | LookupOutcome::NoUsableExchange => Reason::NoExchange,
        LookupOutcome::SpecialUse(_) => Reason::SpecialUseDomain,
        LookupOutcome::NoUsableExchangeNow
        | LookupOutcome::ServFail
        | LookupOutcome::Refused
        | LookupOutcome::TimedOut => Reason::DnsFailure,
        LookupOutcome::Other(_) => match verdict::excluded(&lookup.facts) {
            Some(excluded) => {
                return Decision::Settle(excluded_by(excluded, Cause::Lookup(last)));
            }
            None => Reason::DnsFailure,
        },
    };
    let verdict = verdict::plain(reason, vec![Cause::Lookup(last)]);
    match reason {
        Reason::DnsFailure => again(evidence, settings, later(verdict)),
        _ => Decision::Settle(verdict),
    }
}

/// Somebody wants to be left alone; the entry of the list is told.
fn excluded_by(entry: &Fact, because: Cause) -> Verdict {
    let mut verdict = verdict::plain(Reason::Excluded, vec![because]);
    verdict.facts.push(entry.clone());
    verdict
}

/// Probe at once, where the host thinks best.
fn first_attempt(settings: &Settings<'_>) -> Decision {
    let because = vec![Cause::Address];
    Decision::Probe(Plan {
        reason: Reason::FirstAttempt.name().to_owned(),
        wait_ms: 0,
        exchange: ExchangeChoice::Planned,
        decoy: match settings.decoy {
            true => DecoyChoice::IfUnknown,
            false => DecoyChoice::None,
        },
        hold_lane_ms: 0,
        because: because.clone(),
        otherwise: verdict::plain(Reason::FirstAttempt, because),
        wishes: Vec::new(),
    })
}

/// Look up again on schedule.
fn later(otherwise: Verdict) -> Again {
    Again {
        reason: Reason::DnsFailure,
        exchange: ExchangeChoice::Planned,
        decoy_anew: false,
        hold: 0,
        wait: Wait::Schedule,
        otherwise,
    }
}
