//! Explaining: evidence that was saved is judged again, without a network, and what came of it is
//! told: what decided, what the policy would ask next, and what would change its mind.
//!
//! ```text
//! file -> read -> Case (evidence) -> Explainer -> Record with `explained` -> output
//! Record of a probe just made ----------^
//! ```
//!
//! Promises: evidence is put together by the code that live probes use, so that the same dialogue
//! leads to the same verdict. The policy is asked with the fact `explain`, and with no budget left,
//! so that it settles; once more with the usual budget, for what it would ask next; and a bounded
//! number of times with one thing changed. A policy that does not know the fact works as before.
//!
//! What it does not do: conclude. Whatever is told about a change is the policy's own answer.
//!
//! Read next: `explain/read.rs` (what is recognised), `explain/rebuild.rs` (from dialogues to
//! evidence), `explain/changes.rs`.

mod changes;
mod dialogues;
mod read;
mod rebuild;
mod saved;

use vrfy_proto::evidence::{Budget, Decision, Evidence, Fact, Setting, Verdict};
use vrfy_proto::mailbox::{Lengths, Mailbox};

pub use self::read::{Cases, LINE_BYTES_MAX, Problem, Wanted};
pub use self::rebuild::DIALOGUES_BYTES_MAX;
use self::saved::SavedRecord;
use crate::clock::{rfc3339, whole_ms};
use crate::dispatch::{DispatchLimits, because_of, tag};
use crate::judge::fault_record;
use crate::policy::{Policy, PolicyFault};
use crate::record::{Explained, Judged, NextAsk, Origin, PolicyIdentity, Record, RecordStatus};
use crate::tags::Tags;

/// The fact of the evidence that asks a policy to explain itself.
pub const EXPLAIN: &str = "explain";

/// Facts of a verdict that explain it; see `wit/policy.wit`.
pub const EXPLAINING: [&str; 5] = [
    "rule",
    "rule-source",
    "matched",
    "alternative",
    "decoy-says",
];

/// What was saved about one mailbox.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where it was saved.
    pub origin: Origin,
    /// The evidence, without settings and budget.
    pub evidence: Evidence,
    /// What the record said, where there was one.
    pub recorded: Option<Judged>,
    /// From begin to end, in milliseconds.
    pub elapsed_ms: u64,
}

impl Case {
    /// Adds what lists say about the mailbox. A record has what they said then.
    pub fn tag(&mut self, tags: &Tags) {
        let wire = self.evidence.address.mailbox.as_ref().ok();
        let wire = wire.map(|mailbox| mailbox.wire.clone());
        let mailbox = wire.and_then(|wire| Mailbox::parse_within(&wire, Lengths::Sendable).ok());
        if let (Some(mailbox), None) = (mailbox, &self.recorded) {
            tag(&mut self.evidence, &mailbox, tags);
        }
    }
}

/// A policy that explains itself.
pub struct Explainer {
    policy: Policy,
    settings: Vec<Setting>,
    identity: PolicyIdentity,
}

impl Explainer {
    /// An explainer with a policy and its resolved settings.
    pub fn new(policy: Policy, settings: Vec<Setting>) -> Self {
        let identity = PolicyIdentity {
            name: policy.manifest().name.clone(),
            version: policy.manifest().version.clone(),
            digest: policy.digest().to_owned(),
        };
        Self {
            policy,
            settings,
            identity,
        }
    }

    /// Judges a case anew, and explains the verdict.
    pub fn explain(&self, case: Case) -> Record {
        let judged = self.judge(&case.evidence);
        let Case {
            origin, recorded, ..
        } = &case;
        let mut record = self.record(&case, &judged);
        record.explained = Some(Explained {
            origin: Some(origin.clone()),
            recorded: recorded.clone(),
            otherwise: None,
            ..self.explained(case.evidence, &judged)
        });
        record
    }

