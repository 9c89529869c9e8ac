//! `vrfy doctor`: what a receiving server would check of us, seen from here.
//!
//! ```text
//!            ┌── resolver, IPv6 ────────────────────────────> host findings
//! egresses ──┤
//!            └── source ── names ── sender ── SPF ── lists ─> findings, one set an egress
//! ```
//!
//! **Promises.** Every check of the [`CATALOGUE`] that has a subject is in the examination once
//! (blocklists once a zone), with what was seen as it came. A failure of DNS, or of a server on the
//! way, is "could not be told" and never a finding about us. Nothing is sent but questions to DNS
//! and dialogues up to RCPT with the sender's own exchanges and, where they are named, greetings of
//! others.
//!
//! **Does not** know what any one server really does: each has rules of its own.
//!
//! Read next: `doctor/catalogue.rs` (the checks), `doctor/spf.rs`, `docs/doctor.md`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::domain::{Domain, DomainName};
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::reverse_path::ReversePath;

pub use self::catalogue::{CATALOGUE, Check, Entry};
pub use self::finding::{Examination, Examined, Finding, Outcome};

use self::mail::Correspondence;
use self::port::Contact;
use self::reverse_dns::Reverse;
use self::source::Source;
use self::spf::Identity;
use crate::egress::{self, Egress, Leg};
use crate::executor::InProcess;

mod blocklist;
mod catalogue;
mod dns;
mod ehlo;
mod finding;
mod mail;
mod port;
mod resolver;
mod reverse_dns;
mod source;
mod spf;

/// What an examination needs.
pub struct Doctor {
    /// Who looks up and connects.
    pub executor: InProcess,
    /// The name servers that look-ups go to.
    pub resolvers: Vec<SocketAddr>,
    /// How long a name server may take.
    pub lookup_timeout: Duration,
    /// The zones of blocklists to ask.
    pub blocklists: Vec<DomainName>,
    /// Domains whose exchanges are greeted.
    pub targets: Vec<Domain>,
    /// The egresses to examine.
    pub egresses: Vec<Arc<Egress>>,
    /// The address that the outside sees, where the operator says it.
    pub public_address: Option<IpAddr>,
    /// Makes names that nobody has asked for before.
    pub chance: u64,
}

impl Doctor {
    /// Examines everything.
    pub async fn examine(&self) -> Examination {
        let asks_blocklists = !self.blocklists.is_empty();
        let timeout = self.lookup_timeout;
        let mut host =
            resolver::examine(&self.resolvers, asks_blocklists, self.chance, timeout).await;
        let mut egresses = Vec::new();
        for egress in &self.egresses {
            egresses.extend(self.examine_egress(egress).await);
        }
        let addresses: Vec<IpAddr> = egresses
            .iter()
            .filter_map(|egress| egress.address.as_deref()?.parse().ok())
            .collect();
        host.push(source::ipv6(&addresses, &self.executor.guard).await);
        Examination::new(host, egresses)
    }

    /// Examines every source address of an egress. What is about the sender and port 25 stands
    /// with the first.
    async fn examine_egress(&self, egress: &Arc<Egress>) -> Vec<Examined> {
        let Correspondence {
            findings,
            mut contacts,
        } = mail::examine(&self.executor, &self.executor.guard.exclusions, egress).await;
        for target in &self.targets {
            contacts.extend(port::greet(&self.executor, egress, target).await);
        }
        let mut own: Vec<IpAddr> = Vec::new();
        let mut examined = Vec::new();
        for (leg, is_v6) in source::legs(egress) {
            let (source, finding) = self.source(leg, is_v6, &contacts).await;
            own.extend([source.local, source.seen].into_iter().flatten());
            let mut checks = vec![finding];
            let (names, spf, lists) = tokio::join!(
                self.names(leg, source),
                self.spf(egress, leg, source),
                self.blocklists(source)
            );
            checks.extend(names.into_iter().chain(spf).chain(lists));
            examined.push(Examined {
                egress: egress.name.clone(),
                address: source
                    .seen
                    .or(source.local)
                    .map(|address| address.to_string()),
                ehlo_name: ehlo_name(leg, source),
                reverse_path: egress.reverse_path.address(),
                checks,
            });
        }
        if let Some(first) = examined.first_mut() {
            first.checks.extend(findings);
            first.checks.extend(port::judge(&contacts, &own));
        }
        for one in &mut examined {
            one.checks.sort_by_key(|finding| finding.check);
        }
        examined
    }

