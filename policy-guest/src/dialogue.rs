//! What the attempts come to.
//!
//! The newest round is looked at first: its answer about the mailbox if there is one, else how its
//! last attempt failed. A conclusive answer settles. For the rest the next round is planned after
//! the newest failure, while the verdict to fall back on comes from the most telling attempt of the
//! whole history, since a time-out today does not unsay what was answered yesterday.

use crate::accept_all::Decoy;
use crate::contract::{Decision, Ending, Evidence, ExchangeChoice, Reply};
use crate::found::{Contradiction, Found, newest};
use crate::history;
use crate::reasons::Reason;
use crate::reply::Reading;
use crate::retry::{self, Wait, again};
use crate::rules::Says;
use crate::settings::Settings;
use crate::verdict;

/// Decides after at least one attempt.
pub(crate) fn decide(evidence: &Evidence, settings: &Settings<'_>) -> Decision {
    let newest = newest(evidence);
    let reading = newest.reading;
    match reading.says {
        Says::Accepted => accepted(newest, settings),
        Says::Exists => exists(newest, settings),
        Says::Absent if reading.lasting => absent(newest, settings),
        Says::Absent => newest.again(settings, newest.when_temporary(), Wait::Schedule),
        Says::Unclear => unclear(newest, settings),
        Says::Us | Says::Server => {
            // A round that was made to learn more of an answer and learnt nothing is the last one.
            let best = newest.best();
            match best.reading.says {
                Says::Accepted | Says::Unclear => {
                    let mut verdict = best.fallback(settings);
                    verdict.hold_lane_ms = hold(reading.reason, settings);
                    Decision::Settle(verdict)
                }
                _ if reading.says == Says::Us => us(newest, settings),
                _ => server(newest, settings),
            }
        }
    }
}

/// So sure is a verdict at most that another answer of the same probe contradicts.
const OVERRULED: u8 = 80;

/// The mailbox was accepted. That is worth little without a decoy's answer from the same exchange,
/// and nothing where a spare exchange accepts everything; so one more round is made for either.
fn accepted(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    match found.contradiction() {
        Contradiction::None => {}
        Contradiction::Open => return Decision::Settle(found.contradicted()),
        Contradiction::Overruled => {
            let mut verdict = found.accepted(settings);
            verdict.confidence = verdict.confidence.min(OVERRULED);
            return Decision::Settle(verdict);
        }
    }
    let verdict = found.accepted(settings);
    let Some(wait) = for_the_decoy(&found).filter(|_| settings.decoy) else {
        return Decision::Settle(verdict);
    };
    let mut wish = found.wish(settings, Reason::AcceptAllUnknown, wait);
    if matches!(found.decoy, Decoy::Accepted(_)) {
        wish.reason = Reason::AcceptAll;
        wish.exchange = ExchangeChoice::Planned;
    }
    wish.otherwise = verdict;
    again(found.evidence, settings, wish)
}

/// How long to wait for one more round that may tell what an acceptance is worth, if one may. Made
/// once: a server that hates decoys hates the next one too.
fn for_the_decoy(found: &Found<'_>) -> Option<Wait> {
    let earlier = found.evidence.attempts[..found.attempt].iter();
    let accepted = |reply: &Reply| matches!(reply.code, Some(200..=299));
    if earlier.filter_map(history::answer).any(accepted) || found.is_unchecked() {
        return None;
    }
    match found.decoy {
        Decoy::Accepted(_) => {
            let name = &found.facts().exchange_name;
            history::has_unheard_better(found.evidence, name).then_some(Wait::Schedule)
        }
        Decoy::Refused(at) => {
            let passes = found.decoy_is_undecided().is_some_and(may_pass);
            let hint = || retry::hint(&found.evidence.decoys[at].reply.text);
            passes.then(|| hint().unwrap_or(Wait::Schedule))
        }
        Decoy::Elsewhere(_) => Some(Wait::NextSession),
        // The server went away between the two.
        Decoy::None => match found.facts().ending {
            Ending::Closed(_) | Ending::ServiceClosing(_) | Ending::TimedOut(_) => {
                Some(Wait::Schedule)
            }
            _ => None,
        },
    }
}

/// The mailbox was refused for good, by a reply about the mailbox.
fn absent(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    if found.is_suspicious() {
        return found.again(settings, Reason::RefusedUnclear, Wait::NextSession);
    }
    match found.contradiction() {
        Contradiction::Open if retry::rounds(found.evidence) < 3 => {
            found.again(settings, Reason::AnswersDiffer, Wait::Schedule)
        }
        Contradiction::Open => Decision::Settle(found.contradicted()),
        Contradiction::Overruled => {
            let mut verdict = found.absent();
            verdict.confidence = verdict.confidence.min(OVERRULED);
            Decision::Settle(verdict)
        }
        Contradiction::None if found.is_not_served() => not_served(found, settings),
        Contradiction::None => Decision::Settle(found.absent()),
    }
}

/// The exchange does not know the domain. Another may, or has taken the mailbox already.
fn not_served(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    let best = found.best();
    if matches!(best.reading.says, Says::Accepted | Says::Exists) {
        return Decision::Settle(best.fallback(settings));
    }
    if history::has_unasked_exchange(found.evidence) {
        let mut wish = found.wish(settings, found.reading.reason, Wait::None);
        wish.exchange = ExchangeChoice::Next;
        return again(found.evidence, settings, wish);
    }
    Decision::Settle(found.absent())
}

