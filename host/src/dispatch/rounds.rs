//! Rounds: from a due time over the look-up into the lane, and back from the report of a permit.
//!
//! Read next: `dispatch/grant.rs` (from the lane to the permit).

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::Plan;

use super::exclude::{Screened, screen};
use super::lane::{LaneKey, key_of};
use super::probe::State;
use super::{Dispatcher, Event, RetryMode};
use crate::clock::whole_ms;
use crate::egress::EgressId;
use crate::judge::Judge;
use crate::lookup::LookupReport;
use crate::permit::{Asked, Executor, PermitReport, ProbeId};
use crate::record::PolicyIdentity;

impl<E: Executor, J: Judge> Dispatcher<E, J> {
    /// Takes a plan up: clamps it, holds the lane, and sets the time of the next round.
    pub(super) fn plan(&mut self, id: ProbeId, by: &PolicyIdentity, plan: Plan) {
        let now = self.now();
        self.hold_lane(id, plan.hold_lane_ms);
        let retry = self.around.retry;
        let rounds_max = self.limits().rounds;
        let stopping = self.end.is_some();
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        let asked_ms = u64::from(plan.wait_ms);
        let wait_ms = match retry {
            RetryMode::Now if asked_ms > 0 => {
                probe.clamp("wait-ms", asked_ms, 0);
                0
            }
            _ => asked_ms,
        };
        let held = probe
            .lane
            .as_ref()
            .and_then(|key| self.lanes.get(key)?.held_until);
        let due = now.saturating_add(wait_ms).max(held.unwrap_or(0));
        for wish in &plan.wishes {
            probe.clamps.push(super::settle::unknown_wish(wish));
        }
        let deadline = probe.evidence.budget.deadline_ms;
        if probe.rounds >= rounds_max {
            probe.clamp("rounds", probe.rounds + 1, rounds_max);
        } else if deadline.is_some_and(|deadline| due > deadline) {
            probe.clamp("wait-ms", asked_ms, BEYOND_DEADLINE);
        } else {
            probe.plan = Some(plan);
            probe.due = due;
            if stopping || (retry == RetryMode::Never && due > now) {
                self.settle_pending(id, by, due);
            } else if due > now {
                probe.state = State::Waiting;
                self.due.push(Reverse((due, id)));
            } else {
                self.begin_round(id);
            }
            return;
        }
        self.settle(id, by, &plan.otherwise);
    }

    /// Leaves the lane of a probe alone for as long as its policy wants. Whoever waits there waits
    /// on, or is pending where the operator does not want to wait.
    pub(super) fn hold_lane(&mut self, id: ProbeId, hold_lane_ms: u32) {
        let now = self.now();
        let longest = whole_ms(self.limits().lane_hold);
        let retry = self.around.retry;
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        let asked = u64::from(hold_lane_ms);
        if asked == 0 {
            return;
        }
        if asked > longest {
            probe.clamp("hold-lane-ms", asked, longest);
        }
        let (Some(key), false) = (probe.lane.clone(), retry == RetryMode::Now) else {
            probe.clamp("hold-lane-ms", asked, 0);
            return;
        };
        let until = now.saturating_add(asked.min(longest));
        let lane = self.lanes.entry(Arc::clone(&key)).or_default();
        lane.held_until = Some(lane.held_until.unwrap_or(0).max(until));
        let waiting = lane.take_waiting();
        self.held.push(Reverse((until, Arc::clone(&key))));
        for id in waiting {
            self.wait_in_lane(&key, id);
        }
    }

    /// Begins a round with the look-up of the domain.
    pub(super) fn begin_round(&mut self, id: ProbeId) {
        let now = self.now();
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        let Some(mailbox) = &probe.mailbox else {
            // Nothing can be asked about what is no mailbox: a round that shows nothing new.
            probe.rounds += 1;
            self.judge(id);
            return;
        };
        let domain = mailbox.domain().clone();
        if probe.is_kept_out(now) {
            self.judge(id);
            return;
        }
        probe.state = State::LookingUp;
        let waiting = self.lookups.entry(domain.clone()).or_default();
        waiting.push(id);
        if waiting.len() == 1 {
            self.lookup_queue.push_back(domain);
        }
    }

    /// Starts look-ups that wait, as far as the limit goes.
    pub(super) fn start_lookups(&mut self) {
        while self.lookups_open < self.limits().lookups
            && let Some(domain) = self.lookup_queue.pop_front()
        {
            self.lookups_open += 1;
            let executor = Arc::clone(&self.around.executor);
            let seed = seed_of(self.around.seed, &domain);
            self.tasks.spawn(async move {
                let report = Box::new(executor.look_up(&domain, seed).await);
                Event::LookedUp { domain, report }
            });
        }
    }

