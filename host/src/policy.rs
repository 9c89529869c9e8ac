//! The policy runtime: components that judge, in a sandbox.
//!
//! ```text
//! bytes -- preflight, compile, describe --> Policy -- decide(Evidence) --> Decision | PolicyFault
//! key=value -- settings::resolve(Manifest) --> Vec<Setting>, which belongs into every Evidence
//! ```
//!
//! Promises: a policy sees its evidence and nothing else, and changes nothing; the same evidence
//! leads to the same decision; whatever a guest does wrong within or without its rules becomes a
//! [`PolicyLoadError`] or a [`PolicyFault`] that names cause and remedy, and hurts no other policy.
//!
//! What it does not do: judge, retry, choose what follows a fault. That is `dispatch`'s.
//!
//! Read next: `policy/load.rs`, `policy/engine.rs`, `policy/limits.rs`, and `wit/policy.wit`.

mod bindings;
mod cache;
mod convert;
mod duration;
mod engine;
mod fault;
pub mod limits;
mod load;
mod load_error;
mod manifest;
#[doc(hidden)]
pub mod measure;
mod names;
mod preflight;
mod setting_kind;
mod settings;
mod text;

pub use cache::cache_directory;
pub use engine::{Allocation, EngineError, EngineOptions, EngineWarning, PolicyEngine};
pub use fault::{DecisionRule, FaultCause, FaultStage, PolicyFault};
pub use limits::PolicyLimits;
pub use load::Policy;
pub use load_error::{LoadCause, PolicyLoadError};
pub use manifest::{Manifest, ManifestError, ReasonDefinition, SettingDefinition};
pub(crate) use names::is_name;
pub use setting_kind::{DurationRange, SettingKind};
pub use settings::{GivenSetting, SettingError, resolve};
