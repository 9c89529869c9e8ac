//! When and how to ask again.

use crate::contract::{Decision, DecoyChoice, Evidence, ExchangeChoice, Plan, Verdict};
use crate::reasons::Reason;
use crate::settings::Settings;
use crate::verdict;

/// A time in a reply sets the wait up to this bound, in milliseconds: a longer one is no use to
/// whoever waits for a verdict. The setting `retry-least` is the other bound.
const HINT_GREATEST: u64 = 6 * 3_600_000;
/// Added to a time in a reply, in milliseconds: clocks differ, and servers count whole seconds.
const HINT_SLACK: u64 = 5_000;

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

/// How many rounds were made. A round whose look-up failed has no attempt.
pub(crate) fn rounds(evidence: &Evidence) -> u32 {
    let attempted = evidence.attempts.last().map_or(0, |attempt| attempt.round);
    attempted.max(verdict::index(evidence.lookups.len()))
}

/// Asks again, or settles when neither the settings nor the budget allow it.
pub(crate) fn again(evidence: &Evidence, settings: &Settings<'_>, wish: Again) -> Decision {
    let rounds = rounds(evidence);
    let at = usize::try_from(rounds.saturating_sub(1)).unwrap_or(usize::MAX);
    let delays = settings.retry_delays;
    let Some(scheduled) = delays.get(at).or_else(|| delays.last()) else {
        return Decision::Settle(wish.otherwise);
    };
    if rounds >= settings.attempts || evidence.budget.rounds_left == 0 {
        let mut last = wish.otherwise;
        last.facts.push(verdict::fact("retries", "exhausted"));
        return Decision::Settle(last);
    }
    let wait = match wish.wait {
        Wait::None => 0,
        Wait::NextSession => settings.retry_least,
        Wait::Schedule => *scheduled,
        Wait::Hint(wait) => wait.max(settings.retry_least),
    };
    Decision::Probe(Plan {
        reason: wish.reason.name().to_owned(),
        wait_ms: wait.max(wish.hold),
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

/// The wait that a reply's text asks for: the first number before a unit of time, such as in "try
/// again in 300 seconds" or "greylisted for 5 minutes".
pub(crate) fn hint(text: &str) -> Option<Wait> {
    let bytes = &text.as_bytes()[..text.len().min(crate::text::TEXT_MAX)];
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (number, length) = leading_number(&bytes[at..]);
        let starts_word = at == 0 || !is_word(bytes[at - 1]);
        at += length;
        let unit = unit_ms(&bytes[at..]).filter(|_| starts_word);
        if let (Some(number), Some(unit)) = (number, unit) {
            let asked = number.saturating_mul(unit).saturating_add(HINT_SLACK);
            let wait = asked.min(HINT_GREATEST);
            return u32::try_from(wait).ok().map(Wait::Hint);
        }
    }
    None
}

/// The number that `bytes` begin with, absent when it is too long to be a time, and its length.
fn leading_number(bytes: &[u8]) -> (Option<u64>, usize) {
    /// A million seconds are eleven days.
    const DIGITS_MAX: usize = 7;
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = bytes[..length].iter().fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    ((length <= DIGITS_MAX).then_some(number), length)
}

/// The unit of time, in milliseconds, that `rest` begins with, after at most one space or hyphen.
fn unit_ms(rest: &[u8]) -> Option<u64> {
    let rest = match rest {
        [b' ' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    match length {
        1 => match rest[0] {
            b's' => Some(1_000),
            b'm' => Some(60_000),
            b'h' => Some(3_600_000),
            _ => None,
        },
        _ => {
            let begins = |unit: &[u8]| {
                rest.len() >= unit.len() && rest[..unit.len()].eq_ignore_ascii_case(unit)
            };
            let units: [(&[u8], u64); 3] =
                [(b"sec", 1_000), (b"min", 60_000), (b"hour", 3_600_000)];
            units
                .into_iter()
                .find(|(unit, _)| begins(unit))
                .map(|(_, ms)| ms)
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@' | b'#' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_text_is_the_wait_with_some_slack() {
        for (text, seconds) in [
            ("4.7.1 Greylisted, please try again in 300 seconds", 305),
            ("Greylisted for 5 minutes", 305),
            ("try again in 1 hour", 3605),
            ("retry in 90s", 95),
            ("a 10-minute delay", 605),
        ] {
            assert_eq!(hint(text), Some(Wait::Hint(seconds * 1000)), "{text}");
        }
    }

    #[test]
    fn absurd_times_are_brought_within_bounds() {
        assert_eq!(hint("in 1 second"), Some(Wait::Hint(6_000)));
        assert_eq!(hint("in 9999999 hours"), Some(Wait::Hint(6 * 3_600_000)));
        assert_eq!(hint("in 99999999999999999999 hours"), None);
    }

    #[test]
    fn numbers_without_a_unit_are_no_time() {
        for text in [
            "",
            "4.7.1 try later",
            "192.0.2.1 s",
            "id a12m3",
            "code 451 mailbox",
            "12",
        ] {
            assert_eq!(hint(text), None, "{text}");
        }
    }
}
