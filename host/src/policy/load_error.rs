//! Why a file is not a policy that can be used.
//!
//! Promises: one variant a cause, and every message tells the cause and what to do about it. The
//! file's name is put in front by [`PolicyLoadError`]; texts out of the file are cleaned and short.

use std::fmt;

use super::{
    fault::PolicyFault,
    limits::{COMPONENT_BYTES_MAX, TABLE_ELEMENTS_MAX},
    manifest::ManifestError,
    preflight::{EXPORT, WASI_REMEDY},
};

/// A file that is no usable policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLoadError {
    /// What the file is called: its path, usually.
    pub source_name: String,
    /// What is wrong with it.
    pub cause: LoadCause,
}

/// What is wrong with a file that should be a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadCause {
    /// Larger than allowed.
    #[error(
        "it has {bytes} bytes, and {COMPONENT_BYTES_MAX} are allowed; build it for release, strip \
         its debug information, or use a smaller language runtime"
    )]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// Nothing in it.
    #[error("it is empty; build the policy again")]
    Empty,
    /// WebAssembly in its text form.
    #[error(
        "it is WebAssembly in its text form; convert it to the binary form first: \
         wasm-tools parse FILE.wat -o FILE.wasm"
    )]
    TextFormat,
    /// Something else altogether.
    #[error(
        "it is not WebAssembly ({found}); give the .wasm file that the build of a policy makes"
    )]
    NotWasm {
        /// What it looks like.
        found: &'static str,
    },
    /// A module, not a component.
    #[error(
        "it is a core module, and a policy is a component; build a Rust policy with \
         vrfy-guest-build, or make a component of what another language gave: \
         wasm-tools component new FILE.wasm -o FILE.component.wasm"
    )]
    CoreModule,
    /// A form of components that is older or newer than ours.
    #[error(
        "it is WebAssembly of an unknown version ({found}); build it with tools of the current \
         component model"
    )]
    UnknownVersion {
        /// The version field.
        found: String,
    },
    /// It ends too early.
    #[error("it is cut off: it ends at byte {bytes}, within {within}; copy or download it again")]
    Truncated {
        /// Its length.
        bytes: usize,
        /// What is incomplete.
        within: &'static str,
    },
    /// It uses WebAssembly that policies may not use.
    #[error(
        "it uses WebAssembly that is switched off for policies ({message}); build it for plain \
         wasm32 without threads, memory64, garbage collection, exceptions or relaxed SIMD"
    )]
    FeatureOff {
        /// What the validator says.
        message: String,
    },
    /// It breaks the rules of WebAssembly.
    #[error("it is not valid WebAssembly ({message}); build it again with current tools")]
    Invalid {
        /// What the validator says.
        message: String,
    },
    /// It wants something from the host.
    #[error(
        "it imports {}, and a policy gets nothing from its host; {}",
        list(imports),
        remedy(imports)
    )]
    Imports {
        /// What it imports, by name.
        imports: Vec<String>,
    },
    /// It exports something else.
    #[error(
        "it does not export {EXPORT} but {}; build it for the world vrfy:policy/policy",
        list(exports)
    )]
    OtherWorld {
        /// What it exports, by name.
        exports: Vec<String>,
    },
    /// It exports another version of the interface.
    #[error(
        "it is made for {found}, and this vrfy speaks {EXPORT}; build it with the WIT files of \
         this vrfy, or use the vrfy that it was made for"
    )]
    OtherVersion {
        /// What it exports.
        found: String,
    },
    /// The right name over the wrong types.
    #[error(
        "its {EXPORT} has other types than the contract ({message}); build it with the WIT files \
         of this vrfy"
    )]
    OtherTypes {
        /// The first difference.
        message: String,
    },
    /// It starts with more memory than it may ever have.
    #[error(
        "it starts with {wanted} bytes of memory, and {limit} are allowed; link it with a smaller \
         initial memory, or give it more"
    )]
    MemoryLimit {
        /// What it starts with.
        wanted: u64,
        /// The limit.
        limit: usize,
    },
    /// It starts with a larger table than allowed.
    #[error(
        "it starts with a table of {wanted} elements, and {TABLE_ELEMENTS_MAX} are allowed; build \
         it for release, with fewer functions"
    )]
    TableLimit {
        /// What it starts with.
        wanted: u64,
    },
    /// wasmtime cannot make machine code of it.
    #[error("it cannot be compiled ({message}); build it smaller or with other tools")]
    NotCompiled {
        /// What wasmtime says.
        message: String,
    },
    /// It failed when it was asked to describe itself.
    #[error(transparent)]
    Fault(PolicyFault),
    /// What it says of itself breaks the contract.
    #[error("what it says of itself breaks the contract: {0}")]
    Manifest(ManifestError),
}

impl PolicyLoadError {
    /// The cause in kebab-case, for records.
    pub fn kind(&self) -> &'static str {
        match &self.cause {
            LoadCause::TooLarge { .. } => "too-large",
            LoadCause::Empty => "empty",
            LoadCause::TextFormat => "text-format",
            LoadCause::NotWasm { .. } => "not-wasm",
            LoadCause::CoreModule => "core-module",
            LoadCause::UnknownVersion { .. } => "unknown-version",
            LoadCause::Truncated { .. } => "truncated",
            LoadCause::FeatureOff { .. } => "feature-off",
            LoadCause::Invalid { .. } => "invalid",
            LoadCause::Imports { .. } => "imports",
            LoadCause::OtherWorld { .. } => "other-world",
            LoadCause::OtherVersion { .. } => "other-version",
            LoadCause::OtherTypes { .. } => "other-types",
            LoadCause::MemoryLimit { .. } => "memory-limit",
            LoadCause::TableLimit { .. } => "table-limit",
            LoadCause::NotCompiled { .. } => "not-compiled",
            LoadCause::Fault(fault) => fault.kind(),
            LoadCause::Manifest(_) => "manifest",
        }
    }
}

impl fmt::Display for PolicyLoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot use {} as a policy: {}",
            self.source_name, self.cause
        )
    }
}

impl std::error::Error for PolicyLoadError {}

/// Names in a message, at most.
const NAMES_LISTED_MAX: usize = 6;

fn list(names: &[String]) -> String {
    let shown: Vec<&str> = names
        .iter()
        .take(NAMES_LISTED_MAX)
        .map(String::as_str)
        .collect();
    match names.len().saturating_sub(NAMES_LISTED_MAX) {
        _ if names.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn remedy(imports: &[String]) -> &'static str {
    if imports.iter().any(|name| name.starts_with("wasi")) {
        WASI_REMEDY
    } else {
        "remove them: all that a policy may know is in its evidence"
    }
}
