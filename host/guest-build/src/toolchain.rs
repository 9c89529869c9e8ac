//! Which Rust toolchain compiles guests.
//!
//! In this order:
//! 1. the cargo that is running, or the one on the path, if its rustc has the wasm target;
//! 2. the same after `rustup target add`, which gets a time limit: some networks let it hang;
//! 3. Debian's packages (`rustc-web` and its kin), whose cargo then builds the standard library
//!    along with the guest.
//!
//! `VRFY_GUEST_TOOLCHAIN=rustup` allows only 1 and 2, `debian` only 3.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fmt, fs, thread};

use crate::GuestBuildError;

/// The target of every guest: no operating system, hence nothing to import.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Forces a toolchain.
pub const VARIABLE: &str = "VRFY_GUEST_TOOLCHAIN";

/// How long `rustup target add` may take. It needs 2 to 10 seconds where it works at all.
const RUSTUP_MAX: Duration = Duration::from_secs(120);

/// Where Debian's packages put their programs. Not searched on the path: rustup's come first there.
const DEBIAN_BIN: &str = "/usr/bin";

/// A toolchain that has a way to the wasm target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// A toolchain with a ready standard library for the target.
    WithTarget {
        /// The cargo to call.
        cargo: PathBuf,
    },
    /// Debian's: the standard library is built from its sources.
    DebianBuildStd {
        /// The folder of its `cargo` and `rustc`.
        bin: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain for the package in `manifest_dir`, or the one that the environment names.
    pub fn choose(manifest_dir: &Path) -> Result<Self, GuestBuildError> {
        let choice = env::var_os(VARIABLE).unwrap_or_default();
        match choice.to_str() {
            Some("") => with_target(manifest_dir).or_else(|no_rustup| {
                debian(Path::new(DEBIAN_BIN)).map_err(|no_debian| both(&no_rustup, &no_debian))
            }),
            Some("rustup") => {
                with_target(manifest_dir).map_err(|tried| GuestBuildError::NoToolchain { tried })
            }
            Some("debian") => debian(Path::new(DEBIAN_BIN))
                .map_err(|tried| GuestBuildError::NoToolchain { tried }),
            _ => Err(GuestBuildError::UnknownChoice {
                variable: VARIABLE,
                value: choice.to_string_lossy().into_owned(),
            }),
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithTarget { cargo } => write!(f, "{} with {TARGET}", cargo.display()),
            Self::DebianBuildStd { bin } => {
                write!(
                    f,
                    "{}, standard library from source",
                    bin.join("cargo").display()
                )
            }
        }
    }
}

fn both(no_rustup: &str, no_debian: &str) -> GuestBuildError {
    GuestBuildError::NoToolchain {
        tried: format!("{no_rustup}; {no_debian}"),
    }
}

/// Steps 1 and 2. The error says in a clause what was tried.
fn with_target(dir: &Path) -> Result<Toolchain, String> {
    // The one on the path, as the nested cargo will find it: `RUSTC` is scrubbed there.
    let rustc = Path::new("rustc");
    let cargo = PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if target_is_ready(rustc, dir) {
        return Ok(Toolchain::WithTarget { cargo });
    }
    let lacking = String::from("`rustc` has no such target");
    add_target(dir).map_err(|why| format!("{lacking} and {why}"))?;
    if target_is_ready(rustc, dir) {
        Ok(Toolchain::WithTarget { cargo })
    } else {
        Err(format!("{lacking}, even after `rustup target add`"))
    }
}

/// Whether `rustc`'s sysroot holds a standard library for the target.
fn target_is_ready(rustc: &Path, dir: &Path) -> bool {
    let printed = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(dir)
        .stderr(Stdio::null())
        .output();
    let Ok(printed) = printed else { return false };
    let folder = String::from_utf8_lossy(&printed.stdout);
    let Ok(entries) = fs::read_dir(folder.trim()) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn add_target(dir: &Path) -> Result<(), String> {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(dir);
    run_within(rustup, RUSTUP_MAX).map_err(|why| format!("`rustup target add` {why}"))
}

/// Runs `command` to its end, or kills it when `limit` has passed. The error is a verb phrase.
fn run_within(mut command: Command, limit: Duration) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be run ({error})"))?;
    let Some(errors) = end_of_stderr(&mut child, limit) else {
        // A child that has just ended cannot be killed, which is as good.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("took more than {} s", limit.as_secs()));
    };
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("failed with {status}: {}", essence(&errors))),
        Err(error) => Err(format!("cannot be waited for ({error})")),
    }
}

/// The line that names the error, where there is one, else the last: the rest is progress, causes
/// and backtraces.
fn essence(errors: &str) -> &str {
    let lines = || {
        errors
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let named = lines().find(|line| line.starts_with("error"));
    named
        .or_else(|| lines().next_back())
        .unwrap_or("it did not say why")
}

/// What the child wrote to its standard error until it closed it; `None` when time ran out first.
fn end_of_stderr(child: &mut Child, limit: Duration) -> Option<String> {
    let mut stderr = child.stderr.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        // Unreadable output only shortens the message.
        let _ = stderr.read_to_end(&mut text);
        // Nobody listens any more when the time ran out.
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    receiver.recv_timeout(limit).ok()
}

/// Step 3. The error says in a clause what is missing.
fn debian(bin: &Path) -> Result<Toolchain, String> {
    let sources = "lib/rustlib/src/rust/library/std/Cargo.toml";
    for program in ["cargo", "rustc"] {
        if !bin.join(program).is_file() {
            return Err(format!(
                "Debian's {} is not installed",
                bin.join(program).display()
            ));
        }
    }
    let printed = Command::new(bin.join("rustc"))
        .args(["--print", "sysroot"])
        .output();
    let sysroot = printed.map_err(|error| format!("Debian's rustc cannot be run ({error})"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join(sources).is_file() {
        Ok(Toolchain::DebianBuildStd {
            bin: bin.to_owned(),
        })
    } else {
        Err(format!(
            "{} is missing (package rust-web-src)",
            sysroot.join(sources).display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_killed_at_the_limit() {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600");
        let why = run_within(sleeper, Duration::from_millis(50)).unwrap_err();
        assert!(why.starts_with("took more than"), "{why}");
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let mut failing = Command::new("sh");
        let script = "echo info >&2; echo error: no such target >&2; echo Backtrace >&2; exit 3";
        failing.args(["-c", script]);
        let why = run_within(failing, Duration::from_secs(10)).unwrap_err();
        assert!(why.ends_with("3: error: no such target"), "{why}");
    }

    #[test]
    fn a_machine_without_debians_packages_is_told_so() {
        let why = debian(Path::new("/nonexistent")).unwrap_err();
        assert!(why.contains("not installed"), "{why}");
    }

    #[test]
    fn without_any_toolchain_both_remedies_are_named() {
        let message = both("`rustc` has no such target", "nothing of Debian's").to_string();
        assert!(
            message.contains("rustup target add wasm32-unknown-unknown"),
            "{message}"
        );
        assert!(message.contains("install-debian-toolchain.sh"), "{message}");
    }
}
