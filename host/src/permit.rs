//! A permit: leave to open sessions at one destination, and the report that comes back.
//!
//! This is the seam between deciding and doing. The dispatcher alone decides who may be asked and
//! when; it hands a permit (one lane, one egress, some mailboxes, an expiry) to an executor, and
//! hears of it once more: in one report. Executors know no policy and keep nothing between
//! permits, so that one on another machine can take the place of the one in this process.
//!
//! Promises: every ask of a permit is in the report exactly once, as answered or as unasked.

use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::{Attempt, DecoyFinding};
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::mx::PlannedExchange;
use vrfy_proto::transcript::Transcript;

use crate::egress::Egress;
use crate::lookup::LookupReport;

/// Names a probe within one run.
pub type ProbeId = u64;

/// Leave to ask some mailboxes at one destination.
#[derive(Clone, Debug)]
pub struct Permit {
    /// The exchanges in the order in which they are tried.
    pub exchanges: Arc<Vec<PlannedExchange>>,
    /// Index of the exchange to begin with; after the last one, the first follows.
    pub first_exchange: usize,
    /// The mailboxes, in the order in which they are asked. Never empty.
    pub asks: Vec<Ask>,
    /// Who asks.
    pub egress: Arc<Egress>,
    /// No session begins after this time, counted from the moment the permit is taken up.
    pub expires_in: Duration,
}

/// One mailbox of a permit.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The probe that wants to know.
    pub probe: ProbeId,
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The round of that probe, from 1.
    pub round: u32,
    /// The decoy to ask after it, in its wire form.
    pub decoy: Option<String>,
}

/// What came of a permit.
#[derive(Debug, Default)]
pub struct PermitReport {
    /// What each mailbox was answered, or why it could not be asked.
    pub asked: Vec<Asked>,
    /// The decoys that were answered, with their domain.
    pub decoys: Vec<(String, DecoyFinding)>,
    /// Mailboxes that no session got to, through no fault of theirs; they may be asked again.
    pub unasked: Vec<ProbeId>,
}

/// What one mailbox was answered.
#[derive(Debug)]
pub struct Asked {
    /// The probe that wanted to know.
    pub probe: ProbeId,
    /// One attempt for each session, or try at one, that had it on its list; never empty.
    pub attempts: Vec<Attempt>,
    /// The dialogues, one for each attempt, shared by all mailboxes of a session.
    pub transcripts: Vec<Arc<Transcript>>,
}

/// Who does what the dispatcher decides: looks domains up, and carries permits out.
pub trait Executor: Send + Sync + 'static {
    /// Looks a domain up. The seed decides the order of exchanges of equal preference.
    fn look_up(&self, domain: &Domain, seed: u64) -> impl Future<Output = LookupReport> + Send;

    /// Carries a permit out. Ends within the permit's expiry and one session budget.
    fn execute(&self, permit: Permit) -> impl Future<Output = PermitReport> + Send;
}
