//! Address literals: `[192.0.2.1]`, `[IPv6:2001:db8::1]` and the general `[tag:content]`
//! (RFC 5321 section 4.1.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::column_at;
use super::error::ParseDomainError;
use super::name::DOMAIN_INPUT_MAX;

/// An address written in place of a name. `Display` is the wire form with its brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressLiteral {
    /// An IPv4 address in plain decimals; octal and short forms are refused.
    V4(Ipv4Addr),
    /// An IPv6 address behind its tag; zones are refused.
    V6(Ipv6Addr),
    /// A kind that no standard has defined so far: it can be written, but nobody can be asked.
    General {
        /// The kind of address, as given.
        tag: String,
        /// The address, as given.
        content: String,
    },
}

impl AddressLiteral {
    /// Reads a literal with its brackets.
    pub fn parse(text: &str) -> Result<Self, ParseDomainError> {
        if text.len() > DOMAIN_INPUT_MAX {
            return Err(ParseDomainError::InputTooLong { octets: text.len() });
        }
        let Some(opened) = text.strip_prefix('[') else {
            return Err(ParseDomainError::InvalidLiteral {
                found: text.to_owned(),
            });
        };
        let Some(inner) = opened
            .strip_suffix(']')
            .filter(|inner| !inner.contains(']'))
        else {
            let after = text.find(']').map_or(text.len(), |bracket| bracket + 1);
            return Err(ParseDomainError::UnclosedLiteral {
                column: column_at(text, after),
            });
        };
        parse_inner(inner)
    }

    /// The address, unless the kind is unknown.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
            Self::General { .. } => None,
        }
    }
}

impl From<IpAddr> for AddressLiteral {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for AddressLiteral {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => write!(out, "[{address}]"),
            Self::V6(address) => write!(out, "[IPv6:{address}]"),
            Self::General { tag, content } => write!(out, "[{tag}:{content}]"),
        }
    }
}

fn parse_inner(inner: &str) -> Result<AddressLiteral, ParseDomainError> {
    if let Ok(address) = inner.parse() {
        return Ok(AddressLiteral::V4(address));
    }
    if inner.parse::<Ipv6Addr>().is_ok() {
        return Err(ParseDomainError::MissingIpv6Tag {
            found: inner.to_owned(),
        });
    }
    let Some((tag, content)) = inner.split_once(':') else {
        return Err(ParseDomainError::InvalidLiteral {
            found: inner.to_owned(),
        });
    };
    if tag.eq_ignore_ascii_case("IPv6") {
        return content.parse().map(AddressLiteral::V6).map_err(|_| {
            ParseDomainError::InvalidIpv6 {
                found: content.to_owned(),
            }
        });
    }
    if is_tag(tag) && !content.is_empty() && content.bytes().all(is_dcontent) {
        return Ok(AddressLiteral::General {
            tag: tag.to_owned(),
            content: content.to_owned(),
        });
    }
    Err(ParseDomainError::InvalidLiteral {
        found: inner.to_owned(),
    })
}

/// `Standardized-tag = Ldh-str`: letters, digits, hyphens, and no hyphen at the end.
fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && !tag.ends_with('-')
        && tag
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

/// `dcontent`: printable ASCII without `[`, `\` and `]`.
fn is_dcontent(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'[' | b'\\' | b']')
}
