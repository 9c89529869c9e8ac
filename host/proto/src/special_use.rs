//! Names that are reserved for a special use and therefore take no Internet mail.
//!
//! **Promises.** [`find`] knows the rows of the IANA registry of special-use domain names that a
//! mail domain could be mistaken for; each row names the document that reserves it. A row covers
//! the name itself and everything below it.
//!
//! **Does not** list the reverse-lookup zones of private addresses (`10.in-addr.arpa` and its
//! like): they are no mail domains by their form. Does not decide what follows: tests and the lab
//! use `.test` on purpose.

use crate::domain::DomainName;

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecialUse {
    /// The reserved name, in A-labels without a trailing dot.
    pub name: &'static str,
    /// The document that reserves it.
    pub rfc: &'static str,
    /// What it is reserved for.
    pub purpose: &'static str,
}

/// The row that covers this name, if any; the longest one where rows nest.
pub fn find(domain: &DomainName) -> Option<SpecialUse> {
    let covers = |row: &&SpecialUse| {
        domain
            .as_str()
            .strip_suffix(row.name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    SPECIAL_USES
        .iter()
        .filter(covers)
        .max_by_key(|row| row.name.len())
        .copied()
}

/// The registry, in the order of its names.
pub const SPECIAL_USES: &[SpecialUse] = &[
    row(
        "6tisch.arpa",
        "RFC 9031 section 10",
        "joining a 6TiSCH network",
    ),
    row("alt", "RFC 9476", "names outside of DNS"),
    row(
        "eap-noob.arpa",
        "RFC 9140 section 5",
        "bootstrapping of devices",
    ),
    row("example", "RFC 6761 section 6.5", "documentation"),
    row("example.com", "RFC 6761 section 6.5", "documentation"),
    row("example.net", "RFC 6761 section 6.5", "documentation"),
    row("example.org", "RFC 6761 section 6.5", "documentation"),
    row("home.arpa", "RFC 8375", "home networks"),
    row(
        "invalid",
        "RFC 6761 section 6.4",
        "names that must not exist",
    ),
    row("ipv4only.arpa", "RFC 8880", "finding the prefix of NAT64"),
    row(
        "local",
        "RFC 6762 section 3",
        "multicast DNS on the local link",
    ),
    row("localhost", "RFC 6761 section 6.3", "the loopback address"),
    row("onion", "RFC 7686", "Tor services"),
    row("resolver.arpa", "RFC 9462", "finding encrypted resolvers"),
    row(
        "service.arpa",
        "RFC 9665",
        "service registration on local networks",
    ),
    row("test", "RFC 6761 section 6.2", "testing"),
];

const fn row(name: &'static str, rfc: &'static str, purpose: &'static str) -> SpecialUse {
    SpecialUse { name, rfc, purpose }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved_by(name: &str) -> Option<&'static str> {
        DomainName::parse(name)
            .unwrap()
            .special_use()
            .map(|row| row.name)
    }

    #[test]
    fn a_row_covers_its_name_and_everything_below_it() {
        for (name, row) in [
            ("test", "test"),
            ("a.b.TEST", "test"),
            ("mail.invalid", "invalid"),
            ("localhost", "localhost"),
            ("db.localhost", "localhost"),
            ("shop.example", "example"),
            ("example.com", "example.com"),
            ("mx.example.net", "example.net"),
            ("EXAMPLE.ORG", "example.org"),
            ("printer.local", "local"),
            ("abcdef.onion", "onion"),
            ("gnu.alt", "alt"),
            ("router.home.arpa", "home.arpa"),
        ] {
            assert_eq!(reserved_by(name), Some(row), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike_are_not_reserved() {
        for name in [
            "contest",
            "latest.dev",
            "example.co",
            "notexample.com",
            "local.dev",
            "arpa",
            "onions",
        ] {
            assert_eq!(reserved_by(name), None, "{name}");
        }
    }

    #[test]
    fn every_row_is_a_valid_name_with_its_document_and_names_itself() {
        for row in SPECIAL_USES {
            assert_eq!(
                DomainName::parse(row.name).unwrap().special_use(),
                Some(*row)
            );
            assert!(row.rfc.starts_with("RFC "), "{}", row.name);
        }
        assert!(SPECIAL_USES.is_sorted_by_key(|row| row.name));
    }
}
