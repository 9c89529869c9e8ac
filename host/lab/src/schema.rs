//! The scenario file as it is written: one type per table, unknown keys are errors.
//!
//! Nothing is resolved here; `scenario` checks how the tables fit together.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::answer::Answer;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) lab: LabTable,
    #[serde(default)]
    pub(crate) domain: Vec<DomainTable>,
    #[serde(default)]
    pub(crate) exchange: Vec<ExchangeTable>,
    #[serde(default)]
    pub(crate) host: Vec<HostTable>,
    #[serde(default)]
    pub(crate) blocklist: Vec<BlocklistTable>,
    #[serde(default)]
    pub(crate) bulk: Vec<BulkTable>,
}

/// `[lab]`: what holds for everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LabTable {
    /// Start of the jitter; the same seed gives the same delays in the same order.
    pub(crate) seed: u64,
    /// Wait before every SMTP reply.
    pub(crate) latency_ms: u64,
    /// Added to the latency, evenly spread from 0 to this.
    pub(crate) jitter_ms: u64,
    /// Wait before every DNS answer.
    pub(crate) dns_latency_ms: u64,
    /// Time to live of every DNS answer without one of its own.
    pub(crate) ttl_s: u32,
}

impl Default for LabTable {
    fn default() -> Self {
        Self {
            seed: 1,
            latency_ms: 0,
            jitter_ms: 0,
            dns_latency_ms: 0,
            ttl_s: 300,
        }
    }
}

/// `[[domain]]`: a mail domain, its MX records, its mailboxes, and often its only exchange.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainTable {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) about: String,
    /// `"10 mx.example.test"` or without the number; `[]`: no MX; `["0 ."]`: null MX.
    pub(crate) mx: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(crate) addresses: Vec<std::net::IpAddr>,
    pub(crate) cname: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) txt: Vec<String>,
    /// Addresses whose PTR record is this name.
    #[serde(default)]
    pub(crate) reverse: Vec<std::net::IpAddr>,
    pub(crate) dns: Option<Faults>,
    pub(crate) ttl_s: Option<u32>,
    /// The domain's own exchange: `mx.NAME`, or NAME itself when there is no MX.
    pub(crate) exchange: Option<ExchangeTable>,
    /// The answer for local parts that no mailbox line names.
    pub(crate) others: Option<Answer>,
    #[serde(default)]
    pub(crate) mailboxes: Vec<MailboxTable>,
}

/// One line of `mailboxes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailboxTable {
    /// The local part as it appears in RCPT.
    pub(crate) name: Spanned<String>,
    /// Without it the mailbox exists: `accepts`.
    pub(crate) rcpt: Option<Answer>,
    pub(crate) expect: Option<Expectation>,
    #[serde(default)]
    pub(crate) about: String,
}

/// What a right policy says in the end about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// The mailbox exists and takes mail.
    Deliverable,
    /// It does not.
    Undeliverable,
    /// It may exist, or may not take mail: accept-all, full, unverified.
    Risky,
    /// Nothing about the mailbox can be learnt now.
    Unknown,
}

impl std::fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Deliverable => "deliverable",
            Self::Undeliverable => "undeliverable",
            Self::Risky => "risky",
            Self::Unknown => "unknown",
        })
    }
}

/// `[[exchange]]`, or `exchange.…` inside a domain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExchangeTable {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) on: OnTable,
    pub(crate) limit: LimitTable,
    /// EHLO keywords; STARTTLS is added by `tls`.
    pub(crate) offers: Option<Vec<String>>,
    /// EHLO keywords once TLS is on, when they differ.
    pub(crate) offers_after_tls: Option<Vec<String>>,
    pub(crate) tls: TlsMode,
    pub(crate) listen: Listen,
    /// DNS addresses instead of the one on loopback where it listens.
    pub(crate) addresses: Vec<std::net::IpAddr>,
    /// Every new (client, sender, recipient) is put off until this time has passed.
    pub(crate) greylist_s: Option<f64>,
    pub(crate) latency_ms: Option<u64>,
    pub(crate) jitter_ms: Option<u64>,
    /// Wait before every octet of a reply.
    pub(crate) trickle_ms: u64,
}

/// `exchange.on`: answers that differ from a well-behaved server's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OnTable {
    pub(crate) greeting: Option<Answer>,
    pub(crate) ehlo: Option<Answer>,
    pub(crate) helo: Option<Answer>,
    pub(crate) starttls: Option<Answer>,
    pub(crate) mail: Option<Answer>,
    /// MAIL with the null reverse-path.
    pub(crate) null_sender: Option<Answer>,
    /// MAIL before TLS.
    pub(crate) clear_mail: Option<Answer>,
    /// RCPT, whoever is asked for.
    pub(crate) rcpt: Option<Answer>,
    /// RCPT while greylisted; `{seconds}` is what remains.
    pub(crate) greylist: Option<Answer>,
    pub(crate) rset: Option<Answer>,
    pub(crate) quit: Option<Answer>,
}

/// `exchange.limit`: what the exchange counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitTable {
    /// Recipients in one transaction; more get `too-many`.
    pub(crate) recipients: Option<usize>,
    /// Recipients of one client in `rate_window_s`; more get `rate`.
    pub(crate) rate_after: Option<usize>,
    pub(crate) rate_window_s: Option<f64>,
    pub(crate) rate: Option<Answer>,
    /// Refused recipients in one session; the next one gets 421.
    pub(crate) refused: Option<usize>,
    /// Sessions of one client at once; more are greeted with 421.
    pub(crate) sessions: Option<usize>,
}

