//! Making verdicts: a reason's defaults, then what the evidence at hand changes.

use crate::contract::{Cause, Fact, ReplyReference, Status, Verdict};
use crate::reasons::Reason;
use crate::settings::Called;

/// A verdict with the reason's own status and confidence.
pub(crate) fn plain(reason: Reason, because: Vec<Cause>) -> Verdict {
    Verdict {
        status: reason.status(),
        reason: reason.name().to_owned(),
        confidence: reason.confidence(),
        because,
        hold_lane_ms: 0,
        facts: Vec::new(),
    }
}

/// A verdict whose status the operator chose.
pub(crate) fn called(reason: Reason, called: Called, because: Vec<Cause>) -> Verdict {
    let mut verdict = plain(reason, because);
    verdict.status = match called {
        Called::Deliverable => Status::Deliverable,
        Called::Risky => Status::Risky,
        Called::Undeliverable => Status::Undeliverable,
        Called::Unknown => Status::Unknown,
    };
    if verdict.status == Status::Unknown {
        verdict.confidence = 0;
    }
    verdict
}

/// Points at a reply.
pub(crate) fn reply(attempt: usize, reply: usize) -> Cause {
    Cause::Reply(ReplyReference {
        attempt: index(attempt),
        reply: index(reply),
    })
}

/// A fact.
pub(crate) fn fact(name: &str, value: &str) -> Fact {
    Fact {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// The fact by which the host says that somebody is not asked, and which entry of which list says
/// so.
pub(crate) fn excluded(facts: &[Fact]) -> Option<&Fact> {
    facts.iter().find(|fact| fact.name == "excluded")
}

/// An index of the contract. Evidence has far fewer items than `u32` can count.
pub(crate) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
