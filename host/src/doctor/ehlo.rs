//! The EHLO name: whether it is one, whether it leads to us, whether it is what the address is
//! called.

use std::net::IpAddr;

use vrfy_proto::domain::Domain;

use super::catalogue::Check;
use super::dns::{Dns, addresses, list, same};
use super::finding::Finding;

/// Looks the EHLO name up. `names` are those in the PTR records, where they are known.
pub(crate) async fn examine(
    dns: &impl Dns,
    ehlo: Option<&Domain>,
    address: Option<IpAddr>,
    names: Option<&[String]>,
) -> Vec<Finding> {
    let Some(name) = ehlo.and_then(Domain::name) else {
        return literal(ehlo, address);
    };
    let name = name.as_str();
    let form = if name.split('.').count() > 1 {
        Finding::ok(Check::EhloName, format!("{name} is a full name"))
    } else {
        Finding::failed(Check::EhloName, format!("{name} is a single label"))
    };
    let found = addresses(dns, name).await;
    let resolves = match (&found.failure, found.found.is_empty()) {
        (_, false) => Finding::ok(Check::EhloResolves, format!("{name} is {}", found.text())),
        (Some(why), true) => {
            let seen = format!("the addresses of {name} are not known: {why}");
            Finding::unknown(Check::EhloResolves, seen)
        }
        (None, true) => {
            let seen = format!("{name} has no address: {}", found.absence);
            Finding::failed(Check::EhloResolves, seen)
        }
    };
    let alias = match (&found.alias, found.found.is_empty()) {
        (Some(target), _) => {
            let seen = format!("{name} is an alias of {target}");
            Finding::warning(Check::EhloAlias, seen).with("cname", target)
        }
        (None, false) => Finding::ok(Check::EhloAlias, format!("{name} has addresses of its own")),
        (None, true) => Finding::skipped(Check::EhloAlias, format!("{name} has no known address")),
    };
    let leads_here = match address {
        None => Finding::skipped(Check::EhloAddress, "the public address is not known"),
        Some(_) if found.found.is_empty() => {
            Finding::skipped(Check::EhloAddress, format!("{name} has no known address"))
        }
        Some(address) if found.found.iter().any(|one| same(*one, address)) => Finding::ok(
            Check::EhloAddress,
            format!("{name} has the address {address}"),
        ),
        Some(address) => match &found.failure {
            Some(why) => {
                let seen = format!("not all addresses of {name} are known: {why}");
                Finding::unknown(Check::EhloAddress, seen)
            }
            None => {
                let seen = format!("{name} has {}, not {address}", found.text());
                Finding::warning(Check::EhloAddress, seen)
            }
        },
    };
    vec![form, resolves, alias, leads_here, reverse(name, names)]
}

/// An address literal, or nothing, in the place of a name.
fn literal(ehlo: Option<&Domain>, address: Option<IpAddr>) -> Vec<Finding> {
    let what = match (ehlo, address) {
        (Some(literal), _) => format!("the address literal {literal} stands in its place"),
        (None, Some(_)) => "no name is given; an address literal stands in its place".to_owned(),
        (None, None) => "no name is given".to_owned(),
    };
    let mut findings = vec![Finding::warning(Check::EhloName, what)];
    let rest = [
        Check::EhloResolves,
        Check::EhloAlias,
        Check::EhloAddress,
        Check::EhloReverse,
    ];
    findings.extend(rest.map(|check| Finding::skipped(check, "there is no EHLO name")));
    findings
}

fn reverse(name: &str, names: Option<&[String]>) -> Finding {
    let check = Check::EhloReverse;
    match names {
        None => Finding::skipped(check, "the name of the address is not known"),
        Some([]) => Finding::skipped(check, "the address has no name"),
        Some(names) if names.iter().any(|one| one == name) => {
            Finding::ok(check, format!("both are {name}"))
        }
        Some(names) => {
            let seen = format!("EHLO says {name}, the PTR record {}", list(names));
            Finding::warning(check, seen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dns::fixture::Zone;
    use super::super::finding::Outcome::{self, Failed, Ok, Skipped, Unknown, Warning};
    use super::*;

    async fn outcomes(zone: &str, ehlo: &str, names: Option<&[&str]>) -> Vec<Outcome> {
        let domain = Domain::parse(ehlo).unwrap();
        let names: Option<Vec<String>> =
            names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let address = Some("192.0.2.1".parse().unwrap());
        let zone = Zone::of(zone);
        let findings = examine(&zone, Some(&domain), address, names.as_deref()).await;
        findings.iter().map(|finding| finding.outcome).collect()
    }

    #[tokio::test]
    async fn one_name_for_both_directions_is_in_order() {
        let zone = "mail.example.test A 192.0.2.1";
        let names = ["mail.example.test"];
        let found = outcomes(zone, "mail.example.test", Some(&names)).await;
        assert_eq!(found, [Ok; 5]);
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_fails() {
        let found = outcomes("x.test A 192.0.2.1", "mail.example.test", Some(&["x.test"])).await;
        assert_eq!(found, [Ok, Failed, Skipped, Skipped, Warning]);
    }

    #[tokio::test]
    async fn an_alias_is_followed_and_told() {
        let zone = "mail.example.test CNAME host.example.test
                    host.example.test A 192.0.2.1";
        let found = outcomes(zone, "mail.example.test", Some(&["host.example.test"])).await;
        assert_eq!(found, [Ok, Ok, Warning, Ok, Warning]);
    }

    #[tokio::test]
    async fn another_address_is_a_warning_because_servers_may_not_refuse_for_it() {
        let zone = "mail.example.test A 192.0.2.7";
        let found = outcomes(zone, "mail.example.test", Some(&[])).await;
        assert_eq!(found, [Ok, Ok, Ok, Warning, Skipped]);
    }

    #[tokio::test]
    async fn a_failure_of_dns_is_not_a_finding_about_us() {
        let zone = "mail.example.test A servfail!";
        let found = outcomes(zone, "mail.example.test", None).await;
        assert_eq!(found, [Ok, Unknown, Skipped, Skipped, Skipped]);
    }

    #[tokio::test]
    async fn a_literal_is_a_warning_and_the_rest_is_not_asked() {
        let found = outcomes("x.test A 192.0.2.1", "[192.0.2.1]", None).await;
        assert_eq!(found, [Warning, Skipped, Skipped, Skipped, Skipped]);
        let none = examine(&Zone::default(), None, None, None).await;
        assert_eq!(none[0].outcome, Warning);
    }

    #[tokio::test]
    async fn a_single_label_is_no_full_name() {
        let found = outcomes("ai A 192.0.2.1", "ai", Some(&["ai"])).await;
        assert_eq!(found[0], Failed);
    }
}
