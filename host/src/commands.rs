//! The subcommands, one file each: what happens, in order.

use crate::config::Config;
use crate::dispatch::RunEnd;
use crate::error::{EXIT_INTERRUPTED, EXIT_POLICY_FAULT};
use crate::output::say;

pub mod check;
pub mod doctor;
pub mod explain;
pub mod lab;
pub mod policy;
pub mod rehearse;
pub mod run;
mod stop;

/// Says on standard error what works less well than it could.
fn warn(config: &Config) {
    for warning in &config.warnings {
        say(&format!("vrfy: {warning}\n"));
    }
}

/// The exit code for the way in which a run ended.
fn exit_code(end: RunEnd) -> u8 {
    match end {
        RunEnd::Complete => 0,
        RunEnd::PolicyFault => EXIT_POLICY_FAULT,
        RunEnd::Stopped => EXIT_INTERRUPTED,
    }
}
