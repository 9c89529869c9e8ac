//! A mailbox as SMTP writes it: `local-part@domain` (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
//!
//! **Promises.** A [`Mailbox`] in hand is syntactically valid and fits into one command line: no
//! control characters, local part of at most [`LOCAL_PART_MAX`] octets, address of at most
//! [`ADDRESS_MAX`]. The text that it was read from is kept beside it. The local part is never
//! altered: case, dots and tags belong to the domain's own host. Only quoting that is not needed is
//! left out (`"ab"` becomes `ab`). Printing and parsing again gives an equal mailbox.
//!
//! Two mailboxes are equal when their domains are equal without regard to case and their local
//! parts with regard to it; `postmaster` is the one local part that is compared without (RFC 5321
//! section 4.5.1).
//!
//! **Does not** read what message headers allow: comments, folding space, display names, obsolete
//! forms. Source routes and angle brackets are refused with an error that says so. Text that is
//! longer than the limits is refused although a server might take it, unless [`Lengths`] say
//! otherwise. White space and invisible
//! characters are refused outside of quotes, even where RFC 6531 would let them be: they come from
//! copying.
//!
//! Read next: [`crate::domain`], [`crate::mx`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use self::error::ParseMailboxError;
use crate::domain::{Domain, column_at};

mod error;
mod local_part;

/// Longest local part, in octets of its wire form with its quotes (RFC 5321 section 4.5.3.1.1).
pub const LOCAL_PART_MAX: usize = 64;

/// Longest address, in octets of its wire form: a path has 256 with its angle brackets (RFC 5321
/// section 4.5.3.1.3, erratum 1690 of RFC 3696).
pub const ADDRESS_MAX: usize = 254;

/// Longest address that fits into a RCPT command line, in octets (RFC 5321 section 4.5.3.1.4): 512
/// without `RCPT TO:<`, `>` and CR LF.
pub const LONG_ADDRESS_MAX: usize = 500;

/// Which lengths an address may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lengths {
    /// Those that every server must take, [`LOCAL_PART_MAX`] and [`ADDRESS_MAX`]. What is longer is
    /// most often a mistake.
    #[default]
    Standard,
    /// Whatever can be sent, [`LONG_ADDRESS_MAX`]: some servers take more than they must (RFC 5321
    /// section 4.5.3.1).
    Sendable,
}

/// Longest text that is read at all, in octets. The longest valid address takes about 1,200: every
/// character of the local part escaped, the domain in four octets a character. The rest is room for
/// decomposed letters; refusing what is longer must not cost more than looking at its length.
pub const MAILBOX_INPUT_MAX: usize = 2_048;

/// A valid mailbox and the text that it was read from. `Display` is the wire form.
#[derive(Clone, Debug)]
pub struct Mailbox {
    original: String,
    local_part: String,
    domain: Domain,
}

impl Mailbox {
    /// Reads one address. The error names the column and the remedy.
    ///
    /// ```
    /// use vrfy_proto::mailbox::Mailbox;
    ///
    /// let mailbox = Mailbox::parse("\"User.Name\"@BÜCHER.test")?;
    /// assert_eq!(mailbox.to_string(), "User.Name@xn--bcher-kva.test");
    /// # Ok::<(), vrfy_proto::mailbox::ParseMailboxError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseMailboxError> {
        Self::parse_within(text, Lengths::Standard)
    }

    /// Reads one address of such lengths.
    pub fn parse_within(text: &str, lengths: Lengths) -> Result<Self, ParseMailboxError> {
        check_whole(text)?;
        let (local_part, at) = local_part::parse(text)?;
        let octets = local_part.len();
        if lengths == Lengths::Standard && octets > LOCAL_PART_MAX {
            return Err(ParseMailboxError::LocalPartTooLong { octets });
        }
        let after = at + 1;
        let domain = &text[after..];
        if let Some(offset) = domain.find('@').filter(|_| !domain.starts_with('[')) {
            return Err(ParseMailboxError::SecondAt {
                column: column_at(text, after + offset),
            });
        }
        let domain = Domain::parse(domain).map_err(|error| ParseMailboxError::Domain {
            column: column_at(text, after) - 1 + error.column(),
            error,
        })?;
        Self::assemble(text, local_part, domain, lengths)
    }

    fn assemble(
        original: &str,
        local_part: String,
        domain: Domain,
        lengths: Lengths,
    ) -> Result<Self, ParseMailboxError> {
        let mailbox = Self {
            original: original.to_owned(),
            local_part,
            domain,
        };
        let octets = mailbox.local_part.len() + 1 + mailbox.domain.to_string().len();
        match lengths {
            Lengths::Standard if octets > ADDRESS_MAX => {
                Err(ParseMailboxError::AddressTooLong { octets })
            }
            Lengths::Sendable if octets > LONG_ADDRESS_MAX => {
                Err(ParseMailboxError::AddressUnsendable { octets })
            }
            _ => Ok(mailbox),
        }
    }

    /// The text as it was given, for records and messages.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The local part as it goes on the wire, quoted only where it must be.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether the local part has characters outside of ASCII. It has no other form, so servers
    /// without SMTPUTF8 cannot be asked about it (RFC 6531 section 3.2).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part.is_ascii()
    }

    fn is_postmaster(&self) -> bool {
        self.local_part.eq_ignore_ascii_case("postmaster")
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.local_part, self.domain)
    }
}

impl FromStr for Mailbox {
    type Err = ParseMailboxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        let same_local_part =
            self.local_part == other.local_part || (self.is_postmaster() && other.is_postmaster());
        same_local_part && self.domain == other.domain
    }
}

impl Eq for Mailbox {}

impl Hash for Mailbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.is_postmaster() {
            "postmaster".hash(state);
        } else {
            self.local_part.hash(state);
        }
        self.domain.hash(state);
    }
}

/// What concerns the text as a whole, before any part of it is looked at.
fn check_whole(text: &str) -> Result<(), ParseMailboxError> {
    if text.is_empty() {
        return Err(ParseMailboxError::Empty);
    }
    if text.len() > MAILBOX_INPUT_MAX {
        return Err(ParseMailboxError::InputTooLong { octets: text.len() });
    }
    if let Some((offset, found)) = text.char_indices().find(|(_, found)| found.is_control()) {
        return Err(ParseMailboxError::ControlCharacter {
            found,
            column: column_at(text, offset),
        });
    }
    if text.starts_with('@') && text.contains(':') {
        return Err(ParseMailboxError::SourceRoute { column: 1 });
    }
    // A valid address never ends in a bracket, so a quoted "<" is not meant here.
    if text.ends_with('>')
        && let Some(offset) = text.find('<')
    {
        let column = column_at(text, offset);
        return Err(if text[offset..].starts_with("<@") {
            ParseMailboxError::SourceRoute { column: column + 1 }
        } else {
            ParseMailboxError::AngleBracket { column }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
