//! When and how to ask again, and when no longer.
//!
//! What is wished for comes from the newest reply (`dialogue.rs`); here the wish meets the
//! settings, the history and the budget. `docs/retries.md` argues the numbers.

use crate::contract::{Attempt, Decision, DecoyChoice, Evidence, ExchangeChoice, Plan, Verdict};
use crate::hint;
use crate::reasons::Reason;
use crate::reply::{self, Reading};
use crate::settings::Settings;
use crate::verdict;

/// A time in a reply sets the wait up to this bound, in milliseconds: a longer one is no use to
/// whoever waits for a verdict. The setting `retry-least` is the other bound.
const HINT_GREATEST: u64 = 6 * 3_600_000;
/// Added to a time in a reply, in milliseconds: clocks differ, and servers count whole seconds.
const HINT_SLACK: u64 = 5_000;
/// Each time that a lane was found busy again, it is left alone so many times longer: 10 minutes
/// become half an hour, one and a half, four and a half.
const BUSY_GROWTH: u32 = 3;
/// But not for longer than this, in milliseconds: limits count by the hour, or by a day of which
/// the rest is not worth waiting for.
const BUSY_GREATEST: u32 = 6 * 3_600_000;
/// A last round before the deadline begins so long before it, in milliseconds: it may have to wait
/// for its turn.
const LAST_CALL: u64 = 60_000;
/// The rule for servers that are asking elsewhere themselves. They know within seconds.
const VERIFYING: &str = "verification-in-progress";

/// A wish to ask again.
pub(crate) struct Again {
    pub(crate) reason: Reason,
    pub(crate) exchange: ExchangeChoice,
    /// Ask the decoy even if it has an answer.
    pub(crate) decoy_anew: bool,
    /// How long to hold the lane, in milliseconds.
    pub(crate) hold: u32,
    pub(crate) wait: Wait,
    /// What to record if nothing more can be asked, or will be.
    pub(crate) otherwise: Verdict,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all: another exchange is asked.
    None,
    /// As long as a new session takes to be welcome.
    NextSession,
    /// As the settings' schedule says.
    Schedule,
    /// As the reply says, in milliseconds.
    Hint(u32),
}

/// Why nothing more is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The operator wants no further rounds.
    Unwanted,
    /// The rounds of the settings or of the budget are spent.
    Exhausted,
    /// Asking again would change nothing.
    Unchanging,
    /// The time that is needed lies beyond the deadline.
    Deadline,
}

impl Stop {
    /// The value of the verdict's fact `retries`.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Unwanted => None,
            Self::Exhausted => Some("exhausted"),
            Self::Unchanging => Some("unchanging"),
            Self::Deadline => Some("deadline"),
        }
    }
}

/// How many rounds were made. A round whose look-up failed has no attempt.
pub(crate) fn rounds(evidence: &Evidence) -> u32 {
    let attempted = evidence.attempts.last().map_or(0, |attempt| attempt.round);
    attempted.max(verdict::index(evidence.lookups.len()))
}

/// Asks again, or settles when the settings, the history or the budget speak against it. A lane
/// that was to be held is held all the same: others wait for it.
pub(crate) fn again(evidence: &Evidence, settings: &Settings<'_>, mut wish: Again) -> Decision {
    wish.hold = hold(evidence, settings, &wish);
    let wait = match wait(evidence, settings, &wish) {
        Ok(wait) => wait,
        Err(stop) => {
            let mut last = wish.otherwise;
            last.hold_lane_ms = last.hold_lane_ms.max(wish.hold);
            last.facts
                .extend(stop.name().map(|why| verdict::fact("retries", why)));
            return Decision::Settle(last);
        }
    };
    Decision::Probe(Plan {
        reason: wish.reason.name().to_owned(),
        wait_ms: wait,
        exchange: wish.exchange,
        decoy: match (settings.decoy, wish.decoy_anew) {
            (false, _) => DecoyChoice::None,
            (true, false) => DecoyChoice::IfUnknown,
            (true, true) => DecoyChoice::Always,
        },
        hold_lane_ms: wish.hold,
        because: wish.otherwise.because.clone(),
        otherwise: wish.otherwise,
        wishes: Vec::new(),
    })
}

/// How long to wait before the next round, in milliseconds.
fn wait(evidence: &Evidence, settings: &Settings<'_>, wish: &Again) -> Result<u32, Stop> {
    let scheduled = scheduled(evidence, settings, wish.reason)?;
    if evidence.budget.rounds_left == 0 {
        return Err(Stop::Exhausted);
    }
    if is_unchanging(evidence, settings, wish) {
        return Err(Stop::Unchanging);
    }
    let least = settings.retry_least;
    let wait = match wish.wait {
        Wait::None => 0,
        Wait::Hint(named) => named.max(least),
        _ if wish.hold > 0 => wish.hold,
        Wait::NextSession => least,
        Wait::Schedule if is_verifying(evidence, wish) => least,
        Wait::Schedule => scheduled,
    };
    let wait = wait.max(wish.hold);
    let now = evidence.clock.now;
    let Some(left) = evidence.budget.deadline.map(|end| end.saturating_sub(now)) else {
        return Ok(wait);
    };
    if u64::from(wait) <= left {
        return Ok(wait);
    }
    // Nobody knows the right time where only the schedule speaks, so an earlier one may do.
    let last = u32::try_from(left.saturating_sub(LAST_CALL)).unwrap_or(u32::MAX);
    let may_be_earlier = wish.wait == Wait::Schedule && wish.hold == 0 && last >= least;
    if may_be_earlier {
        Ok(last)
    } else {
        Err(Stop::Deadline)
    }
}

