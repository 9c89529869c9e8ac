//! An SPF record: its terms, read whole before any of them is used, because one that breaks the
//! grammar spoils the record (RFC 7208 section 4.6).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::macros::{DomainSpec, check_macro_string};

/// Octets of a record that are read: the records that are in use stay below 2,000, and what does
/// not fit into a message of DNS cannot come.
const RECORD_MAX: usize = 16 * 1024;

/// A record, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// In their order.
    pub(super) directives: Vec<Directive>,
    /// Where to go on when none matches.
    pub(super) redirect: Option<DomainSpec>,
}

/// A mechanism, and what it means when it matches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) qualifier: Qualifier,
    pub(super) mechanism: Mechanism,
    /// As it stands in the record.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(DomainSpec),
    A(Option<DomainSpec>, Lengths),
    Mx(Option<DomainSpec>, Lengths),
    Ptr(Option<DomainSpec>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(DomainSpec),
}

/// Lengths of the prefixes that `a` and `mx` compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

/// Whether a TXT record is an SPF record (RFC 7208 section 4.5).
pub(super) fn is_spf(text: &[u8]) -> bool {
    let head = text.get(..VERSION.len());
    let is_version = head.is_some_and(|head| head.eq_ignore_ascii_case(VERSION));
    is_version && matches!(text.get(VERSION.len()), None | Some(b' '))
}

const VERSION: &[u8] = b"v=spf1";

impl Record {
    /// Reads a record; the error says which term is at fault.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > RECORD_MAX {
            return Err(format!("the record has more than {RECORD_MAX} octets"));
        }
        let is_clean = text.iter().all(|octet| matches!(octet, b' '..=b'~'));
        let text = match std::str::from_utf8(text) {
            Ok(text) if is_clean => text,
            _ => return Err("the record holds what is no printable ASCII".to_owned()),
        };
        let mut record = Self {
            directives: Vec::new(),
            redirect: None,
        };
        let mut has_exp = false;
        let terms = text[VERSION.len()..].split(' ');
        for term in terms.filter(|term| !term.is_empty()) {
            let fault = |why: &str| format!("\"{term}\": {why}");
            let Some((name, value)) = modifier(term) else {
                record
                    .directives
                    .push(directive(term).map_err(|why| fault(&why))?);
                continue;
            };
            let repeated = match name.to_ascii_lowercase().as_str() {
                "redirect" => {
                    let spec = DomainSpec::parse(value).map_err(|why| fault(&why))?;
                    record.redirect.replace(spec).is_some()
                }
                "exp" => {
                    DomainSpec::parse(value).map_err(|why| fault(&why))?;
                    std::mem::replace(&mut has_exp, true)
                }
                _ => {
                    check_macro_string(value).map_err(|why| fault(&why))?;
                    false
                }
            };
            if repeated {
                return Err(fault("this modifier stands there twice"));
            }
        }
        Ok(record)
    }

    /// Whether nothing can come after the directives.
    pub(super) fn has_all(&self) -> bool {
        let mut directives = self.directives.iter();
        directives.any(|directive| directive.mechanism == Mechanism::All)
    }
}

/// Name and value, if the term is a modifier.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let first = name.bytes().next()?;
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (first.is_ascii_alphabetic() && name.bytes().all(legal)).then_some((name, value))
}

fn directive(term: &str) -> Result<Directive, String> {
    let (qualifier, rest) = match term.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, &term[1..]),
        Some(b'-') => (Qualifier::Fail, &term[1..]),
        Some(b'~') => (Qualifier::SoftFail, &term[1..]),
        Some(b'?') => (Qualifier::Neutral, &term[1..]),
        _ => (Qualifier::Pass, term),
    };
    Ok(Directive {
        qualifier,
        mechanism: mechanism(rest)?,
        text: term.to_owned(),
    })
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let name = name.to_ascii_lowercase();
    let value = rest.strip_prefix(':');
    let needed = || match value {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("{name} needs a value")),
    };
    Ok(match name.as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "all" => return Err("all takes no value".to_owned()),
        "include" => Mechanism::Include(DomainSpec::parse(needed()?)?),
        "exists" => Mechanism::Exists(DomainSpec::parse(needed()?)?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(DomainSpec::parse(needed()?)?)),
        "a" | "mx" => {
            let (spec, lengths) = host(rest)?;
            match name.as_str() {
                "a" => Mechanism::A(spec, lengths),
                _ => Mechanism::Mx(spec, lengths),
            }
        }
        "ip4" => {
            let (address, length) = network(needed()?, 32)?;
            let address = address.parse();
            Mechanism::Ip4(address.map_err(|_| "this is no IPv4 address")?, length)
        }
        "ip6" => {
            let (address, length) = network(needed()?, 128)?;
            let address = address.parse();
            Mechanism::Ip6(address.map_err(|_| "this is no IPv6 address")?, length)
        }
        _ => return Err("no such mechanism".to_owned()),
    })
}

/// `[":" domain-spec] [ip4-cidr-length] ["/" ip6-cidr-length]`.
fn host(text: &str) -> Result<(Option<DomainSpec>, Lengths), String> {
    let (before, v4, v6) = cut_lengths(text);
    let lengths = Lengths {
        v4: v4.map_or(Ok(32), |digits| length(digits, 32))?,
        v6: v6.map_or(Ok(128), |digits| length(digits, 128))?,
    };
    let spec = match before.strip_prefix(':') {
        Some(spec) => Some(DomainSpec::parse(spec)?),
        None if before.is_empty() => None,
        None => return Err(format!("\"{before}\" is no prefix length")),
    };
    Ok((spec, lengths))
}

/// Cuts `/24`, `//64` or `/24//64` off the end.
fn cut_lengths(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let number = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let (text, v6) = match text.rsplit_once("//") {
        Some((before, digits)) if number(digits) => (before, Some(digits)),
        _ => (text, None),
    };
    match text.rsplit_once('/') {
        Some((before, digits)) if number(digits) => (before, Some(digits), v6),
        _ => (text, None, v6),
    }
}

fn network(text: &str, most: u8) -> Result<(&str, u8), String> {
    match text.split_once('/') {
        Some((address, digits)) => Ok((address, length(digits, most)?)),
        None => Ok((text, most)),
    }
}

/// A prefix length without leading zeros.
fn length(digits: &str, most: u8) -> Result<u8, String> {
    let is_number = digits.bytes().all(|octet| octet.is_ascii_digit());
    let is_plain = digits == "0" || !digits.starts_with('0');
    match digits.parse() {
        Ok(length) if is_number && is_plain && length <= most => Ok(length),
        _ => Err(format!("\"/{digits}\" is no prefix length up to {most}")),
    }
}
