//! Who judges: the operator's policy, and what happens when it fails.
//!
//! Promises: a policy fault never becomes a verdict. It is recorded, and the operator has chosen
//! beforehand whether the address stays unknown, the built-in policy takes over for it, or the run
//! ends.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use vrfy_proto::evidence::{Decision, Evidence, Setting};

use crate::policy::{Policy, PolicyFault};
use crate::record::{FaultRecord, PolicyIdentity};

/// Decides about evidence.
pub trait Judge: Send + Sync + 'static {
    /// Judges one mailbox. Does not block: what takes long is done elsewhere and waited for.
    fn judge(&self, evidence: Evidence) -> impl Future<Output = Judgement> + Send;

    /// The policy that judges unless it fails.
    fn identity(&self) -> Arc<PolicyIdentity>;
}

/// What came of judging.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Who decided, or failed to.
    pub by: Arc<PolicyIdentity>,
    /// The decision; absent where the policy failed and nobody took over.
    pub decision: Option<Decision>,
    /// The fault, where there was one.
    pub fault: Option<FaultRecord>,
    /// Whether the operator wants the run to end because of it.
    pub stop: bool,
}

/// What to do about a policy fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// Record it; the address stays unknown.
    Record,
    /// Record it, and let the built-in policy judge.
    BuiltIn,
    /// Record it, and end the run.
    Stop,
}

/// A policy with its resolved settings.
pub struct Seat {
    policy: Policy,
    settings: Vec<Setting>,
    identity: Arc<PolicyIdentity>,
}

impl Seat {
    /// Seats a policy.
    pub fn new(policy: Policy, settings: Vec<Setting>) -> Self {
        let manifest = policy.manifest();
        let identity = Arc::new(PolicyIdentity {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: policy.digest().to_owned(),
        });
        Self {
            policy,
            settings,
            identity,
        }
    }

    fn decide(&self, evidence: &mut Evidence) -> Result<Decision, PolicyFault> {
        evidence.settings.clone_from(&self.settings);
        self.policy.decide(evidence)
    }
}

/// The operator's policy, and who takes over when it fails.
pub struct PolicyJudge {
    seats: Arc<Seats>,
}

struct Seats {
    first: Seat,
    built_in: Option<Seat>,
    on_fault: OnFault,
}

impl PolicyJudge {
    /// A judge. `built_in` is asked only where `on_fault` says so.
    pub fn new(first: Seat, built_in: Option<Seat>, on_fault: OnFault) -> Self {
        Self {
            seats: Arc::new(Seats {
                first,
                built_in,
                on_fault,
            }),
        }
    }
}

impl Judge for PolicyJudge {
    /// A policy computes, so it does that on a thread of its own.
    async fn judge(&self, mut evidence: Evidence) -> Judgement {
        let seats = Arc::clone(&self.seats);
        match spawn_blocking(move || seats.judge(&mut evidence)).await {
            Ok(judgement) => judgement,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going down, and whoever waits here with it.
            Err(_) => std::future::pending().await,
        }
    }

    fn identity(&self) -> Arc<PolicyIdentity> {
        Arc::clone(&self.seats.first.identity)
    }
}

impl Seats {
    fn judge(&self, evidence: &mut Evidence) -> Judgement {
        let fault = match self.first.decide(evidence) {
            Ok(decision) => {
                return Judgement {
                    by: Arc::clone(&self.first.identity),
                    decision: Some(decision),
                    fault: None,
                    stop: false,
                };
            }
            Err(fault) => fault_record(&fault, &self.first.identity),
        };
        let second = match (self.on_fault, &self.built_in) {
            (OnFault::BuiltIn, Some(seat)) => {
                seat.decide(evidence).ok().map(|decision| (seat, decision))
            }
            _ => None,
        };
        let (by, decision) = second.map_or((&self.first.identity, None), |(seat, decision)| {
            (&seat.identity, Some(decision))
        });
        Judgement {
            by: Arc::clone(by),
            decision,
            fault: Some(fault),
            stop: self.on_fault == OnFault::Stop,
        }
    }
}

/// A policy fault as it is recorded.
pub(crate) fn fault_record(fault: &PolicyFault, identity: &PolicyIdentity) -> FaultRecord {
    FaultRecord {
        kind: fault.kind().to_owned(),
        message: fault.to_string(),
        digest: identity.digest.clone(),
    }
}
