//! Whether an address may be connected to, asked for the very address that goes to the socket.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use vrfy_proto::address_safety::{Nat64Prefix, classify, forms};
use vrfy_proto::evidence::ConnectFailure;

use crate::exclusions::{Exclusion, Exclusions};

/// Which addresses may be connected to: the public ones and what is allowed beside them, but none
/// that is excluded, and none of our own.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    /// Ranges that are allowed although they are not public, or our own.
    pub allow: Vec<IpNet>,
    /// Prefixes behind which translators of this network put IPv4 addresses.
    pub nat64: Vec<Nat64Prefix>,
    /// Addresses of this machine: an exchange there would be ourselves (RFC 5321 section 5.1).
    pub own: Vec<IpAddr>,
    /// Who is not asked.
    pub exclusions: Arc<Exclusions>,
}

impl AddressGuard {
    /// Fails where the address is excluded, is not public, or is our own. What is allowed beside
    /// the public addresses is still excluded where a list says so.
    pub fn check(&self, address: IpAddr) -> Result<(), ConnectFailure> {
        if let Some(exclusion) = self.excluded(address) {
            return Err(ConnectFailure::Other(format!("excluded by {exclusion}")));
        }
        if self.allows(address) {
            return Ok(());
        }
        if let Some(special) = self.forms(address).find_map(classify) {
            return Err(ConnectFailure::NotPublic(special.to_string()));
        }
        match self.forms(address).find(|form| self.own.contains(form)) {
            Some(own) => Err(ConnectFailure::NotPublic(format!("{OWN_ADDRESS} ({own})"))),
            None => Ok(()),
        }
    }

    /// The entry of an exclusion list that the address is on, in any of its forms.
    pub fn excluded(&self, address: IpAddr) -> Option<Exclusion> {
        let mut forms = self.forms(address);
        forms.find_map(|form| self.exclusions.of_address(form))
    }

    /// An operator who allows 127.0.0.0/8 means ::ffff:127.0.0.1 as well: it is the same place.
    fn allows(&self, address: IpAddr) -> bool {
        let canonical = address.to_canonical();
        let holds = |range: &IpNet| range.contains(&address) || range.contains(&canonical);
        self.allow.iter().any(holds)
    }

    /// The address, and the IPv4 addresses that it stands for.
    fn forms(&self, address: IpAddr) -> impl Iterator<Item = IpAddr> {
        let translated = self.nat64.iter().filter_map(move |prefix| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => prefix.inside(address).map(IpAddr::V4),
        });
        forms(address).chain(translated)
    }
}

/// Stands in the place of a special-purpose block for an address of this machine.
const OWN_ADDRESS: &str = "own address of this machine";

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use vrfy_proto::address_safety::rows;

    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn refused(guard: &AddressGuard, address: &str) -> Option<String> {
        match guard.check(address.parse().unwrap()) {
            Ok(()) => None,
            Err(ConnectFailure::NotPublic(block)) => Some(block),
            Err(ConnectFailure::Other(why)) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// 1.2.3.4 and 2003::1 stand for the public Internet; nothing is ever sent there.
    const PUBLIC: [&str; 2] = ["1.2.3.4", "2003::1"];

    #[test]
    fn first_and_last_address_of_every_range_that_is_not_public_are_refused() {
        let guard = AddressGuard::default();
        let mut refused = 0;
        for row in rows() {
            let last = match row.network() {
                IpAddr::V4(first) => {
                    let host = u32::MAX.checked_shr(row.prefix_length()).unwrap_or(0);
                    IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() | host))
                }
                IpAddr::V6(first) => {
                    let host = u128::MAX.checked_shr(row.prefix_length()).unwrap_or(0);
                    IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() | host))
                }
            };
            for address in [row.network(), last] {
                let expected = classify(address).map(ToString::to_string);
                let expected = expected.map_or(Ok(()), |row| Err(ConnectFailure::NotPublic(row)));
                assert_eq!(guard.check(address), expected, "{row}: {address}");
                refused += usize::from(expected.is_err());
            }
        }
        assert!(refused > 70, "only {refused} borders were refused");
        for address in PUBLIC {
            assert!(guard.check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_allowed_in_its_mapped_form_too() {
        let guard = AddressGuard {
            allow: vec!["10.0.0.0/24".parse().unwrap()],
            ..AddressGuard::default()
        };
        for (address, is_allowed) in [
            ("10.0.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("10.0.1.1", false),
            ("::ffff:10.0.1.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(refused(&guard, address).is_none(), is_allowed, "{address}");
        }
    }

    #[test]
    fn our_own_address_is_a_loop_in_every_form() {
        let guard = AddressGuard {
            own: ips(&PUBLIC),
            nat64: vec!["2003:64::/96".parse().unwrap()],
            ..AddressGuard::default()
        };
        for address in [
            "1.2.3.4",
            "64:ff9b::1.2.3.4",
            "2002:102:304::1",
            "2003:64::1.2.3.4",
        ] {
            let told = refused(&guard, address).unwrap();
            assert_eq!(told, "own address of this machine (1.2.3.4)", "{address}");
        }
        assert!(refused(&guard, "2003::1").is_some());
        assert_eq!(refused(&guard, "1.2.3.5"), None);
    }

    #[test]
    fn what_is_allowed_may_be_our_own() {
        let guard = AddressGuard {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            own: ips(&["127.0.0.1"]),
            ..AddressGuard::default()
        };
        assert_eq!(refused(&guard, "127.0.0.1"), None);
    }

    #[test]
    fn behind_a_prefix_of_nat64_the_ipv4_address_counts() {
        let mut guard = AddressGuard::default();
        let inward = "2003:64::10.0.0.1";
        assert_eq!(refused(&guard, inward), None);
        guard.nat64.push("2003:64::/96".parse().unwrap());
        assert!(refused(&guard, inward).unwrap().starts_with("Private-Use"));
        assert!(refused(&guard, "2003:64::127.0.0.1").is_some());
        assert_eq!(refused(&guard, "2003:64::1.2.3.4"), None);
    }

    #[test]
    fn nothing_opens_an_address_that_is_excluded() {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        list.write_all(b"127.0.0.0/8\n1.2.3.0/24\n").unwrap();
        let guard = AddressGuard {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            nat64: vec!["2003:64::/96".parse().unwrap()],
            exclusions: Arc::new(Exclusions::read([list.path()]).unwrap()),
            ..AddressGuard::default()
        };
        for address in [
            "127.0.0.1",
            "::ffff:127.0.0.1",
            "1.2.3.4",
            "2003:64::1.2.3.4",
        ] {
            let told = refused(&guard, address).unwrap();
            assert!(told.starts_with("excluded by 1"), "{address}: {told}");
        }
        assert_eq!(refused(&guard, "1.2.4.1"), None);
    }
}
