//! Granting: from a lane to a permit for the mailboxes that can share a session.
//!
//! Promises: no session beyond the limits; a decoy is asked once for all mailboxes of a domain.
//! While it is being asked, the others of its domain wait for the answer instead of asking again.

use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::decoy;
use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::DecoyChoice;
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::mx::PlannedExchange;

use super::lane::{Lane, LaneKey};
use super::probe::{Probe, State};
use super::{Dispatcher, Event};
use crate::egress::EgressId;
use crate::judge::Judge;
use crate::permit::{Ask, Executor, Permit};

/// How long after it was granted a permit may still begin a session: time for a few exchanges that
/// do not answer, not for all that a domain may list.
const PERMIT_EXPIRY: Duration = Duration::from_mins(5);

impl<E: Executor, J: Judge> Dispatcher<E, J> {
    /// Grants permits to the lanes in the queue, one each in turn, as far as the limits go.
    pub(super) fn grant_permits(&mut self) {
        while self.sessions_open < self.limits().sessions
            && let Some(key) = self.ready.pop_front()
        {
            let Some(lane) = self.lanes.get_mut(&key) else {
                continue;
            };
            lane.queued = false;
            // A hold, or an answer that may lead to one, may have come after the lane was queued.
            if lane.unjudged > 0 || lane.is_held(self.around.clock.now()) {
                continue;
            }
            // Without a permit everybody who waits does so for an answer that is under way; its
            // report puts the lane into the queue again.
            let turns = lane.turns(&self.around.limits);
            let next = turns
                .into_iter()
                .find_map(|egress| Some((egress, self.permit(&key, egress)?)));
            match next {
                Some((egress, permit)) => self.carry_out(key, egress, permit),
                None => self.forget_idle(&key),
            }
        }
    }

    fn carry_out(&mut self, key: LaneKey, egress: EgressId, permit: Permit) {
        self.sessions_open += 1;
        let decoys: Vec<Domain> = permit
            .asks
            .iter()
            .filter(|ask| ask.decoy.is_some())
            .map(|ask| ask.mailbox.domain().clone())
            .collect();
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.queue(egress).sessions += 1;
            lane.had_turn(egress);
            lane.decoys_under_way.extend(decoys.iter().cloned());
        }
        self.enqueue(Arc::clone(&key));
        let executor = Arc::clone(&self.around.executor);
        self.tasks.spawn(async move {
            let report = executor.execute(permit).await;
            Event::Reported {
                lane: key,
                egress,
                decoys,
                report,
            }
        });
    }

    /// A permit for whoever stands first in a lane, and for those after it that want to begin at
    /// the same exchange, from the same egress.
    fn permit(&mut self, key: &LaneKey, egress: EgressId) -> Option<Permit> {
        let now = self.now();
        // One decoy for each egress and domain, the same in every run: a new one each time would be
        // greylisted for ever.
        let secret = self.around.egresses.get(egress).identity();
        let limit = self.limits().mailboxes_per_session;
        let lane = self.lanes.get_mut(key)?;
        let mut gathering = Gathering::default();
        let (mut others, mut late) = (Vec::new(), Vec::new());
        while gathering.asks.len() < limit
            && let Some(id) = lane.queue(egress).waiting.pop_front()
        {
            let Some(probe) = self.probes.get_mut(&id) else {
                continue;
            };
            let Some(mailbox) = probe.mailbox.clone() else {
                continue;
            };
            let deadline = probe.evidence.budget.deadline_ms;
            if deadline.is_some_and(|deadline| now > deadline) {
                late.push(id);
                continue;
            }
            let domain = mailbox.domain().to_string();
            let known = self.decoys.is_known(&domain, probe.begins_at(), now);
            let decoy = gathering.decoy(probe, &mailbox, known, lane);
            if !gathering.begins_where(probe) || decoy == Decoy::UnderWay {
                others.push(id);
                continue;
            }
            let decoy =
                (decoy == Decoy::Asked).then(|| decoy_of(secret.as_bytes(), mailbox.domain()));
            gathering.take(probe, mailbox, decoy);
        }
        for id in others.into_iter().rev() {
            lane.queue(egress).waiting.push_front(id);
        }
        for id in late {
            self.give_up(id, "none, its turn came after the deadline");
        }
        let (first_exchange, exchanges) = gathering.start?;
        Some(Permit {
            exchanges,
            first_exchange,
            asks: gathering.asks,
            egress: Arc::clone(self.around.egresses.get(egress)),
            expires_in: PERMIT_EXPIRY,
        })
    }
}

/// What is done about a decoy beside one mailbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decoy {
    /// None is wanted, or its answer is known, or will come in this session anyway.
    NotAsked,
    /// It is asked in this session.
    Asked,
    /// Another session is asking it.
    UnderWay,
}

/// The mailboxes of a permit, as they are gathered.
#[derive(Default)]
struct Gathering {
    start: Option<(usize, Arc<Vec<PlannedExchange>>)>,
    asks: Vec<Ask>,
}

impl Gathering {
    /// Whether a probe wants to begin where those gathered before begin.
    fn begins_where(&self, probe: &Probe) -> bool {
        let start = self.start.as_ref();
        start.is_none_or(|(first, exchanges)| exchanges[*first].name == probe.begins_at())
    }

    fn decoy(&self, probe: &Probe, mailbox: &Mailbox, known: bool, lane: &Lane) -> Decoy {
        let domain = mailbox.domain();
        let asked_here = |ask: &Ask| ask.decoy.is_some() && ask.mailbox.domain() == domain;
        match probe.plan.as_ref().map(|plan| plan.decoy) {
            None | Some(DecoyChoice::None) => Decoy::NotAsked,
            Some(DecoyChoice::Always) => Decoy::Asked,
            Some(DecoyChoice::IfUnknown) if known || self.asks.iter().any(asked_here) => {
                Decoy::NotAsked
            }
            Some(DecoyChoice::IfUnknown) if lane.decoys_under_way.contains(domain) => {
                Decoy::UnderWay
            }
            Some(DecoyChoice::IfUnknown) => Decoy::Asked,
        }
    }

    fn take(&mut self, probe: &mut Probe, mailbox: Mailbox, decoy: Option<String>) {
        if self.start.is_none() {
            self.start = Some((probe.first_exchange(), Arc::clone(&probe.exchanges)));
        }
        probe.state = State::Asking;
        self.asks.push(Ask {
            probe: probe.id,
            mailbox,
            round: probe.rounds + 1,
            decoy,
        });
    }
}

fn decoy_of(secret: &[u8], domain: &Domain) -> String {
    format!("{}@{domain}", decoy::local_part(secret, domain))
}
