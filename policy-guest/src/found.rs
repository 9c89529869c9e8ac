//! One attempt with its reading and the decoy's answer beside it, and the verdict that it allows.

use crate::accept_all::{Decoy, Refusal};
use crate::contract::{
    Attempt, Cause, Decision, Ending, Evidence, ExchangeChoice, Reply, Status, Verdict,
};
use crate::history;
use crate::reasons::Reason;
use crate::reply::{self, Reading};
use crate::retry::{Again, Wait, again};
use crate::rules::{self, Provider, Says, Unchecked};
use crate::settings::Settings;
use crate::verdict;

/// An attempt with its reading.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) attempt: usize,
    pub(crate) reply: Option<usize>,
    pub(crate) reading: Reading,
    pub(crate) decoy: Decoy,
}

/// Whether answers contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// No.
    None,
    /// Yes, and the newest two agree.
    Overruled,
    /// Yes, and nothing tells which is right.
    Open,
}

/// The attempt of the last round that was answered about the mailbox, else the last attempt.
pub(crate) fn newest(evidence: &Evidence) -> Found<'_> {
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

/// Weight of an attempt whose reply says nothing about the mailbox; silence weighs less.
const SYSTEM: u8 = 2;

/// So many refused recipients before this one in a session, and a vague refusal may be meant for
/// them: servers that suspect a harvest refuse whatever follows.
const REFUSED_BEFORE_MANY: u32 = 3;

/// The most that is claimed where neither words nor code name the recipient plainly and no decoy
/// tells: docs/judging.md has what such replies turn out to be.
const WEAK: u8 = 90;

