//! The arguments that bound how long one address is asked about.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::duration;

/// What may be spent on one address.
#[derive(Debug, ClapArgs)]
pub struct BudgetArgs {
    /// Rounds for one address at most
    #[arg(
        long,
        value_name = "N",
        default_value_t = 6,
        value_parser = clap::value_parser!(u32).range(1..=100),
        help_heading = "Retries",
    )]
    pub rounds: u32,
    /// How long after its begin an address may still be asked
    #[arg(
        long,
        value_name = "TIME",
        default_value = "24h",
        value_parser = duration,
        help_heading = "Retries",
    )]
    pub give_up_after: Duration,
}