/// What STARTTLS leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TlsMode {
    /// Not offered.
    #[default]
    Off,
    /// A certificate of the lab's authority for the exchange's name.
    Good,
    /// The same, but no longer valid.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// Of the lab's authority, for another name.
    WrongName,
    /// Octets that are no TLS record, then the end of the connection.
    Broken,
    /// The handshake is never answered.
    Stalls,
}

/// Where an exchange listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Listen {
    /// On a loopback address of its own.
    #[default]
    Loopback,
    /// Nowhere: its address refuses connections.
    Dead,
    /// On a loopback address of its own that neither takes nor refuses connections, as behind a
    /// firewall.
    Silent,
    /// On `::1`; one exchange of a scenario can.
    Ipv6,
    /// On `::1` and on a loopback address of its own.
    Both,
}

/// `[[host]]`: any other name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostTable {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) addresses: Vec<std::net::IpAddr>,
    pub(crate) cname: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) txt: Vec<String>,
    /// Addresses whose PTR record is this name.
    #[serde(default)]
    pub(crate) reverse: Vec<std::net::IpAddr>,
    pub(crate) dns: Option<Faults>,
    pub(crate) ttl_s: Option<u32>,
}

/// `[[blocklist]]`: a zone of listed addresses (RFC 5782).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlocklistTable {
    pub(crate) zone: Spanned<String>,
    #[serde(default)]
    pub(crate) listed: Vec<ListedTable>,
    /// Whether the test entries of RFC 5782 section 5 are there.
    #[serde(default = "yes")]
    pub(crate) test: bool,
    /// What is said about every other address; without it the address is not listed.
    pub(crate) others: Option<ListingTable>,
}

/// One line of `listed`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedTable {
    pub(crate) address: std::net::IpAddr,
    #[serde(default = "listed")]
    pub(crate) answer: std::net::Ipv4Addr,
    pub(crate) txt: Option<String>,
}

/// What a list says about an address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListingTable {
    #[serde(default = "listed")]
    pub(crate) answer: std::net::Ipv4Addr,
    pub(crate) txt: Option<String>,
}

/// `dns`: one fault for every question about the name, or one a record type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Faults {
    All(Fault),
    ByType(BTreeMap<FaultyType, Fault>),
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FaultsVisitor)
    }
}

struct FaultsVisitor;

impl<'de> Visitor<'de> for FaultsVisitor {
    type Value = Faults;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .write_str("a fault such as \"servfail\", or a table such as { mx = \"servfail\" }")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Faults, E> {
        Fault::deserialize(word.into_deserializer()).map(Faults::All)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Faults, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Faults::ByType)
    }
}

/// The record types that a scenario can break one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FaultyType {
    Mx,
    A,
    Aaaa,
    Txt,
    Ptr,
    Cname,
}

/// What the DNS server does instead of answering well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    Nxdomain,
    NoData,
    Servfail,
    Refused,
    /// No answer at all.
    TimeOut,
    /// Empty and marked as truncated over UDP, whole over TCP.
    Truncated,
    /// The same, and TCP closes without an answer.
    TruncatedForGood,
    /// Octets that are no DNS message.
    Garbage,
    /// A good answer under another identifier.
    WrongId,
    /// The names of other servers, as from one that does not look names up for others.
    Lame,
    /// SERVFAIL, unless signatures are not to be checked.
    Bogus,
}

/// `[[bulk]]`: many domains and mailboxes by pattern, for load.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkTable {
    pub(crate) domains: Spanned<usize>,
    pub(crate) mailboxes: Spanned<usize>,
    /// `{n}` counts the domains from 1.
    #[serde(default = "bulk_domain")]
    pub(crate) name: String,
    /// `{n}` counts the mailboxes from 1, over all domains.
    #[serde(default = "bulk_mailbox")]
    pub(crate) mailbox: String,
    /// `{n}` counts the exchanges from 1.
    #[serde(default = "bulk_exchange")]
    pub(crate) exchange_name: String,
    /// How many domains share an exchange.
    #[serde(default = "one")]
    pub(crate) domains_per_exchange: Spanned<usize>,
    pub(crate) latency_ms: Option<u64>,
    #[serde(default)]
    pub(crate) exchange: ExchangeTable,
    /// What the mailboxes are, in turn.
    #[serde(default)]
    pub(crate) mix: Vec<MixTable>,
}

/// One line of `mix`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MixTable {
    pub(crate) rcpt: Answer,
    pub(crate) expect: Option<Expectation>,
}

fn bulk_domain() -> String {
    "d{n}.load.test".to_owned()
}

fn bulk_mailbox() -> String {
    "user{n}".to_owned()
}

fn bulk_exchange() -> String {
    "mx{n}.pool.test".to_owned()
}

fn yes() -> bool {
    true
}

/// The answer that lists without several reasons give (RFC 5782 section 2.1).
fn listed() -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::new(127, 0, 0, 2)
}

fn one() -> Spanned<usize> {
    Spanned::new(0..0, 1)
}
