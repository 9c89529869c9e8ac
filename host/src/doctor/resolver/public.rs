//! Resolvers that everybody may use: blocklists know them, and many refuse what comes from there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(a: u16, b: u16, c: u16, d: u16, g: u16, h: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, g, h))
}

/// The addresses that the large ones publish. Only told apart here; nobody is asked.
pub(super) const PUBLIC: &[IpAddr] = &[
    v4(1, 1, 1, 1),
    v4(1, 0, 0, 1),
    v4(8, 8, 8, 8),
    v4(8, 8, 4, 4),
    v4(9, 9, 9, 9),
    v4(149, 112, 112, 112),
    v4(208, 67, 222, 222),
    v4(208, 67, 220, 220),
    v6(0x2606, 0x4700, 0x4700, 0, 0, 0x1111),
    v6(0x2606, 0x4700, 0x4700, 0, 0, 0x1001),
    v6(0x2001, 0x4860, 0x4860, 0, 0, 0x8888),
    v6(0x2001, 0x4860, 0x4860, 0, 0, 0x8844),
    v6(0x2620, 0xfe, 0, 0, 0, 0xfe),
    v6(0x2620, 0xfe, 0, 0, 0, 9),
    v6(0x2620, 0x119, 0x35, 0, 0, 0x35),
    v6(0x2620, 0x119, 0x53, 0, 0, 0x53),
];
