//! What the attempts come to.
//!
//! The newest round is looked at first: its answer about the mailbox if there is one, else how its
//! last attempt failed. A conclusive answer settles. For the rest the next round is planned after
//! the newest failure, while the verdict to fall back on comes from the most telling attempt of the
//! whole history, since a time-out today does not unsay what was answered yesterday.

use crate::accept_all::{Decoy, Refusal};
use crate::contract::{
    Cause, Decision, Evidence, ExchangeChoice, LookupOutcome, Reply, Status, Verdict,
};
use crate::reasons::Reason;
use crate::reply::{self, Reading};
use crate::retry::{self, Again, Wait, again};
use crate::rules::Says;
use crate::settings::Settings;
use crate::verdict;

/// An attempt with its reading.
#[derive(Clone, Copy)]
struct Found<'a> {
    evidence: &'a Evidence,
    attempt: usize,
    reply: Option<usize>,
    reading: Reading,
    decoy: Decoy,
}

/// Decides after at least one attempt.
pub(crate) fn decide(evidence: &Evidence, settings: &Settings<'_>) -> Decision {
    let newest = newest(evidence);
    let reading = newest.reading;
    match reading.says {
        Says::Accepted => accepted(newest, settings),
        Says::Exists => exists(newest, settings),
        Says::Absent if reading.lasting => Decision::Settle(newest.absent()),
        Says::Absent => newest.again(settings, Reason::UnknownUserTemporary, Wait::Schedule),
        Says::Us => us(newest, settings),
        Says::Server => server(newest, settings),
        Says::Unclear => Decision::Settle(newest.unclear()),
    }
}

/// The attempt of the last round that was answered about the mailbox, else the last attempt.
fn newest(evidence: &Evidence) -> Found<'_> {
    let last = evidence.attempts.len() - 1;
    let round = evidence.attempts[last].round;
    let mut found = Found::of(evidence, last);
    for attempt in (0..last).rev() {
        if evidence.attempts[attempt].round != round || found.weight() > SYSTEM {
            break;
        }
        let earlier = Found::of(evidence, attempt);
        if earlier.weight() > found.weight() {
            found = earlier;
        }
    }
    found
}

/// The mailbox as RCPT TO carries it.
fn wire(evidence: &Evidence) -> &str {
    evidence
        .address
        .mailbox
        .as_ref()
        .map_or("", |mailbox| &mailbox.wire)
}

/// Weight of an attempt that says nothing about the mailbox.
const SYSTEM: u8 = 1;

impl<'a> Found<'a> {
    fn of(evidence: &'a Evidence, attempt: usize) -> Self {
        let facts = &evidence.attempts[attempt];
        let (reply, reading) = reply::read_attempt(facts, wire(evidence));
        let decoy = Decoy::of(evidence, &facts.exchange_name);
        Self {
            evidence,
            attempt,
            reply,
            reading,
            decoy,
        }
    }

    /// How telling the reading is.
    fn weight(&self) -> u8 {
        match self.reading.says {
            Says::Accepted => 5,
            Says::Exists => 4,
            Says::Absent => 3,
            Says::Unclear => 2,
            Says::Us | Says::Server if self.is_unasked() => 0,
            Says::Us | Says::Server => SYSTEM,
        }
    }

    /// Whether nobody was asked, and nobody will be: a failure beside it may pass.
    fn is_unasked(&self) -> bool {
        matches!(
            self.reading.reason,
            Reason::Excluded | Reason::NoPublicExchange | Reason::NoSourceAddress
        )
    }

    /// The most telling attempt so far; of equals the newest.
    fn best(&self) -> Self {
        let mut best = *self;
        for attempt in (0..self.evidence.attempts.len()).rev() {
            if attempt == self.attempt {
                continue;
            }
            let other = Self::of(self.evidence, attempt);
            if other.weight() > best.weight() {
                best = other;
            }
        }
        best
    }

