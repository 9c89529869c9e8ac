//! Settling: from a decision to the record of every row that asked.

use vrfy_proto::evidence::{Cause, DecoyFinding, Evidence, Fact, Reply, Verdict};

use super::probe::{Probe, Task};
use super::{Dispatcher, Settled};
use crate::clock::{UnixMs, rfc3339};
use crate::judge::Judge;
use crate::permit::{Executor, ProbeId};
use crate::record::{Because, Clamp, DID_YOU_MEAN, PolicyIdentity, Record, RecordStatus};

impl<E: Executor, J: Judge> Dispatcher<E, J> {
    /// Records a verdict.
    pub(super) fn settle(&mut self, id: ProbeId, by: &PolicyIdentity, verdict: &Verdict) {
        let conclusion = Conclusion {
            status: verdict.status.into(),
            reason: &verdict.reason,
            confidence: verdict.confidence,
            because: &verdict.because,
            facts: &verdict.facts,
            due: None,
        };
        self.conclude(id, by, &conclusion);
    }

    /// Records that the policy wants to ask again at that time, and that nobody waits for it.
    pub(super) fn settle_pending(&mut self, id: ProbeId, by: &PolicyIdentity, due: UnixMs) {
        let plan = self.probes.get(&id).and_then(|probe| probe.plan.clone());
        let (reason, because) = plan.as_ref().map_or(("interrupted", &[][..]), |plan| {
            (&plan.reason, &plan.because)
        });
        // What a plan says of itself is in what it falls back on; a suggestion is told in any case.
        let said = plan.iter().flat_map(|plan| &plan.otherwise.facts);
        let is_told = |fact: &&Fact| self.around.explain || fact.name == DID_YOU_MEAN;
        let facts: Vec<Fact> = said.filter(is_told).cloned().collect();
        let conclusion = Conclusion {
            status: RecordStatus::Pending,
            reason,
            confidence: 0,
            because,
            facts: &facts,
            due: Some(due),
        };
        self.conclude(id, by, &conclusion);
    }

    /// Records that the policy failed.
    pub(super) fn settle_faulted(&mut self, id: ProbeId, by: &PolicyIdentity) {
        self.conclude(id, by, &Conclusion::by_host("policy-fault"));
    }

    /// Records that the run ended first: pending where an attempt was planned, unknown where not.
    pub(super) fn settle_interrupted(&mut self, id: ProbeId) {
        let by = self.around.judge.identity();
        let planned = self.probes.get(&id).filter(|probe| probe.plan.is_some());
        match planned.map(|probe| probe.due) {
            Some(due) => self.settle_pending(id, &by, due.max(self.now())),
            None => self.conclude(id, &by, &Conclusion::by_host("interrupted")),
        }
    }

    fn conclude(&mut self, id: ProbeId, by: &PolicyIdentity, conclusion: &Conclusion<'_>) {
        let Some(mut probe) = self.probes.remove(&id) else {
            return;
        };
        if let Some(mailbox) = &probe.mailbox {
            self.by_mailbox.remove(mailbox);
        }
        let now = self.now();
        let keep = self.around.keep_transcripts;
        for task in std::mem::take(&mut probe.tasks) {
            let index = task.index;
            let record = record_of(&probe, task, by, conclusion, Ends { now, keep });
            self.emit(index, record);
        }
    }

    pub(super) fn emit(&mut self, index: u64, record: Record) {
        let place = RecordStatus::ALL
            .iter()
            .position(|status| *status == record.status);
        self.counts.settled[place.expect("every status is listed")] += 1;
        self.counts.faults += u64::from(record.fault.is_some());
        self.settled.push(Settled { index, record });
    }
}

/// What a record says, before it is filled up with the evidence.
struct Conclusion<'a> {
    status: RecordStatus,
    reason: &'a str,
    confidence: u8,
    because: &'a [Cause],
    facts: &'a [Fact],
    due: Option<UnixMs>,
}

impl Conclusion<'_> {
    fn by_host(reason: &'static str) -> Conclusion<'static> {
        Conclusion {
            status: RecordStatus::Unknown,
            reason,
            confidence: 0,
            because: &[],
            facts: &[],
            due: None,
        }
    }
}

struct Ends {
    now: UnixMs,
    keep: bool,
}

