//! The policy, asked in place: on the thread of the rehearsal, so that the order of decisions is
//! the same every time.

use std::sync::{Arc, Mutex, PoisonError};

use vrfy_proto::evidence::{Evidence, Setting};

use crate::judge::{Judge, Judgement};
use crate::policy::Policy;
use crate::record::PolicyIdentity;

/// A policy that is asked in place. Its first fault ends the rehearsal.
pub(super) struct InPlace {
    policy: Policy,
    settings: Vec<Setting>,
    identity: Arc<PolicyIdentity>,
    fault: Mutex<Option<String>>,
}

impl InPlace {
    pub(super) fn new(policy: Policy, settings: Vec<Setting>) -> Self {
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
            fault: Mutex::new(None),
        }
    }

    /// The fault that ended the rehearsal.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone()
    }
}

impl Judge for InPlace {
    async fn judge(&self, mut evidence: Evidence) -> Judgement {
        evidence.settings.clone_from(&self.settings);
        let (decision, fault) = match self.policy.decide(&evidence) {
            Ok(decision) => (Some(decision), None),
            Err(fault) => (None, Some(fault.to_string())),
        };
        let stop = fault.is_some();
        if stop {
            let mut first = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = fault;
            }
        }
        Judgement {
            by: Arc::clone(&self.identity),
            decision,
            fault: None,
            stop,
        }
    }

    fn identity(&self) -> Arc<PolicyIdentity> {
        Arc::clone(&self.identity)
    }
}
