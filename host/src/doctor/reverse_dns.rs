//! The name of an address: whether it has one, whether that leads back, whether a person gave it.

use std::net::IpAddr;

use super::catalogue::Check;
use super::dns::{Dns, absence, addresses, list, reverse_name, same};
use super::finding::Finding;
use crate::lookup::QuestionKind;

/// Names of an address that are looked at: one is right, receivers look at a few (RFC 7208 section
/// 4.6.4 says ten), and anybody can publish thousands.
const NAMES_MAX: usize = 10;

/// What the checks of the EHLO name need to know.
#[derive(Debug, Default)]
pub(crate) struct Reverse {
    /// The three findings.
    pub(crate) findings: Vec<Finding>,
    /// The names in the PTR records; none where there was no answer.
    pub(crate) names: Option<Vec<String>>,
}

impl Reverse {
    /// For an address that is not known.
    pub(crate) fn not_asked() -> Self {
        let checks = [
            Check::ReverseDns,
            Check::ForwardConfirmed,
            Check::ReverseName,
        ];
        Self {
            findings: checks
                .map(|check| Finding::skipped(check, super::NO_ADDRESS))
                .to_vec(),
            names: None,
        }
    }
}

/// Looks the name of an address up, and back.
pub(crate) async fn examine(dns: &impl Dns, address: IpAddr) -> Reverse {
    let question = reverse_name(address);
    let records = dns.ask(&question, QuestionKind::Ptr).await;
    let names: Vec<String> = records.names().into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return without_name(&question, address, &records.answer);
    }
    let first = if names.len() == 1 {
        Finding::ok(Check::ReverseDns, format!("{address} is {}", names[0]))
    } else {
        let seen = format!("{address} has {} names: {}", names.len(), list(&names));
        Finding::warning(Check::ReverseDns, seen)
            .remedy("leave one PTR record: servers look at one of several, and not all at the same")
    };
    let first = names.iter().take(NAMES_MAX).fold(
        first.with("question", format!("{question} PTR")),
        |finding, name| finding.with("ptr", name),
    );
    let confirmed = forward(dns, address, &names).await;
    let generic = generic(address, &names[0]);
    Reverse {
        findings: vec![first, confirmed, generic],
        names: Some(names),
    }
}

fn without_name<T>(
    question: &str,
    address: IpAddr,
    answer: &vrfy_proto::mx::DnsAnswer<T>,
) -> Reverse {
    let why = absence(answer);
    let (first, names) = if answer.is_temporary() {
        let seen = format!("the name of {address} is not known: {why}");
        (Finding::unknown(Check::ReverseDns, seen), None)
    } else {
        let seen = format!("{address} has no PTR record: {why}");
        (Finding::failed(Check::ReverseDns, seen), Some(Vec::new()))
    };
    let skipped = |check| Finding::skipped(check, format!("no name of {address} is known"));
    Reverse {
        findings: vec![
            first.with("question", format!("{question} PTR")),
            skipped(Check::ForwardConfirmed),
            skipped(Check::ReverseName),
        ],
        names,
    }
}

async fn forward(dns: &impl Dns, address: IpAddr, names: &[String]) -> Finding {
    let check = Check::ForwardConfirmed;
    let mut facts = Vec::new();
    let mut failure = None;
    for name in names.iter().take(NAMES_MAX) {
        let found = addresses(dns, name).await;
        let text = match (found.found.is_empty(), &found.failure) {
            (false, _) => found.text(),
            (true, Some(failure)) => failure.clone(),
            (true, None) => found.absence.clone(),
        };
        facts.push((name, text));
        if found.found.iter().any(|one| same(*one, address)) {
            let seen = format!("{name} has the address {address}");
            return Finding::ok(check, seen).with("addresses", found.text());
        }
        failure = failure.or_else(|| found.failure.map(|why| (name, why)));
    }
    let finding = match failure {
        Some((name, why)) => {
            let seen = format!("not all addresses of {name} are known: {why}");
            Finding::unknown(check, seen)
        }
        None => {
            let (name, text) = &facts[0];
            let seen = format!("{name} does not lead back to {address}: {text}");
            Finding::failed(check, seen)
        }
    };
    facts.iter().fold(finding, |finding, (name, text)| {
        finding.with("addresses", format!("{name}: {text}"))
    })
}

