//! The argument of EHLO: who we say we are (RFC 5321 sections 4.1.1.1 and 4.1.4).
//!
//! **Promises.** An [`EhloName`] in hand is a full name of at least two labels, in A-labels even
//! where SMTPUTF8 is in use (RFC 6531 section 3.7.1), or an address literal. Names that receivers
//! know for a careless set-up (`localhost` and what lies below it, a single label, an address
//! without brackets) are refused when settings are read, not when the first server laughs.
//!
//! **Does not** check that the name resolves, or that a literal is the source address of the
//! connection; where there is no name, [`EhloName::of_source`] writes that address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::domain::{AddressLiteral, Domain, DomainName, ParseDomainError};

/// Who we are in EHLO and HELO. `Display` is the argument as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EhloName {
    domain: Domain,
}

impl EhloName {
    /// Reads a name or an address literal.
    pub fn parse(text: &str) -> Result<Self, ParseEhloNameError> {
        let domain = Domain::parse(text).map_err(|error| ParseEhloNameError::Domain {
            text: text.to_owned(),
            error,
        })?;
        match &domain {
            Domain::Name(name) => check_name(name)?,
            Domain::Literal(AddressLiteral::General { .. }) => {
                return Err(ParseEhloNameError::UnknownLiteral {
                    literal: domain.to_string(),
                });
            }
            Domain::Literal(_) => {}
        }
        Ok(Self { domain })
    }

    /// The literal of the address that connections leave from, for want of a name.
    pub fn of_source(address: IpAddr) -> Self {
        Self {
            domain: Domain::Literal(address.into()),
        }
    }

    /// The name or literal.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }
}

impl fmt::Display for EhloName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.domain.fmt(out)
    }
}

impl FromStr for EhloName {
    type Err = ParseEhloNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text cannot be the argument of EHLO.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseEhloNameError {
    /// It is neither a name nor a literal.
    #[error("the EHLO name {text:?} is not valid: {error}")]
    Domain {
        /// The text.
        text: String,
        /// What is wrong with it.
        error: ParseDomainError,
    },
    /// One label only.
    #[error(
        "the EHLO name {name:?} is a single label; write the full name of this host, \
         such as probe.example.com"
    )]
    SingleLabel {
        /// The name.
        name: String,
    },
    /// A name of the loopback address.
    #[error(
        "the EHLO name {name:?} means this very host to everybody; write the public name of the \
         host, such as probe.example.com"
    )]
    Localhost {
        /// The name.
        name: String,
    },
    /// A literal that servers cannot understand.
    #[error("the EHLO name {literal} is no IPv4 or IPv6 literal; write the full name of this host")]
    UnknownLiteral {
        /// The literal.
        literal: String,
    },
}

impl ParseEhloNameError {
    /// A name for this kind of error that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Domain { error, .. } => error.code(),
            Self::SingleLabel { .. } => "ehlo-name-single-label",
            Self::Localhost { .. } => "ehlo-name-localhost",
            Self::UnknownLiteral { .. } => "ehlo-name-unknown-literal",
        }
    }

    /// Where the fault is, counted in characters from 1.
    pub fn column(&self) -> usize {
        match self {
            Self::Domain { error, .. } => error.column(),
            Self::SingleLabel { .. } | Self::Localhost { .. } | Self::UnknownLiteral { .. } => 1,
        }
    }
}

fn check_name(name: &DomainName) -> Result<(), ParseEhloNameError> {
    let is_local = |label: &str| matches!(label, "localhost" | "localdomain");
    let ends_local = name.labels().next_back().is_some_and(is_local);
    if ends_local || name.labels().next() == Some("localhost") {
        return Err(ParseEhloNameError::Localhost {
            name: name.to_string(),
        });
    }
    if name.is_single_label() {
        return Err(ParseEhloNameError::SingleLabel {
            name: name.to_string(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> &'static str {
        EhloName::parse(text).unwrap_err().code()
    }

    #[test]
    fn a_full_name_is_sent_in_a_labels() {
        for (given, sent) in [
            ("Probe.Example.COM", "probe.example.com"),
            ("probe.bücher.example", "probe.xn--bcher-kva.example"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[ipv6:2001:DB8:0::1]", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(EhloName::parse(given).unwrap().to_string(), sent);
        }
    }

    #[test]
    fn names_of_a_careless_set_up_are_refused() {
        for (given, code) in [
            ("", "domain-empty"),
            ("localhost", "ehlo-name-localhost"),
            ("LOCALHOST", "ehlo-name-localhost"),
            ("db.localhost", "ehlo-name-localhost"),
            ("localhost.localdomain", "ehlo-name-localhost"),
            ("localhost.example.com", "ehlo-name-localhost"),
            ("probe", "ehlo-name-single-label"),
            ("my_host.example.com", "domain-unexpected-character"),
            ("probe.example.com.", "domain-trailing-dot"),
            ("probe.example.com extra", "domain-unexpected-character"),
            ("probe.example.com\r\nRSET", "domain-unexpected-character"),
            ("192.0.2.1", "domain-numeric-top-level"),
            ("[2001:db8::1]", "literal-ipv6-tag-missing"),
            ("[IPv6:fe80::1%eth0]", "literal-ipv6-invalid"),
            ("[x400:abc]", "ehlo-name-unknown-literal"),
        ] {
            assert_eq!(code_of(given), code, "{given:?}");
        }
    }

    #[test]
    fn without_a_name_the_source_address_is_written_with_its_tag() {
        let v4 = EhloName::of_source("192.0.2.7".parse().unwrap());
        let v6 = EhloName::of_source("2001:db8::7".parse().unwrap());
        assert_eq!(v4.to_string(), "[192.0.2.7]");
        assert_eq!(v6.to_string(), "[IPv6:2001:db8::7]");
        assert_eq!(EhloName::parse("[IPv6:2001:db8::7]").unwrap(), v6);
    }
}
