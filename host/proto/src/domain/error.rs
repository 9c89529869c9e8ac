//! Why a text is no domain, with the place and the remedy.

use thiserror::Error;

use super::name::{DOMAIN_INPUT_MAX, DOMAIN_NAME_MAX, LABEL_MAX};

/// What is wrong with a domain. Columns are 1-based, in characters of the text that was parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseDomainError {
    /// There is nothing to read.
    #[error("the domain is empty; write a full name such as example.com")]
    Empty,
    /// The text is longer than any domain can be, even before conversion.
    #[error(
        "the domain as written has {octets} octets, more than the {} that are read; shorten it",
        DOMAIN_INPUT_MAX
    )]
    InputTooLong {
        /// Octets found.
        octets: usize,
    },
    /// The name is too long for DNS.
    #[error(
        "the domain has {octets} octets as A-labels, more than the {} that DNS allows; shorten it",
        DOMAIN_NAME_MAX
    )]
    TooLong {
        /// Octets after conversion.
        octets: usize,
    },
    /// Two dots follow each other, or the name begins with a dot.
    #[error("the domain has an empty label; remove the extra dot")]
    EmptyLabel {
        /// Where the label should be.
        column: usize,
    },
    /// The name ends in a dot, as in a zone file.
    #[error("the domain ends with a dot, which mail does not allow; remove it")]
    TrailingDot {
        /// Where the dot is.
        column: usize,
    },
    /// A character that no host name contains.
    #[error("{found:?} cannot be in a domain; use letters, digits, hyphens and dots only")]
    UnexpectedCharacter {
        /// The character.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// A label begins or ends with a hyphen.
    #[error("the label {label:?} begins or ends with a hyphen; remove it")]
    HyphenAtEdge {
        /// The label as written.
        label: String,
        /// Where the label begins.
        column: usize,
    },
    /// A label is too long for DNS.
    #[error(
        "the label {label:?} has {octets} octets, more than the {} that DNS allows; shorten it",
        LABEL_MAX
    )]
    LabelTooLong {
        /// The label in its A-label form.
        label: String,
        /// Octets of that form.
        octets: usize,
        /// Where the label begins.
        column: usize,
    },
    /// A label breaks the rules of internationalised names.
    #[error(
        "the label {label:?} is no valid internationalised label (unassigned or disallowed \
         character, misplaced joiner or mark, or mixed writing direction); check its spelling"
    )]
    InvalidUnicodeLabel {
        /// The label as written.
        label: String,
        /// Where the label begins.
        column: usize,
    },
    /// A label claims to be an A-label and is none.
    #[error(
        "the label {label:?} begins with \"xn--\" but does not decode to a valid label; \
         write the name in its own script, or correct it"
    )]
    InvalidALabel {
        /// The label as written.
        label: String,
        /// Where the label begins.
        column: usize,
    },
    /// Labels that are valid one by one may not stand together.
    #[error(
        "the domain mixes labels of right-to-left and left-to-right scripts in a way that \
         RFC 5893 forbids; check its spelling"
    )]
    MixedDirections,
    /// The last label is a number: this is an address, or a typing error.
    #[error(
        "the last label {label:?} is a number, so this is no domain name; \
         write an address in brackets, as in [192.0.2.1]"
    )]
    NumericTopLevel {
        /// The label.
        label: String,
        /// Where the label begins.
        column: usize,
    },
    /// An address literal without its closing bracket, or with text after it.
    #[error("the address literal does not end with its \"]\"; close it and write nothing after it")]
    UnclosedLiteral {
        /// Where the bracket was expected.
        column: usize,
    },
    /// The literal is neither an IPv4 address nor `tag:content`.
    #[error("{found:?} is no address; write [192.0.2.1] in plain decimals, or [IPv6:2001:db8::1]")]
    InvalidLiteral {
        /// What stands between the brackets.
        found: String,
    },
    /// An IPv6 address without its tag.
    #[error("an IPv6 address literal needs its tag; write [IPv6:{found}]")]
    MissingIpv6Tag {
        /// What stands between the brackets.
        found: String,
    },
    /// What follows `IPv6:` is no IPv6 address.
    #[error(
        "{found:?} is no IPv6 address; write it without zone and port, as in [IPv6:2001:db8::1]"
    )]
    InvalidIpv6 {
        /// What follows the tag.
        found: String,
    },
}

impl ParseDomainError {
    /// A name for this kind of error that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "domain-empty",
            Self::InputTooLong { .. } => "domain-input-too-long",
            Self::TooLong { .. } => "domain-too-long",
            Self::EmptyLabel { .. } => "domain-label-empty",
            Self::TrailingDot { .. } => "domain-trailing-dot",
            Self::UnexpectedCharacter { .. } => "domain-unexpected-character",
            Self::HyphenAtEdge { .. } => "domain-label-hyphen",
            Self::LabelTooLong { .. } => "domain-label-too-long",
            Self::InvalidUnicodeLabel { .. } => "domain-label-invalid",
            Self::InvalidALabel { .. } => "domain-a-label-invalid",
            Self::MixedDirections => "domain-mixed-directions",
            Self::NumericTopLevel { .. } => "domain-numeric-top-level",
            Self::UnclosedLiteral { .. } => "literal-unclosed",
            Self::InvalidLiteral { .. } => "literal-invalid",
            Self::MissingIpv6Tag { .. } => "literal-ipv6-tag-missing",
            Self::InvalidIpv6 { .. } => "literal-ipv6-invalid",
        }
    }

    /// Where the fault is, counted in characters from 1.
    pub fn column(&self) -> usize {
        match self {
            Self::Empty
            | Self::InputTooLong { .. }
            | Self::TooLong { .. }
            | Self::MixedDirections
            | Self::InvalidLiteral { .. }
            | Self::MissingIpv6Tag { .. }
            | Self::InvalidIpv6 { .. } => 1,
            Self::EmptyLabel { column }
            | Self::TrailingDot { column }
            | Self::UnexpectedCharacter { column, .. }
            | Self::HyphenAtEdge { column, .. }
            | Self::LabelTooLong { column, .. }
            | Self::InvalidUnicodeLabel { column, .. }
            | Self::InvalidALabel { column, .. }
            | Self::NumericTopLevel { column, .. }
            | Self::UnclosedLiteral { column } => *column,
        }
    }
}
