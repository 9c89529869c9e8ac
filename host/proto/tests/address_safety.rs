//! The registries of special addresses as ranges: compared number by number, where the code under
//! test compares bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use vrfy_proto::address_safety::{SpecialPurpose, classify, forms, rows};

/// First and last address of a row as numbers, and its family.
fn range(row: &SpecialPurpose) -> (u128, u128, bool) {
    let (first, bits, is_v6) = match row.network() {
        IpAddr::V4(first) => (u128::from(first.to_bits()), 32, false),
        IpAddr::V6(first) => (first.to_bits(), 128, true),
    };
    let host_bits = bits - row.prefix_length();
    let size = 1_u128.checked_shl(host_bits);
    (
        first,
        first + (size.map_or(u128::MAX, |size| size - 1)),
        is_v6,
    )
}

fn address(number: u128, is_v6: bool) -> Option<IpAddr> {
    match is_v6 {
        true => Some(IpAddr::V6(Ipv6Addr::from_bits(number))),
        false => Some(IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).ok()?))),
    }
}

fn narrowest(number: u128, is_v6: bool) -> Option<&'static SpecialPurpose> {
    let holds = |row: &&SpecialPurpose| {
        let (first, last, of_v6) = range(row);
        of_v6 == is_v6 && (first..=last).contains(&number)
    };
    rows().filter(holds).max_by_key(|row| row.prefix_length())
}

/// Rows whose addresses can be reached from anywhere, by name.
const REACHABLE: [&str; 10] = [
    "AMT",
    "AS112-v4",
    "AS112-v6",
    "DNS-SD Registration Anycast",
    "Direct Delegation AS112 Service",
    "Drone Remote ID Entity Tags",
    "Global Unicast",
    "ORCHIDv2",
    "Port Control Protocol Anycast",
    "TURN Anycast",
];

fn is_reachable(row: &SpecialPurpose) -> bool {
    REACHABLE.contains(&row.name)
}

fn check(number: u128, is_v6: bool) {
    let Some(address) = address(number, is_v6) else {
        return;
    };
    let inside: Vec<IpAddr> = forms(address).skip(1).collect();
    let narrowest = narrowest(number, is_v6);
    match classify(address) {
        Some(row) => {
            let by_inside = inside.iter().any(|form| classify(*form) == Some(row));
            assert!(Some(row) == narrowest || by_inside, "{address}: {row}");
        }
        None => {
            let is_open = narrowest.is_none_or(is_reachable);
            let as_inside =
                !inside.is_empty() && inside.iter().all(|form| classify(*form).is_none());
            assert!(
                is_open || as_inside,
                "{address} is public in spite of {narrowest:?}"
            );
        }
    }
}

proptest! {
    /// Any address of any row, so that small ranges are met as often as large ones.
    #[test]
    fn every_address_of_a_row_belongs_to_the_narrowest_row(
        row in 0..rows().count(),
        at in any::<u128>(),
    ) {
        let row = rows().nth(row).expect("it was counted");
        let (first, last, is_v6) = range(row);
        let size = (last - first).checked_add(1);
        check(first + size.map_or(at, |size| at % size), is_v6);
    }

    #[test]
    fn any_address_of_either_family_is_judged_by_its_ranges(at in any::<u128>()) {
        check(at, true);
        check(at >> 96, false);
    }
}

#[test]
fn a_row_ends_at_its_first_and_last_address() {
    for row in rows() {
        let (first, last, is_v6) = range(row);
        check(first, is_v6);
        check(last, is_v6);
        let below = first
            .checked_sub(1)
            .and_then(|number| address(number, is_v6));
        let above = last
            .checked_add(1)
            .and_then(|number| address(number, is_v6));
        for beside in [below, above].into_iter().flatten() {
            assert_ne!(classify(beside), Some(row), "{beside} lies beside {row}");
        }
    }
}
