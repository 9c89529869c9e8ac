//! Policy faults: what a guest did wrong, as data.
//!
//! Promises: a fault names its cause, the stage, the component and a remedy; its texts carry no
//! control characters and have a bounded length. It never stands for a verdict about a mailbox.

use std::{fmt, time::Duration};

use wasmtime::{Trap, WasmBacktrace};

use super::{
    limits::{LimitHit, RETURN_BYTES_MAX, STACK_BYTES_MAX},
    text,
};

/// Bytes of a trap's message, and of a detail, at most: a few lines of a terminal.
const MESSAGE_BYTES_MAX: usize = 500;

/// Bytes of a backtrace at most: 20 frames of usual length.
const BACKTRACE_BYTES_MAX: usize = 4 * 1024;

/// A policy that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// What happened.
    pub cause: FaultCause,
    /// When.
    pub stage: FaultStage,
    /// The digest of the component's bytes, `sha256:` and hexadecimal.
    pub digest: String,
}

/// What the host was doing with the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultStage {
    /// Making an instance; start functions run here.
    Instantiate,
    /// Calling `describe`.
    Describe,
    /// Calling `decide`.
    Decide,
}

/// What a guest did wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultCause {
    /// It executed a trap: a panic, an abort, a division by zero, an access out of bounds.
    #[error(
        "it trapped ({message}); report this with the backtrace to its author, a policy must \
         answer for every evidence"
    )]
    Trapped {
        /// What wasmtime says of it.
        message: String,
        /// Where in the guest, innermost first.
        backtrace: Option<String>,
    },
    /// It ran out of time.
    #[error(
        "it did not answer within {}; look for an endless loop, or give it more time",
        millis(*limit)
    )]
    DeadlineExceeded {
        /// The limit.
        limit: Duration,
        /// Where it was when it was stopped.
        backtrace: Option<String>,
    },
    /// It wanted more memory than allowed.
    #[error(
        "it wanted {wanted} bytes of memory, and {limit} are allowed; look for a leak, or give it \
         more memory"
    )]
    MemoryLimit {
        /// What it would have had.
        wanted: usize,
        /// The limit.
        limit: usize,
        /// Where it asked.
        backtrace: Option<String>,
    },
    /// It wanted a larger table than allowed.
    #[error(
        "it wanted a table of {wanted} elements, and {limit} are allowed; a policy has no need of \
         such a table, report this to its author"
    )]
    TableLimit {
        /// What it would have had.
        wanted: usize,
        /// The limit.
        limit: usize,
    },
    /// It recursed too deeply.
    #[error(
        "it used up its stack of {} KiB; look for a recursion without end",
        STACK_BYTES_MAX / 1024
    )]
    StackOverflow {
        /// The innermost frames.
        backtrace: Option<String>,
    },
    /// It handed over too much.
    #[error("it returned more than {limit} bytes; shorten its texts and lists")]
    ReturnTooLarge {
        /// The limit.
        limit: usize,
    },
    /// No instance of it could be made.
    #[error("no instance of it could be made ({message}); report this to its author")]
    Instantiation {
        /// What wasmtime says of it.
        message: String,
    },
    /// It handed over something that is not even a value of the contract's types.
    #[error(
        "what it returned cannot be read ({message}); build it with a current binding generator"
    )]
    UnreadableReturn {
        /// What wasmtime says of it.
        message: String,
    },
    /// Its decision breaks a rule of the contract.
    #[error("its decision breaks a rule of the contract: {detail}; {}", rule.remedy())]
    MalformedDecision {
        /// Which rule.
        rule: DecisionRule,
        /// Where, and what was found.
        detail: String,
    },
}

/// The rules that a decision must keep (`wit/policy.wit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionRule {
    /// A reason is a name.
    ReasonIsName,
    /// A reason is declared in the manifest.
    ReasonIsDeclared,
    /// A confidence is a percentage.
    ConfidenceRange,
    /// At most so many causes.
    CauseCount,
    /// A cause points into the evidence.
    CauseInEvidence,
    /// At most so many facts or wishes.
    FactCount,
    /// A fact's name is a name.
    FactIsNamed,
    /// A fact's value is short.
    FactLength,
}

impl DecisionRule {
    /// Every rule.
    pub const ALL: [Self; 8] = [
        Self::ReasonIsName,
        Self::ReasonIsDeclared,
        Self::ConfidenceRange,
        Self::CauseCount,
        Self::CauseInEvidence,
        Self::FactCount,
        Self::FactIsNamed,
        Self::FactLength,
    ];

