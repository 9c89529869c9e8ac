//! The argument of MAIL FROM: where reports would go (RFC 5321 sections 3.3 and 4.5.5).
//!
//! **Promises.** A [`ReversePath`] in hand is the null reverse path or a valid mailbox. `<>` is
//! what reports are sent with, and what a probe without a mailbox of its own says.
//!
//! **Does not** check that the mailbox exists or that its domain has exchanges; servers may.

use std::fmt;
use std::str::FromStr;

use crate::mailbox::{Mailbox, ParseMailboxError};

/// Who the mail would come from. `Display` has the angle brackets that MAIL wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// Nobody: `<>`.
    Null,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Reads an address; an empty text or `<>` is the null reverse path.
    pub fn parse(text: &str) -> Result<Self, ParseMailboxError> {
        match text {
            "" | "<>" => Ok(Self::Null),
            address => Mailbox::parse(address).map(Self::Mailbox),
        }
    }

    /// What stands between the angle brackets: the wire form of the mailbox, or nothing.
    pub fn address(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Mailbox(mailbox) => mailbox.to_string(),
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}>", self.address())
    }
}

impl FromStr for ReversePath {
    type Err = ParseMailboxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_empty_brackets_are_the_null_reverse_path() {
        for text in ["", "<>"] {
            let path = ReversePath::parse(text).unwrap();
            assert_eq!(path, ReversePath::Null);
            assert_eq!(
                (path.address().as_str(), path.to_string().as_str()),
                ("", "<>")
            );
        }
    }

    #[test]
    fn a_mailbox_is_sent_in_its_wire_form() {
        let path = ReversePath::parse("\"probe\"@BÜCHER.example").unwrap();
        assert_eq!(path.address(), "probe@xn--bcher-kva.example");
        assert_eq!(path.to_string(), "<probe@xn--bcher-kva.example>");
    }

    #[test]
    fn what_is_no_mailbox_is_no_reverse_path() {
        for (text, code) in [
            (" ", "white-space"),
            ("<probe@example.com>", "angle-bracket"),
            ("probe", "missing-at"),
            ("probe@example.com> SIZE=1", "domain-unexpected-character"),
        ] {
            assert_eq!(
                ReversePath::parse(text).unwrap_err().code(),
                code,
                "{text:?}"
            );
        }
    }
}
