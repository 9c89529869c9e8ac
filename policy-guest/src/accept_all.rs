//! What the decoy's answer says about the mailbox's.
//!
//! A decoy is a recipient that cannot exist. A server that accepts it accepts everything; one that
//! refuses it in the words that it has for the mailbox, without naming a cause, may be refusing us.

use crate::contract::{DecoyFinding, Evidence, Reply};
use crate::reply::{self, Reading};
use crate::rules::Says;
use crate::text::normalise;

/// Whether a decoy was accepted, with the index of the finding. What a refusal says is read only
/// where it matters, since most verdicts do not need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoy {
    /// No decoy was answered.
    None,
    /// It was accepted: the server accepts everything.
    Accepted(usize),
    /// It was refused, or put off.
    Refused(usize),
}

/// What the refusal of a decoy says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It tells mailboxes apart: it refused a recipient that is not there.
    Recipient,
    /// Nothing: it put the decoy off, or refused it for what we are.
    Undecided(Reading),
}

impl Decoy {
    /// The newest answer from `exchange`, else the newest from any exchange of the domain.
    pub(crate) fn of(evidence: &Evidence, exchange: &str) -> Self {
        let Some(at) = newest(&evidence.decoys, exchange) else {
            return Self::None;
        };
        let finding = &evidence.decoys[at];
        match finding.reply.code {
            Some(200..=299) if reading(finding).says == Says::Accepted => Self::Accepted(at),
            _ => Self::Refused(at),
        }
    }

    /// The index of the finding.
    pub(crate) fn index(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Accepted(at) | Self::Refused(at) => Some(at),
        }
    }

    /// What its refusal says, if it was refused.
    pub(crate) fn refusal(self, evidence: &Evidence) -> Option<Refusal> {
        let Self::Refused(at) = self else { return None };
        let reading = reading(&evidence.decoys[at]);
        Some(match reading.says {
            // "No such user" is an answer about the decoy even under a temporary code.
            Says::Absent => Refusal::Recipient,
            Says::Unclear | Says::Exists if reading.lasting => Refusal::Recipient,
            _ => Refusal::Undecided(reading),
        })
    }

    /// Whether the decoy was refused with the code and the words of `answer`.
    pub(crate) fn is_like(self, answer: &Reply, evidence: &Evidence) -> bool {
        let found = self.index().map(|at| &evidence.decoys[at].reply);
        found.is_some_and(|found| {
            found.code == answer.code && fingerprint(&found.text) == fingerprint(&answer.text)
        })
    }
}

fn reading(finding: &DecoyFinding) -> Reading {
    reply::read(&finding.reply, &finding.exchange_name)
}

fn newest(decoys: &[DecoyFinding], exchange: &str) -> Option<usize> {
    let same = decoys
        .iter()
        .rposition(|finding| finding.exchange_name == exchange);
    same.or_else(|| decoys.len().checked_sub(1))
}

/// A number that is the same for texts that differ only in addresses, numbers, queue ids, host
/// names and links (FNV-1a over the normalised words without those).
fn fingerprint(text: &str) -> u64 {
    let mut all = FNV_BASIS;
    let mut word = FNV_BASIS;
    let mut counts = true;
    normalise(text, &mut |byte| match byte {
        b' ' => {
            if counts {
                all = fnv(all, word);
            }
            word = FNV_BASIS;
            counts = true;
        }
        b'0'..=b'9' | b'@' | b'A'..=b'Z' => counts = false,
        _ => word = fnv(word, u64::from(byte)),
    });
    all
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_mailbox_and_queue_id_are_alike() {
        let one = fingerprint("5.7.1 <ana@example.com>: refused, id a1b2c3 - mx1.example.com");
        let other =
            fingerprint("5.7.1 <vrfy-decoy@example.com>: refused, id f00d99 - mx2.example.com");
        assert_eq!(one, other);
    }

    #[test]
    fn texts_with_other_words_are_not_alike() {
        assert_ne!(fingerprint("User unknown"), fingerprint("Access denied"));
        assert_ne!(fingerprint("not here"), fingerprint("here not"));
    }
}
