//! A policy: a component that was checked, compiled, linked and asked who it is.
//!
//! Promises: loading tells the first thing that is wrong, in the order from cheap to dear; a
//! decision is a function of its evidence, because every one gets a store and an instance of its
//! own, which are thrown away; whatever the guest does, [`Policy::decide`] returns within the
//! limits.
//!
//! Read next: `preflight.rs`, `fault.rs`, `convert.rs`; `decisions/fresh-instance.md` for the
//! reason.

use std::{sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use vrfy_proto::evidence::{Decision, Evidence};
use wasmtime::{
    Store,
    component::{Component, ComponentExportIndex, Instance, InstancePre},
};

use super::{
    bindings::exports::vrfy::policy::judge as wit,
    convert,
    engine::{PolicyEngine, StoreData},
    fault::{FaultCause, FaultStage, PolicyFault, cause_of, message_of},
    load_error::{LoadCause, PolicyLoadError},
    manifest::Manifest,
    preflight,
};

/// The default policy, as it was built with the host.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/default_policy.wasm"));

/// What messages call it.
const BUILT_IN_NAME: &str = "the built-in policy";

/// A policy that is ready to decide. Cloning shares it; any thread may call it.
#[derive(Clone)]
pub struct Policy {
    pub(super) loaded: Arc<Loaded>,
}

pub(super) struct Loaded {
    pub(super) engine: PolicyEngine,
    pub(super) instance_pre: InstancePre<StoreData>,
    decide: ComponentExportIndex,
    manifest: Manifest,
    digest: String,
    source_name: String,
}

impl Policy {
    /// Checks and compiles a component, and asks it to describe itself. `source_name` is what
    /// messages call it: its path, usually.
    pub fn load(
        engine: &PolicyEngine,
        bytes: &[u8],
        source_name: &str,
    ) -> Result<Self, PolicyLoadError> {
        load(engine, bytes, source_name).map_err(|cause| PolicyLoadError {
            source_name: source_name.to_owned(),
            cause,
        })
    }

    /// The default policy.
    pub fn built_in(engine: &PolicyEngine) -> Result<Self, PolicyLoadError> {
        Self::load(engine, BUILT_IN, BUILT_IN_NAME)
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// The digest of the component's bytes: `sha256:` and hexadecimal.
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    /// What it was called when it was loaded.
    pub fn source_name(&self) -> &str {
        &self.loaded.source_name
    }

    /// What to do about one mailbox. Runs on the caller's thread, for the time limit at most.
    pub fn decide(&self, evidence: &Evidence) -> Result<Decision, PolicyFault> {
        let loaded = &*self.loaded;
        loaded
            .decide(evidence)
            .map_err(|(stage, cause)| PolicyFault {
                cause,
                stage,
                digest: loaded.digest.clone(),
            })
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.loaded.manifest.name)
            .field("version", &self.loaded.manifest.version)
            .field("digest", &self.loaded.digest)
            .finish_non_exhaustive()
    }
}

/// A fault without the component's digest.
pub(super) type StagedCause = (FaultStage, FaultCause);

impl Loaded {
    fn decide(&self, evidence: &Evidence) -> Result<Decision, StagedCause> {
        let limit = self.engine.limits().decision;
        let _seat = self.engine.take_seat();
        let mut store = self.engine.store(limit);
        let instance = instantiate(&self.instance_pre, &mut store, limit)?;
        self.call(&mut store, &instance, evidence)
    }

    /// The call alone.
    pub(super) fn call(
        &self,
        mut store: &mut Store<StoreData>,
        instance: &Instance,
        evidence: &Evidence,
    ) -> Result<Decision, StagedCause> {
        let limit = self.engine.limits().decision;
        let fault = |error: wasmtime::Error| {
            (
                FaultStage::Decide,
                cause_of(&error, FaultStage::Decide, limit),
            )
        };
        let decision = convert::with_wit(evidence, |evidence| {
            let decide = instance.get_typed_func::<(wit::Evidence<'_>,), (wit::Decision,)>(
                &mut store,
                &self.decide,
            )?;
            decide.call(&mut store, (evidence,))
        });
        let (decision,) = decision.map_err(fault)?;
        convert::decision(decision, evidence, &self.manifest)
            .map_err(|cause| (FaultStage::Decide, cause))
    }
}

fn load(engine: &PolicyEngine, bytes: &[u8], source_name: &str) -> Result<Policy, LoadCause> {
    preflight::check(bytes, engine.limits().memory_bytes)?;
    let digest = digest(bytes);
    let not_compiled = |error: wasmtime::Error| LoadCause::NotCompiled {
        message: message_of(&format!("{error:#}")),
    };
    let component = Component::new(engine.inner(), bytes).map_err(not_compiled)?;
    let instance_pre = engine.link(&component).map_err(not_compiled)?;
    let [describe, decide] = exports(&component)?;
    let described = describe_itself(engine, &instance_pre, [&describe, &decide]);
    let manifest = described.map_err(|failed| match failed {
        Failed::Load(cause) => cause,
        Failed::Fault((stage, cause)) => LoadCause::Fault(PolicyFault {
            cause,
            stage,
            digest: digest.clone(),
        }),
    })?;
    Ok(Policy {
        loaded: Arc::new(Loaded {
            engine: engine.clone(),
            instance_pre,
            decide,
            manifest: convert::manifest(manifest).map_err(LoadCause::Manifest)?,
            digest,
            source_name: source_name.to_owned(),
        }),
    })
}

/// The two functions of the interface.
fn exports(component: &Component) -> Result<[ComponentExportIndex; 2], LoadCause> {
    let judge = component.get_export_index(None, preflight::EXPORT);
    let function = |name: &str| {
        judge
            .as_ref()
            .and_then(|judge| component.get_export_index(Some(judge), name))
            .ok_or_else(|| LoadCause::OtherTypes {
                message: format!("it has no function {name}"),
            })
    };
    Ok([function("describe")?, function("decide")?])
}

/// Why a component did not describe itself.
enum Failed {
    Load(LoadCause),
    Fault(StagedCause),
}

fn describe_itself(
    engine: &PolicyEngine,
    instance_pre: &InstancePre<StoreData>,
    [describe, decide]: [&ComponentExportIndex; 2],
) -> Result<wit::Manifest, Failed> {
    let limit = engine.limits().description;
    let _seat = engine.take_seat();
    let mut store = engine.store(limit);
    let instance = instantiate(instance_pre, &mut store, limit).map_err(Failed::Fault)?;
    let other_types = |error: wasmtime::Error| {
        Failed::Load(LoadCause::OtherTypes {
            message: message_of(&format!("{error:#}")),
        })
    };
    instance
        .get_typed_func::<(wit::Evidence<'_>,), (wit::Decision,)>(&mut store, decide)
        .map_err(other_types)?;
    let describe = instance
        .get_typed_func::<(), (wit::Manifest,)>(&mut store, describe)
        .map_err(other_types)?;
    let (manifest,) = describe.call(&mut store, ()).map_err(|error| {
        let cause = cause_of(&error, FaultStage::Describe, limit);
        Failed::Fault((FaultStage::Describe, cause))
    })?;
    Ok(manifest)
}

pub(super) fn instantiate(
    instance_pre: &InstancePre<StoreData>,
    store: &mut Store<StoreData>,
    limit: Duration,
) -> Result<Instance, StagedCause> {
    let stage = FaultStage::Instantiate;
    instance_pre
        .instantiate(store)
        .map_err(|error| (stage, cause_of(&error, stage, limit)))
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::engine::EngineOptions, *};

    fn engine(cache: Option<std::path::PathBuf>) -> PolicyEngine {
        let options = EngineOptions {
            cache,
            ..EngineOptions::default()
        };
        let engine = PolicyEngine::new(options).unwrap();
        assert_eq!(engine.warnings(), []);
        engine
    }

    #[test]
    fn the_built_in_policy_loads_and_says_who_it_is() {
        let policy = Policy::built_in(&engine(None)).unwrap();
        assert_eq!(policy.source_name(), BUILT_IN_NAME);
        assert!(!policy.manifest().reasons.is_empty());
        let hexadecimal = policy.digest().strip_prefix("sha256:").unwrap();
        assert_eq!(hexadecimal.len(), 64);
    }

    #[test]
    fn a_compiled_policy_is_found_again_by_the_next_engine() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("policies");
        let first = engine(Some(cache.clone()));
        let digest = Policy::built_in(&first).unwrap().digest().to_owned();
        assert_eq!(first.cache_hits(), Some(0));
        let second = engine(Some(cache));
        assert_eq!(Policy::built_in(&second).unwrap().digest(), digest);
        assert_eq!(second.cache_hits(), Some(1));
    }

    #[test]
    fn a_spoilt_cache_is_compiled_over() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("policies");
        Policy::built_in(&engine(Some(cache.clone()))).unwrap();
        let mut spoilt = 0;
        let mut left = vec![cache.clone()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(
                    std::fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else {
                std::fs::write(path, "not what was written here").unwrap();
                spoilt += 1;
            }
        }
        assert!(spoilt > 0);
        let again = engine(Some(cache));
        Policy::built_in(&again).unwrap();
        assert_eq!(again.cache_hits(), Some(0));
    }
}
