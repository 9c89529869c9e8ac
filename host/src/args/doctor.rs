//! The arguments of `vrfy doctor`.

use std::net::IpAddr;

use clap::Args as ClapArgs;
use vrfy_proto::domain::DomainName;

use super::{EgressArgs, NetworkArgs};

/// Arguments of `vrfy doctor`.
#[derive(Debug, ClapArgs)]
pub struct DoctorArgs {
    /// Print one JSON document instead of text for people
    #[arg(long)]
    pub json: bool,
    /// Say for every check why a receiving server cares
    #[arg(long)]
    pub explain: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub who: EgressArgs,
    /// The address that the outside sees, where a router translates the source address
    #[arg(long, value_name = "IP", help_heading = "Who asks")]
    pub public_address: Option<IpAddr>,

    /// Ask this blocklist (RFC 5782), such as bl.example.com; may be given several times. None is
    /// asked by default: each has terms of use, and many refuse questions that come through public
    /// resolvers, so name those that you may ask, and ask them through a resolver of your own
    #[arg(
        long = "dnsbl",
        value_name = "ZONE",
        value_delimiter = ',',
        value_parser = domain_name,
        help_heading = "What is asked"
    )]
    pub blocklists: Vec<DomainName>,
    /// Try port 25 of the exchanges of this domain too, as far as the greeting; may be given
    /// several times
    #[arg(
        long = "target",
        value_name = "DOMAIN",
        value_delimiter = ',',
        value_parser = domain_name,
        help_heading = "What is asked"
    )]
    pub targets: Vec<DomainName>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub network: NetworkArgs,
}

/// Reads a full domain name.
fn domain_name(text: &str) -> Result<DomainName, String> {
    DomainName::parse(text).map_err(|error| format!("{error}; write a domain such as example.com"))
}
