//! A world: what a seed comes to. Plain values; what they do is in the other files.

use std::net::IpAddr;
use std::time::Duration;

use vrfy::dispatch::{DispatchLimits, RetryMode};
use vrfy::egress::{Egress, Egresses};
use vrfy::lookup::{Datum, QuestionKind};
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::limits::Limits;
use vrfy_proto::mx::DnsAnswer;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;
use vrfy_proto::timeouts::Timeouts;

use super::host::Host;

/// Everything that is decided before a run begins.
#[derive(Clone, Debug)]
pub struct World {
    /// What it was made from.
    pub seed: u64,
    /// The list, in order.
    pub rows: Vec<Row>,
    pub(super) hosts: Vec<Host>,
    pub(super) names: Vec<Entry>,
    /// The bounds of the dispatcher.
    pub limits: DispatchLimits,
    pub(super) retry: RetryMode,
    /// How many ask.
    pub(super) egresses: u64,
    pub(super) start_tls: StartTlsUse,
    pub(super) timeouts: Timeouts,
    /// The bounds of a session.
    pub session_limits: Limits,
    /// The reverse path as it is typed; empty for the null path.
    pub(super) reverse_path: String,
    /// When the run is told to stop, if it is.
    pub(super) stop_after: Option<Duration>,
    pub(super) judge: Temper,
}

impl World {
    /// Who asks.
    pub(super) fn egresses(&self) -> Egresses {
        let egress = |number| Egress {
            name: Some(format!("egress-{number}")),
            ..self.egress()
        };
        Egresses::several(egress(0), (1..self.egresses).map(egress))
    }

    fn egress(&self) -> Egress {
        let ehlo_name = EhloName::parse("probe.example.com").ok();
        let reverse_path = ReversePath::parse(&self.reverse_path);
        let reverse_path = reverse_path.expect("a world has a reverse path that is one");
        Egress::single(None, ehlo_name, reverse_path)
    }
}

/// One row of the list.
#[derive(Clone, Debug)]
pub enum Row {
    /// An address, and how long after the row before it comes.
    Address(String, Duration),
    /// A row that holds none.
    Broken,
}

/// What DNS says about one name and type.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: QuestionKind,
    pub(super) answer: DnsAnswer<Datum>,
    pub(super) takes: Duration,
    pub(super) keeps: Duration,
    /// So many questions are answered with SERVFAIL first.
    pub(super) fails_first: u32,
}

/// How the policy of a world decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    /// Settles what was answered, asks again about the rest.
    Sober,
    /// Anything that the contract allows.
    Wild,
    /// Never settles by itself.
    Stubborn,
}

/// The ranges that simulated hosts are in: for documentation (RFC 3849) and for benchmarks (RFC
/// 2544). The guard of a world allows these two and nothing else beside the public addresses.
pub(super) const ALLOWED: [&str; 2] = ["2001:db8::/32", "198.18.0.0/15"];

/// Whether an address may be connected to in a world, told without the host's tables.
pub(super) fn is_allowed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            first == 198 && (second == 18 || second == 19)
        }
        IpAddr::V6(address) => address.segments()[..2] == [0x2001, 0x0db8],
    }
}