fn generic(address: IpAddr, name: &str) -> Finding {
    let check = Check::ReverseName;
    if holds_address(address, name) {
        let seen = format!("{name} holds the address, as names do that a machine made");
        return Finding::warning(check, seen);
    }
    match machine_word(name) {
        Some(word) => {
            let seen = format!("{name} holds the word {word}, as names of home connections do");
            Finding::warning(check, seen)
        }
        None => Finding::ok(check, format!("{name} does not look machine-made")),
    }
}

/// Whether the name is made from the address: three of its octets in a row, in either direction,
/// or eight of its hexadecimal digits.
fn holds_address(address: IpAddr, name: &str) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let octets = address.octets();
            let numbers: Vec<u32> = name
                .split(|character: char| !character.is_ascii_digit())
                .filter(|digits| !digits.is_empty())
                .map(|digits| digits.parse().unwrap_or(u32::MAX))
                .collect();
            let wanted: Vec<u32> = octets.iter().map(|octet| u32::from(*octet)).collect();
            let back: Vec<u32> = wanted.iter().rev().copied().collect();
            let in_row = |run: &[u32]| {
                let parts = wanted.windows(3).chain(back.windows(3));
                parts.into_iter().any(|part| part == run)
            };
            let hexadecimal = format!("{:08x}", address.to_bits());
            numbers.windows(3).any(in_row) || name.contains(&hexadecimal)
        }
        IpAddr::V6(address) => {
            let digits = format!("{:032x}", address.to_bits());
            let plain: String = name
                .chars()
                .filter(|character| !matches!(character, '-' | '.'))
                .collect();
            let interface = &digits[24..];
            plain.contains(interface) && interface.trim_start_matches('0').len() > 4
        }
    }
}

/// A word that providers put into the names of home connections.
fn machine_word(name: &str) -> Option<&str> {
    let labels = name.split(['.', '-', '_']);
    labels
        .map(|label| label.trim_matches(|character: char| character.is_ascii_digit()))
        .find(|label| MACHINE_WORDS.contains(label))
}

/// Such words; each must stand by itself between dots and hyphens.
const MACHINE_WORDS: &[&str] = &[
    "adsl",
    "broadband",
    "cable",
    "catv",
    "client",
    "cpe",
    "customer",
    "dhcp",
    "dial",
    "dialup",
    "dip",
    "dsl",
    "dyn",
    "dynamic",
    "ftth",
    "home",
    "hsia",
    "modem",
    "pool",
    "ppp",
    "pppoe",
    "residential",
    "unassigned",
    "unknown",
    "user",
    "vdsl",
    "wireless",
];

#[cfg(test)]
mod tests {
    use super::super::dns::fixture::Zone;
    use super::super::finding::Outcome;
    use super::*;

    async fn outcomes(zone: &str) -> (Vec<Outcome>, Reverse) {
        let reverse = examine(&Zone::of(zone), "192.0.2.1".parse().unwrap()).await;
        let outcomes = reverse.findings.iter().map(|finding| finding.outcome);
        (outcomes.collect(), reverse)
    }

    #[tokio::test]
    async fn a_name_that_leads_back_is_in_order() {
        let zone = "1.2.0.192.in-addr.arpa PTR mail.example.test
                    mail.example.test A 192.0.2.1";
        let (outcomes, reverse) = outcomes(zone).await;
        assert_eq!(outcomes, [Outcome::Ok; 3]);
        assert_eq!(
            reverse.names.as_deref(),
            Some(&["mail.example.test".to_owned()][..])
        );
        assert_eq!(
            reverse.findings[0].facts[0].value,
            "1.2.0.192.in-addr.arpa PTR"
        );
    }

    #[tokio::test]
    async fn an_address_without_a_name_fails_and_the_rest_is_not_asked() {
        let (outcomes, reverse) = outcomes("x.test A 192.0.2.1").await;
        assert_eq!(
            outcomes,
            [Outcome::Failed, Outcome::Skipped, Outcome::Skipped]
        );
        assert!(reverse.findings[0].seen.contains("NXDOMAIN"), "{reverse:?}");
        assert_eq!(reverse.names.as_deref(), Some(&[][..]));
    }

