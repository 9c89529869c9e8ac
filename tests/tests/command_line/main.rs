//! The command line, as people and their scripts use it: the real program, in the lab where a
//! network is needed. Each file holds one subject, each test one sentence about it.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test is test code; clippy knows only functions marked as tests"
)]

mod arguments;
mod check;
mod doctor;
mod egress;
mod exclusions;
mod exit_codes;
mod explain;
mod guests;
mod hard_cases;
mod interruption;
mod lab;
mod lists;
mod rows;
mod special;
mod tags;
mod terminal;
mod watched;

/// The lab's servers want to be asked again after two seconds, not after minutes as real ones do.
const QUICK: [&str; 4] = [
    "--set=retry-delays=3s,3s",
    "--set=retry-least=3s",
    "--set=lane-hold-busy=3s",
    "--give-up-after=15s",
];
