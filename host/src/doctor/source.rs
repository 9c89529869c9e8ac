//! The address that the outside sees: the one bound, the system's choice, or what the operator
//! says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;
use vrfy_proto::address_safety::classify;

use super::catalogue::Check;
use super::finding::Finding;
use crate::connect::AddressGuard;
use crate::egress::{self, Egress, Leg};

/// Where connections of one egress come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The local address, where it is known.
    pub(crate) local: Option<IpAddr>,
    /// The address that the outside sees, where it is known.
    pub(crate) seen: Option<IpAddr>,
}

/// The families that are examined, each with whether it is IPv6: those with an address of their
/// own, else IPv4 with the system's choice.
pub(crate) fn legs(egress: &Egress) -> Vec<(&Leg, bool)> {
    let all = [(&egress.v4, false), (&egress.v6, true)];
    let is_bound = |leg: &Leg| matches!(leg.source, egress::Source::Address(_));
    let bound: Vec<(&Leg, bool)> = all.into_iter().filter(|(leg, _)| is_bound(leg)).collect();
    if bound.is_empty() {
        vec![all[0]]
    } else {
        bound
    }
}

/// Finds out which address the system would choose to get there. Nothing is sent: connecting a
/// datagram socket only looks the route up.
pub(crate) async fn chosen_for(target: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match target {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect(SocketAddr::new(target, PORT)).await.ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Any will do, for nothing is sent.
const PORT: u16 = 25;

/// Addresses for documentation, in the place of any address outside.
pub(crate) const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// What is known of the address of an egress.
pub(crate) fn judge(
    local: Option<IpAddr>,
    is_bound: bool,
    public: Option<IpAddr>,
    guard: &AddressGuard,
) -> (Source, Finding) {
    let check = Check::SourceAddress;
    let how = if is_bound {
        "bound"
    } else {
        "chosen by the system"
    };
    let is_public = |address: IpAddr| guard.check(address).is_ok();
    let source = |seen| Source { local, seen };
    match (local, public) {
        (_, Some(public)) if !is_public(public) => {
            let seen = format!("{public} is not public: {}", special(public));
            (source(None), Finding::failed(check, seen))
        }
        (Some(local), Some(public)) if local != public => {
            let seen = format!("{local} ({how}), and {public} outside as was said");
            (source(Some(public)), Finding::ok(check, seen))
        }
        (None, Some(public)) => {
            let seen = format!("{public} as was said");
            (source(Some(public)), Finding::ok(check, seen))
        }
        (Some(local), _) if is_public(local) => (
            source(Some(local)),
            Finding::ok(check, format!("{local} ({how})")),
        ),
        (Some(local), _) => {
            let seen = format!(
                "{local} ({how}) is not public: {}; the outside sees another one",
                special(local)
            );
            (source(None), Finding::warning(check, seen))
        }
        (None, None) => {
            let seen = "this host has no route outwards, so no address to come from";
            (
                source(None),
                Finding::failed(check, seen).remedy("connect this host to the network"),
            )
        }
    }
}

fn special(address: IpAddr) -> String {
    classify(address).map_or_else(|| "allowed".to_owned(), ToString::to_string)
}

/// What is known of IPv6, whichever address is examined.
pub(crate) async fn ipv6(egress_addresses: &[IpAddr], guard: &AddressGuard) -> Finding {
    let check = Check::Ipv6;
    let [_, outside] = OUTSIDE;
    let route = chosen_for(outside).await;
    let examined = egress_addresses.iter().any(IpAddr::is_ipv6);
    match (route, examined) {
        (Some(address), true) => {
            let seen = format!("there is a route, from {address}; an IPv6 address is examined");
            Finding::new(check, super::Outcome::Note, seen)
        }
        (Some(address), false) if guard.check(address).is_err() => {
            let seen = format!("there is a route, from {address}, which is not public");
            Finding::new(check, super::Outcome::Note, seen)
        }
        (Some(address), false) => {
            let seen = format!("there is a route, from {address}, which is not examined here");
            let finding = Finding::new(check, super::Outcome::Note, seen);
            finding.remedy(check.entry().remedy)
        }
        (None, _) => {
            let seen = "this host has no IPv6 route; exchanges are asked over IPv4 only";
            Finding::new(check, super::Outcome::Note, seen)
        }
    }
}

#[cfg(test)]
mod tests {
    use vrfy_proto::reverse_path::ReversePath;

    use super::super::finding::Outcome;
    use super::*;

    fn outcome(local: Option<&str>, public: Option<&str>) -> (Outcome, Option<String>) {
        let parse = |text: &str| text.parse().unwrap();
        let guard = AddressGuard::default();
        let (source, finding) = judge(local.map(parse), true, public.map(parse), &guard);
        (finding.outcome, source.seen.map(|seen| seen.to_string()))
    }

    #[test]
    fn a_private_address_is_not_what_the_outside_sees() {
        assert_eq!(outcome(Some("10.0.0.5"), None), (Outcome::Warning, None));
        let said = outcome(Some("10.0.0.5"), Some("2600::1"));
        assert_eq!(said, (Outcome::Ok, Some("2600::1".to_owned())));
        assert_eq!(outcome(None, Some("10.0.0.5")), (Outcome::Failed, None));
        assert_eq!(outcome(None, None), (Outcome::Failed, None));
    }

    #[test]
    fn the_families_with_an_address_are_examined_else_ipv4() {
        let families = |source: Option<&str>| {
            let source = source.map(|text| text.parse().unwrap());
            let egress = Egress::single(source, None, ReversePath::Null);
            let legs = legs(&egress);
            legs.iter().map(|(_, is_v6)| *is_v6).collect::<Vec<bool>>()
        };
        assert_eq!(families(None), [false]);
        assert_eq!(families(Some("192.0.2.1")), [false]);
        assert_eq!(families(Some("2001:db8::1")), [true]);
        let mut both = Egress::single(Some(OUTSIDE[0]), None, ReversePath::Null);
        both.v6.source = egress::Source::Address(OUTSIDE[1]);
        assert_eq!(legs(&both).len(), 2);
    }

    #[tokio::test]
    async fn the_system_chooses_loopback_for_loopback() {
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert_eq!(chosen_for(loopback).await, Some(loopback));
    }
}
