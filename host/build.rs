//! Builds the default policy and hands it to the host as `$OUT_DIR/default_policy.wasm`.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts by the environment"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use vrfy_guest_build::{GuestCrate, build, target_dir_of_build_script, toolchain};

/// What the default policy is made of, seen from the workspace's root.
const SOURCES: [&str; 7] = [
    "Cargo.lock",
    "policy-guest/Cargo.toml",
    "policy-guest/build.rs",
    "policy-guest/build",
    "policy-guest/rules.toml",
    "policy-guest/src",
    "wit",
];

fn main() -> Result<(), Box<dyn Error>> {
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let root = host
        .parent()
        .ok_or("the host's folder lies in the workspace")?;
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    println!("cargo::rerun-if-env-changed={}", toolchain::VARIABLE);
    embed(root, &out_dir)
}

fn embed(root: &Path, out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let built = build(&GuestCrate {
        manifest_dir: root.join("policy-guest"),
        out_dir: out_dir.to_owned(),
        target_dir: target_dir_of_build_script(out_dir),
    })?;
    fs::rename(&built.component, out_dir.join("default_policy.wasm"))?;
    Ok(())
}
