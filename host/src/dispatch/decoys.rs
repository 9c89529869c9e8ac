//! What is known of decoys, by domain: asked once, remembered for the other mailboxes.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use vrfy_proto::evidence::DecoyFinding;

use crate::clock::{UnixMs, whole_ms};

/// Domains whose decoys are remembered. At some 300 bytes each this is a few megabytes; a list
/// seldom comes back to a domain after so many others.
const DOMAINS_MAX: usize = 10_000;

/// Findings kept for a domain: more than its exchanges that are ever asked.
const FINDINGS_MAX: usize = 8;

/// How long a conclusive answer saves asking again. Whether a domain accepts everything changes in
/// days, not in minutes.
const FRESH_FOR: Duration = Duration::from_hours(1);

/// Remembers decoys.
#[derive(Debug, Default)]
pub(super) struct Decoys {
    findings: HashMap<String, Vec<DecoyFinding>>,
    /// Domains in the order in which they came, for forgetting.
    order: VecDeque<String>,
}

impl Decoys {
    /// What decoys at a domain were answered, oldest first.
    pub(super) fn of(&self, domain: &str) -> &[DecoyFinding] {
        self.findings.get(domain).map_or(&[], Vec::as_slice)
    }

    /// Whether a decoy at this exchange has had a conclusive answer not long ago. A 4yz answer is
    /// none: it may be greylisting, and the next one tells more.
    pub(super) fn is_known(&self, domain: &str, exchange: &str, now: UnixMs) -> bool {
        self.of(domain).iter().any(|finding| {
            finding.exchange_name == exchange
                && finding.asked_ms.saturating_add(whole_ms(FRESH_FOR)) > now
                && matches!(finding.reply.code, Some(200..300 | 500..600))
        })
    }

    /// Remembers an answer.
    pub(super) fn remember(&mut self, domain: &str, finding: DecoyFinding) {
        if !self.findings.contains_key(domain) {
            if self.order.len() == DOMAINS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.findings.remove(&oldest);
            }
            self.order.push_back(domain.to_owned());
        }
        let findings = self.findings.entry(domain.to_owned()).or_default();
        if findings.len() == FINDINGS_MAX {
            findings.remove(0);
        }
        findings.push(finding);
    }
}
