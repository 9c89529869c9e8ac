//! Dispatch: one task that owns the truth about a run.
//!
//! ```text
//! Input ─> admit ─> judge ─┬─ settle ──────────────────────────────> Settled
//!                    ▲     └─ probe ─> due time ─> look-up ─> lane ─> permit ─> executor
//!                    └──────────────── evidence <──────────────────── report ──────┘
//! ```
//!
//! Promises: every input reaches exactly one record; a probe has at most one thing under way; never
//! more sessions than the limits say, whatever a policy asks; a later attempt is a due time on a
//! timer, not a sleeping task. What it does not do: look names up, speak SMTP, judge, print.
//!
//! Everything that happens arrives here as an event and is dealt with one at a time, so there are
//! no locks. Work that takes time runs in tasks of its own: look-ups and sessions with the
//! [`Executor`], decisions with the [`Judge`].
//!
//! Read next: `permit.rs` (the seam to the executor), `dispatch/rounds.rs` (from a due time to a
//! lane), `dispatch/grant.rs` (from a lane to a permit), `dispatch/settle.rs` (from a decision to a
//! record).

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::{Decision, Fact};
use vrfy_proto::mailbox::Mailbox;

use crate::clock::{Clock, UnixMs};
use crate::egress::{EgressId, Egresses};
use crate::exclusions::Exclusions;
use crate::explain::EXPLAIN;
use crate::judge::{Judge, Judgement};
use crate::lookup::LookupReport;
use crate::permit::{Executor, PermitReport, ProbeId};
use crate::record::Record;
use crate::tags::Tags;

use self::decoys::Decoys;
use self::lane::{Lane, LaneKey};
pub use self::limits::{DispatchLimits, RetryMode};
pub use self::probe::Task;
use self::probe::{Probe, State};
pub(crate) use self::probe::{first_evidence, tag};
pub(crate) use self::settle::{add_decoys, because_of};
pub use self::snapshot::Snapshot;

mod decoys;
mod exclude;
mod grant;
mod lane;
mod limits;
mod probe;
mod rounds;
mod settle;
mod snapshot;
#[cfg(test)]
mod tests;

/// What a run is fed with.
#[derive(Debug)]
pub enum Input {
    /// An address to verify.
    Task(Task),
    /// A row that holds no address: its record is made already.
    Broken {
        /// Its place among all inputs, from 0.
        index: u64,
        /// Its record.
        record: Box<Record>,
    },
}

/// What came of one input.
#[derive(Debug)]
pub struct Settled {
    /// Its place among all inputs, from 0.
    pub index: u64,
    /// Its record.
    pub record: Record,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every input has its record.
    Complete,
    /// It was told to stop; what was open is recorded as pending or unknown.
    Stopped,
    /// A policy fault ended it, as the operator wished.
    PolicyFault,
}

/// Everything that a run needs from its surroundings.
pub struct Surroundings<E, J> {
    /// Who looks up and connects.
    pub executor: Arc<E>,
    /// Who judges.
    pub judge: Arc<J>,
    /// The time.
    pub clock: Clock,
    /// Who asks.
    pub egresses: Arc<Egresses>,
    /// Who is not asked.
    pub exclusions: Arc<Exclusions>,
    /// What lists say about addresses.
    pub tags: Arc<Tags>,
    /// The bounds.
    pub limits: DispatchLimits,
    /// What to do with later attempts.
    pub retry: RetryMode,
    /// Decides the order of exchanges of equal preference.
    pub seed: u64,
    /// Whether dialogues are kept for the records.
    pub keep_transcripts: bool,
    /// Whether the policy is asked to explain itself.
    pub explain: bool,
}

/// The channels of a run.
pub struct Channels {
    /// What to verify; closed when there is no more.
    pub input: mpsc::Receiver<Input>,
    /// Where records go.
    pub output: mpsc::Sender<Settled>,
    /// Becomes true when the run shall stop.
    pub stop: watch::Receiver<bool>,
    /// Where counts are shown.
    pub snapshot: watch::Sender<Snapshot>,
}

