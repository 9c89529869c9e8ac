//! The policy under study: what would it conclude without some of its rules and phrases?
//!
//! Native only. The component has nothing of this, and pays nothing for it.

use std::cell::RefCell;

use crate::contract::Status;
use crate::reasons;
use crate::rules::{self, PHRASE_WORDS, PHRASES, Phrases};

thread_local! {
    /// What is switched off on this thread.
    static OFF: RefCell<Off> = const { RefCell::new(Off::NOTHING) };
}

struct Off {
    phrases: [u64; PHRASE_WORDS],
    rules: Vec<&'static str>,
}

impl Off {
    const NOTHING: Self = Self {
        phrases: [0; PHRASE_WORDS],
        rules: Vec::new(),
    };
}

/// What `work` comes to on this thread while the phrases, by their numbers, and the rules, by their
/// ids, are switched off: as if they had never been written.
pub fn without<R>(phrases: &[u16], rules: Vec<&'static str>, work: impl FnOnce() -> R) -> R {
    let mut off = Off {
        rules,
        ..Off::NOTHING
    };
    for phrase in phrases {
        off.phrases[usize::from(phrase / 64)] |= 1 << (phrase % 64);
    }
    let before = OFF.replace(off);
    let result = work();
    OFF.set(before);
    result
}

/// The numbers of the phrases that occur in `text`, those switched off left out.
#[must_use]
pub fn phrases_in(text: &str) -> Vec<u16> {
    let found = Phrases::of(text);
    let numbers = 0..u16::try_from(PHRASES.len()).expect("phrases are numbered in 16 bits");
    numbers.filter(|number| found.has(*number)).collect()
}

/// The phrase of this number, as it is looked for.
#[must_use]
pub fn phrase(number: u16) -> &'static str {
    PHRASES[usize::from(number)]
}

/// The ids of all rules, in the order of precedence.
pub fn rules() -> impl Iterator<Item = &'static str> {
    rules::all().iter().map(|rule| rule.id)
}

/// Name, status and confidence of every reason in its plain case.
pub fn reasons() -> impl Iterator<Item = (&'static str, Status, u8)> {
    reasons::plain_cases()
}

/// Clears the bits of the phrases that are switched off.
pub(crate) fn mask(found: &mut [u64; PHRASE_WORDS]) {
    OFF.with_borrow(|off| {
        for (word, off) in found.iter_mut().zip(off.phrases) {
            *word &= !off;
        }
    });
}

/// Whether the rule is switched off.
pub(crate) fn is_off(rule: &str) -> bool {
    OFF.with_borrow(|off| off.rules.contains(&rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Reply, Stage};

    fn rule() -> &'static str {
        let reply = Reply {
            stage: Stage::RcptTo,
            code: Some(550),
            enhanced: None,
            text: "No such user".into(),
            elapsed_ms: 0,
        };
        rules::find(&reply, "mx.example.com").unwrap().id
    }

    #[test]
    fn what_is_switched_off_is_as_if_it_were_not_there_and_comes_back() {
        let usual = rule();
        let phrases = phrases_in("No such user");
        assert!(
            phrases
                .iter()
                .any(|number| phrase(*number) == "no such user")
        );
        assert_ne!(without(&phrases, Vec::new(), rule), usual);
        assert_ne!(without(&[], vec![usual], rule), usual);
        assert_eq!(rule(), usual);
    }
}
