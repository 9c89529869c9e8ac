//! The arguments that say who asks.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;

/// One egress by itself, or a file of them.
#[derive(Debug, ClapArgs)]
pub struct EgressArgs {
    /// The name for EHLO: the full name of this host, or an address literal; where absent
    /// VRFY_HELO, else the literal of the source address
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "egress",
        help_heading = "Who asks"
    )]
    pub helo: Option<String>,
    /// The reverse path for MAIL FROM, where absent VRFY_MAIL_FROM; empty for the null path `<>`
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "egress",
        help_heading = "Who asks"
    )]
    pub mail_from: Option<String>,
    /// The source address of connections; exchanges of the other family are not asked
    #[arg(
        long,
        value_name = "IP",
        conflicts_with = "egress",
        help_heading = "Who asks"
    )]
    pub bind: Option<IpAddr>,
    /// Several source addresses, each with its EHLO name and reverse path, in a file as
    /// docs/egress.md describes it; takes the place of the three above
    #[arg(long, value_name = "FILE", help_heading = "Who asks")]
    pub egress: Option<PathBuf>,
}