/// Runs until every input is settled, or until told to stop.
pub async fn run<E: Executor, J: Judge>(
    surroundings: Surroundings<E, J>,
    mut channels: Channels,
) -> RunEnd {
    let mut dispatcher = Dispatcher::new(surroundings);
    let mut deadline = None;
    loop {
        dispatcher.grant_permits();
        dispatcher.start_lookups();
        for settled in std::mem::take(&mut dispatcher.settled) {
            if channels.output.send(settled).await.is_err() {
                dispatcher.stop(RunEnd::Stopped);
            }
        }
        channels.snapshot.send_replace(dispatcher.snapshot());
        if dispatcher.is_done() {
            return dispatcher.end.unwrap_or(RunEnd::Complete);
        }
        if dispatcher.end.is_some() && deadline.is_none() {
            deadline = Some(Instant::now() + dispatcher.limits().stop_grace);
        }
        let wake = dispatcher.next_wake();
        tokio::select! {
            // In this order, so that a run under a virtual clock is the same every time. What gives
            // the run more to do comes last; the end of the grace period, which is past from then
            // on, comes after the tasks that it gives up.
            biased;
            _ = channels.stop.wait_for(|stop| *stop), if dispatcher.end.is_none() => {
                dispatcher.stop(RunEnd::Stopped);
            }
            Some(joined) = dispatcher.tasks.join_next() => dispatcher.handle(joined),
            () = sleep_until(deadline), if deadline.is_some() => dispatcher.abandon(),
            () = sleep_until(wake), if wake.is_some() => dispatcher.wake(),
            input = channels.input.recv(), if dispatcher.wants_input() => match input {
                Some(input) => dispatcher.admit(input),
                None => dispatcher.input_closed = true,
            },
        }
    }
}

/// Something that happened.
enum Event {
    /// A decision was made, or failed.
    Judged { id: ProbeId, judgement: Judgement },
    /// A domain was looked up.
    LookedUp {
        domain: Domain,
        report: Box<LookupReport>,
    },
    /// A permit was carried out.
    Reported {
        lane: LaneKey,
        egress: EgressId,
        /// The domains whose decoy it was to ask.
        decoys: Vec<Domain>,
        report: PermitReport,
    },
}

struct Dispatcher<E, J> {
    around: Surroundings<E, J>,
    probes: HashMap<ProbeId, Probe>,
    /// The probe of each mailbox under way, so that one mailbox is asked once at a time.
    by_mailbox: HashMap<Mailbox, ProbeId>,
    next_id: ProbeId,
    /// Probes that wait for a time, the earliest on top.
    due: BinaryHeap<Reverse<(UnixMs, ProbeId)>>,
    /// Domains under look-up, and who waits for each.
    lookups: HashMap<Domain, Vec<ProbeId>>,
    lookup_queue: VecDeque<Domain>,
    lookups_open: usize,
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes that may have a permit.
    ready: VecDeque<LaneKey>,
    /// Lanes on hold, the earliest release on top.
    held: BinaryHeap<Reverse<(UnixMs, LaneKey)>>,
    sessions_open: usize,
    decoys: Decoys,
    tasks: JoinSet<Event>,
    settled: Vec<Settled>,
    counts: snapshot::Counts,
    input_closed: bool,
    end: Option<RunEnd>,
}

impl<E: Executor, J: Judge> Dispatcher<E, J> {
    fn new(around: Surroundings<E, J>) -> Self {
        Self {
            around,
            probes: HashMap::new(),
            by_mailbox: HashMap::new(),
            next_id: 0,
            due: BinaryHeap::new(),
            lookups: HashMap::new(),
            lookup_queue: VecDeque::new(),
            lookups_open: 0,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            held: BinaryHeap::new(),
            sessions_open: 0,
            decoys: Decoys::default(),
            tasks: JoinSet::new(),
            settled: Vec::new(),
            counts: snapshot::Counts::default(),
            input_closed: false,
            end: None,
        }
    }

    fn limits(&self) -> &DispatchLimits {
        &self.around.limits
    }

    fn now(&self) -> UnixMs {
        self.around.clock.now()
    }

    fn wants_input(&self) -> bool {
        let active = self.probes.len() - self.due.len().min(self.probes.len());
        self.end.is_none() && !self.input_closed && active < self.limits().active_probes
    }

    fn is_done(&self) -> bool {
        let fed = self.input_closed || self.end.is_some();
        fed && self.probes.is_empty() && self.tasks.is_empty() && self.settled.is_empty()
    }

