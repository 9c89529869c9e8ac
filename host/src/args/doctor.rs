//! The arguments of `vrfy doctor`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use ipnet::IpNet;
use vrfy_proto::domain::DomainName;

use super::{address_range, socket_address, some_time};

/// Arguments of `vrfy doctor`.
#[derive(Debug, ClapArgs)]
pub struct DoctorArgs {
    /// Print one JSON document instead of text for people
    #[arg(long)]
    pub json: bool,
    /// Say for every check why a receiving server cares
    #[arg(long)]
    pub explain: bool,

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
    /// The source address of connections; the system's choice where absent
    #[arg(
        long,
        value_name = "IP",
        conflicts_with = "egress",
        help_heading = "Who asks"
    )]
    pub bind: Option<IpAddr>,
    /// Examine every egress of this file; docs/egress.md describes it; takes the place of the
    /// three above
    #[arg(long, value_name = "FILE", help_heading = "Who asks")]
    pub egress: Option<PathBuf>,
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

    /// Ask nobody on this list: mailboxes, domains, exchanges, addresses; docs/exclusions.md has
    /// the format. May be given more than once, and adds to the lists that always hold:
    /// /etc/vrfy/exclusions and those in VRFY_EXCLUDE
    #[arg(long, value_name = "FILE", help_heading = "What is asked")]
    pub exclude: Vec<PathBuf>,

    /// Ask this DNS server instead of the system's; it is asked for reserved names too
    #[arg(
        long,
        value_name = "IP:PORT",
        env = "VRFY_RESOLVER",
        value_parser = socket_address,
        help_heading = "Network"
    )]
    pub resolver: Option<SocketAddr>,
    /// The port of the exchanges
    #[arg(
        long,
        env = "VRFY_PORT",
        default_value_t = 25,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Network"
    )]
    pub port: u16,
    /// Take these addresses for public ones
    #[arg(
        long,
        value_name = "CIDR",
        env = "VRFY_ALLOW_SPECIAL",
        value_delimiter = ',',
        value_parser = address_range,
        help_heading = "Network"
    )]
    pub allow_special: Vec<IpNet>,
    /// The longest wait for a reply, a connection, or an answer of DNS. The defaults differ by
    /// step: see LIMITS.md
    #[arg(long, value_name = "TIME", value_parser = some_time, help_heading = "Network")]
    pub timeout: Option<Duration>,
}

/// Reads a full domain name.
fn domain_name(text: &str) -> Result<DomainName, String> {
    DomainName::parse(text).map_err(|error| format!("{error}; write a domain such as example.com"))
}