/// The mailbox was refused for good, and it does not show why. Another exchange may have words for
/// it, and a session that nobody spoilt.
fn unclear(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    if found.is_suspicious() {
        return found.again(settings, Reason::RefusedUnclear, Wait::NextSession);
    }
    let is_first = retry::rounds(found.evidence) < 2;
    let is_alone = matches!(found.decoy, Decoy::Accepted(_));
    if is_first && !is_alone && history::has_unasked_exchange(found.evidence) {
        let mut wish = found.wish(settings, Reason::RefusedUnclear, Wait::Schedule);
        wish.exchange = ExchangeChoice::Next;
        return again(found.evidence, settings, wish);
    }
    let best = found.best();
    Decision::Settle(match best.reading.says {
        Says::Accepted => found.contradicted(),
        _ => best.fallback(settings),
    })
}

/// Whether a decoy that was not judged may be judged in another round. Who refuses it for good
/// because of its rate may suspect a harvest: that is not asked again for a decoy's sake.
fn may_pass(reading: Reading) -> bool {
    !reading.lasting || reading.reason == Reason::TooManyRecipients
}

/// How long to leave a lane alone after a reply about us, in milliseconds.
fn hold(reason: Reason, settings: &Settings<'_>) -> u32 {
    match reason {
        Reason::Blocked => settings.lane_hold_blocked,
        Reason::RateLimited => settings.lane_hold_busy,
        _ => 0,
    }
}

/// The mailbox is there, and something is the matter with it.
fn exists(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    let passing = found.reading.reason == Reason::MailboxUnavailable || found.decoy_is_alike();
    if passing && !found.reading.lasting {
        return found.again(settings, found.reading.reason, Wait::Schedule);
    }
    Decision::Settle(found.exists(settings))
}

/// The reply speaks about us. What cannot pass settles as unknown; a block is given one more chance
/// after a long pause, because it may have been about our rate.
fn us(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    let reading = found.reading;
    let reason = reading.reason;
    let wait = found.answer().and_then(|answer| retry::hint(&answer.text));
    let mut wish = found.wish(settings, reason, wait.unwrap_or(Wait::Schedule));
    match reason {
        // This one is no exchange for mail from outside; another may be.
        Reason::RelayDenied | Reason::AuthRequired | Reason::TlsRequired
            if history::has_unasked_exchange(found.evidence) =>
        {
            wish.exchange = ExchangeChoice::Next;
            wish.wait = Wait::None;
        }
        Reason::RelayDenied if history::has_unheard_exchange(found.evidence) => {
            wish.exchange = ExchangeChoice::Planned;
        }
        Reason::RateLimited => wish.hold = settings.lane_hold_busy,
        Reason::Blocked if !reading.lasting || retry::rounds(found.evidence) < 2 => {
            wish.exchange = ExchangeChoice::Planned;
            wish.hold = settings.lane_hold_blocked;
        }
        Reason::Blocked => {
            wish.otherwise.hold_lane_ms = settings.lane_hold_blocked;
            return Decision::Settle(wish.otherwise);
        }
        _ if reading.lasting => return Decision::Settle(wish.otherwise),
        _ => wish.hold = settings.lane_hold_busy,
    }
    again(found.evidence, settings, wish)
}

/// The reply, or the silence, is the receiving system's affair.
fn server(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    let reading = found.reading;
    let answer = found.answer();
    let hint = answer.and_then(|answer| retry::hint(&answer.text));
    let mut wish = found.wish(settings, reading.reason, hint.unwrap_or(Wait::Schedule));
    match reading.reason {
        Reason::Smtputf8Needed | Reason::NoPublicExchange | Reason::NoSourceAddress => {
            return Decision::Settle(wish.otherwise);
        }
        Reason::Excluded => {
            let facts = &found.facts().facts;
            wish.otherwise
                .facts
                .extend(verdict::excluded(facts).cloned());
            return Decision::Settle(wish.otherwise);
        }
        // The host is not asked again, but others of the domain are (RFC 7504 section 3).
        Reason::HostTakesNoMail if history::has_unasked_exchange(found.evidence) => {
            wish.exchange = ExchangeChoice::Next;
            wish.wait = Wait::None;
        }
        Reason::HostTakesNoMail => return Decision::Settle(wish.otherwise),
        Reason::TooManyRecipients => wish.wait = Wait::NextSession,
        // It answered others of the session: a brake on us, not a dead host.
        Reason::TimedOut | Reason::ServerTrouble
            if answer.is_none() && found.facts().asked_before > 0 =>
        {
            wish.hold = settings.lane_hold_busy;
        }
        Reason::Unreachable | Reason::TimedOut | Reason::TlsFailed => {
            wish.exchange = ExchangeChoice::Next;
        }
        Reason::ProtocolTrouble if history::has_unasked_exchange(found.evidence) => {
            wish.exchange = ExchangeChoice::Next;
            wish.wait = Wait::None;
        }
        Reason::ProtocolTrouble if reading.lasting => return Decision::Settle(wish.otherwise),
        Reason::ServerTrouble if answer.is_none() => wish.exchange = ExchangeChoice::Next,
        _ => {}
    }
    // 421 closes the channel for everybody (RFC 5321 section 3.8).
    if answer.and_then(|answer| answer.code) == Some(421) {
        wish.exchange = ExchangeChoice::Planned;
        wish.hold = settings.lane_hold_busy;
    }
    again(found.evidence, settings, wish)
}