    /// Takes an input in. A mailbox that is being probed already is not asked twice: the second
    /// row gets the same answer.
    fn admit(&mut self, input: Input) {
        let task = match input {
            Input::Task(task) => task,
            Input::Broken { index, record } => {
                self.emit(index, *record);
                return;
            }
        };
        let mut probe = Probe::new(self.next_id, task, self.now(), self.limits());
        if self.around.explain {
            probe.evidence.facts.push(Fact::new(EXPLAIN, "true"));
        }
        if let Some(mailbox) = &probe.mailbox {
            match self.by_mailbox.entry(mailbox.clone()) {
                Entry::Occupied(entry) => {
                    let first = self.probes.get_mut(entry.get());
                    let first = first.expect("a mailbox under way has its probe");
                    first.tasks.extend(probe.tasks);
                    return;
                }
                Entry::Vacant(entry) => {
                    entry.insert(probe.id);
                }
            }
        }
        let mailbox = probe.mailbox.as_ref();
        if let Some(exclusion) = mailbox.and_then(|one| self.around.exclusions.of_mailbox(one)) {
            probe.exclude(exclusion);
        }
        probe.tag(&self.around.tags);
        let id = probe.id;
        self.next_id += 1;
        self.probes.insert(id, probe);
        self.judge(id);
    }

    /// Has the policy decide about a probe. The evidence travels with the task and comes back.
    fn judge(&mut self, id: ProbeId) {
        let now = self.now();
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        probe.state = State::Judging;
        probe.refresh(now, &self.around.limits);
        if let Ok(mailbox) = &probe.evidence.address.mailbox {
            let known = self.decoys.of(&mailbox.domain);
            add_decoys(&mut probe.evidence, known);
        }
        let judge = Arc::clone(&self.around.judge);
        let evidence = probe.evidence.clone();
        self.tasks.spawn(async move {
            let judgement = judge.judge(evidence).await;
            Event::Judged { id, judgement }
        });
    }

    fn handle(&mut self, joined: Result<Event, JoinError>) {
        let event = match joined {
            Ok(event) => event,
            // A task that was abandoned at the end of the grace period.
            Err(error) if error.is_cancelled() => return,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match event {
            Event::Judged { id, judgement } => self.handle_judged(id, &judgement),
            Event::LookedUp { domain, report } => self.handle_looked_up(&domain, &report),
            Event::Reported {
                lane,
                egress,
                decoys,
                report,
            } => self.handle_reported((&lane, egress), &decoys, report),
        }
    }

    fn handle_judged(&mut self, id: ProbeId, judgement: &Judgement) {
        let Some(probe) = self.probes.get_mut(&id) else {
            return;
        };
        let held_up = probe.holds_up.take();
        if judgement.fault.is_some() {
            probe.fault.clone_from(&judgement.fault);
        }
        match &judgement.decision {
            Some(Decision::Settle(verdict)) => {
                self.hold_lane(id, verdict.hold_lane_ms);
                self.settle(id, &judgement.by, verdict);
            }
            Some(Decision::Probe(plan)) => self.plan(id, &judgement.by, plan.clone()),
            None => self.settle_faulted(id, &judgement.by),
        }
        if let Some(key) = held_up {
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.unjudged -= 1;
            }
            self.enqueue(key);
        }
        if judgement.stop {
            self.stop(RunEnd::PolicyFault);
        }
    }

    /// Takes up whatever is due.
    fn wake(&mut self) {
        let now = self.now();
        while let Some(Reverse((time, id))) = self.due.peek().copied()
            && time <= now
        {
            self.due.pop();
            self.begin_round(id);
        }
        while let Some(Reverse((time, _))) = self.held.peek()
            && *time <= now
        {
            if let Some(Reverse((_, key))) = self.held.pop() {
                self.enqueue(key);
            }
        }
    }

    /// When something is due next.
    fn next_wake(&self) -> Option<Instant> {
        let probe = self.due.peek().map(|Reverse((time, _))| *time);
        let lane = self.held.peek().map(|Reverse((time, _))| *time);
        let next = [probe, lane].into_iter().flatten().min()?;
        Some(self.around.clock.instant_of(next))
    }

    /// Takes no more input and begins nothing new. Sessions that are open may end by themselves.
    fn stop(&mut self, end: RunEnd) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(end);
        self.due.clear();
        self.held.clear();
        self.ready.clear();
        self.lookup_queue.clear();
        let idle = self
            .probes
            .iter()
            .filter(|(_, probe)| !probe.state.ends_soon());
        let idle: Vec<ProbeId> = idle.map(|(id, _)| *id).collect();
        self.settle_all_interrupted(idle);
    }

    /// The grace period is over: whatever is still open is given up.
    fn abandon(&mut self) {
        self.tasks.abort_all();
        let open: Vec<ProbeId> = self.probes.keys().copied().collect();
        self.settle_all_interrupted(open);
    }

    /// In the order in which they came, not in that of a map.
    fn settle_all_interrupted(&mut self, mut ids: Vec<ProbeId>) {
        ids.sort_unstable();
        for id in ids {
            self.settle_interrupted(id);
        }
    }
}

/// Sleeps until an instant; for ever where there is none.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
