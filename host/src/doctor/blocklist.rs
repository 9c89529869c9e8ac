//! Blocklists in DNS (RFC 5782): whether an address is on one, and whether the list can be asked
//! from here at all.
//!
//! A list that refuses us, has gone, or answers everything says nothing about the address: that
//! cannot be told, and is not taken for a clean address. The test entries of section 5 show which
//! it is.

use std::net::{IpAddr, Ipv4Addr};

use vrfy_proto::domain::DomainName;

use super::catalogue::Check;
use super::dns::{Dns, absence, list, nibbles, reversed};
use super::finding::Finding;
use crate::lookup::{QuestionKind, Records};

/// Listed on every list that follows RFC 5782 section 5.
const LISTED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Listed on none.
const NOT_LISTED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

/// Characters of a list's explanation that are kept.
const TEXT_MAX: usize = 300;

/// Explanations of a list that are kept: lists give one, or one for each reason.
const TEXTS_MAX: usize = 4;

/// Asks one list about one address.
pub(crate) async fn examine(dns: &impl Dns, zone: &DomainName, address: IpAddr) -> Finding {
    let zone = zone.as_str();
    let entry = |test: Ipv4Addr| match address.to_canonical() {
        IpAddr::V4(_) => reversed(IpAddr::V4(test), zone),
        IpAddr::V6(_) => nibbles(test.to_ipv6_mapped(), zone),
    };
    let question = reversed(address, zone);
    let (yes, no) = (entry(LISTED), entry(NOT_LISTED));
    let (yes, no, ours) = tokio::join!(
        dns.ask(&yes, QuestionKind::V4),
        dns.ask(&no, QuestionKind::V4),
        dns.ask(&question, QuestionKind::V4)
    );
    let finding = match judge(zone, address, &yes, &no, &ours) {
        Judgement::Unusable(why) => Finding::unknown(Check::Blocklist, why).remedy(USE_ANOTHER),
        Judgement::Unknown(why) => Finding::unknown(Check::Blocklist, why),
        Judgement::Clean => Finding::ok(Check::Blocklist, format!("{address} is not on {zone}")),
        Judgement::Listed(answers) => {
            let text = dns.ask(&question, QuestionKind::Txt).await;
            let text: Vec<String> = text
                .texts()
                .iter()
                .take(TEXTS_MAX)
                .map(|text| {
                    String::from_utf8_lossy(text)
                        .chars()
                        .take(TEXT_MAX)
                        .collect()
                })
                .collect();
            let mut seen = format!("{address} is on {zone}: {answers}");
            if !text.is_empty() {
                seen = format!("{seen}, \"{}\"", list(&text));
            }
            let finding = Finding::failed(Check::Blocklist, seen).with("answer", answers);
            text.into_iter()
                .fold(finding, |finding, text| finding.with("txt", text))
        }
    };
    finding
        .with("zone", zone)
        .with("question", format!("{question} A"))
}

/// What to do about a list that cannot be asked from here.
const USE_ANOTHER: &str = "ask the list through a resolver of your own, or as its operator says; \
                           leave out a list that has ended";

enum Judgement {
    /// The list does not answer as lists do.
    Unusable(String),
    /// DNS failed.
    Unknown(String),
    Clean,
    Listed(String),
}

fn judge(zone: &str, address: IpAddr, yes: &Records, no: &Records, ours: &Records) -> Judgement {
    for records in [yes, no, ours] {
        if let Some(refusal) = records.addresses().into_iter().find_map(refusal) {
            let why = format!("{zone} refuses to answer us: {refusal}");
            return Judgement::Unusable(why);
        }
    }
    if let Some(foreign) = ours.addresses().into_iter().find(|one| !is_loopback(*one)) {
        let why = format!("{zone} answered {foreign}, which no list does: it may have ended");
        return Judgement::Unusable(why);
    }
    for (records, what) in [(yes, "test entry"), (no, "counter-test"), (ours, "address")] {
        if records.answer.is_temporary() {
            let why = absence(&records.answer);
            return Judgement::Unknown(format!("{zone} did not answer about its {what}: {why}"));
        }
    }
    let is_listed = |records: &Records| !records.addresses().is_empty();
    let is_test = |test: Ipv4Addr| address.to_canonical() == IpAddr::V4(test);
    if !is_listed(yes) && !is_test(LISTED) {
        let why = format!(
            "{zone} does not list its test entry {LISTED}: it may have ended, be misspelt, or \
             not know this kind of address"
        );
        return Judgement::Unusable(why);
    }
    if is_listed(no) && !is_test(NOT_LISTED) {
        let why = format!("{zone} lists {NOT_LISTED}, which no list does: it lists everybody");
        return Judgement::Unusable(why);
    }
    match ours.addresses() {
        answers if answers.is_empty() => Judgement::Clean,
        answers => Judgement::Listed(list(&answers)),
    }
}

