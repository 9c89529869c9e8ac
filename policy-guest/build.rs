//! Compiles the reply rules in `rules/` to static tables, so that nothing is parsed at run time.
//!
//! ```text
//! rules/*.toml ── build/parse.rs ──> rules ─┬─> table of rules ────────┐
//!                                           └─ build/automaton.rs ─────┴─ build/emit.rs ──> tables
//! ```
//!
//! Whatever is wrong with a rule stops the build with the file, the rule and the reason.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts by the environment"
)]

#[path = "build/automaton.rs"]
mod automaton;
#[path = "build/emit.rs"]
mod emit;
#[path = "build/parse.rs"]
mod parse;

use std::path::PathBuf;
use std::{env, fs};

/// The rule files in the order of their precedence: the first rule that holds decides.
const FILES: [&str; 6] = [
    "1-providers.toml",
    "2-sender-and-us.toml",
    "3-mailbox-plain.toml",
    "4-refusals.toml",
    "5-enhanced-codes.toml",
    "6-weak.toml",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=rules");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut rules = Vec::new();
    for file in FILES {
        let text = fs::read_to_string(PathBuf::from("rules").join(file))
            .unwrap_or_else(|error| panic!("cannot read rules/{file}: {error}"));
        parse::append(&text, &mut rules).unwrap_or_else(|why| panic!("rules/{file}: {why}"));
    }
    let tables = emit::tables(&rules);
    fs::write(out_dir.join("rules.rs"), tables).expect("cargo's OUT_DIR can be written");
}
