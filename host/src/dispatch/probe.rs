//! A probe: the whole effort for one mailbox, from its row to its record.
//!
//! Promises: evidence only grows. What was asked of a plan and what was done of it are both kept.

use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::{
    Address, AddressProblem, Budget, Clock as EvidenceClock, Evidence, ExchangeChoice, Fact,
    GIVEN_MAX, MailboxFacts, Plan,
};
use vrfy_proto::mailbox::{Mailbox, ParseMailboxError};
use vrfy_proto::mx::PlannedExchange;
use vrfy_proto::transcript::Transcript;

use super::lane::LaneKey;
use super::limits::DispatchLimits;
use crate::clock::{UnixMs, whole_ms};
use crate::egress::EgressId;
use crate::exclusions::Exclusion;
use crate::permit::ProbeId;
use crate::record::{Clamp, DID_YOU_MEAN, FaultRecord, InputRow};
use crate::tags::Tags;

/// Something to verify.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its place among all tasks of the run, from 0.
    pub index: u64,
    /// The address as given.
    pub given: String,
    /// Where in a list it stood.
    pub row: Option<InputRow>,
}

/// What a probe is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The policy decides about it.
    Judging,
    /// It waits for its due time.
    Waiting,
    /// Its domain is being looked up, or will be.
    LookingUp,
    /// It waits for a session.
    InLane,
    /// It is part of a permit.
    Asking,
}

impl State {
    /// Whether it ends by itself within the grace period of a stop.
    pub(super) fn ends_soon(self) -> bool {
        matches!(self, Self::Judging | Self::Asking)
    }
}

/// The whole effort for one mailbox.
pub(super) struct Probe {
    pub(super) id: ProbeId,
    pub(super) state: State,
    /// Whoever asked; more than one where a list names a mailbox twice.
    pub(super) tasks: Vec<Task>,
    /// Absent for an address that is no mailbox.
    pub(super) mailbox: Option<Mailbox>,
    /// The entry that keeps the mailbox from being asked.
    pub(super) excluded: Option<Exclusion>,
    pub(super) evidence: Evidence,
    /// The plan in force; absent before the first decision.
    pub(super) plan: Option<Plan>,
    /// When the plan in force lets the next round begin.
    pub(super) due: UnixMs,
    pub(super) rounds: u32,
    /// The exchanges of the look-up in force.
    pub(super) exchanges: Arc<Vec<PlannedExchange>>,
    pub(super) lane: Option<LaneKey>,
    /// Who asks, from the first round to the last: servers that greylist know us by it.
    pub(super) egress: Option<EgressId>,
    /// The lane that waits for this probe to be judged.
    pub(super) holds_up: Option<LaneKey>,
    pub(super) transcripts: Vec<Arc<Transcript>>,
    pub(super) clamps: Vec<Clamp>,
    pub(super) fault: Option<FaultRecord>,
}

impl Probe {
    /// A probe that nothing is known of yet.
    pub(super) fn new(id: ProbeId, task: Task, now: UnixMs, limits: &DispatchLimits) -> Self {
        let budget = Budget {
            rounds_left: limits.rounds,
            deadline_ms: Some(now.saturating_add(whole_ms(limits.give_up_after))),
        };
        let parsed = Mailbox::parse_within(&task.given, limits.lengths);
        let evidence = first_evidence(&task.given, &parsed, now, budget);
        Self {
            id,
            state: State::Judging,
            tasks: vec![task],
            mailbox: parsed.ok(),
            excluded: None,
            evidence,
            plan: None,
            due: now,
            rounds: 0,
            exchanges: Arc::default(),
            lane: None,
            egress: None,
            holds_up: None,
            transcripts: Vec::new(),
            clamps: Vec::new(),
            fault: None,
        }
    }

    /// Notes in the evidence what lists say about the mailbox, before anybody decides about it.
    pub(super) fn tag(&mut self, tags: &Tags) {
        let Some(mailbox) = &self.mailbox else {
            return;
        };
        tag(&mut self.evidence, mailbox, tags);
    }

    /// Sets the clock and the budget that the next decision is shown.
    pub(super) fn refresh(&mut self, now: UnixMs, limits: &DispatchLimits) {
        self.evidence.clock.now_ms = now;
        self.evidence.budget.rounds_left = limits.rounds.saturating_sub(self.rounds);
    }

    /// Notes that the host did less than the plan asked for.
    pub(super) fn clamp(&mut self, wish: &str, asked: impl ToString, done: impl ToString) {
        self.clamps.push(Clamp {
            wish: wish.to_owned(),
            asked: asked.to_string(),
            done: done.to_string(),
        });
    }

    /// Who asks. Only asked of probes that have been in a lane.
    pub(super) fn egress(&self) -> EgressId {
        self.egress.unwrap_or_default()
    }

    /// The name of the exchange at which the next round begins. Only asked of probes that have one.
    pub(super) fn begins_at(&self) -> &str {
        &self.exchanges[self.first_exchange()].name
    }

    /// Where the next round begins: an index into the exchanges of the look-up in force.
    pub(super) fn first_exchange(&self) -> usize {
        let choice = self
            .plan
            .as_ref()
            .map_or(ExchangeChoice::Planned, |plan| plan.exchange);
        let last = self.evidence.attempts.last().and_then(|attempt| {
            self.exchanges
                .iter()
                .position(|exchange| exchange.name == attempt.exchange_name)
        });
        match (choice, last) {
            (ExchangeChoice::Planned, _) | (_, None) => 0,
            (ExchangeChoice::Same, Some(last)) => last,
            (ExchangeChoice::Next, Some(last)) => (last + 1) % self.exchanges.len().max(1),
        }
    }
}

/// Adds what lists say about the mailbox.
pub(crate) fn tag(evidence: &mut Evidence, mailbox: &Mailbox, tags: &Tags) {
    evidence.tags = tags.of(mailbox);
    let suggestion = tags.suggestion(mailbox);
    let fact = suggestion.map(|meant| Fact::new(DID_YOU_MEAN, meant));
    evidence.facts.extend(fact);
}

/// What is known of an address before anything was looked up.
pub(crate) fn first_evidence(
    given: &str,
    parsed: &Result<Mailbox, ParseMailboxError>,
    now: UnixMs,
    budget: Budget,
) -> Evidence {
    let mailbox = match parsed {
        Ok(mailbox) => Ok(mailbox_facts(mailbox)),
        Err(error) => Err(AddressProblem {
            code: error.code().to_owned(),
            message: error.to_string(),
            column: u32::try_from(error.column()).ok(),
        }),
    };
    Evidence {
        address: Address {
            given: cut(given, GIVEN_MAX).to_owned(),
            mailbox,
        },
        lookups: Vec::new(),
        attempts: Vec::new(),
        decoys: Vec::new(),
        tags: Vec::new(),
        facts: Vec::new(),
        clock: EvidenceClock {
            now_ms: now,
            probe_started_ms: now,
        },
        budget,
        settings: Vec::new(),
    }
}

fn mailbox_facts(mailbox: &Mailbox) -> MailboxFacts {
    let domain = mailbox.domain().to_string();
    let unicode_domain = match mailbox.domain() {
        Domain::Name(name) => name.to_unicode().into_owned(),
        Domain::Literal(_) => domain.clone(),
    };
    MailboxFacts {
        wire: mailbox.to_string(),
        local_part: mailbox.local_part().to_owned(),
        domain,
        unicode_domain,
        needs_smtputf8: mailbox.needs_smtputf8(),
    }
}

/// The longest beginning of at most `max` bytes that ends between characters.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
