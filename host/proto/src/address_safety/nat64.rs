//! Prefixes of NAT64 (RFC 6052): which IPv4 address an IPv6 address of a translator stands for.
//!
//! The well-known prefix and the one for local use are in the registries. A network may have one of
//! its own among its public addresses, and its resolver (DNS64) writes IPv6 addresses for whatever
//! IPv4 address a domain publishes: also for 127.0.0.1. Nothing in such an address shows that; the
//! operator has to name the prefix.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A prefix behind which a translator puts IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nat64Prefix {
    network: u128,
    length: u32,
}

/// The lengths that a prefix may have (RFC 6052 section 2.2).
const LENGTHS: [u32; 6] = [32, 40, 48, 56, 64, 96];

impl Nat64Prefix {
    /// The IPv4 address that an address behind this prefix stands for; nothing for others.
    ///
    /// The octet at bits 64 to 71 is skipped, as RFC 6052 section 2.2 reserves it.
    pub fn inside(&self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        let bits = address.to_bits();
        if (bits ^ self.network) & super::mask_v6(self.length) != 0 {
            return None;
        }
        let octets = bits.to_be_bytes();
        let first = (self.length / 8) as usize;
        let mut places = (first..octets.len()).filter(|place| *place != RESERVED);
        let mut next = || places.next().map_or(0, |place| octets[place]);
        Some(Ipv4Addr::new(next(), next(), next(), next()))
    }
}

/// The octet that is reserved for compatibility with the addressing architecture.
const RESERVED: usize = 8;

impl fmt::Display for Nat64Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", Ipv6Addr::from_bits(self.network), self.length)
    }
}

/// Why a text is no prefix of NAT64.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "write the prefix of NAT64 as 2001:db8:64::/96; its length is 32, 40, 48, 56, 64 or 96, and no \
     bit is set beyond it"
)]
pub struct ParseNat64PrefixError;

impl FromStr for Nat64Prefix {
    type Err = ParseNat64PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').ok_or(ParseNat64PrefixError)?;
        let network: Ipv6Addr = parts.0.parse().map_err(|_| ParseNat64PrefixError)?;
        let length: u32 = parts.1.parse().map_err(|_| ParseNat64PrefixError)?;
        let network = network.to_bits();
        if !LENGTHS.contains(&length) || network & !super::mask_v6(length) != 0 {
            return Err(ParseNat64PrefixError);
        }
        Ok(Self { network, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of RFC 6052 section 2.4, for 192.0.2.33.
    #[test]
    fn every_length_of_the_standard_is_read() {
        for (prefix, address) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
        ] {
            let parsed: Nat64Prefix = prefix.parse().unwrap();
            assert_eq!(parsed.to_string(), prefix);
            let inside = parsed.inside(address.parse().unwrap());
            assert_eq!(inside, Some(Ipv4Addr::new(192, 0, 2, 33)), "{prefix}");
            assert_eq!(parsed.inside("2001:db9::1".parse().unwrap()), None);
        }
    }

    #[test]
    fn what_the_standard_does_not_know_is_refused() {
        for text in [
            "",
            "2001:db8::",
            "2001:db8::/",
            "2001:db8::/33",
            "2001:db8::/128",
            "2001:db8::1/96",
            "2001:db8:1::/32",
            "192.0.2.0/24",
        ] {
            assert!(text.parse::<Nat64Prefix>().is_err(), "{text}");
        }
    }
}
