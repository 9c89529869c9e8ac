//! A lane: a destination as the outside world sees it, and who waits for it.
//!
//! Two domains with the same set of exchanges are one lane: their mailboxes share sessions, and a
//! reply that speaks about us holds all of them.

use std::collections::VecDeque;
use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::mx::PlannedExchange;

use crate::clock::UnixMs;
use crate::permit::ProbeId;

/// Names a lane: the names of its exchanges, sorted.
pub(super) type LaneKey = Arc<str>;

/// The lane of a plan.
pub(super) fn key_of(exchanges: &[PlannedExchange]) -> LaneKey {
    let mut names: Vec<&str> = exchanges
        .iter()
        .map(|exchange| exchange.name.as_str())
        .collect();
    names.sort_unstable();
    names.join(",").into()
}

/// A destination and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Who waits, in the order in which they came.
    pub(super) waiting: VecDeque<ProbeId>,
    /// Domains whose decoy is asked in one of the open sessions.
    pub(super) decoys_under_way: Vec<Domain>,
    /// Sessions that are open.
    pub(super) sessions: usize,
    /// Mailboxes that were answered and are not judged yet: what they were told may hold the lane,
    /// so nobody else goes there before.
    pub(super) unjudged: usize,
    /// Left alone until then.
    pub(super) held_until: Option<UnixMs>,
    /// Whether it stands in the queue of lanes that may have a permit.
    pub(super) queued: bool,
}

impl Lane {
    /// Whether it is held at this time; a hold that is over is forgotten.
    pub(super) fn is_held(&mut self, now: UnixMs) -> bool {
        if self.held_until.is_some_and(|until| until <= now) {
            self.held_until = None;
        }
        self.held_until.is_some()
    }

    /// Whether nothing would be lost if it were forgotten.
    pub(super) fn is_idle(&mut self, now: UnixMs) -> bool {
        self.waiting.is_empty() && self.sessions + self.unjudged == 0 && !self.is_held(now)
    }
}