    #[tokio::test]
    async fn a_name_with_another_address_or_none_does_not_confirm() {
        let elsewhere = "1.2.0.192.in-addr.arpa PTR mail.example.test
                         mail.example.test A 192.0.2.7";
        let (found, reverse) = outcomes(elsewhere).await;
        assert_eq!(found, [Outcome::Ok, Outcome::Failed, Outcome::Ok]);
        assert!(
            reverse.findings[1].seen.contains("192.0.2.7"),
            "{reverse:?}"
        );
        let (found, _) = outcomes("1.2.0.192.in-addr.arpa PTR mail.example.test").await;
        assert_eq!(found[1], Outcome::Failed);
    }

    #[tokio::test]
    async fn one_of_several_names_is_enough_but_several_are_a_warning() {
        let zone = "1.2.0.192.in-addr.arpa PTR other.example.test
                    1.2.0.192.in-addr.arpa PTR mail.example.test
                    mail.example.test A 192.0.2.1";
        assert_eq!(
            outcomes(zone).await.0,
            [Outcome::Warning, Outcome::Ok, Outcome::Ok]
        );
    }

    #[tokio::test]
    async fn a_failure_of_dns_is_not_a_finding_about_us() {
        let (found, reverse) = outcomes("1.2.0.192.in-addr.arpa PTR servfail!").await;
        assert_eq!(
            found,
            [Outcome::Unknown, Outcome::Skipped, Outcome::Skipped]
        );
        assert_eq!(reverse.names, None);
        let zone = "1.2.0.192.in-addr.arpa PTR mail.example.test
                    mail.example.test A servfail!";
        assert_eq!(
            outcomes(zone).await.0,
            [Outcome::Ok, Outcome::Unknown, Outcome::Ok]
        );
    }

    #[tokio::test]
    async fn an_ipv6_address_is_looked_up_by_its_nibbles_and_confirmed_by_aaaa() {
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let zone = Zone::of(&format!(
            "{} PTR mail.example.test
             mail.example.test AAAA 2001:db8::1
             mail.example.test A 192.0.2.7",
            reverse_name(address)
        ));
        let reverse = examine(&zone, address).await;
        let outcomes = reverse.findings.iter().map(|finding| finding.outcome);
        assert_eq!(outcomes.collect::<Vec<Outcome>>(), [Outcome::Ok; 3]);
        let mapped = examine(&zone, "::ffff:192.0.2.7".parse().unwrap()).await;
        assert_eq!(
            mapped.findings[0].facts[0].value,
            "7.2.0.192.in-addr.arpa PTR"
        );
    }

    #[tokio::test]
    async fn names_beyond_the_tenth_are_neither_looked_up_nor_told() {
        let lines = (0..NAMES_MAX + 5).map(|n| format!("1.2.0.192.in-addr.arpa PTR n{n}.a.test"));
        let lines: Vec<String> = lines.collect();
        let zone = Zone::of(&lines.join("\n"));
        let reverse = examine(&zone, "192.0.2.1".parse().unwrap()).await;
        let told = reverse.findings[0].facts.iter();
        assert_eq!(told.filter(|fact| fact.name == "ptr").count(), NAMES_MAX);
        assert_eq!(
            (zone.asked("n9.a.test A"), zone.asked("n10.a.test A")),
            (1, 0)
        );
    }

    #[test]
    fn names_made_by_machines_are_seen() {
        let v4: IpAddr = "203.0.113.45".parse().unwrap();
        for name in [
            "203-0-113-45.provider.test",
            "45.113.0.203.provider.test",
            "ip-203-0-113.provider.test",
            "host-cb00712d.provider.test",
        ] {
            assert!(holds_address(v4, name), "{name}");
        }
        for name in [
            "mail.example.test",
            "mx45.example.test",
            "node-113-45.example.test",
        ] {
            assert!(!holds_address(v4, name), "{name}");
        }
        assert_eq!(machine_word("a1.dyn.provider.test"), Some("dyn"));
        assert_eq!(machine_word("pool12-3.provider.test"), Some("pool"));
        assert_eq!(machine_word("dynamo.example.test"), None);
        let v6: IpAddr = "2001:db8::21a:2bff:fe3c:4d5e".parse().unwrap();
        assert!(holds_address(v6, "p-fe3c-4d5e.provider.test"));
        assert!(!holds_address(
            "2001:db8::1".parse().unwrap(),
            "mail00000001.example.test"
        ));
    }
}
