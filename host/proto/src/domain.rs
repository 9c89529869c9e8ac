//! The right-hand side of a mailbox: a domain name or an address literal (RFC 5321 section 4.1.2).
//!
//! **Promises.** A [`DomainName`] in hand is a full name in lower-case A-labels: letters, digits
//! and inner hyphens, labels of 1 to [`LABEL_MAX`] octets, [`DOMAIN_NAME_MAX`] octets in all, no
//! trailing dot, not a number at the top. Two names that differ only in case, width, normal form or
//! in the choice of U-label and A-label are equal. What goes on the wire is ASCII.
//!
//! Internationalised names are mapped by UTS #46 (non-transitional: `ß` stays `ß`), which is what
//! people type into browsers: capitals, full-width letters and ideographic dots are understood. The
//! checks for hyphens, letters-digits-hyphens, bidi and joiners are on. UTS #46 lets some symbols
//! through that RFC 5892 disallows; names with them are registered and receive mail, so they pass.
//!
//! **Does not** look anything up, complete a name from a search list, or judge whether it exists.
//! Names that are reserved are parsed like all others; [`DomainName::special_use`] tells.
//!
//! Read next: [`crate::mailbox`], [`crate::special_use`].

use std::fmt;
use std::net::IpAddr;

pub use self::error::ParseDomainError;
pub use self::literal::AddressLiteral;
pub use self::name::{DOMAIN_INPUT_MAX, DOMAIN_NAME_MAX, DomainName, LABEL_MAX};

mod error;
mod literal;
mod name;

/// Where a mailbox lives: behind a name that DNS knows, or at an address written out.
///
/// `Display` is the form that goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// A name; its exchanges are found through DNS.
    Name(DomainName),
    /// An address in brackets; DNS has no part in it.
    Literal(AddressLiteral),
}

impl Domain {
    /// Reads what stands after the `@`: a name, or a literal if it starts with `[`.
    pub fn parse(text: &str) -> Result<Self, ParseDomainError> {
        if text.starts_with('[') {
            AddressLiteral::parse(text).map(Self::Literal)
        } else {
            DomainName::parse(text).map(Self::Name)
        }
    }

    /// The name, unless this is a literal.
    pub fn name(&self) -> Option<&DomainName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Literal(_) => None,
        }
    }

    /// The address of a literal; nothing for names and for literals of an unknown kind.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Literal(literal) => literal.ip(),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(out),
            Self::Literal(literal) => literal.fmt(out),
        }
    }
}

/// The 1-based position, in characters, of the character that starts at `offset` octets.
pub(crate) fn column_at(text: &str, offset: usize) -> usize {
    text.char_indices()
        .take_while(|(start, _)| *start < offset)
        .count()
        + 1
}

#[cfg(test)]
mod tests;
