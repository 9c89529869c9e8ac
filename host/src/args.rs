//! The command line, as it was typed.
//!
//! Nothing here reads a file, asks the clock or resolves a name; that happens later, in
//! `config.rs`. Doc comments are the help texts.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

pub use self::budget::BudgetArgs;
pub use self::doctor::DoctorArgs;
pub use self::egress::EgressArgs;
pub use self::explain::ExplainArgs;
pub use self::network::NetworkArgs;
pub use self::policy_choice::PolicyChoice;
pub use self::rehearse::RehearseArgs;
pub use self::tags::TagArgs;
pub use self::timeout_choice::{TimeoutChoice, TimeoutStep};

mod budget;
mod doctor;
mod egress;
mod explain;
mod network;
mod policy_choice;
mod rehearse;
mod tags;
mod timeout_choice;

/// Does this mailbox exist? Asks its mail server, as far as RCPT TO, and never sends a message.
///
/// vrfy looks the domain's exchanges up, opens a real SMTP dialogue, and hands every reply to a
/// policy: a sandboxed WebAssembly component that decides the verdict. Try it without port 25:
/// `vrfy lab examples/lab/first.toml -- vrfy run examples/addresses.txt`.
#[derive(Debug, Parser)]
#[command(name = "vrfy", version, max_term_width = 100, propagate_version = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify addresses given on the command line
    Check(CheckArgs),
    /// Verify a list of addresses
    Run(RunArgs),
    /// Judge saved evidence again, without a network, and tell what decided and why
    Explain(ExplainArgs),
    /// Show what a policy is: its settings and its reasons
    Policy(PolicyArgs),
    /// Play a policy against modelled mail servers, without a network, and compare retry strategies
    Rehearse(RehearseArgs),
    /// Check what receiving servers check of us: names, mail back, SPF, blocklists, port 25
    Doctor(Box<DoctorArgs>),
    /// Start a small Internet on loopback, and run a command inside it
    Lab(LabArgs),
}

/// Arguments of `vrfy check`.
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// Addresses to verify
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Print one JSON record a line instead of text for people
    #[arg(long)]
    pub json: bool,
    /// Show the dialogues
    #[arg(long)]
    pub transcript: bool,
    /// Tell which reply and which rule decided, what they beat, and what would change the verdict
    #[arg(long)]
    pub explain: bool,
    /// What to do when the policy asks for a later attempt
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t = Retry::Never,
        help_heading = "Retries"
    )]
    pub retry: Retry,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub probe: ProbeArgs,
}

/// Arguments of `vrfy run`.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The list: plain lines, CSV with a header, or JSON Lines; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub list: PathBuf,
    /// How the list is written; found out from its name or first line where absent
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub input_format: Option<ListFormat>,
    /// The column (by header or number from 1) or JSON field that holds the address
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// How records are written; a table on a terminal and jsonl elsewhere where absent
    #[arg(long, value_enum)]
    pub format: Option<RecordFormat>,
    /// Where records are written; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Overwrite the output file if it exists
    #[arg(long)]
    pub force: bool,
    /// Keep the dialogues in the records (jsonl)
    #[arg(long)]
    pub transcript: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
    /// What to do when the policy asks for a later attempt
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t = Retry::Wait,
        help_heading = "Retries"
    )]
    pub retry: Retry,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub probe: ProbeArgs,
}

/// What `check` and `run` have in common.
#[derive(Debug, ClapArgs)]
pub struct ProbeArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub choice: PolicyChoice,
    /// What to do when the policy fails
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value_t = PolicyFaultChoice::Record,
        help_heading = "Policy",
    )]
    pub on_policy_fault: PolicyFaultChoice,
    /// The longest that one decision may take
    #[arg(
        long,
        value_name = "TIME",
        default_value = "100ms",
        value_parser = some_time,
        help_heading = "Policy",
    )]
    pub decision_time: Duration,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub who: EgressArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub network: NetworkArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub tags: TagArgs,
    /// Whether to use STARTTLS where it is offered
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t = Tls::Opportunistic,
        help_heading = "Network"
    )]
    pub tls: Tls,
    /// Ask about addresses longer than RFC 5321 allows, too; some servers take them
    #[arg(long, help_heading = "Network")]
    pub long_addresses: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take the comment for help")]
    pub budget: BudgetArgs,

    /// Sessions open at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..=20_000),
        help_heading = "Manners",
    )]
    pub sessions: u32,
    /// Sessions open at once to one destination from one egress
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        help_heading = "Manners",
    )]
    pub sessions_per_lane: u32,
    /// Sessions open at once to one destination from all egresses together; twice
    /// --sessions-per-lane where absent
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        help_heading = "Manners",
    )]
    pub sessions_per_destination: Option<u32>,
    /// Addresses asked in one session
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=50),
        help_heading = "Manners",
    )]
    pub per_session: u32,
}

/// Arguments of `vrfy policy`.
#[derive(Debug, ClapArgs)]
pub struct PolicyArgs {
    /// The policy; the built-in one where absent
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vrfy lab`.
#[derive(Debug, ClapArgs)]
pub struct LabArgs {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// The command to run inside; without one the lab serves until Ctrl-C
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What to do when the policy asks for a later attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Retry {
    /// Ask again at once, without the wait (for the lab; impolite elsewhere)
    Now,
    /// Wait until the attempt is due
    Wait,
    /// Report the address as pending, with the time at which it is due
    Never,
}

/// What to do when the policy fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFaultChoice {
    /// Record the fault; the address stays unknown
    Record,
    /// Record the fault, and let the built-in policy judge the address
    BuiltIn,
    /// Record the fault, and end the run
    Stop,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One address a line; blank lines and lines that begin with # are skipped
    Plain,
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// One JSON record a line, complete
    Jsonl,
    /// A line a record, the most useful columns
    Csv,
    /// Aligned columns for people
    Table,
}

/// Whether to use STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    /// Never
    Never,
    /// Where it is offered; go on in clear where it fails
    Opportunistic,
    /// Ask nobody without it
    Required,
}

/// Reads a duration such as `250ms`, `30s`, `5m` or `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let help = "write a time such as 250ms, 30s, 5m or 1h30m";
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| help.to_owned())?;
    Duration::try_from(parsed).map_err(|_| help.to_owned())
}

/// Reads a duration in which something can happen.
fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than no time at all".to_owned()),
        some => Ok(some),
    }
}

/// Reads an IP address with its port.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let help = "write an IP address with a port, such as 192.0.2.53:53 or [2001:db8::53]:53";
    text.parse().map_err(|_| help.to_owned())
}

/// Reads a range of addresses; a single address is a range too.
fn address_range(text: &str) -> Result<IpNet, String> {
    let help = "write a range of addresses such as 192.0.2.0/24 or 2001:db8::/32, or one address";
    let range = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    range.map_err(|_| help.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn exchanges_are_asked_at_port_25_unless_another_is_given() {
        let port = |given: &[&str]| {
            let args = ["vrfy", "check", "ana@example.com"].iter().chain(given);
            match Args::try_parse_from(args).unwrap().command {
                Command::Check(check) => check.probe.network.port,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(port(&["--port", "2525"]), 2525);
        assert_eq!(port(&["--port", "25"]), 25);
        let command = Args::command();
        let check = command.find_subcommand("check").unwrap();
        let port = check
            .get_arguments()
            .find(|one| one.get_id() == "port")
            .unwrap();
        assert_eq!(port.get_default_values(), ["25"], "without VRFY_PORT");
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert!(duration("5").is_err());
        assert!(duration("-5s").is_err());
        assert!(some_time("0s").is_err());
    }
}