    /// The address bound, or the one that the system chooses on the way to an exchange.
    async fn source(&self, leg: &Leg, is_v6: bool, contacts: &[Contact]) -> (Source, Finding) {
        let bound = match leg.source {
            egress::Source::Address(address) => Some(address),
            egress::Source::System | egress::Source::None => None,
        };
        let mut local = bound;
        let met = contacts.iter().filter_map(|contact| contact.address);
        for outside in met.chain(source::OUTSIDE) {
            if local.is_none() && outside.is_ipv6() == is_v6 {
                local = source::chosen_for(outside).await;
            }
        }
        let public = self.public_address;
        let public = public.filter(|address| address.to_canonical().is_ipv6() == is_v6);
        source::judge(local, bound.is_some(), public, &self.executor.guard)
    }

    /// The name of the address and the EHLO name.
    async fn names(&self, leg: &Leg, source: Source) -> Vec<Finding> {
        let lookup = &self.executor.lookup;
        let reverse = match source.seen {
            Some(address) => reverse_dns::examine(lookup, address).await,
            None => Reverse::not_asked(),
        };
        let domain = leg.ehlo_name.as_ref().map(EhloName::domain);
        let names = reverse.names.as_deref();
        let mut findings = reverse.findings;
        findings.extend(ehlo::examine(lookup, domain, source.seen, names).await);
        findings
    }

    /// SPF of both identities (RFC 7208 sections 2.3 and 2.4).
    async fn spf(&self, egress: &Egress, leg: &Leg, source: Source) -> Vec<Finding> {
        let lookup = &self.executor.lookup;
        let ehlo = leg.ehlo_name.as_ref().map(EhloName::domain);
        let ehlo = ehlo.and_then(Domain::name).map(DomainName::as_str);
        let sender = match &egress.reverse_path {
            ReversePath::Mailbox(mailbox) => mailbox
                .domain()
                .name()
                .map(|domain| (domain.as_str(), mailbox.local_part())),
            ReversePath::Null => None,
        };
        let skipped = |check, why| Finding::skipped(check, why);
        let Some(address) = source.seen else {
            return [Check::SpfSender, Check::SpfEhlo]
                .map(|check| skipped(check, NO_ADDRESS))
                .into();
        };
        let identity = |check, domain, local_part| Identity {
            check,
            domain,
            local_part,
            ehlo: ehlo.unwrap_or(""),
        };
        let of_sender = match sender {
            Some((domain, local_part)) => {
                let identity = identity(Check::SpfSender, domain, local_part);
                spf::examine(lookup, identity, address).await
            }
            None => skipped(Check::SpfSender, "the reverse path has no domain name"),
        };
        let of_ehlo = match ehlo {
            Some(name) => {
                let identity = identity(Check::SpfEhlo, name, "postmaster");
                spf::examine(lookup, identity, address).await
            }
            None => skipped(Check::SpfEhlo, "there is no EHLO name"),
        };
        vec![of_sender, of_ehlo]
    }

    async fn blocklists(&self, source: Source) -> Vec<Finding> {
        let Some(address) = source.seen else {
            return vec![Finding::skipped(Check::Blocklist, NO_ADDRESS)];
        };
        if self.blocklists.is_empty() {
            let seen = "no list is named; name those that you may ask with --dnsbl";
            return vec![Finding::skipped(Check::Blocklist, seen)];
        }
        let mut findings = Vec::new();
        for zone in &self.blocklists {
            findings.push(blocklist::examine(&self.executor.lookup, zone, address).await);
        }
        findings
    }
}

/// Why what is about the address is not asked.
const NO_ADDRESS: &str = "the public address is not known; give it with --public-address";

/// What is given in EHLO.
fn ehlo_name(leg: &Leg, source: Source) -> String {
    match (&leg.ehlo_name, source.local) {
        (Some(name), _) => name.to_string(),
        (None, Some(local)) => EhloName::of_source(local).to_string(),
        (None, None) => String::new(),
    }
}
