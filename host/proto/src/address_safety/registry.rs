//! The rows, by address: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), the
//! multicast ranges, and the IPv6 space that is not in use for unicast.
//!
//! Ranges whose reachability the registry leaves open ("N/A") are judged by the IPv4 address inside
//! where there is one, and are not public otherwise: they are deprecated.

use super::Reach::{AsInside, Global, LocalNat64, Not, NotNorInside, Teredo};
use super::{Prefix, Reach, SpecialPurpose};

pub(super) const REGISTRY_V4: &[SpecialPurpose] = &[
    v4([0, 0, 0, 0], 8, Not, "This network", "RFC 791 section 3.2"),
    v4(
        [0, 0, 0, 0],
        32,
        Not,
        "This host on this network",
        "RFC 1122 section 3.2.1.3",
    ),
    v4([10, 0, 0, 0], 8, Not, "Private-Use", "RFC 1918"),
    v4([100, 64, 0, 0], 10, Not, "Shared Address Space", "RFC 6598"),
    v4(
        [127, 0, 0, 0],
        8,
        Not,
        "Loopback",
        "RFC 1122 section 3.2.1.3",
    ),
    v4([169, 254, 0, 0], 16, Not, "Link Local", "RFC 3927"),
    v4([172, 16, 0, 0], 12, Not, "Private-Use", "RFC 1918"),
    v4(
        [192, 0, 0, 0],
        24,
        Not,
        "IETF Protocol Assignments",
        "RFC 6890 section 2.1",
    ),
    v4(
        [192, 0, 0, 0],
        29,
        Not,
        "IPv4 Service Continuity Prefix",
        "RFC 7335",
    ),
    v4([192, 0, 0, 8], 32, Not, "IPv4 dummy address", "RFC 7600"),
    v4(
        [192, 0, 0, 9],
        32,
        Global,
        "Port Control Protocol Anycast",
        "RFC 7723",
    ),
    v4([192, 0, 0, 10], 32, Global, "TURN Anycast", "RFC 8155"),
    v4(
        [192, 0, 0, 170],
        31,
        Not,
        "NAT64/DNS64 Discovery",
        "RFC 8880, RFC 7050 section 2.2",
    ),
    v4(
        [192, 0, 2, 0],
        24,
        Not,
        "Documentation (TEST-NET-1)",
        "RFC 5737",
    ),
    v4([192, 31, 196, 0], 24, Global, "AS112-v4", "RFC 7535"),
    v4([192, 52, 193, 0], 24, Global, "AMT", "RFC 7450"),
    v4(
        [192, 88, 99, 0],
        24,
        Not,
        "Deprecated (6to4 Relay Anycast)",
        "RFC 7526",
    ),
    v4([192, 168, 0, 0], 16, Not, "Private-Use", "RFC 1918"),
    v4(
        [192, 175, 48, 0],
        24,
        Global,
        "Direct Delegation AS112 Service",
        "RFC 7534",
    ),
    v4([198, 18, 0, 0], 15, Not, "Benchmarking", "RFC 2544"),
    v4(
        [198, 51, 100, 0],
        24,
        Not,
        "Documentation (TEST-NET-2)",
        "RFC 5737",
    ),
    v4(
        [203, 0, 113, 0],
        24,
        Not,
        "Documentation (TEST-NET-3)",
        "RFC 5737",
    ),
    v4([224, 0, 0, 0], 4, Not, "Multicast", "RFC 5771"),
    v4([240, 0, 0, 0], 4, Not, "Reserved", "RFC 1112 section 4"),
    v4(
        [255, 255, 255, 255],
        32,
        Not,
        "Limited Broadcast",
        "RFC 8190, RFC 919 section 7",
    ),
];

