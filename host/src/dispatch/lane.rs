//! A lane: a destination as the outside world sees it, and who waits for it.
//!
//! Two domains with the same set of exchanges are one lane: their mailboxes share sessions, and a
//! reply that speaks about us holds all of them. In a lane each egress has a queue of its own,
//! because a session has one source address. A hold is for all of them: whoever is told to stay
//! away does not come back from another address.

use std::collections::VecDeque;
use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::mx::PlannedExchange;

use super::limits::DispatchLimits;
use crate::clock::UnixMs;
use crate::egress::EgressId;
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
    /// One for each egress that has been used here; the one whose turn is next stands first.
    queues: VecDeque<Queue>,
    /// Domains whose decoy is asked in one of the open sessions.
    pub(super) decoys_under_way: Vec<Domain>,
    /// Mailboxes that were answered and are not judged yet: what they were told may hold the lane,
    /// so nobody else goes there before.
    pub(super) unjudged: usize,
    /// Left alone until then.
    pub(super) held_until: Option<UnixMs>,
    /// Whether it stands in the queue of lanes that may have a permit.
    pub(super) queued: bool,
}

/// Who waits for a session from one egress.
#[derive(Debug)]
pub(super) struct Queue {
    egress: EgressId,
    /// In the order in which they came.
    pub(super) waiting: VecDeque<ProbeId>,
    /// Sessions that are open.
    pub(super) sessions: usize,
}

impl Lane {
    /// The queue of an egress.
    pub(super) fn queue(&mut self, egress: EgressId) -> &mut Queue {
        let at = self.queues.iter().position(|queue| queue.egress == egress);
        let at = at.unwrap_or_else(|| {
            self.queues.push_back(Queue {
                egress,
                waiting: VecDeque::new(),
                sessions: 0,
            });
            self.queues.len() - 1
        });
        &mut self.queues[at]
    }

    /// The egresses that may have another session here and have somebody waiting, in their turn.
    pub(super) fn turns(&self, limits: &DispatchLimits) -> Vec<EgressId> {
        if self.sessions() >= limits.sessions_per_destination {
            return Vec::new();
        }
        let has_turn =
            |queue: &&Queue| !queue.waiting.is_empty() && queue.sessions < limits.sessions_per_lane;
        let queues = self.queues.iter().filter(has_turn);
        queues.map(|queue| queue.egress).collect()
    }

    /// Puts an egress that had its turn behind the others.
    pub(super) fn had_turn(&mut self, egress: EgressId) {
        let at = self.queues.iter().position(|queue| queue.egress == egress);
        if let Some(queue) = at.and_then(|at| self.queues.remove(at)) {
            self.queues.push_back(queue);
        }
    }

    /// Takes out everybody who waits.
    pub(super) fn take_waiting(&mut self) -> Vec<ProbeId> {
        let queues = self.queues.iter_mut();
        queues.flat_map(|queue| queue.waiting.drain(..)).collect()
    }

    /// Sessions that are open, from all egresses.
    fn sessions(&self) -> usize {
        self.queues.iter().map(|queue| queue.sessions).sum()
    }

    /// Whether it is held at this time; a hold that is over is forgotten.
    pub(super) fn is_held(&mut self, now: UnixMs) -> bool {
        if self.held_until.is_some_and(|until| until <= now) {
            self.held_until = None;
        }
        self.held_until.is_some()
    }

    /// Whether nothing would be lost if it were forgotten.
    pub(super) fn is_idle(&mut self, now: UnixMs) -> bool {
        let nobody_waits = self.queues.iter().all(|queue| queue.waiting.is_empty());
        nobody_waits && self.sessions() + self.unjudged == 0 && !self.is_held(now)
    }
}
