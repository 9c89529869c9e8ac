//! One line of an exclusion list.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;
use vrfy_proto::domain::{DomainName, ParseDomainError};
use vrfy_proto::mailbox::{Mailbox, ParseMailboxError};

use super::{Fingerprint, fingerprint, half, hashed_form};

/// What one line excludes. Names are in lower-case A-labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Mailbox(Fingerprint),
    Domain(String, Reach),
    Exchange(String, Reach),
    Range(IpNet),
}

/// Whether an entry means a name alone, or whatever lies below it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Alone,
    WithBelow,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryProblem {
    /// It is no mailbox.
    #[error("{0}; write a mailbox such as ana@example.com, or sha256: and the hash of one")]
    Mailbox(ParseMailboxError),
    /// It is no hash.
    #[error("after sha256: come 64 hexadecimal digits, here are {found:?}")]
    Hash {
        /// What stands there.
        found: String,
    },
    /// It is no name.
    #[error(
        "{text:?}: {error}; write a mailbox, a domain such as example.com, .example.com for what \
         lies below it too, mx:.example.net for exchanges, or addresses such as 192.0.2.0/24"
    )]
    Name {
        /// The name.
        text: String,
        /// What is wrong with it.
        error: ParseDomainError,
    },
    /// It is no range of addresses.
    #[error(
        "{text:?} is no address and no range of addresses; write 192.0.2.1, 192.0.2.0/24 or \
         2001:db8::/32"
    )]
    Range {
        /// The text.
        text: String,
    },
    /// A range with bits set beyond its length.
    #[error("{range} has bits set beyond its length; write {meant} or one address")]
    HostBits {
        /// As it is written.
        range: IpNet,
        /// What it would mean.
        meant: IpNet,
    },
    /// A wildcard.
    #[error("{text:?}: write .example.com for a domain and all that lies below it, without a *")]
    Wildcard {
        /// The text.
        text: String,
    },
}

/// Reads a line without its line end; nothing for a blank line and for a comment.
pub(super) fn parse(line: &str) -> Result<Option<Entry>, EntryProblem> {
    let text = without_comment(line).trim();
    if text.is_empty() {
        return Ok(None);
    }
    entry(text).map(Some)
}

/// A comment begins with `#` at the beginning of a line or behind white space; elsewhere it is a
/// letter of a local part.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        line[..*at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
    };
    let at = line.match_indices('#').find(begins).map(|(at, _)| at);
    &line[..at.unwrap_or(line.len())]
}

fn entry(text: &str) -> Result<Entry, EntryProblem> {
    if let Some(hash) = text.strip_prefix("sha256:") {
        return hash_of(hash).map(Entry::Mailbox);
    }
    if let Some(name) = text.strip_prefix("mx:") {
        let (name, reach) = name_of(name)?;
        return Ok(Entry::Exchange(name, reach));
    }
    if text.contains('@') {
        let mailbox = Mailbox::parse(text).map_err(EntryProblem::Mailbox)?;
        return Ok(Entry::Mailbox(fingerprint(&hashed_form(&mailbox))));
    }
    let looks_like_range = text.contains(['/', ':']) || text.parse::<IpAddr>().is_ok();
    if looks_like_range {
        return range_of(text).map(Entry::Range);
    }
    let (name, reach) = name_of(text)?;
    Ok(Entry::Domain(name, reach))
}

fn hash_of(digits: &str) -> Result<Fingerprint, EntryProblem> {
    let wrong = || EntryProblem::Hash {
        found: beginning(digits),
    };
    let mut digest = [0; 32];
    if digits.len() != 2 * digest.len() || !digits.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (index, octet) in digest.iter_mut().enumerate() {
        let pair = &digits[2 * index..2 * index + 2];
        *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(half(digest))
}

fn name_of(text: &str) -> Result<(String, Reach), EntryProblem> {
    let (name, reach) = match text.strip_prefix('.') {
        Some(name) => (name, Reach::WithBelow),
        None => (text, Reach::Alone),
    };
    if name.starts_with('*') {
        return Err(EntryProblem::Wildcard {
            text: beginning(text),
        });
    }
    match DomainName::parse(name) {
        Ok(name) => Ok((name.as_str().to_owned(), reach)),
        Err(error) => Err(EntryProblem::Name {
            text: beginning(text),
            error,
        }),
    }
}

/// As much of a text as shows which one is meant.
fn beginning(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn range_of(text: &str) -> Result<IpNet, EntryProblem> {
    let range = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let range = range.map_err(|_| EntryProblem::Range {
        text: beginning(text),
    })?;
    let meant = range.trunc();
    match meant == range {
        true => Ok(canonical(range)),
        false => Err(EntryProblem::HostBits { range, meant }),
    }
}

/// A range of IPv4-mapped addresses as the IPv4 range that it means.
fn canonical(range: IpNet) -> IpNet {
    let length = range.prefix_len().checked_sub(MAPPED_BITS);
    match (range.addr().to_canonical(), length) {
        (address @ IpAddr::V4(_), Some(length)) if range.addr().is_ipv6() => {
            IpNet::new(address, length).unwrap_or(range)
        }
        _ => range,
    }
}

/// Bits before the IPv4 address in an IPv4-mapped one (RFC 4291 section 2.5.5.2).
const MAPPED_BITS: u8 = 96;