pub(super) const REGISTRY_V6: &[SpecialPurpose] = &[
    v6(
        [0, 0, 0, 0, 0, 0, 0, 0],
        0,
        Not,
        "Not in use for unicast",
        "RFC 4291 section 2.4",
    ),
    v6(
        [0, 0, 0, 0, 0, 0, 0, 0],
        96,
        NotNorInside { shift: 0 },
        "Deprecated (IPv4-Compatible Address)",
        "RFC 4291 section 2.5.5.1",
    ),
    v6(
        [0, 0, 0, 0, 0, 0, 0, 0],
        128,
        Not,
        "Unspecified Address",
        "RFC 4291",
    ),
    v6(
        [0, 0, 0, 0, 0, 0, 0, 1],
        128,
        Not,
        "Loopback Address",
        "RFC 4291",
    ),
    v6(
        [0, 0, 0, 0, 0, 0xffff, 0, 0],
        96,
        NotNorInside { shift: 0 },
        "IPv4-mapped Address",
        "RFC 4291",
    ),
    v6(
        [0, 0, 0, 0, 0xffff, 0, 0, 0],
        96,
        NotNorInside { shift: 0 },
        "Deprecated (IPv4-translated Address)",
        "RFC 2765 section 2.1",
    ),
    v6(
        [0x64, 0xff9b, 0, 0, 0, 0, 0, 0],
        96,
        AsInside { shift: 0 },
        "IPv4-IPv6 Translation",
        "RFC 6052",
    ),
    v6(
        [0x64, 0xff9b, 1, 0, 0, 0, 0, 0],
        48,
        LocalNat64,
        "IPv4-IPv6 Translation (local)",
        "RFC 8215",
    ),
    v6(
        [0x100, 0, 0, 0, 0, 0, 0, 0],
        64,
        Not,
        "Discard-Only Address Block",
        "RFC 6666",
    ),
    v6(
        [0x100, 0, 0, 1, 0, 0, 0, 0],
        64,
        Not,
        "Dummy IPv6 Prefix",
        "RFC 9780",
    ),
    v6(
        [0x2000, 0, 0, 0, 0, 0, 0, 0],
        3,
        Global,
        "Global Unicast",
        "RFC 4291 section 2.4",
    ),
    v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        23,
        Not,
        "IETF Protocol Assignments",
        "RFC 2928",
    ),
    v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        32,
        Teredo,
        "TEREDO",
        "RFC 4380, RFC 8190",
    ),
    v6(
        [0x2001, 1, 0, 0, 0, 0, 0, 1],
        128,
        Global,
        "Port Control Protocol Anycast",
        "RFC 7723",
    ),
    v6(
        [0x2001, 1, 0, 0, 0, 0, 0, 2],
        128,
        Global,
        "TURN Anycast",
        "RFC 8155",
    ),
    v6(
        [0x2001, 1, 0, 0, 0, 0, 0, 3],
        128,
        Global,
        "DNS-SD Registration Anycast",
        "RFC 9665",
    ),
    v6(
        [0x2001, 2, 0, 0, 0, 0, 0, 0],
        48,
        Not,
        "Benchmarking",
        "RFC 5180",
    ),
    v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32, Global, "AMT", "RFC 7450"),
    v6(
        [0x2001, 4, 0x112, 0, 0, 0, 0, 0],
        48,
        Global,
        "AS112-v6",
        "RFC 7535",
    ),
    v6(
        [0x2001, 0x10, 0, 0, 0, 0, 0, 0],
        28,
        Not,
        "Deprecated (ORCHID)",
        "RFC 4843",
    ),
    v6(
        [0x2001, 0x20, 0, 0, 0, 0, 0, 0],
        28,
        Global,
        "ORCHIDv2",
        "RFC 7343",
    ),
    v6(
        [0x2001, 0x30, 0, 0, 0, 0, 0, 0],
        28,
        Global,
        "Drone Remote ID Entity Tags",
        "RFC 9374",
    ),
    v6(
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0],
        32,
        Not,
        "Documentation",
        "RFC 3849",
    ),
    v6(
        [0x2002, 0, 0, 0, 0, 0, 0, 0],
        16,
        AsInside { shift: 80 },
        "6to4",
        "RFC 3056",
    ),
    v6(
        [0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0],
        48,
        Global,
        "Direct Delegation AS112 Service",
        "RFC 7534",
    ),
    v6(
        [0x3fff, 0, 0, 0, 0, 0, 0, 0],
        20,
        Not,
        "Documentation",
        "RFC 9637",
    ),
    v6(
        [0x5f00, 0, 0, 0, 0, 0, 0, 0],
        16,
        Not,
        "Segment Routing (SRv6) SIDs",
        "RFC 9602",
    ),
    v6(
        [0xfc00, 0, 0, 0, 0, 0, 0, 0],
        7,
        Not,
        "Unique-Local",
        "RFC 4193, RFC 8190",
    ),
    v6(
        [0xfe80, 0, 0, 0, 0, 0, 0, 0],
        10,
        Not,
        "Link-Local Unicast",
        "RFC 4291",
    ),
    v6(
        [0xfec0, 0, 0, 0, 0, 0, 0, 0],
        10,
        Not,
        "Deprecated (Site-Local)",
        "RFC 3879",
    ),
    v6(
        [0xff00, 0, 0, 0, 0, 0, 0, 0],
        8,
        Not,
        "Multicast",
        "RFC 4291 section 2.7",
    ),
];

const fn v4(
    network: [u8; 4],
    length: u32,
    reach: Reach,
    name: &'static str,
    rfc: &'static str,
) -> SpecialPurpose {
    let network = u32::from_be_bytes(network);
    SpecialPurpose {
        name,
        rfc,
        prefix: Prefix::V4 { network, length },
        reach,
    }
}

const fn v6(
    groups: [u16; 8],
    length: u32,
    reach: Reach,
    name: &'static str,
    rfc: &'static str,
) -> SpecialPurpose {
    let mut network = 0;
    let mut index = 0;
    while index < groups.len() {
        network = network << 16 | groups[index] as u128;
        index += 1;
    }
    SpecialPurpose {
        name,
        rfc,
        prefix: Prefix::V6 { network, length },
        reach,
    }
}
