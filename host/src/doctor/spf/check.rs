//! `check_host()` (RFC 7208 section 4): from an address and a domain to a result.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use ipnet::{Ipv4Net, Ipv6Net};
use vrfy_proto::mx::DnsAnswer;

use super::super::dns::{Dns, absence, reverse_name, same};
use super::macros::{DomainSpec, Values, is_name};
use super::record::{Directive, Lengths, Mechanism, Qualifier, Record, is_spf};
use crate::lookup::{QuestionKind, Records};

/// Terms that ask DNS, at most (section 4.6.4).
const LOOKUPS_MAX: usize = 10;

/// Questions without an answer, at most (section 4.6.4).
const VOIDS_MAX: usize = 2;

/// Exchanges of one `mx`, and names of one `ptr`, at most (section 4.6.4).
const NAMES_MAX: usize = 10;

/// Records that are told at most: one for each term that may ask DNS, and the first. A domain can
/// publish as many as a message of DNS carries.
const RECORDS_TOLD_MAX: usize = LOOKUPS_MAX + 1;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    /// The address; never an IPv4 address in IPv6 clothes.
    pub(super) ip: IpAddr,
    pub(super) local_part: &'a str,
    pub(super) sender_domain: &'a str,
    pub(super) ehlo: &'a str,
}

/// The result of an evaluation (section 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpfResult {
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

impl SpfResult {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// A result with what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    pub(super) result: SpfResult,
    /// The term that decided, or what is wrong.
    pub(super) why: String,
    /// Every record that was read, with its domain, in order.
    pub(super) records: Vec<(String, String)>,
    /// Terms that asked DNS.
    pub(super) lookups: usize,
}

/// Evaluates the record of the sender's domain.
pub(super) async fn check_host(dns: &impl Dns, query: Query<'_>) -> Evaluation {
    let mut walk = Walk {
        dns,
        query,
        lookups: 0,
        voids: 0,
        records: Vec::new(),
        names: None,
    };
    let domain = query.sender_domain.to_owned();
    let (result, why) = match walk.evaluate(domain).await {
        Ok(end) => end,
        Err(Stop::Temporary(why)) => (SpfResult::TempError, why),
        Err(Stop::Permanent(why)) => (SpfResult::PermError, why),
    };
    Evaluation {
        result,
        why,
        records: walk.records,
        lookups: walk.lookups,
    }
}

/// Why an evaluation cannot go on.
enum Stop {
    Temporary(String),
    Permanent(String),
}

type End = (SpfResult, String);

struct Walk<'a, D> {
    dns: &'a D,
    query: Query<'a>,
    lookups: usize,
    voids: usize,
    records: Vec<(String, String)>,
    /// The validated names of the address, once they have been asked for.
    names: Option<Vec<String>>,
}

