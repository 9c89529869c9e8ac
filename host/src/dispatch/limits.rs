//! What the dispatcher holds to, whatever a policy asks.

use std::time::Duration;

use vrfy_proto::mailbox::Lengths;

/// Bounds of a run. Defaults are polite towards sites that nobody knows; an operator who knows the
/// destination may raise them.
#[derive(Clone, Debug)]
pub struct DispatchLimits {
    /// Sessions open at once, over all lanes.
    pub sessions: usize,
    /// Sessions open at once to one lane from one egress.
    pub sessions_per_lane: usize,
    /// Sessions open at once to one lane from all egresses together: more addresses of ours do not
    /// make a site larger.
    pub sessions_per_destination: usize,
    /// Mailboxes asked in one session, decoys not counted.
    pub mailboxes_per_session: usize,
    /// Look-ups under way at once.
    pub lookups: usize,
    /// Probes that are being worked on at once; those that wait for a due time do not count.
    pub active_probes: usize,
    /// Rounds of one probe.
    pub rounds: u32,
    /// How long after its begin a probe may still start a round.
    pub give_up_after: Duration,
    /// The longest that a policy can hold a lane.
    pub lane_hold: Duration,
    /// Which lengths an address may have.
    pub lengths: Lengths,
    /// How long sessions may go on after a run was told to stop.
    pub stop_grace: Duration,
}

impl Default for DispatchLimits {
    fn default() -> Self {
        Self {
            // A third of the usual limit of 1,024 open files, TLS retries and DNS sockets included.
            sessions: 300,
            // Half of what large senders of wanted mail use for a site that they do not know.
            sessions_per_lane: 2,
            // What one sender with two addresses is used to, however many egresses there are.
            sessions_per_destination: 4,
            // Well below the 100 that RFC 5321 section 4.5.3.1.8 asks servers to take: harvest
            // protection counts recipients.
            mailboxes_per_session: 10,
            lookups: 100,
            active_probes: 4_000,
            // First contact, and five more for greylisting and trouble that passes.
            rounds: 6,
            // Most greylisting servers accept between one minute and 24 hours (RFC 6647 section 5).
            give_up_after: Duration::from_hours(24),
            lane_hold: Duration::from_hours(24),
            lengths: Lengths::Standard,
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// What to do when a policy asks for a later attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryMode {
    /// Ask again at once, without the wait. For the lab; impolite to others.
    Now,
    /// Wait until the attempt is due.
    Wait,
    /// Report the address as pending, with the due time.
    Never,
}
