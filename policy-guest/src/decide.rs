//! The decision.

use crate::contract::{
    Cause, Decision, DecoyChoice, Evidence, ExchangeChoice, LookupOutcome, Plan, Reply, Stage,
    Verdict,
};
use crate::reasons::Reason;
use crate::settings::Settings;
use crate::verdict;

/// Decides what to do about the mailbox of `evidence`.
pub fn decide(evidence: &Evidence) -> Decision {
    let settings = Settings::of(evidence);
    if evidence.address.mailbox.is_err() {
        return settle(verdict::plain(Reason::AddressInvalid, vec![Cause::Address]));
    }
    let Some(lookup) = evidence.lookups.last() else {
        return first_attempt(&settings);
    };
    let because = vec![Cause::Lookup(verdict::index(evidence.lookups.len() - 1))];
    match lookup.outcome {
        LookupOutcome::NullMx => settle(verdict::plain(Reason::NoMailDomain, because)),
        LookupOutcome::NxDomain => settle(verdict::plain(Reason::NoDomain, because)),
        LookupOutcome::NoData | LookupOutcome::NoUsableExchange => {
            settle(verdict::plain(Reason::NoExchange, because))
        }
        LookupOutcome::SpecialUse(_) => settle(verdict::plain(Reason::SpecialUseDomain, because)),
        LookupOutcome::Exchanges | LookupOutcome::ImplicitMx | LookupOutcome::AddressLiteral => {
            by_dialogue(evidence, &settings)
        }
        _ => again(
            evidence,
            &settings,
            verdict::plain(Reason::DnsFailure, because),
        ),
    }
}

fn settle(verdict: Verdict) -> Decision {
    Decision::Settle(verdict)
}

fn first_attempt(settings: &Settings<'_>) -> Decision {
    Decision::Probe(Plan {
        reason: Reason::FirstAttempt.name().to_owned(),
        wait_ms: 0,
        exchange: ExchangeChoice::Planned,
        decoy: if settings.decoy {
            DecoyChoice::IfUnknown
        } else {
            DecoyChoice::None
        },
        hold_lane_ms: 0,
        because: vec![Cause::Address],
        otherwise: verdict::plain(Reason::FirstAttempt, vec![Cause::Address]),
        wishes: Vec::new(),
    })
}

fn by_dialogue(evidence: &Evidence, settings: &Settings<'_>) -> Decision {
    let Some((attempt, reply)) = last_rcpt(evidence) else {
        let last = verdict::index(evidence.attempts.len().saturating_sub(1));
        let unreachable = verdict::plain(Reason::Unreachable, vec![Cause::Attempt(last)]);
        return again(evidence, settings, unreachable);
    };
    let answer = &evidence.attempts[attempt].replies[reply];
    let because = vec![verdict::reply(attempt, reply)];
    match answer.code {
        Some(250 | 251) if accepted(evidence.decoys.last().map(|d| &d.reply)) => settle(
            verdict::called(Reason::AcceptAll, settings.accept_all, because),
        ),
        Some(250 | 251) => settle(verdict::plain(Reason::Accepted, because)),
        Some(500..=599) if answer.enhanced.as_ref().is_some_and(|e| e.subject == 1) => {
            settle(verdict::plain(Reason::UnknownUser, because))
        }
        Some(500..=599) => settle(verdict::plain(Reason::RefusedUnclear, because)),
        _ => again(
            evidence,
            settings,
            verdict::plain(Reason::TemporarilyRefused, because),
        ),
    }
}

fn accepted(reply: Option<&Reply>) -> bool {
    matches!(reply.and_then(|reply| reply.code), Some(200..=299))
}

fn last_rcpt(evidence: &Evidence) -> Option<(usize, usize)> {
    let attempts = evidence.attempts.iter().enumerate().rev();
    attempts.into_iter().find_map(|(attempt, facts)| {
        let reply = facts
            .replies
            .iter()
            .position(|r| matches!(r.stage, Stage::RcptTo))?;
        Some((attempt, reply))
    })
}

fn again(evidence: &Evidence, settings: &Settings<'_>, otherwise: Verdict) -> Decision {
    let rounds = evidence
        .attempts
        .last()
        .map_or(evidence.lookups.len(), |a| a.round as usize);
    let delays = settings.retry_delays;
    let delay = delays.get(rounds.saturating_sub(1)).or_else(|| delays.last());
    match delay {
        Some(delay) if (rounds as u32) < settings.attempts && evidence.budget.rounds_left > 0 => {
            Decision::Probe(Plan {
                reason: otherwise.reason.clone(),
                wait_ms: *delay,
                exchange: ExchangeChoice::Same,
                decoy: if settings.decoy {
                    DecoyChoice::IfUnknown
                } else {
                    DecoyChoice::None
                },
                hold_lane_ms: 0,
                because: otherwise.because.clone(),
                otherwise,
                wishes: Vec::new(),
            })
        }
        _ => settle(otherwise),
    }
}
