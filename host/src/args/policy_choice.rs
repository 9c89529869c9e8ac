//! The arguments that say which policy decides, and how it is set.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// A policy with what an operator wants of it.
#[derive(Debug, ClapArgs)]
pub struct PolicyChoice {
    /// The policy that decides; the built-in one where absent
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub policy: Option<PathBuf>,
    /// Change a setting of the policy; `vrfy policy` lists them
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Policy")]
    pub settings: Vec<String>,
}