/// Answers in 127.255.255.0/24 are no listings: the large lists say there why they do not answer.
fn refusal(answer: IpAddr) -> Option<String> {
    let IpAddr::V4(answer) = answer else {
        return None;
    };
    let [127, 255, 255, reason] = answer.octets() else {
        return None;
    };
    let reason = match reason {
        252 => "the zone is misspelt",
        254 => "the question came through a public resolver",
        255 => "too many questions came through this resolver",
        _ => "it does not say why",
    };
    Some(format!("{answer}, {reason}"))
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::super::dns::fixture::Zone;
    use super::super::finding::Outcome;
    use super::*;

    const SANE: &str = "2.0.0.127.bl.test A 127.0.0.2";

    async fn finding(zone: &str, address: &str) -> Finding {
        let list = DomainName::parse("bl.test").unwrap();
        examine(&Zone::of(zone), &list, address.parse().unwrap()).await
    }

    #[tokio::test]
    async fn an_address_is_clean_only_on_a_list_that_answers_its_tests() {
        let clean = finding(SANE, "192.0.2.1").await;
        assert_eq!(clean.outcome, Outcome::Ok, "{clean:?}");
        let silent = finding("bl.test TXT x", "192.0.2.1").await;
        assert_eq!(silent.outcome, Outcome::Unknown, "{silent:?}");
        assert!(silent.seen.contains("test entry 127.0.0.2"), "{silent:?}");
    }

    #[tokio::test]
    async fn a_listed_address_is_told_with_answer_and_reason() {
        let zone = format!(
            "{SANE}
             1.2.0.192.bl.test A 127.0.0.4
             1.2.0.192.bl.test TXT see https://bl.test/192.0.2.1"
        );
        let found = finding(&zone, "192.0.2.1").await;
        assert_eq!(found.outcome, Outcome::Failed);
        for part in ["127.0.0.4", "see https://bl.test/192.0.2.1"] {
            assert!(found.seen.contains(part), "{found:?}");
        }
        assert!(found.remedy.is_some());
    }

    #[tokio::test]
    async fn a_list_can_explain_itself_a_few_times_and_not_for_ever() {
        let long = "x".repeat(TEXT_MAX + 50);
        let texts = (0..9).map(|n| format!("1.2.0.192.bl.test TXT {n}{long}"));
        let texts: Vec<String> = texts.collect();
        let zone = format!(
            "{SANE}\n1.2.0.192.bl.test A 127.0.0.4\n{}",
            texts.join("\n")
        );
        let found = finding(&zone, "192.0.2.1").await;
        let kept = found.facts.iter().filter(|fact| fact.name == "txt");
        assert_eq!(kept.clone().count(), TEXTS_MAX);
        assert!(kept.clone().all(|fact| fact.value.len() == TEXT_MAX));
    }

    #[tokio::test]
    async fn a_list_that_refuses_us_or_lists_everybody_tells_nothing() {
        for (zone, part) in [
            ("1.2.0.192.bl.test A 127.255.255.254", "public resolver"),
            ("2.0.0.127.bl.test A 127.255.255.255", "too many"),
            ("1.2.0.192.bl.test A 203.0.113.9", "203.0.113.9"),
            (
                "2.0.0.127.bl.test A 127.0.0.2
                 1.0.0.127.bl.test A 127.0.0.2
                 1.2.0.192.bl.test A 127.0.0.2",
                "everybody",
            ),
            ("1.2.0.192.bl.test A servfail!", "SERVFAIL"),
        ] {
            let found = finding(zone, "192.0.2.1").await;
            assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
            assert!(found.seen.contains(part), "{found:?}");
            assert!(found.remedy.is_some());
        }
    }

    #[tokio::test]
    async fn an_ipv6_address_is_asked_by_its_nibbles_and_needs_the_ipv6_test_entry() {
        let test = format!(
            "{} A 127.0.0.2",
            nibbles(LISTED.to_ipv6_mapped(), "bl.test")
        );
        assert_eq!(finding(&test, "2001:db8::1").await.outcome, Outcome::Ok);
        assert_eq!(finding(SANE, "2001:db8::1").await.outcome, Outcome::Unknown);
    }
}
