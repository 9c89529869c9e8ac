//! The parts of a decision, apart, for the benchmarks `policy` and `instructions`. No other code
//! calls this.

use vrfy_proto::evidence::{Decision, Evidence};
use wasmtime::{Store, component::Instance};

use super::{
    engine::StoreData,
    fault::FaultCause,
    load::{Policy, instantiate},
};

/// An instance that lives on, which in a decision it never does.
pub struct LiveInstance<'p> {
    policy: &'p Policy,
    store: Store<StoreData>,
    instance: Instance,
}

impl<'p> LiveInstance<'p> {
    /// The fixed part of a decision: a store and an instance.
    pub fn new(policy: &'p Policy) -> Result<Self, FaultCause> {
        let limits = policy.loaded.engine.limits();
        let mut store = policy.loaded.engine.store(std::time::Duration::MAX);
        let instance = instantiate(&policy.loaded.instance_pre, &mut store, limits.decision)
            .map_err(|(_, cause)| cause)?;
        Ok(Self {
            policy,
            store,
            instance,
        })
    }

    /// The call alone, and the WebAssembly instructions that the guest has executed in it. The
    /// same on every machine. The engine must be [counting](super::EngineOptions::counting).
    pub fn count(&mut self, evidence: &Evidence) -> Result<(Decision, u64), FaultCause> {
        let left = |store: &Store<StoreData>| store.get_fuel().expect("the engine counts");
        let before = left(&self.store);
        let decision = self.decide(evidence)?;
        Ok((decision, before - left(&self.store)))
    }

    /// The call alone: evidence in, decision out and checked.
    pub fn decide(&mut self, evidence: &Evidence) -> Result<Decision, FaultCause> {
        let loaded = &self.policy.loaded;
        loaded
            .call(&mut self.store, &self.instance, evidence)
            .map_err(|(_, cause)| cause)
    }
}
