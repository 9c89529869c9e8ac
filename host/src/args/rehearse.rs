//! The arguments of `vrfy rehearse`.

use clap::Args as ClapArgs;

use super::{BudgetArgs, PolicyChoice};

/// Arguments of `vrfy rehearse`.
#[derive(Debug, ClapArgs)]
pub struct RehearseArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub choice: PolicyChoice,
    /// Compare these settings too, under that name; once for each strategy. Without it the
    /// built-in policy is compared with asking once, hastily and patiently
    #[arg(
        long = "strategy",
        value_name = "NAME:KEY=VALUE,...",
        help_heading = "Policy"
    )]
    pub strategies: Vec<String>,
    /// Mailboxes of every model
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=10_000),
    )]
    pub mailboxes: u32,
    /// Decides which mailboxes are there and what fails; the same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub budget: BudgetArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
