//! Errors that the person at the keyboard can mend, and the exit codes of the program.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | every address has its record, whatever its verdict |
//! | 1 | our own fault, or a record could not be written |
//! | 2 | the command line, an egress file, an exclusion list or a list of tags is wrong |
//! | 3 | the list, the saved evidence or the output file cannot be used |
//! | 4 | the policy cannot be loaded, or a setting is wrong |
//! | 5 | the network cannot be set up: resolver, source address, lab |
//! | 6 | a policy fault ended the run (`--on-policy-fault stop`) or the rehearsal |
//! | 7 | `vrfy doctor` found a check that fails |
//! | 130 | stopped by Ctrl-C; finished records are complete |

use std::path::PathBuf;

use thiserror::Error;
use vrfy_proto::ehlo_name::ParseEhloNameError;
use vrfy_proto::mailbox::ParseMailboxError;

use crate::egress::{EgressFileError, SourceError};
use crate::exclusions::ExclusionError;
use crate::lookup::LookupError;
use crate::output::OpenError;
use crate::policy::{EngineError, PolicyLoadError, SettingError};
use crate::rehearse::{RehearsalError, StrategyError};
use crate::tags::TagError;

/// Something that the person at the keyboard can mend. Nothing was sent to the network.
#[derive(Debug, Error)]
pub enum UserError {
    /// `--helo` is no name to give.
    #[error("--helo: {0}")]
    Helo(#[from] ParseEhloNameError),
    /// `--mail-from` is no reverse path.
    #[error("--mail-from: {0}, or leave it empty for the null path")]
    MailFrom(ParseMailboxError),
    /// An egress file cannot be used.
    #[error("--egress: {0}")]
    Egress(#[from] EgressFileError),
    /// A source address is not this machine's.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A name to give is reserved.
    #[error(
        "the {what} {name} is reserved for {purpose} ({rfc}) and cannot be yours; write a name of \
         your own"
    )]
    ReservedName {
        /// What it was to be.
        what: &'static str,
        /// The name.
        name: String,
        /// What it is reserved for.
        purpose: &'static str,
        /// By which document.
        rfc: &'static str,
    },
    /// An exclusion list cannot be used.
    #[error("--exclude: {0}")]
    Exclusions(#[from] ExclusionError),
    /// A list of tags cannot be used.
    #[error("--tag: {0}")]
    Tags(#[from] TagError),
    /// The policy runtime cannot start.
    #[error(transparent)]
    Engine(EngineError),
    /// The file of a policy cannot be read.
    #[error("cannot read the policy {}: {error}; give the .wasm file of a policy", path.display())]
    PolicyFile {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A policy cannot be loaded.
    #[error("{0}")]
    Policy(#[from] PolicyLoadError),
    /// A setting is wrong.
    #[error("--set: {0}")]
    Setting(#[from] SettingError),
    /// A strategy to rehearse is wrong.
    #[error("--strategy: {0}")]
    Strategy(#[from] StrategyError),
    /// The policy failed in a rehearsal.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// The resolver cannot be used.
    #[error("--resolver: {0}")]
    Lookup(#[from] LookupError),
    /// The list cannot be read.
    #[error(transparent)]
    Input(#[from] crate::input::InputError),
    /// The output file cannot be used.
    #[error("--output: {0}")]
    Output(#[from] OpenError),
    /// The output would replace the list that is read.
    #[error("--output: {} is the list itself; choose another name", .0.display())]
    OutputIsList(PathBuf),
    /// The lab cannot start.
    #[error("lab: {0}")]
    Lab(String),
}

impl UserError {
    /// The exit code that stands for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Helo(_)
            | Self::MailFrom(_)
            | Self::Egress(_)
            | Self::ReservedName { .. }
            | Self::Exclusions(_)
            | Self::Tags(_) => 2,
            Self::Input(_) | Self::Output(_) | Self::OutputIsList(_) => 3,
            Self::Engine(_)
            | Self::Policy(_)
            | Self::PolicyFile { .. }
            | Self::Setting(_)
            | Self::Strategy(_) => 4,
            Self::Rehearsal(_) => EXIT_POLICY_FAULT,
            Self::Lookup(_) | Self::Source(_) | Self::Lab(_) => 5,
        }
    }
}

/// Something of the saved evidence cannot be read.
pub const EXIT_EVIDENCE: u8 = 3;

/// A policy fault ended the run.
pub const EXIT_POLICY_FAULT: u8 = 6;

/// An examination found a check that fails.
pub const EXIT_EXAMINATION: u8 = 7;

/// Stopped by Ctrl-C, as shells count it: 128 and the number of the signal.
pub const EXIT_INTERRUPTED: u8 = 130;
