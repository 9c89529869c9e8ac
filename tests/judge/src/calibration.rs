//! What confidence the replies bear out.
//!
//! For every kind of verdict (its reason, and whether the words were plain) the share of right ones
//! is counted with the source of each reply left out, so that words known from that very source
//! count for nothing. Few replies prove little: each kind starts with ten verdicts, nine of them
//! right, that nobody has seen. No single reply is worth more than a ceiling, since servers are
//! set up wrongly and some say "no such user" to whomever they do not like.

use std::collections::BTreeMap;

use vrfy_policy_default::study;

use crate::leave_out::LeftOut;
use crate::reliability::Share;
use crate::tally::wilson;

/// Verdicts of a kind that are taken as seen before the first reply, and how many were right.
const BEFORE: Share = Share { right: 9, all: 10 };

/// The most that one reply is worth, in percent.
pub const CEILING: u8 = 97;

/// A kind of verdict, what it claims and what it can claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Its reason.
    pub reason: &'static str,
    /// Whether the words were plain: a weaker reading claims less.
    pub is_plain: bool,
    /// What the policy claims, in percent.
    pub confidence: u8,
    /// How many are right with their source left out.
    pub share: Share,
}

impl Kind {
    /// What the replies bear out, in percent.
    #[must_use]
    pub fn borne_out(&self) -> u8 {
        let right = self.share.right + BEFORE.right;
        let all = self.share.all + BEFORE.all;
        let percent = u8::try_from(100 * right / all).unwrap_or(100);
        percent.min(CEILING)
    }

    /// The interval that holds the true share with 95 % confidence, in percent.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        wilson(self.share.right, self.share.all)
    }
}

/// Every kind of verdict that claims something and occurs, by reason.
#[must_use]
pub fn kinds(left_out: &[LeftOut<'_>]) -> Vec<Kind> {
    let plain: BTreeMap<&str, u8> = study::reasons()
        .map(|(name, _, confidence)| (name, confidence))
        .collect();
    let mut kinds: BTreeMap<(&'static str, bool, u8), Share> = BTreeMap::new();
    for case in left_out.iter().flat_map(|left| &left.cases) {
        let judged = &case.judged;
        let Some((reason, most)) = plain.get_key_value(judged.reason.as_str()) else {
            continue;
        };
        if judged.confidence == 0 {
            continue;
        }
        let is_weak = judged.confidence < *most;
        let share = kinds.entry((*reason, is_weak, judged.confidence));
        share.or_default().add(case);
    }
    let kinds = kinds.into_iter();
    kinds
        .map(|((reason, is_weak, confidence), share)| Kind {
            reason,
            is_plain: !is_weak,
            confidence,
            share,
        })
        .collect()
}
