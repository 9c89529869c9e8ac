//! What the host's lists say about an address, put to use at the end: a note, and where the
//! operator wants it, caution. No list makes a mailbox exist or not exist; that is a server's word.

use crate::contract::{Cause, Decision, Evidence, Status, Verdict};
use crate::reasons::Reason;
use crate::settings::{Disposable, Settings};
use crate::verdict;

/// Notes in a decision what the host noted in its evidence.
pub(crate) fn note(decision: &mut Decision, evidence: &Evidence, settings: &Settings<'_>) {
    let verdict = match decision {
        Decision::Settle(verdict) => verdict,
        Decision::Probe(plan) => &mut plan.otherwise,
    };
    if settings.disposable == Disposable::Risky && verdict.status == Status::Deliverable {
        let mut tags = evidence.tags.iter();
        if let Some(at) = tags.position(|tag| tag == "disposable-domain") {
            throw_away(verdict, Cause::Tag(verdict::index(at)));
        }
    }
    let suggestion = evidence
        .facts
        .iter()
        .find(|fact| fact.name == "did-you-mean");
    verdict.facts.extend(suggestion.cloned());
}

/// The mailbox takes mail, and is made to be thrown away.
fn throw_away(verdict: &mut Verdict, tag: Cause) {
    let plain = verdict::plain(Reason::DisposableDomain, Vec::new());
    verdict.status = plain.status;
    verdict.reason = plain.reason;
    verdict.confidence = plain.confidence;
    verdict.because.insert(0, tag);
}
