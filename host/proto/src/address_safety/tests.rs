use super::*;

fn name_of(address: &str) -> Option<&'static str> {
    let address = address
        .parse()
        .unwrap_or_else(|_| panic!("{address} is no address"));
    classify(address).map(|row| row.name)
}

#[test]
fn every_reserved_ipv4_range_ends_where_its_registry_says() {
    for (address, name) in EDGES_V4 {
        assert_eq!(name_of(address), *name, "{address}");
    }
}

#[test]
fn every_reserved_ipv6_range_ends_where_its_registry_says() {
    for (address, name) in EDGES_V6 {
        assert_eq!(name_of(address), *name, "{address}");
    }
}

/// 1.2.3.4 stands for the public Internet; nothing is ever sent there.
#[test]
fn an_address_is_judged_by_the_ipv4_address_inside() {
    for (address, name) in [
        ("::ffff:10.0.0.1", Some("Private-Use")),
        ("::ffff:127.0.0.1", Some("Loopback")),
        ("::ffff:169.254.169.254", Some("Link Local")),
        ("::ffff:1.2.3.4", Some("IPv4-mapped Address")),
        ("::10.0.0.1", Some("Private-Use")),
        ("::1.2.3.4", Some("Deprecated (IPv4-Compatible Address)")),
        ("::ffff:0:10.0.0.1", Some("Private-Use")),
        (
            "::ffff:0:1.2.3.4",
            Some("Deprecated (IPv4-translated Address)"),
        ),
        ("64:ff9b::10.0.0.1", Some("Private-Use")),
        ("64:ff9b::127.0.0.1", Some("Loopback")),
        ("64:ff9b::1.2.3.4", None),
        ("64:ff9b:1:a00:0:100::", Some("Private-Use")),
        ("64:ff9b:1:7f00:0:100::", Some("Loopback")),
        (
            "64:ff9b:1:102:3:400::",
            Some("IPv4-IPv6 Translation (local)"),
        ),
        ("2002:a00:1::1", Some("Private-Use")),
        ("2002:a9fe:a9fe::1", Some("Link Local")),
        ("2002:102:304::1", None),
        // Server 1.2.3.4, client 10.0.0.1, inverted; then a private server and a public client.
        ("2001:0:102:304:0:0:f5ff:fffe", Some("Private-Use")),
        ("2001:0:a00:1:0:0:fefd:fcfb", Some("Private-Use")),
        ("2001:0:102:304:0:0:fefd:fcfb", None),
    ] {
        assert_eq!(name_of(address), name, "{address}");
    }
}

#[test]
fn a_row_prints_its_range_and_its_document() {
    let row = classify("fe80::1".parse().unwrap()).unwrap();
    assert_eq!(row.to_string(), "Link-Local Unicast (fe80::/10, RFC 4291)");
    assert_eq!(
        (row.network(), row.prefix_length()),
        ("fe80::".parse().unwrap(), 10)
    );
}

#[test]
fn every_row_is_well_formed_and_can_be_reached() {
    for row in rows() {
        assert!(row.rfc.starts_with("RFC "), "{row}");
        let unmasked = match row.prefix {
            Prefix::V4 { network, length } => u128::from(network & !mask_v4(length)),
            Prefix::V6 { network, length } => network & !mask_v6(length),
        };
        assert_eq!(unmasked, 0, "{row} has bits set beyond its length");
        let twins = rows().filter(|other| other.prefix == row.prefix).count();
        assert_eq!(twins, 1, "{row} is listed twice");
    }
}