fn record_of(
    probe: &Probe,
    task: Task,
    by: &PolicyIdentity,
    conclusion: &Conclusion<'_>,
    ends: Ends,
) -> Record {
    let evidence = &probe.evidence;
    let started = evidence.clock.probe_started_ms;
    let mailbox = evidence.address.mailbox.as_ref().ok();
    let because = conclusion.because.iter();
    Record {
        address: task.given,
        status: conclusion.status,
        reason: conclusion.reason.to_owned(),
        confidence: conclusion.confidence,
        because: because
            .filter_map(|cause| because_of(evidence, *cause))
            .collect(),
        attempts: evidence.attempts.clone(),
        policy: by.clone(),
        mailbox: mailbox.map(|mailbox| mailbox.wire.clone()),
        due: conclusion.due.map(rfc3339),
        lookups: evidence.lookups.clone(),
        decoys: evidence.decoys.clone(),
        tags: evidence.tags.clone(),
        facts: conclusion.facts.to_vec(),
        clamps: probe.clamps.clone(),
        fault: probe.fault.clone(),
        started: rfc3339(started),
        elapsed_ms: ends.now.saturating_sub(started),
        input: task.row,
        transcripts: ends.keep.then(|| {
            let transcripts = probe.transcripts.iter();
            transcripts.map(|transcript| transcript.to_text()).collect()
        }),
        explained: None,
    }
}

/// The evidence that a cause points to. `None` for one that points nowhere, which the policy
/// runtime has refused before.
pub(crate) fn because_of(evidence: &Evidence, cause: Cause) -> Option<Because> {
    let at = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
    let (exchange, reply, text) = match cause {
        Cause::Address => match &evidence.address.mailbox {
            Ok(mailbox) => (None, None, format!("the address is {}", mailbox.wire)),
            Err(problem) => (None, None, problem.message.clone()),
        },
        Cause::Lookup(index) => {
            let lookup = evidence.lookups.get(at(index))?;
            (None, None, lookup_text(lookup))
        }
        Cause::Attempt(index) => {
            let attempt = evidence.attempts.get(at(index))?;
            let text = crate::words::ending(&attempt.ending);
            (Some(attempt.exchange_name.clone()), None, text)
        }
        Cause::Reply { attempt, reply } => {
            let attempt = evidence.attempts.get(at(attempt))?;
            let reply = attempt.replies.get(at(reply))?;
            let text = reply_text("answered", &attempt.exchange_name, reply);
            (
                Some(attempt.exchange_name.clone()),
                Some(reply.clone()),
                text,
            )
        }
        Cause::Decoy(index) => {
            let finding = evidence.decoys.get(at(index))?;
            let exchange = &finding.exchange_name;
            let text = reply_text("answered a decoy's", exchange, &finding.reply);
            (Some(exchange.clone()), Some(finding.reply.clone()), text)
        }
        Cause::Tag(index) => {
            let tag = evidence.tags.get(at(index))?;
            (None, None, format!("the address is tagged {tag}"))
        }
    };
    Some(Because {
        cause,
        exchange,
        reply,
        text,
    })
}

fn lookup_text(lookup: &vrfy_proto::evidence::Lookup) -> String {
    crate::words::lookup_outcome(&lookup.outcome)
}

fn reply_text(verb: &str, exchange: &str, reply: &Reply) -> String {
    let code = reply
        .code
        .map_or_else(|| "without a code".to_owned(), |code| format!("{code:03}"));
    let stage = crate::words::stage(reply.stage);
    let text = reply.text.replace('\n', " ");
    format!("{exchange} {verb} {stage}: {code} {text}")
}

/// Adds what is known of the domain's decoys, as far as the evidence does not have it. Those that
/// were asked in one of the probe's own attempts say so.
pub(crate) fn add_decoys(evidence: &mut Evidence, known: &[DecoyFinding]) {
    for finding in known {
        let same = |old: &DecoyFinding| {
            old.asked_ms == finding.asked_ms
                && old.exchange_name == finding.exchange_name
                && old.reply == finding.reply
        };
        if evidence.decoys.iter().any(same) {
            continue;
        }
        let own = evidence.attempts.iter().position(|attempt| {
            let elapsed = u64::from(attempt.elapsed_ms);
            let ended = attempt.started_ms.saturating_add(elapsed);
            attempt.exchange_name == finding.exchange_name
                && (attempt.started_ms..=ended).contains(&finding.asked_ms)
        });
        let mut finding = finding.clone();
        finding.attempt = own.and_then(|index| u32::try_from(index).ok());
        evidence.decoys.push(finding);
    }
}

/// A wish that this host does not know.
pub(super) fn unknown_wish(wish: &Fact) -> Clamp {
    Clamp {
        wish: wish.name.clone(),
        asked: wish.value.clone(),
        done: "nothing, this host does not know the wish".to_owned(),
    }
}