    pub(super) fn handle_looked_up(&mut self, domain: &Domain, report: &LookupReport) {
        self.lookups_open -= 1;
        let waiting = self.lookups.remove(domain).unwrap_or_default();
        let Screened { facts, exchanges } = screen(&self.around.exclusions, report);
        let exchanges = Arc::new(exchanges);
        let reachable = exchanges
            .iter()
            .any(|exchange| !exchange.addresses.is_empty());
        let key = key_of(&exchanges);
        let targets = exchanges.iter().flat_map(|exchange| &exchange.addresses);
        let targets: Vec<IpAddr> = targets.copied().collect();
        let egress = self.around.egresses.choose(domain, &targets);
        for id in waiting {
            let Some(probe) = self.probes.get_mut(&id) else {
                continue;
            };
            probe.evidence.lookups.push(facts.clone());
            probe.exchanges = Arc::clone(&exchanges);
            if reachable {
                probe.state = State::InLane;
                probe.lane = Some(Arc::clone(&key));
                probe.egress.get_or_insert(egress);
                self.wait_in_lane(&key, id);
            } else {
                probe.lane = None;
                probe.rounds += 1;
                self.judge(id);
            }
        }
        if reachable {
            self.enqueue(key);
        }
    }

    /// Puts a probe at the end of a lane. Where the lane is on hold and the operator does not want
    /// to wait, it is pending; where the hold outlasts the probe, its plan's last word is recorded.
    fn wait_in_lane(&mut self, key: &LaneKey, id: ProbeId) {
        let now = self.now();
        let by = self.around.judge.identity();
        let lane = self.lanes.entry(Arc::clone(key)).or_default();
        let held = lane.is_held(now).then_some(lane.held_until).flatten();
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        let deadline = probe.evidence.budget.deadline_ms;
        match held {
            Some(until) if self.around.retry == RetryMode::Never => {
                self.settle_pending(id, &by, until);
            }
            Some(until) if deadline.is_some_and(|deadline| until > deadline) => {
                self.give_up(id, "none, its lane is held beyond the deadline");
            }
            _ => lane.queue(probe.egress()).waiting.push_back(id),
        }
    }

    /// Records the last word of a plan whose round can no longer begin in time.
    pub(super) fn give_up(&mut self, id: ProbeId, done: &str) {
        let by = self.around.judge.identity();
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        probe.clamp("round", "a session", done);
        let otherwise = probe.plan.as_ref().map(|plan| plan.otherwise.clone());
        if let Some(verdict) = otherwise {
            self.settle(id, &by, &verdict);
        }
    }

    /// Forgets a lane that nobody waits for any more.
    pub(super) fn forget_idle(&mut self, key: &LaneKey) {
        let now = self.now();
        if self
            .lanes
            .get_mut(key)
            .is_some_and(|lane| lane.is_idle(now))
        {
            self.lanes.remove(key);
        }
    }

    /// Puts a lane into the queue for permits, where it may have one.
    pub(super) fn enqueue(&mut self, key: LaneKey) {
        let now = self.now();
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if lane.is_idle(now) {
            self.lanes.remove(&key);
        } else if !lane.queued
            && !lane.turns(&self.around.limits).is_empty()
            && lane.unjudged == 0
            && !lane.is_held(now)
        {
            lane.queued = true;
            self.ready.push_back(key);
        }
    }

    pub(super) fn handle_reported(
        &mut self,
        (key, egress): (&LaneKey, EgressId),
        decoys: &[Domain],
        report: PermitReport,
    ) {
        self.sessions_open -= 1;
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.queue(egress).sessions -= 1;
            lane.decoys_under_way
                .retain(|domain| !decoys.contains(domain));
            for id in report.unasked.iter().rev() {
                if let Some(probe) = self.probes.get_mut(id) {
                    probe.state = State::InLane;
                    lane.queue(egress).waiting.push_front(*id);
                }
            }
        }
        for (domain, finding) in &report.decoys {
            self.decoys.remember(domain, finding.clone());
        }
        for asked in report.asked {
            self.take_answer(key, asked);
        }
        if self.end.is_some() {
            for id in report.unasked {
                self.settle_interrupted(id);
            }
        }
        self.enqueue(Arc::clone(key));
    }

    fn take_answer(&mut self, key: &LaneKey, asked: Asked) {
        let Some(probe) = self.probes.get_mut(&asked.probe) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.unjudged += 1;
            probe.holds_up = Some(Arc::clone(key));
        }
        probe.rounds += 1;
        probe.evidence.attempts.extend(asked.attempts);
        if self.around.keep_transcripts {
            probe.transcripts.extend(asked.transcripts);
        }
        self.judge(asked.probe);
    }
}

/// What is done about a plan that would begin too late.
const BEYOND_DEADLINE: &str = "none, it would begin after the deadline";

fn seed_of(run_seed: u64, domain: &Domain) -> u64 {
    let mut hasher = DefaultHasher::new();
    run_seed.hash(&mut hasher);
    domain.hash(&mut hasher);
    hasher.finish()
}