/// Range by range: the neighbour below, first, last, the neighbour above. Neighbours that lie in
/// another reserved range have its name.
const EDGES_V4: &[(&str, Option<&str>)] = &[
    ("0.0.0.0", Some("This host on this network")),
    ("0.0.0.1", Some("This network")),
    ("0.255.255.255", Some("This network")),
    ("1.0.0.0", None),
    ("9.255.255.255", None),
    ("10.0.0.0", Some("Private-Use")),
    ("10.255.255.255", Some("Private-Use")),
    ("11.0.0.0", None),
    ("100.63.255.255", None),
    ("100.64.0.0", Some("Shared Address Space")),
    ("100.127.255.255", Some("Shared Address Space")),
    ("100.128.0.0", None),
    ("126.255.255.255", None),
    ("127.0.0.0", Some("Loopback")),
    ("127.255.255.255", Some("Loopback")),
    ("128.0.0.0", None),
    ("169.253.255.255", None),
    ("169.254.0.0", Some("Link Local")),
    ("169.254.169.254", Some("Link Local")),
    ("169.254.255.255", Some("Link Local")),
    ("169.255.0.0", None),
    ("172.15.255.255", None),
    ("172.16.0.0", Some("Private-Use")),
    ("172.31.255.255", Some("Private-Use")),
    ("172.32.0.0", None),
    ("191.255.255.255", None),
    ("192.0.0.0", Some("IPv4 Service Continuity Prefix")),
    ("192.0.0.7", Some("IPv4 Service Continuity Prefix")),
    ("192.0.0.8", Some("IPv4 dummy address")),
    ("192.0.0.9", None),
    ("192.0.0.10", None),
    ("192.0.0.11", Some("IETF Protocol Assignments")),
    ("192.0.0.169", Some("IETF Protocol Assignments")),
    ("192.0.0.170", Some("NAT64/DNS64 Discovery")),
    ("192.0.0.171", Some("NAT64/DNS64 Discovery")),
    ("192.0.0.172", Some("IETF Protocol Assignments")),
    ("192.0.0.255", Some("IETF Protocol Assignments")),
    ("192.0.1.0", None),
    ("192.0.1.255", None),
    ("192.0.2.0", Some("Documentation (TEST-NET-1)")),
    ("192.0.2.255", Some("Documentation (TEST-NET-1)")),
    ("192.0.3.0", None),
    ("192.31.196.1", None),
    ("192.52.193.1", None),
    ("192.88.98.255", None),
    ("192.88.99.0", Some("Deprecated (6to4 Relay Anycast)")),
    ("192.88.99.255", Some("Deprecated (6to4 Relay Anycast)")),
    ("192.88.100.0", None),
    ("192.167.255.255", None),
    ("192.168.0.0", Some("Private-Use")),
    ("192.168.255.255", Some("Private-Use")),
    ("192.169.0.0", None),
    ("192.175.48.1", None),
    ("198.17.255.255", None),
    ("198.18.0.0", Some("Benchmarking")),
    ("198.19.255.255", Some("Benchmarking")),
    ("198.20.0.0", None),
    ("198.51.99.255", None),
    ("198.51.100.0", Some("Documentation (TEST-NET-2)")),
    ("198.51.100.255", Some("Documentation (TEST-NET-2)")),
    ("198.51.101.0", None),
    ("203.0.112.255", None),
    ("203.0.113.0", Some("Documentation (TEST-NET-3)")),
    ("203.0.113.255", Some("Documentation (TEST-NET-3)")),
    ("203.0.114.0", None),
    ("223.255.255.255", None),
    ("224.0.0.0", Some("Multicast")),
    ("239.255.255.255", Some("Multicast")),
    ("240.0.0.0", Some("Reserved")),
    ("255.255.255.254", Some("Reserved")),
    ("255.255.255.255", Some("Limited Broadcast")),
];

const UNUSED: Option<&str> = Some("Not in use for unicast");
const ASSIGNMENTS: Option<&str> = Some("IETF Protocol Assignments");

const EDGES_V6: &[(&str, Option<&str>)] = &[
    ("::", Some("Unspecified Address")),
    ("::1", Some("Loopback Address")),
    ("::fffe:ffff:ffff:ffff", UNUSED),
    ("64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("64:ff9b::1:0:0", UNUSED),
    ("64:ff9b:0:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("64:ff9b:2::", UNUSED),
    ("ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("100::", Some("Discard-Only Address Block")),
    (
        "100::ffff:ffff:ffff:ffff",
        Some("Discard-Only Address Block"),
    ),
    ("100:0:0:1::", Some("Dummy IPv6 Prefix")),
    ("100:0:0:1:ffff:ffff:ffff:ffff", Some("Dummy IPv6 Prefix")),
    ("100:0:0:2::", UNUSED),
    ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("2000::", None),
    ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:1::", ASSIGNMENTS),
    ("2001:1::1", None),
    ("2001:1::2", None),
    ("2001:1::3", None),
    ("2001:1::4", ASSIGNMENTS),
    ("2001:1:ffff:ffff:ffff:ffff:ffff:ffff", ASSIGNMENTS),
    ("2001:2::", Some("Benchmarking")),
    ("2001:2:0:ffff:ffff:ffff:ffff:ffff", Some("Benchmarking")),
    ("2001:2:1::", ASSIGNMENTS),
    ("2001:3::", None),
    ("2001:4:111:ffff:ffff:ffff:ffff:ffff", ASSIGNMENTS),
    ("2001:4:112::", None),
    ("2001:4:112:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:4:113::", ASSIGNMENTS),
    ("2001:f:ffff:ffff:ffff:ffff:ffff:ffff", ASSIGNMENTS),
    ("2001:10::", Some("Deprecated (ORCHID)")),
    (
        "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Deprecated (ORCHID)"),
    ),
    ("2001:20::", None),
    ("2001:30::", None),
    ("2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:40::", ASSIGNMENTS),
    ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", ASSIGNMENTS),
    ("2001:200::", None),
    ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:db8::", Some("Documentation")),
    (
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Documentation"),
    ),
    ("2001:db9::", None),
    ("2003::", None),
    ("2620:4f:8000::1", None),
    ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("3fff::", Some("Documentation")),
    (
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Documentation"),
    ),
    ("3fff:1000::", None),
    ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("4000::", UNUSED),
    ("5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("5f00::", Some("Segment Routing (SRv6) SIDs")),
    (
        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Segment Routing (SRv6) SIDs"),
    ),
    ("5f01::", UNUSED),
    ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("fc00::", Some("Unique-Local")),
    (
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Unique-Local"),
    ),
    ("fe00::", UNUSED),
    ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNUSED),
    ("fe80::", Some("Link-Local Unicast")),
    (
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Link-Local Unicast"),
    ),
    ("fec0::", Some("Deprecated (Site-Local)")),
    (
        "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("Deprecated (Site-Local)"),
    ),
    ("ff00::", Some("Multicast")),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("Multicast")),
];
