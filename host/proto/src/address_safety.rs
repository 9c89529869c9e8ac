//! Which addresses are not public: the IANA special-purpose registries as data.
//!
//! Anybody can publish an exchange that resolves to 127.0.0.1 or 169.254.169.254. Whoever connects
//! asks [`classify`] about the very address that goes to the socket, after DNS, for every attempt.
//!
//! **Promises.** An address that is not globally reachable gets the most specific row that covers
//! it. An address that carries an IPv4 address inside (IPv4-mapped, IPv4-compatible, NAT64, 6to4,
//! Teredo) is judged by that one too, so that `::ffff:10.0.0.1` and `64:ff9b::a00:1` are private.
//! Whatever lies outside of the unicast space that is in use (IPv6 beyond `2000::/3`) is not public
//! either. Small ranges that are reachable inside of reserved ones (192.0.0.9, 2001:4:112::/48) are
//! public.
//!
//! **Does not** know which public addresses are this machine's own, or a translator's
//! ([`Nat64Prefix`] is for those that somebody names). Does not look into interface identifiers: an
//! ISATAP one (RFC 5214) leads inside only where our own site has such routers. Does not decide:
//! the operator may allow ranges, and tests open the loopback.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use self::nat64::{Nat64Prefix, ParseNat64PrefixError};
use self::registry::{REGISTRY_V4, REGISTRY_V6};

mod nat64;
mod registry;

/// A row of the registries: a range of addresses and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialPurpose {
    /// The name in the registry.
    pub name: &'static str,
    /// The document that sets the range aside.
    pub rfc: &'static str,
    prefix: Prefix,
    reach: Reach,
}

impl SpecialPurpose {
    /// The first address of the range.
    pub fn network(&self) -> IpAddr {
        match self.prefix {
            Prefix::V4 { network, .. } => IpAddr::V4(Ipv4Addr::from_bits(network)),
            Prefix::V6 { network, .. } => IpAddr::V6(Ipv6Addr::from_bits(network)),
        }
    }

    /// How many leading bits all addresses of the range share.
    pub fn prefix_length(&self) -> u32 {
        match self.prefix {
            Prefix::V4 { length, .. } | Prefix::V6 { length, .. } => length,
        }
    }
}

/// Name, range and document, as in `Private-Use (10.0.0.0/8, RFC 1918)`.
impl fmt::Display for SpecialPurpose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rfc, .. } = self;
        write!(
            out,
            "{name} ({}/{}, {rfc})",
            self.network(),
            self.prefix_length()
        )
    }
}

/// The row that keeps this address off the public Internet; nothing for a public address.
///
/// ```
/// use vrfy_proto::address_safety::classify;
///
/// let row = classify("::ffff:10.0.0.1".parse()?).expect("a private address inside");
/// assert_eq!(row.to_string(), "Private-Use (10.0.0.0/8, RFC 1918)");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn classify(address: IpAddr) -> Option<&'static SpecialPurpose> {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// All rows, those of ranges that are globally reachable among them.
pub fn rows() -> impl Iterator<Item = &'static SpecialPurpose> {
    REGISTRY_V4.iter().chain(REGISTRY_V6)
}

/// The address, and every IPv4 address that it carries inside: all the places to which a packet for
/// it may go.
///
/// ```
/// use std::net::IpAddr;
/// use vrfy_proto::address_safety::forms;
///
/// let nat64: IpAddr = "64:ff9b::192.0.2.1".parse()?;
/// let all: Vec<IpAddr> = forms(nat64).collect();
/// assert_eq!(all, [nat64, "192.0.2.1".parse()?]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let inside = match address {
        IpAddr::V4(_) => [None; 2],
        IpAddr::V6(address) => inside(address),
    };
    let inside = inside.into_iter().flatten().map(IpAddr::V4);
    std::iter::once(address).chain(inside)
}

fn inside(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let bits = address.to_bits();
    let at = |bits: u128, shift: u32| Some(Ipv4Addr::from_bits((bits >> shift) as u32));
    match row_of_v6(address).map(|row| row.reach) {
        Some(Reach::NotNorInside { shift } | Reach::AsInside { shift }) => [at(bits, shift), None],
        Some(Reach::Teredo) => [at(bits, 64), at(!bits, 0)],
        Some(Reach::LocalNat64) => [Some(local_nat64(bits)), None],
        Some(Reach::Global | Reach::Not) | None => [None; 2],
    }
}

fn classify_v4(address: Ipv4Addr) -> Option<&'static SpecialPurpose> {
    let bits = address.to_bits();
    let covers = |row: &&SpecialPurpose| match row.prefix {
        Prefix::V4 { network, length } => (bits ^ network) & mask_v4(length) == 0,
        Prefix::V6 { .. } => false,
    };
    let row = REGISTRY_V4
        .iter()
        .filter(covers)
        .max_by_key(|row| row.prefix_length())?;
    (row.reach != Reach::Global).then_some(row)
}

fn classify_v6(address: Ipv6Addr) -> Option<&'static SpecialPurpose> {
    let row = row_of_v6(address)?;
    let by_inside = || inside(address).into_iter().flatten().find_map(classify_v4);
    match row.reach {
        Reach::Global => None,
        Reach::Not => Some(row),
        Reach::NotNorInside { .. } | Reach::LocalNat64 => by_inside().or(Some(row)),
        Reach::AsInside { .. } | Reach::Teredo => by_inside(),
    }
}

fn row_of_v6(address: Ipv6Addr) -> Option<&'static SpecialPurpose> {
    let bits = address.to_bits();
    let covers = |row: &&SpecialPurpose| match row.prefix {
        Prefix::V4 { .. } => false,
        Prefix::V6 { network, length } => (bits ^ network) & mask_v6(length) == 0,
    };
    let rows = REGISTRY_V6.iter().filter(covers);
    rows.max_by_key(|row| row.prefix_length())
}

/// The IPv4 address behind a 48-bit prefix of NAT64: two octets before the reserved octet at bits
/// 64 to 71, two after it (RFC 6052 section 2.2).
fn local_nat64(bits: u128) -> Ipv4Addr {
    let upper = (bits >> 64) as u32 & 0xffff;
    let lower = (bits >> 40) as u32 & 0xffff;
    Ipv4Addr::from_bits(upper << 16 | lower)
}

fn mask_v4(length: u32) -> u32 {
    u32::MAX.checked_shl(32 - length).unwrap_or_default()
}

fn mask_v6(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    V4 { network: u32, length: u32 },
    V6 { network: u128, length: u32 },
}

/// Whether packets from the public Internet can get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// They can: the range is public although it is registered.
    Global,
    /// They cannot.
    Not,
    /// They cannot; the IPv4 address inside, that many bits from the right, names the better
    /// reason.
    NotNorInside { shift: u32 },
    /// As far as the IPv4 address inside can be reached, that many bits from the right.
    AsInside { shift: u32 },
    /// As far as its server (bits 32 to 63) and its client (bits 96 to 127, inverted) can be
    /// reached.
    Teredo,
    /// They cannot; the IPv4 address inside, split around an octet, names the better reason.
    LocalNat64,
}

#[cfg(test)]
mod tests;
