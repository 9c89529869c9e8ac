//! What the decoy's answer says about the mailbox's.
//!
//! A decoy is a recipient that cannot exist. A server that accepts it accepts everything; one that
//! refuses it in the words that it has for the mailbox, without naming a cause, may be refusing us.

use crate::contract::{DecoyFinding, Evidence, Reply};
use crate::reasons::Reason;
use crate::reply::{self, Reading};
use crate::rules::Says;
use crate::text::normalise;

/// Whether a decoy was accepted, with the index of the finding. What a refusal says is read only
/// where it matters, since most verdicts do not need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoy {
    /// No decoy was answered.
    None,
    /// It was accepted: the server accepts everything. Another exchange's acceptance counts where
    /// this one was not asked.
    Accepted(usize),
    /// This exchange refused it, or put it off.
    Refused(usize),
    /// Another exchange refused it, or put it off, and this one was not asked: spare exchanges
    /// often accept what the others refuse.
    Elsewhere(usize),
}

/// What the refusal of a decoy says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It tells mailboxes apart: it refused a recipient that is not there.
    Recipient(Reading),
    /// Nothing: it refused the form of the decoy's address, which other mailboxes do not have.
    Form,
    /// Nothing: it put the decoy off, or refused it for what we are.
    Undecided(Reading),
}

impl Decoy {
    /// The newest answer from `exchange` that tells something, else the newest from it, else the
    /// newest from any exchange of the domain.
    pub(crate) fn of(evidence: &Evidence, exchange: &str) -> Self {
        let decoys = &evidence.decoys;
        let here = |finding: &&DecoyFinding| finding.exchange_name == exchange;
        let Some(at) = newest(decoys, exchange) else {
            return match decoys.iter().rposition(is_accepted) {
                Some(at) => Self::Accepted(at),
                None => decoys
                    .len()
                    .checked_sub(1)
                    .map_or(Self::None, Self::Elsewhere),
            };
        };
        match is_accepted(&decoys[at]) {
            true => Self::Accepted(at),
            false if decoys.iter().filter(here).count() == 1 => Self::Refused(at),
            false => {
                // A decoy that was put off later does not unsay what was answered before.
                let telling = |finding: &DecoyFinding| {
                    finding.exchange_name == exchange
                        && (is_accepted(finding)
                            || matches!(refusal_of(finding), Refusal::Recipient(_)))
                };
                match decoys.iter().rposition(telling) {
                    Some(at) if is_accepted(&decoys[at]) => Self::Accepted(at),
                    Some(at) => Self::Refused(at),
                    None => Self::Refused(at),
                }
            }
        }
    }

    /// The index of the finding.
    pub(crate) fn index(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Accepted(at) | Self::Refused(at) | Self::Elsewhere(at) => Some(at),
        }
    }

    /// What its refusal by this exchange says, if it was refused here.
    pub(crate) fn refusal(self, evidence: &Evidence) -> Option<Refusal> {
        let Self::Refused(at) = self else { return None };
        Some(refusal_of(&evidence.decoys[at]))
    }

    /// Whether the decoy was refused with the code and the words of `answer`.
    pub(crate) fn is_like(self, answer: &Reply, evidence: &Evidence) -> bool {
        let found = self.index().map(|at| &evidence.decoys[at].reply);
        found.is_some_and(|found| {
            found.code == answer.code && fingerprint(&found.text) == fingerprint(&answer.text)
        })
    }
}

fn refusal_of(finding: &DecoyFinding) -> Refusal {
    let reading = reply::read(&finding.reply, &finding.exchange_name);
    match reading.says {
        Says::Absent if reading.reason == Reason::MailboxFormRefused => Refusal::Form,
        // "No such user" is an answer about the decoy even under a temporary code.
        Says::Absent => Refusal::Recipient(reading),
        Says::Unclear | Says::Exists if reading.lasting => Refusal::Recipient(reading),
        _ => Refusal::Undecided(reading),
    }
}

/// Whether a decoy was accepted. Codes that do not answer RCPT are read like any other reply's.
fn is_accepted(finding: &DecoyFinding) -> bool {
    matches!(finding.reply.code, Some(200..=299))
        && reply::read(&finding.reply, &finding.exchange_name).says == Says::Accepted
}

fn newest(decoys: &[DecoyFinding], exchange: &str) -> Option<usize> {
    decoys
        .iter()
        .rposition(|finding| finding.exchange_name == exchange)
}

/// A number that is the same for texts that differ only in addresses, numbers, queue ids, host
/// names and links (FNV-1a over the normalised words without those).
pub(crate) fn fingerprint(text: &str) -> u64 {
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
