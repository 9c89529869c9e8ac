//! Counts of a run, for whoever shows its progress.

use crate::record::RecordStatus;

use super::Dispatcher;

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Records by status, in the order of [`RecordStatus::ALL`].
    pub settled: [u64; RecordStatus::ALL.len()],
    /// Sessions open now.
    pub sessions_open: usize,
    /// Probes that are being worked on.
    pub active: usize,
    /// Probes that wait for a due time.
    pub waiting: usize,
    /// Policy faults so far.
    pub faults: u64,
    /// Whether every input was taken in.
    pub input_closed: bool,
}

/// Counts that only grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) settled: [u64; RecordStatus::ALL.len()],
    pub(super) faults: u64,
}

impl<E, J> Dispatcher<E, J> {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            settled: self.counts.settled,
            sessions_open: self.sessions_open,
            active: self.probes.len().saturating_sub(self.due.len()),
            waiting: self.due.len(),
            faults: self.counts.faults,
            input_closed: self.input_closed,
        }
    }
}