impl<'a> Found<'a> {
    fn of(evidence: &'a Evidence, attempt: usize) -> Self {
        let facts = &evidence.attempts[attempt];
        let (reply, mut reading) = reply::read_attempt(facts, wire(evidence));
        if reading.reason == Reason::TlsRequired && has_failed_at_tls(evidence, attempt) {
            reading.says = Says::Server;
            reading.reason = Reason::TlsFailed;
        }
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
            Says::Absent if self.is_suspicious() => 3,
            Says::Absent if !self.reading.lasting || self.is_not_served() => 4,
            Says::Accepted | Says::Exists | Says::Absent => 5,
            Says::Unclear => 3,
            Says::Us | Says::Server if self.reply.is_some() => SYSTEM,
            Says::Us | Says::Server => u8::from(!self.is_unasked()),
        }
    }

    pub(crate) fn facts(&self) -> &'a Attempt {
        &self.evidence.attempts[self.attempt]
    }

    /// Whether the exchange does not serve the domain, which says nothing of what another knows.
    pub(crate) fn is_not_served(&self) -> bool {
        self.reading.reason == Reason::DomainNotServed
    }

    fn is_last(&self) -> bool {
        self.attempt + 1 == self.evidence.attempts.len()
    }

    /// Whether nobody was asked, and nobody will be: a failure beside it may pass.
    fn is_unasked(&self) -> bool {
        matches!(
            self.reading.reason,
            Reason::Excluded | Reason::NoPublicExchange | Reason::NoSourceAddress
        )
    }

    /// The most telling attempt so far; of equals the newest.
    pub(crate) fn best(&self) -> Self {
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

    pub(crate) fn answer(&self) -> Option<&'a Reply> {
        self.reply.map(|reply| &self.facts().replies[reply])
    }

    pub(crate) fn because(&self, with_decoy: bool) -> Vec<Cause> {
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
        if matches!(
            self.answer().and_then(|answer| answer.code),
            Some(251 | 551)
        ) {
            let path = reply::forward_path(self.facts()).cloned();
            verdict.facts.extend(path);
        }
        verdict
    }

    /// How the decoy's refusal reads, where the decoy was put off or refused for what we are.
    pub(crate) fn decoy_is_undecided(&self) -> Option<Reading> {
        match self.decoy.refusal(self.evidence)? {
            Refusal::Undecided(reading) => Some(reading),
            Refusal::Recipient(_) | Refusal::Form => None,
        }
    }

    /// Whether the exchange is one of a provider that accepts everything, whoever the decoy is.
    pub(crate) fn is_unchecked(&self) -> bool {
        let provider = self.provider();
        provider.is_some_and(|provider| provider.unchecked == Unchecked::Always)
    }

    fn provider(&self) -> Option<&'static Provider> {
        rules::provider_of(&self.facts().exchange_name)
    }

    /// Whether this exchange refused the decoy as a recipient that is not there.
    fn tells_apart(&self) -> bool {
        matches!(
            self.decoy.refusal(self.evidence),
            Some(Refusal::Recipient(_))
        )
    }

    pub(crate) fn decoy_is_alike(&self) -> bool {
        self.answer()
            .is_some_and(|answer| self.decoy.is_like(answer, self.evidence))
    }

    /// The mailbox was refused for good, by a reply about the mailbox.
    pub(crate) fn absent(&self) -> Verdict {
        let mut verdict = match (self.decoy, self.reading.plain) {
            (Decoy::Accepted(_), plain) => {
                // Only this one is refused, so it is the mailbox that is meant.
                let mut verdict = self.verdict(self.reading.reason, true);
                verdict.confidence = if plain { 99 } else { 95 };
                return verdict;
            }
            (_, true) => self.verdict(self.reading.reason, false),
            (_, false) if self.decoy_is_alike() && !self.names_domain() => {
                return self.verdict(Reason::RefusedAlike, true);
            }
            (_, false) => {
                let mut verdict = self.verdict(self.reading.reason, false);
                verdict.confidence = verdict.confidence.min(WEAK);
                verdict
            }
        };
        let is_soft = self.answer().is_some_and(|answer| answer.code < Some(500));
        if is_soft || history::has_unheard_better(self.evidence, &self.facts().exchange_name) {
            verdict.confidence = verdict.confidence.min(90);
        }
        verdict
    }

    /// Whether the domain is what is not served, by its name: then a decoy must get the same.
    fn names_domain(&self) -> bool {
        let mailbox = wire(self.evidence);
        let names =
            |text: &str| reply::names(text, mailbox) || reply::names(text, reply::domain(mailbox));
        self.reading.reason == Reason::DomainNotServed
            && self.answer().is_some_and(|answer| names(&answer.text))
    }

    /// Whether the refusal may be meant for those that were asked before in the session. A second
    /// one, in another session, is believed.
    pub(crate) fn is_suspicious(&self) -> bool {
        let is_vague = match self.reading.says {
            Says::Absent => self.reading.lasting && !self.reading.plain,
            Says::Unclear => true,
            _ => false,
        };
        let earlier = &self.evidence.attempts[..self.attempt];
        is_vague
            && self.facts().refused_before >= REFUSED_BEFORE_MANY
            && earlier.iter().all(|other| history::answer(other).is_none())
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
    pub(crate) fn fallback(&self, settings: &Settings<'_>) -> Verdict {
        match self.reading.says {
            Says::Accepted | Says::Absent if self.contradiction() == Contradiction::Open => {
                self.contradicted()
            }
            Says::Accepted => self.accepted(settings),
            Says::Exists => self.exists(settings),
            Says::Absent if self.is_suspicious() => self.verdict(Reason::RefusedUnclear, false),
            Says::Absent if self.reading.lasting => self.absent(),
            Says::Absent => self.absent_for_now(),
            Says::Unclear => self.unclear(),
            Says::Us | Says::Server => self.not_about_it(),
        }
    }

    /// What a temporary refusal of the mailbox is called.
    pub(crate) fn when_temporary(&self) -> Reason {
        match self.reading.reason {
            _ if !self.reading.plain && self.decoy_is_alike() => Reason::TemporarilyRefused,
            Reason::UnknownUser => Reason::UnknownUserTemporary,
            Reason::MailboxDisabled | Reason::MailboxMoved => Reason::MailboxUnavailable,
            _ => Reason::TemporarilyRefused,
        }
    }

    /// The mailbox was refused for now, by a reply about the mailbox.
    fn absent_for_now(&self) -> Verdict {
        let reason = self.when_temporary();
        let is_alike = reason == Reason::TemporarilyRefused && self.decoy_is_alike();
        let alone = matches!(self.decoy, Decoy::Accepted(_));
        let mut verdict = self.verdict(reason, is_alike || alone);
        if reason == Reason::UnknownUserTemporary {
            // What is said of this mailbox alone, or for hours, is meant.
            let persisted = history::has_persisted(self.evidence, self.attempt);
            verdict.confidence += if persisted { 15 } else { 0 } + if alone { 10 } else { 0 };
        }
        verdict
    }

    /// The reply, or the silence, does not speak about the mailbox.
    fn not_about_it(&self) -> Verdict {
        let reason = self.reading.reason;
        let is_deferral = matches!(reason, Reason::Greylisted | Reason::TemporarilyRefused);
        if is_deferral && history::has_persisted(self.evidence, self.attempt) {
            return match self.tells_apart() {
                // The server looked both up, and puts off the one that it knows.
                true => self.verdict(Reason::MailboxUnavailable, true),
                false => self.verdict(reason, self.decoy_is_alike()),
            };
        }
        let mut verdict = self.verdict(reason, false);
        if reason == Reason::TlsRequired {
            let used = if self.facts().tls.is_some() {
                "in-use"
            } else {
                "not-used"
            };
            verdict.facts.push(verdict::fact("tls", used));
        }
        verdict
    }

    /// Whether earlier answers say the opposite.
    pub(crate) fn contradiction(&self) -> Contradiction {
        if self.evidence.attempts.len() < 2 {
            return Contradiction::None;
        }
        let Some(own) = self.opinion() else {
            return Contradiction::None;
        };
        let others = (0..self.evidence.attempts.len()).rev();
        let others = others.filter(|attempt| *attempt != self.attempt);
        let (mut supported, mut opposed) = (false, false);
        for attempt in others {
            let other = Self::of(self.evidence, attempt);
            match other.opinion() {
                Some(opinion) if opinion == own => supported |= !opposed,
                // What the preferred exchange refuses, a spare one may have accepted unseen.
                Some(true) if self.is_preferred_to(&other) => {}
                Some(_) => opposed = true,
                None => {}
            }
        }
        match (opposed, supported) {
            (false, _) => Contradiction::None,
            (true, true) => Contradiction::Overruled,
            (true, false) => Contradiction::Open,
        }
    }

    /// Whether the mailbox is there, where the answer says so without reserve.
    fn opinion(&self) -> Option<bool> {
        match self.reading.says {
            Says::Accepted => Some(true),
            Says::Absent if self.is_not_served() => None,
            Says::Absent if self.reading.lasting && !self.is_suspicious() => Some(false),
            _ => None,
        }
    }

    fn is_preferred_to(&self, other: &Self) -> bool {
        let (own, other) = (self.facts(), other.facts());
        history::is_better(self.evidence, &own.exchange_name, &other.exchange_name)
    }

    pub(crate) fn contradicted(&self) -> Verdict {
        let mut verdict = self.verdict(Reason::AnswersDiffer, false);
        let others = (0..self.evidence.attempts.len()).rev();
        let mut others = others.map(|attempt| Self::of(self.evidence, attempt));
        let own = self.opinion();
        let opposed = others.find(|other| other.opinion().is_some_and(|says| Some(says) != own));
        if let Some(opposed) = opposed {
            verdict.because.extend(opposed.because(false));
        }
        verdict
    }

    pub(crate) fn again(&self, settings: &Settings<'_>, reason: Reason, wait: Wait) -> Decision {
        let wish = self.wish(settings, reason, wait);
        again(self.evidence, settings, wish)
    }

    pub(crate) fn wish(&self, settings: &Settings<'_>, reason: Reason, wait: Wait) -> Again {
        Again {
            reason,
            exchange: match self.is_last() {
                true => ExchangeChoice::Same,
                false => ExchangeChoice::Planned,
            },
            decoy_anew: self.decoy_is_undecided().is_some(),
            hold: 0,
            wait,
            otherwise: self.best().fallback(settings),
        }
    }

    pub(crate) fn accepted(&self, settings: &Settings<'_>) -> Verdict {
        let reason = self.reading.reason;
        let unverified = reason == Reason::AcceptedUnverified;
        let provider = self.provider();
        let unchecked = provider.map_or(Unchecked::NotKnown, |provider| provider.unchecked);
        let mut verdict = match self.decoy {
            _ if unchecked == Unchecked::Always && !self.tells_apart() => {
                let because = self.because(matches!(self.decoy, Decoy::Accepted(_)));
                let reason = Reason::AcceptsUnchecked;
                let mut verdict = verdict::called(reason, settings.accept_all, because);
                let id = provider.map_or("", |provider| provider.id);
                verdict.facts.push(verdict::fact("provider", id));
                return verdict;
            }
            Decoy::Accepted(_) => {
                return verdict::called(Reason::AcceptAll, settings.accept_all, self.because(true));
            }
            Decoy::Refused(_) if self.tells_apart() => {
                let mut verdict = self.verdict(reason, true);
                if unverified {
                    // The server did tell it from the decoy.
                    verdict.confidence = 60;
                }
                verdict
            }
            Decoy::Elsewhere(_) => match unverified {
                true => self.verdict(reason, false),
                false => self.verdict(Reason::AcceptAllUnknown, false),
            },
            _ if unverified => self.verdict(reason, true),
            _ => self.verdict(Reason::AcceptAllUnknown, true),
        };
        if unchecked == Unchecked::ByDomain && verdict.reason == Reason::AcceptAllUnknown.name() {
            // Many of its customers let everything through.
            verdict.confidence = 60;
        }
        let deferred = history::deferred_before(self.evidence, self.attempt);
        if deferred > 0 {
            let count = deferred.to_string();
            verdict.facts.push(verdict::fact("deferred-before", &count));
        }
        verdict
    }

    pub(crate) fn exists(&self, settings: &Settings<'_>) -> Verdict {
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

/// Whether TLS failed at this exchange earlier in the round, so that it was asked again without.
fn has_failed_at_tls(evidence: &Evidence, attempt: usize) -> bool {
    let (earlier, rest) = evidence.attempts.split_at(attempt);
    let Some(own) = rest.first() else {
        return false;
    };
    earlier.iter().any(|other| {
        other.round == own.round
            && other.exchange_name == own.exchange_name
            && matches!(other.ending, Ending::TlsFailed(_))
    })
}
