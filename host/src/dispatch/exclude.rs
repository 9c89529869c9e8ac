//! Exclusions on the way of a probe: before its look-up, and after it.
//!
//! Promises: nothing is looked up for a mailbox that is excluded, by itself or by its domain,
//! whatever a policy plans; an exchange or address that is excluded is in no permit. Each time the
//! evidence says which entry of which list it was. The third check, right before a connection, is
//! that of [`crate::connect::AddressGuard`].

use vrfy_proto::evidence::{Fact, Lookup, LookupOutcome};
use vrfy_proto::mx::PlannedExchange;

use super::probe::Probe;
use crate::clock::UnixMs;
use crate::exclusions::{EXCLUDED, Exclusion, Exclusions};
use crate::lookup::LookupReport;

impl Probe {
    /// Notes in the evidence that the mailbox is excluded, before anybody decides about it.
    pub(super) fn exclude(&mut self, exclusion: Exclusion) {
        let fact = Fact::new(EXCLUDED, exclusion.to_string());
        self.evidence.facts.push(fact);
        self.excluded = Some(exclusion);
    }

    /// Where the mailbox is excluded and a policy wants it asked all the same: notes that it was
    /// not even looked up, and counts the round.
    pub(super) fn is_kept_out(&mut self, now: UnixMs) -> bool {
        let Some(exclusion) = &self.excluded else {
            return false;
        };
        let what = exclusion.to_string();
        self.evidence.lookups.push(Lookup {
            started_ms: now,
            elapsed_ms: 0,
            outcome: LookupOutcome::Other(format!("none, the mailbox is excluded by {what}")),
            exchanges: Vec::new(),
            facts: vec![Fact::new(EXCLUDED, what)],
        });
        self.clamp("round", "a look-up", "none, the mailbox is excluded");
        self.rounds += 1;
        true
    }
}

/// A look-up without what is excluded.
pub(super) struct Screened {
    /// What the policy is shown: as it was found, and what of it is excluded.
    pub(super) facts: Lookup,
    /// Where somebody may be asked; excluded addresses are left out, and so are all those of
    /// excluded exchanges.
    pub(super) exchanges: Vec<PlannedExchange>,
}

/// Takes what is excluded out of a look-up.
pub(super) fn screen(exclusions: &Exclusions, report: &LookupReport) -> Screened {
    let mut screened = Screened {
        facts: report.facts.clone(),
        exchanges: report.plan.exchanges.clone(),
    };
    let mut excluded = Vec::new();
    // Where a domain is an alias, the other one is asked in its place (RFC 5321 section 5.1).
    let aliases = report
        .facts
        .facts
        .iter()
        .filter(|fact| fact.name == "alias");
    for alias in aliases {
        if let Some(exclusion) = exclusions.of_domain(&alias.value) {
            excluded.push(format!("alias {}: {exclusion}", alias.value));
            screened
                .exchanges
                .iter_mut()
                .for_each(|exchange| exchange.addresses.clear());
        }
    }
    for exchange in &mut screened.exchanges {
        let name = &exchange.name;
        if let Some(exclusion) = exclusions.of_exchange(name) {
            exchange.addresses.clear();
            excluded.push(format!("{name}: {exclusion}"));
            continue;
        }
        exchange.addresses.retain(|address| {
            let exclusion = exclusions.of_address(*address);
            let note = |exclusion| excluded.push(format!("{name} {address}: {exclusion}"));
            exclusion.map(note).is_none()
        });
    }
    let is_reachable = |exchanges: &[PlannedExchange]| {
        exchanges
            .iter()
            .any(|exchange| !exchange.addresses.is_empty())
    };
    if is_reachable(&report.plan.exchanges) && !is_reachable(&screened.exchanges) {
        let what = "every exchange that has an address is excluded".to_owned();
        screened.facts.outcome = LookupOutcome::Other(what);
    }
    let facts = excluded.into_iter().map(|what| Fact::new(EXCLUDED, what));
    screened.facts.facts.extend(facts);
    screened
}
