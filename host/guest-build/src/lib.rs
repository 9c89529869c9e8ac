//! Builds Rust policies: from a cargo package to a component file.
//!
//! This is the one place that decides how a Rust guest is compiled: which toolchain, which target,
//! which flags. The host's build script uses it for the built-in policy, the tests for their
//! example policies, and policy authors through the program `vrfy-guest-build`.
//!
//! ```text
//! package ── toolchain ──> cargo rustc ──> core module ── wit-component ──> component, no imports
//! ```
//!
//! Promises:
//! - The component imports nothing at all; anything else is an error that names the import.
//! - The build is not touched by the flags of an outer cargo, and does not wait for its lock.
//! - No step can hang for ever: asking rustup for the target has a time limit.
//!
//! It does not run components and holds no wasm runtime. See [`toolchain`] for the choice of
//! toolchain, and `install-debian-toolchain.sh` beside this crate for machines where rustup cannot
//! fetch a target.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "cargo and the build tell by the environment"
)]

mod compile;
mod component;
mod error;
pub mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

pub use component::encode;
pub use error::GuestBuildError;
pub use toolchain::Toolchain;

/// A guest to build.
#[derive(Clone, Debug)]
pub struct GuestCrate {
    /// The folder that holds the package's `Cargo.toml`. Its library must be able to be a `cdylib`.
    pub manifest_dir: PathBuf,
    /// Where the component is written, as `NAME.wasm`, NAME being that of the library.
    pub out_dir: PathBuf,
    /// Where cargo keeps what it compiles for guests. Sharing one between guests spares compiling
    /// `wit-bindgen` anew; it must not be the target directory of a running outer cargo.
    pub target_dir: PathBuf,
}

/// A guest that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component.
    pub component: PathBuf,
    /// The core module that it was made from.
    pub core: PathBuf,
    /// What compiled it, for a record of the build.
    pub toolchain: String,
}

/// Builds `guest` with the first toolchain that can, or the one that the environment names.
///
/// Fails when no toolchain has a wasm target (the message names the remedies), when the package
/// does not compile, or when its component would import something.
pub fn build(guest: &GuestCrate) -> Result<Built, GuestBuildError> {
    let toolchain = Toolchain::choose(&guest.manifest_dir)?;
    build_with(&toolchain, guest)
}

/// Builds `guest` with `toolchain`.
pub fn build_with(toolchain: &Toolchain, guest: &GuestCrate) -> Result<Built, GuestBuildError> {
    let core = compile::core_module(toolchain, guest)?;
    let component = encode(&read(&core)?)?;
    let name = core.file_name().expect("cargo reports files, not folders");
    let path = guest.out_dir.join(name);
    write(&path, &component)?;
    Ok(Built {
        component: path,
        core,
        toolchain: toolchain.to_string(),
    })
}

/// Compiles a library that is no policy to a core module, as [`build`] compiles policies; for tests
/// of what a crate needs from its surroundings.
pub fn build_core(guest: &GuestCrate) -> Result<PathBuf, GuestBuildError> {
    let toolchain = Toolchain::choose(&guest.manifest_dir)?;
    compile::core_module(&toolchain, guest)
}

/// The guests' shared target directory for a build script: `guest` beside the profile folders of
/// the target directory that `out_dir` (cargo's `OUT_DIR`) lies in.
pub fn target_dir_of_build_script(out_dir: &Path) -> PathBuf {
    // <target>/<profile>/build/<package>-<hash>/out
    out_dir.ancestors().nth(4).unwrap_or(out_dir).join("guest")
}

fn read(path: &Path) -> Result<Vec<u8>, GuestBuildError> {
    fs::read(path).map_err(|source| GuestBuildError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), GuestBuildError> {
    fs::write(path, bytes).map_err(|source| GuestBuildError::File {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}
