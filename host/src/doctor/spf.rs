//! SPF: whether a domain permits an address to send for it (RFC 7208).
//!
//! **Promises.** The whole of `check_host()` but the explanation: all mechanisms, `redirect`,
//! macros, the limits of section 4.6.4. The record, the term that decided and what was wrong are
//! told with the result, because whoever has to mend a record needs them.
//!
//! **Does not** fetch explanations (`exp`), which are for the sender of a message.
//!
//! Read next: `spf/check.rs` (the evaluation), `spf/record.rs`, `spf/macros.rs`.

use std::net::IpAddr;

use super::catalogue::Check;
use super::dns::Dns;
use super::finding::{Finding, Outcome};

use self::check::{Evaluation, Query, SpfResult, check_host};

mod check;
mod macros;
mod record;
#[cfg(test)]
mod tests;

/// Octets of a record that are shown.
const RECORD_SHOWN_MAX: usize = 500;

/// Whose record is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    /// Which check it is: that of the sender or that of the EHLO name.
    pub(crate) check: Check,
    /// The domain.
    pub(crate) domain: &'a str,
    /// The local part; `postmaster` for the EHLO name (section 2.4).
    pub(crate) local_part: &'a str,
    /// The EHLO name.
    pub(crate) ehlo: &'a str,
}

/// Evaluates the record of an identity for an address.
pub(crate) async fn examine(dns: &impl Dns, identity: Identity<'_>, ip: IpAddr) -> Finding {
    let query = Query {
        ip: ip.to_canonical(),
        local_part: identity.local_part,
        sender_domain: identity.domain,
        ehlo: identity.ehlo,
    };
    let evaluation = check_host(dns, query).await;
    judge(identity, ip, &evaluation)
}

fn judge(identity: Identity<'_>, ip: IpAddr, evaluation: &Evaluation) -> Finding {
    let Identity { check, domain, .. } = identity;
    let result = evaluation.result;
    let is_sender = check == Check::SpfSender;
    let outcome = match result {
        SpfResult::Pass => Outcome::Ok,
        SpfResult::Fail | SpfResult::PermError => Outcome::Failed,
        SpfResult::SoftFail | SpfResult::Neutral => Outcome::Warning,
        SpfResult::None if is_sender => Outcome::Warning,
        SpfResult::None => Outcome::Note,
        SpfResult::TempError => Outcome::Unknown,
    };
    let mut seen = format!("{}: {}", result.as_str(), evaluation.why);
    if !matches!(result, SpfResult::None | SpfResult::TempError) {
        seen = format!("{seen}, for {ip}");
    }
    let finding = match outcome {
        Outcome::Unknown => Finding::unknown(check, seen),
        outcome => Finding::new(check, outcome, seen),
    };
    let finding = match remedy(result, is_sender) {
        Some(remedy) => finding.remedy(remedy),
        None => finding,
    };
    let finding = finding
        .with("domain", domain)
        .with("result", result.as_str())
        .with("lookups", evaluation.lookups.to_string());
    let records = evaluation.records.iter();
    records.fold(finding, |finding, (domain, record)| {
        let record: String = record.chars().take(RECORD_SHOWN_MAX).collect();
        finding.with("record", format!("{domain}: {record}"))
    })
}

fn remedy(result: SpfResult, is_sender: bool) -> Option<&'static str> {
    match result {
        SpfResult::None if is_sender => Some(
            "publish an SPF record at the domain of --mail-from that permits the source address, \
             such as \"v=spf1 mx ip4:ADDRESS -all\"",
        ),
        SpfResult::PermError => Some(
            "mend the record: servers treat one that they cannot evaluate as if it were not \
             there, or refuse (RFC 7208 section 8.7)",
        ),
        _ => None,
    }
}