    fn remedy(self) -> &'static str {
        match self {
            Self::ReasonIsName | Self::FactIsNamed => "use kebab-case names of at most 64 bytes",
            Self::ReasonIsDeclared => "declare the reason in the manifest that describe returns",
            Self::ConfidenceRange => "give a confidence from 0 to 100",
            Self::CauseCount => "keep the most decisive causes",
            Self::CauseInEvidence => "point only to what the evidence holds, counted from 0",
            Self::FactCount => "keep the most telling ones",
            Self::FactLength => "shorten the value",
        }
    }
}

impl PolicyFault {
    /// The kind of the cause, in kebab-case, for records and statistics.
    pub fn kind(&self) -> &'static str {
        match &self.cause {
            FaultCause::Trapped { .. } => "trapped",
            FaultCause::DeadlineExceeded { .. } => "deadline-exceeded",
            FaultCause::MemoryLimit { .. } => "memory-limit",
            FaultCause::TableLimit { .. } => "table-limit",
            FaultCause::StackOverflow { .. } => "stack-overflow",
            FaultCause::ReturnTooLarge { .. } => "return-too-large",
            FaultCause::Instantiation { .. } => "instantiation",
            FaultCause::UnreadableReturn { .. } => "unreadable-return",
            FaultCause::MalformedDecision { .. } => "malformed-decision",
        }
    }

    /// Where in the guest it happened, innermost frame first, one a line.
    pub fn backtrace(&self) -> Option<&str> {
        match &self.cause {
            FaultCause::Trapped { backtrace, .. }
            | FaultCause::DeadlineExceeded { backtrace, .. }
            | FaultCause::MemoryLimit { backtrace, .. }
            | FaultCause::StackOverflow { backtrace } => backtrace.as_deref(),
            FaultCause::TableLimit { .. }
            | FaultCause::ReturnTooLarge { .. }
            | FaultCause::Instantiation { .. }
            | FaultCause::UnreadableReturn { .. }
            | FaultCause::MalformedDecision { .. } => None,
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the policy {} failed while {}: ",
            self.digest, self.stage
        )?;
        self.cause.fmt(f)
    }
}

impl std::error::Error for PolicyFault {}

impl fmt::Display for FaultStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instantiate => "its instance was made",
            Self::Describe => "describing itself",
            Self::Decide => "deciding",
        })
    }
}

/// What an error of wasmtime means, `limit` being the time allowed.
pub(crate) fn cause_of(error: &wasmtime::Error, stage: FaultStage, limit: Duration) -> FaultCause {
    let backtrace = error
        .downcast_ref::<WasmBacktrace>()
        .map(|trace| text::lines(&trace.to_string(), BACKTRACE_BYTES_MAX));
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return match *hit {
            LimitHit::Memory { wanted, limit } => FaultCause::MemoryLimit {
                wanted,
                limit,
                backtrace,
            },
            LimitHit::TableElements { wanted, limit } => FaultCause::TableLimit { wanted, limit },
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => FaultCause::DeadlineExceeded { limit, backtrace },
        Some(Trap::StackOverflow) => FaultCause::StackOverflow { backtrace },
        Some(trap) => FaultCause::Trapped {
            message: message_of(&trap.to_string()),
            backtrace,
        },
        None => other_cause(error, stage, backtrace),
    }
}

fn other_cause(
    error: &wasmtime::Error,
    stage: FaultStage,
    backtrace: Option<String>,
) -> FaultCause {
    let root = error.root_cause().to_string();
    let message = message_of(&root);
    // The type of this error is private to wasmtime; a test holds the words.
    if root.contains("too much data is being copied") {
        return FaultCause::ReturnTooLarge {
            limit: RETURN_BYTES_MAX,
        };
    }
    if stage == FaultStage::Instantiate {
        return FaultCause::Instantiation { message };
    }
    if backtrace.is_some() {
        return FaultCause::Trapped { message, backtrace };
    }
    FaultCause::UnreadableReturn { message }
}

/// A message out of a guest or about it, fit for a terminal.
pub(crate) fn message_of(text: &str) -> String {
    text::one_line(text, MESSAGE_BYTES_MAX)
}

fn millis(duration: Duration) -> String {
    super::duration::format(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX))
}
