//! Compiles the reply rules in `rules.toml` to static tables: nothing is parsed at run time.
//!
//! ```text
//! rules.toml ── build/parse.rs ──> rules ─┬─> table of rules ────────┐
//!                   build/case.rs         └─ build/automaton.rs ─────┴─ build/emit.rs ──> tables
//! ```
//!
//! Whatever is wrong with a rule stops the build with its line, the reason and what to do.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts by the environment"
)]

#[path = "build/automaton.rs"]
mod automaton;
#[path = "build/case.rs"]
mod case;
#[path = "build/emit.rs"]
mod emit;
#[path = "build/parse.rs"]
mod parse;

use std::path::PathBuf;
use std::{env, fs};

const RULES: &str = "rules.toml";
const REASONS: &str = "src/reasons.rs";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={RULES}");
    println!("cargo::rerun-if-changed={REASONS}");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let rules = read(RULES);
    let reasons = read(REASONS);
    let reasons: Vec<&str> = reasons.lines().filter_map(reason).collect();
    match parse::read(&rules, &reasons) {
        Ok(knowledge) => {
            let write = |name: &str, text| {
                fs::write(out_dir.join(name), text).expect("cargo's OUT_DIR can be written");
            };
            write("rules.rs", emit::tables(&knowledge));
            write("cases.rs", emit::cases(&knowledge.rules));
        }
        // One line, as a compiler says it, in the place of a panic with its backtrace.
        Err(why) => println!("cargo::error=policy-guest/{RULES}:{why}"),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// The name in a line that begins a reason: `UnknownUser "unknown-user" Mailbox Undeliverable 97`.
fn reason(line: &str) -> Option<&str> {
    let [_, name, _, _, confidence] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    confidence.parse::<u8>().ok()?;
    name.strip_prefix('"')?.strip_suffix('"')
}