impl<D: Dns> Walk<'_, D> {
    /// Evaluates the record of one domain. Boxed, because records include records; the limit of
    /// look-ups ends every circle.
    fn evaluate(
        &mut self,
        domain: String,
    ) -> Pin<Box<dyn Future<Output = Result<End, Stop>> + Send + '_>> {
        Box::pin(async move {
            let record = match self.record(&domain).await? {
                Ok(record) => record,
                Err(why) => return Ok((SpfResult::None, why)),
            };
            for directive in &record.directives {
                if let Some(how) = self.matches(directive, &domain).await? {
                    let result = match directive.qualifier {
                        Qualifier::Pass => SpfResult::Pass,
                        Qualifier::Fail => SpfResult::Fail,
                        Qualifier::SoftFail => SpfResult::SoftFail,
                        Qualifier::Neutral => SpfResult::Neutral,
                    };
                    let why = format!("\"{}\" of {domain} matches{how}", directive.text);
                    return Ok((result, why));
                }
            }
            match &record.redirect {
                Some(spec) if !record.has_all() => self.redirect(spec, &domain).await,
                _ => Ok((
                    SpfResult::Neutral,
                    format!("no mechanism of {domain} matches"),
                )),
            }
        })
    }

    /// The record of a domain, or in words why it has none.
    async fn record(&mut self, domain: &str) -> Result<Result<Record, String>, Stop> {
        if !is_name(domain) || !domain.contains('.') {
            return Ok(Err(format!("{domain} is no full domain name")));
        }
        let found = self.dns.ask(domain, QuestionKind::Txt).await;
        if found.answer.is_temporary() {
            let why = absence(&found.answer);
            return Err(Stop::Temporary(format!(
                "the record of {domain} is not known: {why}"
            )));
        }
        let texts: Vec<&[u8]> = found
            .texts()
            .into_iter()
            .filter(|text| is_spf(text))
            .collect();
        for text in &texts {
            if self.records.len() < RECORDS_TOLD_MAX {
                let text = String::from_utf8_lossy(text).into_owned();
                self.records.push((domain.to_owned(), text));
            }
        }
        match texts.as_slice() {
            [] => Ok(Err(format!("{domain} has no SPF record"))),
            [text] => match Record::parse(text) {
                Ok(record) => Ok(Ok(record)),
                Err(why) => {
                    let why = format!("the record of {domain} cannot be read: {why}");
                    Err(Stop::Permanent(why))
                }
            },
            several => {
                let why = format!(
                    "{domain} has {} SPF records, and may have one",
                    several.len()
                );
                Err(Stop::Permanent(why))
            }
        }
    }

    async fn redirect(&mut self, spec: &DomainSpec, domain: &str) -> Result<End, Stop> {
        self.count()?;
        let target = self.name(Some(spec), domain).await;
        let target = target.ok_or_else(|| nowhere("redirect", domain))?;
        match self.evaluate(target.clone()).await? {
            (SpfResult::None, _) => {
                let why = format!("{domain} redirects to {target}, which has no SPF record");
                Err(Stop::Permanent(why))
            }
            (result, why) => Ok((result, format!("{why} (by redirect from {domain})"))),
        }
    }

    /// How the mechanism matches, in words that may be empty; nothing where it does not.
    async fn matches(
        &mut self,
        directive: &Directive,
        domain: &str,
    ) -> Result<Option<String>, Stop> {
        let plainly = |matches: bool| Ok(matches.then(String::new));
        match &directive.mechanism {
            Mechanism::All => plainly(true),
            Mechanism::Ip4(network, length) => plainly(match self.query.ip {
                IpAddr::V4(ip) => {
                    Ipv4Net::new(*network, *length).is_ok_and(|net| net.contains(&ip))
                }
                IpAddr::V6(_) => false,
            }),
            Mechanism::Ip6(network, length) => plainly(match self.query.ip {
                IpAddr::V6(ip) => {
                    Ipv6Net::new(*network, *length).is_ok_and(|net| net.contains(&ip))
                }
                IpAddr::V4(_) => false,
            }),
            Mechanism::Include(spec) => self.include(spec, domain).await,
            Mechanism::A(spec, lengths) => {
                self.count()?;
                let Some(name) = self.name(spec.as_ref(), domain).await else {
                    return Ok(None);
                };
                let addresses = self.addresses(&name).await?;
                plainly(self.is_among(&addresses, *lengths))
            }
            Mechanism::Mx(spec, lengths) => self.mx(spec.as_ref(), *lengths, domain).await,
            Mechanism::Exists(spec) => {
                self.count()?;
                let Some(name) = self.name(Some(spec), domain).await else {
                    return Ok(None);
                };
                let found = self.ask(&name, QuestionKind::V4).await?;
                plainly(!found.addresses().is_empty())
            }
            Mechanism::Ptr(spec) => {
                self.count()?;
                let Some(target) = self.name(spec.as_ref(), domain).await else {
                    return Ok(None);
                };
                let names = self.validated_names().await?;
                let found = names.into_iter().find(|name| is_below(name, &target));
                Ok(found.map(|name| format!(" by the name {name}")))
            }
        }
    }

    async fn include(&mut self, spec: &DomainSpec, domain: &str) -> Result<Option<String>, Stop> {
        self.count()?;
        let target = self.name(Some(spec), domain).await;
        let target = target.ok_or_else(|| nowhere("include", domain))?;
        match self.evaluate(target.clone()).await? {
            (SpfResult::Pass, why) => Ok(Some(format!(", because {why}"))),
            (SpfResult::None, _) => {
                let why = format!("{domain} includes {target}, which has no SPF record");
                Err(Stop::Permanent(why))
            }
            _ => Ok(None),
        }
    }

    async fn mx(
        &mut self,
        spec: Option<&DomainSpec>,
        lengths: Lengths,
        domain: &str,
    ) -> Result<Option<String>, Stop> {
        self.count()?;
        let Some(name) = self.name(spec, domain).await else {
            return Ok(None);
        };
        let found = self.ask(&name, QuestionKind::Mx).await?;
        let exchanges = found.exchanges();
        if exchanges.len() > NAMES_MAX {
            let why = format!("{name} has more than {NAMES_MAX} exchanges for \"mx\"");
            return Err(Stop::Permanent(why));
        }
        for exchange in exchanges {
            let host = exchange.exchange.trim_end_matches('.').to_ascii_lowercase();
            if !is_name(&host) {
                continue;
            }
            let addresses = self.addresses(&host).await?;
            if self.is_among(&addresses, lengths) {
                return Ok(Some(format!(" by the exchange {host}")));
            }
        }
        Ok(None)
    }

    /// The name that a mechanism asks for; nothing where it is none that DNS can carry.
    async fn name(&mut self, spec: Option<&DomainSpec>, domain: &str) -> Option<String> {
        let Some(spec) = spec else {
            return Some(domain.to_owned());
        };
        let validated = match spec.needs_validated() {
            true => self.validated(domain).await,
            false => String::new(),
        };
        spec.expand(&Values {
            ip: self.query.ip,
            local_part: self.query.local_part,
            sender_domain: self.query.sender_domain,
            ehlo: self.query.ehlo,
            domain,
            validated: &validated,
        })
    }

    /// What `%{p}` stands for (section 7.3): best a name in the domain itself.
    async fn validated(&mut self, domain: &str) -> String {
        let names = self.validated_names().await.unwrap_or_default();
        let within = names.iter().find(|name| is_below(name, domain));
        let name = names.iter().find(|name| *name == domain).or(within);
        let name = name.or_else(|| names.first()).cloned();
        name.unwrap_or_else(|| "unknown".to_owned())
    }

    /// The names of the address that lead back to it (section 5.5). A failure of DNS is no name.
    async fn validated_names(&mut self) -> Result<Vec<String>, Stop> {
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        let question = reverse_name(self.query.ip);
        let found = self.dns.ask(&question, QuestionKind::Ptr).await;
        self.count_void(&found)?;
        let mut names = Vec::new();
        for name in found.names().into_iter().take(NAMES_MAX) {
            let addresses = self.dns.ask(name, self.address_kind()).await.addresses();
            if addresses
                .iter()
                .any(|address| same(*address, self.query.ip))
            {
                names.push(name.to_owned());
            }
        }
        self.names = Some(names.clone());
        Ok(names)
    }

    fn address_kind(&self) -> QuestionKind {
        match self.query.ip {
            IpAddr::V4(_) => QuestionKind::V4,
            IpAddr::V6(_) => QuestionKind::V6,
        }
    }

    async fn addresses(&mut self, name: &str) -> Result<Vec<IpAddr>, Stop> {
        Ok(self.ask(name, self.address_kind()).await?.addresses())
    }

    /// Asks for a mechanism: a failure ends the evaluation, too many empty answers do too.
    async fn ask(&mut self, name: &str, kind: QuestionKind) -> Result<Records, Stop> {
        let found = self.dns.ask(name, kind).await;
        if found.answer.is_temporary() {
            let why = absence(&found.answer);
            let kind = kind.as_str();
            return Err(Stop::Temporary(format!(
                "{kind} of {name} is not known: {why}"
            )));
        }
        self.count_void(&found)?;
        Ok(found)
    }

    fn is_among(&self, addresses: &[IpAddr], lengths: Lengths) -> bool {
        addresses
            .iter()
            .any(|address| match (address, self.query.ip) {
                (IpAddr::V4(network), IpAddr::V4(ip)) => {
                    Ipv4Net::new(*network, lengths.v4).is_ok_and(|net| net.contains(&ip))
                }
                (IpAddr::V6(network), IpAddr::V6(ip)) => {
                    Ipv6Net::new(*network, lengths.v6).is_ok_and(|net| net.contains(&ip))
                }
                _ => false,
            })
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > LOOKUPS_MAX {
            let why = format!("more than {LOOKUPS_MAX} terms ask DNS");
            return Err(Stop::Permanent(why));
        }
        Ok(())
    }

    fn count_void(&mut self, found: &Records) -> Result<(), Stop> {
        let is_void = match &found.answer {
            DnsAnswer::NoData | DnsAnswer::NxDomain => true,
            DnsAnswer::Records(records) => records.is_empty(),
            _ => false,
        };
        self.voids += usize::from(is_void);
        if self.voids > VOIDS_MAX {
            let why = format!("more than {VOIDS_MAX} terms ask for names that do not exist");
            return Err(Stop::Permanent(why));
        }
        Ok(())
    }
}

fn nowhere(term: &str, domain: &str) -> Stop {
    Stop::Permanent(format!(
        "\"{term}\" of {domain} leads to no name that can exist"
    ))
}

/// Whether a name is that domain or lies in it.
fn is_below(name: &str, domain: &str) -> bool {
    name == domain
        || name
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}
