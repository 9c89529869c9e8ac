//! The nested cargo that compiles a guest to a core module.
//!
//! It must not inherit what an outer cargo tells its build scripts: flags for another target, the
//! outer compiler wrapper (`cargo clippy` sets one), the outer target directory. All variables of
//! cargo and rustc go, but for those that say where crates come from and how many jobs may run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

use crate::toolchain::{TARGET, Toolchain};
use crate::{GuestBuildError, GuestCrate};

/// Optimised for size, because a decision pays for every page that its instance touches. Given
/// here and not in a manifest, so that a policy author's package needs no profile of its own.
const PROFILE: [&str; 7] = [
    "inherits=\"release\"",
    "opt-level=\"s\"",
    "lto=true",
    "codegen-units=1",
    "panic=\"abort\"",
    "debug=false",
    "strip=true",
];

/// 64 KiB of stack: the default of 1 MiB would make every instance sixteen times larger.
const STACK: &str = "-Clink-arg=-zstack-size=65536";

/// How much of cargo's output an error repeats, in lines from the end.
const MESSAGES_MAX: usize = 60;

/// Cargo's variables that a nested build keeps.
const KEPT: [&str; 8] = [
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// Compiles the guest's library and returns the path of the core module.
pub(crate) fn core_module(
    toolchain: &Toolchain,
    guest: &GuestCrate,
) -> Result<PathBuf, GuestBuildError> {
    fs::create_dir_all(&guest.out_dir).map_err(|source| GuestBuildError::File {
        doing: "create",
        path: guest.out_dir.clone(),
        source,
    })?;
    let mut cargo = cargo(toolchain);
    cargo
        .arg("rustc")
        .args(["--lib", "--crate-type", "cdylib", "--profile", "guest"])
        .args(["--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .arg("--manifest-path")
        .arg(guest.manifest_dir.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(guest.target_dir.join(subfolder(toolchain)));
    for line in PROFILE {
        cargo.arg("--config").arg(format!("profile.guest.{line}"));
    }
    if let Toolchain::DebianBuildStd { .. } = toolchain {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    cargo
        .args(["--", STACK])
        .current_dir(&guest.manifest_dir)
        .stdin(Stdio::null());

    let output = cargo.output().map_err(|source| GuestBuildError::Start {
        program: cargo.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if !output.status.success() {
        return Err(GuestBuildError::Compile {
            manifest_dir: guest.manifest_dir.clone(),
            messages: last_lines(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    last_module(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| GuestBuildError::NoModule {
        manifest_dir: guest.manifest_dir.clone(),
    })
}

/// Two toolchains never share a folder: each would throw away what the other compiled.
fn subfolder(toolchain: &Toolchain) -> &'static str {
    match toolchain {
        Toolchain::WithTarget { .. } => "with-target",
        Toolchain::DebianBuildStd { .. } => "debian",
    }
}

/// Cargo with a clean environment.
fn cargo(toolchain: &Toolchain) -> Command {
    let mut cargo = match toolchain {
        Toolchain::WithTarget { cargo } => Command::new(cargo),
        Toolchain::DebianBuildStd { bin } => debian_cargo(bin),
    };
    for (name, _) in env::vars_os() {
        if is_scrubbed(&name) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn debian_cargo(bin: &Path) -> Command {
    let mut cargo = Command::new(bin.join("cargo"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_owned()).chain(env::split_paths(&path));
    if let Ok(path) = env::join_paths(folders) {
        // Else cargo finds rustup's `rustc`.
        cargo.env("PATH", path);
    }
    // `-Zbuild-std` is what we need from it; the compiler itself is a stable one.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    // Set by Debian's packaging helpers; it hides the sources of the standard library.
    cargo.env_remove("__CARGO_TESTS_ONLY_SRC_ROOT");
    // An outer cargo of rustup points these at its own toolchain.
    cargo
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("RUSTUP_TOOLCHAIN");
    cargo
}

fn is_scrubbed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    if name == "RUSTC_BOOTSTRAP" {
        return false;
    }
    let ours = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS"]
        .iter()
        .any(|p| name.starts_with(p));
    let kept = KEPT.iter().any(|prefix| name.starts_with(prefix));
    ours && !kept
}

/// The last wasm file that cargo's messages name: the guest itself, since its dependencies make
/// no modules.
fn last_module(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?.clone();
        files
            .iter()
            .filter_map(Value::as_str)
            .find(|file| file.ends_with(".wasm"))
            .map(PathBuf::from)
    })
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(MESSAGES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_wrappers_of_an_outer_cargo_are_scrubbed() {
        for name in [
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_MANIFEST_DIR",
            "RUSTC",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(is_scrubbed(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn the_way_to_the_registry_and_the_job_limit_are_kept() {
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_MAKEFLAGS",
            "RUSTUP_TOOLCHAIN",
            "PATH",
        ] {
            assert!(!is_scrubbed(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn the_module_is_the_last_wasm_file_that_cargo_names() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","filenames":["/t/libdep.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/my_policy.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            last_module(messages),
            Some(PathBuf::from("/t/my_policy.wasm"))
        );
        assert_eq!(last_module("not json"), None);
    }
}