    fn answer(&self) -> Option<&'a Reply> {
        let facts = &self.evidence.attempts[self.attempt];
        self.reply.map(|reply| &facts.replies[reply])
    }

    fn because(&self, with_decoy: bool) -> Vec<Cause> {
        let mut because = Vec::with_capacity(2);
        because.push(match self.reply {
            Some(reply) => verdict::reply(self.attempt, reply),
            None => Cause::Attempt(verdict::index(self.attempt)),
        });
        if let Some(decoy) = self.decoy.index().filter(|_| with_decoy) {
            because.push(Cause::Decoy(verdict::index(decoy)));
        }
        because
    }

    /// A verdict with the rule that decided among its facts.
    fn verdict(&self, reason: Reason, with_decoy: bool) -> Verdict {
        let mut verdict = verdict::plain(reason, self.because(with_decoy));
        if !self.reading.rule.is_empty() {
            verdict.facts.push(verdict::fact("rule", self.reading.rule));
        }
        verdict
    }

    /// How the decoy's refusal reads, where that tells nothing about the server.
    fn decoy_is_undecided(&self) -> Option<Reading> {
        match self.decoy.refusal(self.evidence)? {
            Refusal::Undecided(reading) => Some(reading),
            Refusal::Recipient => None,
        }
    }

    fn decoy_is_alike(&self) -> bool {
        self.answer()
            .is_some_and(|answer| self.decoy.is_like(answer, self.evidence))
    }

    /// The mailbox was refused for good, by a reply about the mailbox.
    fn absent(&self) -> Verdict {
        match (self.decoy, self.reading.plain) {
            (Decoy::Accepted(_), plain) => {
                // Only this one is refused, so it is the mailbox that is meant.
                let mut verdict = self.verdict(self.reading.reason, true);
                verdict.confidence = if plain { 99 } else { 92 };
                verdict
            }
            (_, true) => self.verdict(self.reading.reason, false),
            (_, false) if self.decoy_is_alike() => self.verdict(Reason::RefusedAlike, true),
            (_, false) => {
                let mut verdict = self.verdict(self.reading.reason, false);
                verdict.confidence = verdict.confidence.min(80);
                verdict
            }
        }
    }

    /// The mailbox was refused for good, and it does not show why.
    fn unclear(&self) -> Verdict {
        match self.decoy {
            Decoy::Accepted(_) => {
                let mut verdict = self.verdict(Reason::RefusedUnclear, true);
                verdict.status = Status::Risky;
                verdict.confidence = 50;
                verdict
            }
            _ if self.decoy_is_alike() => self.verdict(Reason::RefusedAlike, true),
            _ => self.verdict(Reason::RefusedUnclear, false),
        }
    }

    /// The verdict to record if nothing more is asked.
    fn fallback(&self, settings: &Settings<'_>) -> Verdict {
        match (self.reading.says, self.reading.lasting) {
            (Says::Accepted, _) => self.accepted(settings, self.decoy_is_undecided()),
            (Says::Exists, _) => self.exists(settings),
            (Says::Absent, true) => self.absent(),
            (Says::Absent, false) => match (self.reading.plain, self.reading.reason) {
                (false, _) if self.decoy_is_alike() => {
                    self.verdict(Reason::TemporarilyRefused, true)
                }
                (_, Reason::UnknownUser) => self.verdict(Reason::UnknownUserTemporary, false),
                (_, Reason::MailboxDisabled | Reason::MailboxMoved) => {
                    self.verdict(Reason::MailboxUnavailable, false)
                }
                _ => self.verdict(Reason::TemporarilyRefused, false),
            },
            (Says::Unclear, _) => self.unclear(),
            (Says::Us | Says::Server, _) => self.verdict(self.reading.reason, false),
        }
    }

    fn again(&self, settings: &Settings<'_>, reason: Reason, wait: Wait) -> Decision {
        let wish = self.wish(settings, reason, wait);
        again(self.evidence, settings, wish)
    }

    fn wish(&self, settings: &Settings<'_>, reason: Reason, wait: Wait) -> Again {
        Again {
            reason,
            exchange: ExchangeChoice::Same,
            decoy_anew: self.decoy_is_undecided().is_some(),
            hold: 0,
            wait,
            otherwise: self.best().fallback(settings),
        }
    }

    fn accepted(&self, settings: &Settings<'_>, undecided: Option<Reading>) -> Verdict {
        let reason = self.reading.reason;
        let unverified = reason == Reason::AcceptedUnverified;
        match self.decoy {
            Decoy::Accepted(_) => {
                verdict::called(Reason::AcceptAll, settings.accept_all, self.because(true))
            }
            Decoy::Refused(_) if undecided.is_none() => {
                let mut verdict = self.verdict(reason, true);
                if unverified {
                    // The server did tell it from the decoy.
                    verdict.confidence = 60;
                }
                verdict
            }
            _ if unverified => self.verdict(reason, true),
            _ => self.verdict(Reason::AcceptAllUnknown, true),
        }
    }

    fn exists(&self, settings: &Settings<'_>) -> Verdict {
        match self.reading.reason {
            _ if self.decoy_is_alike() => self.verdict(Reason::RefusedAlike, true),
            Reason::MailboxFull => {
                let mut verdict = self.verdict(Reason::MailboxFull, false);
                let because = std::mem::take(&mut verdict.because);
                let called = verdict::called(Reason::MailboxFull, settings.mailbox_full, because);
                Verdict {
                    facts: verdict.facts,
                    ..called
                }
            }
            reason => self.verdict(reason, false),
        }
    }
}

