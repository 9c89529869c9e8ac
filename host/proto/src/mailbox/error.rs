//! Why a text is no mailbox, with the place and the remedy.

use thiserror::Error;

use super::{ADDRESS_MAX, LOCAL_PART_MAX, LONG_ADDRESS_MAX, MAILBOX_INPUT_MAX};
use crate::domain::ParseDomainError;

/// What is wrong with an address. Columns are 1-based, in characters of the whole text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseMailboxError {
    /// There is nothing to read.
    #[error("the address is empty; write local-part@domain")]
    Empty,
    /// The text is longer than any address can be.
    #[error(
        "the text has {octets} octets, more than the {} that are read; check where it came from",
        MAILBOX_INPUT_MAX
    )]
    InputTooLong {
        /// Octets found.
        octets: usize,
    },
    /// A line end, NUL or another control character: it could end the command line.
    #[error("the control character {found:?} cannot be in an address; remove it")]
    ControlCharacter {
        /// The character.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// A path or a display name instead of a bare address.
    #[error("\"<\" and \">\" are no part of an address; write only what is between them")]
    AngleBracket {
        /// Where the bracket is.
        column: usize,
    },
    /// A source route (`@a,@b:user@c`), obsolete since RFC 2821.
    #[error("source routes are not supported; write only the last mailbox, after the colon")]
    SourceRoute {
        /// Where the route begins.
        column: usize,
    },
    /// A comment as message headers allow it.
    #[error("comments in parentheses are no part of an SMTP address; remove them")]
    Comment {
        /// Where the parenthesis is.
        column: usize,
    },
    /// White space outside of quotes.
    #[error("white space ({found:?}) is not allowed here; remove it, or quote the local part")]
    WhiteSpace {
        /// The character.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// A character that nobody sees, outside of quotes.
    #[error("the invisible character {found:?} was probably copied by mistake; remove it")]
    InvisibleCharacter {
        /// The character.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// A character that the local part may have only in quotes.
    #[error(
        "{found:?} cannot be in a local part without quotes; remove it, or quote the local part"
    )]
    UnexpectedCharacter {
        /// The character.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// A dot at the beginning or end of the local part, or two in a row.
    #[error(
        "a local part may not begin or end with a dot, nor have two in a row; \
         remove the dot, or quote the local part"
    )]
    MisplacedDot {
        /// Where the dot is.
        column: usize,
    },
    /// The quotes are never closed.
    #[error("the quoted local part has no closing quote; add it before the \"@\"")]
    UnclosedQuote,
    /// A backslash in quotes before a character outside of ASCII.
    #[error("a backslash may only stand before an ASCII character; remove the backslash")]
    EscapedNonAscii {
        /// Where the escaped character is.
        column: usize,
    },
    /// Something between the closing quote and the `@`.
    #[error("{found:?} follows the closing quote; put the whole local part in quotes")]
    TextAfterQuote {
        /// The first character after the quote.
        found: char,
        /// Where it is.
        column: usize,
    },
    /// There is no `@`.
    #[error("the \"@\" and the domain are missing; write local-part@domain")]
    MissingAt {
        /// Where the text ends.
        column: usize,
    },
    /// Nothing stands before the `@`.
    #[error("the local part is empty; write it before the \"@\"")]
    EmptyLocalPart,
    /// There is a second `@`.
    #[error(
        "there is a second \"@\"; write one address only, or quote a local part with \"@\" in it"
    )]
    SecondAt {
        /// Where it is.
        column: usize,
    },
    /// The local part is too long.
    #[error(
        "the local part has {octets} octets, more than the {} that all servers take; \
         check its spelling",
        LOCAL_PART_MAX
    )]
    LocalPartTooLong {
        /// Octets of the wire form.
        octets: usize,
    },
    /// The address is too long.
    #[error(
        "the address has {octets} octets, more than the {} that all servers take; \
         check its spelling",
        ADDRESS_MAX
    )]
    AddressTooLong {
        /// Octets of the wire form.
        octets: usize,
    },
    /// The address is too long for a command line.
    #[error(
        "the address has {octets} octets, more than the {} that fit into a command line; \
         no server can be asked",
        LONG_ADDRESS_MAX
    )]
    AddressUnsendable {
        /// Octets of the wire form.
        octets: usize,
    },
    /// The domain is at fault.
    #[error("{error}")]
    Domain {
        /// What is wrong with it; its own column counts from the `@`.
        error: ParseDomainError,
        /// Where the fault is in the whole text.
        column: usize,
    },
}

impl ParseMailboxError {
    /// A name for this kind of error that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::InputTooLong { .. } => "input-too-long",
            Self::ControlCharacter { .. } => "control-character",
            Self::AngleBracket { .. } => "angle-bracket",
            Self::SourceRoute { .. } => "source-route",
            Self::Comment { .. } => "comment",
            Self::WhiteSpace { .. } => "white-space",
            Self::InvisibleCharacter { .. } => "invisible-character",
            Self::UnexpectedCharacter { .. } => "unexpected-character",
            Self::MisplacedDot { .. } => "misplaced-dot",
            Self::UnclosedQuote => "unclosed-quote",
            Self::EscapedNonAscii { .. } => "escaped-non-ascii",
            Self::TextAfterQuote { .. } => "text-after-quote",
            Self::MissingAt { .. } => "missing-at",
            Self::EmptyLocalPart => "local-part-empty",
            Self::SecondAt { .. } => "second-at",
            Self::LocalPartTooLong { .. } => "local-part-too-long",
            Self::AddressTooLong { .. } => "address-too-long",
            Self::AddressUnsendable { .. } => "address-unsendable",
            Self::Domain { error, .. } => error.code(),
        }
    }

    /// Where the fault is, counted in characters from 1. Lengths are counted from the beginning.
    pub fn column(&self) -> usize {
        match self {
            Self::Empty
            | Self::InputTooLong { .. }
            | Self::UnclosedQuote
            | Self::EmptyLocalPart
            | Self::LocalPartTooLong { .. }
            | Self::AddressTooLong { .. }
            | Self::AddressUnsendable { .. } => 1,
            Self::ControlCharacter { column, .. }
            | Self::AngleBracket { column }
            | Self::SourceRoute { column }
            | Self::Comment { column }
            | Self::WhiteSpace { column, .. }
            | Self::InvisibleCharacter { column, .. }
            | Self::UnexpectedCharacter { column, .. }
            | Self::MisplacedDot { column }
            | Self::EscapedNonAscii { column }
            | Self::TextAfterQuote { column, .. }
            | Self::MissingAt { column }
            | Self::SecondAt { column }
            | Self::Domain { column, .. } => *column,
        }
    }
}