/// The wait of the schedule for the next round. Failures of DNS have a schedule of their own, and
/// do not count as rounds in which somebody was asked.
fn scheduled(evidence: &Evidence, settings: &Settings<'_>, reason: Reason) -> Result<u32, Stop> {
    let delays = settings.retry_delays;
    let asked = asked_rounds(&evidence.attempts);
    let delay = match reason {
        _ if delays.is_empty() => return Err(Stop::Unwanted),
        Reason::DnsFailure => {
            let failed = evidence.lookups.len().saturating_sub(asked);
            settings.dns_delays.get(failed.saturating_sub(1))
        }
        _ if verdict::index(asked) >= settings.attempts => None,
        _ => delays
            .get(asked.saturating_sub(1))
            .or_else(|| delays.last()),
    };
    delay.copied().ok_or(Stop::Exhausted)
}

/// Rounds in which somebody was asked, or at least connected to.
fn asked_rounds(attempts: &[Attempt]) -> usize {
    attempts
        .chunk_by(|one, next| one.round == next.round)
        .count()
}

/// How long to hold the lane, in milliseconds: longer where it was busy before.
fn hold(evidence: &Evidence, settings: &Settings<'_>, wish: &Again) -> u32 {
    if matches!(wish.reason, Reason::TlsRequired | Reason::AuthRequired) {
        return 0;
    }
    let is_full = wish.reason == Reason::TooManyRecipients;
    let is_busy = wish.hold > 0 && wish.reason != Reason::Blocked;
    if !is_busy && !is_full {
        return wish.hold;
    }
    let before = busy_before(evidence);
    // A session that takes no recipient at all, or a second one that took too few, has no room
    // for us whatever it says: it is the rate that is meant.
    let was_first = evidence
        .attempts
        .last()
        .is_some_and(|attempt| attempt.asked_before == 0);
    if is_full && !was_first && before == 0 {
        return wish.hold;
    }
    let grown = (0..before).fold(settings.lane_hold_busy, |hold, _| {
        hold.saturating_mul(BUSY_GROWTH)
            .min(BUSY_GREATEST.max(settings.lane_hold_busy))
    });
    match (wish.wait, before) {
        // The server knows best when it wants to see us again, unless it did not keep its word.
        (Wait::Hint(named), 0) => named.max(settings.retry_least),
        _ => grown,
    }
}

/// In how many rounds before the last one the lane was busy.
fn busy_before(evidence: &Evidence) -> usize {
    let rounds = evidence
        .attempts
        .chunk_by(|one, next| one.round == next.round);
    let ends = rounds.filter_map(<[Attempt]>::last);
    let before = asked_rounds(&evidence.attempts).saturating_sub(1);
    ends.take(before)
        .filter(|attempt| {
            let (at, reading) = read(evidence, attempt);
            let code = at.and_then(|at| attempt.replies[at].code);
            let is_limit = matches!(
                reading.reason,
                Reason::RateLimited | Reason::TooManyRecipients
            );
            is_limit || code == Some(421)
        })
        .count()
}

/// Whether asking again would only bring the same answer: what is wanted of us we do not do, or the
/// server says for the third time in a row that there is no such mailbox.
fn is_unchanging(evidence: &Evidence, settings: &Settings<'_>, wish: &Again) -> bool {
    match wish.reason {
        Reason::TlsRequired | Reason::AuthRequired => {
            !matches!(wish.exchange, ExchangeChoice::Next)
        }
        Reason::UnknownUserTemporary => {
            let rounds = evidence
                .attempts
                .chunk_by(|one, next| one.round == next.round);
            let ends = rounds.rev().filter_map(<[Attempt]>::last);
            let same = ends.take_while(|attempt| {
                let (_, reading) = read(evidence, attempt);
                reading.reason == Reason::UnknownUser
            });
            same.count() >= settings.unchanged_rounds
        }
        _ => false,
    }
}

/// Whether the server is finding out whether the mailbox is there. It is given two chances; one
/// that is not done by then has other trouble.
fn is_verifying(evidence: &Evidence, wish: &Again) -> bool {
    let mut facts = wish.otherwise.facts.iter();
    asked_rounds(&evidence.attempts) < 3
        && facts.any(|fact| fact.name == "rule" && fact.value == VERIFYING)
}

fn read(evidence: &Evidence, attempt: &Attempt) -> (Option<usize>, Reading) {
    let mailbox = evidence.address.mailbox.as_ref();
    reply::read_attempt(attempt, mailbox.map_or("", |mailbox| &mailbox.wire))
}

/// The wait that a reply's text asks for.
pub(crate) fn hint(text: &str) -> Option<Wait> {
    let wait = hint::time(text)?
        .saturating_add(HINT_SLACK)
        .min(HINT_GREATEST);
    u32::try_from(wait).ok().map(Wait::Hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn a_time_in_the_text_is_the_wait_with_some_slack() {
        assert_eq!(hint("in 300 seconds"), Some(Wait::Hint(305_000)));
        assert_eq!(hint("later"), None);
    }

    #[test]
    fn absurd_times_are_brought_within_bounds() {
        assert_eq!(hint("in 1 second"), Some(Wait::Hint(6_000)));
        assert_eq!(hint("in 9999999 hours"), Some(Wait::Hint(6 * 3_600_000)));
        assert_eq!(hint("in 99999999999999999999 hours"), None);
    }

    #[test]
    fn the_rule_for_servers_that_verify_is_there() {
        assert!(rules::all().iter().any(|rule| rule.id == VERIFYING));
    }
}