/// The mailbox was accepted. A decoy that was put off is asked once more, since the acceptance is
/// worth little without it.
fn accepted(found: Found<'_>, settings: &Settings<'_>) -> Decision {
    let undecided = found.decoy_is_undecided();
    let verdict = found.accepted(settings, undecided);
    let is_first = settings.decoy && retry::rounds(found.evidence) < 2;
    let passing = undecided.filter(|reading| is_first && may_pass(*reading));
    let (Some(_), Some(at)) = (passing, found.decoy.index()) else {
        return Decision::Settle(verdict);
    };
    let wait = retry::hint(&found.evidence.decoys[at].reply.text).unwrap_or(Wait::Schedule);
    let wish = found.wish(settings, Reason::AcceptAllUnknown, wait);
    again(
        found.evidence,
        settings,
        Again {
            otherwise: verdict,
            ..wish
        },
    )
}

fn may_pass(reading: Reading) -> bool {
    !reading.lasting
        || matches!(
            reading.reason,
            Reason::TooManyRecipients | Reason::RateLimited
        )
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
        Reason::RelayDenied if has_other_exchanges(&found) => {
            wish.exchange = ExchangeChoice::Next;
            wish.wait = Wait::None;
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

/// Whether the domain has an exchange that was not asked yet.
fn has_other_exchanges(found: &Found<'_>) -> bool {
    let Some(lookup) = found.evidence.lookups.last() else {
        return false;
    };
    matches!(lookup.outcome, LookupOutcome::Exchanges)
        && lookup.exchanges.iter().any(|exchange| {
            let attempts = &found.evidence.attempts;
            attempts
                .iter()
                .all(|attempt| attempt.exchange_name != exchange.name)
        })
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
            let facts = &found.evidence.attempts[found.attempt].facts;
            wish.otherwise
                .facts
                .extend(verdict::excluded(facts).cloned());
            return Decision::Settle(wish.otherwise);
        }
        // The host is not asked again, but others of the domain are (RFC 7504 section 3).
        Reason::HostTakesNoMail if has_other_exchanges(&found) => {
            wish.exchange = ExchangeChoice::Next;
            wish.wait = Wait::None;
        }
        Reason::HostTakesNoMail => return Decision::Settle(wish.otherwise),
        Reason::TooManyRecipients => wish.wait = Wait::NextSession,
        Reason::Unreachable | Reason::TimedOut | Reason::TlsFailed => {
            wish.exchange = ExchangeChoice::Next;
        }
        Reason::ProtocolTrouble if has_other_exchanges(&found) => {
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
