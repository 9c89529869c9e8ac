//! Arguments of `vrfy explain`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::{PolicyChoice, TagArgs, some_time};

/// Arguments of `vrfy explain`.
#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    /// What was saved: the output of `check` or `run`, or transcripts; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub saved: Vec<PathBuf>,
    /// Only this address; may be given more than once
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub tags: TagArgs,
    /// Print one JSON record a line instead of text for people
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub choice: PolicyChoice,
    /// The longest that one decision may take
    #[arg(
        long,
        value_name = "TIME",
        default_value = "100ms",
        value_parser = some_time,
        help_heading = "Policy",
    )]
    pub decision_time: Duration,
}