    /// Explains the record of a probe that was just made.
    pub fn explain_record(&self, record: &mut Record) {
        let case = SavedRecord::of(record).into_case(Origin {
            file: String::new(),
            line: 0,
        });
        let judged = self.judge(&case.evidence);
        let mut explained = self.explained(case.evidence, &judged);
        if record.status == RecordStatus::Pending {
            explained.otherwise = judged.as_ref().ok().map(Judged::of);
        }
        record.explained = Some(explained);
    }

    fn explained(&self, evidence: Evidence, judged: &Result<Verdict, PolicyFault>) -> Explained {
        let next = self.next(evidence.clone());
        let changes = match judged {
            Ok(verdict) => changes::of(self, &evidence, verdict),
            Err(_) => Vec::new(),
        };
        Explained {
            next,
            changes,
            ..Explained::default()
        }
    }

    /// The verdict if nothing more can be asked, with the facts that explain it.
    fn judge(&self, evidence: &Evidence) -> Result<Verdict, PolicyFault> {
        let mut evidence = evidence.clone();
        evidence.facts.push(Fact::new(EXPLAIN, "true"));
        self.settle(evidence, self.settings.clone())
    }

    /// The verdict if nothing more can be asked, by these settings.
    fn settle(
        &self,
        mut evidence: Evidence,
        settings: Vec<Setting>,
    ) -> Result<Verdict, PolicyFault> {
        evidence.settings = settings;
        evidence.budget = Budget {
            rounds_left: 0,
            deadline_ms: None,
        };
        Ok(match self.policy.decide(&evidence)? {
            Decision::Settle(verdict) => verdict,
            // A plan that cannot be carried out; the host records this.
            Decision::Probe(plan) => plan.otherwise,
        })
    }

    /// What the policy would ask next with the usual budget.
    fn next(&self, mut evidence: Evidence) -> Option<NextAsk> {
        let limits = DispatchLimits::default();
        let rounds = evidence.attempts.last().map_or(0, |attempt| attempt.round);
        let begun = evidence.clock.probe_started_ms;
        evidence.settings.clone_from(&self.settings);
        evidence.budget = Budget {
            rounds_left: limits.rounds.saturating_sub(rounds),
            deadline_ms: Some(begun.saturating_add(whole_ms(limits.give_up_after))),
        };
        match self.policy.decide(&evidence).ok()? {
            Decision::Settle(_) => None,
            Decision::Probe(plan) => Some(NextAsk {
                reason: plan.reason,
                wait_ms: plan.wait_ms,
                hold_lane_ms: plan.hold_lane_ms,
                exchange: plan.exchange,
            }),
        }
    }

    fn record(&self, case: &Case, judged: &Result<Verdict, PolicyFault>) -> Record {
        let evidence = &case.evidence;
        let mailbox = evidence.address.mailbox.as_ref().ok();
        let verdict = judged.as_ref().ok();
        let because = verdict.map_or(&[][..], |verdict| &verdict.because);
        Record {
            address: evidence.address.given.clone(),
            status: verdict.map_or(RecordStatus::Unknown, |verdict| verdict.status.into()),
            reason: verdict.map_or_else(
                || "policy-fault".to_owned(),
                |verdict| verdict.reason.clone(),
            ),
            confidence: verdict.map_or(0, |verdict| verdict.confidence),
            because: because
                .iter()
                .filter_map(|cause| because_of(evidence, *cause))
                .collect(),
            attempts: evidence.attempts.clone(),
            policy: self.identity.clone(),
            mailbox: mailbox.map(|mailbox| mailbox.wire.clone()),
            due: None,
            lookups: evidence.lookups.clone(),
            decoys: evidence.decoys.clone(),
            tags: evidence.tags.clone(),
            facts: verdict.map_or_else(Vec::new, |verdict| verdict.facts.clone()),
            clamps: Vec::new(),
            fault: judged
                .as_ref()
                .err()
                .map(|fault| fault_record(fault, &self.identity)),
            started: rfc3339(evidence.clock.probe_started_ms),
            elapsed_ms: case.elapsed_ms,
            input: None,
            transcripts: None,
            explained: None,
        }
    }
}
