//! What can go wrong while a guest is built, told to the person who can mend it.

use std::io;
use std::path::PathBuf;

/// Why a guest was not built.
#[derive(Debug, thiserror::Error)]
pub enum GuestBuildError {
    /// Nothing on this machine compiles to wasm.
    #[error(
        "no Rust toolchain here can compile to {target}: {tried}; either run \
         `rustup target add {target}`, or install Debian's packages with \
         `host/guest-build/install-debian-toolchain.sh`",
        target = crate::toolchain::TARGET
    )]
    NoToolchain {
        /// What was tried and how it ended.
        tried: String,
    },
    /// The environment names a toolchain that does not exist.
    #[error("{variable} is `{value}`; it can be `rustup`, `debian` or unset")]
    UnknownChoice {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// A program could not be started.
    #[error("cannot run `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// Cargo refused the package.
    #[error("cargo cannot compile the guest in {dir}:\n{messages}", dir = .manifest_dir.display())]
    Compile {
        /// The guest's folder.
        manifest_dir: PathBuf,
        /// The end of what cargo printed.
        messages: String,
    },
    /// Cargo was content but wrote no wasm module.
    #[error("no library of {dir} makes a wasm module", dir = .manifest_dir.display())]
    NoModule {
        /// The guest's folder.
        manifest_dir: PathBuf,
    },
    /// The module is not one of a component: no world in it, or an import that nobody supplies.
    #[error("the core module cannot become a component: {0}")]
    Encode(String),
    /// The component would import something.
    #[error("the component imports `{0}`; a policy must import nothing")]
    Imports(String),
    /// A file could not be read or written.
    #[error("cannot {doing} {path}: {source}", path = .path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
