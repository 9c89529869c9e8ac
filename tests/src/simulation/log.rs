//! What everybody saw: the truth that records and reports are compared with.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use vrfy::dispatch::{RunEnd, Settled};
use vrfy_proto::transcript::Transcript;

use super::world::World;

/// A run from outside, ready to be checked.
#[derive(Debug)]
pub struct Observed {
    /// The world that it ran in.
    pub world: World,
    pub(super) seen: Seen,
    /// The records, in the order in which they came, each with its time.
    pub(super) settled: Vec<(Duration, Settled)>,
    /// How it ended, and when; nothing for a run that had to be given up.
    pub(super) end: Option<(Duration, RunEnd)>,
    /// Tasks that were alive after it.
    pub(super) tasks_left: usize,
    /// Why the run could not be observed to its end.
    pub(super) trouble: Option<String>,
}

/// What the simulated parts write down.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: Vec<Connection>,
    pub(super) permits: Vec<PermitSeen>,
    pub(super) decisions: Vec<DecisionSeen>,
    /// When the run was told to stop.
    pub(super) stopped_at: Option<Duration>,
    /// Permits and decisions so far: what happens at one instant has an order too.
    order: u64,
}

impl Seen {
    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}

/// One try at a connection, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) permit: Option<usize>,
    pub(super) target: Option<SocketAddr>,
    pub(super) asked_at: Duration,
    /// When it was open, and the address that it came from.
    pub(super) opened: Option<(Duration, IpAddr)>,
    pub(super) closed_at: Option<Duration>,
    /// What the client has read.
    pub(super) delivered: Vec<u8>,
    /// What the client has written.
    pub(super) heard: Vec<u8>,
    /// What was answered to RCPT, in the order of the commands.
    pub(super) answers: Vec<Truth>,
    /// What the client did wrong.
    pub(super) sins: Vec<String>,
    /// Whether the server gave replies that nobody can attribute: out of order, or too many.
    pub(super) lied: bool,
    /// Octets that were delivered, and written, before the handshake of TLS began.
    pub(super) plain: Option<(usize, usize)>,
}

impl Connection {
    /// What was read and written before the handshake of TLS.
    pub(super) fn plain_octets(&self) -> (&[u8], &[u8]) {
        let whole = (self.delivered.len(), self.heard.len());
        let (read, written) = self.plain.unwrap_or(whole);
        (&self.delivered[..read], &self.heard[..written])
    }

    /// How much was read, of a handshake too.
    pub(super) fn octets_read(&self) -> usize {
        self.delivered.len()
    }

    /// Whether 421 was said, which may come at any time and belongs to nobody.
    pub(super) fn is_told_to_go(&self) -> bool {
        self.delivered.windows(4).any(|four| four == b"421 ")
    }
}

/// One answer to RCPT.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) recipient: String,
    pub(super) code: u16,
    pub(super) text: String,
    /// Whether it says something about the recipient, and not about the transaction or the
    /// session.
    pub(super) counts: bool,
    /// Octets that the client must have read to have it whole.
    pub(super) ends_at: usize,
}

/// A permit and its report.
#[derive(Debug)]
pub(super) struct PermitSeen {
    pub(super) order: u64,
    pub(super) lane: String,
    pub(super) egress: String,
    pub(super) granted_at: Duration,
    pub(super) expires_in: Duration,
    /// Probe, mailbox, round and decoy of each ask.
    pub(super) asks: Vec<AskSeen>,
    pub(super) reported_at: Option<Duration>,
    pub(super) asked: Vec<AskedSeen>,
    pub(super) unasked: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct AskSeen {
    pub(super) probe: u64,
    pub(super) mailbox: String,
    pub(super) round: u32,
    pub(super) decoy: Option<String>,
}

#[derive(Debug)]
pub(super) struct AskedSeen {
    pub(super) probe: u64,
    pub(super) attempts: usize,
    pub(super) transcripts: Vec<Arc<Transcript>>,
}

/// What a policy decided.
#[derive(Clone, Debug)]
pub(super) struct DecisionSeen {
    pub(super) order: u64,
    pub(super) at: Duration,
    pub(super) mailbox: Option<String>,
    /// The exchanges of the look-up in force, where one of them has an address.
    pub(super) lane: Option<String>,
    pub(super) hold: Duration,
    /// The wait before the next round, where there is to be one.
    pub(super) wait: Option<Duration>,
    pub(super) started: Duration,
    pub(super) stops: bool,
}

/// Where everybody writes to.
#[derive(Clone, Debug)]
pub(super) struct Log {
    seen: Arc<Mutex<Seen>>,
    began: Instant,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            seen: Arc::default(),
            began: Instant::now(),
        }
    }

    /// The time since the world began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn instant_of(&self, time: Duration) -> Instant {
        self.began + time
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while writing")
    }

    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.seen())
    }
}
