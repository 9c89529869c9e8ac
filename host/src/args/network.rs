//! The arguments that say whom connections may reach, and how long they wait.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use ipnet::IpNet;
use vrfy_proto::address_safety::Nat64Prefix;

use super::{TimeoutChoice, address_range, socket_address};

/// What holds for every connection, whatever it is for.
#[derive(Debug, ClapArgs)]
pub struct NetworkArgs {
    /// Ask nobody on this list: mailboxes, domains, exchanges, addresses; docs/exclusions.md has
    /// the format. May be given more than once, and adds to the lists that always hold:
    /// /etc/vrfy/exclusions and those in VRFY_EXCLUDE
    #[arg(long, value_name = "FILE", help_heading = "Who is not asked")]
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
    /// Take these addresses for public ones, and connect to them
    #[arg(
        long,
        value_name = "CIDR",
        env = "VRFY_ALLOW_SPECIAL",
        value_delimiter = ',',
        value_parser = address_range,
        help_heading = "Network"
    )]
    pub allow_special: Vec<IpNet>,
    /// A prefix behind which this network translates to IPv4 (NAT64): an address there is judged
    /// by the IPv4 address inside
    #[arg(long, value_name = "PREFIX", help_heading = "Network")]
    pub nat64: Vec<Nat64Prefix>,
    /// The longest wait for a reply: for every step (30s), for single ones (rcpt=5m,mail=5m), or
    /// those of RFC 5321 (rfc5321). Steps are connect, greeting, ehlo, starttls, mail, rcpt, rset,
    /// quit and session; LIMITS.md has the defaults
    #[arg(
        long,
        value_name = "[STEP=]TIME",
        value_delimiter = ',',
        value_parser = TimeoutChoice::parse,
        help_heading = "Network"
    )]
    pub timeout: Vec<TimeoutChoice>,
}
