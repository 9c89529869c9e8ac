//! A policy made of chance: what it decides follows from its seed and its evidence, and from
//! nothing else.

use std::sync::Arc;
use std::time::Duration;

use vrfy::judge::{Judge, Judgement};
use vrfy::record::{FaultRecord, PolicyIdentity};
use vrfy_proto::evidence::{
    Cause, Decision, DecoyChoice, Evidence, ExchangeChoice, Fact, Plan, Status, Verdict,
};
use vrfy_proto::stage::Stage;

use super::log::{DecisionSeen, Log};
use super::network::lane_of;
use super::rng::{Rng, hash};
use super::run::STARTED_MS;
use super::world::Temper;

/// Judges as its temper has it.
pub(super) struct Chance {
    pub(super) seed: u64,
    pub(super) temper: Temper,
    pub(super) log: Log,
}

impl Judge for Chance {
    async fn judge(&self, evidence: Evidence) -> Judgement {
        let judgement = self.decide(&evidence);
        self.note(&evidence, &judgement);
        judgement
    }

    fn identity(&self) -> Arc<PolicyIdentity> {
        Arc::new(PolicyIdentity {
            name: "chance".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:0".to_owned(),
        })
    }
}

impl Chance {
    fn decide(&self, evidence: &Evidence) -> Judgement {
        let given = hash(evidence.address.given.as_bytes());
        let so_far = (evidence.attempts.len() * 64 + evidence.lookups.len()) as u64;
        let mut rng = Rng::new(self.seed ^ given ^ so_far.rotate_left(40), "judge");
        let is_faulty = self.temper == Temper::Wild && rng.permille(20);
        let decision = (!is_faulty).then(|| self.decision(evidence, &mut rng));
        Judgement {
            by: self.identity(),
            fault: is_faulty.then(|| FaultRecord {
                kind: "trapped".to_owned(),
                message: "as the seed wants it".to_owned(),
                digest: "sha256:0".to_owned(),
            }),
            stop: is_faulty && rng.permille(50),
            decision,
        }
    }

    fn decision(&self, evidence: &Evidence, rng: &mut Rng) -> Decision {
        let is_nowhere = |evidence: &Evidence| {
            let last = evidence.lookups.last();
            last.is_some_and(|lookup| lane(lookup).is_none())
        };
        let answer = evidence.attempts.last().and_then(|attempt| {
            let mut replies = attempt.replies.iter().rev();
            replies.find(|reply| reply.stage == Stage::RcptTo)?.code
        });
        let settles = match self.temper {
            Temper::Stubborn => false,
            Temper::Wild => rng.permille(300),
            Temper::Sober if evidence.address.mailbox.is_err() => true,
            Temper::Sober if is_nowhere(evidence) => rng.permille(700),
            Temper::Sober => matches!(answer, Some(200..300 | 500..600)),
        };
        match settles {
            true => Decision::Settle(verdict(evidence, rng, self.temper)),
            false => Decision::Probe(self.plan(evidence, rng)),
        }
    }

    fn plan(&self, evidence: &Evidence, rng: &mut Rng) -> Plan {
        let is_first = evidence.lookups.is_empty();
        let wait_ms = match (is_first, self.temper) {
            (true, Temper::Sober | Temper::Stubborn) => 0,
            _ => rng.weighted(&[
                (30, 0),
                (30, 60_000),
                (30, 900_000),
                (8, 7_200_000),
                (2, 90_000_000),
            ]),
        };
        let wait_ms = match wait_ms {
            0 => 0,
            longest => u32::try_from(rng.between(1, longest)).unwrap_or(u32::MAX),
        };
        let choices = [
            ExchangeChoice::Planned,
            ExchangeChoice::Same,
            ExchangeChoice::Next,
        ];
        let decoys = [
            DecoyChoice::None,
            DecoyChoice::IfUnknown,
            DecoyChoice::Always,
        ];
        let wishes = match rng.permille(30) {
            true => vec![Fact::new("moon", "full")],
            false => Vec::new(),
        };
        Plan {
            reason: "chance".to_owned(),
            wait_ms,
            exchange: rng.pick(&choices),
            decoy: match self.temper {
                Temper::Sober => DecoyChoice::IfUnknown,
                _ => rng.pick(&decoys),
            },
            hold_lane_ms: hold_ms(rng, self.temper),
            because: causes(evidence),
            otherwise: verdict(evidence, rng, self.temper),
            wishes,
        }
    }

    fn note(&self, evidence: &Evidence, judgement: &Judgement) {
        let (hold_ms, wait_ms) = match &judgement.decision {
            Some(Decision::Settle(verdict)) => (verdict.hold_lane_ms, None),
            Some(Decision::Probe(plan)) => (plan.hold_lane_ms, Some(plan.wait_ms)),
            None => (0, None),
        };
        let mailbox = evidence.address.mailbox.as_ref().ok();
        let at = self.log.now();
        let started_ms = evidence.clock.probe_started_ms.saturating_sub(STARTED_MS);
        let mut seen = self.log.seen();
        let order = seen.next_order();
        seen.decisions.push(DecisionSeen {
            order,
            at,
            mailbox: mailbox.map(|mailbox| mailbox.wire.clone()),
            lane: evidence.lookups.last().and_then(lane),
            hold: Duration::from_millis(hold_ms.into()),
            wait: wait_ms.map(|wait| Duration::from_millis(wait.into())),
            started: Duration::from_millis(started_ms),
            stops: judgement.stop,
        });
    }
}

fn hold_ms(rng: &mut Rng, temper: Temper) -> u32 {
    let share = match temper {
        Temper::Sober => 30,
        Temper::Wild | Temper::Stubborn => 150,
    };
    if !rng.permille(share) {
        return 0;
    }
    let longest = rng.pick(&[1_000, 600_000, 3_600_000, 180_000_000]);
    u32::try_from(rng.between(1, longest)).unwrap_or(u32::MAX)
}

fn verdict(evidence: &Evidence, rng: &mut Rng, temper: Temper) -> Verdict {
    Verdict {
        status: rng.pick(&Status::ALL),
        reason: "chance".to_owned(),
        confidence: 50,
        because: causes(evidence),
        hold_lane_ms: hold_ms(rng, temper),
        facts: Vec::new(),
    }
}

fn causes(evidence: &Evidence) -> Vec<Cause> {
    let last = evidence.attempts.len().checked_sub(1);
    let last = last.and_then(|index| u32::try_from(index).ok());
    vec![last.map_or(Cause::Address, Cause::Attempt)]
}

/// The lane of a look-up that leads somewhere.
fn lane(lookup: &vrfy_proto::evidence::Lookup) -> Option<String> {
    let exchanges = &lookup.exchanges;
    let is_reachable = exchanges
        .iter()
        .any(|exchange| !exchange.addresses.is_empty());
    is_reachable.then(|| lane_of(exchanges.iter().map(|exchange| exchange.name.clone())))
}
