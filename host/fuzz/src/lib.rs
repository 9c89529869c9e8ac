//! Entry points for fuzzing, one for each place where `vrfy` reads what others write.
//!
//! Each takes bytes, makes of them what it needs, and panics where a promise is broken. Two drivers
//! share them: libFuzzer through `targets/` (it needs a nightly compiler), and the tests of this
//! crate, which feed the same functions with all seeds, with every input that ever failed, with
//! seeds that were changed and with bytes at random, on stable Rust. What was found stands in
//! `regressions/`. See `docs/fuzzing.md`.
#![forbid(unsafe_code)]

pub mod checks;
mod cursor;
pub mod judging;
pub mod list_input;
pub mod mailbox;
pub mod mx_plan;
pub mod reply_reader;
pub mod seeds;
pub mod session;
pub mod transcripts;

/// Modules of `vrfy` from their own files: the crate as a whole brings a compiler for WebAssembly,
/// which takes minutes to build for fuzzing and is no part of what is fuzzed here.
#[path = "../../src"]
pub mod host {
    pub mod input;
}

/// An entry point and its name, which is that of its libFuzzer target too.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Checks one input; panics where a promise is broken.
    pub check: fn(&[u8]),
}

/// Every entry point.
pub const TARGETS: [Target; 8] = [
    target("reply_reader", reply_reader::check),
    target("session", session::check),
    target("transcript_text", transcripts::check_text),
    target("transcript_json", transcripts::check_json),
    target("attempt_view", transcripts::check_view),
    target("mailbox", mailbox::check),
    target("list_input", list_input::check),
    target("mx_plan", mx_plan::check),
];

/// The libFuzzer target for [`judging`]; it needs the policy runtime, so it is none of [`TARGETS`].
pub const JUDGE: &str = "judge";

const fn target(name: &'static str, check: fn(&[u8])) -> Target {
    Target { name, check }
}
